import ReproConfig
import ReproData
import ReproTensor

/// `scenes-cartoon`: shots of drawn characters in several styles, with who is where and what a detector would say.
///
/// What is drawn:
/// - series: `shots` samples in a row belong to one series, the same in all splits (other shots of the same
///   characters); a series has `characters` characters and six hues around one.
/// - character: build (stick, blob, box, tall), hat (none, cap, cone, crown, ears), colours of skin, shirt, trousers
///   and hat, proportions; in one shot of five another shirt.
/// - shot: 2 to `cast` of them side by side, some walk; joint angles wander at random; facing left or right, scale 0.85
///   to 1.2; an orthographic camera that pans and zooms; a wall, a floor and a few things behind.
/// - `style`: `flat` colours without light; `outlined` with dark lines around characters and their parts; `shaded` as
///   lit solids; `series` one of the three for each series.
/// - detections: boxes with jitter of 4 % of their size, 10 % missing, 5 % false ones, confidence 0.82 +- 0.1 (false
///   ones 0.45 +- 0.15).
///
/// Columns: `frames` `[T, H, W, 3]`, labels `series`, `boxes` `[T, M, 4]`, `identities` `[M]` (number in the series,
/// -1), `detections` `[T, 2 M, 6]` (box, confidence, character or -1; rows of zeros where there are fewer), and with
/// `outputs`: `instances`, `parts` (frames of one channel: head, body, arms, legs, hat, face), `style`.
///
/// Options (defaults): `size` (128), `frames` (24), `train` (60), `validation` (10), `test` (20), `shots` (60),
/// `characters` (12), `cast` (4), `style` (outlined).
public struct ScenesCartoon: DatasetProvider {
  public static let card = DatasetCard(
    id: "scenes-cartoon", title: "Procedural cartoons: characters, shots, tracks, noisy detections",
    source: "rendered by Core/Scenes", licence: "Apache-2.0")

  static let version = 1

  public let spec: DataSpec
  private let world: CartoonWorld
  private let seed: UInt64

  public init(_ options: inout Section, root: DataRoot) throws {
    let size = try options.int("size", in: 32...512, default: 128)
    let sizes = try splitSizes(&options, train: 60, validation: 10, test: 20)
    let frames = try options.int("frames", in: 1...500, default: 24)
    let characters = try options.int("characters", in: 1...100, default: 12)
    let cast = try options.int("cast", in: 1...min(8, characters), default: min(4, characters))
    let style = try options.choice("style", CartoonWorld.Style.allCases.map(\.rawValue), default: "outlined")
    seed = root.seed
    world = CartoonWorld(
      size: size, frames: frames, characters: characters,
      shots: try options.int("shots", in: 1...1_000_000, default: 60), most: cast,
      style: CartoonWorld.Style(rawValue: style) ?? .outlined,
      stream: RandomStream(seed: root.seed).child("scenes-cartoon"))
    let series = (sizes.values.max() ?? 1) / world.shots + 1
    let extra = try chosenFields(
      &options,
      [
        OptionalField("instances", .frames(count: frames, height: size, width: size, channels: 1)),
        OptionalField("parts", .frames(count: frames, height: size, width: size, channels: 1)),
        OptionalField("style", .category(classes: CartoonWorld.Style.allCases.dropLast().map(\.rawValue))),
      ])
    spec = DataSpec(
      fields: [
        FieldSpec("frames", .frames(count: frames, height: size, width: size, channels: 3), isLabel: false),
        FieldSpec("series", .identity(count: series), isLabel: true),
        FieldSpec("boxes", .real(shape: [frames, cast, 4], unit: "px"), isLabel: true),
        FieldSpec("identities", .real(shape: [cast], unit: "1"), isLabel: true),
        FieldSpec("detections", .real(shape: [frames, 2 * cast, 6], unit: "1"), isLabel: false),
      ] + extra, sizes: sizes)
  }

  public var fingerprint: String { "scenes-cartoon/v\(Self.version) seed=\(seed) \(world.signature)" }

  public func batch(_ indices: [Int], of split: Split) throws -> Batch {
    spec.batch(indices, of: split, "scenes-cartoon") { index, easel in
      let draw = SampleDraw(world: world.stream, split: split, index: index)
      let shot = world.shot(draw)
      let views = world.observe(shot, easel)
      let boxes = views.map { world.boxes($0, shot) }
      return spec.fields.map { value($0.name, draw, shot, views, boxes) }
    }
  }

  private func value(
    _ field: String, _ draw: SampleDraw, _ shot: CartoonShot, _ views: [View], _ boxes: [[SIMD4<Float>]]
  ) -> SampleValue {
    func padded(_ rows: [[Float]], _ count: Int, _ width: Int) -> [Float] {
      let some = rows.prefix(count).flatMap { $0 }
      return some + [Float](repeating: 0, count: count * width - some.count)
    }
    switch field {
    case "frames": return .bytes(views.flatMap(\.rgb))
    case "series": return .integer(shot.series)
    case "boxes":
      return .reals(boxes.flatMap { padded($0.map { [$0.x, $0.y, $0.z, $0.w] }, world.most, 4) })
    case "identities":
      return .reals((0..<world.most).map { $0 < shot.cast.count ? Float(shot.cast[$0]) : -1 })
    case "detections":
      return .reals(
        boxes.enumerated().flatMap { time, frame -> [Float] in
          var random = draw.stream("detector", time)
          let found = world.detections(frame, shot, &random)
          return padded(found.map(\.numbers), 2 * world.most, 6)
        })
    case "instances": return .bytes(views.flatMap(\.instanceBytes))
    case "parts": return .bytes(views.flatMap(\.classes))
    default: return .integer(CartoonWorld.Style.allCases.firstIndex(of: shot.style) ?? 0)
    }
  }
}
