import ReproConfig
import ReproTensor

/// Tiny-ImageNet, the first half of its classes: 15,000 training and 2,500 validation images of 64x64 in 100 classes,
/// each with the box of its object.
///
/// The published validation part is the test part here (the labels of the published test part are secret). Options:
/// `train`, `validation`, `test` (numbers of samples) and `size` (pixels).
///
/// Source: Le, Yang 2015, "Tiny ImageNet visual recognition challenge"; Russakovsky et al. 2015 (arXiv 1409.0575).
public struct TinyImageNet: TabledDataset {
  public static let card = DatasetCard(
    .tinyImagenet, source: "Le, Yang 2015, Tiny ImageNet visual recognition challenge; arXiv 1409.0575")

  static let side = 64
  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let size = try options.int("size", in: 8...256, default: Self.side)
    let store = try ImageStore(.tinyImagenet, version: 1, decoder: JPEGDecoder.version, root: root) {
      try Self.decode(root)
    }
    let names = try DelimitedText(
      root.bytes("classes.tsv", of: .tinyImagenet), .tsv, file: "tiny-imagenet/classes.tsv")
    guard names.columns == 3 else { throw ReproError.data(names.file, "\(names.columns) columns", expected: "3") }
    let classes = names.rows.map { $0[2] }
    let labels = try store.integers("label")
    let parts = PublishedParts(
      train: try store.integers("train")[0], test: store.count - (try store.integers("train")[0]))
    let rows = try parts.taken(&options, labels: labels, classes: classes.count, root: root)
    samples = try SampleTable(
      .tinyImagenet, decoder: JPEGDecoder.version,
      columns: [
        try store.column(rows: rows, size: size == Self.side ? nil : size),
        try .labels(labels, classes: classes, source: "tiny-imagenet"),
        try .reals(
          "box", try store.integers("box").map { Float($0) * Float(size) / Float(Self.side) }, shape: [4], unit: "px",
          source: "tiny-imagenet", isLabel: true),
      ], rows: rows)
  }

  private static func decode(_ root: DataRoot) throws -> ImageStore.Decoded {
    var pixels: [UInt8] = []
    var (labels, boxes, counts): ([Int], [Int], [Int]) = ([], [], [])
    for part in ["train", "val"] {
      let name = "tiny_imagenet_\(part).npz"
      let file = "tiny-imagenet/\(name)"
      let archive = try NPZArchive(root.bytes(name, of: .tinyImagenet), file: file)
      let (jpegs, items) = try archive.ragged("jpeg", offsets: "offsets")
      let found = try archive.integers("labels")
      let (corners, extents) = try archive.bytes("boxes", rank: 2)
      guard found.count == items.count, extents == [items.count, 4] else {
        throw ReproError.data(file, "\(found.count) labels and boxes \(extents) of \(items.count) images")
      }
      pixels += try JPEGDecoder.decodeAll(jpegs, items: items, height: side, width: side, name: file)
      labels += found
      boxes += corners.map { Int($0) }
      counts.append(items.count)
    }
    return ImageStore.Decoded(
      images: ImageBatch(count: labels.count, height: side, width: side, channels: 3, bytes: pixels),
      numbers: [("label", labels), ("box", boxes), ("train", labels.map { _ in counts[0] })])
  }
}
