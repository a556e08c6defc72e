import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

// What protocols ask of a method: named outputs, abilities; with errors that name what it has instead.

extension EvaluationSubject {
  /// The shape of a named output for one sample; a usage error for a method without it.
  func shape(ofOutput name: String, for evaluation: String) throws -> Shape {
    let shapes = try featureShapes()
    if name == FeatureSource.global { return shapes.global }
    if let shape = shapes.outputs[name] { return shape }
    throw lacks("output '\(name)'", evaluation)
  }

  /// A method without something a protocol needs.
  func lacks(_ what: String, _ evaluation: String) -> ReproError {
    let names = ((try? featureShapes())?.outputs.keys.sorted() ?? []).map { "'\($0)'" }
    return ReproError(
      .usage, at: evaluation,
      found: "the method gives no \(what); its outputs are \(names.isEmpty ? "none" : names.joined(separator: ", "))",
      expected: "a method with \(what)", hint: "leave \(evaluation) out for this method, or name another output")
  }

  /// An output whose samples have a given number of axes.
  func require(output name: String, rank: Int, _ layout: String, for evaluation: String) throws {
    let shape = try shape(ofOutput: name, for: evaluation)
    guard shape.rank == rank else {
      throw ReproError(
        .usage, at: evaluation, found: "output '\(name)' has the shape \(shape) for a sample", expected: layout)
    }
  }
}

/// Which vectors of a sample a protocol reads: the global features or a named output, flattened.
struct FeatureSource: Sendable, Equatable {
  static let global = "global"
  let name: String

  init(_ name: String) { self.name = name }

  /// The option `features`: the name of an output, or `global`.
  init(_ options: inout Section, _ key: String = "features", default name: String = global) throws(ReproError) {
    self.name = try options.string(key, default: name)
  }

  /// Refuses a method without this output; asks nothing for global features, which all have.
  func check(_ subject: EvaluationSubject, for evaluation: String) throws {
    if name != Self.global { _ = try subject.shape(ofOutput: name, for: evaluation) }
  }

  /// The vectors of a split, `[N, D]`, with the labels of the same samples.
  func vectors(
    _ subject: EvaluationSubject, _ split: Split, for evaluation: String
  ) throws -> (x: Tensor, samples: EvaluationSubject.Labelled) {
    try check(subject, for: evaluation)
    let isLarge = name == Self.global ? false : try subject.shape(ofOutput: name, for: evaluation).count > 256
    let samples = try subject.labelled(split, dense: isLarge)
    if name == Self.global { return (samples.features.global, samples) }
    guard let output = samples.features.outputs[name] else { throw subject.lacks("output '\(name)'", evaluation) }
    return (output.reshaped([output.shape[0], -1]), samples)
  }
}

/// A classification task on frozen vectors: what most probes read.
struct ClassTask {
  /// Column of the classes, and where the vectors come from.
  struct Options: Sendable {
    let label: String
    let features: FeatureSource
    init(label: String, features: FeatureSource) { (self.label, self.features) = (label, features) }
    init(_ options: inout Section) throws(ReproError) {
      label = try options.string("label", default: "label")
      features = try FeatureSource(&options)
    }
  }

  let classes: Int
  let x: Tensor  // [N, D]
  let labels: [Int]

  init(_ subject: EvaluationSubject, _ split: Split, _ options: Options, for evaluation: String) throws {
    classes = try subject.spec.categories(options.label, for: evaluation).count
    let (x, samples) = try options.features.vectors(subject, split, for: evaluation)
    self.x = x
    labels = try samples.integers(options.label, below: classes, for: evaluation)
  }

  private init(classes: Int, x: Tensor, labels: [Int]) { (self.classes, self.x, self.labels) = (classes, x, labels) }

  var count: Int { labels.count }

  func rows(_ places: [Int]) -> ClassTask {
    ClassTask(classes: classes, x: x.gathered(IndexTensor(places)), labels: places.map { labels[$0] })
  }

  /// Nine tenths and the tenth that is held out to choose by.
  func parted(_ random: RandomStream) -> (kept: ClassTask, held: ClassTask) {
    let held = heldOut(labels, classes: classes, random: random)
    let isHeld = Set(held)
    return (rows(labels.indices.filter { !isHeld.contains($0) }), rows(held))
  }

  /// A number of samples of each class (all of a class that has fewer), drawn at random, in the order of the data.
  func drawn(perClass count: Int, random: RandomStream) -> ClassTask {
    var members = [[Int]](repeating: [], count: classes)
    for (i, label) in labels.enumerated() { members[label].append(i) }
    var chosen: [Int] = []
    for (c, own) in members.enumerated() {
      var stream = random.child("class", c)
      chosen += stream.permutation(own.count).prefix(count).map { own[$0] }
    }
    return rows(chosen.sorted())
  }

  func standardized(by standardize: Standardizer) -> ClassTask {
    ClassTask(classes: classes, x: standardize(x), labels: labels)
  }

  /// What scores `[N, C]` say about these samples.
  func measured(_ scores: Tensor) -> [(name: String, value: Double)] {
    Self.measured(scores, labels, classes: classes)
  }

  /// What scores `[N, C]` say about samples: `top1`, `class-accuracy`, `macro-f1`, `auroc`, and `mcc`, the measures of GLUE
  /// (accuracy, F1, Matthews' correlation) among them.
  static func measured(_ scores: Tensor, _ labels: [Int], classes: Int) -> [(name: String, value: Double)] {
    let predicted = scores.argmax().values
    let confusion = Confusion(truth: labels, predicted: predicted, classes: classes)
    // Only the order counts: of two classes the difference of their scores, else the probability of each.
    let ordered = classes == 2 ? scores - scores.flipped(1) : scores.softmax()
    let auroc = meanOverClasses(of: ordered, \.area) { labels[$0] == $1 }
    return [
      ("top1", accuracy(predicted, labels)), ("class-accuracy", confusion.meanClassAccuracy),
      ("macro-f1", confusion.meanF1()), ("auroc", auroc ?? 0.5), ("mcc", confusion.matthews),
    ]
  }

  /// The cards' entries of `measured`.
  static let measurements = [
    MeasurementSpec("top1", unit: "1"), MeasurementSpec("class-accuracy", unit: "1"),
    MeasurementSpec("macro-f1", unit: "1"), MeasurementSpec("auroc", unit: "1"), MeasurementSpec("mcc", unit: "1"),
  ]
}

/// An output of the method beside a column of the truth, for protocols that look at sample after sample.
struct OutputTruth: Sendable {
  let output, column: String

  /// Options `output` and `column`.
  init(_ options: inout Section, output: String, column: String) throws(ReproError) {
    self.output = try options.string("output", default: output)
    self.column = try options.string("column", default: column)
  }

  /// Calls `body` for every sample of the test split in order.
  ///
  /// - Parameter body: the sample's number, its output (without the axis of samples), the truth as numbers (images in
  ///   0...1, `[rows, columns, channels]`), and the chunk it comes from with the sample's place in it.
  func forEach(
    _ subject: EvaluationSubject, for evaluation: String,
    _ body: (_ sample: Int, _ output: Tensor, _ truth: Tensor, _ chunk: EvaluationSubject.Labelled, _ place: Int) throws
      -> Void
  ) throws {
    _ = try subject.shape(ofOutput: output, for: evaluation)
    try subject.forEachChunk(of: .test) { chunk in
      let given = output == FeatureSource.global ? chunk.features.global : chunk.features.outputs[output]
      guard let given else { throw subject.lacks("output '\(output)'", evaluation) }
      // What a method may see can be the truth of something else that it gives: views of a scene, rendered again.
      var known = chunk
      if chunk.labels[column] == nil { known.labels = try subject.samples(chunk.labels.indices, of: .test) }
      let truth = try known.numbers(column, for: evaluation)
      for (place, sample) in chunk.labels.indices.enumerated() {
        try body(sample, given.select(0, place), truth.select(0, place), chunk, place)
      }
    }
  }
}

extension EvaluationSubject.Labelled {
  /// A column as numbers, `[N, ...]`: real numbers as they are, images in 0...1 and label maps as their classes
  /// `[N, rows, columns, channels]`, of several images a sample `[N, images, rows, columns, channels]`.
  func numbers(_ column: String, for evaluation: String) throws -> Tensor {
    switch labels[column] {
    case .reals(let values): return values
    case .images(let images):
      let image = [images.height, images.width, images.channels]
      let shape = Shape([images.count] + (images.frames > 1 ? [images.frames] : []) + image)
      return Tensor(shape) { target in
        for (i, byte) in images.bytes.enumerated() { target[i] = Real(byte) / (images.channels == 1 ? 1 : 255) }
      }
    case .integers(let values): return Tensor([values.count], values.map { Real($0) })
    case .texts, nil:
      throw ReproError(
        .data, at: evaluation, found: "label column '\(column)' has no numbers", expected: "what its kind promises")
    }
  }
}

extension DataSpec {
  /// The shape of a column of real numbers.
  func realShape(_ name: String, for evaluation: String) throws(ReproError) -> Shape {
    guard case .real(let shape, _) = self[field: name]?.kind else {
      throw lacks(name, "a column of real numbers", evaluation) { if case .real = $0 { true } else { false } }
    }
    return shape
  }
}
