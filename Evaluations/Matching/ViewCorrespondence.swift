import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `view-correspondence/v1`: whether the method tells samples as they are from samples with another one's view.
///
/// Every test sample is asked for twice: as it is, and with the column `swap` of another test sample in the place of its
/// own. The method's output is a score, above 0 for "belongs together". The other sample is drawn among those with
/// another value of `match`: one with the same value could belong, and nobody could know better. `same-class` is the share of samples
/// that this leaves out of reach, the false negatives that training meets.
///
///     accuracy = 1/2N sum_i [score(i, own) > 0] + [score(i, other) <= 0]
///
/// Options: `output`, one number for a sample (correspondence); `swap`, an input column (sound); `together`, the column
/// that samples as they are get instead of their own `swap` (the same); `match`, a column of identities or categories.
public struct ViewCorrespondence: Evaluation {
  public static let card = EvaluationCard(
    id: "view-correspondence/v1", title: "Own or exchanged view, as the method itself says",
    source: "audio-visual correspondence, Arandjelovic and Zisserman 2017 (arXiv 1705.08168), Section 3; on all test "
      + "samples, and exchanged among different classes only",
    measurements: [
      MeasurementSpec("accuracy", unit: "1"), MeasurementSpec("auc", unit: "1"),
      MeasurementSpec("recall", unit: "1"),
      MeasurementSpec("same-class", unit: "1", isHigherBetter: false),
    ])

  public let output, swap, together, match: String

  public init(_ options: inout Section) throws(ReproError) {
    output = try options.string("output", default: "correspondence")
    swap = try options.string("swap", default: "sound")
    together = try options.string("together", default: swap)
    match = try options.string("match")
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    _ = try data.identities(match, for: Self.card.id)
    try data.need(2, in: .test, for: Self.card.id)
    for name in [swap, together] {
      guard let field = data[field: name], !field.isLabel, field.kind == data[field: swap]?.kind else {
        throw data.lacks(name, "an input column like '\(swap)'", Self.card.id) { _ in false }
      }
    }
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try subject.require(output: output, "one number", for: Self.card.id) { $0.count == 1 }
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    let classes = try subject.spec.identities(match, for: Self.card.id)
    let labels = try subject.labelled(.test).integers(match, below: classes, for: Self.card.id)
    let partners = try Self.partners(of: labels, random: random)
    let n = labels.count
    var (own, other): ([Double], [Double]) = ([], [])
    for first in stride(from: 0, to: n, by: 256) {
      let rows = Array(first..<min(first + 256, n))
      let inputs = subject.inputs(of: try subject.samples(rows, of: .test))
      let exchanged = try subject.samples(rows.map { partners[$0] }, of: .test)
      own += try scores(subject, inputs.replacing(swap, by: inputs[together]))
      other += try scores(subject, inputs.replacing(swap, by: exchanged[swap]))
    }
    let curve = ScoreCurve(
      scores: own + other, isPositive: own.map { _ in true } + other.map { _ in false })
    let (hits, rejections) = (own.count { $0 > 0 }, other.count { $0 <= 0 })
    var sizes = [Int](repeating: 0, count: classes)
    for label in labels { sizes[label] += 1 }
    let pairs = sizes.reduce(0) { $0 + $1 * ($1 - 1) }
    return [
      ("accuracy", Double(hits + rejections) / Double(2 * n)), ("auc", curve.area ?? 0.5),
      ("recall", Double(hits) / Double(n)), ("same-class", Double(pairs) / Double(n * (n - 1))),
    ]
  }

  private func scores(_ subject: EvaluationSubject, _ inputs: Batch) throws -> [Double] {
    try subject.output(output, of: inputs).values.map { Double($0) }
  }

  /// For each sample another one with another label, drawn at random.
  static func partners(of labels: [Int], random: RandomStream) throws -> [Int] {
    guard labels.contains(where: { $0 != labels[0] }) else {
      throw ReproError(
        .data, at: card.id, found: "all test samples are of one class", expected: "two classes or more")
    }
    return labels.indices.map { i in
      var stream = random.child("partner", i)
      while true {
        let j = stream.integer(below: labels.count)
        if labels[j] != labels[i] { return j }
      }
    }
  }
}

extension Batch {
  /// The same samples with one column exchanged; a programmer's mistake if there is no such column.
  func replacing(_ name: String, by values: Column?) -> Batch {
    guard let values, self[name] != nil else {
      requirementFailed("the batch has no column '\(name)' or nothing to put there; it has \(columns.map(\.name))")
    }
    return Batch(indices: indices, columns: columns.map { $0.name == name ? (name, values) : $0 })
  }
}
