import ReproConfig
import ReproTensor

/// Eighteen small tables, most of them from the UCI repository.
///
/// Option `table`: `adult` (official test part), `abalone` (the target is a number, rings), `banknotes`,
/// `breast-cancer`, `ecoli`, `german-credit`, `glass`, `ionosphere`, `iris`, `mammography`, `oil-spill`, `phoneme`,
/// `sonar`, `wheat-seeds`, `wine`, `wine-quality-red`, `wine-quality-white`: columns `features` `[D]` and `label` (or
/// `target`), the last of the file. `beijing-air` and `minimum-temperatures` are time series: `features` are the rows
/// of a window `[T, D]`, `target` the number in the row after it (PM2.5; degrees).
///
/// Other options: `words` (`one-hot`, or `ordinal`), `scaling` (`standard`: numbers to mean 0 and deviation 1 of the
/// training rows; `none`), `columns` (true: also every column of a table by itself, `column-1`, ..., numbers from 0 to 1,
/// words as categories; false by default), `window` (rows, default 24, time series only), `train`, `validation`, `test` (numbers of
/// samples). Where the source has no split, a fifth of each class, drawn once for all, is the test part; of time series
/// the last fifth. Missing numbers become the training part's mean, in time series the last known one.
///
/// Source: UCI machine learning repository; the original descriptions are the `.names` files beside the tables.
public struct TabularData: TabledDataset {
  public static let card = DatasetCard(.tabular, source: "UCI machine learning repository, see the .names files")

  /// A table: its files for training and test, and what its target is.
  struct Table: Sendable {
    enum Target: Sendable { case classes, number, series(column: Int, dropping: [Int]) }
    var id: String
    var files: [String]
    var target = Target.classes
  }

  static let tables =
    [
      Table(id: "adult", files: ["adult-train", "adult-test"]),
      Table(id: "abalone", files: ["abalone"], target: .number),
      Table(id: "beijing-air", files: ["pollution"], target: .series(column: 5, dropping: [0, 1])),
      Table(id: "minimum-temperatures", files: ["daily-min-temperatures"], target: .series(column: 1, dropping: [0])),
    ]
    + [
      ("banknotes", "banknote_authentication"), ("breast-cancer", "breast-cancer-wisconsin"), ("ecoli", "ecoli"),
      ("german-credit", "german"), ("glass", "glass"), ("ionosphere", "ionosphere"), ("iris", "iris"),
      ("mammography", "mammography"), ("oil-spill", "oil-spill"), ("phoneme", "phoneme"), ("sonar", "sonar"),
      ("wheat-seeds", "wheat-seeds"), ("wine", "wine"), ("wine-quality-red", "winequality-red"),
      ("wine-quality-white", "winequality-white"),
    ].map { Table(id: $0.0, files: [$0.1]) }

  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let id = try options.choice("table", Self.tables.map(\.id))
    guard let table = Self.tables.first(where: { $0.id == id }) else { requirementFailed("no table '\(id)'") }
    let isOrdinal = try options.choice("words", ["one-hot", "ordinal"], default: "one-hot") == "ordinal"
    let isScaled = try options.choice("scaling", ["standard", "none"], default: "standard") == "standard"
    let hasColumns = try options.bool("columns", default: false)
    let fingerprint = "tabular/\(id) v1, sha256 \(SourceSet.tabular.digest)"
    if case .series(let column, let dropped) = table.target {
      samples = try Self.series(table, column, dropped, isOrdinal, isScaled, &options, root, fingerprint)
      return
    }
    let parts = try table.files.map { file in
      try DelimitedText(root.unpacked("\(file).csv.gz", of: .tabular), .init(trims: true), file: "tabular/\(file).csv")
    }
    var all = parts[0]
    for part in parts.dropFirst() {
      guard part.columns == all.columns else {
        throw ReproError.data(part.file, "\(part.columns) columns", expected: "\(all.columns)")
      }
      all.rows += part.rows
      all.lines += part.lines
    }
    let last = all.columns - 1
    let (labels, classes) = try Self.target(table, all, last)
    let split =
      parts.count == 2
      ? PublishedParts(train: parts[0].rows.count, test: parts[1].rows.count)
      : PublishedParts(drawnFor: id, labels: labels, classes: max(1, classes.count))
    let rows = try split.taken(&options, labels: labels, classes: max(1, classes.count), root: root)
    let features = FeatureTable(
      all, columns: Array(0..<last), missing: ["?", ""], learntFrom: rows[.train] ?? [], isOrdinal: isOrdinal,
      isScaled: isScaled)
    let values = try SampleColumn.reals(
      "features", all.rows.flatMap(features.features), shape: [features.width], source: id)
    let target =
      classes.isEmpty
      ? try SampleColumn.reals(
        "target", all.rows.indices.map { Float(try all.number($0, last) ?? 0) }, shape: [], source: id, isLabel: true)
      : try SampleColumn.labels(labels, classes: classes, source: id)
    let single =
      hasColumns ? try TableColumns.columns(all, features, learntFrom: rows[.train] ?? [], source: id) : []
    samples = try SampleTable("tabular", columns: [values] + single + [target], rows: rows, fingerprint: fingerprint)
  }

  /// The classes in the order of the alphabet, numbers by their size; none for a target that is a number.
  private static func target(
    _ table: Table, _ all: DelimitedText, _ last: Int
  ) throws -> (labels: [Int], classes: [String]) {
    if case .number = table.target { return (all.rows.map { _ in 0 }, []) }
    // Adult's test part ends its labels in a full stop, mammography quotes them with apostrophes.
    let names = all.rows.map { String($0[last].drop { $0 == "'" }.prefix { $0 != "'" && $0 != "." }) }
    let classes = Set(names).sorted { a, b in
      if let x = Numeral.double(a), let y = Numeral.double(b) { return x < y }
      return a < b
    }
    guard classes.count >= 2, classes.count <= 64, !classes.contains("") else {
      throw ReproError.data(all.file, "\(classes.count) classes in the last column", expected: "2 to 64")
    }
    let places = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, $0) })
    return (names.map { places[$0] ?? 0 }, classes)
  }

  private static func series(
    _ table: Table, _ target: Int, _ dropped: [Int], _ isOrdinal: Bool, _ isScaled: Bool, _ options: inout Section,
    _ root: DataRoot, _ fingerprint: String
  ) throws -> SampleTable {
    let window = try options.int("window", in: 1...1000, default: 24)
    let file = table.files[0]
    var all = try DelimitedText(
      root.unpacked("\(file).csv.gz", of: .tabular), .csvWithHeader, file: "tabular/\(file).csv")
    for c in 0..<all.columns {
      var known = "0"
      for i in all.rows.indices {
        if all.rows[i][c] == "NA" { all.rows[i][c] = known } else { known = all.rows[i][c] }
      }
    }
    let cut = all.rows.count * 4 / 5
    let features = FeatureTable(
      all, columns: (0..<all.columns).filter { !dropped.contains($0) }, missing: [], learntFrom: Array(0..<cut),
      isOrdinal: isOrdinal, isScaled: isScaled)
    let width = features.width
    let values = all.rows.flatMap(features.features)
    let targets = try all.rows.indices.map { Float(try all.number($0, target, missing: []) ?? 0) }
    // Sample i is rows i ..< i + window and the number after them; the two parts share no row.
    let count = all.rows.count - window
    guard count > 0, cut > window else { throw ReproError.data(all.file, "\(all.rows.count) rows", expected: "more") }
    let parts = PublishedParts(train: Array(0..<cut - window), test: Array(min(cut, count)..<count))
    if let bad = values.firstIndex(where: { !$0.isFinite }) {
      throw ReproError.data(all.file, "row \(bad / width) has \(values[bad])", expected: "finite numbers")
    }
    return try SampleTable(
      "tabular",
      columns: [
        .computed("features", shape: [window, width], count: count) { row, target in
          for k in 0..<window * width { target[k] = Real(values[row * width + k]) }
        },
        try .reals("target", Array(targets.dropFirst(window)), shape: [], source: all.file, isLabel: true),
      ], rows: try parts.taken(&options, root: root), fingerprint: fingerprint)
  }
}
