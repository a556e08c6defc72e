// Rigid motions, SE(3): a rotation followed by a translation, as a homogeneous matrix [R t; 0 1].

/// The homogeneous matrices of rotations followed by translations, `[..., 3, 3] [..., 3] -> [..., 4, 4]`.
public func rigidMotion(rotation: Tensor, translation: Tensor) -> Tensor {
  requireMatrices("rigidMotion", rotation, 3)
  requireLast("rigidMotion", translation, 3)
  guard
    let lead = Shape.broadcast(Shape(rotation.shape.array.dropLast(2)), Shape(translation.shape.array.dropLast()))
  else {
    requirementFailed(
      "rigidMotion: the leading axes of \(rotation.shape) and \(translation.shape) do not broadcast")
  }
  let column = translation.broadcast(to: Shape(lead.array + [3])).expandedAxis(-1)
  let upper = concat([rotation.broadcast(to: Shape(lead.array + [3, 3])), column], axis: -1)
  let last = Tensor([4], [0, 0, 0, 1]).broadcast(to: Shape(lead.array + [1, 4]))
  return concat([upper, last], axis: -2)
}

extension Tensor {
  /// The rotation of rigid motions, `[..., 4, 4] -> [..., 3, 3]`.
  private var rotationPart: Tensor { slice(-1, 0..<3).slice(-2, 0..<3) }

  /// The translation of rigid motions, `[..., 4, 4] -> [..., 3]`.
  private var translationPart: Tensor { slice(-2, 0..<3).select(-1, 3) }

  /// The exponential of twists (translational part first, rotational part in radians), `[..., 6] -> [..., 4, 4]`.
  ///
  ///     R = exp([phi]x),  t = V rho,  V = sin(s) / s I + (1 - cos s) / s^2 [phi]x + (s - sin s) / s^3 phi phi^T,  s = |phi|
  ///
  /// - Source: Barfoot 2017, "State estimation for robotics", section 7.1.3.
  public func rigidExponential() -> Tensor {
    requireLast("rigidExponential", self, 6)
    let (rho, phi) = (slice(-1, 0..<3), slice(-1, 3..<6))
    let x = phi.squared().sum(-1, keepsAxis: true)
    let v = phi.rotationLike(x.stumpff(1), x.stumpff(2), x.stumpff(3))
    return rigidMotion(
      rotation: phi.axisAngleToMatrix(), translation: matmul(v, rho.expandedAxis(-1)).squeezed(-1))
  }

  /// The logarithm of rigid motions: twists whose rotational part is at most pi long, `[..., 4, 4] -> [..., 6]`.
  ///
  ///     rho = V^-1 t,  V^-1 = c_1 / (2 c_2) I - [phi]x / 2 + (c_3 - 2 c_4) / (2 c_2) phi phi^T,  c_k = c_k(|phi|^2)
  ///
  /// with the Stumpff functions c_k: smooth at 0 as well.
  public func rigidLogarithm() -> Tensor {
    requireMatrices("rigidLogarithm", self, 4)
    let phi = rotationPart.matrixToAxisAngle()
    let x = phi.squared().sum(-1, keepsAxis: true)
    let half: Tensor = x.stumpff(2).reciprocal() * 0.5
    let outer: Tensor = (x.stumpff(3) - x.stumpff(4) * 2) * half
    let inverse = phi.rotationLike(x.stumpff(1) * half, Tensor.full(x.shape, -0.5), outer)
    return concat([matmul(inverse, translationPart.expandedAxis(-1)).squeezed(-1), phi], axis: -1)
  }

  /// The inverse motions, [R^T, -R^T t], `[..., 4, 4]`.
  public func rigidInverse() -> Tensor {
    requireMatrices("rigidInverse", self, 4)
    let inverse = rotationPart.transposed()
    return rigidMotion(
      rotation: inverse, translation: -matmul(inverse, translationPart.expandedAxis(-1)).squeezed(-1))
  }

  /// Points moved by rigid motions, `[..., P, 3]` by `[..., 4, 4]`; the leading axes broadcast.
  public func moved(by motion: Tensor) -> Tensor {
    requireMatrices("moved(by:)", motion, 4)
    require(rank >= 2 && shape[-1] == 3, "moved(by:) needs points [..., P, 3], got \(shape)")
    return matmul(self, motion.rotationPart.transposed()) + motion.translationPart.expandedAxis(-2)
  }
}
