import ReproConfig
import ReproData
import ReproTensor
import Synchronization

/// One number of an evaluation, as its card announces it.
public struct MeasurementSpec: Sendable {
  /// The part behind the dot in `knn.top1`.
  public var name: String
  public var unit: String
  public var isHigherBetter: Bool
  /// Decimals that people are shown.
  public var decimals: Int
  public init(_ name: String, unit: String, isHigherBetter: Bool = true, decimals: Int = 3) {
    (self.name, self.unit, self.isHigherBetter, self.decimals) = (name, unit, isHigherBetter, decimals)
  }
}

/// A named, versioned protocol. Two protocols never share a column of a table.
public struct EvaluationCard: Sendable {
  /// `knn/v1`: a protocol that changes its numbers gets the next version.
  public var id: String
  public var title: String
  /// Where the protocol comes from.
  public var source: String
  public var measurements: [MeasurementSpec]
  public init(id: String, title: String, source: String, measurements: [MeasurementSpec]) {
    (self.id, self.title, self.source, self.measurements) = (id, title, source, measurements)
  }
}

/// Measures a frozen encoder on a data set.
public protocol Evaluation: Sendable {
  static var card: EvaluationCard { get }
  init(_ options: inout Section) throws(ReproError)
  /// Named values, every name announced by the card.
  func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)]
}

/// A frozen encoder: batches in, features out.
public protocol Encoder: Sendable {
  func features(of batch: Batch) throws -> Features
}

/// An encoder together with the data on which it is measured; features are computed once for all evaluations.
///
/// Only evaluations get one: this is where labels of every split can be read.
public final class EvaluationSubject: Sendable {
  private let encoder: any Encoder
  private let data: any DatasetProvider
  private let known = Mutex<[Key: Labelled]>([:])

  private struct Key: Hashable {
    let split: Split
    let dense: Bool
    let limit: Int
  }

  /// Features of samples with all columns of the same samples but their images.
  public struct Labelled: Sendable {
    public var features: Features
    public var labels: Batch
  }

  public init(encoder: any Encoder, data: any DatasetProvider) {
    self.encoder = encoder
    self.data = data
  }

  public var spec: DataSpec { data.spec }

  /// Features of a split (or of its first `limit` samples); `dense` asks for the features of places too.
  public func labelled(_ split: Split, dense: Bool = false, limit: Int? = nil) throws -> Labelled {
    let n = min(spec.sizes[split] ?? 0, limit ?? .max)
    let key = Key(split: split, dense: dense, limit: n)
    if let found = known.withLock({ $0[key] }) { return found }
    var global: [Tensor] = []
    var places: [Tensor] = []
    var labels: [Batch] = []
    let step = 256
    for first in stride(from: 0, to: n, by: step) {
      let batch = try data.batch(Array(first..<min(first + step, n)), of: split)
      var inputs = batch
      inputs.columns.removeAll { spec[field: $0.name]?.isLabel ?? true }
      let features = try encoder.features(of: inputs)
      global.append(features.global)
      if dense, let map = features.dense { places.append(map) }
      var rest = batch
      rest.columns.removeAll { column in !(spec[field: column.name]?.isLabel ?? true) }
      labels.append(rest)
    }
    guard !global.isEmpty else {
      throw ReproError(.data, found: "split '\(split.rawValue)' is empty", hint: "give the data set a size for it")
    }
    let result = Labelled(
      features: Features(global: concat(global), dense: places.isEmpty ? nil : concat(places)), labels: Batch(joining: labels))
    known.withLock { $0[key] = result }
    return result
  }
}

extension Batch {
  /// Batches of the same columns, one after the other.
  public init(joining batches: [Batch]) {
    require(!batches.isEmpty, "joining needs at least one batch")
    self.init(
      indices: batches.flatMap(\.indices),
      columns: batches[0].columns.map { name, first in
        (
          name,
          batches.dropFirst().reduce(first) { joined, batch in
            guard let next = batch[name] else { requirementFailed("a batch lacks column '\(name)'") }
            return joined.appending(next)
          }
        )
      })
  }
}

extension Column {
  /// This column followed by another of the same kind.
  public func appending(_ other: Column) -> Column {
    switch (self, other) {
    case (.images(let a), .images(let b)):
      require(
        a.height == b.height && a.width == b.width && a.channels == b.channels, "images of two sizes cannot be joined")
      return .images(
        ImageBatch(
          count: a.count + b.count, height: a.height, width: a.width, channels: a.channels, bytes: a.bytes + b.bytes))
    case (.integers(let a), .integers(let b)): return .integers(a + b)
    case (.reals(let a), .reals(let b)): return .reals(concat([a, b]))
    case (.texts(let a), .texts(let b)): return .texts(a + b)
    default: requirementFailed("columns of two kinds cannot be joined")
    }
  }
}
