import Glibc
import ReproTensor

/// What learning task after task left behind.
public struct ContinualLearning: Sendable {
  /// `accuracy[t][k]`: on task k after training on tasks 0 ... t.
  private let accuracy: [[Double]]

  /// - Parameter accuracy: a row for each task in the order of training; row t holds at least t + 1 numbers.
  public init(accuracy: [[Double]]) {
    require(
      !accuracy.isEmpty && accuracy.enumerated().allSatisfy { $0.element.count > $0.offset },
      "row t of a continual learner's accuracies has at least t + 1 numbers, got \(accuracy.map(\.count))")
    self.accuracy = accuracy
  }

  private var last: [Double] { Array(accuracy[accuracy.count - 1].prefix(accuracy.count)) }

  /// The mean accuracy over all tasks at the end, 0 to 1.
  public var finalAccuracy: Double { last.reduce(0, +) / Double(last.count) }

  /// The mean over time of the mean accuracy over the tasks seen so far ("average incremental accuracy").
  ///
  /// - Source: Rebuffi et al. 2017 (iCaRL, arXiv 1611.07725), Section 4.
  public var incrementalAccuracy: Double {
    accuracy.enumerated().reduce(0.0) { $0 + $1.element.prefix($1.offset + 1).reduce(0, +) / Double($1.offset + 1) }
      / Double(accuracy.count)
  }

  /// The mean over tasks but the last of the best earlier accuracy minus the final one; lower is better, may be negative.
  ///
  /// - Source: Chaudhry et al. 2018 (arXiv 1801.10112), Eq. 3.
  public var forgetting: Double {
    let tasks = accuracy.count
    guard tasks > 1 else { return 0 }
    let drops = (0..<(tasks - 1)).map { k in ((k..<(tasks - 1)).map { accuracy[$0][k] }.max() ?? 0) - last[k] }
    return drops.reduce(0, +) / Double(tasks - 1)
  }

  /// The mean over tasks but the last of the final accuracy minus that right after the task; negative means forgetting.
  ///
  /// - Source: Lopez-Paz and Ranzato 2017 (arXiv 1706.08840), Eq. 3.
  public var backwardTransfer: Double {
    let tasks = accuracy.count
    guard tasks > 1 else { return 0 }
    return (0..<(tasks - 1)).reduce(0.0) { $0 + last[$1] - accuracy[$1][$1] } / Double(tasks - 1)
  }
}

/// How much accuracy survives when inputs are disturbed.
public struct Robustness: Sendable {
  /// `accuracy[disturbance][severity]`, and without any disturbance.
  public let disturbed: [[Double]]
  public let clean: Double

  public init(clean: Double, disturbed: [[Double]]) {
    require(!disturbed.isEmpty && disturbed.allSatisfy { !$0.isEmpty }, "robustness needs disturbed accuracies")
    (self.clean, self.disturbed) = (clean, disturbed)
  }

  private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

  /// The mean accuracy over severities, then over disturbances.
  public var meanAccuracy: Double { mean(disturbed.map(mean)) }

  /// The share of the clean accuracy that is lost, 1 - mean / clean; lower is better.
  public var relativeDrop: Double { clean > 0 ? 1 - meanAccuracy / clean : 0 }

  /// Mean corruption error against a reference model: sums of errors over severities, ratio by ratio; 1 for the reference.
  ///
  /// - Parameter reference: its accuracies in the same order.
  /// - Source: Hendrycks and Dietterich 2019 (arXiv 1903.12261), Section 4.2.
  public func meanCorruptionError(reference: [[Double]]) -> Double {
    func errors(_ row: [Double]) -> Double { row.reduce(0) { $0 + 1 - $1 } }
    return mean(zip(disturbed, reference).map { errors($0) / max(errors($1), 1e-12) })
  }
}

/// The accuracy of the worst group, and the gap to the mean of groups.
///
/// - Parameter groups: the group of each sample, 0, 1, ...; groups without samples do not count.
/// - Source: Sagawa et al. 2020 (arXiv 1911.08731).
public func worstGroup(_ isRight: [Bool], groups: [Int]) -> (worst: Double, gap: Double) {
  require(isRight.count == groups.count, "\(groups.count) groups for \(isRight.count) samples")
  var (right, count): ([Int], [Int]) = ([], [])
  for (r, g) in zip(isRight, groups) {
    while count.count <= g {
      count.append(0)
      right.append(0)
    }
    count[g] += 1
    if r { right[g] += 1 }
  }
  let shares = count.indices.filter { count[$0] > 0 }.map { Double(right[$0]) / Double(count[$0]) }
  guard let worst = shares.min() else { return (0, 0) }
  return (worst, shares.reduce(0, +) / Double(shares.count) - worst)
}

/// Episodes of control.
public struct EpisodeSummary: Sendable {
  /// Sums of rewards; whether each episode reached its goal.
  public let returns: [Double]
  public let successes: [Bool]

  public init(returns: [Double], successes: [Bool]) {
    require(returns.count == successes.count && !returns.isEmpty, "episodes have a return and an outcome each")
    (self.returns, self.successes) = (returns, successes)
  }

  public var meanReturn: Double { returns.reduce(0, +) / Double(returns.count) }
  public var successRate: Double { Double(successes.count { $0 }) / Double(successes.count) }

  /// The mean of the middle half of returns: less moved by single episodes than the mean.
  ///
  /// - Source: Agarwal et al. 2021 (arXiv 2108.13264), Section 4.3; scipy's trim_mean with 0.25.
  public var interquartileMean: Double {
    let sorted = returns.sorted()
    let cut = sorted.count / 4
    let middle = sorted[cut..<(sorted.count - cut)]
    return middle.reduce(0, +) / Double(middle.count)
  }

  /// (mean - random) / (reference - random): 0 for a random player, 1 for the reference.
  ///
  /// - Source: Mnih et al. 2015, the human-normalised score.
  public func normalizedReturn(random: Double, reference: Double) -> Double {
    (meanReturn - random) / (reference - random)
  }
}

/// The return of an episode, sum_t discount^t r_t.
public func discountedReturn(_ rewards: [Double], discount: Double) -> Double {
  rewards.reversed().reduce(0) { $1 + discount * $0 }
}
