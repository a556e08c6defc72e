import Glibc
import ReproConfig
import ReproData
import ReproTensor

/// `scenes-robot`: episodes of a manipulation toy, seen by several cameras.
///
/// What is drawn:
/// - `task`: `reach` (a gripper comes to a cube), `push` (pushes it to a goal), `arm` (the tip of two links comes to a
///   goal on the plane); the environment is `RobotWorld`, whose step a method may call itself.
/// - start: cube, goal and tip uniform on the table (0.72 m wide), at least 15 to 20 cm apart; the look of cube, table,
///   floor and light is drawn for every episode.
/// - policy: with probability `experts` a scripted controller that knows the state, else the same with noise of
///   standard deviation 0.3 to 1 on every action and, half of the time, none of it (random); actions are -1...1.
/// - `occluders: true`: boards hide parts of the table from the front, left and side cameras; `distractors`: blobs that
///   move about; `missing`: probability that a camera's frame is black (one camera always stays).
///
/// Columns: one of frames `[T, H, W, 3]` for each of `cameras` (front, side, top, wrist, left, right), `actions` `[T,
/// A]`, `rewards` `[T]` (of the step after the frame), `available` `[T, C]`, and labels `state` `[T, 11]` (tip, cube,
/// goal, joints), `success` (the task was done at some step), `policy`; with `outputs`: `depth` `[C T, H, W]`,
/// `instances` (camera by camera; 1 tool, 2 cube, 3 goal, then distractors), `views` `[C T, 3, 4]` ([R|t]),
/// `visibility` `[T, C]` (of the cube; of the goal for `arm`).
///
/// Options (defaults): `size` (32), `steps` (25; 50 for `arm`), `train` (300), `validation` (40), `test` (100),
/// `cameras` ([front, side]; [top, left, right] for `arm`), and those above (`push`, `experts` 0.33, false, 0, 0).
public struct ScenesRobot: DatasetProvider {
  public static let card = DatasetCard(
    id: "scenes-robot", title: "Procedural manipulation: several cameras, actions, rewards, state",
    source: "rendered by Core/Scenes", licence: "Apache-2.0")

  static let version = 1
  private static let policies = ["expert", "noisy", "random"]

  public let spec: DataSpec
  /// The environment of the episodes.
  public let world: RobotWorld
  private let height, width, steps: Int
  private let experts, missing: Double
  private let seed: UInt64
  private let stream: RandomStream

  public init(_ options: inout Section, root: DataRoot) throws {
    let size = try pictureSize(&options, in: 16...256, default: (32, 32))
    let sizes = try splitSizes(&options, train: 300, validation: 40, test: 100)
    let name = try options.choice("task", RobotWorld.Task.allCases.map(\.rawValue), default: "push")
    let task = RobotWorld.Task(rawValue: name) ?? .push
    steps = try options.int("steps", in: 1...1000, default: task == .arm ? 50 : 25)
    let names = RobotWorld.View.allCases.map(\.rawValue)
    var views: [RobotWorld.View] = task == .arm ? [.top, .left, .right] : [.front, .side]
    if let node = options.take("cameras") {
      views = []
      for (index, item) in try node.items(named: options.name(of: "cameras")).enumerated() {
        let word = try item.choice(named: "\(options.name(of: "cameras"))[\(index)]", names)
        guard let view = RobotWorld.View(rawValue: word), !views.contains(view) else {
          throw ReproError(.usage, at: "\(item.mark)", found: "the camera '\(word)' is named twice")
        }
        views.append(view)
      }
      guard !views.isEmpty else {
        throw ReproError(.usage, at: "\(node.mark)", found: "no camera", expected: names.joined(separator: ", "))
      }
    }
    experts = try options.double("experts", in: 0...1, default: 0.33)
    missing = try options.double("missing", in: 0...1, default: 0)
    world = RobotWorld(
      task: task, views: views, hasOccluders: try options.bool("occluders", default: false),
      distractors: try options.int("distractors", in: 0...20, default: 0))
    (height, width) = (size.height, size.width)
    seed = root.seed
    stream = RandomStream(seed: root.seed).child("scenes-robot")
    let (t, c, h, w) = (steps, views.count, size.height, size.width)
    let extra = try chosenFields(
      &options,
      [
        OptionalField("depth", .real(shape: [c * t, h, w], unit: "m")),
        OptionalField("instances", .frames(count: c * t, height: h, width: w, channels: 1)),
        OptionalField("views", .real(shape: [c * t, 3, 4], unit: "m"), isLabel: false),
        OptionalField("visibility", .real(shape: [t, c], unit: "1")),
      ])
    spec = DataSpec(
      fields: views.map { view in
        FieldSpec(view.rawValue, .frames(count: t, height: h, width: w, channels: 3), isLabel: false)
      } + [
        FieldSpec("actions", .real(shape: Shape([t, world.actions]), unit: "1"), isLabel: false),
        FieldSpec("rewards", .real(shape: [t], unit: "1"), isLabel: false),
        FieldSpec("available", .real(shape: [t, c], unit: "1"), isLabel: false),
        FieldSpec("state", .real(shape: [t, 11], unit: "m"), isLabel: true),
        FieldSpec("success", .category(classes: ["no", "yes"]), isLabel: true),
        FieldSpec("policy", .category(classes: Self.policies), isLabel: true),
      ] + extra, sizes: sizes)
  }

  public var fingerprint: String {
    "scenes-robot/v\(Self.version) seed=\(seed) size=\(height)x\(width) steps=\(steps) task=\(world.task.rawValue) "
      + "cameras=\(world.views.map(\.rawValue).joined(separator: ",")) experts=\(experts) missing=\(missing) "
      + "occluders=\(world.hasOccluders) distractors=\(world.distractors)"
  }

  /// States before every step, actions and rewards of an episode.
  struct Episode {
    var states: [RobotState] = []
    var actions: [[Float]] = []
    var rewards: [Float] = []
    var policy = 0
    var isSuccess = false
  }

  func episode(_ draw: SampleDraw) -> Episode {
    var random = draw.stream("episode")
    var state = world.start(&random)
    var episode = Episode()
    episode.policy = random.bernoulli(experts) ? 0 : random.bernoulli(0.5) ? 1 : 2
    let noise = episode.policy == 0 ? 0 : random.float(0.3, 1)
    for _ in 0..<steps {
      let known = world.expert(state)
      let action = known.map { best -> Float in
        let value = episode.policy == 2 ? random.float(-1, 1) : best + noise * random.gaussian()
        return max(-1, min(1, value))
      }
      episode.states.append(state)
      episode.actions.append(action)
      let (next, reward) = world.step(state, action)
      episode.rewards.append(reward)
      if world.distance(next) < RobotWorld.success { episode.isSuccess = true }
      state = next
    }
    return episode
  }

  public func batch(_ indices: [Int], of split: Split) throws -> Batch {
    let isWatched = spec[field: "visibility"] != nil
    return spec.batch(indices, of: split, "scenes-robot") { index, easel in
      let draw = SampleDraw(world: stream, split: split, index: index)
      let episode = episode(draw)
      let look = draw.stream("look")
      let renderer = easel.renderer(width, height)
      let scenes = episode.states.map { world.scene($0, look: look) }
      // Camera by camera, then step by step.
      var seen = world.views.map { view in
        zip(episode.states, scenes).map { state, scene in
          renderer.observe(
            scene, from: world.camera(view, state, height: height, width: width), isBodiless: !isWatched,
            [.rgb, .depth, .instances])
        }
      }
      var available = [Float](repeating: 1, count: steps * world.views.count)
      var random = draw.stream("missing")
      for time in 0..<steps {
        let kept = random.integer(below: world.views.count)
        for c in world.views.indices where random.bernoulli(missing) && c != kept {
          available[time * world.views.count + c] = 0
          seen[c][time].view.rgb = [UInt8](repeating: 0, count: height * width * 3)
        }
      }
      return spec.fields.map { value($0.name, episode, seen, available) }
    }
  }

  private func value(
    _ field: String, _ episode: Episode, _ seen: [[Observation]], _ available: [Float]
  ) -> SampleValue {
    if let c = world.views.firstIndex(where: { $0.rawValue == field }) { return .bytes(seen[c].flatMap(\.view.rgb)) }
    switch field {
    case "actions": return .reals(episode.actions.flatMap { $0 })
    case "rewards": return .reals(episode.rewards)
    case "available": return .reals(available)
    case "state": return .reals(episode.states.flatMap(\.numbers))
    case "success": return .integer(episode.isSuccess ? 1 : 0)
    case "policy": return .integer(episode.policy)
    case "depth": return .reals(seen.flatMap { $0.flatMap(\.view.depth) })
    case "instances": return .bytes(seen.flatMap { $0.flatMap(\.view.instanceBytes) })
    case "views": return .reals(seen.flatMap { $0.flatMap(\.view.camera.worldToCamera.rows) })
    default:
      let instance: UInt16 = world.task == .arm ? 3 : 2
      return .reals((0..<steps).flatMap { time in seen.map { $0[time][instance]?.visibility ?? 0 } })
    }
  }
}
