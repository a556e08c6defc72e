import ReproConfig
import ReproTensor

/// dSprites: white shapes on black, 64x64, one for each combination of six known factors.
///
/// `path` is the published `dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz` (737,280 images; it unpacks to 3 GB of
/// memory while it is read). The source has no split: 10,000 images (`test`), drawn once for all, are the test part;
/// `train` (default 60,000) and `validation` (default 0) are drawn from the rest by the run's seed. Columns: `image`;
/// labels `shape`, `scale`, `orientation`, `x`, `y` (which step of each factor), `factors` `[5]` (their values, 0...1
/// or radians).
///
/// Source: Matthey, Higgins, Hassabis, Lerchner 2017, github.com/deepmind/dsprites-dataset.
public struct DSprites: TabledDataset {
  public static let card = DatasetCard(
    id: "dsprites", title: "dSprites: shapes with six known factors (your copy of the published file)",
    source: "Matthey, Higgins, Hassabis, Lerchner 2017, dSprites", licence: "Apache-2.0",
    urls: [
      "https://github.com/deepmind/dsprites-dataset/raw/master/dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"
    ])

  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let path = try options.string("path")
    let archive = try NPZArchive(path: path)
    let (pixels, extents) = try archive.bytes("imgs", rank: 3)
    guard extents[0] > 1, extents[1] > 0, extents[2] > 0 else {
      throw ReproError.data("\(path):imgs", "an array \(extents)", expected: "images")
    }
    let (count, size) = (extents[0], extents[1] * extents[2])
    let classes = try archive.array("latents_classes")
    let values = try archive.array("latents_values")
    guard classes.extents == [count, 6], values.extents == [count, 6] else {
      throw ReproError.data(
        path, "latents \(classes.extents) and \(values.extents)", expected: "[\(count), 6] of \(count) images")
    }
    let kept = PublishedParts.drawn(count, set: "dsprites")
    let test = try options.int("test", in: 1...count - 1, default: min(10_000, count / 5 + 1))
    let validation = try options.int("validation", in: 0...count - test - 1, default: 0)
    let train = try options.int(
      "train", in: 1...count - test - validation, default: min(60_000, count - test - validation))
    var stream = RandomStream(seed: root.seed).child("data/subset")
    let rest = Array(kept.dropFirst(test))
    let drawn = stream.permutation(rest.count).prefix(train + validation).map { rest[$0] }
    let rows = kept.prefix(test) + drawn
    let bytes = SampleColumn.gathered(pixels, size, Array(rows)).map { $0 == 0 ? UInt8(0) : UInt8(255) }
    let images = ImageBatch(count: rows.count, height: extents[1], width: extents[2], channels: 1, bytes: bytes)
    let steps = classes.values.floats
    let factors = values.values.floats
    var columns: [SampleColumn] = [.images(images)]
    for (k, (name, number)) in [("shape", 3), ("scale", 6), ("orientation", 40), ("x", 32), ("y", 32)].enumerated() {
      let names = k == 0 ? ["square", "ellipse", "heart"] : (0..<number).map { "\(name) \($0)" }
      columns.append(
        try .labels(rows.map { Int(steps[6 * $0 + k + 1]) }, named: name, classes: names, source: path))
    }
    columns.append(
      try .reals("factors", rows.flatMap { factors[6 * $0 + 1..<6 * $0 + 6] }, shape: [5], source: path, isLabel: true))
    let fingerprint = "dsprites v1, sha256 \(try SafeFile.sha256(path))"
    samples = try SampleTable(
      "dsprites", columns: columns,
      rows: [
        .test: Array(0..<test), .train: Array(test..<test + train),
        .validation: Array(test + train..<test + train + validation),
      ], fingerprint: fingerprint)
  }
}

extension PublishedParts {
  /// All rows in an order drawn once for all by a set's name.
  static func drawn(_ count: Int, set: String) -> [Int] {
    var stream = RandomStream(seed: 0).child("data/split/\(set)")
    return stream.permutation(count)
  }
}
