import ReproConfig
import ReproTensor

/// The STS Benchmark: 8,628 pairs of English sentences with their similarity, 0 (unrelated) to 5 (equal in meaning).
///
/// Official parts: 5,749 for training, 1,500 for validation, 1,379 for the test. Options: `train`, `validation`, `test`
/// (numbers of samples). Columns: `first`, `second`, `similarity`, `genre`.
///
/// Source: Cer, Diab, Agirre, Lopez-Gazpio, Specia 2017, "SemEval-2017 task 1" (arXiv 1708.00055).
public struct STSBenchmark: TabledDataset {
  public static let card = DatasetCard(.stsbenchmark, source: "Cer et al. 2017, arXiv 1708.00055")

  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    var (first, second, genres): ([String], [String], [String]) = ([], [], [])
    var scores: [Float] = []
    var counts: [Int] = []
    for part in ["train", "dev", "test"] {
      let name = "sts-\(part).csv"
      // Seven fields, or nine with two about the licence.
      let table = try DelimitedText(
        root.unpacked("\(name).gz", of: .stsbenchmark), .init(separator: "\t", isQuoted: false, isRagged: true),
        file: "stsbenchmark/\(name)")
      guard table.columns >= 7 else { throw ReproError.data(table.file, "\(table.columns) fields", expected: "7 or 9") }
      for row in table.rows.indices {
        guard let score = try table.number(row, 4), (0...5).contains(score), !table.rows[row][6].isEmpty else {
          throw table.error(row, 4, "'\(clipped(table.rows[row][4]))'", expected: "0 to 5, and two sentences")
        }
        scores.append(Float(score))
        first.append(table.rows[row][5])
        second.append(table.rows[row][6])
        // The parts spell it "main-forum" and "main-forums".
        genres.append(table.rows[row][0].hasPrefix("main-forum") ? "main-forums" : table.rows[row][0])
      }
      counts.append(table.rows.count)
    }
    let names = ["main-captions", "main-forums", "main-news"]
    samples = try SampleTable(
      .stsbenchmark,
      columns: [
        .texts("first", first), .texts("second", second),
        try .reals("similarity", scores, shape: [], source: "stsbenchmark", isLabel: true),
        try .labels(
          genres.map { names.firstIndex(of: $0) ?? -1 }, named: "genre", classes: names, source: "stsbenchmark"),
      ],
      rows: try PublishedParts(train: counts[0], validation: counts[1], test: counts[2]).taken(&options, root: root))
  }
}

/// Multi30k: descriptions of 31,014 photographs in English, German, French and Czech, without the photographs.
///
/// Official parts: 29,000, 1,014 and 1,000 (test 2016). Options: `train`, `validation`, `test` (numbers of samples).
/// Columns: `en`, `de`, `fr`, `cs`, `photo` (the name of the Flickr30k image).
///
/// Source: Elliott, Frank, Sima'an, Specia 2016, "Multi30K" (arXiv 1605.00459); Elliott et al. 2017; Barrault et al.
/// 2018.
public struct Multi30k: TabledDataset {
  public static let card = DatasetCard(.multi30k, source: "Elliott, Frank, Sima'an, Specia 2016, arXiv 1605.00459")

  static let languages = ["en", "de", "fr", "cs"]
  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let parts = ["train", "val", "test_2016_flickr"]
    func lines(_ name: String) throws -> [String] {
      try PlainText.lines(root.unpacked("\(name).gz", of: .multi30k), file: "multi30k/\(name)")
    }
    let photos = try parts.map { try lines("images.\($0).txt") }
    var columns: [SampleColumn] = []
    for language in Self.languages {
      var texts: [String] = []
      for (part, photos) in zip(parts, photos) {
        let found = try lines("\(part).\(language)")
        guard found.count == photos.count else {
          throw ReproError.data("multi30k/\(part).\(language)", "\(found.count) lines", expected: "\(photos.count)")
        }
        texts += found
      }
      columns.append(.texts(language, texts))
    }
    columns.append(.texts("photo", photos.flatMap { $0 }))
    samples = try SampleTable(
      .multi30k, columns: columns,
      rows: try PublishedParts(train: photos[0].count, validation: photos[1].count, test: photos[2].count)
        .taken(&options, root: root))
  }
}
