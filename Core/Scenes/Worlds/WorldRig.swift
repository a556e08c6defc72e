import Glibc
import ReproTensor

/// Several calibrated cameras around a place.
struct WorldRig: Sendable, Equatable {
  var cameras: [Camera]

  /// Cameras on a ring, equally far apart up to a jitter, all looking at one point.
  ///
  /// - Parameters:
  ///   - target: what is in the middle of every picture, metres.
  ///   - distance: from the target, level, metres.
  ///   - heights: above the ground, metres.
  ///   - arc: the part of the circle over which they are spread, radians.
  ///   - first: the direction of the first one, radians; nil for any.
  static func ring(
    _ count: Int, width: Int, height: Int, fieldOfView: Float, target: Vec3, distance: ClosedRange<Float>,
    heights: ClosedRange<Float>, arc: Float = 2 * .pi, from first: Float? = nil, jitter: Float = 0.12,
    _ random: inout RandomStream
  ) -> WorldRig {
    let any = random.float(0, 2 * .pi)
    let start = first ?? any
    let cameras = (0..<count).map { i in
      let angle = start + arc * Float(i) / Float(count) + random.float(-jitter, jitter)
      let away = random.float(in: distance)
      let eye = Vec3(target.x + away * cosf(angle), random.float(in: heights), target.z + away * sinf(angle))
      return Camera(
        width: width, height: height, verticalFieldOfView: fieldOfView,
        worldToCamera: Camera.lookAt(eye: eye, target: target))
    }
    return WorldRig(cameras: cameras)
  }

  /// K of every camera, `[V, 3, 3]`.
  var intrinsics: [Float] { cameras.flatMap { rows($0.intrinsics).flatMap { [$0.x, $0.y, $0.z] } } }

  /// [R|t] of every camera, `[V, 3, 4]`.
  var extrinsics: [Float] {
    cameras.flatMap { camera in
      let pose = camera.worldToCamera
      return zip(rows(pose.rotation), [pose.translation.x, pose.translation.y, pose.translation.z])
        .flatMap { row, t in [row.x, row.y, row.z, t] }
    }
  }

  private func rows(_ m: Mat3) -> [Vec3] { [m.row0, m.row1, m.row2] }
}

extension View {
  /// Whether a point inside a body is hidden by nothing but that body.
  ///
  /// - Parameters:
  ///   - instance: what the point belongs to.
  ///   - depth: of the point, metres.
  ///   - thickness: how deep the point may lie under the surface, metres.
  /// - Returns: false outside of the picture.
  func shows(_ pixel: SIMD2<Float>, depth: Float, instance: UInt16, thickness: Float) -> Bool {
    guard depth > 0, pixel.x > -0.5, pixel.y > -0.5 else { return false }
    let (x, y) = (Int((pixel.x).rounded()), Int((pixel.y).rounded()))
    guard x < camera.width, y < camera.height else { return false }
    let at = y * camera.width + x
    return instances[at] == instance && self.depth[at] > depth - thickness
  }
}

/// A detector of points in pictures that errs as real ones do.
///
/// Every point is displaced by N(0, `noise`), `hidden` times as much where it is not seen; a share `gross` of the
/// points is displaced by 6 to 15 % of the picture's width; a share `swaps` of the objects has left and right
/// exchanged; a share `misses` is not found at all. The confidence falls with the displacement and is itself noisy.
struct NoisyDetector: Sendable {
  /// Pixels.
  var noise: Float
  var hidden: Float = 2.5
  var gross: Double
  var swaps: Double
  var misses: Double

  /// - Parameters:
  ///   - points: the true places, pixels.
  ///   - visible: which of them are seen.
  ///   - mirror: the number of every point's counterpart on the other side.
  /// - Returns: x, y and confidence of every point; nothing but zeros if the object was missed.
  func detect(
    _ points: [SIMD2<Float>], visible: [Bool], mirror: [Int], width: Int, _ random: inout RandomStream
  ) -> [Float] {
    let isMissed = random.bernoulli(misses)
    let isSwapped = random.bernoulli(swaps)
    var found: [Float] = []
    for i in points.indices {
      let source = isSwapped ? mirror[i] : i
      var error = random.gaussianPair() * (noise * (visible[source] ? 1 : hidden))
      if random.bernoulli(gross) {
        let angle = random.float(0, 2 * .pi)
        error += SIMD2(cosf(angle), sinf(angle)) * (random.float(0.06, 0.15) * Float(width))
      }
      let place = points[source] + error
      let off = (place - points[i]) / max(2.5 * noise, 1)
      let length = (off.x * off.x + off.y * off.y).squareRoot()
      let sureness = expf(-0.5 * length) * random.float(0.8, 1) * (visible[source] ? 1 : 0.75)
      found += [place.x, place.y, min(max(sureness, 0.02), 1)]
    }
    return isMissed ? [Float](repeating: 0, count: found.count) : found
  }
}
