import ReproConfig

/// Recorded results in forms that other programs read.
public enum Exports {
  /// Every measurement of every cell: `recipe,scale,arm,seed,status,metric,value`, RFC 4180, a header first.
  public static func measurements(_ goldens: [Golden]) -> String {
    var lines = [row(["recipe", "scale", "arm", "seed", "status", "metric", "value"])]
    for golden in goldens {
      for scale in Scale.allCases {
        for cell in golden.results[scale]?.cells ?? [] {
          let head = [golden.recipe, scale.rawValue, cell.arm, "\(cell.seed)", cell.status.rawValue]
          // A diverged run has no measurements, and must not vanish.
          if cell.measurements.isEmpty { lines.append(row(head + ["", ""])) }
          lines += cell.measurements.map { row(head + [$0.name, "\($0.value)"]) }
        }
      }
    }
    return lines.joined(separator: "\r\n") + "\r\n"
  }

  /// Every claim with its verdict and the numbers behind it, one line each.
  public static func claims(_ papers: [RecordedEvidence]) -> String {
    var lines = [
      row([
        "paper", "recipe", "claim", "primary", "metric", "verdict", "stale", "n", "mean", "sd", "p", "attempts",
        "adjusted_p", "low", "high", "confidence", "t_low", "t_high", "smallest_detectable", "differences",
      ])
    ]
    func text(_ x: Double?) -> String { x.map { $0.isFinite ? "\($0)" : "" } ?? "" }
    for paper in papers {
      for item in paper.items {
        for c in item.claims {
          let isRun = c.verdict != .notRun
          lines.append(
            row([
              c.paper, c.recipe, c.claim, c.isPrimary ? "1" : "0", "\(c.metric)", c.verdict.rawValue,
              item.staleness.isStale ? "1" : "0", "\(c.n)", text(isRun ? c.mean : nil), text(isRun ? c.deviation : nil),
              text(isRun ? c.p : nil), "\(c.attempts)", text(isRun ? c.adjustedP : nil), text(c.interval?.low),
              text(c.interval?.high), text(c.interval?.confidence), text(c.tInterval?.low), text(c.tInterval?.high),
              text(c.smallestDetectable), c.differences.map { "\($0)" }.joined(separator: " "),
            ]))
        }
      }
    }
    return lines.joined(separator: "\r\n") + "\r\n"
  }

  private static func row(_ fields: [String]) -> String {
    fields.map { field in
      let needsQuotes = field.utf8.contains { [UInt8(ascii: ","), UInt8(ascii: "\""), 10, 13].contains($0) }
      return needsQuotes ? "\"" + field.replacing("\"", with: "\"\"") + "\"" : field
    }.joined(separator: ",")
  }

  /// The model index of model cards (Hugging Face's `model-index`): each arm of each recipe with its means over the
  /// seeds of the small scale, and what it was measured by.
  ///
  /// - Source: huggingface_hub, "Model cards", the metadata specification of `model-index`.
  public static func modelIndex(_ papers: [RecordedEvidence]) -> String {
    let mark = YAMLNode.Mark(file: "model-index", line: 1, column: 1)
    func text(_ value: String) -> YAMLNode { YAMLNode(.scalar(value, quoted: true), at: mark) }
    func number(_ value: Double) -> YAMLNode { YAMLNode(.scalar("\(value)", quoted: false), at: mark) }
    func map(_ members: [(String, YAMLNode)]) -> YAMLNode {
      YAMLNode(.mapping(members.map { YAMLNode.Entry(key: $0.0, keyMark: mark, value: $0.1) }), at: mark)
    }
    func list(_ items: [YAMLNode]) -> YAMLNode { YAMLNode(.sequence(items), at: mark) }
    var models: [YAMLNode] = []
    for item in papers.flatMap(\.items) {
      guard let recipe = item.recipe, let results = item.golden?.results[.small] else { continue }
      for arm in recipe.arms {
        let cells = results.cells.filter { $0.arm == arm.name && $0.status == .finished }
        guard let first = cells.first else { continue }
        let entries = first.measurements.map { measurement -> YAMLNode in
          let values = cells.compactMap { cell in cell.measurements.first { $0.name == measurement.name }?.value }
          let protocolName = String(measurement.name.prefix { $0 != "." })
          return map([
            ("task", map([("type", text("image-feature-extraction")), ("name", text(protocolName))])),
            ("dataset", map([("name", text(results.data)), ("type", text(recipe.dataProvider))])),
            (
              "metrics",
              list([
                map([
                  ("type", text(measurement.name)), ("value", number(Statistics.mean(values))),
                  ("name", text("mean over \(values.count) seeds")),
                  ("verified", YAMLNode(.scalar("false", quoted: false), at: mark)),
                ])
              ])
            ),
          ])
        }
        models.append(map([("name", text("\(recipe.id)/\(arm.name)")), ("results", list(entries))]))
      }
    }
    return map([("model-index", list(models))]).yaml()
  }
}
