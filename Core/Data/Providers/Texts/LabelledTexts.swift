import ReproConfig
import ReproTensor

/// Labelled sentences: MR, Subj, CR and MPQA, TREC questions, SST-2 and SST-5.
///
/// Option `task`: `mr`, `subj`, `cr`, `mpqa` (no split in the source: a fifth of each class, drawn once for all, is the
/// test part; papers use ten-fold cross-validation), `trec`, `sst2`, `sst5` (official parts, whole sentences). Also
/// `train`, `validation`, `test` (numbers of samples). Columns: `text` (tokens between blanks), `label`.
///
/// Source: Kim 2014, "Convolutional neural networks for sentence classification" (arXiv 1408.5882), and the papers it
/// names.
public struct SentenceClassification: TabledDataset {
  public static let card = DatasetCard(
    .sentenceClassification, source: "Kim 2014, arXiv 1408.5882, and the papers it names")

  /// A task: its files for training, validation and test, and its classes.
  struct Task: Sendable {
    var id: String
    var files: [String]
    var classes: [String]
    /// The files that are Latin-1; the others are UTF-8.
    var latin1: Set<String> = []
  }

  private static let polarity = ["negative", "positive"]
  static let tasks = [
    Task(id: "mr", files: ["rt-polarity.all"], classes: polarity, latin1: ["rt-polarity.all"]),
    Task(id: "subj", files: ["subj.all"], classes: ["subjective", "objective"], latin1: ["subj.all"]),
    Task(id: "cr", files: ["custrev.all"], classes: polarity), Task(id: "mpqa", files: ["mpqa.all"], classes: polarity),
    Task(
      id: "trec", files: ["TREC.train.all", "TREC.test.all"],
      classes: ["description", "entity", "abbreviation", "human", "location", "number"], latin1: ["TREC.train.all"]),
    Task(id: "sst2", files: ["stsa.binary.train", "stsa.binary.dev", "stsa.binary.test"], classes: polarity),
    Task(
      id: "sst5", files: ["stsa.fine.train", "stsa.fine.dev", "stsa.fine.test"],
      classes: ["very negative", "negative", "neutral", "positive", "very positive"]),
  ]

  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let id = try options.choice("task", Self.tasks.map(\.id))
    guard let task = Self.tasks.first(where: { $0.id == id }) else { requirementFailed("no task '\(id)'") }
    var (texts, labels, counts): ([String], [Int], [Int]) = ([], [], [])
    for file in task.files {
      let place = "sentence-classification/\(file)"
      let bytes = try root.unpacked("\(file).gz", of: .sentenceClassification)
      let lines = try PlainText.lines(bytes, task.latin1.contains(file) ? .latin1 : .utf8, file: place)
      for (i, line) in lines.enumerated() {
        let parts = line.split(separator: " ", maxSplits: 1)
        guard let digit = parts.first.flatMap({ Int($0) }), task.classes.indices.contains(digit) else {
          throw ReproError(
            .data, at: "\(place):\(i + 1)", found: "'\(clipped(line))'",
            expected: "a label of 0 to \(task.classes.count - 1), a blank, a sentence")
        }
        labels.append(digit)
        texts.append(parts.count > 1 ? String(parts[1]) : "")
      }
      counts.append(lines.count)
    }
    let parts: PublishedParts
    switch counts.count {
    case 1: parts = PublishedParts(drawnFor: id, labels: labels, classes: task.classes.count)
    case 2: parts = PublishedParts(train: counts[0], test: counts[1])
    default: parts = PublishedParts(train: counts[0], validation: counts[1], test: counts[2])
    }
    samples = try SampleTable(
      "sentence-classification",
      columns: [.texts("text", texts), try .labels(labels, classes: task.classes, source: id)],
      rows: try parts.taken(&options, labels: labels, classes: task.classes.count, root: root),
      fingerprint: "sentence-classification/\(id) v1, sha256 \(SourceSet.sentenceClassification.digest)")
  }
}

/// Short texts by topic: SearchSnippets (8 topics), StackOverflow titles and Biomedical titles (20 each).
///
/// The source has no split. `split: held-out` (default) makes a fifth of each topic, drawn once for all, the test part;
/// `split: all` trains on all texts and measures on all texts, as papers on clustering do. Options: `set`
/// (`search-snippets`, `stack-overflow`, `biomedical`), `split`, `train`, `validation`, `test` (numbers of samples).
///
/// Source: Xu et al. 2017, "Self-taught convolutional neural networks for short text clustering" (arXiv 1701.00185).
public struct ShortTextTopics: TabledDataset {
  public static let card = DatasetCard(.shortTextTopics, source: "Xu et al. 2017, arXiv 1701.00185")

  static let sets = [
    ("search-snippets", "SearchSnippets", 8), ("stack-overflow", "StackOverflow", 20), ("biomedical", "Biomedical", 20),
  ]
  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let id = try options.choice("set", Self.sets.map(\.0))
    let split = try options.choice("split", ["held-out", "all"], default: "held-out")
    guard let (_, name, topics) = Self.sets.first(where: { $0.0 == id }) else { requirementFailed("no set '\(id)'") }
    let place = "short-text-topics/\(name)"
    let texts = try PlainText.lines(root.unpacked("\(name).txt.gz", of: .shortTextTopics), file: "\(place).txt")
    var labels: [Int] = []
    var cursor = TextCursor(try root.unpacked("\(name)_gnd.txt.gz", of: .shortTextTopics), file: "\(place)_gnd.txt")
    while cursor.advanceToWords() { labels.append(try cursor.integer("the topic", in: 1...topics) - 1) }
    guard labels.count == texts.count else {
      throw ReproError.data("\(place)_gnd.txt", "\(labels.count) topics", expected: "\(texts.count), as many as texts")
    }
    let parts =
      split == "all"
      ? PublishedParts(transductive: texts.count) : PublishedParts(drawnFor: id, labels: labels, classes: topics)
    samples = try SampleTable(
      "short-text-topics",
      columns: [
        .texts("text", texts),
        try .labels(labels, classes: (1...topics).map { "topic \($0)" }, source: place),
      ], rows: try parts.taken(&options, labels: labels, classes: topics, root: root),
      fingerprint: "short-text-topics/\(id) v1, sha256 \(SourceSet.shortTextTopics.digest)")
  }
}

/// Cornell movie reviews, version 2.0: 1,000 negative and 1,000 positive whole reviews.
///
/// The source defines ten folds by the first digit of a review's number: `fold` (0 to 9, default 9) is the test part.
/// Also `train`, `validation`, `test` (numbers of samples). Columns: `text` (a tokenised sentence a line), `label`.
///
/// Source: Pang, Lee 2004, "A sentimental education" (arXiv cs/0409058).
public struct MovieReviewDocuments: TabledDataset {
  public static let card = DatasetCard(.movieReviewDocuments, source: "Pang, Lee 2004, arXiv cs/0409058")

  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let fold = try options.int("fold", in: 0...9, default: 9)
    let file = "movie-review-documents/review_polarity.tar.gz"
    let tar = try TarArchive(root.unpacked("review_polarity.tar.gz", of: .movieReviewDocuments), file: file)
    let classes = ["negative", "positive"]
    var (texts, labels): ([String], [Int]) = ([], [])
    var (train, test): ([Int], [Int]) = ([], [])
    for (label, folder) in ["txt_sentoken/neg/cv", "txt_sentoken/pos/cv"].enumerated() {
      for (name, range) in tar.files.filter({ $0.name.hasPrefix(folder) }).sorted(by: { $0.name < $1.name }) {
        guard let digit = name.dropFirst(folder.count).first?.wholeNumberValue else {
          throw ReproError.data(file, byte: range.lowerBound, "the name '\(clipped(name))'", expected: "cvNNN_*.txt")
        }
        if digit == fold { test.append(texts.count) } else { train.append(texts.count) }
        texts.append(try PlainText.decode(Array(tar.bytes[range]), .utf8, file: "\(file):\(name)"))
        labels.append(label)
      }
    }
    samples = try SampleTable(
      .movieReviewDocuments,
      columns: [.texts("text", texts), try .labels(labels, classes: classes, source: file)],
      rows: try PublishedParts(train: train, test: test).taken(&options, labels: labels, classes: 2, root: root))
  }
}
