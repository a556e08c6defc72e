import ReproConfig
import ReproData
import ReproTensor

/// One value of one sample, in the order of the data set's fields.
enum SampleValue {
  /// Pixels of an image, of frames or of a label map.
  case bytes([UInt8])
  /// A category or an identity.
  case integer(Int)
  case reals([Float])
  case text(String)
}

/// The renderers of one thread, one for each size of picture.
final class Easel {
  private var renderers: [Renderer] = []

  func renderer(_ width: Int, _ height: Int, supersampling: Int = 2) -> Renderer {
    for renderer in renderers
    where renderer.width == width && renderer.height == height && renderer.supersampling == supersampling {
      return renderer
    }
    let renderer = Renderer(width: width, height: height, supersampling: supersampling)
    renderers.append(renderer)
    return renderer
  }
}

/// Numbers of samples per split, read from the options `train`, `validation` and `test`.
func splitSizes(
  _ options: inout Section, train: Int, validation: Int, test: Int
) throws(ReproError) -> [Split: Int] {
  let range = 0...100_000_000
  return [
    .train: try options.int("train", in: range, default: train),
    .validation: try options.int("validation", in: range, default: validation),
    .test: try options.int("test", in: range, default: test),
  ]
}

extension DataSpec {
  /// Draws samples in parallel and lays their values out column by column.
  ///
  /// Samples are cut into tiles of four whatever the number of threads, and no sample sees another.
  ///
  /// - Parameters:
  ///   - name: the data set, for messages.
  ///   - sample: the values of one sample in the order of `fields`.
  func batch(
    _ indices: [Int], of split: Split, _ name: String, _ sample: (Int, Easel) -> [SampleValue]
  ) -> Batch {
    let limit = sizes[split] ?? 0
    for index in indices {
      require(index >= 0 && index < limit, "sample \(index) of \(limit) in \(name)/\(split.rawValue)")
    }
    var drawn = [[SampleValue]](repeating: [], count: indices.count)
    let tile = 4
    drawn.withUnsafeMutableBufferPointer { buffer in
      // Every element is written by one tile alone.
      nonisolated(unsafe) let to = buffer
      ThreadPool.shared.forEach((indices.count + tile - 1) / tile) { number in
        let easel = Easel()
        for i in number * tile..<min((number + 1) * tile, indices.count) { to[i] = sample(indices[i], easel) }
      }
    }
    let columns = fields.enumerated().map { place, field in
      (name: field.name, values: column(field, drawn.map { $0[place] }))
    }
    return Batch(indices: indices, columns: columns)
  }

  private func column(_ field: FieldSpec, _ values: [SampleValue]) -> Column {
    func images(_ frames: Int, _ height: Int, _ width: Int, _ channels: Int) -> Column {
      var bytes: [UInt8] = []
      bytes.reserveCapacity(values.count * frames * height * width * channels)
      for value in values { if case .bytes(let pixels) = value { bytes += pixels } }
      return .images(
        ImageBatch(
          count: values.count, frames: frames, height: height, width: width, channels: channels, bytes: bytes))
    }
    switch field.kind {
    case .image(let height, let width, let channels): return images(1, height, width, channels)
    case .frames(let count, let height, let width, let channels): return images(count, height, width, channels)
    case .labelMap(let height, let width, _): return images(1, height, width, 1)
    case .category, .identity:
      return .integers(values.compactMap { if case .integer(let number) = $0 { number } else { nil } })
    case .real(let shape, _):
      var numbers: [Float] = []
      numbers.reserveCapacity(values.count * shape.count)
      for value in values { if case .reals(let some) = value { numbers += some } }
      let extents = [values.count] + (0..<shape.rank).map { shape[$0] }
      require(
        numbers.count == values.count * shape.count, "field '\(field.name)' \(shape) got \(numbers.count) numbers")
      return .reals(Tensor(Shape(extents), numbers.map { Real($0) }))
    case .text: return .texts(values.compactMap { if case .text(let words) = $0 { words } else { nil } })
    }
  }
}

extension RandomStream {
  /// One of the items, all equally likely.
  mutating func pick<T>(_ items: [T]) -> T { items[integer(below: items.count)] }

  /// A whole number of a closed range.
  mutating func integer(in range: ClosedRange<Int>) -> Int {
    range.lowerBound + integer(below: range.upperBound - range.lowerBound + 1)
  }

  /// Uniform in a range.
  mutating func float(in range: ClosedRange<Float>) -> Float { float(range.lowerBound, range.upperBound) }

  /// A vector whose components are uniform in [-1, 1).
  mutating func cube() -> Vec3 { Vec3(float(-1, 1), float(-1, 1), float(-1, 1)) }
}
