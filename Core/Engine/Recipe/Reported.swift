import ReproConfig

/// A number that the paper reports: it stands beside ours and never decides by itself.
public struct Reported: Sendable {
  /// The claim of the recipe that this number is about; nil for one that only stands beside ours.
  public let claim: String?
  /// As the paper calls it: "linear top-1".
  public let metric: String
  public let dataset: String
  public let model: String
  /// nil if the number is not known.
  public let value: Double?
  public let unit: String?
  public let baseline: String?
  public let baselineValue: Double?
  /// Table, page or file.
  public let source: String
  /// Whether somebody looked it up there; otherwise it is from memory and shown as such.
  public let isVerified: Bool

  /// - Parameter claims: the ids of the recipe's claims.
  init(_ section: inout Section, claims: [String]) throws(ReproError) {
    let any = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
    claim = try section.ifPresent("claim") { node, name throws(ReproError) in
      let claim = try node.string(named: name)
      guard claims.contains(claim) else {
        throw ReproError(
          .usage, at: "\(node.mark)", found: "\(name) names the unknown claim '\(clipped(claim))'",
          hint: claims.isEmpty
            ? "the recipe has no claims"
            : suggestion(for: claim, among: claims) ?? "the claims are \(claims.joined(separator: ", "))")
      }
      return claim
    }
    metric = try section.string("metric")
    dataset = try section.string("dataset")
    model = try section.string("model")
    value = try section.ifPresent("value") { node, name throws(ReproError) in try node.double(named: name, in: any) }
    unit = try section.ifPresent("unit") { node, name throws(ReproError) in try node.string(named: name) }
    baseline = try section.ifPresent("baseline") { node, name throws(ReproError) in try node.string(named: name) }
    baselineValue = try section.ifPresent("baseline_value") { node, name throws(ReproError) in
      try node.double(named: name, in: any)
    }
    source = try section.string("source")
    isVerified = try section.bool("verified", default: false)
  }
}

/// What must hold if nothing is broken: a bound on one arm's mean over the seeds, at small scale.
public struct SanityFloor: Sendable {
  public let arm: String
  public let metric: MetricName
  /// The bound, in units of the metric; one of the two is there.
  public let atLeast: Double?
  public let atMost: Double?
  /// Where the bound comes from: chance, a published small result, another arm.
  public let because: String
  public let mark: YAMLNode.Mark

  init(_ section: inout Section, _ names: Names) throws(ReproError) {
    let any = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
    mark = section.node.mark
    arm = try names.arm(section.require("arm"), named: "\(section.name).arm")
    metric = try names.metric(section.require("metric"), named: "\(section.name).metric")
    atLeast = try section.ifPresent("at_least") { node, name throws(ReproError) in
      try node.double(named: name, in: any)
    }
    atMost = try section.ifPresent("at_most") { node, name throws(ReproError) in try node.double(named: name, in: any) }
    because = try section.string("because")
    if (atLeast == nil) == (atMost == nil) {
      throw ReproError(
        .usage, at: "\(mark)", found: "\(section.name) has \(atLeast == nil ? "no bound" : "two bounds")",
        expected: "either at_least or at_most")
    }
  }
}
