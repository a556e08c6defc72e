// Further activation functions.

extension Tensor {
  /// x where x > 0, else slope * x (Maas et al. 2013).
  public func leakyRelu(slope: Real = 0.01) -> Tensor {
    self * Tensor(0).isLess(self).affine(1 - slope, slope)
  }

  /// x where x > 0, else alpha (exp(x) - 1) (Clevert et al. 2016, arXiv 1511.07289, Eq. 15).
  public func elu(alpha: Real = 1) -> Tensor {
    // Limited first: exp of a large x would overflow, and its gradient belongs to the other branch.
    relu() + clamped(-.infinity, 0).expm1() * alpha
  }

  /// gelu in its tanh form, x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) (Hendrycks and Gimpel 2016, Section 2).
  public func geluTanh() -> Tensor {
    mapped(kernels.geluTanh).recorded("geluTanh", self) { s in
      let g = s.gradient
      if !s.createGraph {
        return Tensor.combined("geluTanh", kernels.geluTanhBackward, g.contiguous(), self.detached.contiguous())
      }
      let x2 = self.squared()
      let c: Real = 0.7978845608028654  // sqrt(2 / pi)
      let t = (self * (x2 * (0.044715 * c) + c)).tanh()
      let slope: Tensor = (x2 * (3 * 0.044715 * c) + c) * (1 - t.squared()) * self
      return g * ((t + slope + 1) * 0.5)
    }
  }

  /// log(sigmoid(x)), without overflow.
  public func logSigmoid() -> Tensor { -(-self).softplus() }
}
