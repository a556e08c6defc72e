import ReproConfig
import ReproTensor

/// Where a photograph was taken from: `x_camera = R X + t`, image point `~ K x_camera`; x right, y down, z forward,
/// pixels counted from the outer corner of the upper left one.
public struct PhotoCamera: Sendable, Equatable {
  /// K, 3x3 row-major, in pixels.
  public var intrinsics: [Double]
  /// R, 3x3 row-major, world to camera.
  public var rotation: [Double]
  /// t, in units of the world.
  public var translation: [Double]

  public init(intrinsics: [Double], rotation: [Double], translation: [Double]) {
    require(
      intrinsics.count == 9 && rotation.count == 9 && translation.count == 3, "a camera has K 3x3, R 3x3 and t 3")
    (self.intrinsics, self.rotation, self.translation) = (intrinsics, rotation, translation)
  }

  /// Where the camera stands in the world: `-R^T t`.
  public var centre: [Double] {
    (0..<3).map { i in -(0..<3).reduce(0.0) { $0 + rotation[3 * $1 + i] * translation[$1] } }
  }

  /// The pixel of a point of the world and its distance along the camera's axis; nil behind the camera.
  public func projected(_ point: [Double]) -> (x: Double, y: Double, depth: Double)? {
    let p = (0..<3).map { i in (0..<3).reduce(translation[i]) { $0 + rotation[3 * i + $1] * point[$1] } }
    guard p[2] > 0 else { return nil }
    let q = (0..<3).map { i in (0..<3).reduce(0.0) { $0 + intrinsics[3 * i + $1] * p[$1] } }
    return (q[0] / q[2], q[1] / q[2], p[2])
  }

  /// The camera of the same photograph after a part of it was cut out and resampled.
  public func cut(left: Int, top: Int, scaleX: Double, scaleY: Double) -> PhotoCamera {
    var camera = self
    for k in 0..<3 {
      camera.intrinsics[k] = (intrinsics[k] - Double(left) * intrinsics[6 + k]) * scaleX
      camera.intrinsics[3 + k] = (intrinsics[3 + k] - Double(top) * intrinsics[6 + k]) * scaleY
    }
    return camera
  }

  /// The columns `intrinsics` `[3, 3]`, `rotation` `[3, 3]` and `translation` `[3]` of some photographs.
  ///
  /// - Throws: `ReproError` for numbers that are none, or a rotation whose rows are not orthonormal within 1e-3.
  static func columns(_ cameras: [PhotoCamera], unit: String, source: String) throws -> [SampleColumn] {
    for (i, camera) in cameras.enumerated() {
      for a in 0..<3 {
        for b in 0...a {
          let product = (0..<3).reduce(0.0) { $0 + camera.rotation[3 * a + $1] * camera.rotation[3 * b + $1] }
          guard abs(product - (a == b ? 1 : 0)) < 1e-3 else {
            throw ReproError.data(source, "the rotation of camera \(i) is none: rows \(a) and \(b) give \(product)")
          }
        }
      }
    }
    return [
      try .reals(
        "intrinsics", cameras.flatMap { $0.intrinsics.map { Float($0) } }, shape: [3, 3], unit: "px", source: source),
      try .reals("rotation", cameras.flatMap { $0.rotation.map { Float($0) } }, shape: [3, 3], source: source),
      try .reals(
        "translation", cameras.flatMap { $0.translation.map { Float($0) } }, shape: [3], unit: unit, source: source),
    ]
  }
}
