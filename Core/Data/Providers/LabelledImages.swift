import ReproConfig
import ReproTensor

/// Images of one size with one label each, as a file or archive decodes to them.
struct DecodedImages: Sendable {
  /// `[N, H, W, C]`.
  var pixels: [UInt8]
  var labels: [UInt8]
}

/// A published set of labelled images: what its files are and how they decode.
struct LabelledImageSource: Sendable {
  /// The provider's id and the edition of the set, for the cache's name.
  var dataset: String
  var variant: String
  /// Raised when `decode` would make something else of the same files.
  var version: Int
  /// The library whose version the pixels depend on; empty if there is none.
  var decoder: String
  var files: SourceSet
  var height, width, channels: Int
  var classes: [String]
  /// Items in the published parts.
  var trainCount, testCount: Int
  var decode: @Sendable (DataRoot) throws -> (train: DecodedImages, test: DecodedImages)

  /// Everything that the decoded values depend on, as 64 hexadecimal digits.
  var digest: String { SHA256.hex(of: "\(files.digest) \(decoder)") }

  /// The parts of the decoded data by their names in the cache.
  func store(_ parts: (train: DecodedImages, test: DecodedImages), _ file: HDF5File) throws {
    for (name, part, count) in [("train", parts.train, trainCount), ("test", parts.test, testCount)] {
      guard part.labels.count == count, part.pixels.count == count * height * width * channels,
        part.labels.allSatisfy({ Int($0) < classes.count })
      else {
        throw ReproError.data(
          files.id, "\(part.labels.count) labels and \(part.pixels.count) bytes of pixels in the \(name) part",
          expected: "\(count) images of [\(height), \(width), \(channels)], labels below \(classes.count)")
      }
      try file.write("\(name)/image", part.pixels, shape: [count, height, width, channels])
      try file.write("\(name)/label", part.labels, shape: [count])
    }
  }
}

/// The chosen samples of a labelled image set, held in memory: what the providers of such sets share.
///
/// Options: `train`, `test` (numbers of samples, default all), `validation` (taken from the training part, default 0)
/// and `size` (pixels, only the set's own). All parts are class-balanced as far as the set allows and ordered so that
/// every prefix is. The run's seed draws training and validation; the test part is the same for all seeds.
struct LabelledImages: Sendable {
  let spec: DataSpec
  let fingerprint: String
  private let parts: [Split: DecodedImages]
  private let source: LabelledImageSource

  init(_ source: LabelledImageSource, _ options: inout Section, root: DataRoot) throws {
    let validation = try options.int("validation", in: 0...source.trainCount - 1, default: 0)
    let train = try options.int("train", in: 1...source.trainCount, default: source.trainCount - validation)
    let test = try options.int("test", in: 1...source.testCount, default: source.testCount)
    _ = try options.int("size", in: source.height...source.height, default: source.height)
    guard train + validation <= source.trainCount else {
      throw ReproError(
        .usage, at: "\(options.node.mark)", found: "train: \(train) and validation: \(validation) in \(options.name)",
        expected: "together at most \(source.trainCount), the training part of \(source.files.id)")
    }
    let cache = DecodedCache(
      root: root, dataset: source.dataset, variant: source.variant, version: source.version, source: source.digest)
    let file = try cache.open {
      try source.decode(root)
    } store: {
      try source.store($0, $1)
    }

    let stream = RandomStream(seed: root.seed).child("data/subset")
    let trainLabels = try LabelledImages.labels("train", source.trainCount, file, source)
    let drawn = ClassBalance.draw(
      train: train, validation: validation, trainLabels, classes: source.classes.count, stream: stream)
    let testLabels = try LabelledImages.labels("test", source.testCount, file, source)
    let fixed = ClassBalance.first(test, testLabels, classes: source.classes.count)
    parts = [
      .train: try LabelledImages.gather(drawn.train, "train", trainLabels, file, source),
      .validation: try LabelledImages.gather(drawn.validation, "train", trainLabels, file, source),
      .test: try LabelledImages.gather(fixed, "test", testLabels, file, source),
    ]
    self.source = source
    let image = FieldKind.image(height: source.height, width: source.width, channels: source.channels)
    spec = DataSpec(
      fields: [
        FieldSpec("image", image, isLabel: false),
        FieldSpec("label", .category(classes: source.classes), isLabel: true),
      ],
      sizes: [.train: train, .validation: validation, .test: test])
    let decoder = source.decoder.isEmpty ? "" : ", \(source.decoder)"
    fingerprint = "\(source.dataset)/\(source.variant) v\(source.version), sha256 \(source.files.digest)\(decoder)"
  }

  private static func labels(
    _ part: String, _ count: Int, _ file: HDF5File, _ source: LabelledImageSource
  ) throws -> [UInt8] {
    try file.read("\(part)/label", as: UInt8.self, shape: [count]).values
  }

  /// The wanted rows, read in slabs and in the order of the file, put in the order wanted.
  private static func gather(
    _ rows: [Int], _ part: String, _ labels: [UInt8], _ file: HDF5File, _ source: LabelledImageSource
  ) throws -> DecodedImages {
    let rowShape: Shape = [source.height, source.width, source.channels]
    let size = rowShape.count
    let slab = 1024
    let order = rows.indices.sorted { rows[$0] < rows[$1] }
    var pixels = [UInt8](repeating: 0, count: rows.count * size)
    var next = 0
    while next < order.count {
      let first = rows[order[next]]
      let last = min(first + slab, labels.count)
      let read = try file.read("\(part)/image", rows: first..<last, rowShape: rowShape, as: UInt8.self)
      while next < order.count, rows[order[next]] < last {
        let from = (rows[order[next]] - first) * size
        let to = order[next] * size
        pixels.withUnsafeMutableBufferPointer { target in
          read.withUnsafeBufferPointer { source in
            let piece = UnsafeMutableBufferPointer(rebasing: target[to..<to + size])
            _ = piece.update(from: source[from..<from + size])
          }
        }
        next += 1
      }
    }
    return DecodedImages(pixels: pixels, labels: rows.map { labels[$0] })
  }

  func batch(_ indices: [Int], of split: Split) -> Batch {
    let size = source.height * source.width * source.channels
    let part = parts[split] ?? DecodedImages(pixels: [], labels: [])
    let pixels = [UInt8](unsafeUninitializedCapacity: indices.count * size) { target, count in
      part.pixels.withUnsafeBufferPointer { pixels in
        for (slot, i) in indices.enumerated() {
          require(
            i >= 0 && i < part.labels.count,
            "sample \(i) of \(part.labels.count) in \(split.rawValue) of \(source.dataset)")
          if let from = pixels.baseAddress, let to = target.baseAddress {
            (to + slot * size).initialize(from: from + i * size, count: size)
          }
        }
      }
      count = indices.count * size
    }
    let images = ImageBatch(
      count: indices.count, height: source.height, width: source.width, channels: source.channels, bytes: pixels)
    return Batch(
      indices: indices,
      columns: [("image", .images(images)), ("label", .integers(indices.map { Int(part.labels[$0]) }))])
  }
}
