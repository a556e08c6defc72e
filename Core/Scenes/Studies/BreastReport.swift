import ReproData
import ReproTensor

/// Writes reports about breasts: density, lesion, its attributes and its place, in several wordings.
enum BreastReport {
  static let densities = [
    ["almost entirely fatty", "predominantly fat"], ["partly glandular", "partly dense"],
    ["heterogeneously dense", "mostly dense"], ["extremely dense", "very dense"],
  ]
  static let sizes = [["small", "tiny"], ["medium", "moderate"], ["large", "big"]]
  static let margins = [
    ["smooth", "circumscribed"], ["irregular", "ill-defined"], ["spiculated", "stellate"],
  ]
  static let frames = [
    "the breast tissue is", "breast composition :", "the breasts are", "there is a mass with margins in the quadrant",
    "a mass is seen in the quadrant , its margins are", "calcifications are present in the quadrant",
    "a group cluster of calcifications is noted in the quadrant",
    "clustered grouped linear in a line arranged distribution",
    "upper lower inner outer", "no suspicious mass or calcification is seen", "there is no mass and no calcification",
    "nothing abnormal is found in either view .",
  ]

  static func text(_ facts: BreastFacts, _ random: inout RandomStream) -> String {
    let density = random.pick(densities[facts.density])
    let first = random.pick([
      "the breast tissue is \(density)", "breast composition : \(density)", "the breasts are \(density)",
    ])
    let place = "\(facts.isUpper ? "upper" : "lower") \(facts.isOuter ? "outer" : "inner") quadrant"
    let size = random.pick(sizes[facts.size])
    let second: String
    switch facts.lesion {
    case .none:
      second = random.pick([
        "no suspicious mass or calcification is seen", "there is no mass and no calcification",
        "nothing abnormal is found in either view",
      ])
    case .mass:
      let margin = random.pick(margins[facts.margin.rawValue])
      second = random.pick([
        "there is a \(size) mass with \(margin) margins in the \(place)",
        "a \(size) mass is seen in the \(place), its margins are \(margin)",
      ])
    case .calcification:
      let arranged = facts.isLinear ? random.pick(["linear", "in a line"]) : random.pick(["clustered", "grouped"])
      second =
        arranged == "in a line"
        ? "a \(size) group of calcifications is noted in the \(place), arranged in a line"
        : random.pick([
          "\(size) calcifications in \(arranged) distribution are present in the \(place)",
          "a \(size) cluster of calcifications in \(arranged) distribution is noted in the \(place)",
        ])
    }
    return random.bernoulli(0.7) ? "\(first). \(second)." : "\(second). \(first)."
  }

  static let vocabulary = WordVocabulary(
    words: (densities.flatMap { $0 } + sizes.flatMap { $0 } + margins.flatMap { $0 } + frames).flatMap {
      WordVocabulary.split($0)
    })
}
