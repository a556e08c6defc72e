import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `zero-shot/v1`: classes told by the names that the method's text tower reads, no training sample seen.
///
///     w_c = normalize(mean over templates t of normalize(text(t with the name of c)))
///     prediction = argmax_c cos(x, w_c)
///
/// Options: `templates`, texts with `{}` where the name goes (a photo of a {}.); `names`, one for each class in the order of
/// the column (the classes, dashes as spaces); `label` (label); `features`, the image's side (global).
public struct ZeroShot: Evaluation {
  public static let card = EvaluationCard(
    id: "zero-shot/v1", title: "Zero-shot classification by prompt ensembles",
    source:
      "Radford et al. 2021 (CLIP, arXiv 2103.00020), Section 3.1.4 and the authors' notebook: embeddings of prompts "
      + "normalised, averaged, normalised again; as evaluated in SLIP (Mu et al. 2021, arXiv 2112.12750)",
    measurements: ClassTask.measurements)

  public let templates: [String]
  public let names: [String]?
  let task: ClassTask.Options

  public init(_ options: inout Section) throws(ReproError) {
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
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    _ = try subject.textEncoder(for: Self.card.id)
    try task.features.check(subject, for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let classes = try subject.spec.categories(task.label, for: Self.card.id)
    let names = self.names ?? classes.map { $0.replacing("-", with: " ").replacing("_", with: " ") }
    let prompts = names.flatMap { name in templates.map { $0.replacing("{}", with: name) } }
    let words = try subject.vectors(of: prompts, for: Self.card.id).l2Normalized()
    let weights = words.reshaped([classes.count, templates.count, words.shape[1]]).mean(1).l2Normalized()
    let test = try ClassTask(subject, .test, task, for: Self.card.id)
    guard test.x.shape[1] == weights.shape[1] else {
      throw ReproError(
        .usage, at: Self.card.id,
        found: "'\(task.features.name)' has \(test.x.shape[1]) features and texts have \(weights.shape[1])",
        expected: "vectors of one space", hint: "name the output that lies beside texts: 'features: image'")
    }
    return test.measured(matmul(test.x.l2Normalized(), weights.transposed()))
  }
}
