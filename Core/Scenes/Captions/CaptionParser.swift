import ReproData

/// Reads what a caption claims, from its words alone: the way back from text to meaning.
///
/// It knows the nouns, adjectives and relations of `SceneWords` and skips everything else, so it also reads what a
/// model has written. A caption that it cannot read says nothing: no claims come back.
public enum CaptionParser {
  /// The claims of a caption, in the order in which they are said.
  public static func claims(_ text: String) -> [Claim] {
    var words = WordVocabulary.split(text)
    let relation = cutRelation(&words)
    if let (relation, place) = relation {
      let (left, right) = (descriptions(Array(words[..<place])), descriptions(Array(words[place...])))
      guard let a = left.last, let b = right.first else { return [] }
      return [.related(a, relation, b)]
    }
    var claims: [Claim] = []
    var skipped = 0
    if let number = words.firstIndex(where: { SceneWords.numbers.contains($0) }), number + 1 < words.count,
      ["object", "objects"].contains(words[number + 1])
    {
      claims.append(.count(Description(), SceneWords.numbers.firstIndex(of: words[number]) ?? 0))
      skipped = number + 2
    }
    return claims + descriptions(Array(words[skipped...])).map { .exists($0) }
  }

  /// Finds the longest relation and takes it out of the words.
  private static func cutRelation(_ words: inout [String]) -> (Relation, Int)? {
    var found: (relation: Relation, place: Int, length: Int)?
    for relation in Relation.allCases {
      for phrase in SceneWords.phrases(relation).map({ $0.split(separator: " ").map(String.init) }) {
        guard words.count > phrase.count else { continue }
        for place in 0...(words.count - phrase.count)
        where Array(words[place..<place + phrase.count]) == phrase && phrase.count > found?.length ?? 0 {
          found = (relation, place, phrase.count)
        }
      }
    }
    guard let found else { return nil }
    words.removeSubrange(found.place..<found.place + found.length)
    return (found.relation, found.place)
  }

  /// The objects that some words name.
  private static func descriptions(_ words: [String]) -> [Description] {
    var all: [Description] = []
    var current = Description()
    for (i, word) in words.enumerated() {
      let isTail = i > 0 && (words[i - 1] == "with" || word == "pattern")
      if isTail, let texture = tail(word), !all.isEmpty {
        all[all.count - 1].texture = texture
      } else if let shape = CaptionShape.allCases.first(where: { SceneWords.nouns($0).contains(word) }) {
        current.shape = shape
        all.append(current)
        current = Description()
      } else if SceneWords.things.contains(word) {
        all.append(current)
        current = Description()
      } else {
        take(word, &current)
      }
    }
    // `the cube is large and red`: what follows the only noun belongs to it.
    if current != Description(), words.contains("is"), all.count == 1 {
      all[0].color = all[0].color ?? current.color
      all[0].size = all[0].size ?? current.size
    }
    return all
  }

  private static func tail(_ word: String) -> CaptionTexture? {
    switch word {
    case "stripes": .striped
    case "checks": .checked
    case "dots": .dotted
    case "pattern": .plain
    default: nil
    }
  }

  private static func take(_ word: String, _ to: inout Description) {
    if let color = NamedColor.allCases.first(where: { $0.name == word }) { to.color = color }
    if let size = CaptionSize.allCases.first(where: { SceneWords.adjectives($0).contains(word) }) { to.size = size }
    if let posture = CaptionPosture.allCases.first(where: { $0.name == word }) { to.posture = posture }
    for texture in CaptionTexture.allCases where SceneWords.patterns(texture).adjectives.contains(word) {
      to.texture = texture
    }
  }
}
