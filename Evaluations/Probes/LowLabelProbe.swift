import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `low-label-probe/v1`: logistic regression on the frozen features of few labelled samples, drawn several times.
///
/// Each draw takes `per-class` training samples of every class; the penalty is fixed, or with `strengths` chosen on a
/// tenth of the drawn samples. `top1` and its relatives are means over draws, `spread` the deviation of top1 between draws.
///
/// Options: `per-class` (10); `draws` (10); `strength`, the inverse penalty (1), or `strengths`, several of them; `label` (label); `features` (global).
public struct LowLabelProbe: Evaluation {
  public static let card = EvaluationCard(
    id: "low-label-probe/v1", title: "Logistic regression on few labels",
    source:
      "few labels per class as in Chen et al. 2020 (SimCLR, arXiv 2002.05709), Section 6 and Henaff et al. 2020 (CPC "
      + "v2, arXiv 1905.09272), there with fine-tuning; ours keeps features frozen and averages over draws",
    measurements: ClassTask.measurements + [MeasurementSpec("spread", unit: "1", isHigherBetter: false)])

  public let perClass, draws: Int
  public let strengths: [Double]
  let task: ClassTask.Options

  public init(_ options: inout Section) throws(ReproError) {
    perClass = try options.int("per-class", in: 1...1_000_000, default: 10)
    draws = try options.int("draws", in: 1...1000, default: 10)
    let strength = try options.double("strength", in: 1e-9...1e9, default: 1)
    strengths = try options.positive("strengths", default: [strength])
    task = try ClassTask.Options(&options)
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    let classes = try data.categories(task.label, for: Self.card.id)
    try task.check(
      data, train: perClass * classes.count, hint: "lower per-class or take more training samples", for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try task.features.check(subject, for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let (train, test) = try task.read(subject, for: Self.card.id)
    let found = (0..<draws).map { draw in
      let few = train.drawn(perClass: perClass, random: random.child("draw", draw))
      let head = PenalizedHead(few, strengths: strengths, random: random.child("penalty", draw))
      return test.measured(head.scores(test.x))
    }
    let means = ClassTask.measurements.enumerated().map { k, spec in
      (name: spec.name, value: found.mean { $0[k].value })
    }
    return means + [("spread", deviation(found.map { $0[0].value }))]
  }
}

/// The standard deviation of a sample (divided by n - 1); 0 for fewer than two numbers.
func deviation(_ values: [Double]) -> Double {
  guard values.count >= 2 else { return 0 }
  let mean = values.mean
  return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot()
}
