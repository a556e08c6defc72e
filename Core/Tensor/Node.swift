import Synchronization

/// How a tensor was made: the op's derivative and the nodes of its inputs.
///
/// Serial numbers grow with time, so descending serials are a topological order, and a fixed order of summation.
final class Node: @unchecked Sendable {
  let serial: Int
  let name: StaticString
  private(set) var parents: [Node?]
  private(set) var vjp: ((VJPScope) -> [Tensor?])?
  /// The op's result without history, where its derivative wants it.
  private(set) var savedOutput: Tensor?
  /// Scratch of one backward pass: the place of this node in its list.
  var slot = -1

  private static let nextSerial = Atomic<Int>(0)

  init(_ name: StaticString, parents: [Node?], savedOutput: Tensor?, vjp: ((VJPScope) -> [Tensor?])?) {
    serial = Node.nextSerial.wrappingAdd(1, ordering: .relaxed).newValue
    self.name = name
    self.parents = parents
    self.savedOutput = savedOutput
    self.vjp = vjp
  }

  /// A variable: has a gradient, but no history.
  var isLeaf: Bool { parents.isEmpty }

  /// Whether the pass to targets that are not older than `oldest` visits this node. One that is older has a slot only if it
  /// belongs to a pass that waits for this one (a recomputation inside of a derivative).
  func isVisited(_ oldest: Int) -> Bool { serial >= oldest && slot >= 0 }

  /// Drops what the derivative saved, once it has been used.
  func consume() {
    vjp = nil
    savedOutput = nil
  }

  /// A naive release would recurse as deep as the graph is long; this walks it with a list instead. What a derivative
  /// captured is made of this node's parents, which the list holds, so dropping it here cannot recurse either.
  deinit {
    guard !parents.isEmpty else { return }
    var waiting = parents
    parents = []
    vjp = nil
    while !waiting.isEmpty {
      // The node must be moved out of the list: a second reference would hide that nobody else holds it.
      guard var node = waiting.removeLast(), isKnownUniquelyReferenced(&node) else { continue }
      waiting.append(contentsOf: node.parents)
      node.parents = []
      node.vjp = nil
    }
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
  func needs(_ input: Int) -> Bool { node.parents[input].map { $0.slot >= 0 } ?? false }
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
    x.node = Node("variable", parents: [], savedOutput: nil, vjp: nil)
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
    y.node = Node(name, parents: [parent], savedOutput: savesOutput ? self : nil) { [vjp($0)] }
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
    y.node = Node(name, parents: [a.node, b.node], savedOutput: savesOutput ? self : nil) {
      let (ga, gb) = vjp($0)
      return [ga, gb]
    }
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
    y.node = Node(name, parents: inputs.map(\.node), savedOutput: savesOutput ? self : nil, vjp: vjp)
    return y
  }

  /// An op of your own: `forward` computes on constants, `vjp(gradient, inputs, output)` is written in tensor ops.
  ///
  /// For straight-through estimators, gradient reversal, activation checkpointing. The derivative may be differentiated
  /// again if it is made of differentiable ops of its arguments.
  public static func custom(
    _ name: StaticString, _ inputs: [Tensor], forward: ([Tensor]) -> Tensor,
    vjp: @escaping (_ gradient: Tensor, _ inputs: [Tensor], _ output: Tensor) -> [Tensor?]
  ) -> Tensor {
    forward(inputs.map(\.detached)).detached.recorded(name, inputs: inputs, savesOutput: true) { s in
      vjp(s.gradient, inputs.map { s($0) }, s.output)
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
    return node
  }
  let keepGraph = keepGraph ?? createGraph
  let order = nodesToVisit(from: y.node, targets: targets)
  defer { for node in order { node.slot = -1 } }
  var sums: [Tensor?] = Array(repeating: nil, count: order.count)
  if let root = y.node, root.slot >= 0 {
    sums[root.slot] = seed.map { createGraph ? $0 : $0.detached } ?? Tensor.ones(y.shape)
  }
  let isTarget = Set(targets.map(\.serial))
  let oldest = targets.map(\.serial).min() ?? 0

  for (i, node) in order.enumerated() {
    guard let gradient = sums[i], node.parents.contains(where: { $0?.isVisited(oldest) ?? false }) else { continue }
    if !isTarget.contains(node.serial) { sums[i] = nil }
    guard let vjp = node.vjp else {
      requirementFailed("the graph of \(node.name) was already consumed; pass keepGraph: true to the first pass")
    }
    let parts = profilingBackward(node.name, gradient) {
      vjp(VJPScope(gradient: gradient, createGraph: createGraph, node: node))
    }
    for (parent, part) in zip(node.parents, parts) {
      guard let parent, parent.isVisited(oldest), let part else { continue }
      let slot = parent.slot
      guard var sum = sums[slot] else {
        sums[slot] = part
        continue
      }
      sums[slot] = nil
      if createGraph { sum = sum + part } else { Profile.measure("sum of gradients") { sum.add(part) } }
      sums[slot] = sum
    }
    if !keepGraph { node.consume() }
  }
  return zip(variables, targets).map { x, node in
    (node.slot >= 0 ? sums[node.slot] : nil) ?? Tensor.zeros(x.shape)
  }
}

/// The nodes between y and the targets, newest first; gives each its slot and leaves -1 on those that lead to no target.
private func nodesToVisit(from root: Node?, targets: [Node]) -> [Node] {
  // Nodes are younger than their parents: one that is older than all targets leads to none of them.
  let oldest = targets.map(\.serial).min() ?? 0
  guard let root, root.serial >= oldest else { return [] }
  var found = [root]
  root.slot = 0
  var next = 0
  while next < found.count {
    for case let parent? in found[next].parents where parent.serial >= oldest && parent.slot < 0 {
      parent.slot = 0
      found.append(parent)
    }
    next += 1
  }
  found.sort { $0.serial < $1.serial }
  for node in found { node.slot = -1 }
  for target in targets { target.slot = 0 }
  var needed: [Node] = []
  for node in found where node.slot == 0 || node.parents.contains(where: { $0?.isVisited(oldest) ?? false }) {
    node.slot = 0
    needed.append(node)
  }
  for target in targets where target.slot == 0 { target.slot = -1 }
  needed.reverse()
  for (i, node) in needed.enumerated() { node.slot = i }
  return needed
}
