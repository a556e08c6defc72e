import ReproTensor

/// A profile as people read it: one line for each op and pass, the longest first.
struct ProfileTable {
  let rows: [Profile.Row]

  func lines(width: Int?) -> [String] {
    let total = rows.reduce(0) { $0 + $1.seconds }
    var table = TextTable(
      ["op", "pass", "time", "share", "calls", "per call", "GB/s", "GFLOP/s"], rightAligned: [2, 3, 4, 5, 6, 7])
    for row in rows {
      let perCall = row.seconds / Double(max(row.calls, 1))
      table.add([
        row.name, row.pass == .other ? "-" : row.pass.rawValue, shortTime(row.seconds),
        decimals(100 * row.seconds / max(total, 1e-12), 1) + " %", "\(row.calls)", shortTime(perCall),
        rate(row.bytes, row.seconds), rate(row.operations, row.seconds),
      ])
    }
    table.add(["all", "-", shortTime(total), "100.0 %", "", "", "", rate(rows.reduce(0) { $0 + $1.operations }, total)])
    return table.lines(width: width, dropping: [5, 6], clipping: [0])
  }

  private func rate(_ count: Int, _ seconds: Double) -> String {
    count > 0 && seconds > 0 ? decimals(Double(count) / seconds * 1e-9, 1) : "-"
  }
}
