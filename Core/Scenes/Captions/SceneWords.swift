import ReproData
import ReproTensor

/// The words of the captions and how they are put together (docs/scenes-language.md).
public enum SceneWords {
  static func nouns(_ shape: CaptionShape) -> [String] {
    switch shape {
    case .ball: ["ball", "sphere"]
    case .cube: ["cube", "box", "block"]
    case .cylinder: ["cylinder", "drum"]
    case .cone: ["cone"]
    case .ring: ["ring", "hoop"]
    case .pill: ["pill", "capsule"]
    case .table: ["table"]
    case .lamp: ["lamp"]
    }
  }

  static func adjectives(_ size: CaptionSize) -> [String] {
    size == .small ? ["small", "little", "tiny"] : ["large", "big", "huge"]
  }

  /// Adjectives of a texture, and what may follow the noun instead.
  static func patterns(_ texture: CaptionTexture) -> (adjectives: [String], tails: [String]) {
    switch texture {
    case .plain: (["plain"], ["without a pattern"])
    case .striped: (["striped"], ["with stripes"])
    case .checked: (["checked", "checkered"], ["with checks"])
    case .dotted: (["dotted", "spotted"], ["with dots"])
    }
  }

  static func phrases(_ relation: Relation) -> [String] {
    switch relation {
    case .left: ["to the left of", "left of", "on the left side of"]
    case .right: ["to the right of", "right of", "on the right side of"]
    case .front: ["in front of", "before"]
    case .behind: ["behind", "in back of"]
    }
  }

  static let numbers = ["zero", "one", "two", "three", "four", "five", "six"]
  static let things = ["object", "thing"]

  static func plural(_ noun: String) -> String {
    noun.hasSuffix("x") || noun.hasSuffix("s") ? noun + "es" : noun + "s"
  }

  /// `a` or `an`.
  static func article(_ word: String) -> String {
    guard let first = word.first else { return "a" }
    return "aeiou".contains(first) ? "an" : "a"
  }

  /// `A`, `A and B`, `A, B and C`.
  static func list(_ items: [String]) -> String {
    guard let last = items.last, items.count > 1 else { return items.first ?? "" }
    return items.dropLast().joined(separator: ", ") + " and " + last
  }

  /// A noun with what is said about it, without an article: `small red ring with stripes`.
  ///
  /// - Parameters:
  ///   - synonyms: whether other words than the first may be chosen.
  ///   - number: 1 for the singular.
  static func noun(
    _ description: Description, synonyms: Bool, number: Int = 1, _ random: inout RandomStream
  ) -> String {
    func choose(_ words: [String], _ random: inout RandomStream) -> String {
      synonyms ? random.pick(words) : words[0]
    }
    var words: [String] = []
    if let size = description.size { words.append(choose(adjectives(size), &random)) }
    if let posture = description.posture { words.append(posture.name) }
    if let color = description.color { words.append(color.name) }
    var tail: String?
    if let texture = description.texture {
      let (before, after) = patterns(texture)
      if synonyms, random.bernoulli(0.4) {
        tail = random.pick(after)
      } else {
        words.append(choose(before, &random))
      }
    }
    let noun = choose(description.shape.map(nouns) ?? things, &random)
    words.append(number == 1 ? noun : plural(noun))
    if let tail { words.append(tail) }
    return words.joined(separator: " ")
  }

  /// The noun with `a` or `an` before it.
  static func some(_ description: Description, synonyms: Bool, _ random: inout RandomStream) -> String {
    let noun = noun(description, synonyms: synonyms, &random)
    return article(noun) + " " + noun
  }

  static func the(_ description: Description, synonyms: Bool, _ random: inout RandomStream) -> String {
    "the " + noun(description, synonyms: synonyms, &random)
  }

  /// All words that captions, expressions, questions, answers and dialogues are made of, in a fixed order.
  public static let vocabulary: WordVocabulary = {
    var texts: [String] = []
    for shape in CaptionShape.allCases { for noun in nouns(shape) { texts += [noun, plural(noun)] } }
    for thing in things { texts += [thing, plural(thing)] }
    for size in CaptionSize.allCases { texts += adjectives(size) }
    texts += NamedColor.allCases.map(\.name)
    for texture in CaptionTexture.allCases { texts += patterns(texture).adjectives + patterns(texture).tails }
    texts += CaptionPosture.allCases.map(\.name)
    for relation in Relation.allCases { texts += phrases(relation) }
    texts += numbers
    texts += CaptionWriter.frames + QuestionWriter.frames + ChangeWriter.frames
    return WordVocabulary(words: texts.flatMap { WordVocabulary.split($0) })
  }()
}
