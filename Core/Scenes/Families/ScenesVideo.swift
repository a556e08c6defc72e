import ReproConfig
import ReproData
import ReproTensor

/// `scenes-video`: short clips of things that move, whose motion alone names the action.
///
/// What is drawn:
/// - action: `actions: ten` (left, right, up, down, clockwise, counterclockwise, expand, shrink, bounce, oscillate) or
///   `twelve` (oscillate gives way to orbit, shake and stop-and-go); sample i shows action i mod (number of actions).
///   Every motion is eased: its speed changes over the clip, so that a cut can be seen.
/// - thing: any kind of `scenes-objects` with a pattern (never plain), turned at random; `speeds` (3) amplitudes from
///   0.65 to 1.35 of the middle one, one of them per clip.
/// - several things (`min_objects`...`max_objects`): each in its own part of the picture with an action of its own,
///   smaller; the label is the first one's. `tumble: true` also turns things about a random axis.
/// - background: a textured wall 2.5 m behind, drawn from the same looks as the things; light from one side.
/// - camera: `drift` a smooth random way of up to 25 cm and 2 degrees; `static`; `orbit` 40 degrees around the things.
/// - `orders: true`: half of the clips run forward, a quarter backward, a quarter in a random order of frames.
///
/// Columns: `frames` `[T, H, W, 3]`, `label` (action), and with `outputs`: `shape`, `pattern`, `speed`, `order`,
/// `kinds` `[M]`, `actions` `[M]`, `tracks` `[T, M, 2]` (middle of each thing, pixels), `boxes` `[T, M, 4]` (of the
/// visible pixels), `visibility` `[T, M]`, `instances` and `moving` (frames of one channel), `depth` `[T, H, W]`,
/// `flow` `[T - 1, H, W, 2]`, `cameras` `[T, 3, 4]`. Rows without a thing are -1 (`boxes`: 0). The truth of a shuffled
/// clip is shuffled with it.
///
/// Options (defaults): `size` (32), `frames` (16), `train` (1200), `validation` (200), `test` (400), and those above
/// (`ten`, 3, 1, 1, false, `drift`, false).
public struct ScenesVideo: DatasetProvider {
  public static let card = DatasetCard(
    id: "scenes-video", title: "Procedural clips of moving things: actions, tracks, speed, order",
    source: "rendered by Core/Scenes", licence: "Apache-2.0")

  static let version = 1

  public let spec: DataSpec
  private let world: VideoWorld
  private let seed: UInt64

  public init(_ options: inout Section, root: DataRoot) throws {
    let size = try pictureSize(&options, in: 16...512, default: (32, 32))
    let sizes = try splitSizes(&options, train: 1200, validation: 200, test: 400)
    let frames = try options.int("frames", in: 2...1000, default: 16)
    let most = try options.int("max_objects", in: 1...6, default: 1)
    let least = try options.int("min_objects", in: 1...most, default: 1)
    let set = try options.choice("actions", ["ten", "twelve"], default: "ten")
    let camera = try options.choice("camera", VideoWorld.Path.allCases.map(\.rawValue), default: "drift")
    seed = root.seed
    world = VideoWorld(
      height: size.height, width: size.width, frames: frames, objects: least...most,
      actions: set == "ten" ? VideoAction.ten : VideoAction.twelve, path: VideoWorld.Path(rawValue: camera) ?? .drift,
      speeds: try options.int("speeds", in: 1...8, default: 3), isTumbling: try options.bool("tumble", default: false),
      hasOrders: try options.bool("orders", default: false), stream: RandomStream(seed: root.seed).child("scenes-video")
    )
    let (h, w) = (size.height, size.width)
    let extra = try chosenFields(
      &options,
      [
        OptionalField("shape", .category(classes: ObjectClass.allCases.map(\.name))),
        OptionalField("pattern", .category(classes: VideoWorld.patterns.map { "\($0)" })),
        OptionalField("speed", .category(classes: (0..<world.speeds).map { "speed \($0)" })),
        OptionalField("order", .category(classes: VideoWorld.orders)),
        OptionalField("kinds", .real(shape: [most], unit: "1")),
        OptionalField("actions", .real(shape: [most], unit: "1")),
        OptionalField("tracks", .real(shape: [frames, most, 2], unit: "px")),
        OptionalField("boxes", .real(shape: [frames, most, 4], unit: "px")),
        OptionalField("visibility", .real(shape: [frames, most], unit: "1")),
        OptionalField("instances", .frames(count: frames, height: h, width: w, channels: 1)),
        OptionalField("moving", .frames(count: frames, height: h, width: w, channels: 1)),
        OptionalField("depth", .real(shape: [frames, h, w], unit: "m")),
        OptionalField("flow", .real(shape: [frames - 1, h, w, 2], unit: "px")),
        OptionalField("cameras", .real(shape: [frames, 3, 4], unit: "m")),
      ])
    spec = DataSpec(
      fields: [
        FieldSpec("frames", .frames(count: frames, height: h, width: w, channels: 3), isLabel: false),
        FieldSpec("label", .category(classes: world.actions.map(\.name)), isLabel: true),
      ] + extra, sizes: sizes)
  }

  public var fingerprint: String { "scenes-video/v\(Self.version) seed=\(seed) \(world.signature)" }

  public func batch(_ indices: [Int], of split: Split) throws -> Batch {
    let isWatched = spec.fields.contains { ["boxes", "visibility", "tracks", "flow"].contains($0.name) }
    return spec.batch(indices, of: split, "scenes-video") { index, easel in
      let clip = world.clip(SampleDraw(world: world.stream, split: split, index: index))
      let seen = world.observe(clip, easel, isWatched: isWatched)
      return spec.fields.map { world.value($0.name, of: clip, seen) }
    }
  }

  /// The frames of a sample with everything that the renderer knows of them, flow included.
  public func observations(_ index: Int, of split: Split) -> [Observation] {
    world.observe(
      world.clip(SampleDraw(world: world.stream, split: split, index: index)), Easel(), isWatched: true)
  }
}
