import Glibc
import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `few-shot/v1`: episodes of a few classes with a few examples each, on frozen features of the test split.
///
/// An episode draws `ways` classes, and of each `shots` examples and `queries` others to be told apart. The head is fitted
/// on the examples of the episode alone: the nearest class mean on the sphere, or logistic regression.
///
///     top1 = mean over episodes of the share of right queries;   half-width = 1.96 deviation / sqrt(episodes)
///
/// Options: `ways` (5); `shots` (1); `queries` (15); `episodes` (600); `head`, `mean` or `logistic` (mean); `label`
/// (label); `features` (global).
public struct FewShot: Evaluation {
  public static let card = EvaluationCard(
    id: "few-shot/v1", title: "Few-shot episodes on frozen features",
    source: "episodes of Vinyals et al. 2016 (arXiv 1606.04080), Section 4.1; class means of Snell et al. 2017 (arXiv "
      + "1703.05175), Eq. 1, after L2 normalisation (Wang et al. 2019, SimpleShot, arXiv 1911.04623); logistic head of "
      + "Tian et al. 2020 (arXiv 2003.11539), Section 3; 600 episodes with a 95 % interval",
    measurements: [
      MeasurementSpec("top1", unit: "1"), MeasurementSpec("half-width", unit: "1", isHigherBetter: false),
    ])

  enum Head: String, CaseIterable { case mean, logistic }

  public let ways, shots, queries, episodes: Int
  let head: Head
  let task: ClassTask.Options

  public init(_ options: inout Section) throws(ReproError) {
    ways = try options.int("ways", in: 2...1000, default: 5)
    shots = try options.int("shots", in: 1...1000, default: 1)
    queries = try options.int("queries", in: 1...10_000, default: 15)
    episodes = try options.int("episodes", in: 2...1_000_000, default: 600)
    head = Head(rawValue: try options.choice("head", Head.allCases.map(\.rawValue), default: "mean")) ?? .mean
    task = try ClassTask.Options(&options)
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    let classes = try data.categories(task.label, for: Self.card.id)
    guard classes.count >= ways else {
      throw ReproError(
        .usage, at: Self.card.id, found: "column '\(task.label)' has \(classes.count) classes",
        expected: "at least the \(ways) of an episode", hint: "lower ways")
    }
    try data.need(ways * (shots + queries), in: .test, for: Self.card.id, hint: "lower ways, shots or queries")
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try task.features.check(subject, for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let test = try ClassTask(subject, .test, task, for: Self.card.id)
    let members = members(of: test.labels, count: test.classes)
    let rich = members.indices.filter { members[$0].count >= shots + queries }
    guard rich.count >= ways else {
      throw ReproError(
        .data, at: Self.card.id, found: "\(rich.count) classes of the test split have \(shots + queries) samples",
        expected: "at least \(ways)", hint: "lower shots or queries, or take more test samples")
    }
    let x = test.x.l2Normalized()
    let values = (0..<episodes).map { episode -> Double in
      var stream = random.child("episode", episode)
      let chosen = stream.permutation(rich.count).prefix(ways).map { rich[$0] }
      var (examples, others): ([Int], [Int]) = ([], [])
      for c in chosen {
        let order = stream.permutation(members[c].count).prefix(shots + queries).map { members[c][$0] }
        examples += order.prefix(shots)
        others += order.suffix(queries)
      }
      let (support, query) = (x.gathered(IndexTensor(examples)), x.gathered(IndexTensor(others)))
      return accuracy(answers(support, query), (0..<others.count).map { $0 / queries })
    }
    return [("top1", values.mean), ("half-width", 1.96 * deviation(values) / Double(episodes).squareRoot())]
  }

  /// The ways, 0 ..< ways, of the queries; the examples come way by way.
  private func answers(_ support: Tensor, _ query: Tensor) -> [Int] {
    switch head {
    case .mean:
      let means = support.reshaped([ways, shots, -1]).mean(1).l2Normalized()
      return matmul(query, means.transposed()).argmax().values
    case .logistic:
      let labels = (0..<(ways * shots)).map { $0 / shots }
      return LogisticRegression(support, labels, classes: ways, iterations: 100, tolerance: 1e-4).model.classes(query)
    }
  }
}
