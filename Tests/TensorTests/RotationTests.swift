import Glibc
import TestSupport
import Testing

@testable import ReproTensor

@Suite("Rotations and rigid motions")
struct RotationTests {
  private let tolerance = isDouble ? 1e-12 : 2e-6

  private func draw(_ shape: Shape, _ name: String = "v") -> Tensor {
    var stream = RandomStream(seed: 41).child(name)
    return stream.normal(shape)
  }

  /// Axes of length 1.   [n, 3]
  private func axes(_ n: Int) -> Tensor { draw([n, 3], "axes").l2Normalized() }

  @Test func exponentialsAreRotations() {
    let r = (draw([50, 3]) * 2).axisAngleToMatrix()
    expectClose(matmul(r, r.transposed()), Tensor.identity(3).broadcast(to: r.shape), tolerance: tolerance)
    expectClose(r.determinant(), Tensor.ones([50]), tolerance: tolerance)
  }

  @Test func aQuarterTurnAboutZTakesXToY() {
    let v = Tensor([3], [0, 0, Real.pi / 2])
    let expected = Tensor([3, 3], [0, -1, 0, 1, 0, 0, 0, 0, 1])
    expectClose(v.axisAngleToMatrix(), expected, tolerance: tolerance)
    expectClose(v.axisAngleToQuaternion().quaternionToMatrix(), expected, tolerance: tolerance)
    // i j = k
    #expect(quaternionProduct(Tensor([4], [0, 1, 0, 0]), Tensor([4], [0, 0, 1, 0])).values == [0, 0, 0, 1])
    #expect(cross(Tensor([3], [1, 0, 0]), Tensor([3], [0, 1, 0])).values == [0, 0, 1])
  }

  /// From nothing to pi: what was put into the exponential comes back, with its relative accuracy.
  @Test(arguments: [0, 1e-30, 1e-12, 1e-6, 1e-3, 0.1, 1, 2, 3, 3.1, 3.14, 3.1415])
  func logarithmsUndoExponentialsAtEveryAngle(angle: Double) {
    let v: Tensor = axes(20) * Real(angle)
    let (r, q) = (v.axisAngleToMatrix(), v.axisAngleToQuaternion())
    // Near pi an error of the matrix moves the angle by as much: absolute there, relative near 0.
    let bound = 4 * tolerance * max(angle, 1e-35)
    for found in [q.quaternionToAxisAngle(), r.matrixToAxisAngle()] {
      let error = (found - v).abs().reshaped([-1]).amax().item
      #expect(Double(error) <= bound, "\(error)")
    }
    expectClose(r, q.quaternionToMatrix(), tolerance: tolerance)
  }

  /// The translation comes back as well, near no rotation and near half a turn.
  @Test(arguments: [0, 1e-12, 1e-6, 1e-3, 1, 3, 3.14])
  func logarithmsOfMotionsUndoTheirExponentials(angle: Double) {
    let twist = concat([draw([20, 3], "rho"), axes(20) * Real(angle)], axis: -1)
    expectClose(twist.rigidExponential().rigidLogarithm(), twist, tolerance: 4 * tolerance, floor: 1)
  }

  @Test func halfTurnsGiveTheirAxis() {
    // Every dominant axis, so that each branch of the conversion is taken.
    for v in [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.6, 0, 0.8], [0, 0.8, 0.6], [0.36, 0.48, 0.8]] as [[Real]] {
      let r = (Tensor([3], v) * Real.pi).axisAngleToMatrix()
      let found = r.matrixToAxisAngle()
      #expect((Double(found.squared().sum().sqrt().item) - Double.pi).magnitude < 10 * tolerance)
      expectClose(found.axisAngleToMatrix(), r, tolerance: 10 * tolerance)
    }
  }

  @Test func derivativesHoldAtNoRotation() {
    let (zero, nearly) = (Tensor.zeros([2, 3]), draw([2, 3]) * 1e-4)
    for x in [zero, nearly] {
      expectGradient(of: { $0[0].axisAngleToMatrix() }, at: [x])
      expectSecondOrder(of: { $0[0].axisAngleToMatrix() }, at: [x])
      expectGradient(of: { $0[0].axisAngleToMatrix().matrixToAxisAngle() }, at: [x])
      expectSecondOrder(of: { $0[0].axisAngleToMatrix().matrixToAxisAngle() }, at: [x])
      let twist = concat([draw([2, 3], "rho"), x], axis: -1)
      expectGradient(of: { $0[0].rigidExponential() }, at: [twist])
      expectSecondOrder(of: { $0[0].rigidExponential().rigidLogarithm() }, at: [twist])
    }
  }

  /// c_k(t^2) and its recursion in closed forms, on both sides of where the series ends.
  @Test func stumpffFunctionsAreTheirClosedForms() {
    for t in [0.5, 1, 2, 3, 3.162, 3.163, 4, 5, 6.2, 9] as [Double] {
      let x = Tensor(Real(t * t))
      let exact = [cos(t), sin(t) / t, (1 - cos(t)) / (t * t), (t - sin(t)) / (t * t * t)]
      for k in 0...3 {
        #expect(
          (Double(x.stumpff(k).item) - exact[k]).magnitude < 4 * tolerance * max(0.01, exact[k].magnitude), "\(k) \(t)")
      }
      for k in 0...6 {
        let factorial = (1...max(k, 1)).reduce(1.0) { $0 * Double($1) }
        let next = Double(x.stumpff(k).item) + t * t * Double(x.stumpff(k + 2).item)
        #expect((next - 1 / factorial).magnitude < 10 * tolerance, "\(k) \(t)")
      }
    }
    for k in 0...5 {
      let factorial = (1...max(k, 1)).reduce(1.0) { $0 * Double($1) }
      #expect((Double(Tensor(0).stumpff(k).item) - 1 / factorial).magnitude < tolerance)
    }
  }

  /// Simpson's rule on both sides of where the series ends.
  @Test func arctangentIntegralsAreTheirIntegrals() {
    for x in [0, 0.1, 0.2499, 0.2501, 0.5, 1] as [Double] {
      for k in 0...4 {
        let n = 400
        let sum = (0...n).reduce(0.0) { total, i in
          let t = Double(i) / Double(n)
          let weight: Double = i == 0 || i == n ? 1 : i % 2 == 1 ? 4 : 2
          return total + weight * pow(t, Double(2 * k)) / pow(1 + x * t * t, Double(k + 1))
        }
        let found = Double(Tensor(Real(x)).arctangentRatio(k).item)
        #expect((found - sum / Double(3 * n)).magnitude < max(1e-9, tolerance), "\(k) \(x)")
      }
    }
  }

  @Test func productsOfQuaternionsAreProductsOfMatrices() {
    let (a, b) = (draw([20, 4], "a"), draw([20, 4], "b"))
    expectClose(
      quaternionProduct(a, b).quaternionToMatrix(), matmul(a.quaternionToMatrix(), b.quaternionToMatrix()),
      tolerance: 2 * tolerance)
    let unit = a.l2Normalized()
    let one = Tensor([4], [1, 0, 0, 0]).broadcast(to: [20, 4])
    expectClose(quaternionProduct(unit, unit.quaternionConjugate()), one, tolerance: tolerance)
    let back = unit.quaternionToMatrix().matrixToQuaternion()
    let sign = unit.slice(-1, 0..<1).isLess(Tensor(0)) * -2 + 1
    expectClose(back, unit * sign, tolerance: 2 * tolerance)
  }

  @Test func sixNumbersGiveARotationThatGivesThemBackOrthonormalised() {
    let r = draw([20, 6]).sixDToMatrix()
    expectClose(matmul(r.transposed(), r), Tensor.identity(3).broadcast(to: r.shape), tolerance: tolerance)
    expectClose(r.determinant(), Tensor.ones([20]), tolerance: tolerance)
    expectClose(r.matrixToSixD().sixDToMatrix(), r, tolerance: tolerance)
    // The first column keeps its direction.
    let x = Tensor([6], [2, 0, 0, 1, 3, 0])
    expectClose(x.sixDToMatrix(), Tensor.identity(3), tolerance: tolerance)
  }

  @Test func rigidMotionsFormAGroup() {
    let (x, y) = (draw([9, 6], "x") * 0.7, draw([9, 6], "y"))
    let (a, b) = (x.rigidExponential(), y.rigidExponential())
    expectClose(a.rigidLogarithm(), x, tolerance: 4 * tolerance)
    let identity = Tensor.identity(4).broadcast(to: [9, 4, 4])
    expectClose(matmul(a, a.rigidInverse()), identity, tolerance: 2 * tolerance)
    expectClose((-x).rigidExponential(), a.rigidInverse(), tolerance: 2 * tolerance)
    let p = draw([9, 5, 3], "points")
    expectClose(p.moved(by: matmul(a, b)), p.moved(by: b).moved(by: a), tolerance: 2 * tolerance)
    // A pure translation, and a screw: half a turn about z while rising by 1.
    let shift = Tensor([6], [1, 2, 3, 0, 0, 0]).rigidExponential()
    expectClose(Tensor.zeros([1, 3]).moved(by: shift), Tensor([1, 3], [1, 2, 3]), tolerance: tolerance)
    let screw = Tensor([6], [0, 0, 1, 0, 0, Real.pi]).rigidExponential()
    expectClose(Tensor([1, 3], [1, 0, 0]).moved(by: screw), Tensor([1, 3], [-1, 0, 1]), tolerance: tolerance)
  }
}

extension Mistake {
  static let geometry: [Mistake] = [
    Mistake("quaternionToMatrix needs [..., 4], got [2, 3]") { t(2, 3).quaternionToMatrix() },
    Mistake("cross needs [..., 3], got [4]") { cross(t(3), t(4)) },
    Mistake("matrixToQuaternion needs [..., 3, 3], got [4, 3]") { t(4, 3).matrixToQuaternion() },
    Mistake("rigidMotion: the leading axes of [2, 3, 3] and [5, 3] do not broadcast") {
      rigidMotion(rotation: t(2, 3, 3), translation: t(5, 3))
    },
    Mistake("moved(by:) needs points [..., P, 3], got [3]") { t(3).moved(by: t(4, 4)) },
  ]
}
