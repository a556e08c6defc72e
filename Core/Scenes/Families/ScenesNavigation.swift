import ReproConfig
import ReproData
import ReproTensor

/// `scenes-nav`: walks of an explorer through a scene, with what it has seen of it; the environment is
/// `NavigationWorld`.
///
/// What is drawn:
/// - scene: `place: outdoor` or `room`; one for every `walks` samples, so that several walks share a scene.
/// - policy: `random` (a move forward half of the time, else any action; a turn after a collision), `greedy` (of all
///   actions the one after which most new surface is seen; a tie is broken at random), `mixed` (one of both for each
///   walk).
///
/// Columns: `frames` `[T, H, W, 3]`, `actions` `[T]` (taken after the frame), `states` `[T, 5]` (x, y, z of the
/// lattice, heading, tilt), `intrinsics`, `cameras` `[T, 3, 4]`, and labels `coverage` `[T]` (share of the surface seen
/// so far), `gain` `[T]` (share first seen by this frame), `collisions` `[T]` (the action after the frame failed),
/// `scene`, with `outputs`: `depth` `[T, H, W]`, `normals`, `classes` (frames of one channel), `surface` `[P, 6]`,
/// `free` `[X, Y, Z]` (places that can be stood on).
///
/// Options (defaults): `size` ([48, 64]), `steps` (30), `train` (20), `validation` (5), `test` (5), `points` (4000),
/// `walks` (1), and those above (`outdoor`, `random`).
public struct ScenesNavigation: DatasetProvider {
  public static let card = DatasetCard(
    id: "scenes-nav", title: "Procedural exploration: walks, actions, coverage, collisions",
    source: "rendered by Core/Scenes", licence: "Apache-2.0")

  static let version = 1

  public let spec: DataSpec
  private let height, width, steps, points, walks: Int
  private let place: NavigationWorld.Place
  private let policy: String
  private let seed: UInt64
  private let stream: RandomStream

  public init(_ options: inout Section, root: DataRoot) throws {
    let size = try pictureSize(&options, in: 16...512, default: (48, 64))
    let sizes = try splitSizes(&options, train: 20, validation: 5, test: 5)
    (height, width) = (size.height, size.width)
    steps = try options.int("steps", in: 1...1000, default: 30)
    points = try options.int("points", in: 1...100_000, default: 4000)
    walks = try options.int("walks", in: 1...100_000, default: 1)
    let name = try options.choice("place", NavigationWorld.Place.allCases.map(\.rawValue), default: "outdoor")
    place = NavigationWorld.Place(rawValue: name) ?? .outdoor
    policy = try options.choice("policy", ["random", "greedy", "mixed"], default: "random")
    seed = root.seed
    stream = RandomStream(seed: root.seed).child("scenes-nav")
    let (t, h, w) = (steps, height, width)
    let lattice: Shape = place == .room ? [12, 1, 12] : [5, 3, 5]
    let extra = try chosenFields(
      &options,
      [
        OptionalField("depth", .real(shape: [t, h, w], unit: "m")),
        OptionalField("normals", .real(shape: [t, h, w, 3], unit: "1")),
        OptionalField("classes", .frames(count: t, height: h, width: w, channels: 1)),
        OptionalField("surface", .real(shape: [points, 6], unit: "m")),
        OptionalField("free", .real(shape: lattice, unit: "1")),
      ])
    let scenes = (sizes.values.max() ?? 1) / walks + 1
    spec = DataSpec(
      fields: [
        FieldSpec("frames", .frames(count: t, height: h, width: w, channels: 3), isLabel: false),
        FieldSpec("actions", .real(shape: [t], unit: "1"), isLabel: false),
        FieldSpec("states", .real(shape: [t, 5], unit: "1"), isLabel: false),
        FieldSpec("intrinsics", .real(shape: [3, 3], unit: "px"), isLabel: false),
        FieldSpec("cameras", .real(shape: [t, 3, 4], unit: "m"), isLabel: false),
        FieldSpec("coverage", .real(shape: [t], unit: "1"), isLabel: true),
        FieldSpec("gain", .real(shape: [t], unit: "1"), isLabel: true),
        FieldSpec("collisions", .real(shape: [t], unit: "1"), isLabel: true),
        FieldSpec("scene", .identity(count: scenes), isLabel: true),
      ] + extra, sizes: sizes)
  }

  public var fingerprint: String {
    "scenes-nav/v\(Self.version) seed=\(seed) size=\(height)x\(width) steps=\(steps) points=\(points) walks=\(walks) "
      + "place=\(place.rawValue) policy=\(policy)"
  }

  /// The environment of a sample.
  public func world(_ index: Int, of split: Split) -> NavigationWorld {
    NavigationWorld(
      place, height: height, width: width, points: points, stream.child("scene \(split.rawValue)", index / walks))
  }

  /// A walk: states before every step, the actions after them, and what came of them.
  struct Walk {
    var states: [NavigationState] = []
    var actions: [Int] = []
    var collisions: [Float] = []
    var coverage: [Float] = []
    var gain: [Float] = []
  }

  private func walk(_ world: NavigationWorld, _ draw: SampleDraw, _ renderer: Renderer) -> Walk {
    var random = draw.stream("walk")
    var state = world.start(&random)
    let isGreedy = policy == "greedy" || (policy == "mixed" && random.bernoulli(0.5))
    var known = [Bool](repeating: false, count: world.surface.count)
    let total = Float(max(world.surface.count, 1))
    var walk = Walk()
    for _ in 0..<steps {
      var fresh = 0
      for (i, isSeen) in world.sees(state, renderer).enumerated() where isSeen && !known[i] {
        known[i] = true
        fresh += 1
      }
      walk.states.append(state)
      walk.gain.append(Float(fresh) / total)
      walk.coverage.append((walk.coverage.last ?? 0) + Float(fresh) / total)
      let action =
        isGreedy
        ? best(world, state, known, renderer, &random)
        : walk.collisions.last == 1
          ? 1 + random.integer(below: 2) : random.bernoulli(0.5) ? 0 : random.integer(below: world.actions.count)
      let (next, isCollision) = world.step(state, world.actions[action])
      walk.actions.append(action)
      walk.collisions.append(isCollision ? 1 : 0)
      state = next
    }
    return walk
  }

  private func best(
    _ world: NavigationWorld, _ state: NavigationState, _ known: [Bool], _ renderer: Renderer,
    _ random: inout RandomStream
  ) -> Int {
    var (most, found): (Int, [Int]) = (-1, [])
    for (i, action) in world.actions.enumerated() {
      let (next, isCollision) = world.step(state, action)
      guard !isCollision else { continue }
      let gain = zip(world.sees(next, renderer), known).count { $0 && !$1 }
      if gain > most { (most, found) = (gain, []) }
      if gain == most { found.append(i) }
    }
    return found.isEmpty ? random.integer(below: world.actions.count) : random.pick(found)
  }

  public func batch(_ indices: [Int], of split: Split) throws -> Batch {
    spec.batch(indices, of: split, "scenes-nav") { index, easel in
      let renderer = easel.renderer(width, height)
      let world = world(index, of: split)
      let walk = walk(world, SampleDraw(world: stream, split: split, index: index), renderer)
      let views = walk.states.map { renderer.render(world.scene, from: world.camera($0)) }
      return spec.fields.map { value($0.name, index, world, walk, views) }
    }
  }

  private func value(
    _ field: String, _ index: Int, _ world: NavigationWorld, _ walk: Walk, _ views: [View]
  ) -> SampleValue {
    switch field {
    case "frames": return .bytes(views.flatMap(\.rgb))
    case "actions": return .reals(walk.actions.map { Float($0) })
    case "states":
      return .reals(
        walk.states.flatMap { s in [s.node.x, s.node.y, s.node.z, s.heading, s.tilt].map { Float($0) } })
    case "intrinsics": return .reals(views[0].camera.intrinsics.entries)
    case "cameras": return .reals(views.flatMap(\.camera.worldToCamera.rows))
    case "coverage": return .reals(walk.coverage)
    case "gain": return .reals(walk.gain)
    case "collisions": return .reals(walk.collisions)
    case "scene": return .integer(index / walks)
    case "depth": return .reals(views.flatMap(\.depth))
    case "normals": return .reals(views.flatMap(\.normals))
    case "classes": return .bytes(views.flatMap(\.classes))
    case "surface":
      let some = world.surface.coordinatesAndNormals
      return .reals(some + [Float](repeating: 0, count: points * 6 - some.count))
    default: return .reals(world.isFree.map { $0 ? 1 : 0 })
    }
  }
}
