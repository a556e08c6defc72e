import ReproConfig
import ReproData
import ReproTensor

/// `scenes-orbit`: one object seen by many cameras, with masks, cameras, depth and its true surface.
///
/// What is drawn:
/// - `shape`: `objects` the ten classes of `scenes-objects`; `compounds` twenty kinds put together from primitives
///   (chair, mug, car, dog, ...) with named parts; `distance` six kinds of smooth solids made of signed distances
///   (torus and sphere, blobs that flow together, a cube without a ball, ...); `meshes` four kinds of bumpy closed
///   triangle meshes. Sample i shows kind i mod (number of kinds); `kinds` keeps a range of them, `individuals` per
///   kind and split.
/// - the object fills a ball of radius 1 m around the origin, turned about the vertical at random (`turned: false`
///   leaves its front at +x); its look has procedural patterns (`textures: false`: plain colours), the same in all
///   views.
/// - `path`: `orbit` a full circle, elevation 15 to 45 degrees; `arc` 60 to 120 degrees of one; `sphere` all around
///   (above the ground if there is one); `grid` every azimuth at each of `elevations` (degrees), `views` azimuths each;
///   `free` any azimuth, 40 degrees up or down, 0.8 to 1.25 of the distance; `turns` a fixed camera and an object
///   turned by Euler angles in -90...90 degrees.
/// - camera: field of view 40 degrees, the ball fills 90 % of the picture.
/// - `background`: `black`; `ground` a textured plane below; `dome` a textured ball of 8 m around all; `clutter` the
///   ground with 5 to 10 boxes and cylinders far around; `fresh` another textured wall behind the object in every view.
/// - `light`: `fixed` one sun for all views; `headlight` from the camera, so that shading tells nothing of the azimuth;
///   `changing` another sun for every view; `tinted` another hue of the light and of the ground for every view.
///
/// Columns: `views` `[V, H, W, 3]`, `masks` `[V, H, W, 1]` (1 object), `label`, `instance`, `intrinsics` `[3, 3]`,
/// `cameras` `[V, 3, 4]` ([R|t]), and with `outputs`: `depth` `[V, H, W]`, `normals`, `points` `[P, 6]` (surface
/// points, evenly by area, and outward normals), `rotations` `[V, 4]` (object to camera, quaternion x y z w), `angles`
/// `[V, 2]` (azimuth and elevation in the object's frame, radians), `parts` (label of every pixel's part; compounds),
/// `hues` `[V, 2]` (light, ground), `sdf` `[P, 4]` (points of the cube of side 2 and their signed distances; `distance`
/// only).
///
/// Options (defaults): `size` (48), `views` (8), `train` (200), `validation` (40), `test` (40), `points` (2048),
/// `individuals` (1000), and those above (`objects`, `orbit`, `black`, `fixed`).
public struct ScenesOrbit: DatasetProvider {
  public static let card = DatasetCard(
    id: "scenes-orbit", title: "One procedural object in many views: masks, cameras, depth, surface",
    source: "rendered by Core/Scenes", licence: "Apache-2.0")

  static let version = 1

  public let spec: DataSpec
  private let world: OrbitWorld
  private let seed: UInt64

  public init(_ options: inout Section, root: DataRoot) throws {
    let size = try pictureSize(&options, in: 16...512, default: (48, 48))
    let sizes = try splitSizes(&options, train: 200, validation: 40, test: 40)
    let shape = try options.choice("shape", OrbitWorld.Shape.allCases.map(\.rawValue), default: "objects")
    let form = OrbitWorld.Shape(rawValue: shape) ?? .objects
    let path = try options.choice("path", OrbitWorld.Path.allCases.map(\.rawValue), default: "orbit")
    let around = try options.int("views", in: 1...1000, default: 8)
    let elevations = try options.doubles("elevations", in: -85...85, default: [0, 30, 60])
    let background = try options.choice("background", OrbitWorld.Background.allCases.map(\.rawValue), default: "black")
    let light = try options.choice("light", OrbitWorld.Light.allCases.map(\.rawValue), default: "fixed")
    let kinds = try options.ints("kinds", count: 2, in: 0...form.kinds.count, default: [0, form.kinds.count])
    guard kinds[0] < kinds[1] else {
      throw ReproError(
        .usage, found: "kinds from \(kinds[0]) to below \(kinds[1]) are none", expected: "the first below the second")
    }
    let points = try options.int("points", in: 1...1_000_000, default: 2048)
    seed = root.seed
    let way = OrbitWorld.Path(rawValue: path) ?? .orbit
    world = OrbitWorld(
      height: size.height, width: size.width, shape: form, path: way, azimuths: around,
      elevations: elevations.map { Float($0) * .pi / 180 },
      background: OrbitWorld.Background(rawValue: background) ?? .black,
      light: OrbitWorld.Light(rawValue: light) ?? .fixed, kinds: kinds[0]..<kinds[1], points: points,
      individuals: try options.int("individuals", in: 1...10_000_000, default: 1000),
      isTurned: try options.bool("turned", default: true), isTextured: try options.bool("textures", default: true),
      stream: RandomStream(seed: root.seed).child("scenes-orbit"))
    let (v, h, w) = (world.views, size.height, size.width)
    let extra = try chosenFields(
      &options,
      [
        OptionalField("depth", .real(shape: [v, h, w], unit: "m")),
        OptionalField("normals", .real(shape: [v, h, w, 3], unit: "1")),
        OptionalField("points", .real(shape: [points, 6], unit: "m")),
        OptionalField("rotations", .real(shape: [v, 4], unit: "1")),
        OptionalField("angles", .real(shape: [v, 2], unit: "rad")),
        OptionalField("parts", .frames(count: v, height: h, width: w, channels: 1)),
        OptionalField("hues", .real(shape: [v, 2], unit: "1")),
        OptionalField("sdf", .real(shape: [points, 4], unit: "m")),
      ])
    spec = DataSpec(
      fields: [
        FieldSpec("views", .frames(count: v, height: h, width: w, channels: 3), isLabel: false),
        FieldSpec("masks", .frames(count: v, height: h, width: w, channels: 1), isLabel: true),
        FieldSpec("label", .category(classes: Array(form.kinds[world.kinds])), isLabel: true),
        FieldSpec("instance", .identity(count: world.kinds.count * world.individuals), isLabel: true),
        FieldSpec("intrinsics", .real(shape: [3, 3], unit: "px"), isLabel: false),
        FieldSpec("cameras", .real(shape: [v, 3, 4], unit: "m"), isLabel: false),
      ] + extra, sizes: sizes)
  }

  public var fingerprint: String { "scenes-orbit/v\(Self.version) seed=\(seed) \(world.signature)" }

  public func batch(_ indices: [Int], of split: Split) throws -> Batch {
    spec.batch(indices, of: split, "scenes-orbit") { index, easel in
      let sample = world.sample(SampleDraw(world: world.stream, split: split, index: index), easel)
      return spec.fields.map { world.value($0.name, of: sample) }
    }
  }

  /// The true surface of a sample: `count` points, evenly by area, with outward normals.
  public func surface(_ index: Int, of split: Split, count: Int) -> PointCloud {
    world.surface(SampleDraw(world: world.stream, split: split, index: index), count: count)
  }

  /// The views of a sample with everything that the renderer knows of them.
  public func observations(_ index: Int, of split: Split) -> [Observation] {
    world.sample(SampleDraw(world: world.stream, split: split, index: index), Easel()).views
  }
}
