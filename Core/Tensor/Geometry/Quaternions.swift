// Quaternions (w, x, y, z), the real part first, Hamilton's product: rotations of three-dimensional space and their algebra.

/// A table of a bilinear map: `(left, right, result, factor)` adds factor * a[left] * b[right] to the result.
typealias Products = [(left: Int, right: Int, result: Int, factor: Real)]

/// y_k = sum factor a_i b_j over a table, `[..., M] [..., N] -> [..., K]`; the leading axes broadcast.
func bilinear(_ a: Tensor, _ b: Tensor, _ table: Products, to count: Int) -> Tensor {
  let (m, n) = (a.shape[-1], b.shape[-1])
  let weights = Tensor([m * n, count]) { values in
    values.update(repeating: 0)
    for p in table { values[(p.left * n + p.right) * count + p.result] += p.factor }
  }
  let outer: Tensor = a.expandedAxis(-1) * b.expandedAxis(-2)
  let lead = outer.shape.array.dropLast(2)
  return matmul(outer.reshaped(to: [lead.reduce(1, *), m * n]), weights).reshaped(to: Shape(lead + [count]))
}

/// Requires that the last axis is of this extent.
func requireLast(_ op: StaticString, _ x: Tensor, _ extent: Int) {
  require(x.rank >= 1 && x.shape[-1] == extent, "\(op) needs [..., \(extent)], got \(x.shape)")
}

/// Requires matrices of this extent.
func requireMatrices(_ op: StaticString, _ x: Tensor, _ n: Int) {
  require(x.rank >= 2 && x.shape[-1] == n && x.shape[-2] == n, "\(op) needs [..., \(n), \(n)], got \(x.shape)")
}

/// The cross product of vectors, `[..., 3] [..., 3] -> [..., 3]`; the leading axes broadcast.
public func cross(_ a: Tensor, _ b: Tensor) -> Tensor {
  requireLast("cross", a, 3)
  requireLast("cross", b, 3)
  return bilinear(
    a, b, [(1, 2, 0, 1), (2, 1, 0, -1), (2, 0, 1, 1), (0, 2, 1, -1), (0, 1, 2, 1), (1, 0, 2, -1)], to: 3)
}

/// The product a b of quaternions, `[..., 4]`; as rotations, b acts first. The leading axes broadcast.
///
/// - Source: Hamilton 1843: i^2 = j^2 = k^2 = i j k = -1.
public func quaternionProduct(_ a: Tensor, _ b: Tensor) -> Tensor {
  requireLast("quaternionProduct", a, 4)
  requireLast("quaternionProduct", b, 4)
  return bilinear(
    a, b,
    [
      (0, 0, 0, 1), (1, 1, 0, -1), (2, 2, 0, -1), (3, 3, 0, -1),
      (0, 1, 1, 1), (1, 0, 1, 1), (2, 3, 1, 1), (3, 2, 1, -1),
      (0, 2, 2, 1), (2, 0, 2, 1), (3, 1, 2, 1), (1, 3, 2, -1),
      (0, 3, 3, 1), (3, 0, 3, 1), (1, 2, 3, 1), (2, 1, 3, -1),
    ], to: 4)
}

extension Tensor {
  /// The conjugate (w, -x, -y, -z), `[..., 4]`: of a unit quaternion the inverse rotation.
  public func quaternionConjugate() -> Tensor {
    requireLast("quaternionConjugate", self, 4)
    return self * Tensor([4], [1, -1, -1, -1])
  }

  /// The rotation matrices of quaternions of any length but 0, `[..., 4] -> [..., 3, 3]`; a column vector is rotated by R v.
  ///
  ///     R = ((w^2 - |v|^2) I + 2 v v^T + 2 w [v]x) / (w^2 + |v|^2)
  public func quaternionToMatrix() -> Tensor {
    requireLast("quaternionToMatrix", self, 4)
    var table: Products = []
    for i in 0..<3 {
      table.append((0, 0, 4 * i, 1))
      for j in 0..<3 {
        table.append((j + 1, j + 1, 4 * i, i == j ? 1 : -1))
        // 2 v_i v_j, the diagonal is complete with what stands above.
        if i != j { table.append((i + 1, j + 1, 3 * i + j, 2)) }
      }
      // [v]x has -v_k at (i, j) and v_k at (j, i) for the cyclic (i, j, k).
      let (j, k) = ((i + 1) % 3, (i + 2) % 3)
      table.append((0, k + 1, 3 * i + j, -2))
      table.append((0, k + 1, 3 * j + i, 2))
    }
    let matrix = bilinear(self, self, table, to: 9) / squared().sum(-1, keepsAxis: true)
    return matrix.reshaped(to: Shape(shape.array.dropLast() + [3, 3]))
  }

  /// The unit quaternions with w >= 0 of rotation matrices, `[..., 3, 3] -> [..., 4]`.
  ///
  /// Each component's square is a sum of diagonal elements; the largest is taken from its root and the others from products
  /// with it, so that nothing cancels at any angle.
  /// - Source: Shepperd 1978, "Quaternion from rotation matrix".
  public func matrixToQuaternion() -> Tensor {
    requireMatrices("matrixToQuaternion", self, 3)
    let m = flattened(from: -2)
    func sum(_ parts: (Int, Real)..., constant: Real = 0) -> (weights: [Real], constant: Real) {
      var weights = [Real](repeating: 0, count: 9)
      for (i, factor) in parts { weights[i] += factor }
      return (weights, constant)
    }
    func linearMap(_ rows: [(weights: [Real], constant: Real)]) -> Tensor {
      linear(m, Tensor([rows.count, 9], rows.flatMap(\.weights)), Tensor([rows.count], rows.map(\.constant)))
    }
    // 4 q_i^2.   [..., 4]
    let squares = linearMap([
      sum((0, 1), (4, 1), (8, 1), constant: 1), sum((0, 1), (4, -1), (8, -1), constant: 1),
      sum((0, -1), (4, 1), (8, -1), constant: 1), sum((0, -1), (4, -1), (8, 1), constant: 1),
    ])
    // 4 q_i q_j for (w, x), (w, y), (w, z), (x, y), (x, z), (y, z).   [..., 6]
    let products = linearMap([
      sum((7, 1), (5, -1)), sum((2, 1), (6, -1)), sum((3, 1), (1, -1)), sum((1, 1), (3, 1)), sum((2, 1), (6, 1)),
      sum((5, 1), (7, 1)),
    ])
    let best = squares.detached.argmax()
    let order = [[0, 4, 5, 6], [4, 1, 7, 8], [5, 7, 2, 9], [6, 8, 9, 3]]
    // 4 q_best (w, x, y, z): picked from the ten numbers.
    let all = concat([squares, products], axis: -1)
    let scaled = stack(
      (0..<4).map { i in all.picked(IndexTensor(best.shape, best.values.map { order[$0][i] })) }, axis: -1)
    // Of a rotation the length is 4 |q_best|; of a disturbed one the quaternion is a unit all the same.
    let unit = scaled.l2Normalized()
    let isNegative = unit.detached.slice(-1, 0..<1).isLess(Tensor(0))
    return unit * (1 - isNegative * 2)
  }

  /// The axis times the angle in radians, at most pi, of unit quaternions, `[..., 4] -> [..., 3]`; accurate near 0 and pi.
  ///
  ///     v = 4 atan(r) / r * (x, y, z) / (1 + w),  r = |(x, y, z)| / (1 + w)
  ///
  /// r is the tangent of a quarter of the angle, at most 1: nothing divides by a small number.
  public func quaternionToAxisAngle() -> Tensor {
    requireLast("quaternionToAxisAngle", self, 4)
    let isNegative = detached.slice(-1, 0..<1).isLess(Tensor(0))
    let q: Tensor = self * (1 - isNegative * 2)
    let tangent: Tensor = q.slice(-1, 1..<4) / (q.slice(-1, 0..<1) + 1)
    return tangent * tangent.squared().sum(-1, keepsAxis: true).arctangentRatio() * 4
  }

  /// The unit quaternions of rotations about an axis by its length in radians, `[..., 3] -> [..., 4]`.
  ///
  ///     q = (cos(t / 2), sin(t / 2) / t * v),  t = |v|
  public func axisAngleToQuaternion() -> Tensor {
    requireLast("axisAngleToQuaternion", self, 3)
    let quarter: Tensor = squared().sum(-1, keepsAxis: true) * 0.25
    return concat([quarter.stumpff(0), self * quarter.stumpff(1) * 0.5], axis: -1)
  }
}
