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
  private let known = Mutex<FeatureShapes?>(nil)

  /// Samples that are encoded at once.
  private static let chunk = 256
  /// A split of so few samples is kept with all that is known of it: one scene may cost as much as thousands of pictures.
  private static let few = 8

  /// What an encoder gives for one sample: the shapes of its features and outputs without the axis of the batch.
  public struct FeatureShapes: Sendable, Equatable {
    public var global: Shape
    public var dense: Shape?
    public var outputs: [String: Shape]
  }

  /// Features of samples with the label columns of the same samples.
  public struct Labelled: Sendable {
    public var features: Features
    public var labels: Batch
  }

  /// The first samples of a split, as far as anyone has asked. Lists have one entry once they are joined.
  private struct Store {
    var global: [Tensor] = []
    var outputs: [[String: Tensor]] = []
    var labels: [Batch] = []
    var count = 0
    /// Features, outputs and labels of places: of as few samples as were asked for.
    var dense: [Tensor] = []
    var denseOutputs: [[String: Tensor]] = []
    var maps: [Batch] = []
    var denseCount = 0

    /// Adds what is missing of the next chunk.
    mutating func keep(_ part: Encoded, dense isDense: Bool) {
      if part.range.lowerBound == count {
        global.append(part.global)
        outputs.append(part.outputs)
        labels.append(part.labels)
        count = part.range.upperBound
      }
      if isDense, part.range.lowerBound == denseCount {
        if let map = part.dense { dense.append(map) }
        denseOutputs.append(part.denseOutputs)
        maps.append(part.maps)
        denseCount = part.range.upperBound
      }
    }

    mutating func join() {
      if global.count > 1 { global = [concat(global)] }
      if outputs.count > 1 { outputs = [joined(outputs)] }
      if dense.count > 1 { dense = [concat(dense)] }
      if denseOutputs.count > 1 { denseOutputs = [joined(denseOutputs)] }
      if labels.count > 1 { labels = [Batch(joining: labels)] }
      if maps.count > 1 { maps = [Batch(joining: maps)] }
    }

    /// Outputs of neighbouring chunks, one after the other.
    private func joined(_ parts: [[String: Tensor]]) -> [String: Tensor] {
      var result: [String: Tensor] = [:]
      for name in parts[0].keys {
        let values = parts.compactMap { $0[name] }
        require(values.count == parts.count, "an encoder gives output '\(name)' for some samples only")
        result[name] = concat(values)
      }
      return result
    }

    /// Some samples of a store that is joined as far as they go.
    func slice(_ range: Range<Int>, dense isDense: Bool) -> Labelled {
      let columns = labels[0].columns + (isDense ? maps[0].columns : [])
      let all = isDense ? outputs[0].merging(denseOutputs[0]) { own, _ in own } : outputs[0]
      return Labelled(
        features: Features(
          global: global[0].slice(0, range), dense: isDense ? dense.first?.slice(0, range) : nil,
          outputs: all.mapValues { $0.slice(0, range) }),
        labels: Batch(indices: Array(range), columns: columns.map { name, values in (name, values.part(range)) }))
    }
  }

  public init(encoder: any Encoder, data: any DatasetProvider) {
    self.encoder = encoder
    self.data = data
  }

  public var spec: DataSpec { data.spec }

  /// What the encoder gives, found out with one sample: for protocols that need more than global features, to refuse
  /// before the work starts.
  public func featureShapes() throws -> FeatureShapes {
    if let shapes = known.withLock({ $0 }) { return shapes }
    guard let split = Split.allCases.first(where: { (spec.sizes[$0] ?? 0) > 0 }) else { throw empty(.train) }
    let features = try encoder.features(of: inputs(of: data.batch([0], of: split)))
    let shapes = FeatureShapes(
      global: features.global.shape.dropping(0), dense: features.dense?.shape.dropping(0),
      outputs: features.outputs.mapValues { $0.shape.dropping(0) })
    known.withLock { $0 = shapes }
    return shapes
  }

  /// Whether the encoder gives features of places; see `featureShapes`.
  public func hasDenseFeatures() throws -> Bool { try featureShapes().dense != nil }

  /// The encoder as something that can go on training; nil if its method does not offer that.
  public var trainable: (any TrainableEncoder)? { encoder as? any TrainableEncoder }

  /// The encoder as something that reads text; nil if its method does not offer that.
  public var texts: (any TextEncoder)? { encoder as? any TextEncoder }

  /// The encoder as something that writes text; nil if its method does not offer that.
  public var writer: (any TextGenerator)? { encoder as? any TextGenerator }

  /// All columns of some samples, labels included: for protocols that train the encoder. What the encoder may see of
  /// them is `inputs(of:)`.
  public func samples(_ indices: [Int], of split: Split) throws -> Batch { try data.batch(indices, of: split) }

  /// Global features of samples that an evaluation has changed or made, `[N, D]`; chunk by chunk, nothing is kept.
  public func globalFeatures(of inputs: Batch) throws -> Tensor { try encoded(inputs) { $0.global } }

  /// A named output of samples that an evaluation has changed or made, `[N, ...]`; chunk by chunk, nothing is kept. The
  /// method must have it: see `featureShapes`.
  public func output(_ name: String, of inputs: Batch) throws -> Tensor {
    try encoded(inputs) { features in
      guard let output = features.outputs[name] else { requirementFailed("the method gives no output '\(name)'") }
      return output
    }
  }

  private func encoded(_ inputs: Batch, _ part: (Features) -> Tensor) throws -> Tensor {
    let parts = try stride(from: 0, to: inputs.count, by: Self.chunk).map { first in
      let places = Array(first..<min(first + Self.chunk, inputs.count))
      let rows = Batch(
        indices: places.map { inputs.indices[$0] },
        columns: inputs.columns.map { name, values in (name, values.rows(places)) })
      return part(try encoder.features(of: rows)).detached
    }
    let result = concat(parts)
    guard result.nonFiniteCount == 0 else {
      throw ReproError(
        .numerical, found: "\(result.nonFiniteCount) features of changed samples are not finite",
        hint: "did the training diverge?")
    }
    return result
  }

  /// All features and outputs of samples that an evaluation has changed or made: places to ask a field at, another view.
  ///
  /// - Parameter inputs: what the encoder may see, and columns that its method reads beyond those of the data.
  /// - Throws: for outputs that are not finite, and what the encoder throws.
  public func features(of inputs: Batch) throws -> Features {
    let found = try encoder.features(of: inputs)
    for name in found.outputs.keys.sorted() {
      guard let bad = found.outputs[name]?.nonFiniteCount, bad > 0 else { continue }
      throw ReproError(
        .numerical, found: "\(bad) numbers of output '\(name)' of changed samples are not finite",
        hint: "did the training diverge?")
    }
    return Features(
      global: found.global.detached, dense: found.dense?.detached, outputs: found.outputs.mapValues(\.detached))
  }

  /// Features and labels of a split, or of its first `limit` samples.
  ///
  /// - Parameters:
  ///   - dense: also the features of places, and outputs and label columns with more than 256 numbers for each sample
  ///     (class maps, depth); they are large and kept for no more samples than the largest such request. Without it
  ///     they are left out.
  /// - Returns: global features `[N, D]`, dense ones `[N, rows, columns, D]` (nil if the encoder has none), outputs
  ///   `[N, ...]`, labels.
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
        stores.withLock { $0[split, default: Store()].keep(part, dense: size <= Self.few) }
        try body(
          Labelled(
            features: Features(
              global: part.global, dense: part.dense,
              outputs: part.outputs.merging(part.denseOutputs) { own, _ in own }),
            labels: Batch(indices: Array(range), columns: part.labels.columns + part.maps.columns)))
      }
    }
  }

  /// One chunk with all that is known about it.
  private struct Encoded {
    var range: Range<Int>
    var global: Tensor
    var dense: Tensor?
    var outputs: [String: Tensor]
    var denseOutputs: [String: Tensor]
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
    for (name, output) in features.outputs {
      require(
        output.rank >= 1 && output.shape[0] == range.count,
        "an encoder gives outputs [B, ...], got '\(name)' \(output.shape) for \(range.count) samples")
    }
    var found: [(what: String, count: Int)] = [("features", features.global.nonFiniteCount)]
    if dense { found[0].count += features.dense?.nonFiniteCount ?? 0 }
    for name in features.outputs.keys.sorted() {
      guard let output = features.outputs[name], dense || !output.isLarge else { continue }
      found.append(("numbers of output '\(name)'", output.nonFiniteCount))
    }
    if let bad = found.first(where: { $0.count > 0 }) {
      throw ReproError(
        .numerical,
        found: "\(bad.count) \(bad.what) of samples \(range.lowerBound) to \(range.upperBound - 1) of "
          + "'\(split.rawValue)' are not finite", hint: "did the training diverge?")
    }
    let outputs = features.outputs.mapValues(\.detached)
    return Encoded(
      range: range, global: features.global.detached, dense: features.dense?.detached,
      outputs: outputs.filter { !$1.isLarge }, denseOutputs: outputs.filter { $1.isLarge },
      labels: labels(of: batch, perPixel: false), maps: labels(of: batch, perPixel: true))
  }

  /// What the encoder may see of samples.
  public func inputs(of batch: Batch) -> Batch {
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

extension Tensor {
  /// Whether one sample fills many numbers.
  fileprivate var isLarge: Bool { count > 256 * shape[0] }
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
