import Glibc
import ReproTensor

/// One long walk among things along a winding closed way.
struct TourWorld: Sendable {
  /// Frames of a walk at most; a longer one goes round again.
  static let longest = 6000
  /// Metres from the camera beyond which things are left out.
  private static let sight: Float = 18

  private let bodies: [Body]
  private let poses: [Pose]
  private let ground: Material
  private let light: (Lighting, Lighting)

  init(things: Int, frames: Int, isTextured: Bool, _ stream: RandomStream) {
    var random = stream.child("way")
    let corners = 40
    let phases = (0..<3).map { _ in random.float(0, 2 * .pi) }
    // Things every 0.8 m on both sides on average.
    let radius = max(8, Float(things) * 0.8 / (2 * 2 * .pi))
    let way = (0...corners).map { i -> SIMD2<Float> in
      let a = 2 * Float.pi * Float(i % corners) / Float(corners)
      let r =
        radius * (1 + 0.18 * sinf(2 * a + phases[0]) + 0.12 * sinf(3 * a + phases[1]) + 0.06 * sinf(5 * a + phases[2]))
      return SIMD2(r * cosf(a), r * sinf(a))
    }
    poses = CameraPath.walk(along: way, count: max(frames, 2))
    var place = stream.child("things")
    bodies = (0..<things).map { i in
      // Evenly along the way, beside it.
      let s = (Float(i) + place.float(0, 1)) / Float(things) * Float(corners)
      let k = min(Int(s), corners - 1)
      let (a, b) = (way[k], way[k + 1])
      let ahead = (b - a) / max(hypotf(b.x - a.x, b.y - a.y), 1e-6)
      let offset = (place.bernoulli(0.5) ? 1 : -1) * (2 + place.float(0, 1) * place.float(0, 5))
      let spot = a + (b - a) * (s - Float(k)) + SIMD2(-ahead.y, ahead.x) * offset
      let kind = place.integer(below: 12)
      let scale = place.float(0.5, 1.1)
      var body: Body
      if kind < 10 {
        let individual = Individual(ObjectClass.allCases[kind], number: i, of: stream)
        body = individual.body(rotation: place.tilted(upTo: 0.3), scale: scale, over: spot, instance: UInt16(i + 1))
      } else {
        let individual = CompoundIndividual(kind == 10 ? .tree : .car, number: i, of: stream)
        body = individual.standing(
          rotation: place.tilted(upTo: 0), scale: scale * 1.3, over: spot, instance: UInt16(i + 1))
      }
      body.semantic = UInt8(kind + 2)
      if !isTextured {
        for j in body.materials.indices { (body.materials[j].pattern, body.materials[j].grain) = (.plain, 0) }
      }
      return body
    }
    var surface = Look.surface(&random, strength: isTextured ? 0.8 : 0)
    surface.frame = 1.5 * surface.frame
    ground = surface
    light = (
      WorldStage.lighting(&random, azimuth: random.float(0, 6), ground: Look.mean(surface), tint: 0.2),
      WorldStage.lighting(&random, azimuth: random.float(0, 6), ground: Look.mean(surface), tint: 0.2)
    )
  }

  /// The things in sight and the cameras of some frames.
  func clip(from first: Int, count: Int) -> (Scene, [Pose]) {
    let own = (0..<count).map { poses[(first + $0) % poses.count] }
    let (eye, last) = (own[0].inverse.translation, own[count - 1])
    // What stands behind the last camera may still throw its shadow ahead.
    var near = bodies.filter { body in
      let d = body.pose.translation - eye
      return hypotf(d.x, d.z) < Self.sight && last(body.pose.translation).z > -3
    }
    var floor = WorldStage.ground(ground)
    floor.semantic = 1
    near.append(floor)
    // The light goes to and fro three times on the way.
    let phase = 0.5 - 0.5 * cosf(6 * .pi * Float(first % poses.count) / Float(poses.count))
    var lighting = light.0
    lighting.key = DirectionalLight(
      direction: light.0.key.direction.mixed(with: light.1.key.direction, phase),
      color: light.0.key.color.mixed(with: light.1.key.color, phase), spread: light.0.key.spread)
    lighting.ambientUp = light.0.ambientUp.mixed(with: light.1.ambientUp, phase)
    lighting.horizon = light.0.horizon.mixed(with: light.1.horizon, phase)
    lighting.zenith = light.0.zenith.mixed(with: light.1.zenith, phase)
    return (Scene(bodies: near, lighting: lighting), own)
  }
}
