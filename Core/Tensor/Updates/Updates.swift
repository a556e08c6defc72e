import Glibc

// The update rules of optimizers: constants changed in place, one fused pass over each parameter.

extension Tensor {
  /// Requires that a gradient and the state of an optimizer have the shape of this parameter.
  func requireUpdate(_ gradient: Tensor, _ state: Tensor...) {
    require(gradient.shape == shape, "a parameter \(shape) cannot take a gradient \(gradient.shape)")
    require(
      state.allSatisfy { $0.shape == shape },
      "a parameter \(shape) cannot be updated with a state of \(state.map(\.shape))")
  }

  /// One AdamW update; see `Optimizer.Rule.adamW`. `step` counts from 1.
  public mutating func stepAdamW(
    _ gradient: Tensor, _ first: inout Tensor, _ second: inout Tensor, step: Int, rate: Real, decay: Real, beta1: Real,
    beta2: Real, epsilon: Real
  ) {
    requireUpdate(gradient, first, second)
    let g = gradient.detached.contiguous()
    let pg = g.base
    // In Double: 1 - beta^t cancels, which would cost 1e-5 of the first steps.
    let stepSize = Real(Double(rate) / (1 - Glibc.pow(Double(beta1), Double(step))))
    let correction = Real(1 / (1 - Glibc.pow(Double(beta2), Double(step))))
    withMutableElements { w in
      first.withMutableElements { m in
        second.withMutableElements { v in
          guard let pw = w.baseAddress, let pm = m.baseAddress, let pv = v.baseAddress else { return }
          forTiles(w.count) { i, n in
            kernels.adamw(n, pw + i, pg + i, pm + i, pv + i, rate, beta1, beta2, epsilon, decay, stepSize, correction)
          }
        }
      }
    }
    withExtendedLifetime(g) {}
  }

  /// One update of stochastic gradient descent; see `Optimizer.Rule.sgd`.
  public mutating func stepSGD(
    _ gradient: Tensor, _ velocity: inout Tensor, rate: Real, decay: Real, momentum: Real, nesterov: Bool
  ) {
    requireUpdate(gradient, velocity)
    let g = gradient.detached.contiguous()
    let pg = g.base
    withMutableElements { w in
      velocity.withMutableElements { v in
        guard let pw = w.baseAddress, let pv = v.baseAddress else { return }
        forTiles(w.count) { i, n in
          kernels.affine(n, momentum, pv + i, 0, pv + i)
          kernels.axpy(n, 1, pg + i, pv + i)
          kernels.axpy(n, decay, pw + i, pv + i)
          // Nesterov looks ahead: g + decay w + momentum v, where v already holds the new velocity.
          if nesterov {
            kernels.axpy(n, -rate * decay, pw + i, pw + i)
            kernels.axpy(n, -rate, pg + i, pw + i)
            kernels.axpy(n, -rate * momentum, pv + i, pw + i)
          } else {
            kernels.axpy(n, -rate, pv + i, pw + i)
          }
        }
      }
    }
    withExtendedLifetime(g) {}
  }

  /// How many elements are not finite.
  public var nonFiniteCount: Int {
    withElements { p in p.baseAddress.map { kernels.nonFinite(p.count, $0) } ?? 0 }
  }
}
