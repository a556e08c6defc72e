import Glibc
import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `sts/v1`: whether the cosine of two texts' features orders pairs as people do.
///
/// Options: `first` and `second`, text columns (first, second); `score`, a column of one real number, larger is more alike (score).
public struct TextSimilarity: Evaluation {
  public static let card = EvaluationCard(
    id: "sts/v1", title: "Semantic similarity of texts",
    source:
      "Spearman's correlation of cosines and gold scores over all pairs of the test split, as Reimers and Gurevych 2019 "
      + "(arXiv 1908.10084), Section 4.1 and Gao et al. 2021 (SimCSE, arXiv 2104.08821), Appendix B",
    measurements: [MeasurementSpec("spearman", unit: "1"), MeasurementSpec("pearson", unit: "1")])

  public let first, second, score: String

  public init(_ options: inout Section) throws(ReproError) {
    first = try options.string("first", default: "first")
    second = try options.string("second", default: "second")
    score = try options.string("score", default: "score")
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    for name in [first, second] { try data.checkText(name, for: Self.card.id) }
    try data.require(column: score, "one number", for: Self.card.id) { $0.count == 1 }
    try data.need(2, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws { _ = try subject.textEncoder(for: Self.card.id) }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let batch = try subject.samples(Array(0..<(subject.spec.sizes[.test] ?? 0)), of: .test)
    guard case .texts(let a) = batch[first], case .texts(let b) = batch[second], case .reals(let gold) = batch[score]
    else { throw ReproError(.data, at: Self.card.id, found: "the test split lacks what its columns promise") }
    let cosines = cosineSimilarity(
      try subject.vectors(of: a, for: Self.card.id), try subject.vectors(of: b, for: Self.card.id)
    ).values.map { Double($0) }
    let scores = gold.values.map { Double($0) }
    guard let rank = spearman(cosines, scores), let line = pearson(cosines, scores) else {
      // Features that are all alike order nothing.
      return [("spearman", 0), ("pearson", 0)]
    }
    return [("spearman", rank), ("pearson", line)]
  }
}

/// `perplexity/v1`: how well the method predicts the next word, over all tokens of the test split.
///
///     perplexity = exp(-sum of log-likelihoods / number of tokens)
///
/// Options: `output`, `[2]` for a sample: the sum over its tokens of the log-likelihood, nats, and their number (likelihood).
public struct LanguageModel: Evaluation {
  public static let card = EvaluationCard(
    id: "perplexity/v1", title: "Perplexity of a language model",
    source: "Jelinek et al. 1977; per token of the method's own vocabulary, so only models that share it compare",
    measurements: [
      MeasurementSpec("perplexity", unit: "tokens", isHigherBetter: false, decimals: 2),
      MeasurementSpec("bits", unit: "bits per token", isHigherBetter: false),
    ])

  let numbers: TwoNumbers

  public init(_ options: inout Section) throws(ReproError) {
    numbers = try TwoNumbers(&options, "likelihood", "a sum of log-likelihoods and a number of tokens")
  }

  public func check(_ data: DataSpec) throws(ReproError) { try data.need(1, in: .test, for: Self.card.id) }

  public func check(encoderOf subject: EvaluationSubject) throws { try numbers.check(subject, for: Self.card.id) }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let found = try numbers.read(subject, for: Self.card.id)
    let (sum, tokens) = (found.reduce(0) { $0 + $1.first }, found.reduce(0) { $0 + $1.second })
    guard tokens > 0 else { throw ReproError(.data, at: Self.card.id, found: "the test split has no tokens") }
    return [("perplexity", exp(-sum / tokens)), ("bits", -sum / tokens / log(2))]
  }
}
