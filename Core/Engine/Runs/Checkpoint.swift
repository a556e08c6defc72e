import ReproConfig
import ReproData
import ReproNN
import ReproTensor

/// The state of a run on disk: parameters, buffers and counters of layers, by name, in HDF5 (readable with h5py).
///
/// Files are sealed with a checksum, written beside their place and renamed; the one before is kept as `previous`.
public struct CheckpointFile: Sendable {
  public let path: String
  private var previous: String { path.replacingSuffix(".h5", with: ".previous.h5") }

  public init(_ path: String) { self.path = path }

  /// Writes a checkpoint; `body` adds layers and attributes.
  public func write(_ body: (HDF5File) throws -> Void) throws {
    let fresh = path.replacingSuffix(".h5", with: ".next.h5")
    try HDF5File.write(fresh, body)
    if SafeFile.exists(path) { try SafeFile.move(path, to: previous) }
    try SafeFile.move(fresh, to: path)
  }

  /// Hands the newest whole checkpoint to `body`; says which ones are damaged. Nil if there is none.
  public func read<R>(notices: Notices, _ body: (HDF5File) throws -> R) throws -> R? {
    var damaged: ReproError?
    for candidate in [path, previous] where SafeFile.exists(candidate) {
      do {
        let result = try body(try HDF5File.open(candidate, seal: .required))
        if damaged != nil { notices("going on from \(candidate)") }
        return result
      } catch let error as ReproError where error.domain == .data {
        notices("damaged checkpoint: \(error)")
        damaged = error
      }
    }
    if let damaged {
      throw ReproError(
        .data, at: path, found: "no whole checkpoint is left (\(damaged.found))",
        hint: "remove the run's folder to train it again")
    }
    return nil
  }
}

extension HDF5File {
  /// Writes every tensor and counter of a layer under a group, by its name.
  public func write(_ layer: some Layer, under group: String) throws {
    var copy = layer
    var collector = StateCollector()
    copy.visit(&collector)
    try makeGroup(group)
    for (name, tensor) in collector.tensors {
      try tensor.withElements { try write("\(group)/\(name)", $0, shape: tensor.shape) }
    }
    for (name, value) in collector.integers {
      try write("\(group)/\(name)", [Int64(value)], shape: [1])
    }
  }

  /// Fills a layer of the same structure with what `write` stored.
  public func read(_ layer: inout some Layer, under group: String) throws {
    var loader = StateLoader(file: self, group: group)
    layer.visit(&loader)
    if let error = loader.failure { throw error }
  }
}

private struct StateCollector: LayerVisitor {
  var place = PathTracker()
  var tensors: [(String, Tensor)] = []
  var integers: [(String, Int)] = []
  mutating func tensor(_ name: StaticString, _ role: Role, _ t: inout Tensor) { tensors.append((place.path(name), t)) }
  mutating func integer(_ name: StaticString, _ value: inout Int) { integers.append((place.path(name), value)) }
  mutating func enter(_ name: StaticString, _ index: Int?, frozen: Bool) { place.enter(name, index, frozen: frozen) }
  mutating func leave() { place.leave() }
}

private struct StateLoader: LayerVisitor {
  let file: HDF5File
  let group: String
  var place = PathTracker()
  var failure: (any Error)?

  mutating func tensor(_ name: StaticString, _ role: Role, _ t: inout Tensor) {
    guard failure == nil else { return }
    do {
      t = Tensor(t.shape, try file.read("\(group)/\(place.path(name))", as: Real.self, shape: t.shape).values)
    } catch { failure = error }
  }

  mutating func integer(_ name: StaticString, _ value: inout Int) {
    guard failure == nil else { return }
    do {
      value = Int(try file.read("\(group)/\(place.path(name))", as: Int64.self, shape: [1]).values[0])
    } catch { failure = error }
  }

  mutating func enter(_ name: StaticString, _ index: Int?, frozen: Bool) { place.enter(name, index, frozen: frozen) }
  mutating func leave() { place.leave() }
}

extension Layer {
  /// SHA-256 over all tensors and counters, names included: equal exactly when the states are, bit by bit.
  public var stateSHA256: String {
    var copy = self
    var collector = StateCollector()
    copy.visit(&collector)
    let hash = SHA256()
    for (name, tensor) in collector.tensors {
      hash.update("\(name) \(tensor.shape)\n")
      tensor.withElements { hash.update(UnsafeRawBufferPointer($0)) }
    }
    for (name, value) in collector.integers { hash.update("\(name) = \(value)\n") }
    return hash.hex()
  }

  /// The path of the first tensor or counter that has other bits than in another value of this state; nil if none has.
  func firstDifference(from other: Self) -> String? {
    var (a, b) = (self, other)
    var (own, theirs) = (StateCollector(), StateCollector())
    a.visit(&own)
    b.visit(&theirs)
    for (x, y) in zip(own.tensors, theirs.tensors) {
      let isSame =
        x.1.shape == y.1.shape
        && x.1.withElements { p in y.1.withElements { q in zip(p, q).allSatisfy { $0.bitPattern == $1.bitPattern } } }
      if !isSame { return "\(x.0)" }
    }
    for (x, y) in zip(own.integers, theirs.integers) where x != y { return "\(x.0)" }
    return own.tensors.count == theirs.tensors.count ? nil : "the number of tensors"
  }
}

extension SHA256 {
  /// Appends a text's UTF-8 bytes. A method, because a local function that captures what cannot be copied is refused or
  /// not depending on the rest of the module.
  fileprivate func update(_ text: String) { Array(text.utf8).withUnsafeBytes { update($0) } }
}

extension String {
  func replacingSuffix(_ suffix: String, with other: String) -> String {
    hasSuffix(suffix) ? dropLast(suffix.count) + other : self + other
  }
}
