import Glibc
import ReproTensor

/// Watches a stage of training. It reads metrics and frozen embeddings and draws no random numbers, so that a run with
/// it has the same bits as one without.
struct HealthMonitor {
  private let plan: HealthPlan
  private let stage: String
  private let steps: Int
  /// Each kind is said once a stage.
  private var said: [HealthPlan.Kind]

  /// - Parameter said: what has been found in this stage before a stop.
  init(_ plan: HealthPlan, stage: String, steps: Int, said: [HealthPlan.Kind] = []) {
    (self.plan, self.stage, self.steps, self.said) = (plan, stage, steps, said)
  }

  /// Steps between two looks at the embeddings.
  private var interval: Int { max(1, Int(plan.every * Double(steps))) }

  /// Looks at a finished step.
  ///
  /// - Parameters:
  ///   - log: all metrics so far, this step's included.
  ///   - embeddings: makes the embeddings of some training samples, `[N, D]`; nil if the method has none for them.
  ///     Asked now and then only.
  /// - Returns: what was not found before in this stage.
  mutating func look(step: Int, _ metrics: Metrics, _ log: MetricLog, _ embeddings: () -> Tensor?) -> [HealthFinding] {
    var found: [(HealthPlan.Kind, String)] = []
    if let text = gradient(step, metrics, log) { found.append((.gradient, text)) }
    // What a network says before it has learnt is no collapse: nothing is judged in the first quarter of a stage.
    let mayJudge = steps >= plan.leastSteps && 4 * (step + 1) >= steps
    if mayJudge, let text = entropy(metrics) { found.append((.entropy, text)) }
    if mayJudge, (step + 1) % interval == 0 {
      if let text = trivialLoss(step, log) { found.append((.trivialLoss, text)) }
      let wanted = !said.contains(.collapse) || !said.contains(.rank)
      if wanted, let features = embeddings() { found += spread(features) }
    }
    return found.compactMap { kind, text in
      if said.contains(kind) { return nil }
      said.append(kind)
      return HealthFinding(kind: kind, stage: stage, step: step, text: text)
    }
  }

  // MARK: Embeddings

  private func spread(_ features: Tensor) -> [(HealthPlan.Kind, String)] {
    guard features.rank == 2, features.shape[0] >= 8, features.shape[1] >= 1 else { return [] }
    guard let found = EmbeddingSpread(features) else {
      return [(.collapse, "an embedding is not finite")]
    }
    if found.deviation < plan.leastDeviation {
      return [
        (
          .collapse,
          "the embeddings of \(features.shape[0]) samples are almost equal (deviation \(Statistics.text(found.deviation)), "
            + "1 on a whole sphere): a collapse; is the stop-gradient, the centring or the predictor missing?"
        )
      ]
    }
    if found.rank < plan.leastRank, features.shape[1] >= 4 {
      return [
        (
          .rank,
          "the embeddings have an effective rank of \(Statistics.text(found.rank, decimals: 2)) in "
            + "\(features.shape[1]) dimensions: a collapse of dimensions; more decorrelation or a smaller rate?"
        )
      ]
    }
    return []
  }

  // MARK: Metrics

  private func gradient(_ step: Int, _ metrics: Metrics, _ log: MetricLog) -> String? {
    guard let norm = metrics["gradient"].map(Double.init) else { return nil }
    if norm < 1e-12 { return "the gradient is \(norm): nothing is trained; is the loss detached from the parameters?" }
    // The first steps are no measure of anything.
    guard step >= 20 else { return nil }
    let earlier = log.values(stage: stage, metric: "gradient").dropLast().suffix(200).sorted()
    guard !earlier.isEmpty else { return nil }
    let median = earlier[earlier.count / 2]
    guard norm > plan.gradientFactor * median else { return nil }
    return
      "the gradient's norm is \(Statistics.text(norm)), \(Int(norm / median)) times its median: an explosion; a smaller "
      + "rate, a longer warmup or clipping?"
  }

  private func entropy(_ metrics: Metrics) -> String? {
    guard let target = metrics["target-entropy"].map(Double.init) else { return nil }
    if target < plan.leastEntropy {
      return
        "the teacher's outputs have an entropy of \(Statistics.text(target)) nats: one output has all the mass; a higher "
        + "teacher temperature or stronger centring?"
    }
    // The entropy of the mean output less the mean entropy: what outputs say about their input.
    guard let usage = metrics["usage-entropy"].map(Double.init), usage - target < 1e-3 * usage else { return nil }
    return "the teacher's outputs say nothing about their input (entropy \(Statistics.text(target)) of each, "
      + "\(Statistics.text(usage)) of their mean): a collapse to the uniform answer; a lower teacher temperature?"
  }

  private func trivialLoss(_ step: Int, _ log: MetricLog) -> String? {
    let loss = log.values(stage: stage, metric: "loss")
    let run = max(1, loss.count / 10)
    guard loss.count >= 10 else { return nil }
    let (first, last) = (Statistics.mean(Array(loss.prefix(run))), Statistics.mean(Array(loss.suffix(run))))
    if let trivial = plan.trivialLoss, (last - trivial).magnitude <= 0.005 * max(trivial.magnitude, 1e-12) {
      return
        "the loss is \(Statistics.text(last)), that of the trivial answer: what is learnt does not depend on the input"
    }
    // A loss that stands still for half a stage has found nothing to descend.
    guard 2 * (step + 1) >= steps, loss.count >= 20, (last - first).magnitude <= 1e-3 * max(first.magnitude, 1e-12)
    else {
      return nil
    }
    return "the loss is where it began, \(Statistics.text(last)): the trivial answer, or a rate that is too small?"
  }
}

/// How much room embeddings take.
struct EmbeddingSpread: Equatable {
  /// Deviation of the normalised embeddings over the samples, averaged over dimensions, times sqrt D.
  var deviation: Double
  /// `exp(-sum_i p_i log p_i)` of the singular values' shares p: between 1 and the number of dimensions.
  var rank: Double

  /// - Parameter features: `[N, D]`.
  /// - Returns: nil if a value is not finite.
  /// - Source: Chen and He 2021 (arXiv 2011.10566), Section 4.1, for the deviation; Roy and Vetterli 2007, "The
  ///   effective rank", for the rank.
  init?(_ features: Tensor) {
    let (n, d) = (features.shape[0], features.shape[1])
    var rows = features.values.map(Double.init)
    guard rows.allSatisfy({ $0.isFinite }) else { return nil }
    for i in 0..<n {
      let square: Double = (0..<d).reduce(0.0) { $0 + rows[i * d + $1] * rows[i * d + $1] }
      let norm = max(square.squareRoot(), 1e-12)
      for k in 0..<d { rows[i * d + k] /= norm }
    }
    var sum = 0.0
    for k in 0..<d {
      let mean: Double = (0..<n).reduce(0.0) { $0 + rows[$1 * d + k] } / Double(n)
      var square = 0.0
      for i in 0..<n {
        rows[i * d + k] -= mean
        square += rows[i * d + k] * rows[i * d + k]
      }
      sum += (square / Double(n)).squareRoot()
    }
    deviation = sum / Double(d) * Double(d).squareRoot()
    let values = Tensor(Shape([n, d]), rows.map { Real($0) }).singularValues().values.map(Double.init)
    let total = values.reduce(0, +)
    guard total > 0 else {
      rank = 0
      return
    }
    let entropy: Double = values.reduce(0.0) { e, s in s > 0 ? e - s / total * log(s / total) : e }
    rank = exp(entropy)
  }
}
