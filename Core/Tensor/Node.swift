import Synchronization

/// How a tensor was made: the op's derivative and the nodes of its inputs.
///
/// Serial numbers grow with time, so descending serials are a topological order, and a fixed order of summation.
final class Node: @unchecked Sendable {
  /// An op's derivative: from the gradient of its output to those of its inputs, nil where none is needed.
  enum Derivative {
    case one((VJPScope) -> Tensor)
    case two((VJPScope) -> (Tensor?, Tensor?))
    case many((VJPScope) -> [Tensor?])
  }

  /// A tensor of its own, so that nodes without one are small.
  private final class Saved {
    let tensor: Tensor
    init(_ tensor: Tensor) { self.tensor = tensor }
  }

  let serial: Int
  let name: StaticString
  /// The nodes of the inputs, nil for constants. Nearly every op has one or two, which need no list.
  @exclusivity(unchecked) private var first, second: Node?
  @exclusivity(unchecked) private var list: [Node?] = []
  let parentCount: Int
  @exclusivity(unchecked) private(set) var derivative: Derivative?
  @exclusivity(unchecked) private var saved: Saved?
  /// Scratch of one backward pass: the place of this node in its list; negative outside of it.
  @exclusivity(unchecked) var slot = Node.unseen
  static let unseen = -1
  /// A target that the pass has not come to yet.
  static let awaited = -2

  private static let nextSerial = Atomic<Int>(0)

  /// A variable: has a gradient, but no history.
  init(variable name: StaticString) {
    serial = Node.nextSerial.wrappingAdd(1, ordering: .relaxed).newValue
    (self.name, parentCount) = (name, 0)
  }

  init(_ name: StaticString, _ first: Node?, savedOutput: Tensor?, _ derivative: Derivative) {
    serial = Node.nextSerial.wrappingAdd(1, ordering: .relaxed).newValue
    (self.name, self.first, parentCount) = (name, first, 1)
    self.derivative = derivative
    if let savedOutput { saved = Saved(savedOutput) }
  }

  init(_ name: StaticString, _ first: Node?, _ second: Node?, savedOutput: Tensor?, _ derivative: Derivative) {
    serial = Node.nextSerial.wrappingAdd(1, ordering: .relaxed).newValue
    (self.name, self.first, self.second, parentCount) = (name, first, second, 2)
    self.derivative = derivative
    if let savedOutput { saved = Saved(savedOutput) }
  }

  init(_ name: StaticString, list: [Node?], savedOutput: Tensor?, _ derivative: Derivative) {
    serial = Node.nextSerial.wrappingAdd(1, ordering: .relaxed).newValue
    (self.name, self.list, parentCount) = (name, list, list.count)
    self.derivative = derivative
    if let savedOutput { saved = Saved(savedOutput) }
  }

  /// Large: places in a list of nodes to visit are never mistaken for them.
  static let entered = Int.max - 1
  static let enteredTarget = Int.max

  /// Marks the node as seen by a backward pass.
  func enter() { slot = slot == Node.awaited ? Node.enteredTarget : Node.entered }

  var isLeaf: Bool { parentCount == 0 }

  /// The node of an input.
  func parent(_ i: Int) -> Node? { list.isEmpty ? (i == 0 ? first : second) : list[i] }
  var parents: [Node?] { (0..<parentCount).map(parent) }

  /// The op's result without history, where its derivative wants it.
  var savedOutput: Tensor? { saved?.tensor }

  /// Whether the pass to targets that are not older than `oldest` visits this node. One that is older has a slot only if it
  /// belongs to a pass that waits for this one (a recomputation inside of a derivative).
  func isVisited(_ oldest: Int) -> Bool { serial >= oldest && slot >= 0 }

  /// Whether the pass visits one of the inputs.
  func leadsOn(_ oldest: Int) -> Bool {
    if list.isEmpty { return (first?.isVisited(oldest) ?? false) || (second?.isVisited(oldest) ?? false) }
    return list.contains { $0?.isVisited(oldest) ?? false }
  }

  /// Drops what the derivative saved, once it has been used.
  func consume() {
    derivative = nil
    saved = nil
  }

  /// A naive release would recurse as deep as the graph is long; this walks it with a list instead. What a derivative
  /// captured is made of this node's parents, which the list holds, so dropping it here cannot recurse either.
  deinit {
    if first == nil && second == nil && list.isEmpty { return }
    var waiting: [Node] = []
    var next = release(into: &waiting)
    while true {
      if next == nil { next = waiting.popLast() }
      guard var node = next else { return }
      // The node must be moved out of the variable: a second reference would hide that nobody else holds it.
      next = nil
      if isKnownUniquelyReferenced(&node) { next = node.release(into: &waiting) }
    }
  }

  /// Gives its parents away: one as the result, the others into the list.
  private func release(into waiting: inout [Node]) -> Node? {
    for case let node? in list { waiting.append(node) }
    if let second { waiting.append(second) }
    let next = first
    (first, second, list) = (nil, nil, [])
    derivative = nil
    return next
  }
}

/// What a derivative sees: the gradient of the output, and whether anyone will differentiate once more.
struct VJPScope {
  /// Gradient of the result with respect to the op's output, in the output's shape.
  let gradient: Tensor
  /// Whether the derivative itself must be recorded. If not, fused backward kernels are free to be used.
  let createGraph: Bool
  fileprivate let node: Node

  /// A saved input, with its history only if the derivative is being recorded.
  func callAsFunction(_ x: Tensor) -> Tensor { createGraph ? x : x.detached }

  /// The saved output, likewise.
  var output: Tensor {
    guard var y = node.savedOutput else { requirementFailed("\(node.name) did not save its output") }
    if createGraph { y.node = node }
    return y
  }

  /// Whether the gradient of this input is wanted.
  func needs(_ input: Int) -> Bool { node.parent(input).map { $0.slot >= 0 } ?? false }
}

extension Tensor {
  /// The same values without history: the only stop-gradient.
  public var detached: Tensor {
    var x = self
    x.node = nil
    return x
  }

  /// The same values as a variable, with respect to which gradients can be asked.
  public var tracked: Tensor {
    var x = self
    x.node = Node(variable: "variable")
    return x
  }

  /// Whether gradients flow through this tensor.
  public var isTracked: Bool { node != nil }

  /// This freshly computed value as the output of an op on `x`.
  @inline(__always)
  func recorded(
    _ name: StaticString, _ x: Tensor, savesOutput: Bool = false, _ vjp: @escaping (VJPScope) -> Tensor
  ) -> Tensor {
    if isProfiling { profileForward(name, [x]) }
    guard let parent = x.node else { return self }
    var y = self
    y.node = Node(name, parent, savedOutput: savesOutput ? self : nil, .one(vjp))
    return y
  }

  /// This freshly computed value as the output of an op on `a` and `b`; the derivative gives nil for what is not needed.
  @inline(__always)
  func recorded(
    _ name: StaticString, _ a: Tensor, _ b: Tensor, savesOutput: Bool = false,
    _ vjp: @escaping (VJPScope) -> (Tensor?, Tensor?)
  ) -> Tensor {
    if isProfiling { profileForward(name, [a, b]) }
    guard a.node != nil || b.node != nil else { return self }
    var y = self
    y.node = Node(name, a.node, b.node, savedOutput: savesOutput ? self : nil, .two(vjp))
    return y
  }

  /// This freshly computed value as the output of an op on any number of inputs.
  @inline(__always)
  func recorded(
    _ name: StaticString, inputs: [Tensor], savesOutput: Bool = false, _ vjp: @escaping (VJPScope) -> [Tensor?]
  ) -> Tensor {
    if isProfiling { profileForward(name, inputs) }
    guard inputs.contains(where: { $0.node != nil }) else { return self }
    var y = self
    y.node = Node(name, list: inputs.map(\.node), savedOutput: savesOutput ? self : nil, .many(vjp))
    return y
  }

  /// An op of your own: `forward` computes on constants, `vjp(gradient, inputs, output)` is written in tensor ops and gives
  /// a gradient in the shape of each input, or nil.
  ///
  /// For straight-through estimators, gradient reversal, activation checkpointing. The derivative may be differentiated
  /// again if it is made of differentiable ops of its arguments.
  public static func custom(
    _ name: StaticString, _ inputs: [Tensor], forward: ([Tensor]) -> Tensor,
    vjp: @escaping (_ gradient: Tensor, _ inputs: [Tensor], _ output: Tensor) -> [Tensor?]
  ) -> Tensor {
    forward(inputs.map(\.detached)).detached.recorded(name, inputs: inputs, savesOutput: true) { s in
      let parts = vjp(s.gradient, inputs.map { s($0) }, s.output)
      func text(_ shape: Shape?) -> String { shape?.description ?? "nil" }
      require(
        parts.count == inputs.count && zip(parts, inputs).allSatisfy { ($0?.shape ?? $1.shape) == $1.shape },
        "the derivative of \(name) gives \(parts.map { text($0?.shape) }) for inputs \(inputs.map(\.shape))")
      return parts
    }
  }
}

/// Gradients of a scalar, by reverse accumulation: `d y / d x_i` for each `x_i`.
///
/// - Parameters:
///   - y: a scalar, `[]`, or any tensor together with `seed`, the gradient that arrives at it (same shape).
///   - variables: tracked tensors, or tensors computed from tracked ones.
///   - createGraph: record the derivative, so that it can be differentiated again (gradient penalties, eikonal losses).
///   - keepGraph: keep what the graph saved, for another pass over it; otherwise its memory is freed on the way.
/// - Returns: one tensor per variable, in its shape; zeros where y does not depend on it.
public func gradients(
  of y: Tensor, seed: Tensor? = nil, with variables: [Tensor], createGraph: Bool = false, keepGraph: Bool? = nil
) -> [Tensor] {
  require(
    seed != nil || y.count == 1, "gradients(of:) needs a scalar or a seed, got shape \(y.shape)")
  require(seed.map { $0.shape == y.shape } ?? true, "the seed \(seed?.shape ?? []) has not the shape of \(y.shape)")
  let targets = variables.map { x -> Node in
    guard let node = x.node else { requirementFailed("gradients need tracked variables, got a constant \(x.shape)") }
    require(
      node.slot == Node.unseen,
      "gradients by \(x.shape) inside of a derivative whose pass visits it: make it a variable of its own by tracked")
    return node
  }
  let keepGraph = keepGraph ?? createGraph
  // Nodes are younger than their parents: one that is older than all targets leads to none of them.
  let oldest = targets.map(\.serial).min() ?? 0
  let order = nodesToVisit(from: y.node, targets: targets, oldest: oldest)
  var sums = GradientSums(count: order.count, createGraph: createGraph, oldest: oldest)
  for target in targets where target.slot >= 0 { sums.isTarget[target.slot] = true }
  if let root = y.node, root.slot >= 0 {
    sums.values[root.slot] = seed.map { createGraph ? $0 : $0.detached } ?? Tensor.ones(y.shape)
  }
  // y holds its node, which holds all the others.
  withExtendedLifetime(y) {
    for node in order.reversed() { node._withUnsafeGuaranteedRef { sums.visit($0, keepsGraph: keepGraph) } }
  }
  defer { for target in targets { target.slot = Node.unseen } }
  return zip(variables, targets).map { x, node in
    (node.slot >= 0 ? sums.values[node.slot] : nil) ?? Tensor.zeros(x.shape)
  }
}

/// What has arrived at each node of a backward pass.
private struct GradientSums {
  /// By slot; nil before the first part arrives, and again once it has been passed on.
  var values: [Tensor?]
  var isTarget: [Bool]
  let createGraph: Bool
  /// The serial number of the oldest target.
  let oldest: Int

  init(count: Int, createGraph: Bool, oldest: Int) {
    values = Array(repeating: nil, count: count)
    isTarget = Array(repeating: false, count: count)
    (self.createGraph, self.oldest) = (createGraph, oldest)
  }

  /// Passes the gradient of a node on to its parents.
  mutating func visit(_ node: Node, keepsGraph: Bool) {
    let slot = node.slot
    defer { if !isTarget[slot] { node.slot = Node.unseen } }
    guard node.leadsOn(oldest), let gradient = isTarget[slot] ? values[slot] : values[slot].take() else { return }
    guard let derivative = node.derivative else {
      requirementFailed("the graph of \(node.name) was already consumed; pass keepGraph: true to the first pass")
    }
    let scope = VJPScope(gradient: gradient, createGraph: createGraph, node: node)
    switch derivative {
    case .one(let vjp):
      let part = profilingBackward(node.name, gradient, { vjp(scope) }, elements: { $0.count })
      add(part, to: node.parent(0))
    case .two(let vjp):
      let (a, b) = profilingBackward(
        node.name, gradient, { vjp(scope) }, elements: { ($0?.count ?? 0) + ($1?.count ?? 0) })
      if let a { add(a, to: node.parent(0)) }
      if let b { add(b, to: node.parent(1)) }
    case .many(let vjp):
      let parts = profilingBackward(
        node.name, gradient, { vjp(scope) }, elements: { $0.reduce(0) { $0 + ($1?.count ?? 0) } })
      for (i, part) in parts.enumerated() where i < node.parentCount { if let part { add(part, to: node.parent(i)) } }
    }
    if !keepsGraph { node.consume() }
  }

  private mutating func add(_ part: consuming Tensor, to parent: Node?) {
    guard let parent, parent.isVisited(oldest) else { return }
    let slot = parent.slot
    // Taken out: the only reference, so that the sum may be written in place.
    guard var sum = values[slot].take() else {
      values[slot] = part
      return
    }
    let more = part
    if createGraph { sum = sum + more } else { Profile.measure("sum of gradients") { sum.add(more) } }
    values[slot] = sum
  }
}

/// The nodes between y and the targets, oldest first; gives each its slot, the place in this list.
private func nodesToVisit(from root: Node?, targets: [Node], oldest: Int) -> [Unmanaged<Node>] {
  guard let root, root.serial >= oldest else { return [] }
  for target in targets { target.slot = Node.awaited }
  var found = [(serial: root.serial, node: Unmanaged.passUnretained(root))]
  root.enter()
  var next = 0
  var isSorted = true
  while next < found.count {
    found[next].node._withUnsafeGuaranteedRef { node in
      for i in 0..<node.parentCount {
        guard let parent = node.parent(i), parent.serial >= oldest else { continue }
        if parent.slot >= 0 {
          require(
            parent.slot >= Node.entered,
            "gradients inside of a derivative through \(parent.name), which its pass visits: make its result a variable"
          )
          continue
        }
        parent.enter()
        isSorted = isSorted && parent.serial < found[found.count - 1].serial
        found.append((parent.serial, Unmanaged.passUnretained(parent)))
      }
    }
    next += 1
  }
  if !isSorted { found.sort { $0.serial > $1.serial } }
  var needed: [Unmanaged<Node>] = []
  needed.reserveCapacity(found.count)
  for (_, node) in found.reversed() {
    node._withUnsafeGuaranteedRef {
      guard $0.slot == Node.enteredTarget || $0.leadsOn(oldest) else {
        $0.slot = Node.unseen
        return
      }
      $0.slot = needed.count
      needed.append(node)
    }
  }
  return needed
}
