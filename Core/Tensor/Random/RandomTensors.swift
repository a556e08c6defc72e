// Tensors of random numbers. Element i of a draw is a pure function of the stream and i.

extension RandomStream {
  /// Uniform in [low, high).
  public mutating func uniform(_ shape: Shape, _ low: Real = 0, _ high: Real = 1) -> Tensor {
    let y = fill(shape, kernels.uniform)
    if low == 0 && high == 1 { return y }
    // The sum may round up to high.
    return Tensor.combined("uniform", kernels.minimum, y.affine(high - low, low), Tensor(max(low, high.nextDown)))
  }

  /// Normal with the given deviation (Box and Muller).
  public mutating func normal(_ shape: Shape, deviation: Real = 1, mean: Real = 0) -> Tensor {
    let y = fill(shape, kernels.normal)
    return deviation == 1 && mean == 0 ? y : y.affine(deviation, mean)
  }

  /// Normal, redrawn until within two deviations of 0: the usual initialisation of transformers.
  public mutating func truncatedNormal(_ shape: Shape, deviation: Real) -> Tensor {
    var y = normal(shape)
    // Numbered by the end of this draw, so that a second draw does not repeat what the first one redrew.
    let redraws = child("redraw", Int(truncatingIfNeeded: position))
    y.withMutableElements { values in
      for i in values.indices where values[i] > 2 || values[i] < -2 {
        var stream = redraws.child("element", i)
        repeat {
          values[i] = stream.standardNormal()
        } while values[i] > 2 || values[i] < -2
      }
    }
    return y.affine(deviation, 0)
  }

  /// One standard normal number.
  public mutating func standardNormal() -> Real { normal([1]).item }

  private mutating func fill(
    _ shape: Shape,
    _ kernel: @convention(c) (UInt64, UInt64, UInt64, Int, UnsafeMutablePointer<Real>) -> Void
  ) -> Tensor {
    let y = Tensor(uninitialized: shape)
    let target = y.base
    // Each number takes one word of the stream in Float and two in Double; draws begin at a whole block.
    let words: UInt64 = MemoryLayout<Real>.size == 4 ? 1 : 2
    let start = (position + 3) / 4 * 4 / words
    let (key, lane) = (key, lane)
    forTiles(shape.count) { first, n in kernel(key, lane, start + UInt64(first), n, target + first) }
    position = start * words + UInt64((shape.count + 3) / 4 * 4) * words
    return y
  }
}
