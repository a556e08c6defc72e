import ReproConfig
import ReproData
import ReproTensor

/// `scenes-multi`: several objects on the ground, with everything that detection, segmentation, counting and relations
/// need.
///
/// What is drawn:
/// - number of objects: uniform in `min_objects`...`max_objects`; classes: uniform among the first `classes` of
///   `scenes-objects`; individuals: any of `instances` per class, so that a split meets few twice.
/// - sizes: `scales: any` uniform 0.45...1; `two` either 0.5 or 0.9 (small, large), alike likely.
/// - colours: `colors: any` looks of any pattern and hue; `named` one of eight named colours for the whole object.
/// - places: uniform on a disc of 2.6 m, no two nearer than 0.8 of the sum of their radii, so that they overlap in the
///   picture, but not in space; on the ground, turned at random and tilted as in `scenes-objects`.
/// - camera: 20 to 52 degrees high, any azimuth, field of view 45 degrees, the disc fills the picture.
/// - ground, wall, light: as in `scenes-objects`; `clutter` scales the contrast of the ground.
/// - a scene in which an object shows less than a quarter of its pixels, or fewer than 1/250 of the picture, is drawn
///   again, at most eight times; what is still hidden then counts all the same.
/// - `semantics`: `shape` the class is the kind; `mixed` a coin says for every object whether its class is its kind or one
///   of five patterns (marble, stripes, checks, bricks, dots) that follow the kinds; kinds and patterns are drawn
///   independently, things named by their kind have another pattern (plain, noise). No geometry tells the pattern.
/// - `style`: `photo` as rendered; `flat` plain colours; `foreign` fog, noise, a tint and strong textures; `cel` and
///   `sketch` outlines. `mixed` draws one of the five for every sample.
///
/// Columns: `image`, `mask` (class of every pixel), `instances` (which object; objects are numbered by decreasing
/// visible size), `boxes` `[M, 4]` (left, top, right, bottom of the visible pixels), `classes` `[M]`, `present` (1 for
/// each class in the picture), `count`, `label` (class of the object with most pixels), `relations` `[M, M, 2]` (1 if
/// object i is right of j, -1 left; 1 if behind, -1 in front; 0 closer than 0.3 m), and with `outputs`: `depth`,
/// `normals`, `visibility` `[M]`, `positions` `[M, 3]` (camera's frame), `colors` `[M]`, `sizes` `[M]`, `full_boxes`,
/// `camera` (K and [R|t]), `style`, `edited` and `edit` (the same scene after one edit: none, colour, size, class,
/// place, or removal). Rows without an object are -1 (`boxes`: 0).
///
/// Options (defaults): `size` (64), `train` (8000), `validation` (1000), `test` (2000), `min_objects` (2),
/// `max_objects` (5, at most 10), `classes` (10), `instances` (10000), `scales`, `colors`, `style` (photo), `clutter`
/// (0.5), `ground_classes` (false; true gives floor and wall classes of their own in `mask`), `semantics`
/// (shape), `spread` (1; things stand on a disc of `spread` times 2.6 m and are seen from so much nearer or further),
/// `outputs`, `inputs` (columns of `outputs` that training may see).
public struct ScenesMulti: DatasetProvider {
  public static let card = DatasetCard(
    id: "scenes-multi", title: "Several procedural objects: masks, boxes, counts, relations",
    source: "rendered by Core/Scenes", licence: "Apache-2.0")

  static let version = 1

  public let spec: DataSpec
  private let world: MultiWorld
  private let seed: UInt64

  public init(_ options: inout Section, root: DataRoot) throws {
    let size = try pictureSize(&options, in: 16...512, default: (64, 64))
    let sizes = try splitSizes(&options, train: 8000, validation: 1000, test: 2000)
    let most = try options.int("max_objects", in: 1...10, default: 5)
    let least = try options.int("min_objects", in: 1...most, default: min(2, most))
    let kinds = try options.int("classes", in: 1...ObjectClass.allCases.count, default: ObjectClass.allCases.count)
    let instances = try options.int("instances", in: 1...10_000_000, default: 10_000)
    let hasTwoSizes = try options.choice("scales", ["any", "two"], default: "any") == "two"
    let isNamed = try options.choice("colors", ["any", "named"], default: "any") == "named"
    let style = try options.choice("style", MultiWorld.Style.allCases.map(\.rawValue), default: "photo")
    let clutter = try options.double("clutter", in: 0...1, default: 0.5)
    let hasGround = try options.bool("ground_classes", default: false)
    let isMixed = try options.choice("semantics", ["shape", "mixed"], default: "shape") == "mixed"
    let spread = try options.double("spread", in: 0.3...2, default: 1)
    seed = root.seed
    world = MultiWorld(
      height: size.height, width: size.width, objects: least...most, kinds: kinds, instances: instances,
      hasTwoSizes: hasTwoSizes, isNamed: isNamed, style: MultiWorld.Style(rawValue: style) ?? .photo,
      clutter: Float(clutter), hasGround: hasGround, isMixed: isMixed, spread: Float(spread),
      stream: RandomStream(seed: root.seed).child("scenes-multi"))
    let names = world.classes
    let (h, w) = (size.height, size.width)
    let extra = try chosenFields(
      &options,
      [
        OptionalField("depth", .real(shape: [h, w], unit: "m")),
        OptionalField("normals", .real(shape: [h, w, 3], unit: "1")),
        OptionalField("visibility", .real(shape: [most], unit: "1")),
        OptionalField("positions", .real(shape: [most, 3], unit: "m")),
        OptionalField("colors", .real(shape: [most], unit: "1")),
        OptionalField("sizes", .real(shape: [most], unit: "1")),
        OptionalField("full_boxes", .real(shape: [most, 4], unit: "px")),
        OptionalField("intrinsics", .real(shape: [3, 3], unit: "px"), isLabel: false),
        OptionalField("camera", .real(shape: [3, 4], unit: "m"), isLabel: false),
        OptionalField("style", .category(classes: MultiWorld.Style.allCases.dropLast().map(\.rawValue))),
        OptionalField("edited", .image(height: h, width: w, channels: 3), isLabel: false),
        OptionalField("edit", .category(classes: MultiWorld.Edit.allCases.map(\.rawValue))),
      ])
    spec = DataSpec(
      fields: [
        FieldSpec("image", .image(height: h, width: w, channels: 3), isLabel: false),
        FieldSpec("label", .category(classes: names), isLabel: true),
        FieldSpec(
          "mask",
          .labelMap(
            height: h, width: w, classes: ["background"] + names + (hasGround ? ["floor", "wall"] : [])),
          isLabel: true),
        FieldSpec("instances", .labelMap(height: h, width: w, classes: instanceClasses(most)), isLabel: true),
        FieldSpec("boxes", .real(shape: [most, 4], unit: "px"), isLabel: true),
        FieldSpec("classes", .real(shape: [most], unit: "1"), isLabel: true),
        FieldSpec("present", .real(shape: [names.count], unit: "1"), isLabel: true),
        FieldSpec("count", .category(classes: (0...most).map { "\($0)" }), isLabel: true),
        FieldSpec("relations", .real(shape: [most, most, 2], unit: "1"), isLabel: true),
      ] + extra, sizes: sizes)
  }

  public var fingerprint: String { "scenes-multi/v\(Self.version) seed=\(seed) \(world.signature)" }

  public func batch(_ indices: [Int], of split: Split) throws -> Batch {
    spec.batch(indices, of: split, "scenes-multi") { index, easel in
      let sample = world.sample(SampleDraw(world: world.stream, split: split, index: index), easel)
      return spec.fields.map { world.value($0.name, of: sample, easel) }
    }
  }

  /// One sample with everything that the renderer knows of it.
  public func observation(_ index: Int, of split: Split) -> Observation {
    world.sample(SampleDraw(world: world.stream, split: split, index: index), Easel()).observation
  }

  /// The scene of a sample, its objects first, in the order of their instance ids.
  public func scene(_ index: Int, of split: Split) -> Scene {
    world.sample(SampleDraw(world: world.stream, split: split, index: index), Easel()).scene
  }
}
