import ReproData
import ReproTensor

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
