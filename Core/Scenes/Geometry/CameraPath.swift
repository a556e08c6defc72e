import Glibc
import ReproTensor

/// Where cameras stand, one after the other: [R|t] of every frame or view.
public enum CameraPath {
  /// Cameras on a circle around a point, all looking at it.
  ///
  /// - Parameters:
  ///   - count: cameras, spread evenly over `arc`; over a full turn the last one is a step before the first.
  ///   - elevation: the angle above the horizon, radians, -pi/2 to pi/2 (exclusive).
  ///   - start: the azimuth of the first camera, radians; 0 looks from +x, pi/2 from +z.
  ///   - arc: the angle over which they are spread, radians.
  public static func orbit(
    around target: Vec3, radius: Float, count: Int, elevation: Float, start: Float = 0, arc: Float = 2 * .pi
  ) -> [Pose] {
    let isClosed = abs(abs(arc) - 2 * .pi) < 1e-6
    let gaps = Float(max(isClosed ? count : count - 1, 1))
    return (0..<count).map {
      on(target, radius: radius, azimuth: start + arc * Float($0) / gaps, elevation: elevation)
    }
  }

  /// Cameras at the nodes of a grid of directions, elevation by elevation.
  public static func grid(
    around target: Vec3, radius: Float, elevations: [Float], azimuths: Int, start: Float = 0
  ) -> [Pose] {
    elevations.flatMap { elevation in
      orbit(around: target, radius: radius, count: azimuths, elevation: elevation, start: start)
    }
  }

  /// Cameras all over a ball, evenly: points of a golden spiral.
  ///
  /// - Parameter lowest: the sine of the lowest elevation, -1 to 1.
  public static func sphere(
    around target: Vec3, radius: Float, count: Int, start: Float = 0, lowest: Float = -1
  ) -> [Pose] {
    let golden = Float.pi * (3 - Float(5).squareRoot())
    return (0..<count).map { i in
      let height = 1 - (Float(i) + 0.5) * (1 - lowest) / Float(count)
      return on(target, radius: radius, azimuth: start + golden * Float(i), elevation: asinf(height))
    }
  }

  /// A camera on a ball that looks at its middle.
  public static func on(_ target: Vec3, radius: Float, azimuth: Float, elevation: Float, roll: Float = 0) -> Pose {
    let towards = Vec3(cosf(elevation) * cosf(azimuth), sinf(elevation), cosf(elevation) * sinf(azimuth))
    return Camera.lookAt(eye: target + towards * radius, target: target, roll: roll)
  }

  /// A camera that moves forward along its own heading and turns about the vertical.
  ///
  /// - Parameters:
  ///   - eye: where the first frame is taken.
  ///   - heading: radians about y from +z; 0 looks along +z.
  ///   - steps: metres from every frame to the next.
  ///   - turns: radians by which the heading changes from every frame to the next, as many as steps.
  ///   - pitch: radians by which the camera looks down.
  /// - Returns: one pose more than there are steps.
  public static func drive(
    from eye: Vec3, heading: Float, steps: [Float], turns: [Float], pitch: Float = 0
  ) -> [Pose] {
    require(steps.count == turns.count, "a drive has a turn for every step, got \(steps.count) and \(turns.count)")
    var (place, angle) = (eye, heading)
    var poses = [facing(place, heading: angle, pitch: pitch)]
    for (step, turn) in zip(steps, turns) {
      place += Vec3(sinf(angle), 0, cosf(angle)) * step
      angle += turn
      poses.append(facing(place, heading: angle, pitch: pitch))
    }
    return poses
  }

  /// A camera at a place that looks along a heading (radians about y from +z), `pitch` radians down.
  public static func facing(_ eye: Vec3, heading: Float, pitch: Float = 0, roll: Float = 0) -> Pose {
    let ahead = Vec3(sinf(heading) * cosf(pitch), -sinf(pitch), cosf(heading) * cosf(pitch))
    return Camera.lookAt(eye: eye, target: eye + ahead, roll: roll)
  }

  /// A worn camera of somebody who walks along a line of places: the head bobs with the steps and looks a little ahead.
  ///
  /// - Parameters:
  ///   - places: x and z of corners of the way, at least two.
  ///   - count: frames, at equal distances along the way.
  ///   - height: of the eyes, metres.
  ///   - stride: metres per two steps; the head rises and falls twice, and sways once, in each.
  ///   - bob: how far the head rises and falls, metres.
  ///   - lookAhead: how far ahead on the way the walker looks, metres.
  ///   - pitch: how far down, as a slope.
  public static func walk(
    along places: [SIMD2<Float>], count: Int, height: Float = 1.6, stride: Float = 1.4, bob: Float = 0.03,
    lookAhead: Float = 1.5, pitch: Float = 0.12
  ) -> [Pose] {
    require(places.count >= 2 && count >= 1, "a walk has two places and a frame, got \(places.count), \(count)")
    var lengths: [Float] = [0]
    for (a, b) in zip(places, places.dropFirst()) { lengths.append((lengths.last ?? 0) + hypotf(b.x - a.x, b.y - a.y)) }
    let total = max(lengths.last ?? 0, 1e-6)
    func place(_ s: Float) -> SIMD2<Float> {
      let i = max(1, min(lengths.count - 1, lengths.firstIndex { $0 > s } ?? lengths.count - 1))
      let gap = max(lengths[i] - lengths[i - 1], 1e-6)
      // Beyond the end the way goes straight on.
      return places[i - 1] + (places[i] - places[i - 1]) * ((s - lengths[i - 1]) / gap)
    }
    return (0..<count).map { i in
      let s = count == 1 ? 0 : total * Float(i) / Float(count - 1)
      let (here, there) = (place(s), place(s + lookAhead))
      let phase = 2 * Float.pi * s / stride
      let sway = 0.6 * bob * sinf(phase)
      let ahead = Vec3(there.x - here.x, 0, there.y - here.y).normalized
      let side = ahead.cross(Vec3(0, 1, 0))
      let eye = Vec3(here.x, height + bob * cosf(2 * phase), here.y) + side * sway
      return Camera.lookAt(
        eye: eye, target: eye + ahead * 2 + Vec3(0, -2 * pitch + 0.5 * bob * sinf(2 * phase), 0), roll: 0.4 * sway)
    }
  }

  /// The cameras of a fixed rig around a place, at equal angles.
  ///
  /// - Parameters:
  ///   - height: of the cameras above the target's ground, metres.
  ///   - radius: their distance from the target across the ground, metres.
  public static func rig(
    around target: Vec3, count: Int, radius: Float, height: Float, start: Float = 0
  ) -> [Pose] {
    (0..<count).map { i in
      let a = start + 2 * .pi * Float(i) / Float(count)
      let eye = Vec3(target.x + radius * cosf(a), height, target.z + radius * sinf(a))
      return Camera.lookAt(eye: eye, target: target)
    }
  }
}
