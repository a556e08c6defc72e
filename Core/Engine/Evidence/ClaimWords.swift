import ReproConfig

extension Statistics {
  /// A number for people with so many decimals, more for small ones: three digits that say something.
  public static func text(_ x: Double, decimals: Int = 3) -> String {
    guard x.isFinite else { return x.isNaN ? "nan" : x > 0 ? "infinity" : "-infinity" }
    var places = max(0, decimals)
    while places < 12, x != 0, x.magnitude * power(places) < 9.5 { places += 1 }
    let scaled = (x.magnitude * power(places)).rounded()
    guard scaled < 9e15 else { return "\(x)" }
    let (whole, unit) = (Int(scaled), Int(power(places)))
    let sign = x < 0 && whole > 0 ? "-" : ""
    if places == 0 { return sign + "\(whole)" }
    let rest = "\(whole % unit)"
    return "\(sign)\(whole / unit)." + String(repeating: "0", count: places - rest.count) + rest
  }

  /// A p-value for people: `0.0039`, `< 0.0001`.
  public static func pText(_ p: Double) -> String { p < 0.0001 ? "< 0.0001" : text(p, decimals: 4) }

  private static func power(_ places: Int) -> Double { (0..<places).reduce(1.0) { x, _ in x * 10 } }
}

extension Statistics.Interval {
  /// `0.004 to 0.021 (95.3 %)`
  public func text(decimals: Int = 3) -> String {
    "\(Statistics.text(low, decimals: decimals)) to \(Statistics.text(high, decimals: decimals)) (\(percent) %)"
  }

  /// The confidence in per cent: `93.75`, `95.3`.
  public var percent: String {
    let hundredths = Int((confidence * 10_000).rounded())
    let (whole, rest) = (hundredths / 100, hundredths % 100)
    if rest == 0 { return "\(whole)" }
    return rest % 10 == 0 ? "\(whole).\(rest / 10)" : "\(whole).\(rest < 10 ? "0" : "")\(rest)"
  }
}

extension ClaimResult {
  /// The verdict's reason in one sentence.
  var words: String {
    guard verdict != .notRun, let decisive else { return "The small scale has not been recorded." }
    let decimals = decisive.decimals
    var parts: [String] = []
    let effect = Statistics.text(mean, decimals: decimals)
    let range = interval.map { ", interval \($0.text(decimals: decimals))" } ?? ""
    parts.append("\(n) seeds, \(decisive.label) of \(decisive.metric): mean \(effect)\(range)")
    parts.append("p = \(Statistics.pText(p))")
    if comparisons.count > 1 { parts[parts.count - 1] += " (the largest of \(comparisons.count))" }
    if attempts > 1 { parts.append("times \(attempts) attempts \(Statistics.pText(attemptP))") }
    if !isPrimary && !isExploratory { parts.append("adjusted within the paper \(Statistics.pText(adjustedP))") }
    if decisive.differences.count == 5, ![.trend, .rankCorrelation].contains(decisive.kind) {
      parts.append("all five seeds must win")
    }
    return parts.joined(separator: "; ") + reason
  }

  /// `SUPPORTED (p = 0.0039)`; for a refuted claim the p of its refutation, too.
  var verdictWithP: String {
    let p = "p = \(Statistics.pText(adjustedP))"
    switch verdict {
    case .notSupported:
      return "\(verdict.rawValue) (\(p); \(matters) is rejected, p = \(Statistics.pText(adjustedPBelowDelta)))"
    case .reversed: return "\(verdict.rawValue) (\(p); of the opposite p = \(Statistics.pText(adjustedPOpposite)))"
    default: return "\(verdict.rawValue) (\(p))"
    }
  }

  private var matters: String {
    delta.map { "an effect of \(Statistics.text($0)) or more" } ?? "an effect above the margin"
  }

  private var reason: String {
    switch verdict {
    case .supported, .exploratory, .notRun: return "."
    case .supportedSmall: return "; the effect is below the \(Statistics.text(delta ?? 0)) that would matter."
    case .notSupported:
      return "; \(matters) is rejected (p = \(Statistics.pText(adjustedPBelowDelta)))."
    case .reversed: return "; the opposite is supported (p = \(Statistics.pText(adjustedPOpposite)))."
    case .inconclusive:
      if !problems.isEmpty { return "; " + problems.joined(separator: ", ") + "." }
      if n < 5 { return "; fewer than five seeds decide nothing." }
      return "; neither the claim nor its absence is shown."
    }
  }
}
