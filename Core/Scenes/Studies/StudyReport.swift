import ReproData
import ReproTensor

/// Writes the report of a study: what is there, what is not, and what has changed.
enum StudyReport {
  static let sizes = ["", "small", "moderate", "large"]
  static let zones = ["lower", "middle", "upper"]

  /// What is said about a finding.
  public enum Mention: Int, Sendable, CaseIterable { case none, negative, uncertain, positive }

  static let positive: [String] = [
    "there is # in the @ lung", "# is seen in the @ lung", "# projects over the @ lung", "the @ lung shows #",
  ]
  static let uncertain = [
    "possible # in the @ lung", "# in the @ lung cannot be excluded", "there may be # in the @ lung",
  ]
  static let changes: [FindingChange: [String]] = [
    .new: ["the # is new", "the # has newly appeared", "the # was not seen before"],
    .worse: ["the # has increased", "the # has worsened", "the # has progressed", "the # is larger than before"],
    .same: ["the # is unchanged", "the # is stable", "there is no change of the #", "the # is as before"],
    .better: ["the # has decreased", "the # has improved", "the # is smaller than before", "the # has become less"],
    .resolved: ["the # has resolved", "the # has disappeared", "the # is no longer seen", "the # has cleared"],
  ]

  static func noun(_ finding: StudyFinding) -> String {
    switch finding {
    case .nodule: "nodule"
    case .opacity: "opacity"
    case .fluid: "fluid"
    case .heart: "enlargement of the heart"
    case .device: "rod"
    case .shift: "shift"
    }
  }

  /// One sentence about how a finding is.
  static func sentence(
    _ finding: StudyFinding, _ state: FindingState, _ mention: Mention, _ random: inout RandomStream
  ) -> String {
    let side = state.isLeft ? "left" : "right"
    let size = sizes[state.severity]
    func filled(_ frames: [String], _ what: String, _ place: String) -> String {
      random.pick(frames).split(separator: " ").map { $0 == "#" ? what : $0 == "@" ? place : String($0) }
        .joined(separator: " ")
    }
    if mention == .negative || state.severity == 0 { return negative(finding, &random) }
    let frames = mention == .uncertain ? uncertain : positive
    switch finding {
    case .nodule:
      return filled(frames, "a \(size) \(random.pick(["nodule", "round nodule"]))", "\(side) \(zones[state.zone])")
    case .opacity:
      return filled(frames, "a \(size) \(random.pick(["opacity", "hazy opacity"]))", "\(side) \(zones[state.zone])")
    case .fluid: return filled(frames, "a \(size) amount of fluid", "\(side) lower")
    case .device: return filled(frames, random.pick(["a rod", "a metal rod"]), side)
    case .heart:
      let degree = ["", "mildly", "moderately", "severely"][state.severity]
      if mention == .uncertain { return "the heart may be \(degree) enlarged" }
      return random.pick([
        "the heart is \(degree) enlarged", "\(degree) enlarged heart", "heart size is \(degree) increased",
      ])
    case .shift:
      if mention == .uncertain { return "possible \(size) shift to the \(side)" }
      return random.pick([
        "there is a \(size) shift to the \(side)", "the heart has a \(size) shift to the \(side)",
        "a \(size) shift to the \(side) is seen",
      ])
    }
  }

  private static func negative(_ finding: StudyFinding, _ random: inout RandomStream) -> String {
    switch finding {
    case .nodule: random.pick(["no nodule is seen", "there is no nodule", "no evidence of a nodule"])
    case .opacity: random.pick(["no opacity is seen", "there is no opacity", "the lungs are free of any opacity"])
    case .fluid: random.pick(["no fluid is seen", "there is no fluid", "no evidence of fluid"])
    case .heart: random.pick(["heart size is normal", "the heart is not enlarged", "normal heart size"])
    case .device: random.pick(["no rod is seen", "there is no rod"])
    case .shift: random.pick(["there is no shift", "no shift is seen"])
    }
  }

  /// One sentence about how a finding has changed.
  static func comparison(_ finding: StudyFinding, _ change: FindingChange, _ random: inout RandomStream) -> String? {
    guard var frames = changes[change] else { return nil }
    if finding == .device, change == .resolved { frames = ["the # has been removed", "the # is no longer seen"] }
    return random.pick(frames).split(separator: " ").map { $0 == "#" ? noun(finding) : String($0) }
      .joined(separator: " ")
  }

  /// Every word of the reports, in a fixed order.
  static let vocabulary: WordVocabulary = {
    var texts = positive + uncertain + FindingChange.allCases.flatMap { changes[$0] ?? [] }
    texts = texts.map { $0.split(separator: " ").filter { $0 != "#" && $0 != "@" }.joined(separator: " ") }
    texts += sizes + zones + StudyFinding.allCases.map(noun)
    texts += [
      "left right round hazy amount of metal rod mildly moderately severely heart may be enlarged size is increased",
      "possible shift to the there is a seen no nodule evidence opacity lungs are free",
      "any fluid normal not has been removed .",
    ]
    return WordVocabulary(words: texts.flatMap { WordVocabulary.split($0) })
  }()
}
