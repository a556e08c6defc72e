import ReproTensor

/// What a question asks for.
public enum QuestionKind: String, Sendable, CaseIterable {
  case exists, count, color, shape, size, texture, posture, relation
}

/// A question about a scene and its only right answer.
public struct Question: Sendable, Equatable {
  public var kind: QuestionKind
  public var text: String
  public var answer: String
}

/// Writes questions with answers, referring expressions and dialogues.
struct QuestionWriter {
  var synonyms: Bool

  /// Every fixed word.
  static let frames = [
    "is there ? yes no how many are there what color is what shape is it how big is what pattern does have",
    "does it stand or lie is it", "which one the leftmost rightmost nearest farthest of all", "anything , .",
    "in the picture", "none nothing object objects",
  ]

  /// The answers that are possible, in a fixed order.
  static let answers: [String] =
    ["yes", "no"] + SceneWords.numbers + NamedColor.allCases.map(\.name) + CaptionShape.allCases.map(\.name)
    + CaptionSize.allCases.map(\.name) + CaptionTexture.allCases.map(\.name) + CaptionPosture.allCases.map(\.name)

  /// The shortest of a few descriptions that fit this object alone; nil if there is none.
  ///
  /// - Parameter hidden: what the description must not tell.
  static func unique(
    _ i: Int, _ scene: CaptionScene, hiding hidden: QuestionKind? = nil, _ random: inout RandomStream
  ) -> Description? {
    let object = scene.objects[i]
    var kinds: [QuestionKind] = [.color, .size, .texture, .posture].filter { $0 != hidden }
    random.shuffle(&kinds)
    var said = hidden == .shape ? Description() : Description(shape: object.shape)
    for step in 0...kinds.count {
      if said != Description(), scene.matching(said) == [i] { return said }
      guard step < kinds.count else { break }
      switch kinds[step] {
      case .color: said.color = object.color
      case .size: said.size = object.size
      case .texture: said.texture = object.texture
      case .posture: said.posture = object.posture
      default: break
      }
    }
    return nil
  }

  /// A question about the scene: the kind is drawn first, and whether the answer is yes before its objects.
  func question(_ scene: CaptionScene, _ random: inout RandomStream) -> Question {
    while true {
      let kind = random.pick(QuestionKind.allCases)
      if let question = question(kind, scene, &random) { return question }
    }
  }

  func question(_ kind: QuestionKind, _ scene: CaptionScene, _ random: inout RandomStream) -> Question? {
    let i = random.integer(below: scene.objects.count)
    let object = scene.objects[i]
    switch kind {
    case .exists: return existence(scene, object, &random)
    case .count:
      var said = Description()
      switch random.integer(below: 3) {
      case 0: said.color = object.color
      case 1: said.shape = object.shape
      default: break
      }
      let noun = SceneWords.noun(said, synonyms: synonyms, number: 2, &random)
      return Question(
        kind: kind, text: "how many \(noun) are there?", answer: SceneWords.numbers[scene.matching(said).count])
    case .relation: return comparison(scene, i, &random)
    case .color, .shape, .size, .texture, .posture:
      guard let said = Self.unique(i, scene, hiding: kind, &random) else { return nil }
      if kind == .posture, object.posture == nil { return nil }
      let the = SceneWords.the(said, synonyms: synonyms, &random)
      return Question(kind: kind, text: Self.asking(kind, the), answer: Self.answer(kind, object))
    }
  }

  private static func asking(_ kind: QuestionKind, _ the: String) -> String {
    switch kind {
    case .color: "what color is \(the)?"
    case .shape: "what shape is \(the)?"
    case .size: "how big is \(the)?"
    case .texture: "what pattern does \(the) have?"
    default: "does \(the) stand or lie?"
    }
  }

  private static func answer(_ kind: QuestionKind, _ object: CaptionObject) -> String {
    switch kind {
    case .color: object.color.name
    case .shape: object.shape.name
    case .size: object.size.name
    case .texture: object.texture.name
    default: object.posture?.name ?? ""
    }
  }

  /// Yes and no are equally likely.
  private func existence(
    _ scene: CaptionScene, _ object: CaptionObject, _ random: inout RandomStream
  ) -> Question? {
    var said = Description(shape: object.shape, color: object.color)
    if random.bernoulli(0.3) { said.size = object.size }
    let isTrue = random.bernoulli(0.5)
    if !isTrue {
      let writer = CaptionWriter(style: .list, mention: 1, synonyms: synonyms)
      for _ in 0..<20 where scene.isTrue(.exists(said)) { said = writer.changed(said, &random) }
      if scene.isTrue(.exists(said)) { return nil }
    }
    let some = SceneWords.some(said, synonyms: synonyms, &random)
    return Question(kind: .exists, text: "is there \(some)?", answer: isTrue ? "yes" : "no")
  }

  private func comparison(_ scene: CaptionScene, _ i: Int, _ random: inout RandomStream) -> Question? {
    let others = scene.objects.indices.filter { $0 != i }
    guard !others.isEmpty else { return nil }
    let j = random.pick(others)
    let (a, b) = (scene.objects[i], scene.objects[j])
    let relations = Relation.allCases.filter { scene.holds($0, a, b) }
    guard !relations.isEmpty, let first = Self.unique(i, scene, &random), let second = Self.unique(j, scene, &random)
    else { return nil }
    let isTrue = random.bernoulli(0.5)
    let relation = isTrue ? random.pick(relations) : random.pick(relations).opposite
    let phrase = synonyms ? random.pick(SceneWords.phrases(relation)) : SceneWords.phrases(relation)[0]
    let text =
      "is \(SceneWords.the(first, synonyms: synonyms, &random)) \(phrase) "
      + "\(SceneWords.the(second, synonyms: synonyms, &random))?"
    return Question(kind: .relation, text: text, answer: isTrue ? "yes" : "no")
  }

  /// An expression that fits one object alone: by its attributes, by its place, or by another object.
  ///
  /// - Returns: the text and the object; nil if nothing was found.
  func expression(_ scene: CaptionScene, _ random: inout RandomStream) -> (text: String, target: Int)? {
    for i in random.permutation(scene.objects.count) {
      let object = scene.objects[i]
      switch random.integer(below: 3) {
      case 0:
        if let text = extreme(scene, i, &random) { return (text, i) }
      case 1:
        let said = random.bernoulli(0.5) ? Description(shape: object.shape) : Description(color: object.color)
        for j in random.permutation(scene.objects.count) where j != i {
          guard let other = Self.unique(j, scene, &random) else { continue }
          for relation in Relation.allCases where scene.holds(relation, object, scene.objects[j]) {
            // Nobody else that fits may stand there, not even nearly.
            let rivals = scene.matching(said).filter {
              $0 != i && $0 != j && scene.holds(relation, scene.objects[$0], scene.objects[j], slack: 0)
            }
            guard rivals.isEmpty else { continue }
            let phrase = synonyms ? random.pick(SceneWords.phrases(relation)) : SceneWords.phrases(relation)[0]
            let the = SceneWords.the(said, synonyms: synonyms, &random)
            return ("\(the) \(phrase) \(SceneWords.the(other, synonyms: synonyms, &random))", i)
          }
        }
      default: break
      }
      if let said = Self.unique(i, scene, &random) {
        return (SceneWords.the(said, synonyms: synonyms, &random), i)
      }
    }
    return nil
  }

  private func extreme(_ scene: CaptionScene, _ i: Int, _ random: inout RandomStream) -> String? {
    let object = scene.objects[i]
    let words = ["leftmost", "rightmost", "nearest", "farthest"]
    for said in [Description(shape: object.shape), Description(color: object.color), Description()] {
      let rivals = scene.matching(said).filter { $0 != i }
      guard !rivals.isEmpty else { continue }
      for relation in Relation.allCases
      where rivals.allSatisfy({ scene.holds(relation, object, scene.objects[$0]) }) {
        return "the \(words[relation.rawValue]) \(SceneWords.noun(said, synonyms: synonyms, &random))"
      }
    }
    return nil
  }

  /// Questions and answers about a scene of which later ones lean on earlier ones.
  ///
  /// - Parameter turns: the number of questions, 1...
  func dialogue(_ scene: CaptionScene, turns: Int, _ random: inout RandomStream) -> [Question] {
    let total = SceneWords.numbers[scene.objects.count]
    var said = [Question(kind: .count, text: "how many objects are there?", answer: total)]
    let known = random.permutation(scene.objects.count).first { Self.unique($0, scene, &random) != nil }
    if let known, let description = Self.unique(known, scene, &random) {
      let object = scene.objects[known]
      let some = SceneWords.some(description, synonyms: false, &random)
      said.append(Question(kind: .exists, text: "is there \(some)?", answer: "yes"))
      var kinds: [QuestionKind] = []
      if description.color == nil { kinds.append(.color) }
      if description.size == nil { kinds.append(.size) }
      if description.texture == nil { kinds.append(.texture) }
      if description.posture == nil, object.posture != nil { kinds.append(.posture) }
      random.shuffle(&kinds)
      for kind in kinds {
        said.append(Question(kind: kind, text: Self.asking(kind, "it"), answer: Self.answer(kind, object)))
      }
      for relation in Relation.allCases {
        // Something stands there for certain, or nothing does, not even nearly.
        let there = scene.objects.indices.filter {
          $0 != known && scene.holds(relation, scene.objects[$0], object, slack: 0)
        }
        let certain = there.filter { scene.holds(relation, scene.objects[$0], object) }
        guard there.isEmpty || !certain.isEmpty else { continue }
        said.append(
          Question(
            kind: .relation, text: "is there anything \(SceneWords.phrases(relation)[0]) it?",
            answer: certain.isEmpty ? "no" : "yes"))
      }
    }
    while said.count < turns { said.append(question(scene, &random)) }
    return Array(said.prefix(turns))
  }
}
