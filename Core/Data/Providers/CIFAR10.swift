import ReproConfig

/// CIFAR-10: 60,000 colour images of 32x32 in ten classes, in its original pixels or as JPEG.
///
/// - `variant: original` is the published archive.
/// - `variant: jpeg` is a lossy copy (quality about 75) that mirrors may have: for development without a network. A
///   network with 91.7 % on the original pixels has 81.0 % on these, so numbers from it are no CIFAR-10 accuracies.
///
/// The other options are those of `LabelledImages`. Source: Krizhevsky 2009, "Learning multiple layers of features from
/// tiny images".
public struct CIFAR10: DatasetProvider {
  public static let card = DatasetCard(
    id: "cifar10", title: "CIFAR-10: 32x32 colour images, 10 classes",
    source: "Krizhevsky 2009, Learning multiple layers of features from tiny images", licence: "not stated",
    urls: [archive.urls[0]])

  static let archive = SourceFile(
    path: "cifar10/cifar-10-binary.tar.gz", urls: ["https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"],
    bytes: 170_052_171, sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd")

  static let originalFiles = SourceSet(
    id: "cifar10", title: "CIFAR-10, original pixels", licence: "not stated", files: [archive])

  static let jpegFiles = SourceSet(
    id: "cifar10-jpeg", title: "CIFAR-10 as lossy JPEG (not for accuracy claims)", licence: "not stated",
    files: [
      SourceFile(
        path: "cifar10-jpeg/cifar10_train.npz", urls: [], bytes: 15_322_322,
        sha256: "a669680c9f5bee145c6fee3d8dd7d6d1d276d0324e6ef7f796f7186a1cd95d0b"),
      SourceFile(
        path: "cifar10-jpeg/cifar10_test.npz", urls: [], bytes: 3_066_586,
        sha256: "614591fb90b80515420311210ae4d6ffa7c64cb7a0cae4ea260716dc915b8979"),
    ])

  static let classes = [
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
  ]

  private let images: LabelledImages

  public init(_ options: inout Section, root: DataRoot) throws {
    let variant = try options.choice("variant", ["original", "jpeg"], default: "original")
    images = try LabelledImages(variant == "jpeg" ? Self.jpeg : Self.original, &options, root: root)
  }

  public var spec: DataSpec { images.spec }
  public var fingerprint: String { images.fingerprint }
  public func batch(_ indices: [Int], of split: Split) throws -> Batch { images.batch(indices, of: split) }

  private static func source(
    _ variant: String, _ files: SourceSet, decoder: String,
    _ decode: @escaping @Sendable (DataRoot) throws -> (train: DecodedImages, test: DecodedImages)
  ) -> LabelledImageSource {
    LabelledImageSource(
      dataset: "cifar10", variant: variant, version: 1, decoder: decoder, files: files, height: 32, width: 32,
      channels: 3, classes: classes, trainCount: 50_000, testCount: 10_000, decode: decode)
  }

  static let original = source("original", originalFiles, decoder: "") { root in
    try unpack(try root.bytes(of: archive, in: originalFiles), file: archive.path, perBatch: 10_000)
  }

  static let jpeg = source("jpeg", jpegFiles, decoder: JPEGDecoder.version) { root in
    let parts = try jpegFiles.files.map { file in
      try decodeJPEGs(try root.bytes(of: file, in: jpegFiles), file: file.path)
    }
    return (parts[0], parts[1])
  }

  /// The published archive: five training batches and a test batch.
  static func unpack(
    _ archive: [UInt8], file: String, perBatch: Int
  ) throws -> (train: DecodedImages, test: DecodedImages) {
    let batchBytes = perBatch * CIFARBatch.recordBytes
    // Six batches, two small text files, and the tar headers.
    let tar = try TarArchive(
      try Deflate.gunzip(archive, limit: 6 * batchBytes + 1 << 20, file: file), file: file)
    func batch(_ name: String) throws -> CIFARBatch {
      let member = "cifar-10-batches-bin/\(name).bin"
      return try CIFARBatch(try tar.contents(member, size: batchBytes), file: "\(file):\(member)")
    }
    var train = DecodedImages(pixels: [], labels: [])
    train.pixels.reserveCapacity(5 * perBatch * (CIFARBatch.recordBytes - 1))
    for i in 1...5 {
      let part = try batch("data_batch_\(i)")
      train.pixels += part.pixels
      train.labels += part.labels
    }
    let test = try batch("test_batch")
    return (train, DecodedImages(pixels: test.pixels, labels: test.labels))
  }

  /// The mirror's copy: all JPEG files end to end, with offsets and labels.
  static func decodeJPEGs(_ bytes: [UInt8], file: String) throws -> DecodedImages {
    let archive = try NPZArchive(bytes, file: file)
    let (jpegs, items) = try archive.ragged("jpeg", offsets: "offsets")
    let labels = try archive.bytes("labels", rank: 1).values
    guard labels.count == items.count else {
      throw ReproError.data(file, "\(labels.count) labels of \(items.count) images")
    }
    let pixels = try JPEGDecoder.decodeAll(jpegs, items: items, height: 32, width: 32, name: file)
    return DecodedImages(pixels: pixels, labels: labels)
  }
}
