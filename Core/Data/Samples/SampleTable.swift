import ReproConfig
import ReproTensor

/// A data set whose samples stand in one table: a provider that has read it needs to say nothing more.
public protocol TabledDataset: DatasetProvider {
  var samples: SampleTable { get }
}

extension TabledDataset {
  public var spec: DataSpec { samples.spec }
  public var fingerprint: String { samples.fingerprint }
  public func batch(_ indices: [Int], of split: Split) throws -> Batch { try samples.batch(indices, of: split) }
}

/// The samples of a set of moderate size: columns over all rows, and which rows each split has.
public struct SampleTable: Sendable {
  let columns: [SampleColumn]
  let rows: [Split: [Int]]
  /// The set, for messages.
  let set: String
  /// What the provider says of its data for provenance.
  let fingerprint: String

  /// - Throws: `ReproError` if the columns differ in length, or there are no samples.
  init(_ set: String, columns: [SampleColumn], rows: [Split: [Int]], fingerprint: String) throws {
    (self.set, self.columns, self.rows, self.fingerprint) = (set, columns, rows, fingerprint)
    for column in columns where column.count != columns[0].count {
      throw ReproError.data(
        set, "\(column.count) rows of \(column.name)", expected: "\(columns[0].count), as many as of \(columns[0].name)"
      )
    }
    guard rows.values.contains(where: { !$0.isEmpty }) else { throw ReproError.data(set, "there are no samples") }
  }

  /// The samples of a published set.
  ///
  /// - Parameters:
  ///   - version: raised when the same files would be read as something else.
  ///   - decoder: name and version of the library that decoded the files, where another version may decide otherwise.
  init(
    _ files: SourceSet, version: Int = 1, decoder: String? = nil, columns: [SampleColumn], rows: [Split: [Int]]
  ) throws {
    try self.init(
      files.id, columns: columns, rows: rows,
      fingerprint: "\(files.id) v\(version), sha256 \(files.digest)" + (decoder.map { ", \($0)" } ?? ""))
  }

  var spec: DataSpec {
    var sizes: [Split: Int] = [:]
    for split in Split.allCases { sizes[split] = rows[split]?.count ?? 0 }
    return DataSpec(fields: columns.map(\.field), sizes: sizes)
  }

  func batch(_ indices: [Int], of split: Split) throws -> Batch {
    let part = rows[split] ?? []
    let chosen = indices.map { i -> Int in
      require(part.indices.contains(i), "sample \(i) of \(part.count) in \(split.rawValue) of \(set)")
      return part[i]
    }
    return Batch(indices: indices, columns: try columns.map { ($0.name, try $0.values(chosen)) })
  }
}

/// The parts of a set as its source defines them, by rows.
struct PublishedParts: Sendable {
  var train: [Int]
  var validation: [Int] = []
  var test: [Int] = []

  /// The first rows for training, the next for validation, the rest for the test.
  init(train: Int, validation: Int = 0, test: Int) {
    self.train = Array(0..<train)
    self.validation = Array(train..<train + validation)
    self.test = Array(train + validation..<train + validation + test)
  }

  init(train: [Int], validation: [Int] = [], test: [Int]) {
    (self.train, self.validation, self.test) = (train, validation, test)
  }

  /// Parts of a set whose source has none: a fifth of each class (one at least, of two or more) is the test part.
  ///
  /// Drawn once for all, by a stream that has the set's name and nothing of the run's seed.
  init(drawnFor set: String, labels: [Int], classes: Int) {
    let stream = RandomStream(seed: 0).child("data/split/\(set)")
    var held: Set<Int> = []
    for (c, members) in ClassBalance.members(labels, classes: max(1, classes)).enumerated() where members.count > 1 {
      var order = stream.child("class", c)
      for place in order.permutation(members.count).prefix(max(1, members.count / 5)) { held.insert(members[place]) }
    }
    test = labels.indices.filter { held.contains($0) }
    train = labels.indices.filter { !held.contains($0) }
  }

  /// Every row both for training without labels and for the test: how clusterings of a whole set are measured.
  init(transductive count: Int) { (train, test) = (Array(0..<count), Array(0..<count)) }

  /// The rows that a recipe takes: options `train`, `validation` and `test` (numbers of samples, all by default).
  ///
  /// Where the source has no validation part it is taken from the training part (none by default). Every part is
  /// class-balanced as far as the set allows, and so is every prefix of it. The run's seed draws what of a part is
  /// trained on or validated with; the test part is the same for all seeds.
  ///
  /// - Parameter labels: the class of each row; nil for sets without classes.
  func taken(
    _ options: inout Section, labels: [Int]? = nil, classes: Int = 1, root: DataRoot
  ) throws -> [Split: [Int]] {
    func classesOf(_ rows: [Int]) -> [Int] { labels.map { all in rows.map { all[$0] } } ?? rows.map { _ in 0 } }
    let stream = RandomStream(seed: root.seed).child("data/subset")
    let isCut = validation.isEmpty
    let held = try options.int(
      "validation", in: 0...(isCut ? max(0, train.count - 1) : validation.count),
      default: isCut ? 0 : validation.count)
    let wanted = try options.int(
      "train", in: 1...max(1, train.count), default: max(1, train.count - (isCut ? held : 0)))
    guard wanted + (isCut ? held : 0) <= train.count else {
      throw ReproError(
        .usage, at: "\(options.node.mark)", found: "train: \(wanted) and validation: \(held) in \(options.name)",
        expected: "together at most \(train.count), the training part")
    }
    let tested = try options.int("test", in: (test.isEmpty ? 0 : 1)...test.count, default: test.count)
    let classes = max(1, classes)
    let drawn = ClassBalance.draw(
      train: wanted, validation: isCut ? held : 0, classesOf(train), classes: classes, stream: stream)
    let published = ClassBalance.first(isCut ? 0 : held, classesOf(validation), classes: classes).map { validation[$0] }
    return [
      .train: drawn.train.map { train[$0] },
      .validation: isCut ? drawn.validation.map { train[$0] } : published,
      .test: ClassBalance.first(tested, classesOf(test), classes: classes).map { test[$0] },
    ]
  }

  /// All rows in their order: for scenes of few views, which have an order and no classes.
  var whole: [Split: [Int]] { [.train: train, .validation: validation, .test: test] }
}

extension DatasetCard {
  /// The card of a published set of files.
  init(_ files: SourceSet, source: String) {
    self.init(
      id: files.id, title: files.title, source: source, licence: files.licence, urls: files.files.flatMap(\.urls))
  }
}
