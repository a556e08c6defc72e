import ReproConfig
import ReproData

/// Whether recorded results still belong to the code and the recipe as they are.
public enum Staleness: Sendable, Equatable {
  /// Nothing was recorded at this scale.
  case notRecorded
  /// The tiny bits, the plan and the recipe are those of the results.
  case current
  /// Something changed since; one clause for each.
  case stale(because: [String])

  public var isStale: Bool { if case .stale = self { true } else { false } }

  /// The state of a recipe's results: the bits of its tiny golden are the fingerprint of the whole code path.
  public init(of recipe: Recipe, _ golden: Golden?, scale: Scale = .small) throws(ReproError) {
    guard let golden, let results = golden.results[scale] else {
      self = .notRecorded
      return
    }
    var reasons: [String] = []
    if let tiny = golden.results[.tiny] {
      if results.tinySHA256.isEmpty {
        reasons.append("they were recorded before results remembered the bits of the tiny scale")
      } else if results.tinySHA256 != tiny.bitsSHA256 {
        reasons.append("the bits of the tiny scale changed" + (golden.lastReason(.tiny).map { " (\($0))" } ?? ""))
      }
    } else {
      reasons.append("there is no tiny golden to tell whether the code is still the same")
    }
    if try results.planSHA256 != SHA256.hex(of: recipe.plan()) { reasons.append("the plan of the claims changed") }
    for digest in results.recipes {
      let arm = digest.name
      guard recipe.arms.contains(where: { $0.name == arm }), recipe.scales.contains(scale) else {
        reasons.append("arm \(arm) is gone")
        continue
      }
      if try SHA256.hex(of: recipe.resolve(scale: scale, arm: arm).canonical) != digest.sha256 {
        reasons.append("the options of arm \(arm) changed")
      }
    }
    self = reasons.isEmpty ? .current : .stale(because: reasons)
  }

  /// `current`, `STALE: the bits of the tiny scale changed`, `not recorded`
  public var words: String {
    switch self {
    case .notRecorded: "not recorded"
    case .current: "current"
    case .stale(let reasons): "STALE: " + reasons.joined(separator: "; ")
    }
  }
}
