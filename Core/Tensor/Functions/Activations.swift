// Activation functions. Each has one fused backward kernel, and the same derivative in ops for when it is recorded.
// They consume their input: a temporary without history is overwritten instead of being copied.

extension Tensor {
  private consuming func activation(
    _ name: StaticString, _ forward: UnaryKernel, _ backward: BinaryKernel,
    composed: @escaping (_ gradient: Tensor, _ x: Tensor) -> Tensor
  ) -> Tensor {
    guard isTracked else { return overwritten(name, by: forward) }
    let x = self
    return x.mapped(forward).recorded(name, x) { s in
      s.createGraph
        ? composed(s.gradient, x)
        : Tensor.combined(name, backward, s.gradient.contiguous(), x.detached.contiguous())
    }
  }

  /// y_i = kernel(x_i) of a constant, in its own buffer if nobody else sees it.
  private consuming func overwritten(_ name: StaticString, by kernel: UnaryKernel) -> Tensor {
    var x = self
    guard x.isContiguous, x.hasBufferOfItsOwn() else { return x.mapped(kernel).recorded(name, x) { $0.gradient } }
    if isProfiling { Profiler.shared.took() }
    let target = x.base
    forTiles(x.count) { first, n in kernel(n, target + first, target + first) }
    if isProfiling { x.profileForward(name, operands: 2) }
    return x
  }

  /// max(x, 0)
  public consuming func relu() -> Tensor {
    activation("relu", kernels.relu, kernels.reluBackward) { g, x in g * Tensor(0).isLess(x) }
  }

  /// x * Phi(x), Phi the distribution function of the standard normal (Hendrycks and Gimpel 2016, arXiv 1606.08415).
  public consuming func gelu() -> Tensor {
    activation("gelu", kernels.gelu, kernels.geluBackward) { g, x in g * x.geluSlope() }
  }

  /// The derivative of `gelu` in ops:   Phi(x) + x phi(x)
  func geluSlope() -> Tensor {
    let density: Tensor = (squared() * -0.5).exp() * 0.3989422804014327  // 1 / sqrt(2 pi)
    return ((self * 0.7071067811865476).erf() + 1) * 0.5 + self * density  // 1 / sqrt(2)
  }

  /// x * sigmoid(x)
  public consuming func silu() -> Tensor {
    activation("silu", kernels.silu, kernels.siluBackward) { g, x in
      let p = x.sigmoid()
      return g * (p + x * p * (1 - p))
    }
  }

  /// The hyperbolic tangent.
  public func tanh() -> Tensor {
    mapped(kernels.tanh).recorded("tanh", self, savesOutput: true) { s in
      s.createGraph
        ? s.gradient * (1 - s.output.squared())
        : Tensor.combined("tanh", kernels.tanhBackward, s.gradient.contiguous(), s.output)
    }
  }

  /// 1 / (1 + exp(-x))
  public func sigmoid() -> Tensor {
    mapped(kernels.sigmoid).recorded("sigmoid", self, savesOutput: true) { s in
      s.createGraph
        ? s.gradient * s.output * (1 - s.output)
        : Tensor.combined("sigmoid", kernels.sigmoidBackward, s.gradient.contiguous(), s.output)
    }
  }

  /// log(1 + exp(x)), without overflow; `beta` sharpens: log(1 + exp(beta x)) / beta.
  public func softplus(beta: Real = 1) -> Tensor {
    let x = beta == 1 ? self : self * beta
    let y = x.mapped(kernels.softplus).recorded("softplus", x) { s in s.gradient * s(x).sigmoid() }
    return beta == 1 ? y : y / beta
  }

  /// The error function.
  public func erf() -> Tensor {
    mapped(kernels.erf).recorded("erf", self) { s in
      s.gradient * ((-s(self).squared()).exp() * 1.1283791670955126)
    }
  }
}
