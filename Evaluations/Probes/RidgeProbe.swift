import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `ridge-probe/v1`: real numbers from frozen features by ridge regression, in closed form.
///
///     y = W (x - mean) / deviation + b,   penalty alpha N |W|^2
///
/// alpha is the first of `penalties` with the least squared error on a held-out tenth of the training samples.
///
/// Options: `target`, a label column of real numbers; `penalties`, in units of one sample (1e-6 to 10, eight of them);
/// `features` (global).
public struct RidgeProbe: Evaluation {
  public static let card = EvaluationCard(
    id: "ridge-probe/v1", title: "Ridge regression on frozen features",
    source:
      "Hoerl and Kennard 1970; R2 is the mean over outputs as in scikit-learn, the usual score of factor regression "
      + "(Locatello et al. 2019, arXiv 1811.12359; Zimmermann et al. 2021, arXiv 2102.08850)",
    measurements: [
      MeasurementSpec("r2", unit: "1"), MeasurementSpec("rmse", unit: "unit of the target", isHigherBetter: false),
      MeasurementSpec("mae", unit: "unit of the target", isHigherBetter: false),
    ])

  public let target: String
  public let penalties: [Double]
  let features: FeatureSource

  public init(_ options: inout Section) throws(ReproError) {
    target = try options.string("target")
    penalties = try options.positive("penalties", default: [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10])
    features = try FeatureSource(&options)
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    _ = try data.realShape(target, for: Self.card.id)
    try data.need(10, in: .train, for: Self.card.id)
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws { try features.check(subject, for: Self.card.id) }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    func data(_ split: Split) throws -> (x: Tensor, y: Tensor) {
      let (x, samples) = try features.vectors(subject, split, for: Self.card.id)
      return (x, try samples.numbers(target, for: Self.card.id).reshaped([x.shape[0], -1]))
    }
    let train = try data(.train)
    let n = train.x.shape[0]
    var stream = random.child("held-out")
    let order = stream.permutation(n)
    let (held, kept) = (order[..<(n / 10)].sorted(), order[(n / 10)...].sorted())
    func part(_ places: [Int]) -> (x: Tensor, y: Tensor) {
      (train.x.gathered(IndexTensor(places)), train.y.gathered(IndexTensor(places)))
    }
    let (few, rest) = (part(held), part(kept))
    let trial = StandardizedRidge(rest.x, rest.y)
    let errors = penalties.map { alpha in
      -RegressionErrors(predicted: trial.predictions(few.x, alpha: alpha), truth: few.y).meanSquared
    }
    let test = try data(.test)
    let fitted = StandardizedRidge(train.x, train.y)
    let found = RegressionErrors(
      predicted: fitted.predictions(test.x, alpha: penalties[firstLargest(errors)]), truth: test.y)
    return [("r2", found.r2), ("rmse", found.rootMeanSquared), ("mae", found.meanAbsolute)]
  }
}

/// Ridge regression on standardised inputs with penalties counted per sample.
private struct StandardizedRidge {
  private let standardize: Standardizer
  private let ridge: RidgeRegression
  private let count: Int

  init(_ x: Tensor, _ y: Tensor) {
    standardize = Standardizer(x)
    ridge = RidgeRegression(standardize(x), y)
    count = x.shape[0]
  }

  func predictions(_ x: Tensor, alpha: Double) -> Tensor {
    ridge.solution(alpha: alpha * Double(count))(standardize(x))
  }
}
