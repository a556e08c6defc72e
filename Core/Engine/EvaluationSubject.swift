import ReproConfig
import ReproData
import ReproTensor
import Synchronization

/// An encoder together with the data on which it is measured; features are computed once for all evaluations.
///
/// Only evaluations get one: this is where labels of every split can be read. Samples pass through the encoder in
/// chunks that are cut by the split alone, so what an evaluation gets is the same bits whatever was asked for before.
public final class EvaluationSubject: Sendable {
  private let encoder: any Encoder
  private let data: any DatasetProvider
  private let stores = Mutex<[Split: Store]>([:])

  /// Samples that are encoded at once.
  private static let chunk = 256

  /// Features of samples with the label columns of the same samples.
  public struct Labelled: Sendable {
    public var features: Features
    public var labels: Batch
  }

  /// The first samples of a split, as far as anyone has asked. Lists have one entry once they are joined.
  private struct Store {
    var global: [Tensor] = []
    var labels: [Batch] = []
    var count = 0
    /// Features and labels of places: of as few samples as were asked for.
    var dense: [Tensor] = []
    var maps: [Batch] = []
    var denseCount = 0

    /// Adds what is missing of the next chunk.
    mutating func keep(_ part: Encoded, dense isDense: Bool) {
      if part.range.lowerBound == count {
        global.append(part.global)
        labels.append(part.labels)
        count = part.range.upperBound
      }
      if isDense, part.range.lowerBound == denseCount {
        if let map = part.dense { dense.append(map) }
        maps.append(part.maps)
        denseCount = part.range.upperBound
      }
    }

    mutating func join() {
      if global.count > 1 { global = [concat(global)] }
      if dense.count > 1 { dense = [concat(dense)] }
      if labels.count > 1 { labels = [Batch(joining: labels)] }
      if maps.count > 1 { maps = [Batch(joining: maps)] }
    }

    /// Some samples of a store that is joined as far as they go.
    func slice(_ range: Range<Int>, dense isDense: Bool) -> Labelled {
      let columns = labels[0].columns + (isDense ? maps[0].columns : [])
      return Labelled(
        features: Features(
          global: global[0].slice(0, range), dense: isDense ? dense.first?.slice(0, range) : nil),
        labels: Batch(indices: Array(range), columns: columns.map { name, values in (name, values.part(range)) }))
    }
  }

  public init(encoder: any Encoder, data: any DatasetProvider) {
    self.encoder = encoder
    self.data = data
  }

  public var spec: DataSpec { data.spec }

  /// Whether the encoder gives features of places, found out with one sample: for protocols that need them, to refuse
  /// before the work starts.
  public func hasDenseFeatures() throws -> Bool {
    guard let split = Split.allCases.first(where: { (spec.sizes[$0] ?? 0) > 0 }) else { throw empty(.train) }
    return try encoder.features(of: inputs(of: data.batch([0], of: split))).dense != nil
  }

  /// Features and labels of a split, or of its first `limit` samples.
  ///
  /// - Parameters:
  ///   - dense: also the features of places, and the label columns with a value for each pixel (class maps, depth);
  ///     they are large and kept for no more samples than the largest such request. Without it they are left out.
  /// - Returns: global features `[N, D]`, dense ones `[N, rows, columns, D]` (nil if the encoder has none), labels.
  /// - Throws: for an empty split, for features that are not finite, and what the encoder and the data throw.
  public func labelled(_ split: Split, dense: Bool = false, limit: Int? = nil) throws -> Labelled {
    require(limit ?? 1 > 0, "labelled(limit:) needs at least 1 sample, got \(limit ?? 0)")
    let size = spec.sizes[split] ?? 0
    guard size > 0 else { throw empty(split) }
    let n = min(size, limit ?? size)
    let end = min((n + Self.chunk - 1) / Self.chunk * Self.chunk, size)
    let store = try stores.withLock { stores in
      var store = stores[split] ?? Store()
      for first in stride(from: dense ? store.denseCount : store.count, to: end, by: Self.chunk) {
        store.keep(try encode(first..<min(first + Self.chunk, size), of: split, dense: dense), dense: dense)
      }
      store.join()
      stores[split] = store
      return store
    }
    return store.slice(0..<n, dense: dense)
  }

  /// A whole split with features and labels of places, chunk by chunk in order, of which only what is not dense is
  /// kept: for measuring on splits of any size.
  public func forEachChunk(of split: Split, _ body: (Labelled) throws -> Void) throws {
    let size = spec.sizes[split] ?? 0
    guard size > 0 else { throw empty(split) }
    for first in stride(from: 0, to: size, by: Self.chunk) {
      let range = first..<min(first + Self.chunk, size)
      let known = stores.withLock { stores in
        stores[split].flatMap { $0.denseCount >= range.upperBound ? $0 : nil }
      }
      if let known {
        try body(known.slice(range, dense: true))
      } else {
        let part = try encode(range, of: split, dense: true)
        stores.withLock { $0[split, default: Store()].keep(part, dense: false) }
        try body(
          Labelled(
            features: Features(global: part.global, dense: part.dense),
            labels: Batch(indices: Array(range), columns: part.labels.columns + part.maps.columns)))
      }
    }
  }

  /// One chunk with all that is known about it.
  private struct Encoded {
    var range: Range<Int>
    var global: Tensor
    var dense: Tensor?
    var labels: Batch
    var maps: Batch
  }

  private func encode(_ range: Range<Int>, of split: Split, dense: Bool) throws -> Encoded {
    let batch = try data.batch(Array(range), of: split)
    let features = try encoder.features(of: inputs(of: batch))
    require(
      features.global.rank == 2 && features.global.shape[0] == range.count
        && (features.dense.map { $0.rank == 4 && $0.shape[0] == range.count } ?? true),
      "an encoder gives [B, D] and [B, rows, columns, D], got \(features.global.shape) and "
        + "\(features.dense.map { "\($0.shape)" } ?? "none") for \(range.count) samples")
    let bad = features.global.nonFiniteCount + (dense ? features.dense?.nonFiniteCount ?? 0 : 0)
    guard bad == 0 else {
      throw ReproError(
        .numerical,
        found: "\(bad) features of samples \(range.lowerBound) to \(range.upperBound - 1) of "
          + "'\(split.rawValue)' are not finite", hint: "did the training diverge?")
    }
    return Encoded(
      range: range, global: features.global.detached, dense: features.dense?.detached,
      labels: labels(of: batch, perPixel: false), maps: labels(of: batch, perPixel: true))
  }

  /// What the encoder may see.
  private func inputs(of batch: Batch) -> Batch {
    Batch(indices: batch.indices, columns: batch.columns.filter { spec[field: $0.name]?.isLabel == false })
  }

  private func labels(of batch: Batch, perPixel: Bool) -> Batch {
    Batch(
      indices: batch.indices,
      columns: batch.columns.filter { column in
        guard let field = spec[field: column.name], field.isLabel else { return false }
        return field.kind.isPerPixel == perPixel
      })
  }

  private func empty(_ split: Split) -> ReproError {
    ReproError(.data, found: "split '\(split.rawValue)' is empty", hint: "give the data set a size for it")
  }
}

extension FieldKind {
  /// Whether one sample fills many numbers, as maps do; a pose or a camera does not.
  fileprivate var isPerPixel: Bool {
    switch self {
    case .image, .frames, .labelMap: true
    case .real(let shape, _): shape.count > 256
    case .category, .identity, .text: false
    }
  }
}

extension Batch {
  /// Batches of the same columns, one after the other.
  public init(joining batches: [Batch]) {
    guard let first = batches.first else { requirementFailed("joining needs at least one batch") }
    self.init(
      indices: batches.flatMap(\.indices),
      columns: first.columns.map { name, _ in
        let parts = batches.map { batch in
          guard let part = batch[name] else { requirementFailed("a batch lacks column '\(name)'") }
          return part
        }
        return (name, Column(joining: parts))
      })
  }
}

extension Column {
  /// Columns of one kind, one after the other; every value is copied once.
  public init(joining parts: [Column]) {
    switch parts.first {
    case .images(let first):
      let images = parts.map { part in
        guard case .images(let images) = part else { requirementFailed("columns of two kinds cannot be joined") }
        require(
          images.frames == first.frames && images.height == first.height && images.width == first.width
            && images.channels == first.channels,
          "images of two sizes cannot be joined")
        return images
      }
      var bytes: [UInt8] = []
      bytes.reserveCapacity(images.reduce(0) { $0 + $1.bytes.count })
      for part in images { bytes += part.bytes }
      self = .images(
        ImageBatch(
          count: images.reduce(0) { $0 + $1.count }, frames: first.frames, height: first.height, width: first.width,
          channels: first.channels, bytes: bytes))
    case .integers:
      self = .integers(
        parts.flatMap { part in
          guard case .integers(let values) = part else { requirementFailed("columns of two kinds cannot be joined") }
          return values
        })
    case .reals:
      self = .reals(
        concat(
          parts.map { part in
            guard case .reals(let values) = part else { requirementFailed("columns of two kinds cannot be joined") }
            return values
          }))
    case .texts:
      self = .texts(
        parts.flatMap { part in
          guard case .texts(let values) = part else { requirementFailed("columns of two kinds cannot be joined") }
          return values
        })
    case nil: requirementFailed("joining needs at least one column")
    }
  }

  /// The values of neighbouring samples.
  func part(_ range: Range<Int>) -> Column {
    switch self {
    case .images(let images):
      if range.count == images.count { return self }
      let size = images.sampleSize
      return .images(
        ImageBatch(
          count: range.count, frames: images.frames, height: images.height, width: images.width,
          channels: images.channels, bytes: Array(images.bytes[(range.lowerBound * size)..<(range.upperBound * size)])))
    case .integers(let values): return .integers(Array(values[range]))
    case .reals(let values): return .reals(values.slice(0, range))
    case .texts(let values): return .texts(Array(values[range]))
    }
  }
}
