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
    try forEachBatch(of: .test) { batch in
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

/// Text columns that people wrote about samples.
struct TextReferences: Sendable {
  let columns: [String]

  /// Option `references`: a list of columns, at least one.
  init(_ options: inout Section, default column: String) throws(ReproError) {
    let place = options.node["references"]?.mark ?? options.node.mark
    columns = try options.strings("references", default: [column])
    guard !columns.isEmpty else {
      throw ReproError(
        .usage, at: "\(place)", found: "\(options.name).references is empty", expected: "at least one text column")
    }
  }

  func check(_ data: DataSpec, for evaluation: String) throws(ReproError) {
    for name in columns { try data.checkText(name, for: evaluation) }
    try data.need(1, in: .test, for: evaluation)
  }

  /// What the method writes about each test sample, and what people wrote.
  func read(
    _ subject: EvaluationSubject, for evaluation: String
  ) throws -> [(text: String, references: [String])] {
    let (texts, found) = try subject.written(for: evaluation, texts: columns)
    return texts.indices.map { i in (texts[i], found.map { $0[i] }) }
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

  let references: TextReferences

  public init(_ options: inout Section) throws(ReproError) {
    references = try TextReferences(&options, default: "caption")
  }

  public func check(_ data: DataSpec) throws(ReproError) { try references.check(data, for: Self.card.id) }

  public func check(encoderOf subject: EvaluationSubject) throws { _ = try subject.textWriter(for: Self.card.id) }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let corpus = try references.read(subject, for: Self.card.id).map { CaptionPair($0.text, $0.references) }
    return [
      ("cider", ciderD(corpus)), ("bleu1", bleu(corpus, order: 1)), ("bleu4", bleu(corpus)),
      ("rouge-l", corpus.mean { rougeL($0) }), ("meteor-like", corpus.mean { meteorLike($0) }),
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

  let references: TextReferences

  public init(_ options: inout Section) throws(ReproError) {
    references = try TextReferences(&options, default: "answer")
  }

  public func check(_ data: DataSpec) throws(ReproError) { try references.check(data, for: Self.card.id) }

  public func check(encoderOf subject: EvaluationSubject) throws { _ = try subject.textWriter(for: Self.card.id) }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let found = try references.read(subject, for: Self.card.id)
    return [
      ("exact", found.mean { exactMatch($0.text, $0.references) ? 1 : 0 }),
      ("f1", found.mean { answerF1($0.text, $0.references) }),
      ("vqa", found.mean { vqaAccuracy($0.text, $0.references) }),
    ]
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
    try data.require(column: objects, "[\(names.count)], a number for each name", for: Self.card.id) {
      $0 == [names.count]
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
