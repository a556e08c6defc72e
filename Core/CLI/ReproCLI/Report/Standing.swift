import ReproEngine

/// Where a paper stands, in one word and one mark: what the grid shows.
enum Standing: String, CaseIterable {
  case supported, small, notSupported, reversed, inconclusive, exploratory, ready, planned

  init(_ verdict: Verdict) {
    switch verdict {
    case .supported: self = .supported
    case .supportedSmall: self = .small
    case .notSupported: self = .notSupported
    case .reversed: self = .reversed
    case .inconclusive: self = .inconclusive
    case .exploratory: self = .exploratory
    case .notRun: self = .ready
    }
  }

  /// What the badge says.
  var words: String {
    switch self {
    case .supported: "supported"
    case .small: "supported, small"
    case .notSupported: "not supported"
    case .reversed: "reversed"
    case .inconclusive: "inconclusive"
    case .exploratory: "exploratory"
    case .ready: "implemented, not judged"
    case .planned: "planned"
    }
  }

  /// The class of its colour.
  var name: String {
    switch self {
    case .supported, .small: "yes"
    case .notSupported, .reversed: "no"
    case .inconclusive, .exploratory: "open"
    case .ready: "ready"
    case .planned: "planned"
    }
  }

  /// A shape of its own, so that nobody needs the colour: a tick, a cross, a circle, a dot, nothing.
  var mark: HTML {
    let drawing: [HTML] =
      switch self {
      case .supported: [.element("path", ["d": "M3 8.5L6.5 12L13 4.5"])]
      case .small: [.element("path", ["d": "M4.5 8.5L7 11L11.5 6"]), .element("path", ["d": "M3 14H13"])]
      case .notSupported: [.element("path", ["d": "M4 4L12 12M12 4L4 12"])]
      case .reversed: [.element("path", ["d": "M8 3V13M4 9L8 13L12 9"])]
      case .inconclusive: [.element("circle", ["cx": "8", "cy": "8", "r": "4.5"])]
      case .exploratory: [.element("path", ["d": "M3 8C5 4 7 4 8 8S11 12 13 8"])]
      case .ready: [.element("circle", ["cx": "8", "cy": "8", "r": "2", "class": "solid"])]
      case .planned: []
      }
    return .element("svg", ["viewBox": "0 0 16 16", "class": "mark", "aria-hidden": "true"], drawing)
  }

  /// Mark and words.
  var badge: HTML { .span("badge \(name)", self == .planned ? .empty : mark, HTML(words)) }
}

extension PaperPage.Paper {
  var primary: ClaimResult? { claims.first(where: \.isPrimary) ?? claims.first }
  /// The primary claim, then the others in their order.
  var orderedClaims: [ClaimResult] { claims.filter(\.isPrimary) + claims.filter { !$0.isPrimary } }
  var isImplemented: Bool { entry != nil }
  /// Whether the claims have results.
  var isExecuted: Bool { recipes.contains { $0.small != nil } }
  var isStale: Bool { recipes.contains { $0.stale != nil } }
  /// Of the small scale of all recipes; nil where the folder of runs knows no time.
  var minutes: Double? {
    let known = recipes.compactMap(\.seconds)
    return known.isEmpty ? nil : known.reduce(0, +) / 60
  }

  var standing: Standing {
    guard isImplemented else { return .planned }
    return primary.map { Standing($0.verdict) } ?? .ready
  }

  /// Classes by which the filters find the paper.
  var filterNames: String {
    var names = ["paper", "f-\(facts.family.rawValue)", "v-\(standing.name)"]
    if isImplemented { names.append("is-implemented") }
    if isExecuted { names.append("is-executed") }
    if isStale { names.append("is-stale") }
    return names.joined(separator: " ")
  }

  /// From the folder of pages.
  var address: String { "papers/\(facts.id).html" }
}

extension ClaimResult {
  /// Its place on the paper's page: recipes of a paper may use the same names.
  var anchor: String { "claim-\(recipe)-\(claim)" }
}
