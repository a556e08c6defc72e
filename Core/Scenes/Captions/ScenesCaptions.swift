import ReproConfig
import ReproData
import ReproTensor

/// `scenes-captions`: pictures of a few named objects, and what can be truly (or falsely) said about them.
///
/// What is drawn:
/// - objects: a number uniform in `least`...`objects`; each of eight shapes, eight colours, two sizes, four textures
///   and, where it shows, two postures, all independent and uniform; no two objects of a scene agree in everything.
///   They stand apart on the ground; a scene in which one is hidden by more than 35 %, covers less than 0.9 % of the
///   picture or is cut by its edge is drawn again (up to 16 times, the best of all is kept).
/// - `main: true`: the first object is large and near the middle, the others are small.
/// - `cooccurrence`: the chance that a further object is the partner of the first one's shape (ring: cone, table: lamp,
///   ball: cube, pill: cylinder).
/// - camera: 26 to 37 degrees above the horizon, any side; ground and (7 of 10) a wall in muted greys and browns,
///   with a pattern of strength `clutter`; nearly white light.
/// - text, all of it true of the scene but where said otherwise (docs/scenes-language.md): `caption` in a style of
///   `style`; `paraphrase`, another caption of the same scene; `negative`, the caption with one fact changed so that it
///   is false; `expression`, which fits one object only (`target`); `question` with `answer` (yes and no equally
///   often); `dialogue` of `turns` questions with answers.
/// - `hallucinate`: the chance that `caption` also names the partner of a shape that is there, though it is absent; the
///   label `clean` tells.
/// - `edited: true`: a second picture in which one object changed colour, size, texture, shape or place or is gone, or
///   nothing changed; `change` says it.
///
/// Options (defaults): `size` 24...128 (48); `train` (6000), `validation` (500), `test` (1000); `least` (1) and
/// `objects` (3), 1...6; `style` mixed, list, relation, statement, count, full or basic (mixed); `mention` 0...1
/// (0.6), the chance that an attribute is said; `synonyms` (true); `turns` 1...8 (4); `held_out` 0...32 (0); `main`
/// (false); `cooccurrence` 0...1 (0); `hallucinate` 0...1 (0); `edited` (false); `clutter` 0...1 (0.4).
///
/// Splits never share a scene. With `held_out` n, n pairs of shape and colour never occur in train and validation; in
/// the test split the first object of every second sample is of such a pair (label `novel`).
///
/// Every sample is a pure function of the options, `DataRoot.seed`, the split and the index.
public struct ScenesCaptions: DatasetProvider {
  public static let card = DatasetCard(
    id: "scenes-captions", title: "Procedural scenes with captions, expressions, questions and dialogues",
    source: "rendered by Core/Scenes", licence: "Apache-2.0")

  /// The version of the generator: it changes whenever the bytes of any sample do.
  static let version = 1
  /// The columns of `objects`: numbers of the attributes (posture -1 for none), the middle in the picture (pixels)
  /// and its depth (metres), the box (left, top, right, bottom, pixels), the visible share, and the middle in the
  /// world (metres).
  public static let objectColumns = [
    "shape", "color", "size", "texture", "posture", "u", "v", "depth", "left", "top", "right", "bottom", "visible",
    "x", "y", "z",
  ]

  public let spec: DataSpec
  public let size: Int
  public let most: Int
  public let turns: Int
  public let hallucinate: Double
  public let hasEdit: Bool
  private let writer: CaptionWriter
  private let world: CaptionWorld
  private let seed: UInt64
  private let description: String

  public init(_ options: inout Section, root: DataRoot) throws {
    size = try options.int("size", in: 24...128, default: 48)
    let sizes = try splitSizes(&options, train: 6000, validation: 500, test: 1000)
    most = try options.int("objects", in: 1...6, default: 3)
    let least = try options.int("least", in: 1...most, default: 1)
    let style = try options.choice("style", CaptionStyle.allCases.map(\.rawValue), default: "mixed")
    let mention = try options.double("mention", in: 0...1, default: 0.6)
    let synonyms = try options.bool("synonyms", default: true)
    turns = try options.int("turns", in: 1...8, default: 4)
    let held = try options.int("held_out", in: 0...32, default: 0)
    let hasMain = try options.bool("main", default: false)
    let cooccurrence = try options.double("cooccurrence", in: 0...1, default: 0)
    hallucinate = try options.double("hallucinate", in: 0...1, default: 0)
    hasEdit = try options.bool("edited", default: false)
    let clutter = try options.double("clutter", in: 0...1, default: 0.4)
    seed = root.seed
    let stream = RandomStream(seed: root.seed).child("scenes-captions")
    writer = CaptionWriter(style: CaptionStyle(rawValue: style) ?? .mixed, mention: Float(mention), synonyms: synonyms)
    world = CaptionWorld(
      size: size, objects: least...most, hasMain: hasMain, novel: Self.heldOut(held, stream),
      cooccurrence: cooccurrence, clutter: Float(clutter), stream: stream)
    description =
      "size=\(size) objects=\(least)...\(most) style=\(style) mention=\(mention) synonyms=\(synonyms) turns=\(turns) "
      + "held_out=\(held) main=\(hasMain) cooccurrence=\(cooccurrence) hallucinate=\(hallucinate) "
      + "edited=\(hasEdit) clutter=\(clutter)"
    spec = DataSpec(fields: Self.fields(size, most, hasEdit), sizes: sizes)
  }

  private static func fields(_ size: Int, _ most: Int, _ hasEdit: Bool) -> [FieldSpec] {
    let places = (1...most).map { "object \($0)" }
    var fields = [
      FieldSpec("image", .image(height: size, width: size, channels: 3), isLabel: false),
      FieldSpec("caption", .text, isLabel: false),
      FieldSpec("paraphrase", .text, isLabel: false),
      FieldSpec("negative", .text, isLabel: false),
      FieldSpec("expression", .text, isLabel: false),
      FieldSpec("question", .text, isLabel: false),
      FieldSpec("dialogue", .text, isLabel: false),
      FieldSpec("answer", .category(classes: QuestionWriter.answers), isLabel: true),
      FieldSpec("question_kind", .category(classes: QuestionKind.allCases.map(\.rawValue)), isLabel: true),
      FieldSpec("target", .category(classes: places), isLabel: true),
      FieldSpec("target_box", .real(shape: [4], unit: "px"), isLabel: true),
      FieldSpec("label", .category(classes: CaptionShape.allCases.map(\.name)), isLabel: true),
      FieldSpec("color", .category(classes: NamedColor.allCases.map(\.name)), isLabel: true),
      FieldSpec("texture", .category(classes: CaptionTexture.allCases.map(\.name)), isLabel: true),
      FieldSpec("extent", .category(classes: CaptionSize.allCases.map(\.name)), isLabel: true),
      FieldSpec("clean", .category(classes: ["hallucinated", "clean"]), isLabel: true),
      FieldSpec("novel", .category(classes: ["seen", "novel"]), isLabel: true),
      FieldSpec("objects", .real(shape: [most, objectColumns.count], unit: "1"), isLabel: true),
      FieldSpec("instances", .labelMap(height: size, width: size, classes: ["background"] + places), isLabel: true),
    ]
    if hasEdit {
      fields += [
        FieldSpec("edited", .image(height: size, width: size, channels: 3), isLabel: false),
        FieldSpec("change", .text, isLabel: false),
        FieldSpec("change_kind", .category(classes: SceneChange.allCases.map(\.name)), isLabel: true),
      ]
    }
    return fields
  }

  /// The pairs that training never shows: never more than half of the colours of a shape.
  private static func heldOut(_ number: Int, _ stream: RandomStream) -> Set<Int> {
    var random = stream.child("held out")
    let colors = NamedColor.allCases.count
    var pairs: Set<Int> = []
    var taken = [Int](repeating: 0, count: CaptionShape.allCases.count)
    for pair in random.permutation(CaptionShape.allCases.count * colors) where pairs.count < number {
      guard taken[pair / colors] < colors / 2 else { continue }
      taken[pair / colors] += 1
      pairs.insert(pair)
    }
    return pairs
  }

  public var fingerprint: String { "scenes-captions/v\(Self.version) seed=\(seed) \(description)" }

  public func batch(_ indices: [Int], of split: Split) throws -> Batch {
    spec.batch(indices, of: split, Self.card.id) { index, easel in values(index, of: split, easel) }
  }

  /// The scene of a sample: what stands where, and everything that is seen of it.
  public func scene(_ index: Int, of split: Split) -> CaptionScene { draw(index, of: split, Easel()).scene }

  private func draw(
    _ index: Int, of split: Split, _ easel: Easel
  ) -> (set: CaptionSet, plans: [CaptionPlan], scene: CaptionScene) {
    let wantsNovel = split == .test && index % 2 == 1 && !world.novel.isEmpty
    return world.draw(world.stream.child(split.rawValue, index), wantsNovel: wantsNovel, easel)
  }

  private func values(_ index: Int, of split: Split, _ easel: Easel) -> [SampleValue] {
    let own = world.stream.child(split.rawValue, index)
    let (set, plans, scene) = draw(index, of: split, easel)
    let view = easel.renderer(size, size).render(scene.scene, from: scene.camera, [.rgb, .instances])
    let (caption, isClean) = caption(scene, own)
    var words = own.child("paraphrase")
    let paraphrase = writer.caption(scene, &words)
    words = own.child("negative")
    let negative = writer.falsified(caption, scene, &words) ?? absent(scene, &words)
    let questions = QuestionWriter(synonyms: writer.synonyms)
    words = own.child("expression")
    let (expression, target) = questions.expression(scene, &words) ?? ("the object", 0)
    words = own.child("question")
    let question = questions.question(scene, &words)
    words = own.child("dialogue")
    let dialogue = questions.dialogue(scene, turns: turns, &words).map { "\($0.text) \($0.answer)." }
    let first = scene.objects[0]
    let box = scene.objects[target].box
    var values: [SampleValue] = [
      .bytes(view.rgb), .text(caption.text), .text(paraphrase.text), .text(negative.text), .text(expression),
      .text(question.text), .text(dialogue.joined(separator: " ")),
      .integer(QuestionWriter.answers.firstIndex(of: question.answer) ?? 0),
      .integer(QuestionKind.allCases.firstIndex(of: question.kind) ?? 0), .integer(target),
      .reals([box.x, box.y, box.z, box.w]), .integer(first.shape.rawValue), .integer(first.color.rawValue),
      .integer(first.texture.rawValue), .integer(first.size.rawValue), .integer(isClean ? 1 : 0),
      .integer(world.novel.contains(CaptionWorld.pair(first.shape, first.color)) ? 1 : 0),
      .reals(table(scene)), .bytes(view.instances.map { $0 <= UInt16(most) ? UInt8($0) : 0 }),
    ]
    if hasEdit { values += edit(set, plans, scene, own.child("edit"), easel) }
    return values
  }

  /// The caption, which may name a thing that is not there.
  private func caption(_ scene: CaptionScene, _ own: RandomStream) -> (Caption, Bool) {
    var words = own.child("caption")
    let caption = writer.caption(scene, &words)
    var dice = own.child("hallucination")
    guard dice.bernoulli(hallucinate), caption.claims.allSatisfy({ if case .exists = $0 { true } else { false } })
    else { return (caption, true) }
    let shapes = scene.objects.compactMap { CaptionWorld.partner($0.shape) }
    let missing = shapes.filter { !scene.isTrue(.exists(Description(shape: $0))) }
    guard !missing.isEmpty else { return (caption, true) }
    var extra = Description(shape: dice.pick(missing))
    if dice.bernoulli(Double(writer.mention)) { extra.color = dice.pick(NamedColor.allCases) }
    var lister = writer
    lister.style = .list
    return (lister.verbalised(caption.claims + [.exists(extra)], &dice), false)
  }

  /// A caption of something that is not in the picture.
  private func absent(_ scene: CaptionScene, _ random: inout RandomStream) -> Caption {
    var said = Description(shape: .ball)
    for pair in random.permutation(CaptionShape.allCases.count * NamedColor.allCases.count) {
      said.shape = CaptionShape.allCases[pair / NamedColor.allCases.count]
      said.color = NamedColor.allCases[pair % NamedColor.allCases.count]
      if !scene.isTrue(.exists(said)) { break }
    }
    var lister = writer
    lister.style = .list
    return lister.verbalised([.exists(said)], &random)
  }

  private func table(_ scene: CaptionScene) -> [Float] {
    var rows: [Float] = []
    for object in scene.objects {
      let posture = object.posture.map { Float($0.rawValue) } ?? -1
      rows += [
        Float(object.shape.rawValue), Float(object.color.rawValue), Float(object.size.rawValue),
        Float(object.texture.rawValue), posture, object.pixel.x, object.pixel.y, object.depth,
      ]
      rows += [object.box.x, object.box.y, object.box.z, object.box.w, object.visible]
      rows += [object.center.x, object.center.y, object.center.z]
    }
    return rows + [Float](repeating: -1, count: most * Self.objectColumns.count - rows.count)
  }

  /// The second picture, what changed in words, and its kind.
  private func edit(
    _ set: CaptionSet, _ plans: [CaptionPlan], _ scene: CaptionScene, _ own: RandomStream, _ easel: Easel
  ) -> [SampleValue] {
    var random = own
    var (change, after, chosen, edited) = (SceneChange.nothing, plans, 0, scene)
    for _ in 0..<12 {
      change = random.pick(SceneChange.allCases)
      chosen = random.integer(below: plans.count)
      after = plans
      if change == .removed, plans.count == 1 { continue }
      world.apply(change, to: &after, chosen, &random)
      edited = world.build(after, set, easel)
      let isSeen = edited.objects.allSatisfy { CaptionWorld.quality($0, size: size) >= 0.8 }
      let moved =
        change == .moved
        && !Relation.allCases.contains { relation in
          scene.holds(relation, edited.objects[chosen], scene.objects[chosen])
        }
      if isSeen, !moved { break }
      (change, after, edited) = (.nothing, plans, scene)
    }
    let view = easel.renderer(size, size).render(edited.scene, from: edited.camera, [.rgb])
    let said = QuestionWriter.unique(chosen, scene, &random) ?? Description(scene.objects[chosen])
    let the = SceneWords.the(said, synonyms: writer.synonyms, &random)
    let later = change == .removed ? scene.objects[chosen] : edited.objects[chosen]
    let sentence = ChangeWriter.sentence(change, the, scene.objects[chosen], later, size: size, &random)
    return [.bytes(view.rgb), .text(sentence), .integer(change.rawValue)]
  }
}

extension CaptionWorld {
  /// Changes one of some plans.
  func apply(_ change: SceneChange, to plans: inout [CaptionPlan], _ chosen: Int, _ random: inout RandomStream) {
    let before = plans[chosen].object
    switch change {
    case .nothing: break
    case .color: plans[chosen].object.color = random.pick(NamedColor.allCases.filter { $0 != before.color })
    case .size: plans[chosen].object.size = before.size == .small ? .large : .small
    case .texture: plans[chosen].object.texture = random.pick(CaptionTexture.allCases.filter { $0 != before.texture })
    case .shape:
      plans[chosen].object.shape = random.pick(
        CaptionShape.allCases.filter { $0 != before.shape && $0.hasPosture == before.shape.hasPosture })
    case .moved:
      let reach = 0.5 + 0.55 * Float(plans.count).squareRoot()
      plans[chosen].spot = SIMD2(random.float(-reach, reach), random.float(-reach, reach))
    case .removed: plans.remove(at: chosen)
    }
  }
}
