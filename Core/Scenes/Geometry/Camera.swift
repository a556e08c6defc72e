import Glibc
import ReproTensor

/// How a camera maps directions to pixels, p = R x + t being a point of its frame and f its focal lengths.
public enum Lens: String, Sendable, CaseIterable {
  /// u = fx x / z + cx, v = fy y / z + cy; depth is z.
  case pinhole
  /// u = fx x + cx, v = fy y + cy, f in pixels per metre; depth is z.
  case orthographic
  /// Equidistant: at the angle theta from the axis, f theta pixels from the centre; depth is the distance |p|.
  case fisheye
  /// u = fx atan2(x, z) + cx, v = fy asin(y / |p|) + cy; depth is the distance |p|.
  case equirectangular
}

/// A camera without distortion: intrinsics K and the motion [R|t] from the world into the camera; a pinhole camera
/// unless its lens says otherwise.
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
  public var lens = Lens.pinhole

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

  /// An orthographic camera whose picture is `height` metres high.
  public static func orthographic(
    width: Int, height: Int, metresHigh: Float, worldToCamera: Pose
  ) -> Camera {
    require(metresHigh > 0, "an orthographic picture is some metres high, got \(metresHigh)")
    return lensed(.orthographic, width, height, SIMD2(repeating: Float(height) / metresHigh), worldToCamera)
  }

  /// An equidistant fisheye camera.
  ///
  /// - Parameter fieldOfView: the angle between the left and the right edge of the picture, radians, 0 to 2 pi.
  public static func fisheye(width: Int, height: Int, fieldOfView: Float, worldToCamera: Pose) -> Camera {
    require(fieldOfView > 0 && fieldOfView <= 2 * .pi, "a fisheye sees 0 to 2 pi, got \(fieldOfView)")
    return lensed(.fisheye, width, height, SIMD2(repeating: Float(width) / fieldOfView), worldToCamera)
  }

  /// A camera that sees everything around it: longitude across, latitude down.
  public static func equirectangular(width: Int, height: Int, worldToCamera: Pose) -> Camera {
    lensed(
      .equirectangular, width, height, SIMD2(Float(width) / (2 * .pi), Float(height) / .pi), worldToCamera)
  }

  private static func lensed(
    _ lens: Lens, _ width: Int, _ height: Int, _ focal: SIMD2<Float>, _ pose: Pose
  ) -> Camera {
    var camera = Camera(
      width: width, height: height, focal: focal, center: SIMD2(Float(width - 1), Float(height - 1)) / 2,
      worldToCamera: pose)
    camera.lens = lens
    return camera
  }

  /// The pixel (u, v) and the depth of a point of the world; a depth <= 0 is behind the camera.
  public func project(_ point: Vec3) -> (pixel: SIMD2<Float>, depth: Float) {
    let p = worldToCamera(point)
    switch lens {
    case .pinhole: return (SIMD2(p.x / p.z * focal.x + center.x, p.y / p.z * focal.y + center.y), p.z)
    case .orthographic: return (SIMD2(p.x, p.y) * focal + center, p.z)
    case .fisheye:
      let across = hypotf(p.x, p.y)
      let scale = across > 0 ? atan2f(across, p.z) / across : 0
      return (SIMD2(p.x, p.y) * scale * focal + center, p.length)
    case .equirectangular:
      let angles = SIMD2(atan2f(p.x, p.z), atan2f(p.y, hypotf(p.x, p.z)))
      return (angles * focal + center, p.length)
    }
  }

  /// The point of the camera's frame that a pixel shows at a depth (see `Lens`).
  public func unproject(_ pixel: SIMD2<Float>, depth: Float) -> Vec3 {
    guard lens != .pinhole else {
      return Vec3((pixel.x - center.x) / focal.x, (pixel.y - center.y) / focal.y, 1) * depth
    }
    let ray = ray(pixel)
    return ray.origin + ray.direction * depth
  }

  /// The ray of a pixel in the camera's frame: the point at depth d is origin + d * direction.
  public func ray(_ pixel: SIMD2<Float>) -> (origin: Vec3, direction: Vec3) {
    let p = (pixel - center) / focal
    switch lens {
    case .pinhole: return (.zero, Vec3(p.x, p.y, 1))
    case .orthographic: return (Vec3(p.x, p.y, 0), Vec3(0, 0, 1))
    case .fisheye:
      let angle = hypotf(p.x, p.y)
      let scale = angle > 0 ? sinf(angle) / angle : 0
      return (.zero, Vec3(p.x * scale, p.y * scale, cosf(angle)))
    case .equirectangular:
      return (.zero, Vec3(sinf(p.x) * cosf(p.y), sinf(p.y), cosf(p.x) * cosf(p.y)))
    }
  }

  /// Whether a pixel coordinate lies on the picture, whose pixels reach half a pixel around their centres.
  public func contains(_ pixel: SIMD2<Float>) -> Bool {
    pixel.x >= -0.5 && pixel.y >= -0.5 && pixel.x < Float(width) - 0.5 && pixel.y < Float(height) - 0.5
  }
}
