// Rotation matrices: exponential and logarithm, and the continuous representation by six numbers.

extension Tensor {
  /// The matrices [v]x with [v]x u = v x u, `[..., 3] -> [..., 3, 3]`.
  public func crossProductMatrix() -> Tensor {
    requireLast("crossProductMatrix", self, 3)
    let basis = Tensor(
      [3, 9], [0, 0, 0, 0, 0, -1, 0, 1, 0, 0, 0, 1, 0, 0, 0, -1, 0, 0, 0, -1, 0, 1, 0, 0, 0, 0, 0])
    return matmul(reshaped([count / 3, 3]), basis).reshaped(to: Shape(shape.array.dropLast() + [3, 3]))
  }

  /// a I + b [v]x + c v v^T for a, b, c of `[..., 1]`.
  func rotationLike(_ a: Tensor, _ b: Tensor, _ c: Tensor) -> Tensor {
    let outer: Tensor = expandedAxis(-1) * expandedAxis(-2)
    let diagonal: Tensor = Tensor.identity(3) * a.expandedAxis(-1)
    return diagonal + crossProductMatrix() * b.expandedAxis(-1) + outer * c.expandedAxis(-1)
  }

  /// The exponential: rotation matrices about an axis by its length in radians, `[..., 3] -> [..., 3, 3]`.
  ///
  ///     R = cos(t) I + sin(t) / t [v]x + (1 - cos t) / t^2 v v^T,  t = |v|
  ///
  /// - Source: Rodrigues 1840. Smooth at v = 0, with derivatives of any order.
  public func axisAngleToMatrix() -> Tensor {
    requireLast("axisAngleToMatrix", self, 3)
    let x = squared().sum(-1, keepsAxis: true)
    return rotationLike(x.stumpff(0), x.stumpff(1), x.stumpff(2))
  }

  /// The logarithm: the axis times the angle, at most pi, of rotation matrices, `[..., 3, 3] -> [..., 3]`.
  ///
  /// Accurate at all angles; at pi itself one of the two axes is given, and the derivative is that of the nearer side.
  public func matrixToAxisAngle() -> Tensor {
    requireMatrices("matrixToAxisAngle", self, 3)
    return matrixToQuaternion().quaternionToAxisAngle()
  }

  /// The rotation matrices whose first two columns are the orthonormalised halves of six numbers, `[..., 6] -> [..., 3, 3]`.
  ///
  /// - Source: Zhou et al. 2019, "On the continuity of rotation representations" (arXiv 1812.07035), Eq. 15; the six
  ///   numbers are the first column, then the second.
  public func sixDToMatrix() -> Tensor {
    requireLast("sixDToMatrix", self, 6)
    let first = slice(-1, 0..<3).l2Normalized()
    let second = slice(-1, 3..<6)
    let along: Tensor = (first * second).sum(-1, keepsAxis: true)
    let other: Tensor = (second - along * first).l2Normalized()
    return stack([first, other, cross(first, other)], axis: -1)
  }

  /// The first two columns of rotation matrices, one after the other, `[..., 3, 3] -> [..., 6]`: the reverse of
  /// `sixDToMatrix`.
  public func matrixToSixD() -> Tensor {
    requireMatrices("matrixToSixD", self, 3)
    return transposed().slice(-2, 0..<2).flattened(from: -2)
  }
}
