import ReproConfig
import ReproData
import ReproTensor

/// `scenes-drive`: short videos of a moving camera, with depth, poses, flow and things that move themselves.
///
/// What is drawn (`world`):
/// - `road`: textured ground; 10 to 18 boxes and cylinders of any size AND any texture scale, so that one picture says
///   little of distances; a camera at 0.8 to 1.2 m that goes 0.15 to 0.4 m forward per frame and turns by up to 1.7
///   degrees; with probability `moving` (0.2) one or two boxes that drive by themselves, 0.08 to 0.3 m per frame.
///   Classes: ground, box, cylinder, mover.
/// - `street`: a road strip and grass, 6 to 12 walls (boxes), 4 to 8 poles, 4 to 8 trees (spheres on cylinders) beside
///   a lane; every class has its own family of patterns and hues. Classes: road, grass, wall, pole, trunk, crown.
/// - `tour`: one long walk per split with the eyes of a walker (bob, sway, looks ahead) along a winding closed way
///   among `things` (150) objects of twelve classes in slowly changing light; sample i is a clip that starts `hop`
///   frames after sample i - 1. Classes: ground and the twelve.
/// - `flight`: over a town at 6 to 10 m, looking down by 35 to 60 degrees. Classes: ground, street, house, roof, tower,
///   tree.
///
/// `camera: static` leaves the camera where it starts (and always has movers in `road`); `rig: three` takes three
/// pictures at each moment: ahead, and turned by 35 degrees to both sides. Frames are ordered by time, then by camera
/// (F = frames x cameras). Texture: `textures: false` leaves plain surfaces.
///
/// Variants of `road`, for methods that learn depth from motion: `cues: strong` (all things have one size and one scale of
/// pattern, the camera one height and tilt: a single picture says all) or `weak` (half of the things hover, by up to 1.2
/// m; the camera is 0.6 to 1.8 m high and tilted from 3 degrees up to 11 down: only motion says how far things are);
/// `sideways`: the camera also slides to one side, by up to this share of its step forward, which is drawn from `stride`
/// metres; `movers: disguised`: one mover that looks like a standing box, 3.5 to 6.5 m ahead at the middle moment, and
/// drives with the camera (0.7 to 1.3 times its speed), against it or across: in each clip of validation and test, and
/// with probability `moving` in training.
///
/// Columns: `frames` `[F, H, W, 3]`, `intrinsics` `[3, 3]`, `cameras` `[F, 3, 4]` ([R|t]), and with `outputs`: `depth`
/// `[F, H, W]`, `normals`, `classes` and `instances` (frames of one channel), `moving` (1 where something drives),
/// `flow` `[F - cameras, H, W, 2]` and `occluded` (to the same camera's next frame), `voxels` `[32, 8, 32]` (classes in
/// a box of 24 x 6 x 24 m before the first camera, x to its right, y up, z ahead; -1 nothing), `motion` (the clip has
/// movers), `middle-depth` `[H, W]` and `middle-motion` (still or moving, pixel by pixel) of the first camera at the moment
/// frames / 2, and `odometry`: the same numbers as `cameras`, but no label, for methods that know how the camera moves.
///
/// Options (defaults): `size` ([64, 96]), `frames` (5), `train` (400), `validation` (80), `test` (80), `outputs`, and
/// those above (`road`, `moving`, `camera: forward`, `rig: one`, `things`, `hop` 10, `textures` true, `cues: usual`,
/// `sideways` 0, `stride` [0.15, 0.4], `movers: usual`).
public struct ScenesDrive: DatasetProvider {
  public static let card = DatasetCard(
    id: "scenes-drive", title: "Procedural driving, walking and flying videos: depth, flow, poses, motion",
    source: "rendered by Core/Scenes", licence: "Apache-2.0")

  static let version = 1

  public let spec: DataSpec
  private let world: DriveWorld
  private let seed: UInt64

  public init(_ options: inout Section, root: DataRoot) throws {
    let size = try pictureSize(&options, in: 16...512, default: (64, 96))
    let sizes = try splitSizes(&options, train: 400, validation: 80, test: 80)
    let frames = try options.int("frames", in: 1...1000, default: 5)
    let place = try options.choice("world", DriveWorld.Place.allCases.map(\.rawValue), default: "road")
    let isStatic = try options.choice("camera", ["forward", "static"], default: "forward") == "static"
    let hasRig = try options.choice("rig", ["one", "three"], default: "one") == "three"
    seed = root.seed
    world = DriveWorld(
      height: size.height, width: size.width, frames: frames, place: DriveWorld.Place(rawValue: place) ?? .road,
      isStatic: isStatic, cameras: hasRig ? 3 : 1,
      moving: try options.double("moving", in: 0...1, default: 0.2),
      things: try options.int("things", in: 1...1000, default: 150),
      hop: try options.int("hop", in: 1...1000, default: 10),
      isTextured: try options.bool("textures", default: true), variant: try DriveVariant(&options), sizes: sizes,
      stream: RandomStream(seed: root.seed).child("scenes-drive"))
    let (f, h, w) = (frames * world.cameras, size.height, size.width)
    let steps = f - world.cameras
    var offered = [
      OptionalField("depth", .real(shape: [f, h, w], unit: "m")),
      OptionalField("normals", .real(shape: [f, h, w, 3], unit: "1")),
      OptionalField("classes", .frames(count: f, height: h, width: w, channels: 1)),
      OptionalField("instances", .frames(count: f, height: h, width: w, channels: 1)),
      OptionalField("moving", .frames(count: f, height: h, width: w, channels: 1)),
      OptionalField("voxels", .real(shape: [32, 8, 32], unit: "1")),
      OptionalField("motion", .category(classes: ["still", "moving"])),
      OptionalField("middle-depth", .real(shape: [h, w], unit: "m")),
      OptionalField("middle-motion", .labelMap(height: h, width: w, classes: ["still", "moving"])),
      OptionalField("odometry", .real(shape: [f, 3, 4], unit: "m"), isLabel: false),
    ]
    if steps > 0 {
      offered += [
        OptionalField("flow", .real(shape: [steps, h, w, 2], unit: "px")),
        OptionalField("occluded", .frames(count: steps, height: h, width: w, channels: 1)),
      ]
    }
    let extra = try chosenFields(&options, offered)
    spec = DataSpec(
      fields: [
        FieldSpec("frames", .frames(count: f, height: h, width: w, channels: 3), isLabel: false),
        FieldSpec("intrinsics", .real(shape: [3, 3], unit: "px"), isLabel: false),
        FieldSpec("cameras", .real(shape: [f, 3, 4], unit: "m"), isLabel: true),
      ] + extra, sizes: sizes)
  }

  /// The names of the values in `classes`; 0 is the sky.
  public var classes: [String] { ["sky"] + world.place.classes }

  public var fingerprint: String { "scenes-drive/v\(Self.version) seed=\(seed) \(world.signature)" }

  public func batch(_ indices: [Int], of split: Split) throws -> Batch {
    let hasFlow = spec[field: "flow"] != nil || spec[field: "occluded"] != nil
    return spec.batch(indices, of: split, "scenes-drive") { index, easel in
      let clip = world.clip(SampleDraw(world: world.stream, split: split, index: index))
      let seen = world.observe(clip, easel, hasFlow: hasFlow)
      return spec.fields.map { world.value($0.name, of: clip, seen) }
    }
  }

  /// The frames of a sample with everything that the renderer knows of them, flow included.
  public func observations(_ index: Int, of split: Split) -> [Observation] {
    world.observe(world.clip(SampleDraw(world: world.stream, split: split, index: index)), Easel(), hasFlow: true)
  }
}
