import ReproConfig
import ReproData

/// What was found in a run so far, `health.json` beside its record: a run that goes on says nothing twice.
public struct HealthJournal: Sendable {
  public static let name = "health.json"
  public private(set) var findings: [HealthFinding]
  private let path: String

  /// Reads what stands in a run's folder; a file that cannot be read counts as none, it can be made again.
  public init(folder: String) throws {
    path = "\(folder)/\(HealthJournal.name)"
    findings = []
    guard SafeFile.exists(path), let items = try? JSONValue(path: path).array else { return }
    for item in items {
      guard let kind = item["kind"]?.string.flatMap(HealthPlan.Kind.init(rawValue:)), let step = item["step"]?.int,
        let stage = item["stage"]?.string
      else { continue }
      findings.append(HealthFinding(kind: kind, stage: stage, step: step, text: item["text"]?.string ?? ""))
    }
  }

  func kinds(in stage: String) -> [HealthPlan.Kind] { findings.filter { $0.stage == stage }.map(\.kind) }

  mutating func add(_ found: [HealthFinding]) throws {
    if found.isEmpty { return }
    findings += found
    let json = JSONValue.array(
      findings.map {
        [
          "kind": .string($0.kind.rawValue), "stage": .string($0.stage), "step": .int($0.step),
          "text": .string($0.text),
        ]
      })
    try SafeFile.write(path, text: try json.text(pretty: true))
  }
}
