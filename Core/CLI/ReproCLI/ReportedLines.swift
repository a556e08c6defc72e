import ReproConfig
import ReproEngine

/// What the authors report beside what published weights measured here: one line a measurement.
struct ReportedLines {
  let recipe: Recipe
  let records: [RunRecord]

  /// Words of a reported metric that belong to a measurement of ours.
  private static let words = [("knn.top1", "knn top-1"), ("linear-probe.top1", "linear top-1")]

  var lines: [String] {
    records.flatMap(\.measurements).flatMap { measurement -> [String] in
      guard let words = Self.words.first(where: { $0.0 == measurement.name })?.1 else { return [] }
      return recipe.reported.filter { $0.metric.lowercased() == words }.compactMap { reported in
        guard let value = reported.value else { return nil }
        return "\(measurement.name) \(decimals(measurement.value, 4)); reported \(decimals(value, 3)) on "
          + "\(reported.dataset), \(reported.model) (\(reported.source))"
      }
    }
  }
}

extension Program {
  /// The overrides that `--data` stands for: `NAME`, `NAME=PATH` of a provider, or `KEY=VALUE` of the recipe's own.
  static func dataOverrides(_ argument: String) -> [String] {
    guard let equals = argument.firstIndex(of: "=") else { return ["data.provider=\(argument)"] }
    let name = String(argument[..<equals])
    guard plugins.datasets.contains(where: { $0.card.id == name }) else { return ["data.\(argument)"] }
    return ["data.provider=\(name)", "data.path=\(argument[argument.index(after: equals)...])"]
  }
}
