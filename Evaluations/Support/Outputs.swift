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

  /// The shape of an output for one sample, which must be as the protocol needs it.
  ///
  /// - Parameter layout: what is expected, for the error.
  @discardableResult
  func require(
    output name: String, _ layout: String, for evaluation: String, where fits: (Shape) -> Bool
  ) throws -> Shape {
    let shape = try shape(ofOutput: name, for: evaluation)
    guard fits(shape) else {
      throw ReproError(
        .usage, at: evaluation, found: "output '\(name)' has the shape \(shape) for a sample", expected: layout)
    }
    return shape
  }

  /// An output whose samples have a given number of axes.
  func require(output name: String, rank: Int, _ layout: String, for evaluation: String) throws {
    try require(output: name, layout, for: evaluation) { $0.rank == rank }
  }

  /// An output of one shape for every sample.
  ///
  /// - Parameter meaning: what its numbers are, for the error.
  func require(output name: String, shape: Shape, _ meaning: String? = nil, for evaluation: String) throws {
    try require(output: name, meaning.map { "\(shape), \($0)" } ?? "\(shape)", for: evaluation) { $0 == shape }
  }

  /// An output of the shape of a column of real numbers.
  func require(output name: String, likeColumn column: String, for evaluation: String) throws {
    let truth = try spec.realShape(column, for: evaluation)
    try require(output: name, "that of column '\(column)', \(truth)", for: evaluation) { $0 == truth }
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
    // A small split is kept for the next protocol, so that its samples are rendered and encoded once.
    if (1...256).contains(subject.spec.sizes[.test] ?? 0) { _ = try subject.labelled(.test, dense: true) }
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

/// An output of two numbers for each sample.
struct TwoNumbers: Sendable {
  let output, meaning: String

  /// Option `output`; `meaning` says in errors what the numbers are.
  init(_ options: inout Section, _ output: String, _ meaning: String) throws(ReproError) {
    self.output = try options.string("output", default: output)
    self.meaning = meaning
  }

  func check(_ subject: EvaluationSubject, for evaluation: String) throws {
    try subject.require(output: output, shape: [2], meaning, for: evaluation)
  }

  /// Those of the test split, in order.
  func read(
    _ subject: EvaluationSubject, for evaluation: String
  ) throws -> [(first: Double, second: Double)] {
    try check(subject, for: evaluation)
    let values = try FeatureSource(output).vectors(subject, .test, for: evaluation).x.values
    return stride(from: 0, to: values.count, by: 2).map { (Double(values[$0]), Double(values[$0 + 1])) }
  }
}
