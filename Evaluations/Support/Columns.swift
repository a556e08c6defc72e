import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

// What protocols ask of a data set, with errors that name what it has instead.

extension DataSpec {
  /// The classes of a column of categories.
  func categories(_ name: String, for evaluation: String) throws(ReproError) -> [String] {
    guard case .category(let classes) = self[field: name]?.kind else {
      throw lacks(name, "a column of categories", evaluation) { if case .category = $0 { true } else { false } }
    }
    return classes
  }

  /// How many values a column of identities (or of categories) can have.
  func identities(_ name: String, for evaluation: String) throws(ReproError) -> Int {
    switch self[field: name]?.kind {
    case .identity(let count): return count
    case .category(let classes): return classes.count
    default:
      throw lacks(name, "a column of identities or categories", evaluation) {
        switch $0 {
        case .identity, .category: true
        default: false
        }
      }
    }
  }

  /// The classes of a column with a class for each pixel.
  func pixelClasses(_ name: String, for evaluation: String) throws(ReproError) -> [String] {
    guard case .labelMap(_, _, let classes) = self[field: name]?.kind else {
      throw lacks(name, "a label map", evaluation) { if case .labelMap = $0 { true } else { false } }
    }
    return classes
  }

  /// Refuses splits with fewer samples than the protocol can work with.
  func need(_ count: Int, in split: Split, for evaluation: String, hint: String? = nil) throws(ReproError) {
    let size = sizes[split] ?? 0
    guard size >= count else {
      throw ReproError(
        .usage, at: evaluation, found: "split '\(split.rawValue)' has \(size) samples", expected: "at least \(count)",
        hint: hint)
    }
  }

  func lacks(
    _ name: String, _ wanted: String, _ evaluation: String, fits: (FieldKind) -> Bool
  ) -> ReproError {
    let columns = fields.map { "'\($0.name)' (\($0.kind.words))" }.joined(separator: ", ")
    let found =
      self[field: name].map { "column '\(name)' is \($0.kind.words)" } ?? "the data set has no column '\(name)'"
    let candidates = fields.filter { $0.isLabel && fits($0.kind) }.map { "'\($0.name)'" }
    return ReproError(
      .usage, at: evaluation, found: "\(found); its columns are \(columns.isEmpty ? "none" : columns)",
      expected: wanted,
      hint: candidates.isEmpty ? nil : "name another column: \(candidates.joined(separator: ", "))")
  }
}

extension FieldKind {
  fileprivate var words: String {
    switch self {
    case .image: "images"
    case .frames(let count, _, _, _): "\(count) images a sample"
    case .labelMap: "a label map"
    case .category(let classes): "\(classes.count) categories"
    case .identity: "identities"
    case .real(let shape, let unit): "real numbers \(shape) in \(unit)"
    case .text: "text"
    }
  }
}

extension EvaluationSubject {
  /// All columns of a split, chunk by chunk in order, without asking the encoder.
  func forEachBatch(of split: Split, _ body: (Batch) throws -> Void) throws {
    let size = spec.sizes[split] ?? 0
    for first in stride(from: 0, to: size, by: 256) {
      try body(samples(Array(first..<min(first + 256, size)), of: split))
    }
  }
}

extension EvaluationSubject.Labelled {
  /// A label column as numbers; see `Batch`.
  func numbers(_ column: String, for evaluation: String) throws(ReproError) -> Tensor {
    try labels.numbers(column, for: evaluation)
  }

  /// The integers of a column, each checked to be in `0 ..< count`.
  func integers(_ name: String, below count: Int, for evaluation: String) throws(ReproError) -> [Int] {
    try labels.integers(name, below: count, for: evaluation)
  }
}

extension Batch {
  /// A column as numbers, `[N, ...]`: real numbers as they are, images in 0...1 and label maps as their classes
  /// `[N, rows, columns, channels]`, of several images a sample `[N, images, rows, columns, channels]`.
  func numbers(_ column: String, for evaluation: String) throws(ReproError) -> Tensor {
    switch self[column] {
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

  /// The integers of a column, each checked to be in `0 ..< count`.
  func integers(_ name: String, below count: Int, for evaluation: String) throws(ReproError) -> [Int] {
    guard case .integers(let values) = self[name] else {
      throw ReproError(
        .data, at: evaluation, found: "column '\(name)' has no integers", expected: "what its kind promises")
    }
    for (place, value) in values.enumerated() where value < 0 || value >= count {
      throw ReproError(
        .data, at: evaluation, found: "sample \(indices[place]) has \(value) in column '\(name)'",
        expected: "0 to \(count - 1)")
    }
    return values
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

  /// The shape of a column of real numbers, which must be as the protocol needs it.
  ///
  /// - Parameter layout: what is expected, for the error.
  @discardableResult
  func require(
    column name: String, _ layout: String, for evaluation: String, where fits: (Shape) -> Bool
  ) throws(ReproError) -> Shape {
    let shape = try realShape(name, for: evaluation)
    guard fits(shape) else {
      throw ReproError(
        .usage, at: evaluation, found: "column '\(name)' has the shape \(shape)", expected: layout)
    }
    return shape
  }
}
