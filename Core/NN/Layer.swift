import ReproTensor

/// What a parameter is for: optimizers ask the role, never the name.
public enum Role: String, Sendable {
  /// Multiplies activations: decayed by weight decay.
  case weight
  /// Added to activations.
  case bias
  /// Scales normalised activations (norms, LayerScale).
  case gain
  /// Saved but not trained: running statistics, queues, prototypes by counting.
  case buffer
}

/// A value that owns parameters. It names them, in an order that is for ever the order of its checkpoint.
///
///     public mutating func visit(_ v: inout some LayerVisitor) {
///       v("weight", &weight)
///       v("bias", &bias, .bias)
///     }
public protocol Layer: Sendable {
  mutating func visit(_ v: inout some LayerVisitor)
}

/// Something that walks over the parameters of a layer: optimizers, moving averages, save, load, count, freeze.
public protocol LayerVisitor {
  /// A parameter or buffer, which may be replaced or changed in place.
  mutating func tensor(_ name: StaticString, _ role: Role, _ t: inout Tensor)
  /// A whole number that is saved with the parameters: a queue's head, a count of updates.
  mutating func integer(_ name: StaticString, _ value: inout Int)
  /// What follows, up to `leave`, belongs to a child; `index` is its place in a list, nil for a child by itself.
  mutating func enter(_ name: StaticString, _ index: Int?, frozen: Bool)
  /// The child that was entered last ends.
  mutating func leave()
}

extension LayerVisitor {
  public mutating func integer(_ name: StaticString, _ value: inout Int) {}
  public mutating func enter(_ name: StaticString, _ index: Int?, frozen: Bool) {}
  public mutating func leave() {}

  /// A parameter or buffer.
  public mutating func callAsFunction(_ name: StaticString, _ t: inout Tensor, _ role: Role = .weight) {
    tensor(name, role, &t)
  }

  /// A parameter or buffer that may be absent.
  public mutating func callAsFunction(_ name: StaticString, _ t: inout Tensor?, _ role: Role = .weight) {
    guard var value = t else { return }
    t = nil  // the only reference, so that a visitor may write in place
    tensor(name, role, &value)
    t = value
  }

  /// A child. A frozen one is saved, but neither trained nor tracked.
  public mutating func callAsFunction(_ name: StaticString, _ child: inout some Layer, frozen: Bool = false) {
    enter(name, nil, frozen: frozen)
    child.visit(&self)
    leave()
  }

  /// A child that may be absent.
  public mutating func callAsFunction<L: Layer>(_ name: StaticString, _ child: inout L?, frozen: Bool = false) {
    guard var value = child else { return }
    child = nil
    self(name, &value, frozen: frozen)
    child = value
  }

  /// A list of children, numbered from 0.
  public mutating func callAsFunction(_ name: StaticString, _ children: inout [some Layer], frozen: Bool = false) {
    for i in children.indices {
      enter(name, i, frozen: frozen)
      children[i].visit(&self)
      leave()
    }
  }
}

/// One parameter as reports and checkpoints name it: `blocks.0.attn.qkv.weight`.
public struct ParameterInfo: Sendable, Equatable {
  /// Its name, dotted; empty where nobody asked for names.
  public var path: String
  public var role: Role
  public var shape: Shape
  /// Whether it belongs to a frozen child.
  public var isFrozen: Bool
  /// Whether gradients and updates reach it.
  public var isTrained: Bool { !isFrozen && role != .buffer }
}

/// Keeps the dotted path of the place where a visitor stands.
public struct PathTracker: Sendable {
  private var components: [String] = []
  private var frozen: [Bool] = []

  public init() {}

  /// Whether it stands inside of a frozen child.
  public var isFrozen: Bool { frozen.contains(true) }

  public mutating func enter(_ name: StaticString, _ index: Int?, frozen isFrozen: Bool) {
    components.append(index.map { "\(name).\($0)" } ?? "\(name)")
    frozen.append(isFrozen)
  }

  public mutating func leave() {
    components.removeLast()
    frozen.removeLast()
  }

  /// The path of a parameter of the child where the visitor stands.
  public func path(_ name: StaticString) -> String { (components + ["\(name)"]).joined(separator: ".") }
}

/// Whether a visitor stands inside of a frozen child.
public struct FrozenDepth: Sendable {
  private var depth = 0
  private var frozenAt: Int?

  public init() {}

  public var isFrozen: Bool { frozenAt != nil }

  /// Notes that a child begins.
  public mutating func enter(_ frozen: Bool) {
    depth += 1
    if frozen, frozenAt == nil { frozenAt = depth }
  }

  /// Notes that it ends.
  public mutating func leave() {
    if frozenAt == depth { frozenAt = nil }
    depth -= 1
  }
}

extension Layer {
  /// All parameters and buffers in the order of `visit`.
  public var parameters: [ParameterInfo] {
    var copy = self
    var lister = Lister()
    copy.visit(&lister)
    return lister.found
  }

  /// The parameters that gradients and updates reach, in the order of `visit`; without their paths, which take longer to
  /// spell than an update takes, unless they are asked for.
  func trainedParameters(named: Bool) -> [ParameterInfo] {
    if named { return parameters.filter(\.isTrained) }
    var copy = self
    var lister = TrainedLister()
    copy.visit(&lister)
    return lister.found
  }

  /// Number of trained scalars.
  public var parameterCount: Int { parameters.reduce(0) { $0 + ($1.isTrained ? $1.shape.count : 0) } }

  /// Every tensor in the order of `visit`.
  public var tensors: [Tensor] {
    var copy = self
    var collector = Collector()
    copy.visit(&collector)
    return collector.found
  }

  /// Moves every parameter toward those of another value of the same layer: `own = rate * own + (1 - rate) * other`.
  ///
  /// The teacher of self-distillation: `rate` is its momentum, in [0, 1]. Buffers and whole numbers are copied.
  public mutating func average(with other: Self, rate: Real) {
    var averager = Averager(sources: other.tensors, rate: rate)
    Profile.measure("moving average") { visit(&averager) }
    takeBuffers(from: other)
  }
}

private struct Lister: LayerVisitor {
  var place = PathTracker()
  var found: [ParameterInfo] = []
  mutating func tensor(_ name: StaticString, _ role: Role, _ t: inout Tensor) {
    found.append(ParameterInfo(path: place.path(name), role: role, shape: t.shape, isFrozen: place.isFrozen))
  }
  mutating func enter(_ name: StaticString, _ index: Int?, frozen: Bool) { place.enter(name, index, frozen: frozen) }
  mutating func leave() { place.leave() }
}

private struct TrainedLister: LayerVisitor {
  var place = FrozenDepth()
  var found: [ParameterInfo] = []
  mutating func tensor(_ name: StaticString, _ role: Role, _ t: inout Tensor) {
    guard role != .buffer, !place.isFrozen else { return }
    found.append(ParameterInfo(path: "", role: role, shape: t.shape, isFrozen: false))
  }
  mutating func enter(_ name: StaticString, _ index: Int?, frozen: Bool) { place.enter(frozen) }
  mutating func leave() { place.leave() }
}

private struct Collector: LayerVisitor {
  var found: [Tensor] = []
  mutating func tensor(_ name: StaticString, _ role: Role, _ t: inout Tensor) { found.append(t) }
}

private struct Averager: LayerVisitor {
  let sources: [Tensor]
  let rate: Real
  var next = 0
  mutating func tensor(_ name: StaticString, _ role: Role, _ t: inout Tensor) {
    let source = sources[next]
    next += 1
    if role != .buffer { t.average(with: source, rate: rate) }
  }
}
