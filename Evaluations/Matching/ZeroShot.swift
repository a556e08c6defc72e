import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `zero-shot/v1`: classes told by the names that the method's text tower reads, no training sample seen.
///
///     w_c = normalize(mean over templates t of normalize(text(t with the name of c)))
///     prediction = argmax_c cos(x, w_c)
///
/// With a second column the classes are all pairs of both columns' classes: `{with: texture, templates: ["a {with} {}"]}`
/// tells striped balls from striped cubes and checked balls.
///
/// Options: `templates`, texts with `{}` where the name goes (a photo of a {}.), and `{with}` where the second one goes;
/// `names`, one for each class in the order of the column (the classes, dashes as spaces); `label` (label); `with`, a second
/// column (none); `features`, the image's side (global).
public struct ZeroShot: Evaluation {
  public static let card = EvaluationCard(
    id: "zero-shot/v1", title: "Zero-shot classification by prompt ensembles",
    source:
      "Radford et al. 2021 (CLIP, arXiv 2103.00020), Section 3.1.4 and the authors' notebook: embeddings of prompts "
      + "normalised, averaged, normalised again; as evaluated in SLIP (Mu et al. 2021, arXiv 2112.12750)",
    measurements: ClassTask.measurements)

  public let templates: [String]
  public let names: [String]?
  /// The second column of classes.
  public let with: String?
  let task: ClassTask.Options

  public init(_ options: inout Section) throws(ReproError) {
    with = options.has("with") ? try options.string("with") : nil
    var templates = ["a photo of a {}."]
    if let node = options.take("templates") {
      guard case .sequence(let items) = node.content, !items.isEmpty else {
        throw ReproError(
          .usage, at: "\(node.mark)", found: "\(options.name).templates is no list", expected: "texts with {}")
      }
      templates = []
      for item in items {
        let text = try item.string(named: "\(options.name).templates")
        guard text.contains("{}") else {
          throw ReproError(
            .usage, at: "\(item.mark)", found: "the template '\(text)' has no place for the name",
            expected: "a text with {}")
        }
        templates.append(text)
      }
    }
    self.templates = templates
    for template in self.templates where template.contains("{with}") != (with != nil) {
      throw ReproError(
        .usage, at: "\(options.node.mark)",
        found: with == nil
          ? "the template '\(template)' has {with}, and there is no second column"
          : "the template '\(template)' has no place for the second name",
        expected: "'with', a column, and {with} in every template, or neither")
    }
    names = options.has("names") ? try options.strings("names") : nil
    task = try ClassTask.Options(&options)
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    let classes = try data.categories(task.label, for: Self.card.id)
    if let names, names.count != classes.count {
      throw ReproError(
        .usage, at: Self.card.id, found: "\(names.count) names for the \(classes.count) classes of '\(task.label)'",
        expected: "one for each class")
    }
    if let with { _ = try data.categories(with, for: Self.card.id) }
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    _ = try subject.textEncoder(for: Self.card.id)
    try task.features.check(subject, for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    let found = try scores(subject)
    return ClassTask.measured(found.scores, found.labels, classes: found.classes)
  }

  /// Cosines of the test samples with every class, `[N, C]`, and the true classes.
  func scores(_ subject: EvaluationSubject) throws -> (scores: Tensor, labels: [Int], classes: Int) {
    try check(subject.spec)
    let weights = try classVectors(subject)
    let test = try ClassTask(subject, .test, task, for: Self.card.id)
    guard test.x.shape[1] == weights.shape[1] else {
      throw ReproError(
        .usage, at: Self.card.id,
        found: "'\(task.features.name)' has \(test.x.shape[1]) features and texts have \(weights.shape[1])",
        expected: "vectors of one space", hint: "name the output that lies beside texts: 'features: image'")
    }
    var labels = test.labels
    if let with {
      let second = try subject.spec.categories(with, for: Self.card.id).count
      let other = try ClassTask(
        subject, .test, ClassTask.Options(label: with, features: task.features), for: Self.card.id)
      labels = zip(labels, other.labels).map { $0 * second + $1 }
    }
    return (matmul(test.x.l2Normalized(), weights.transposed()), labels, weights.shape[0])
  }

  /// w_c of every class, `[C, D]`; of pairs the second column's classes run fastest.
  private func classVectors(_ subject: EvaluationSubject) throws -> Tensor {
    func spoken(_ classes: [String]) -> [String] {
      classes.map { $0.replacing("-", with: " ").replacing("_", with: " ") }
    }
    let names = try self.names ?? spoken(subject.spec.categories(task.label, for: Self.card.id))
    let seconds = try with.map { try spoken(subject.spec.categories($0, for: Self.card.id)) } ?? [""]
    let prompts = names.flatMap { name in
      seconds.flatMap { second in
        templates.map { $0.replacing("{with}", with: second).replacing("{}", with: name) }
      }
    }
    let words = try subject.vectors(of: prompts, for: Self.card.id).l2Normalized()
    return words.reshaped([names.count * seconds.count, templates.count, words.shape[1]]).mean(1).l2Normalized()
  }
}

extension ZeroShot: PictureEvaluation {
  /// Which class is taken for which, for single columns of at most 20 classes.
  public func pictures(_ context: PictureContext) throws -> [Picture] {
    let classes = try context.subject.spec.categories(task.label, for: Self.card.id)
    let name = "zero-shot-" + task.label.lowercased().replacing("_", with: "-")
    guard with == nil, classes.count <= 20, isIdentifier(name) else { return [] }
    let found = try scores(context.subject)
    let predicted = found.scores.argmax().values
    let confusion = Confusion(truth: found.labels, predicted: predicted, classes: classes.count)
    let right = zip(found.labels, predicted).count { $0 == $1 }
    let shares = classes.indices.map { truth in
      classes.indices.map { Double(confusion[truth, $0]) / Double(max(confusion.shown(truth), 1)) }
    }
    return [
      Picture(
        name, title: "Zero-shot: \(task.label)",
        alternative:
          "A matrix of \(classes.count) classes: of \(found.labels.count) test pictures, \(right) are nearest to "
          + "the prompts of their own class.",
        caption:
          "Each row: of the test pictures of this class, the share whose features are nearest to the prompts of the "
          + "column. No picture with a label was seen; a perfect model fills the diagonal.",
        .matrix(
          Picture.Matrix(
            rowAxis: task.label, columnAxis: "class of the nearest prompts", rows: classes, columns: classes,
            values: shares, unit: "share of the row")))
    ]
  }
}
