import ReproConfig
import ReproTensor

/// WikiText-2 as far as small mirrors have it: its validation and test text, one paragraph a sample.
///
/// The training text is missing, so the published validation part serves as the training part and the published test
/// part as the test part: numbers from it are no WikiText-2 perplexities. Options: `headings` (whether lines such as
/// `= Title =` are samples, default false), `train`, `validation`, `test` (numbers of samples). Column: `text`, tokens
/// between blanks, `<unk>` in place.
///
/// Source: Merity, Xiong, Bradbury, Socher 2017, "Pointer sentinel mixture models" (arXiv 1609.07843).
public struct WikiText2: TabledDataset {
  public static let card = DatasetCard(.wikitext2, source: "Merity, Xiong, Bradbury, Socher 2017, arXiv 1609.07843")

  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let keepsHeadings = try options.bool("headings", default: false)
    let parts = try ["valid", "test"].map { part in
      try PlainText.lines(root.unpacked("\(part).txt.gz", of: .wikitext2), file: "wikitext-2/\(part).txt")
        .map { $0.trimmingBlanks }.filter {
          !$0.isEmpty && (keepsHeadings || !($0.hasPrefix("= ") && $0.hasSuffix(" =")))
        }
    }
    samples = try SampleTable(
      .wikitext2, columns: [.texts("text", parts[0] + parts[1])],
      rows: try PublishedParts(train: parts[0].count, test: parts[1].count).taken(&options, root: root))
  }
}

extension String {
  /// Without the blanks at both ends.
  var trimmingBlanks: String {
    let body = drop { $0 == " " || $0 == "\t" }
    return String(body.dropLast(body.reversed().prefix { $0 == " " || $0 == "\t" }.count))
  }
}

/// Tiny Shakespeare: 1,115,394 characters of plays, cut into pieces of equal length.
///
/// The first 90 % of the text are the training part, the next 5 % validation, the last 5 % test. Options: `length`
/// (characters of a piece, default 256), `train`, `validation`, `test` (numbers of samples). Column: `text`.
///
/// Source: Karpathy 2015, char-rnn, data/tinyshakespeare/input.txt.
public struct TinyShakespeare: TabledDataset {
  public static let card = DatasetCard(.tinyshakespeare, source: "Karpathy 2015, char-rnn")

  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let length = try options.int("length", in: 1...10_000, default: 256)
    let bytes = try root.unpacked("input.txt.gz", of: .tinyshakespeare)
    if let place = bytes.firstIndex(where: { $0 > 127 }) {
      throw ReproError.data("tinyshakespeare/input.txt", byte: place, "the text is not ASCII")
    }
    var texts: [String] = []
    var counts: [Int] = []
    for (from, to) in [(0, 90), (90, 95), (95, 100)] {
      let (start, end) = (bytes.count * from / 100, bytes.count * to / 100)
      let pieces = (end - start) / length
      for i in 0..<pieces {
        texts.append(String(decoding: bytes[start + i * length..<start + (i + 1) * length], as: UTF8.self))
      }
      counts.append(pieces)
    }
    samples = try SampleTable(
      .tinyshakespeare, columns: [.texts("text", texts)],
      rows: try PublishedParts(train: counts[0], validation: counts[1], test: counts[2]).taken(&options, root: root))
  }
}
