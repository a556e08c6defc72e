import ReproConfig
import ReproTensor

/// STL-10: colour images of 96x96 in ten classes, 5,000 for training, 8,000 for the test, and 100,000 without labels.
///
/// `path` is the folder `stl10_binary` of the published archive. Options: `training` (`labelled`; `unlabelled`: the
/// training part is `unlabeled_X.bin`, whose label is an eleventh class, "unlabelled"), `size` (pixels, default 96),
/// `train`, `validation`, `test` (numbers of samples). Columns: `image`, `label`.
///
/// Source: Coates, Lee, Ng 2011, "An analysis of single-layer networks in unsupervised feature learning".
public struct STL10: TabledDataset {
  public static let card = DatasetCard(
    id: "stl10", title: "STL-10: 96x96 colour images, many without labels (your copy of the published files)",
    source: "Coates, Lee, Ng 2011, An analysis of single-layer networks in unsupervised feature learning",
    licence: "not stated", urls: ["http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz"])

  static let side = 96
  static let classes = [
    "airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck",
  ]

  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let path = try options.string("path")
    let isLabelled = try options.choice("training", ["labelled", "unlabelled"], default: "labelled") == "labelled"
    let size = try options.int("size", in: 8...Self.side, default: Self.side)
    let names = isLabelled ? ["train_X.bin", "test_X.bin"] : ["unlabeled_X.bin", "test_X.bin"]
    let files = try names.map { try MappedFile(Path.join(path, $0)) }
    let counts = try files.map { try Self.count($0) }
    let test = try Self.labels(Path.join(path, "test_y.bin"), count: counts[1])
    let train =
      isLabelled
      ? try Self.labels(Path.join(path, "train_y.bin"), count: counts[0]) : [Int](repeating: 10, count: counts[0])
    let labels = train + test
    let classes = isLabelled ? Self.classes : Self.classes + ["unlabelled"]
    let rows = try PublishedParts(train: counts[0], test: counts[1])
      .taken(&options, labels: labels, classes: classes.count, root: root)
    var used: [Int] = []
    for split in Split.allCases { used += rows[split] ?? [] }
    used.sort()
    var places = [Int](repeating: -1, count: labels.count)
    for (slot, row) in used.enumerated() { places[row] = slot }
    let images = Self.read(used, files, counts[0]).resampled(height: size, width: size, .bilinear)
    let held = SampleColumn.images(images)
    let digests = try names.map { try SafeFile.sha256(Path.join(path, $0)) }
    let fingerprint = "stl10 v1, sha256 \(SHA256.hex(of: digests.joined()))"
    samples = try SampleTable(
      "stl10",
      columns: [
        SampleColumn(held.field, count: labels.count) { [places] rows in try held.values(rows.map { places[$0] }) },
        try .labels(labels, classes: classes, source: path),
      ], rows: rows, fingerprint: fingerprint)
  }

  private static func count(_ file: MappedFile) throws -> Int {
    let (count, rest) = file.count.quotientAndRemainder(dividingBy: 3 * side * side)
    guard rest == 0, count > 0 else {
      throw ReproError.data(file.path, "\(file.count) bytes", expected: "a multiple of \(3 * side * side)")
    }
    return count
  }

  /// Labels 1 to 10, a byte each.
  private static func labels(_ path: String, count: Int) throws -> [Int] {
    let bytes = try SafeFile.read(path, limit: 1 << 24)
    guard bytes.count == count else { throw ReproError.data(path, "\(bytes.count) labels", expected: "\(count)") }
    if let bad = bytes.firstIndex(where: { !(1...10).contains($0) }) {
      throw ReproError.data(path, byte: bad, "label \(bytes[bad])", expected: "1 to 10")
    }
    return bytes.map { Int($0) - 1 }
  }

  /// Images of three planes, each column by column.
  private static func read(_ rows: [Int], _ files: [MappedFile], _ first: Int) -> ImageBatch {
    let plane = side * side
    var bytes = [UInt8](repeating: 0, count: rows.count * 3 * plane)
    for (slot, row) in rows.enumerated() {
      let (file, item) = row < first ? (files[0], row) : (files[1], row - first)
      file.withBytes { source in
        for c in 0..<3 {
          for x in 0..<side {
            for y in 0..<side {
              bytes[((slot * side + y) * side + x) * 3 + c] = source[(item * 3 + c) * plane + x * side + y]
            }
          }
        }
      }
    }
    return ImageBatch(count: rows.count, height: side, width: side, channels: 3, bytes: bytes)
  }
}
