import ReproConfig
import ReproData

/// The recorded results of a recipe: what a rerun is compared with. Written by `--record` only, never by hand.
public struct Golden: Sendable, Equatable {
  /// Format 1 had no checksum, no curves and no bits of the tiny scale; it is read, and written no more.
  public static let format = 2

  /// Why the numbers moved, newest last.
  public struct Event: Sendable, Equatable {
    public var scale: Scale
    public var because: String
    public var commit: String
    /// Which look at the evaluation seeds this was, from 1; 0 at scale tiny, where nothing is judged.
    public var attempt = 0
    /// The seeds that were looked at; empty at scale tiny.
    public var seeds: [UInt64] = []
    /// The test that shows the bug whose repair allowed the same seeds again; nil without one.
    public var provenBug: String?
  }

  /// One cell's results.
  public struct Cell: Sendable, Equatable {
    public var arm: String
    public var seed: UInt64
    public var status: RunRecord.Status
    public var weightsSHA256: String
    /// The last value of the loss, of each stage.
    public var losses: [RunRecord.Measurement]
    public var measurements: [RunRecord.Measurement]
    /// Thinned learning curves for pictures, in four digits; empty at scale tiny.
    public var curves: [RunRecord.Curve] = []

    public init(_ record: RunRecord) {
      arm = record.cell.arm
      seed = record.cell.seed
      status = record.status
      weightsSHA256 = record.weightsSHA256
      losses = record.curves.filter { $0.metric == "loss" }.compactMap { curve in
        curve.values.last.map { RunRecord.Measurement(name: "\(curve.stage).loss", value: $0) }
      }
      measurements = record.measurements
      if record.cell.scale != .tiny { curves = record.curves.map { $0.thinned(points: Golden.curvePoints) } }
    }

    /// Whether everything that is compared bit by bit agrees: curves are pictures.
    public func hasSameBits(as other: Cell) -> Bool { bits == other.bits }

    /// The cell as one line, numbers with all their bits.
    var bits: String {
      let numbers = (losses + measurements).map { "\($0.name)=\(hexFloat($0.value))" }
      return "\(arm) \(seed) \(status.rawValue) \(weightsSHA256) " + numbers.joined(separator: " ")
    }

    public func value(_ metric: MetricName) -> Double? {
      let name = "\(metric)"
      return measurements.first { $0.name == name }?.value
    }
  }

  /// A name and the hash that belongs to it.
  public struct Digest: Sendable, Equatable {
    public var name, sha256: String
  }

  /// What was said about a claim when the results were recorded.
  public struct Judged: Sendable, Equatable {
    public var claim: String
    public var verdict: Verdict
    /// After attempts, before the adjustment within the paper.
    public var p: Double
  }

  /// All cells of one scale, with what decided their bits.
  public struct Results: Sendable, Equatable {
    public var fingerprint: Fingerprint
    public var planSHA256: String
    public var data: String
    public var cells: [Cell]
    /// The bits of the tiny scale at that moment; empty at scale tiny itself and in results of format 1.
    public var tinySHA256 = ""
    /// Each arm's resolved recipe; empty in results of format 1.
    public var recipes: [Digest] = []
    public var verdicts: [Judged] = []

    /// SHA-256 over all cells' bits: for the tiny scale the fingerprint of the recipe's whole code path.
    public var bitsSHA256: String { SHA256.hex(of: cells.map(\.bits).joined(separator: "\n")) }
  }

  /// Points of a recorded curve.
  static let curvePoints = 24

  public var recipe: String
  public var results: [Scale: Results]
  public var history: [Event]

  public init(recipe: String) {
    self.recipe = recipe
    results = [:]
    history = []
  }

  /// Looks at evaluation seeds so far, >= 1: what p-values are multiplied by.
  public var attempts: Int { max(1, history.last { $0.scale == .small }?.attempt ?? 1) }

  /// Why the numbers of a scale moved last.
  public func lastReason(_ scale: Scale) -> String? { history.last { $0.scale == scale }?.because }

  /// Takes the records of a finished sweep in the place of what stood there for their scale.
  ///
  /// - Parameters:
  ///   - tiny: the bits of the tiny scale of the code that made the records; not for records of that scale.
  ///   - attempt: which look at the evaluation seeds this is; not for scale tiny.
  ///   - provenBug: the test that shows the bug whose repair allowed the same seeds again.
  public mutating func record(
    _ records: [RunRecord], because: String, commit: String, tiny: String = "", attempt: Int = 1,
    provenBug: String? = nil
  ) {
    guard let first = records.first else { return }
    let scale = first.cell.scale
    var recipes: [Digest] = []
    var seeds: [UInt64] = []
    for record in records {
      if !recipes.contains(where: { $0.name == record.cell.arm }) {
        recipes.append(Digest(name: record.cell.arm, sha256: record.recipeSHA256))
      }
      if !seeds.contains(record.cell.seed) { seeds.append(record.cell.seed) }
    }
    results[scale] = Results(
      fingerprint: first.fingerprint, planSHA256: first.planSHA256, data: first.data, cells: records.map(Cell.init),
      tinySHA256: tiny, recipes: recipes)
    history.append(
      Event(
        scale: scale, because: because, commit: commit, attempt: scale == .tiny ? 0 : attempt,
        seeds: scale == .tiny ? [] : seeds, provenBug: provenBug))
  }
}

extension RunRecord.Curve {
  /// At most `points` of the curve: means of equal runs of points, each at the middle one's step.
  func thinned(points: Int) -> RunRecord.Curve {
    let run = max(1, (values.count + points - 1) / points)
    var curve = RunRecord.Curve(stage: stage, metric: metric, steps: [], values: [])
    for first in stride(from: 0, to: values.count, by: run) {
      let part = first..<min(first + run, values.count)
      curve.steps.append(steps[part.lowerBound + part.count / 2])
      let mean: Double = part.reduce(0.0) { $0 + values[$1] } / Double(part.count)
      curve.values.append(fourDigits(mean))
    }
    return curve
  }
}

/// A number rounded to four decimal digits, so that a file of curves stays small.
private func fourDigits(_ x: Double) -> Double {
  guard x.isFinite, x != 0 else { return x }
  var (scale, size) = (1.0, x.magnitude)
  while size < 1000 && scale < 1e300 { (size, scale) = (size * 10, scale * 10) }
  return size.rounded() / scale * (x < 0 ? -1 : 1)
}
