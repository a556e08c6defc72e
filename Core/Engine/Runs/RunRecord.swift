import ReproConfig
import ReproData

/// Which run: one arm of a recipe at one scale with one seed.
public struct CellID: Sendable, Equatable {
  public var recipe: String
  public var scale: Scale
  public var arm: String
  public var seed: UInt64
  public init(recipe: String, scale: Scale, arm: String, seed: UInt64) {
    (self.recipe, self.scale, self.arm, self.seed) = (recipe, scale, arm, seed)
  }

  /// Where the run lives below the folder of all runs.
  public var folder: String { "\(recipe)/\(scale.rawValue)/\(arm)-\(seed)" }
}

/// Everything that a finished run says about itself; equal for equal bits, so no time and no host stands in it.
public struct RunRecord: Sendable, Equatable {
  /// Format 1 had no checksum and did not say which program made it; it is read, and written no more.
  public static let format = 2

  public enum Status: String, Sendable {
    case finished
    /// A loss or parameter was not finite: a result that counts as the worst value, never dropped.
    case diverged
  }

  /// A learning curve thinned to at most two hundred points.
  public struct Curve: Sendable, Equatable {
    public var stage, metric: String
    public var steps: [Int]
    public var values: [Double]
  }

  public struct Measurement: Sendable, Equatable {
    /// `knn.top1`
    public var name: String
    public var value: Double
  }

  public var cell: CellID
  public var paper: String
  public var status: Status
  /// Why a diverged run stopped.
  public var reason: String?
  /// SHA-256 of the resolved recipe in canonical form.
  public var recipeSHA256: String
  /// SHA-256 of the plan of the claims; what was fixed before the first look.
  public var planSHA256: String
  public var fingerprint: Fingerprint
  public var commit: String
  public var data: String
  public var weightsSHA256: String
  public var curves: [Curve]
  public var measurements: [Measurement]
  /// Which program and which bits of the tiny scale; empty in records of format 1.
  public var code = CodeStamp()
  /// The resolved recipe, YAML: with the seed all that a replay needs. Empty in records of format 1.
  public var resolved = ""

  /// The record as it is written, with its checksum.
  public func sealed() throws(ReproError) -> JSONValue { try json.sealed() }

  public var json: JSONValue {
    func number(_ x: Double) -> JSONValue { x.isFinite ? .double(x) : .string(hexFloat(x)) }
    var object: JSONValue = [
      "format": .int(RunRecord.format), "recipe": .string(cell.recipe), "paper": .string(paper),
      "scale": .string(cell.scale.rawValue), "arm": .string(cell.arm), "seed": .string(String(cell.seed)),
      "status": .string(status.rawValue),
    ]
    if let reason { object["reason"] = .string(reason) }
    object["recipe_sha256"] = .string(recipeSHA256)
    object["plan_sha256"] = .string(planSHA256)
    object["resolved"] = .string(resolved)
    object["fingerprint"] = fingerprint.json
    object["commit"] = .string(commit)
    object["executable_sha256"] = .string(code.executable)
    if !code.tiny.isEmpty { object["tiny_sha256"] = .string(code.tiny) }
    object["data"] = .string(data)
    object["weights_sha256"] = .string(weightsSHA256)
    object["measurements"] = .array(
      measurements.map { ["name": .string($0.name), "value": number($0.value), "bits": .string(hexFloat($0.value))] })
    object["curves"] = .array(
      curves.map {
        [
          "stage": .string($0.stage), "metric": .string($0.metric), "steps": .array($0.steps.map { .int($0) }),
          "values": .array($0.values.map(number)),
        ]
      })
    return object
  }

  /// Reads what `json` wrote.
  public init(_ json: JSONValue, at place: String) throws(ReproError) {
    let format = try json.required("format", as: \.int, at: place)
    guard (1...RunRecord.format).contains(format) else {
      throw ReproError(
        .data, at: place, found: "the record has format \(format)", expected: "1 to \(RunRecord.format)",
        hint: "it was written by another version of the program")
    }
    if json["sha256"] != nil || format > 1 {
      try json.checkSeal(at: place, hint: "remove the run's folder to run it again")
    }
    guard let scale = Scale(rawValue: try json.required("scale", as: \.string, at: place)),
      let seed = UInt64(try json.required("seed", as: \.string, at: place)),
      let status = Status(rawValue: try json.required("status", as: \.string, at: place))
    else { throw ReproError(.data, at: place, found: "scale, seed or status cannot be read") }
    cell = CellID(
      recipe: try json.required("recipe", as: \.string, at: place), scale: scale,
      arm: try json.required("arm", as: \.string, at: place), seed: seed)
    paper = try json.required("paper", as: \.string, at: place)
    self.status = status
    reason = json["reason"]?.string
    recipeSHA256 = try json.required("recipe_sha256", as: \.string, at: place)
    planSHA256 = try json.required("plan_sha256", as: \.string, at: place)
    resolved = json["resolved"]?.string ?? ""
    fingerprint = Fingerprint(json["fingerprint"] ?? .null)
    commit = try json.required("commit", as: \.string, at: place)
    code = CodeStamp(executable: json["executable_sha256"]?.string ?? "", tiny: json["tiny_sha256"]?.string ?? "")
    data = try json.required("data", as: \.string, at: place)
    weightsSHA256 = try json.required("weights_sha256", as: \.string, at: place)
    measurements = []
    for item in try json.required("measurements", as: \.array, at: place) {
      let bits = try item.required("bits", as: \.string, at: place)
      guard let value = Double(bits) else { throw ReproError(.data, at: place, found: "'\(bits)' is no number") }
      measurements.append(Measurement(name: try item.required("name", as: \.string, at: place), value: value))
    }
    curves = []
    for item in try json.required("curves", as: \.array, at: place) {
      let values = try item.required("values", as: \.array, at: place).map {
        $0.double ?? Double($0.string ?? "") ?? .nan
      }
      curves.append(
        Curve(
          stage: try item.required("stage", as: \.string, at: place),
          metric: try item.required("metric", as: \.string, at: place),
          steps: try item.required("steps", as: \.array, at: place).map { $0.int ?? 0 }, values: values))
    }
  }

  public init(
    cell: CellID, paper: String, status: Status, reason: String?, recipeSHA256: String, planSHA256: String,
    fingerprint: Fingerprint, commit: String, data: String, weightsSHA256: String, curves: [Curve],
    measurements: [Measurement], code: CodeStamp = CodeStamp(), resolved: String = ""
  ) {
    (self.cell, self.paper, self.status, self.reason) = (cell, paper, status, reason)
    (self.recipeSHA256, self.planSHA256, self.fingerprint) = (recipeSHA256, planSHA256, fingerprint)
    (self.commit, self.data, self.weightsSHA256) = (commit, data, weightsSHA256)
    (self.curves, self.measurements, self.code, self.resolved) = (curves, measurements, code, resolved)
  }

  public func value(_ metric: String) -> Double? { measurements.first { $0.name == metric }?.value }
}
