import ReproConfig

/// A measurement of an evaluation: `linear-segmentation.miou`.
public struct MetricName: Sendable, Hashable, CustomStringConvertible {
  public let evaluation: String
  public let measurement: String
  /// Where the recipe names it; equal names are equal wherever they stand.
  public let mark: YAMLNode.Mark
  public var description: String { "\(evaluation).\(measurement)" }

  public static func == (a: MetricName, b: MetricName) -> Bool {
    a.evaluation == b.evaluation && a.measurement == b.measurement
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(evaluation)
    hasher.combine(measurement)
  }

  fileprivate init(_ node: YAMLNode, named name: String) throws(ReproError) {
    let parts = try node.string(named: name).split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, isIdentifier(parts[0]), !parts[1].isEmpty, !parts[1].contains(" ") else {
      throw node.wrong(name, expected: "EVALUATION.MEASUREMENT", hint: "for example knn.top1")
    }
    (evaluation, measurement, mark) = (String(parts[0]), String(parts[1]), node.mark)
  }
}

/// The names that claims and sanity floors may use.
struct Names {
  let arms: [String]
  /// The short names of the evaluations.
  let evaluations: [String]

  func arm(_ node: YAMLNode, named name: String) throws(ReproError) -> String {
    let arm = try node.string(named: name)
    if arms.contains(arm) { return arm }
    throw ReproError(
      .usage, at: "\(node.mark)", found: "\(name) names the unknown arm '\(clipped(arm))'",
      hint: suggestion(for: arm, among: arms) ?? "the arms are \(arms.joined(separator: ", "))")
  }

  func metric(_ node: YAMLNode, named name: String) throws(ReproError) -> MetricName {
    let metric = try MetricName(node, named: name)
    if evaluations.contains(metric.evaluation) { return metric }
    throw ReproError(
      .usage, at: "\(node.mark)", found: "\(name) names the unknown evaluation '\(clipped(metric.evaluation))'",
      hint: suggestion(for: metric.evaluation, among: evaluations)
        ?? "the evaluations are \(evaluations.joined(separator: ", "))")
  }
}

/// What a recipe sets out to test, planned before anybody looks at a result.
public struct Claim: Sendable {
  /// What is compared. The unit is one paired difference per seed, in the direction in which the metric improves:
  ///
  ///     d_i = metric(better, seed i) - metric(than, seed i)
  ///
  /// Margins are in units of the metric.
  public enum Form: Sendable, Equatable {
    /// mean d > margin against every rival; with a guard also no worse than every rival on a second metric.
    case superiority(better: String, than: [String], margin: Double, withoutHurting: Guard?)
    /// mean d > -margin, margin > 0.
    case nonInferiority(better: String, than: String, margin: Double)
    /// -margin < mean d < margin, margin > 0.
    case equivalence(better: String, than: String, margin: Double)
    /// The metric improves from level to level; three arms or more, from least to most.
    case trend(levels: [String])
    /// The gain of one pair of arms exceeds that of another by the margin; d_i is the difference of the two
    /// differences.
    case largerGain(Gain, comparedWith: Gain, margin: Double)
    /// Within a seed, arms that are better on the metric are better on another one, too: mean rho > 0; four arms or
    /// more.
    case rankCorrelation(arms: [String], with: MetricName)
  }

  /// How much one arm is better than another.
  public struct Gain: Sendable, Equatable {
    public let better: String
    public let than: String
  }

  /// A second metric on which the claim must not lose more than a margin, > 0.
  public struct Guard: Sendable, Equatable {
    public let metric: MetricName
    public let margin: Double
  }

  static let forms = ["superiority", "non-inferiority", "equivalence", "trend", "larger-gain", "rank-correlation"]

  public let id: String
  /// One sentence for people; may be empty.
  public let statement: String
  /// The one claim of the paper that is tested at 0.05 without adjustment.
  public let isPrimary: Bool
  /// Suggested by results: shown with its numbers, and never given a verdict.
  public let isExploratory: Bool
  public let metric: MetricName
  public let form: Form
  /// The smallest effect that would matter, in units of the metric, > 0.
  public let delta: Double?
  /// Seeds: 5, 8, 10 or 20.
  public let seeds: Int
  /// A second look at this many seeds; nil if the plan has none.
  public let extendTo: Int?
  /// Which look at evaluation seeds this is; p-values are multiplied by it.
  public let attempt: Int
  public let mark: YAMLNode.Mark

  /// Every arm that the claim compares, each once.
  public var arms: [String] {
    switch form {
    case .superiority(let better, let than, _, _): [better] + than
    case .nonInferiority(let better, let than, _), .equivalence(let better, let than, _): [better, than]
    case .trend(let levels): levels
    case .rankCorrelation(let arms, _): arms
    case .largerGain(let gain, let other, _):
      [gain.better, gain.than, other.better, other.than].reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
  }

  /// Every metric that the claim is about: its own, and that of a guard or a correlation.
  public var metrics: [MetricName] {
    switch form {
    case .superiority(_, _, _, let rule?): [metric, rule.metric]
    case .rankCorrelation(_, let other): [metric, other]
    default: [metric]
    }
  }

  init(_ section: inout Section, _ names: Names) throws(ReproError) {
    mark = section.node.mark
    id = try section.identifier("id")
    statement = try section.string("statement", default: "")
    isPrimary = try section.bool("primary", default: false)
    isExploratory = try section.bool("exploratory", default: false)
    if isPrimary && isExploratory {
      throw ReproError(.usage, at: "\(mark)", found: "claim '\(id)' is both primary and exploratory")
    }
    metric = try names.metric(section.require("metric"), named: "\(section.name).metric")
    form = try Form(&section, names)
    delta = try section.ifPresent("delta") { node, name throws(ReproError) in
      try node.double(named: name, in: Claim.positive)
    }
    seeds = try section.int("n", in: 1...20, default: 8)
    guard [5, 8, 10, 20].contains(seeds) else {
      throw ReproError(.usage, at: "\(mark)", found: "\(section.name).n is \(seeds)", expected: "5, 8, 10 or 20")
    }
    extendTo = try section.ifPresent("extend_to") { node, name throws(ReproError) in
      try node.int(named: name, in: 10...10)
    }
    if extendTo != nil && seeds != 5 {
      throw ReproError(.usage, at: "\(mark)", found: "\(section.name) extends n = \(seeds)", expected: "n = 5")
    }
    attempt = try section.int("attempt", in: 1...1000, default: 1)
  }

  fileprivate static let positive = Double.leastNonzeroMagnitude...Double.greatestFiniteMagnitude
}

extension Claim.Form {
  fileprivate init(_ section: inout Section, _ names: Names) throws(ReproError) {
    switch try section.choice("form", Claim.forms) {
    case "superiority":
      let gain = (better: try section.arm("better", names), than: try section.arms("than", names, mayBeOne: true))
      if gain.than.contains(gain.better) { throw section.selfComparison() }
      self = .superiority(
        better: gain.better, than: gain.than, margin: try section.double("margin", in: 0...1e300, default: 0),
        withoutHurting: try section.section("without_hurting") { inner throws(ReproError) in
          Claim.Guard(
            metric: try names.metric(inner.require("metric"), named: "\(inner.name).metric"),
            margin: try inner.double("margin", in: Claim.positive))
        })
    case "non-inferiority":
      let gain = try Claim.Gain(&section, names)
      self = .nonInferiority(
        better: gain.better, than: gain.than, margin: try section.double("margin", in: Claim.positive))
    case "equivalence":
      let gain = try Claim.Gain(&section, names)
      self = .equivalence(
        better: gain.better, than: gain.than, margin: try section.double("margin", in: Claim.positive))
    case "trend":
      let levels = try section.arms("levels", names, mayBeOne: false)
      guard (3...12).contains(levels.count) else {
        throw ReproError(
          .usage, at: "\(section.node.mark)", found: "\(section.name).levels has \(levels.count) arms",
          expected: "3 to 12")
      }
      self = .trend(levels: levels)
    case "rank-correlation":
      let arms = try section.arms("arms", names, mayBeOne: false)
      guard (4...12).contains(arms.count) else {
        throw ReproError(
          .usage, at: "\(section.node.mark)", found: "\(section.name).arms has \(arms.count) arms", expected: "4 to 12")
      }
      self = .rankCorrelation(
        arms: arms, with: try names.metric(section.require("with"), named: "\(section.name).with"))
    default:
      let gain = try Claim.Gain(&section, names)
      var other = try Section(section.require("compared_with"), name: "\(section.name).compared_with")
      let comparedWith = try Claim.Gain(&other, names)
      try other.finish()
      self = .largerGain(
        gain, comparedWith: comparedWith, margin: try section.double("margin", in: 0...1e300, default: 0))
    }
  }
}

extension Claim.Gain {
  fileprivate init(_ section: inout Section, _ names: Names) throws(ReproError) {
    better = try section.arm("better", names)
    than = try section.arm("than", names)
    if better == than { throw section.selfComparison() }
  }
}

extension Section {
  fileprivate func selfComparison() -> ReproError {
    ReproError(.usage, at: "\(node.mark)", found: "\(name) compares an arm with itself")
  }

  fileprivate mutating func arm(_ key: String, _ names: Names) throws(ReproError) -> String {
    try names.arm(require(key), named: "\(name).\(key)")
  }

  /// Different arms; with `mayBeOne` also a single name without a list.
  fileprivate mutating func arms(_ key: String, _ names: Names, mayBeOne: Bool) throws(ReproError) -> [String] {
    let node = try require(key)
    if mayBeOne, case .scalar = node.content { return [try names.arm(node, named: "\(name).\(key)")] }
    var arms: [String] = []
    for (index, item) in try node.items(named: "\(name).\(key)").enumerated() {
      let arm = try names.arm(item, named: "\(name).\(key)[\(index)]")
      if arms.contains(arm) {
        throw ReproError(.usage, at: "\(item.mark)", found: "\(name).\(key) names '\(arm)' twice")
      }
      arms.append(arm)
    }
    if arms.isEmpty { throw ReproError(.usage, at: "\(node.mark)", found: "\(name).\(key) is an empty list") }
    return arms
  }
}
