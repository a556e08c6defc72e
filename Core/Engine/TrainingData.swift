import ReproData
import ReproTensor

/// The training split as methods see it: no other split, and no labels unless the method is supervised.
///
/// The order of epoch e is a permutation drawn from the seed and e alone, so any step's batch can be made without the steps
/// before it. Samples that do not fill a batch at the end of an epoch are left out of that epoch.
public struct TrainingData: Sendable {
  private let samples: MemoryDataset
  private let random: RandomStream
  /// The whole graph, if the data set is one; without labels unless the method is supervised.
  public let graph: GraphData?
  /// All interactions of the training part, if the data set is of that kind.
  public let interactions: InteractionData?

  /// - Parameters:
  ///   - provider: the data set; its training split is read into memory once.
  ///   - labelled: whether label columns are handed out.
  ///   - random: the stream that orders the epochs.
  public init(_ provider: any DatasetProvider, labelled: Bool, random: RandomStream) throws {
    samples = try MemoryDataset(provider, .train, labelled: labelled)
    self.random = random
    var graph = (provider as? any GraphDataset)?.graph
    if !labelled { graph?.trainLabels = [] }
    self.graph = graph
    interactions = (provider as? any InteractionDataset)?.interactions
  }

  /// Number of samples.
  public var count: Int { samples.count }

  /// The batch of a step, `size` samples.
  public func batch(step: Int, size: Int) throws -> Batch {
    require(size <= count, "a batch of \(size) cannot be drawn from \(count) training samples")
    return Profile.measure("batch") { samples.batch(drawn(size, of: count, step)) }
  }

  /// The batch of a step from some of the samples alone: what was chosen of a larger set.
  ///
  /// - Parameter places: which samples; epochs visit each of them once, as above.
  public func batch(step: Int, size: Int, among places: [Int]) throws -> Batch {
    require(size > 0 && size <= places.count, "a batch of \(size) cannot be drawn from \(places.count) chosen samples")
    return Profile.measure("batch") { samples.batch(drawn(size, of: places.count, step).map { places[$0] }) }
  }

  /// The places of a step's samples: each epoch has an order of its own, and leaves out what fills no batch.
  private func drawn(_ size: Int, of count: Int, _ step: Int) -> [Int] {
    let perEpoch = count / size
    var stream = random.child("epoch", step / perEpoch)
    let order = stream.permutation(count)
    let first = (step % perEpoch) * size
    return Array(order[first..<(first + size)])
  }

  /// At most so many of the first samples, in their own order.
  func first(_ count: Int) -> Batch { samples.batch(Array(0..<min(count, self.count))) }

  /// All samples in their own order: for clustering, memory banks and curation.
  public func all() -> Batch { samples.batch(Array(0..<count)) }
}

/// A split, rendered or decoded once and kept in memory.
struct MemoryDataset: Sendable {
  private let content: Batch
  var count: Int { content.count }

  init(_ provider: any DatasetProvider, _ split: Split, labelled: Bool) throws {
    let spec = provider.spec
    var all = try provider.batch(Array(0..<(spec.sizes[split] ?? 0)), of: split)
    if !labelled {
      all.columns.removeAll { column in spec[field: column.name]?.isLabel ?? true }
    }
    content = all
  }

  func batch(_ places: [Int]) -> Batch {
    Batch(
      indices: places.map { content.indices[$0] },
      columns: content.columns.map { name, values in (name, values.rows(places)) })
  }
}

extension Column {
  /// The values at the given places.
  public func rows(_ places: [Int]) -> Column {
    switch self {
    case .images(let images): .images(images.rows(places))
    case .integers(let values): .integers(places.map { values[$0] })
    case .reals(let tensor): .reals(tensor.gathered(IndexTensor(places)))
    case .texts(let values): .texts(places.map { values[$0] })
    }
  }
}

extension ImageBatch {
  /// The samples at the given places.
  public func rows(_ places: [Int]) -> ImageBatch {
    let size = sampleSize
    var chosen = [UInt8](repeating: 0, count: places.count * size)
    chosen.withUnsafeMutableBufferPointer { target in
      bytes.withUnsafeBufferPointer { source in
        for (i, place) in places.enumerated() {
          for k in 0..<size { target[i * size + k] = source[place * size + k] }
        }
      }
    }
    return ImageBatch(
      count: places.count, frames: frames, height: height, width: width, channels: channels, bytes: chosen)
  }
}
