import ReproNN
import ReproTensor
import Testing

/// Replaces parameters by values that are found by their path.
private struct ParameterReplacer: LayerVisitor {
  let value: (String) throws -> Tensor?
  var place = PathTracker()
  var failure: (any Error)?
  var missing: [String] = []

  mutating func tensor(_ name: StaticString, _ role: Role, _ t: inout Tensor) {
    let path = place.path(name)
    do {
      guard let found = try value(path), found.shape == t.shape else {
        missing.append("\(path) \(t.shape)")
        return
      }
      t = found
    } catch { failure = error }
  }
  mutating func enter(_ name: StaticString, _ index: Int?, frozen: Bool) { place.enter(name, index, frozen: frozen) }
  mutating func leave() { place.leave() }
}

extension Layer {
  /// Takes every parameter from `value(path)`; a path without a value, or with one of another shape, fails the test.
  public mutating func replaceParameters(
    sourceLocation: SourceLocation = #_sourceLocation, by value: @escaping (String) throws -> Tensor?
  ) throws {
    var replacer = ParameterReplacer(value: value)
    visit(&replacer)
    if let failure = replacer.failure { throw failure }
    #expect(replacer.missing.isEmpty, "no value for \(replacer.missing)", sourceLocation: sourceLocation)
  }
}

/// Demands that a layer's `visit` reaches every tensor that it stores, by reflection: a forgotten field would not be
/// trained, saved or averaged.
public func expectEveryTensorIsVisited(_ layer: some Layer, sourceLocation: SourceLocation = #_sourceLocation) {
  let visited = layer.tensors
  var stored: [(path: String, tensor: Tensor)] = []
  collectTensors(layer, "\(type(of: layer))", into: &stored)
  #expect(
    stored.count == visited.count, "\(type(of: layer)) stores \(stored.count) tensors and visits \(visited.count)",
    sourceLocation: sourceLocation)
  for (path, tensor) in stored {
    #expect(
      visited.contains { $0.sharesMemory(with: tensor) }, "\(path) is not visited", sourceLocation: sourceLocation)
  }
  let paths = layer.parameters.map(\.path)
  #expect(Set(paths).count == paths.count, "two parameters share a name: \(paths)", sourceLocation: sourceLocation)
}

private func collectTensors(_ value: Any, _ path: String, into found: inout [(path: String, tensor: Tensor)]) {
  if let tensor = value as? Tensor {
    found.append((path, tensor))
    return
  }
  for (i, child) in Mirror(reflecting: value).children.enumerated() {
    collectTensors(child.value, "\(path).\(child.label ?? "\(i)")", into: &found)
  }
}
