import ReproConfig

/// The comparison of a rerun with a golden.
public struct Verification: Sendable {
  public enum Outcome: Sendable, Equatable {
    /// Every bit agrees, the weights' included.
    case sameBits
    /// The numbers agree within the tolerance; `because` says why bits were not asked for, or that they moved.
    case within(largest: Double, because: String)
    /// A number moved by more than is allowed.
    case drifted(metric: String, golden: Double, now: Double, allowed: Double)
    case missing(String)

    public var isGood: Bool {
      switch self {
      case .sameBits, .within: true
      case .drifted, .missing: false
      }
    }
  }

  public var arm: String
  public var seed: UInt64
  public var outcome: Outcome

  public init(arm: String, seed: UInt64, outcome: Outcome) {
    (self.arm, self.seed, self.outcome) = (arm, seed, outcome)
  }

  /// Compares records with the results that a golden holds for their scale.
  ///
  /// A number may differ by `tolerance * max(1, |golden|)`; golden first, so the relation is neither symmetric nor
  /// transitive and always measured against the recorded file, never against the last run.
  public static func compare(_ records: [RunRecord], with golden: Golden.Results, tolerance: Double) -> [Verification] {
    let recorded = golden.cells.map { cell in
      guard let record = records.first(where: { $0.cell.arm == cell.arm && $0.cell.seed == cell.seed }) else {
        return Verification(arm: cell.arm, seed: cell.seed, outcome: .missing("this cell was not rerun"))
      }
      return Verification(
        arm: cell.arm, seed: cell.seed,
        outcome: compare(Golden.Cell(record), with: cell, record.fingerprint, golden.fingerprint, tolerance))
    }
    let unknown = records.filter { record in
      !golden.cells.contains { $0.arm == record.cell.arm && $0.seed == record.cell.seed }
    }
    return recorded
      + unknown.map {
        Verification(arm: $0.cell.arm, seed: $0.cell.seed, outcome: .missing("this cell was never recorded"))
      }
  }

  private static func compare(
    _ now: Golden.Cell, with cell: Golden.Cell, _ mine: Fingerprint, _ recorded: Fingerprint, _ tolerance: Double
  ) -> Outcome {
    if now.hasSameBits(as: cell) { return .sameBits }
    if now.status != cell.status {
      return .missing("the run \(now.status.rawValue), the golden's \(cell.status.rawValue)")
    }
    var largest = 0.0
    for old in cell.losses + cell.measurements {
      guard let new = (now.losses + now.measurements).first(where: { $0.name == old.name }) else {
        return .missing("the rerun has no \(old.name)")
      }
      // Also the NaN of a loss that diverged twice at the same place.
      if new.value.bitPattern == old.value.bitPattern { continue }
      let (difference, allowed) = (abs(new.value - old.value), tolerance * max(1, abs(old.value)))
      guard difference <= allowed else {
        return .drifted(metric: old.name, golden: old.value, now: new.value, allowed: allowed)
      }
      largest = max(largest, difference)
    }
    let different = mine.differences(from: recorded)
    let why = different.isEmpty ? "the code's bits moved" : "recorded with another \(different.joined(separator: ", "))"
    return .within(largest: largest, because: why)
  }
}
