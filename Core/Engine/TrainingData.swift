import ReproData
import ReproTensor

/// The training split as methods see it: no other split, and no labels unless the method is supervised.
///
/// The order of epoch e is a permutation drawn from the seed and e alone, so any step's batch can be made without the steps
/// before it. Samples that do not fill a batch at the end of an epoch are left out of that epoch.
public struct TrainingData: Sendable {
  private let samples: TrainingSamples
  private let random: RandomStream
  /// The whole graph, if the data set is one; without labels unless the method is supervised.
  public let graph: GraphData?
  /// All interactions of the training part, if the data set is of that kind.
  public let interactions: InteractionData?

  /// - Parameters:
  ///   - provider: the data set; its training split is read into memory once, unless it is large and lies in a cache.
  ///   - labelled: whether label columns are handed out.
  ///   - random: the stream that orders the epochs.
  public init(_ provider: any DatasetProvider, labelled: Bool, random: RandomStream) throws {
    try self.init(provider, labelled: labelled, random: random, mostHeld: TrainingSamples.mostHeld)
  }

  /// - Parameter mostHeld: bytes of a split that is held in memory.
  init(_ provider: any DatasetProvider, labelled: Bool, random: RandomStream, mostHeld: Int) throws {
    samples = try TrainingSamples(provider, labelled: labelled, mostHeld: mostHeld)
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
    return try Profile.measure("batch") { try samples.batch(drawn(size, of: count, step)) }
  }

  /// The batch of a step from some of the samples alone: what was chosen of a larger set.
  ///
  /// - Parameter places: which samples; epochs visit each of them once, as above.
  public func batch(step: Int, size: Int, among places: [Int]) throws -> Batch {
    require(size > 0 && size <= places.count, "a batch of \(size) cannot be drawn from \(places.count) chosen samples")
    return try Profile.measure("batch") { try samples.batch(drawn(size, of: places.count, step).map { places[$0] }) }
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
  func first(_ count: Int) throws -> Batch { try samples.batch(Array(0..<min(count, self.count))) }

  /// All samples in their own order: for clustering, memory banks and curation.
  public func all() throws -> Batch { try samples.batch(Array(0..<count)) }
}

/// The training split, rendered or decoded once and kept in memory; of more than that may take, each batch is asked of a
/// data set that only has to read it.
private struct TrainingSamples: Sendable {
  /// Bytes of images that are held. Above them the program would need as much memory as there is data.
  static let mostHeld = 1 << 29

  private enum Content: Sendable {
    case held(Batch)
    case asked(any TabledDataset)
  }

  let count: Int
  private let content: Content
  /// Columns that are kept from the method.
  private let hidden: Set<String>

  init(_ provider: any DatasetProvider, labelled: Bool, mostHeld: Int) throws {
    let spec = provider.spec
    count = spec.sizes[.train] ?? 0
    hidden = labelled ? [] : Set(spec.fields.filter(\.isLabel).map(\.name))
    let size = spec.fields.reduce(0) { $0 + $1.imageBytes }
    if let table = provider as? any TabledDataset, size > 0, count > mostHeld / size {
      content = .asked(table)
    } else {
      var all = try provider.batch(Array(0..<count), of: .train)
      if !labelled { all.columns.removeAll { column in spec[field: column.name]?.isLabel ?? true } }
      content = .held(all)
    }
  }

  func batch(_ places: [Int]) throws -> Batch {
    switch content {
    case .held(let all):
      return Batch(
        indices: places.map { all.indices[$0] },
        columns: all.columns.map { name, values in (name, values.rows(places)) })
    case .asked(let table):
      var batch = try table.batch(places, of: .train)
      batch.columns.removeAll { hidden.contains($0.name) }
      return batch
    }
  }
}

extension FieldSpec {
  /// Bytes of the images of one sample.
  fileprivate var imageBytes: Int {
    switch kind {
    case .image(let height, let width, let channels): height * width * channels
    case .frames(let count, let height, let width, let channels): count * height * width * channels
    case .labelMap(let height, let width, _): height * width
    case .category, .identity, .real, .text: 0
    }
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
