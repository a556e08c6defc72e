import ReproTensor

// Limits of gradients, before they reach an optimizer.

extension Gradients {
  /// Scaled so that the norm is at most `limit`; gives the norm before.
  public mutating func clip(to limit: Real) -> Real {
    let length = norm
    if length > limit {
      let factor = limit / (length + 1e-6)
      values = values.map { $0 * factor }
    }
    return length
  }

  /// Every element limited to [-limit, limit].
  public mutating func clip(toValue limit: Real) {
    require(limit > 0, "gradients are limited to a positive value, got \(limit)")
    values = values.map { $0.clamped(-limit, limit) }
  }

  /// The norm limited for each group of parameters by itself: `group` names the group of a parameter. Gives the largest norm.
  public mutating func clip(to limit: Real, layer: some Layer, by group: (ParameterInfo) -> String) -> Real {
    let names = layer.trainedParameters(named: true).map(group)
    require(
      names.count == values.count,
      "clipping by groups needs a gradient for each of \(names.count) parameters, got \(values.count)")
    var order: [String] = []
    for name in names where !order.contains(name) { order.append(name) }
    var largest: Real = 0
    for name in order {
      let members = names.indices.filter { names[$0] == name }
      var part = Gradients(members.map { values[$0] })
      largest = max(largest, part.clip(to: limit))
      for (k, i) in members.enumerated() { values[i] = part.values[k] }
    }
    return largest
  }
}

extension Gradients {
  /// The path of the first parameter whose gradient is not finite; nil where all are.
  public func firstNonFinite(of layer: some Layer) -> String? {
    guard let bad = values.firstIndex(where: { $0.nonFiniteCount > 0 }) else { return nil }
    let trained = layer.trainedParameters(named: true)
    return bad < trained.count ? trained[bad].path : "gradient \(bad)"
  }
}

extension Layer {
  /// The path of the first parameter or buffer that is not finite; nil where all are.
  public var firstNonFinite: String? {
    zip(parameters, tensors).first { $1.nonFiniteCount > 0 }.map { $0.0.path }
  }
}
