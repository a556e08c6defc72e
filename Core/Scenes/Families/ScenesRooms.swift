import ReproConfig
import ReproData
import ReproTensor

/// `scenes-rooms`: furnished rooms with right angles, seen from inside, with everything that the renderer knows.
///
/// What is drawn:
/// - room: a box of 3.2 to 6 m x 3 to 5 m x 2.4 to 3 m (`room: small`: 4 x 3 x 2.6 m), floor, ceiling and four walls
///   with materials of their own (`walls: textured`; `plain` weak contrast; `mixed` one of both).
/// - things: `min_objects`...`max_objects` on the floor, sides parallel to the walls, not nearer than touching, from
///   `things`: `shapes` (the first eight kinds of `scenes-objects`), `furniture` (chair, stool, bench, bed, shelf, and
///   table, lamp of `scenes-objects`), `boxes` (boxes of any measures and one ball, the only thing without right
///   angles).
/// - light: a lamp near the ceiling with soft shadows, ambient light (`light: sun` one direction for all).
/// - cameras: `path: inside` any free place at eye height 1.1 to 1.7 m, looking across the middle; `walk` steps of 0.1
///   to 0.25 m along a way through the room; `around` near the walls, evenly around the room. Field of view 75 degrees.
/// - `turned: true` turns the whole room by any rotation, so that its axes have to be found.
///
/// Columns: `image` (one view) or `views` `[V, H, W, 3]`, `intrinsics`, `cameras` `[V, 3, 4]`, `present` (1 for each
/// kind in the room), and with `outputs`: `depth`, `normals`, `classes` and `instances` (label maps of all views),
/// `shading` (light on white), `edges` (jumps of depth, normal or instance), `flow` and `occluded` (to the next view;
/// of the last one to a camera 5 cm ahead), `layout` `[3]` (width, height, depth), `axes` `[3, 3]` (the room's axes as
/// rows), `objects` `[M, 8]` (kind, instance, middle and size of the box; -1), `points` `[P, 8]` (x y z r g b class
/// instance of random pixels of all views), `surface` `[P, 6]` (the room's own surface), `seen` `[V]` (share of the
/// surface seen by this view), `coverage` `[V]` (seen by this view or one before), `voxels` `[32, 16, 32]` (kind + 1 of
/// 0.2 m cubes, 0 free; walls are not filled). Maps have a leading V if there are several views.
///
/// Options (defaults): `size` (64), `views` (1), `train` (4000), `validation` (500), `test` (500), `min_objects` (4),
/// `max_objects` (8), `points` (2048), and those above (`shapes`, `textured`, `lamp`, `inside`, `large`, false).
public struct ScenesRooms: DatasetProvider {
  public static let card = DatasetCard(
    id: "scenes-rooms", title: "Procedural rooms: depth, normals, semantics, layout, coverage",
    source: "rendered by Core/Scenes", licence: "Apache-2.0")

  static let version = 1

  public let spec: DataSpec
  private let world: RoomWorld
  private let seed: UInt64

  public init(_ options: inout Section, root: DataRoot) throws {
    let size = try pictureSize(&options, in: 16...512, default: (64, 64))
    let sizes = try splitSizes(&options, train: 4000, validation: 500, test: 500)
    let views = try options.int("views", in: 1...1000, default: 1)
    let most = try options.int("max_objects", in: 1...16, default: 8)
    let least = try options.int("min_objects", in: 0...most, default: min(4, most))
    let points = try options.int("points", in: 1...1_000_000, default: 2048)
    let things = try options.choice("things", RoomWorld.Things.allCases.map(\.rawValue), default: "shapes")
    let walls = try options.choice("walls", RoomWorld.Walls.allCases.map(\.rawValue), default: "textured")
    let path = try options.choice("path", RoomWorld.Path.allCases.map(\.rawValue), default: "inside")
    seed = root.seed
    world = RoomWorld(
      height: size.height, width: size.width, views: views, objects: least...most,
      things: RoomWorld.Things(rawValue: things) ?? .shapes, walls: RoomWorld.Walls(rawValue: walls) ?? .textured,
      path: RoomWorld.Path(rawValue: path) ?? .inside, points: points,
      isSmall: try options.choice("room", ["large", "small"], default: "large") == "small",
      hasSun: try options.choice("light", ["lamp", "sun"], default: "lamp") == "sun",
      isTurned: try options.bool("turned", default: false),
      stream: RandomStream(seed: root.seed).child("scenes-rooms"))
    let (h, w) = (size.height, size.width)
    func map(_ tail: [Int]) -> Shape { Shape((views > 1 ? [views] : []) + [h, w] + tail) }
    func labels(_ name: String, _ classes: [String]) -> OptionalField {
      OptionalField(
        name,
        views > 1
          ? .frames(count: views, height: h, width: w, channels: 1)
          : .labelMap(height: h, width: w, classes: classes))
    }
    let kinds = world.things.kinds
    let extra = try chosenFields(
      &options,
      [
        OptionalField("depth", .real(shape: map([]), unit: "m")),
        OptionalField("normals", .real(shape: map([3]), unit: "1")),
        labels("classes", ["nothing"] + kinds + ["floor", "wall", "ceiling"]),
        labels("instances", instanceClasses(most)),
        OptionalField("shading", .real(shape: map([]), unit: "1")),
        OptionalField("edges", .real(shape: map([]), unit: "1")),
        OptionalField("flow", .real(shape: map([2]), unit: "px")),
        labels("occluded", ["visible", "occluded"]),
        OptionalField("layout", .real(shape: [3], unit: "m")),
        OptionalField("axes", .real(shape: [3, 3], unit: "1")),
        OptionalField("objects", .real(shape: [most, 8], unit: "1")),
        OptionalField("points", .real(shape: [points, 8], unit: "m")),
        OptionalField("surface", .real(shape: [points, 6], unit: "m")),
        OptionalField("seen", .real(shape: [views], unit: "1")),
        OptionalField("coverage", .real(shape: [views], unit: "1")),
        OptionalField("voxels", .real(shape: [32, 16, 32], unit: "1")),
      ])
    spec = DataSpec(
      fields: [
        views > 1
          ? FieldSpec("views", .frames(count: views, height: h, width: w, channels: 3), isLabel: false)
          : FieldSpec("image", .image(height: h, width: w, channels: 3), isLabel: false),
        FieldSpec("intrinsics", .real(shape: [3, 3], unit: "px"), isLabel: false),
        FieldSpec("cameras", .real(shape: [views, 3, 4], unit: "m"), isLabel: false),
        FieldSpec("present", .real(shape: Shape([kinds.count]), unit: "1"), isLabel: true),
      ] + extra, sizes: sizes)
  }

  public var fingerprint: String { "scenes-rooms/v\(Self.version) seed=\(seed) \(world.signature)" }

  public func batch(_ indices: [Int], of split: Split) throws -> Batch {
    let hasFlow = spec[field: "flow"] != nil || spec[field: "occluded"] != nil
    return spec.batch(indices, of: split, "scenes-rooms") { index, easel in
      let draw = SampleDraw(world: world.stream, split: split, index: index)
      let room = world.room(draw)
      let seen = world.observe(room, easel, hasFlow: hasFlow)
      return spec.fields.map { world.value($0.name, of: room, seen, draw, easel) }
    }
  }

  /// The views of a sample with everything that the renderer knows of them, flow included.
  public func observations(_ index: Int, of split: Split) -> [Observation] {
    world.observe(
      world.room(SampleDraw(world: world.stream, split: split, index: index)), Easel(), hasFlow: true)
  }
}
