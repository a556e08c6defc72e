import ReproConfig
import ReproTensor

/// How the columns of a table of numbers and words become features: learnt from some rows, applied to all.
///
/// A column is one of numbers if every field that is not missing is a number; a missing number becomes the mean of the
/// rows learnt from. Any other column is one of words: one feature for each word in the order of the alphabet (1 for
/// the word, else 0; nothing for a missing or new one), or with `ordinal` the word's place.
struct FeatureTable: Sendable {
  enum Kind: Sendable, Equatable {
    case number(mean: Double, deviation: Double)
    case words([String])
  }

  var kinds: [Kind]
  var isOrdinal, isScaled: Bool
  /// The columns of the table that are features.
  var columns: [Int]
  var missing: [String]

  init(
    _ table: DelimitedText, columns: [Int], missing: [String], learntFrom rows: [Int], isOrdinal: Bool, isScaled: Bool
  ) {
    (self.columns, self.missing, self.isOrdinal, self.isScaled) = (columns, missing, isOrdinal, isScaled)
    kinds = columns.map { c in
      let isNumber = table.rows.allSatisfy { missing.contains($0[c]) || Numeral.double($0[c]) != nil }
      let learnt = rows.map { table.rows[$0][c] }.filter { !missing.contains($0) }
      guard isNumber else { return .words(Set(learnt).sorted()) }
      let values = learnt.compactMap { Numeral.double($0) }
      let mean = values.reduce(0, +) / Double(max(1, values.count))
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, values.count))
      return .number(mean: mean, deviation: variance.squareRoot())
    }
  }

  /// Features of a row.
  var width: Int {
    kinds.reduce(0) { sum, kind in
      if case .words(let words) = kind, !isOrdinal { return sum + words.count }
      return sum + 1
    }
  }

  func features(_ row: [String]) -> [Float] {
    var result: [Float] = []
    for (kind, column) in zip(kinds, columns) {
      let text = row[column]
      switch kind {
      case .number(let mean, let deviation):
        let value = missing.contains(text) ? mean : Numeral.double(text) ?? mean
        let scale = !isScaled ? 1 : deviation > 1e-12 ? 1 / deviation : 0
        result.append(Float((value - (isScaled ? mean : 0)) * scale))
      case .words(let words) where isOrdinal: result.append(Float(words.firstIndex(of: text) ?? -1))
      case .words(let words): result += words.map { $0 == text ? 1 : 0 }
      }
    }
    return result
  }
}
