import Glibc
import ReproConfig
import ReproData
import ReproTensor

/// `scenes-angles`: three pictures of one scene from around it, with a question that needs more than one of them.
///
/// What is drawn:
/// - scene: three to six objects (ball, cube, cone, cylinder; red, yellow, green, blue, purple, white), none to three
///   people in plain shirts of these colours, within 2.1 m of the middle; no two things have the same name.
/// - cameras: three on a circle of 4.9 m at least 50 degrees apart, in any order, each looking up to 1.1 m past the
///   middle, so that things are missing from some views. A thing counts as seen with 0.25 % of a picture.
/// - question: sample i asks for task i mod 6 (counting, attribute, distance, direction, manipulation, camera), or
///   the next one that the scene admits; three options, A to C in a random order, of which one is right. The rivals
///   of a count are the most that one view shows and a number next to the right one.
/// - pair: the same fact in other words, with the views in another order (`order`: view k of the pair is the
///   picture number `order[k]`) and the options permuted anew.
///
/// Options (defaults): `size` 24...128 (32); `train` (600), `validation` (30), `test` (540).
///
/// Columns: `image` three pictures; `question`, `option_a`, `option_b`, `option_c`; `pair_question`, `pair_option_a`,
/// ..., `order` [3]; labels `answer`, `pair_answer`, `task`, `visibility` (complete if all views show everything that
/// is asked about), `azimuth` [3, 3] (turn from camera to camera, radians), `things` [9, 8] (shape or -1 for a
/// person, color, x, z, facing x, z, number of views, 1; zeros beyond), `instances` three label maps; `intrinsics`
/// [3, 3, 3], `extrinsics` [3, 3, 4].
///
/// Every sample is a pure function of the options, `DataRoot.seed`, the split and the index.
///
/// - Source: tasks and pairs after All-Angles Bench (arXiv 2504.15280).
public struct ScenesAngles: DatasetProvider {
  public static let card = DatasetCard(
    id: "scenes-angles", title: "Procedural scenes in three views with paired multiple-choice questions",
    source: "rendered by Core/Scenes", licence: "Apache-2.0")

  /// The version of the generator: it changes whenever the bytes of any sample do.
  static let version = 1
  /// The most things in a scene.
  static let most = 9

  public let spec: DataSpec
  public let size: Int
  private let stream: RandomStream
  private let description: String

  public init(_ options: inout Section, root: DataRoot) throws {
    size = try options.int("size", in: 24...128, default: 32)
    let sizes = try splitSizes(&options, train: 600, validation: 30, test: 540)
    stream = RandomStream(seed: root.seed).child("scenes-angles")
    description = "seed=\(root.seed) size=\(size)"
    let letters = FieldKind.category(classes: ["A", "B", "C"])
    let texts = ["question", "option_a", "option_b", "option_c"]
    spec = DataSpec(
      fields: [
        FieldSpec("image", .frames(count: 3, height: size, width: size, channels: 3), isLabel: false)
      ] + (texts + texts.map { "pair_\($0)" }).map { FieldSpec($0, .text, isLabel: false) } + [
        FieldSpec("order", .real(shape: [3], unit: "1"), isLabel: false), FieldSpec("answer", letters, isLabel: true),
        FieldSpec("pair_answer", letters, isLabel: true),
        FieldSpec("task", .category(classes: AngleTask.allCases.map(\.name)), isLabel: true),
        FieldSpec("visibility", .category(classes: ["partial", "complete"]), isLabel: true),
        FieldSpec("azimuth", .real(shape: [3, 3], unit: "rad"), isLabel: true),
        FieldSpec("things", .real(shape: [Self.most, 8], unit: "1"), isLabel: true),
        FieldSpec("instances", .frames(count: 3, height: size, width: size, channels: 1), isLabel: true),
        FieldSpec("intrinsics", .real(shape: [3, 3, 3], unit: "px"), isLabel: true),
        FieldSpec("extrinsics", .real(shape: [3, 3, 4], unit: "m"), isLabel: true),
      ], sizes: sizes)
  }

  public var fingerprint: String { "scenes-angles/v\(Self.version) \(description)" }

  public func batch(_ indices: [Int], of split: Split) throws -> Batch {
    spec.batch(indices, of: split, Self.card.id) { index, easel in
      values(index, stream.child(split.rawValue, index), easel)
    }
  }

  /// The scene of a sample that admits a question of its task, and the question.
  private func draw(
    _ index: Int, _ own: RandomStream, _ easel: Easel
  ) -> (scene: AngleScene, question: AngleQuestion, views: [View]) {
    var attempt = 0
    while true {
      var scene = AngleScene(own.child("attempt", attempt), size: size, easel: easel)
      let views = scene.cameras.map { easel.renderer(size, size).render(scene.scene, from: $0, [.rgb, .instances]) }
      for i in scene.things.indices {
        scene.things[i].views = views.indices.filter { view in
          views[view].instances.count { $0 == UInt16(i + 1) } * 400 >= size * size
        }
      }
      // After many scenes any task will do.
      let tasks = attempt < 24 ? 1 : 6
      for step in 0..<tasks {
        var random = own.child("question", attempt * 6 + step)
        let task = AngleTask.allCases[(index + step) % AngleTask.allCases.count]
        if let question = scene.question(task, &random) { return (scene, question, views) }
      }
      attempt += 1
    }
  }

  private func values(_ index: Int, _ own: RandomStream, _ easel: Easel) -> [SampleValue] {
    let (scene, question, views) = draw(index, own, easel)
    var random = own.child("options")
    let (first, second) = (random.permutation(3), random.permutation(3))
    var table: [Float] = []
    for thing in scene.things {
      table += [Float(thing.shape?.rawValue ?? -1), Float(thing.color.rawValue), thing.place.x, thing.place.z]
      table += [thing.facing.x, thing.facing.z, Float(thing.views.count), 1]
    }
    table += [Float](repeating: 0, count: Self.most * 8 - table.count)
    let rig = WorldRig(cameras: scene.cameras)
    let turns = (0..<3).flatMap { a in (0..<3).map { scene.turn(from: a, to: $0) } }
    var values: [SampleValue] = [.bytes(views.flatMap(\.rgb)), .text(question.text)]
    values += first.map { .text(question.options[$0]) }
    values.append(.text(question.paired))
    values += second.map { .text(question.options[$0]) }
    return values + [
      .reals(question.views.map { Float($0) }), .integer(first.firstIndex(of: 0) ?? 0),
      .integer(second.firstIndex(of: 0) ?? 0), .integer(question.task.rawValue), .integer(question.isComplete ? 1 : 0),
      .reals(turns), .reals(table), .bytes(views.flatMap { $0.instances.map { UInt8(min($0, 255)) } }),
      .reals(rig.intrinsics), .reals(rig.extrinsics),
    ]
  }
}
