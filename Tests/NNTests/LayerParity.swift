import ReproTensor
import TestSupport
import Testing

@testable import ReproNN

/// A layer and a way to call it, whose outputs and gradients PyTorch has computed under the same name.
struct LayerRow: Sendable, CustomTestStringConvertible {
  let name: String
  /// The layer's type, or that of the function.
  let type: String
  let make: @Sendable () -> any Layer
  let check: @Sendable (VectorFile, String) throws -> Void
  var testDescription: String { name }

  /// - Parameters:
  ///   - name: of the case in the file of vectors.
  ///   - make: the layer; its parameters are replaced by patterns.
  ///   - call: the output for inputs of the shapes that the file names; the layer is a copy, so buffers may change.
  init<L: Layer>(
    _ name: String, _ make: @escaping @Sendable () -> L, _ call: @escaping @Sendable (inout L, [Tensor]) -> Tensor
  ) {
    self.name = name
    type = "\(L.self)"
    self.make = make
    check = { file, label in try expectLayerParity(name, label, in: file, make(), call) }
  }
}

/// Stands for a function without parameters.
struct NoParameters: Layer {
  mutating func visit(_ v: inout some LayerVisitor) {}
}

extension Layer {
  /// This layer with patterns for parameters, numbered by the order of their sorted names; buffers stay as they are.
  func patterned() throws -> Self {
    var layer = self
    let trained = parameters.filter(\.isTrained).sorted { $0.path < $1.path }
    let own = Dictionary(uniqueKeysWithValues: zip(parameters.map(\.path), tensors))
    try layer.replaceParameters { path in
      guard let number = trained.firstIndex(where: { $0.path == path }) else { return own[path] }
      return parameterPattern(number, trained[number].shape, path)
    }
    return layer
  }
}

/// Weights of unit gain, gains around 1, biases around 0; make_layer_vectors.py has the same.
func parameterPattern(_ number: Int, _ shape: Shape, _ path: String) -> Tensor {
  if shape.rank >= 2 { return pattern(number, shape, 3.46 / (Double(shape.count) / Double(shape[0])).squareRoot()) }
  let isGain = path.hasSuffix("weight") || path.hasSuffix("gamma")
  return pattern(number, shape, 0.5, isGain ? 1 : 0)
}

/// The unit in which small gradients are compared: a tenth of the largest of all. The gradient of a bias in front of a batch
/// norm is exactly 0, and what is found is the rounding of a sum whose terms are as large as the gradients of the weights.
func leastGradient(_ gradients: [Tensor]) -> Double {
  gradients.reduce(1e-2) { max($0, 0.1 * Double($1.detached.values.reduce(0) { max($0, $1.magnitude) })) }
}

/// The shapes in the name of a case, "<number> [3, 5] [] -> [3, 5] #<checksum of names and shapes>".
func shapes(in label: String) -> [Shape] {
  label.matches(of: /\[([0-9, ]*)\]/).map { match in
    Shape(match.output.1.split(separator: ",").compactMap { Int($0.filter { $0 != " " }) })
  }
}

/// Demands that a layer has the names and shapes of PyTorch's, its outputs within 1e-5, the gradients of inputs and parameters
/// within 1e-4 by the fused and by the recorded derivative, and its buffers afterwards.
func expectLayerParity<L: Layer>(
  _ name: String, _ label: String, in file: VectorFile, _ layer: L, _ call: (inout L, [Tensor]) -> Tensor
) throws {
  let layer = try layer.patterned()
  let trained = layer.parameters.filter(\.isTrained)
  let sorted = trained.map { "\($0.path) \($0.shape)" }.sorted { a, b in
    a.prefix { $0 != " " } < b.prefix { $0 != " " }
  }
  #expect(
    label.hasSuffix("#\(crc32(sorted.joined(separator: "\n")))"), "other parameters than PyTorch's: \(sorted)")
  let extents = shapes(in: label)
  var rest = try file.tensor("\(name)/\(label)").values[...]
  /// Compares the digest of a tensor with the next numbers of the file.
  func expectNext(_ x: Tensor, _ tolerance: Double, _ what: String, least: Double = 1e-2) -> Double {
    let found = digest(x)
    let expected = Tensor([found.count], Array(rest.prefix(found.count)))
    // A sum over many elements is compared in units of what they add up to.
    let floor = x.count > digestLimit ? 0.1 * Double(x.detached.squared().sum().item).squareRoot() : 1e-2
    return expectClose(found, expected, tolerance: tolerance, floor: max(floor, least), "\(name) \(label): \(what)")
  }
  var (forward, backward) = (0.0, 0.0)
  for recorded in [false, true] {
    let whole = rest
    var tracked = layer.tracked()
    let inputs = extents.dropLast().enumerated().map { i, shape in pattern(900 + i, shape, 3).tracked }
    let y = call(&tracked.layer, inputs)
    #expect(y.shape == extents.last, "\(name) \(label): output \(y.shape)")
    guard y.shape == extents.last else { return }
    forward = max(forward, expectNext(y.detached, 1e-5, "output"))
    rest = rest.dropFirst(digest(y.detached).count)
    let found = gradients(
      of: y, seed: pattern(800, y.shape, 2), with: inputs + tracked.variables, createGraph: recorded)
    let own = Dictionary(uniqueKeysWithValues: zip(trained.map(\.path), found.dropFirst(inputs.count)))
    let named =
      found.prefix(inputs.count).enumerated().map { ("gradient of input \($0)", $1) }
      + own.sorted { $0.key < $1.key }.map { ("gradient of \($0.key)", $0.value) }
    let least = leastGradient(found)
    for (what, gradient) in named {
      backward = max(backward, expectNext(gradient.detached, 1e-4, "\(what), recorded \(recorded)", least: least))
      rest = rest.dropFirst(digest(gradient.detached).count)
    }
    let after = tracked.released
    let buffers = zip(after.parameters, after.tensors).filter { $0.0.role == .buffer }.sorted { $0.0.path < $1.0.path }
    for (info, buffer) in buffers where !rest.isEmpty {
      forward = max(forward, expectNext(buffer, 1e-5, "buffer \(info.path)"))
      rest = rest.dropFirst(digest(buffer).count)
    }
    #expect(rest.isEmpty, "\(name) \(label): \(rest.count) numbers are left")
    rest = whole
  }
  ProofLog.record("parity forward", name, label, forward)
  ProofLog.record("parity gradient", name, label, backward)
}
