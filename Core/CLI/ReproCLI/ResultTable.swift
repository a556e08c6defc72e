import ReproConfig
import ReproEngine

/// The table at the end of a run: arm by metric, mean and spread over seeds, beside the reported numbers.
struct ResultTable {
  let recipe: Recipe
  let records: [RunRecord]

  var lines: [String] {
    guard let first = records.first else { return ["no run is finished yet"] }
    let metrics = first.measurements.map(\.name)
    let names = metrics.isEmpty ? records.flatMap { $0.measurements.map(\.name) } : metrics
    var unique: [String] = []
    for name in names where !unique.contains(name) { unique.append(name) }
    var table = TextTable(["arm", "seeds"] + unique, rightAligned: Set(1...(unique.count + 1)))
    for arm in recipe.arms.map(\.name) {
      let rows = records.filter { $0.cell.arm == arm }
      if rows.isEmpty { continue }
      let diverged = rows.count { $0.status == .diverged }
      let cells = unique.map { metric in summary(rows.compactMap { $0.value(metric) }) }
      table.add([arm, "\(rows.count)" + (diverged > 0 ? " (\(diverged) diverged)" : "")] + cells)
    }
    var lines = ["\(recipe.id) at scale \(first.cell.scale.rawValue): mean +- standard deviation over seeds"] + table.lines
    if !recipe.reported.isEmpty {
      lines += ["", "Reported by the paper, at its own scale (no target for the numbers above):"]
      var reported = TextTable(["metric", "data", "model", "value", "source"], rightAligned: [3])
      for r in recipe.reported {
        reported.add([
          r.metric, r.dataset, r.model, r.value.map { decimals($0, 3) } ?? "-",
          r.source + (r.isVerified ? "" : " (from memory, not checked)"),
        ])
      }
      lines += reported.lines
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
