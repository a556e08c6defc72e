import ReproConfig
import ReproEngine

/// The table at the end of a run: arm by metric, mean and spread over seeds, beside the reported numbers.
struct ResultTable {
  let recipe: Recipe
  let records: [RunRecord]

  /// - Parameter width: columns of the terminal; nil for no limit.
  func lines(width: Int?) -> [String] {
    guard let first = records.first else { return ["no run is finished yet"] }
    var metrics: [String] = []
    for name in records.flatMap({ $0.measurements.map(\.name) }) where !metrics.contains(name) { metrics.append(name) }
    // The evaluation stands above its measurements: `linear-segmentation.miou` would make wide columns.
    let parts = metrics.map { $0.split(separator: ".", maxSplits: 1).map(String.init) }
    var table = TextTable(
      ["arm", "seeds"] + parts.map { $0.count > 1 ? $0[1] : "" }, groups: ["", ""] + parts.map { $0[0] },
      rightAligned: Set(1...(metrics.count + 1)))
    for arm in recipe.arms.map(\.name) {
      let rows = records.filter { $0.cell.arm == arm }
      if rows.isEmpty { continue }
      let diverged = rows.count { $0.status == .diverged }
      let cells = metrics.map { metric in summary(rows.compactMap { $0.value(metric) }) }
      table.add([arm, "\(rows.count)" + (diverged > 0 ? " (\(diverged) diverged)" : "")] + cells)
    }
    let spread = records.contains { $0.cell.arm == first.cell.arm && $0.cell.seed != first.cell.seed }
    let title = "\(recipe.id) at scale \(first.cell.scale.rawValue)"
    var lines = [title + (spread ? ": mean +- standard deviation over seeds" : ""), ""]
    lines += table.lines(width: width, blocksRepeating: 2)
    if !recipe.reported.isEmpty {
      lines += ["", "Reported by the paper, at its own scale (no target for the numbers above):", ""]
      lines += ReportedTable(recipe.reported).lines(width: width)
    }
    return lines
  }

  private func summary(_ values: [Double]) -> String {
    guard !values.isEmpty else { return "-" }
    let n = Double(values.count)
    let mean = values.reduce(0, +) / n
    if values.count == 1 { return decimals(mean, 3) }
    let spread = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)).squareRoot()
    return "\(decimals(mean, 3)) +- \(decimals(spread, 3))"
  }
}
