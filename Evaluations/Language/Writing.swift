import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

extension EvaluationSubject {
  /// The method as a writer; a usage error for a method that writes nothing.
  func textWriter(for evaluation: String) throws(ReproError) -> any TextGenerator {
    guard let writer else {
      throw ReproError(
        .usage, at: evaluation, found: "the method writes no text", expected: "a method that is TextGenerating",
        hint: "leave \(evaluation) out for this method")
    }
    return writer
  }

  /// What the method writes about the test samples, with text columns of the same samples.
  func written(for evaluation: String, texts columns: [String]) throws -> (texts: [String], columns: [[String]]) {
    let writer = try textWriter(for: evaluation)
    var texts: [String] = []
    var found = [[String]](repeating: [], count: columns.count)
    let size = spec.sizes[.test] ?? 0
    for first in stride(from: 0, to: size, by: 256) {
      let batch = try samples(Array(first..<min(first + 256, size)), of: .test)
      let part = try writer.texts(for: inputs(of: batch))
      ReproTensor.require(
        part.count == batch.count, "a writer gives a text for each sample, got \(part.count) for \(batch.count)")
      texts += part
      for (i, name) in columns.enumerated() {
        guard case .texts(let values) = batch[name] else {
          throw ReproError(.data, at: evaluation, found: "column '\(name)' has no text", expected: "text")
        }
        found[i] += values
      }
    }
    return (texts, found)
  }
}

extension DataSpec {
  /// Refuses a column that is no text.
  func checkText(_ name: String, for evaluation: String) throws(ReproError) {
    guard self[field: name]?.kind == .text else {
      throw lacks(name, "a column of text", evaluation) { $0 == .text }
    }
  }
}

/// `captions/v1`: what the method writes about samples against what people wrote.
///
/// Words are small letters and digits. `meteor-like` matches exact words only and compares with no published METEOR.
///
/// Options: `references`, text columns (caption).
public struct Captions: Evaluation {
  public static let card = EvaluationCard(
    id: "captions/v1", title: "Generated captions against references",
    source:
      "Papineni et al. 2002 (BLEU), Lin 2004 (ROUGE-L, beta 1.2), Vedantam et al. 2015 (CIDEr-D, arXiv 1411.5726), after "
      + "Banerjee and Lavie 2005 (METEOR); as COCO's caption evaluation (Chen et al. 2015, arXiv 1504.00325), other words",
    measurements: [
      MeasurementSpec("cider", unit: "1", decimals: 2), MeasurementSpec("bleu1", unit: "1"),
      MeasurementSpec("bleu4", unit: "1"), MeasurementSpec("rouge-l", unit: "1"),
      MeasurementSpec("meteor-like", unit: "1"),
    ])

  public let references: [String]

  public init(_ options: inout Section) throws(ReproError) {
    let place = options.node["references"]?.mark ?? options.node.mark
    references = try options.strings("references", default: ["caption"])
    guard !references.isEmpty else {
      throw ReproError(
        .usage, at: "\(place)", found: "\(options.name).references is empty", expected: "at least one text column")
    }
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    for name in references { try data.checkText(name, for: Self.card.id) }
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws { _ = try subject.textWriter(for: Self.card.id) }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let (texts, columns) = try subject.written(for: Self.card.id, texts: references)
    let corpus = texts.indices.map { i in CaptionPair(texts[i], columns.map { $0[i] }) }
    let n = Double(corpus.count)
    return [
      ("cider", ciderD(corpus)), ("bleu1", bleu(corpus, order: 1)), ("bleu4", bleu(corpus)),
      ("rouge-l", corpus.reduce(0) { $0 + rougeL($1) } / n),
      ("meteor-like", corpus.reduce(0) { $0 + meteorLike($1) } / n),
    ]
  }
}

/// `answers/v1`: what the method answers against the true answers; several people's answers are several columns.
///
/// `exact` and `f1` are the best over columns; `vqa` asks for three people who agree (with one column it is `exact`).
///
/// Options: `references`, text columns (answer).
public struct Answers: Evaluation {
  public static let card = EvaluationCard(
    id: "answers/v1", title: "Answers to questions",
    source:
      "Rajpurkar et al. 2016 (SQuAD, arXiv 1606.05250), Section 6.1; Antol et al. 2015 (VQA, arXiv 1505.00468), Section 4; "
      + "normalisation keeps letters and digits and drops articles",
    measurements: [
      MeasurementSpec("exact", unit: "1"), MeasurementSpec("f1", unit: "1"), MeasurementSpec("vqa", unit: "1"),
    ])

  public let references: [String]

  public init(_ options: inout Section) throws(ReproError) {
    let place = options.node["references"]?.mark ?? options.node.mark
    references = try options.strings("references", default: ["answer"])
    guard !references.isEmpty else {
      throw ReproError(
        .usage, at: "\(place)", found: "\(options.name).references is empty", expected: "at least one text column")
    }
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    for name in references { try data.checkText(name, for: Self.card.id) }
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws { _ = try subject.textWriter(for: Self.card.id) }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let (texts, columns) = try subject.written(for: Self.card.id, texts: references)
    func mean(_ value: (String, [String]) -> Double) -> Double {
      texts.indices.reduce(0.0) { sum, i in sum + value(texts[i], columns.map { $0[i] }) } / Double(texts.count)
    }
    return [("exact", mean { exactMatch($0, $1) ? 1 : 0 }), ("f1", mean(answerF1)), ("vqa", mean(vqaAccuracy))]
  }
}

/// `hallucination/v1`: objects that the method writes about although the samples do not show them.
///
/// Options: `objects`, a label column of numbers, one for each name, > 0 where the object is shown (objects); `names`, the words
/// for them in the same order; several words for one object are parted by a bar, as in `cup|mug`.
public struct Hallucination: Evaluation {
  public static let card = EvaluationCard(
    id: "hallucination/v1", title: "Objects in texts that pictures do not show",
    source:
      "in the manner of CHAIR, Rohrbach et al. 2018 (arXiv 1809.02156), Eq. 1 and 2, with a vocabulary of our own: the "
      + "numbers compare with no published ones",
    measurements: [
      MeasurementSpec("per-mention", unit: "1", isHigherBetter: false),
      MeasurementSpec("per-text", unit: "1", isHigherBetter: false), MeasurementSpec("coverage", unit: "1"),
    ])

  public let objects: String
  public let names: [[String]]

  public init(_ options: inout Section) throws(ReproError) {
    objects = try options.string("objects", default: "objects")
    names = try options.strings("names").map { $0.split(separator: "|").map(String.init) }
    guard !names.isEmpty, names.allSatisfy({ !$0.isEmpty }), Set(names.map { $0[0] }).count == names.count else {
      throw ReproError(
        .usage, at: "\(options.node["names"]?.mark ?? options.node.mark)",
        found: "\(options.name).names has empty or equal names",
        expected: "different words")
    }
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    let shape = try data.realShape(objects, for: Self.card.id)
    guard shape == [names.count] else {
      throw ReproError(
        .usage, at: Self.card.id, found: "column '\(objects)' has the shape \(shape)",
        expected: "[\(names.count)], a number for each name")
    }
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws { _ = try subject.textWriter(for: Self.card.id) }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let texts = try subject.written(for: Self.card.id, texts: []).texts
    let all = try subject.samples(Array(0..<texts.count), of: .test)
    guard case .reals(let shown) = all[objects] else { return [] }
    let values = shown.values
    let truth = texts.indices.map { i in
      Set(names.indices.filter { values[i * names.count + $0] > 0 }.map { names[$0][0] })
    }
    let found = HallucinatedObjects(
      texts: texts, shown: truth, vocabulary: names.map { (name: $0[0], synonyms: Array($0.dropFirst())) })
    return [("per-mention", found.perMention), ("per-text", found.perText), ("coverage", found.coverage)]
  }
}
