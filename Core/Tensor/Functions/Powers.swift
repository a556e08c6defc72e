// Powers, exponentials and angles of two arguments.

extension Tensor {
  /// exp(x) - 1, exact near 0.
  public func expm1() -> Tensor {
    mapped(kernels.expm1).recorded("expm1", self) { s in s.gradient * s(self).exp() }
  }

  /// x^p, element by element with broadcasting. The gradient by p needs x >= 0; where x is 0 it is taken as 0.
  public func pow(_ exponent: Tensor) -> Tensor {
    Tensor.combined("pow", kernels.power, self, exponent).recorded("pow of tensors", self, exponent, savesOutput: true)
    {
      s in
      let (x, p, one) = (s(self), s(exponent), Tensor(1))
      let isZero = self.isEqual(Tensor(0))
      var (gx, gp): (Tensor?, Tensor?)
      if s.needs(0) {
        // 0^0 is constant in x: p x^(p-1) would be 0 * infinity.
        let base = ReproTensor.select(isZero * exponent.isEqual(Tensor(0)), one, x)
        gx = (s.gradient * p * base.pow(p - 1)).summed(to: self.shape)
      }
      if s.needs(1) {
        let logarithm = ReproTensor.select(isZero, one, x).log()
        gp = (s.gradient * s.output * logarithm).summed(to: exponent.shape)
      }
      return (gx, gp)
    }
  }

  /// The angle in (-pi/2, pi/2) whose tangent this is, radians.
  public func atan() -> Tensor { atan2(self, Tensor(1)) }

  /// The angle in [-pi/2, pi/2] whose sine this is, radians; the gradient grows without bound towards -1 and 1.
  public func asin() -> Tensor { atan2(self, ((1 - self) * (1 + self)).sqrt()) }

  /// The angle in [0, pi] whose cosine this is, radians; the gradient grows without bound towards -1 and 1.
  public func acos() -> Tensor { atan2(((1 - self) * (1 + self)).sqrt(), self) }
}

/// The angle of the point (x, y), in [-pi, pi] radians, element by element with broadcasting; no gradient at the origin.
public func atan2(_ y: Tensor, _ x: Tensor) -> Tensor {
  Tensor.combined("atan2", kernels.atan2, y, x).recorded("atan2", y, x) { s in
    let scaled: Tensor = s.gradient / (s(x).squared() + s(y).squared())
    return (
      s.needs(0) ? (scaled * s(x)).summed(to: y.shape) : nil,
      s.needs(1) ? (-(scaled * s(y))).summed(to: x.shape) : nil
    )
  }
}
