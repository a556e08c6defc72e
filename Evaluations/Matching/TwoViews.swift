import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// Two views of samples, and what makes two samples belong together.
struct TwoViews: Sendable {
  /// `global`, an output of the method, or a text column.
  let from, to: String
  /// `pair` for the same sample, or a column of identities or categories.
  let match: String

  static let pair = "pair"

  /// Options `from` (global), `to` (without a default the same) and `match`.
  init(_ options: inout Section, to second: String?, match: String) throws(ReproError) {
    from = try options.string("from", default: FeatureSource.global)
    to = try options.string("to", default: second ?? from)
    self.match = try options.string("match", default: match)
  }

  /// Whether there is one view only: no sample is its own partner then.
  var isOne: Bool { from == to }

  /// - Parameter use: what happens to one view with the other, for the error.
  func check(_ data: DataSpec, _ splits: [Split], _ use: String, for evaluation: String) throws(ReproError) {
    if match != Self.pair { _ = try data.identities(match, for: evaluation) }
    for split in splits { try data.need(2, in: split, for: evaluation) }
    guard match != Self.pair || !isOne else {
      throw ReproError(
        .usage, at: evaluation, found: "'\(from)' is \(use) itself with match: pair",
        expected: "two views, or a label column to match by")
    }
  }

  func check(_ subject: EvaluationSubject, for evaluation: String) throws {
    for name in [from, to] { try Tower(name, subject).check(subject, for: evaluation) }
  }

  /// Both views of a split, `[N, D]` each.
  func vectors(
    _ subject: EvaluationSubject, _ split: Split, for evaluation: String
  ) throws -> (from: Tensor, to: Tensor) {
    let a = try Tower(from, subject).vectors(subject, split, for: evaluation)
    let b = isOne ? a : try Tower(to, subject).vectors(subject, split, for: evaluation)
    guard a.shape == b.shape else {
      throw ReproError(
        .usage, at: evaluation, found: "'\(from)' has \(a.shape[1]) features and '\(to)' \(b.shape[1])",
        expected: "vectors of one space")
    }
    return (a, b)
  }

  /// What samples of a split belong together: those of one number.
  func labels(_ subject: EvaluationSubject, _ split: Split, for evaluation: String) throws -> [Int] {
    if match == Self.pair { return Array(0..<(subject.spec.sizes[split] ?? 0)) }
    let count = try subject.spec.identities(match, for: evaluation)
    return try subject.labelled(split).integers(match, below: count, for: evaluation)
  }
}

/// One view of samples as vectors: an output, or a text column through the method's text tower.
struct Tower {
  private let source: FeatureSource
  private let isText: Bool

  init(_ name: String, _ subject: EvaluationSubject) {
    source = FeatureSource(name)
    isText = subject.spec[field: name]?.kind == .text
  }

  func check(_ subject: EvaluationSubject, for evaluation: String) throws {
    if isText { _ = try subject.textEncoder(for: evaluation) } else { try source.check(subject, for: evaluation) }
  }

  /// `[N, D]`
  func vectors(_ subject: EvaluationSubject, _ split: Split, for evaluation: String) throws -> Tensor {
    guard isText else { return try source.vectors(subject, split, for: evaluation).x }
    let batch = try subject.samples(Array(0..<(subject.spec.sizes[split] ?? 0)), of: split)
    guard case .texts(let texts) = batch[source.name] else {
      throw ReproError(.data, at: evaluation, found: "column '\(source.name)' has no text", expected: "text")
    }
    return try subject.vectors(of: texts, for: evaluation)
  }
}

extension EvaluationSubject {
  /// The method's text tower; a usage error for a method without one.
  func textEncoder(for evaluation: String) throws(ReproError) -> any TextEncoder {
    guard let texts else {
      throw ReproError(
        .usage, at: evaluation, found: "the method reads no text", expected: "a method that is TextEmbedding",
        hint: "leave \(evaluation) out for this method")
    }
    return texts
  }

  /// Vectors of texts, `[T, D]`, a few hundred at a time; checked to be finite.
  func vectors(of texts: [String], for evaluation: String) throws -> Tensor {
    let encoder = try textEncoder(for: evaluation)
    let parts = try stride(from: 0, to: texts.count, by: 256).map { first in
      try encoder.features(of: Array(texts[first..<min(first + 256, texts.count)])).detached
    }
    let result = concat(parts)
    ReproTensor.require(
      result.rank == 2 && result.shape[0] == texts.count,
      "a text encoder gives [T, D], got \(result.shape) for \(texts.count) texts")
    guard result.nonFiniteCount == 0 else {
      throw ReproError(
        .numerical, at: evaluation, found: "\(result.nonFiniteCount) features of texts are not finite",
        hint: "did the training diverge?")
    }
    return result
  }
}
