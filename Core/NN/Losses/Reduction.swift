import ReproTensor

/// What becomes of the losses of single elements or rows.
public enum Reduction: Sendable {
  /// Their mean, a scalar.
  case mean
  /// Their sum, a scalar.
  case sum
  /// Nothing: each is returned.
  case none
}

extension Tensor {
  func reduced(_ reduction: Reduction) -> Tensor {
    switch reduction {
    case .mean: mean()
    case .sum: sum()
    case .none: self
    }
  }
}
