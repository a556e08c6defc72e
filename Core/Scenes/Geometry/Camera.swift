import Glibc
import ReproTensor

/// A pinhole camera without distortion: intrinsics K and the motion [R|t] from the world into the camera.
///
///     (u, v, 1) ~ K (R x + t),   K = [fx 0 cx; 0 fy cy; 0 0 1]
///
/// OpenCV's convention: x right, y down, z forward; the centre of the pixel in row j and column i is (u, v) = (i, j).
public struct Camera: Sendable, Equatable {
  /// Pixels.
  public var width, height: Int
  /// fx, fy, pixels.
  public var focal: SIMD2<Float>
  /// cx, cy, pixels.
  public var center: SIMD2<Float>
  /// [R|t], metres.
  public var worldToCamera: Pose

  public init(width: Int, height: Int, focal: SIMD2<Float>, center: SIMD2<Float>, worldToCamera: Pose) {
    require(width > 0 && height > 0, "a camera has pixels, got \(width) x \(height)")
    require(focal.x > 0 && focal.y > 0, "a focal length is positive, got \(focal)")
    (self.width, self.height, self.focal, self.center) = (width, height, focal, center)
    self.worldToCamera = worldToCamera
  }

  /// A camera with square pixels and the principal point in the middle of the image.
  ///
  /// - Parameter verticalFieldOfView: the angle between the upper and the lower edge of the image, radians, 0 to pi.
  public init(width: Int, height: Int, verticalFieldOfView: Float, worldToCamera: Pose) {
    let focal = Float(height) / (2 * tanf(verticalFieldOfView / 2))
    self.init(
      width: width, height: height, focal: SIMD2(focal, focal),
      center: SIMD2(Float(width - 1) / 2, Float(height - 1) / 2), worldToCamera: worldToCamera)
  }

  /// [R|t] of a camera that stands at `eye` and has `target` in the middle of its picture.
  ///
  /// - Parameters:
  ///   - up: not parallel to the viewing direction.
  ///   - roll: radians by which the camera is turned clockwise about its own axis.
  public static func lookAt(eye: Vec3, target: Vec3, up: Vec3 = Vec3(0, 1, 0), roll: Float = 0) -> Pose {
    let forward = (target - eye).normalized
    let level = forward.cross(up).normalized
    let right = roll == 0 ? level : Mat3.rotation(axis: forward, angle: roll) * level
    let rotation = Mat3(rows: right, forward.cross(right), forward)
    return Pose(rotation: rotation, translation: -(rotation * eye))
  }

  /// Where the camera stands in the world.
  public var eye: Vec3 { worldToCamera.inverse.translation }

  /// K.
  public var intrinsics: Mat3 {
    Mat3(rows: Vec3(focal.x, 0, center.x), Vec3(0, focal.y, center.y), Vec3(0, 0, 1))
  }

  /// The pixel (u, v) and the depth z of a point of the world; z <= 0 is behind the camera.
  public func project(_ point: Vec3) -> (pixel: SIMD2<Float>, depth: Float) {
    let p = worldToCamera(point)
    return (SIMD2(p.x / p.z * focal.x + center.x, p.y / p.z * focal.y + center.y), p.z)
  }

  /// The point of the camera's frame that a pixel shows at a depth (metres along z).
  public func unproject(_ pixel: SIMD2<Float>, depth: Float) -> Vec3 {
    Vec3((pixel.x - center.x) / focal.x, (pixel.y - center.y) / focal.y, 1) * depth
  }
}
