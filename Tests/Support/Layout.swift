import ReproTensor

/// How a tensor of a given shape lies in memory: ops must not care, and their gradients must find the way back.
public enum Layout: String, CaseIterable, Sendable {
  /// Row by row without gaps.
  case rows
  /// The last two axes exchanged in memory; a vector is the column of a matrix.
  case turned
  /// A part of a larger tensor, with gaps and an offset.
  case window
  /// The first axis repeats one slice: its stride is 0.
  case repeated

  /// Whether a tensor of this shape can lie this way, and differs then from `rows`.
  public func applies(to shape: Shape) -> Bool {
    switch self {
    case .rows: true
    case .turned: shape.rank >= 1 && shape.rank < Shape.maxRank
    case .window: shape.rank >= 1
    case .repeated: shape.rank >= 1 && shape[0] > 1
    }
  }

  /// The shape of the contiguous tensor of which `view` makes a tensor of the given shape.
  public func stored(_ shape: Shape) -> Shape {
    var s = shape
    switch self {
    case .rows: return s
    case .turned:
      if shape.rank == 1 { return [shape[0], 2] }
      (s[-1], s[-2]) = (shape[-2], shape[-1])
    case .window:
      s[-1] += 3
      if shape.rank >= 2 { s[0] += 1 }
    case .repeated: s[0] = 1
    }
    return s
  }

  /// The view of the given shape, made by differentiable ops.
  public func view(_ x: Tensor, as shape: Shape) -> Tensor {
    switch self {
    case .rows: return x
    case .turned: return shape.rank == 1 ? x.select(1, 1) : x.transposed()
    case .window:
      let part = x.slice(-1, 2..<(2 + shape[-1]))
      return shape.rank >= 2 ? part.slice(0, 1..<(1 + shape[0])) : part
    case .repeated: return x.broadcast(to: shape)
    }
  }

  /// The same elements, laid out this way (`repeated` cannot keep them and stays as it is).
  public func arranging(_ x: Tensor) -> Tensor {
    guard applies(to: x.shape), self != .repeated, self != .rows else { return x }
    if self == .turned {
      if x.rank == 1 { return stack([x, x], axis: 1).select(1, 1) }
      return x.transposed().contiguous().transposed()
    }
    let wide = x.padded(-1, before: 2, after: 1)
    return view(x.rank >= 2 ? wide.padded(0, before: 1, after: 0) : wide, as: x.shape)
  }
}
