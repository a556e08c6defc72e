import ReproConfig
import ReproData

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
