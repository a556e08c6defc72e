import ReproConfig
import ReproTensor

/// The columns of a table one by one, for methods that treat each by its kind.
///
/// A column of numbers is a number without a unit, scaled so that the rows learnt from span 0 to 1 (0.5 where they are
/// all equal); a missing number becomes their mean. A column of words is a category: the words of the rows learnt from
/// in the order of the alphabet, then `?` for what is missing or new.
enum TableColumns {
  /// Columns `column-1`, ...; numbered from 1, as the table has them.
  static func columns(
    _ table: DelimitedText, _ features: FeatureTable, learntFrom rows: [Int], source: String
  ) throws -> [SampleColumn] {
    try zip(features.kinds, features.columns).map { kind, column in
      let name = "column-\(column + 1)"
      let texts = table.rows.map { $0[column] }
      switch kind {
      case .words(let words):
        let places = Dictionary(uniqueKeysWithValues: words.enumerated().map { ($1, $0) })
        return try .labels(
          texts.map { places[$0] ?? words.count }, named: name, classes: words + ["?"], source: source, isLabel: false)
      case .number(let mean, _):
        let values = texts.map { features.missing.contains($0) ? mean : Numeral.double($0) ?? mean }
        let learnt = rows.map { values[$0] }
        let (low, high) = (learnt.min() ?? 0, learnt.max() ?? 0)
        let scaled = values.map { high > low ? Float(($0 - low) / (high - low)) : 0.5 }
        return try .reals(name, scaled, shape: [], source: source)
      }
    }
  }
}
