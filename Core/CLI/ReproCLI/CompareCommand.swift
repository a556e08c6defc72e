import ArgumentParser
import ReproConfig
import ReproEngine

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare", abstract: "Two runs beside each other: what differs in their recipes, numbers and curves.")

  @Argument(help: "The folder of a run.") var first: String
  @Argument(help: "The folder of another run.") var second: String
  @Flag(help: "Print the comparison as JSON.") var json = false

  func run() throws {
    let (a, b) = (try StoredRun(first), try StoredRun(second))
    let comparison = try RunComparison(a.record, b.record, a.recipe(), b.recipe())
    if json {
      Terminal.line(try comparison.json.text(pretty: true))
    } else {
      for line in comparison.lines { Terminal.line(line) }
    }
  }
}

/// Two runs beside each other.
struct RunComparison {
  struct Difference: Equatable {
    /// `method.weights.ibot`, `seed`, `fingerprint.isa`
    var key: String
    /// A dash for what one of them lacks.
    var first, second: String
  }

  let a, b: RunRecord
  /// What differs beside the numbers.
  let differences: [Difference]

  init(_ a: RunRecord, _ b: RunRecord, _ first: ResolvedRecipe, _ second: ResolvedRecipe) {
    (self.a, self.b) = (a, b)
    var differences: [Difference] = []
    func add(_ key: String, _ x: String?, _ y: String?) {
      if x != y { differences.append(Difference(key: key, first: x ?? "-", second: y ?? "-")) }
    }
    let (x, y) = (RunComparison.leaves(first.tree), RunComparison.leaves(second.tree))
    for leaf in x { add(leaf.key, leaf.value, y.first { $0.key == leaf.key }?.value) }
    for leaf in y where !x.contains(where: { $0.key == leaf.key }) { add(leaf.key, nil, leaf.value) }
    add("seed", "\(a.cell.seed)", "\(b.cell.seed)")
    add("status", a.status.rawValue, b.status.rawValue)
    add("commit", a.commit, b.commit)
    add("program", a.code.executable, b.code.executable)
    add("data", a.data, b.data)
    for name in a.fingerprint.differences(from: b.fingerprint) {
      add("fingerprint.\(name)", value(name, a), value(name, b))
    }
    self.differences = differences
    func value(_ name: String, _ record: RunRecord) -> String? {
      record.fingerprint.items.first { $0.name == name }?.value
    }
  }

  /// Every scalar of a tree with its path; items of lists by their number.
  private static func leaves(_ node: YAMLNode, _ path: String = "") -> [(key: String, value: String)] {
    func below(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
    switch node.content {
    case .mapping(let entries): return entries.flatMap { leaves($0.value, below($0.key)) }
    case .sequence(let items): return items.enumerated().flatMap { leaves($1, below("\($0)")) }
    case .scalar(let text, _): return [(path, text)]
    }
  }

  private var metrics: [String] {
    var names: [String] = []
    for name in (a.measurements + b.measurements).map(\.name) where !names.contains(name) { names.append(name) }
    return names
  }

  var hasSameBits: Bool {
    a.weightsSHA256 == b.weightsSHA256
      && metrics.allSatisfy { a.value($0)?.bitPattern == b.value($0)?.bitPattern }
  }

  var lines: [String] {
    var lines = [
      Terminal.bold("a  \(a.cell.folder)"), Terminal.bold("b  \(b.cell.folder)"), "",
      hasSameBits ? "the same bits in weights and measurements" : "other bits",
    ]
    if differences.isEmpty {
      lines += ["", "nothing else differs: recipe, seed, program and libraries are the same"]
    } else {
      var table = TextTable(["differs", "a", "b"])
      for d in differences {
        table.add([d.key, TextTable.clipped(d.first, to: 48), TextTable.clipped(d.second, to: 48)])
      }
      lines += [""] + table.lines(width: Terminal.tableWidth, clipping: [1, 2])
    }
    var table = TextTable(["measurement", "a", "b", "b - a"], rightAligned: [1, 2, 3])
    for name in metrics {
      let (x, y) = (a.value(name), b.value(name))
      let change = x.flatMap { x in y.map { Statistics.text($0 - x, decimals: 4) } } ?? "-"
      table.add([name, x.map { decimals($0, 4) } ?? "-", y.map { decimals($0, 4) } ?? "-", change])
    }
    if !metrics.isEmpty { lines += [""] + table.lines() }
    return lines + curves
  }

  /// The curves that both have, drawn with eight heights over the range of both.
  private var curves: [String] {
    var lines: [String] = []
    for x in a.curves {
      guard let y = b.curves.first(where: { $0.stage == x.stage && $0.metric == x.metric }) else { continue }
      let finite = (x.values + y.values).filter(\.isFinite)
      guard let low = finite.min(), let high = finite.max(), let end = (x.steps + y.steps).max() else { continue }
      lines.append("")
      lines.append(
        "\(x.stage) \(x.metric), \(Statistics.text(low)) to \(Statistics.text(high)), step 0 to \(end)")
      for (name, curve) in [("a", x), ("b", y)] {
        let last = curve.values.last.map { Statistics.text($0) } ?? "-"
        lines.append("  \(name)  \(Sparkline(curve, low: low, high: high, end: end).text)  \(last)")
      }
    }
    return lines
  }

  var json: JSONValue {
    func number(_ x: Double?) -> JSONValue { x.map { $0.isFinite ? .double($0) : .string("\($0)") } ?? .null }
    return [
      "a": .string(a.cell.folder), "b": .string(b.cell.folder), "same_bits": .bool(hasSameBits),
      "differences": .array(
        differences.map { ["key": .string($0.key), "a": .string($0.first), "b": .string($0.second)] }),
      "measurements": .array(
        metrics.map { ["name": .string($0), "a": number(a.value($0)), "b": number(b.value($0))] }),
    ]
  }
}

/// A curve in one line of text.
struct Sparkline {
  let text: String
  private static let bars = Array("▁▂▃▄▅▆▇█")

  /// - Parameters:
  ///   - low, high: the values of the lowest and the highest bar.
  ///   - end: the step at the right edge.
  ///   - width: characters.
  init(_ curve: RunRecord.Curve, low: Double, high: Double, end: Int, width: Int = 48) {
    var cells: [[Double]] = Array(repeating: [], count: width)
    for (step, value) in zip(curve.steps, curve.values) {
      cells[min(width - 1, step * width / max(end, 1))].append(value)
    }
    text = String(
      cells.map { values -> Character in
        if values.isEmpty { return " " }
        let mean = Statistics.mean(values)
        guard mean.isFinite else { return "!" }
        let height = high > low ? (mean - low) / (high - low) : 0.5
        return Sparkline.bars[min(7, max(0, Int(height * 8)))]
      })
  }
}
