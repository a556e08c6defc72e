import ReproTensor
import TestSupport

/// The rows of rotations and rigid motions. Matrices are made of what parametrises them, so that difference quotients stay
/// among rotations.
extension OpTable {
  private static func vectors(_ n: Int) -> [[Shape]] { [[[n]], [[2, n]], [[2, 1, 3, n]], [[0, n]]] }
  private static func pairs(_ n: Int) -> [[Shape]] {
    [[[n], [n]], [[2, n], [n]], [[2, 1, n], [1, 3, n]], [[0, n], [n]]]
  }

  static let geometry: [Op] = [
    Op("cross", pairs(3), large: [[[7001, 3], [7001, 3]]]) { cross($0[0], $0[1]) },
    Op("quaternionProduct", pairs(4), large: [[[7001, 4], [7001, 4]]]) { quaternionProduct($0[0], $0[1]) },
    Op("quaternionConjugate", vectors(4), large: [[[7001, 4]]]) { $0[0].quaternionConjugate() },
    Op("quaternionToMatrix", vectors(4), large: [[[7001, 4]]]) { $0[0].quaternionToMatrix() },
    Op("matrixToQuaternion", vectors(3), large: [[[7001, 3]]]) { $0[0].axisAngleToMatrix().matrixToQuaternion() },
    // Of a matrix that is no rotation the result jumps where another component becomes the largest: small angles.
    Op("matrixToQuaternion(disturbed)", vectors(3), large: [[[7001, 3]]]) {
      (($0[0] * 0.2).axisAngleToMatrix() * 1.2 + $0[0].crossProductMatrix() * 0.1).matrixToQuaternion()
    },
    Op("quaternionToAxisAngle", vectors(4), large: [[[7001, 4]]], .positive) {
      $0[0].l2Normalized().quaternionToAxisAngle()
    },
    Op("axisAngleToQuaternion", vectors(3), large: [[[7001, 3]]]) { $0[0].axisAngleToQuaternion() },
    Op("crossProductMatrix", vectors(3), large: [[[7001, 3]]]) { $0[0].crossProductMatrix() },
    Op("axisAngleToMatrix", vectors(3), large: [[[7001, 3]]]) { $0[0].axisAngleToMatrix() },
    Op("axisAngleToMatrix(several turns)", vectors(3), large: [[[7001, 3]]], .positive) {
      ($0[0] * 3).axisAngleToMatrix()
    },
    Op("matrixToAxisAngle", pairs(3), large: [[[7001, 3], [7001, 3]]], .positive) {
      matmul(($0[0] * 0.5).axisAngleToMatrix(), ($0[1] * 0.3).axisAngleToMatrix()).matrixToAxisAngle()
    },
    // Six equal numbers, as a repeated axis would make them, name no rotation.
    Op("sixDToMatrix", vectors(6), large: [[[7001, 6]]], layouts: [.rows, .turned, .window]) { $0[0].sixDToMatrix() },
    Op("matrixToSixD", vectors(3), large: [[[7001, 3]]]) { $0[0].axisAngleToMatrix().matrixToSixD() },
    Op(
      "rigidMotion", [[[3, 3], [3]], [[2, 3, 3], [3]], [[2, 1, 3, 3], [4, 3]], [[0, 3, 3], [3]]],
      large: [[[2001, 3, 3], [2001, 3]]]
    ) { rigidMotion(rotation: $0[0], translation: $0[1]) },
    Op("rigidExponential", vectors(6), large: [[[7001, 6]]]) { $0[0].rigidExponential() },
    Op("rigidLogarithm", pairs(6), large: [[[7001, 6], [7001, 6]]], .positive) {
      matmul(($0[0] * 0.5).rigidExponential(), ($0[1] * 0.3).rigidExponential()).rigidLogarithm()
    },
    Op("rigidInverse", vectors(6), large: [[[7001, 6]]]) { $0[0].rigidExponential().rigidInverse() },
    Op(
      "moved", [[[1, 3], [6]], [[2, 5, 3], [2, 6]], [[4, 3], [2, 1, 6]], [[0, 3], [6]]],
      large: [[[11, 701, 3], [11, 6]]]
    ) { $0[0].moved(by: $0[1].rigidExponential()) },
  ]
}
