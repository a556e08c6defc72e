import ReproConfig
import ReproTensor

/// Which part of a data set; training code can only ever be handed `train`.
public enum Split: String, Sendable, CaseIterable { case train, validation, test }

/// 8-bit images of one size, sRGB 0...255: one a sample, `[N, H, W, C]`, or several (frames of a video, views),
/// `[N, T, H, W, C]`; also maps of one class per pixel (C = 1).
public struct ImageBatch: Sendable, Equatable {
  /// Samples.
  public var count: Int
  /// Images of one sample, in order.
  public var frames: Int
  public var height, width, channels: Int
  /// Row by row, channels interleaved: `count * frames * height * width * channels` bytes.
  public var bytes: [UInt8]

  public init(count: Int, frames: Int = 1, height: Int, width: Int, channels: Int, bytes: [UInt8]) {
    require(
      bytes.count == count * frames * height * width * channels,
      "an image batch [\(count), \(frames), \(height), \(width), \(channels)] does not hold \(bytes.count) bytes")
    (self.count, self.frames, self.height, self.width, self.channels) = (count, frames, height, width, channels)
    self.bytes = bytes
  }

  /// Bytes of one sample.
  public var sampleSize: Int { frames * height * width * channels }

  /// Every frame as a sample of its own: `[N * T, H, W, C]`, the frames of a sample side by side.
  public var separated: ImageBatch {
    ImageBatch(count: count * frames, height: height, width: width, channels: channels, bytes: bytes)
  }
}

/// What one named column of a data set holds.
public enum FieldKind: Sendable, Equatable {
  /// UInt8 images, `[H, W, C]`.
  case image(height: Int, width: Int, channels: Int)
  /// UInt8 images of one size that belong to one sample, in order: frames of a video, views; `[T, H, W, C]`.
  case frames(count: Int, height: Int, width: Int, channels: Int)
  /// UInt8 class of each pixel, `[H, W]`.
  case labelMap(height: Int, width: Int, classes: [String])
  /// One of the named classes.
  case category(classes: [String])
  /// Which individual it is, `0 ..< count`.
  case identity(count: Int)
  /// Real numbers of a fixed shape, with their unit ("1" for none).
  case real(shape: Shape, unit: String)
  case text
}

/// One column of a data set. Labels reach training code only if the method declares that it is supervised.
public struct FieldSpec: Sendable, Equatable {
  public var name: String
  public var kind: FieldKind
  public var isLabel: Bool
  public init(_ name: String, _ kind: FieldKind, isLabel: Bool) {
    self.name = name
    self.kind = kind
    self.isLabel = isLabel
  }
}

/// What a data set offers: its columns and the sizes of its splits.
public struct DataSpec: Sendable, Equatable {
  public var fields: [FieldSpec]
  public var sizes: [Split: Int]
  public init(fields: [FieldSpec], sizes: [Split: Int]) {
    self.fields = fields
    self.sizes = sizes
  }

  public subscript(field name: String) -> FieldSpec? { fields.first { $0.name == name } }

  /// Sides and channels of the column `image`.
  ///
  /// - Throws: `ReproError`, domain usage, if there is no such column.
  public func image() throws(ReproError) -> (height: Int, width: Int, channels: Int) {
    guard case .image(let height, let width, let channels) = self[field: "image"]?.kind else {
      throw ReproError(
        .usage, found: "the data set has no images, only \(fields.map(\.name).joined(separator: ", "))",
        expected: "a column 'image'")
    }
    return (height, width, channels)
  }
}

/// The values of one column for a batch of samples.
public enum Column: Sendable {
  case images(ImageBatch)
  case integers([Int])
  case reals(Tensor)
  case texts([String])
}

/// Some samples of a data set, column by column, in the order asked for.
public struct Batch: Sendable {
  public var indices: [Int]
  public var columns: [(name: String, values: Column)]
  public init(indices: [Int], columns: [(name: String, values: Column)]) {
    self.indices = indices
    self.columns = columns
  }

  public var count: Int { indices.count }
  public subscript(_ name: String) -> Column? { columns.first { $0.name == name }?.values }

  /// The images of a column; a programmer's mistake if there are none.
  public func images(_ name: String = "image") -> ImageBatch {
    guard case .images(let images) = self[name] else {
      requirementFailed("the batch has no images '\(name)'; it has \(columns.map(\.name))")
    }
    return images
  }

  /// The integers of a column (categories, identities); a programmer's mistake if there are none.
  public func integers(_ name: String = "label") -> [Int] {
    guard case .integers(let values) = self[name] else {
      requirementFailed("the batch has no integers '\(name)'; it has \(columns.map(\.name))")
    }
    return values
  }

  /// The real numbers of a column; a programmer's mistake if there are none.
  public func reals(_ name: String) -> Tensor {
    guard case .reals(let values) = self[name] else {
      requirementFailed("the batch has no real numbers '\(name)'; it has \(columns.map(\.name))")
    }
    return values
  }

  /// The texts of a column; a programmer's mistake if there are none.
  public func texts(_ name: String) -> [String] {
    guard case .texts(let values) = self[name] else {
      requirementFailed("the batch has no texts '\(name)'; it has \(columns.map(\.name))")
    }
    return values
  }
}

/// A data set's page in the catalogue.
public struct DatasetCard: Sendable {
  public var id, title, source, licence: String
  /// Canonical URLs; empty for procedural data.
  public var urls: [String]
  public init(id: String, title: String, source: String, licence: String, urls: [String] = []) {
    (self.id, self.title, self.source, self.licence, self.urls) = (id, title, source, licence, urls)
  }
}

/// Where data sets find their files and keep their caches.
public struct DataRoot: Sendable {
  /// Decoded caches and downloads: `$REPRO_CACHE`, else `~/.cache/repro`.
  public var cache: String
  /// `REPRO_MIRROR`: a folder or URL that is looked at before the canonical source.
  public var mirror: String?
  /// The seed of the run: it draws the procedural world, or the training subset of a fixed set.
  public var seed: UInt64
  /// Who hears that a cache is built again, and the like.
  public var notices: Notices
  public init(cache: String, mirror: String?, seed: UInt64, notices: Notices = .silent) {
    (self.cache, self.mirror, self.seed, self.notices) = (cache, mirror, seed, notices)
  }
}

/// A source of samples. A sample is a pure function of (options, seed, split, index): any order, any thread, same
/// bytes.
public protocol DatasetProvider: Sendable {
  static var card: DatasetCard { get }
  /// Reads its options and opens (or renders, or decodes into the cache) what they name.
  init(_ options: inout Section, root: DataRoot) throws
  var spec: DataSpec { get }
  /// Bytes that identify the data for provenance: sha256 of the source files, or the generator's name and version.
  var fingerprint: String { get }
  /// The named samples of a split, all columns.
  func batch(_ indices: [Int], of split: Split) throws -> Batch
}
