// Element-wise arithmetic with numpy's broadcasting.

typealias UnaryKernel = @convention(c) (Int, UnsafePointer<Real>, UnsafeMutablePointer<Real>) -> Void
typealias BinaryKernel =
  @convention(c) (
    Int, UnsafePointer<Real>, Int, UnsafePointer<Real>, Int, UnsafeMutablePointer<Real>
  ) -> Void

extension Tensor {
  /// y_i = kernel(x_i), without history.
  func mapped(_ kernel: UnaryKernel) -> Tensor {
    let x = contiguous()
    let y = Tensor(uninitialized: shape)
    let (source, target) = (x.base, y.base)
    forTiles(count) { first, n in kernel(n, source + first, target + first) }
    withExtendedLifetime(x) {}
    return y
  }

  /// y_i = kernel(a_i, b_i) with broadcasting, without history.
  static func combined(_ name: StaticString, _ kernel: BinaryKernel, _ a: Tensor, _ b: Tensor) -> Tensor {
    guard let shape = Shape.broadcast(a.shape, b.shape) else {
      requirementFailed("\(name): \(a.shape) and \(b.shape) do not broadcast")
    }
    let y = Tensor(uninitialized: shape)
    if shape.count == 0 { return y }
    let (p, q, target) = (a.base, b.base, y.base)
    defer { withExtendedLifetime((a, b)) {} }
    if a.isContiguous, b.isContiguous, a.shape == b.shape || a.count == 1 || b.count == 1 {
      let (sa, sb) = (a.count == 1 ? 0 : 1, b.count == 1 ? 0 : 1)
      forTiles(shape.count) { first, n in kernel(n, p + first * sa, sa, q + first * sb, sb, target + first) }
      return y
    }
    let axes = MergedAxes<3>(
      shape, [a.broadcastStrides(to: shape), b.broadcastStrides(to: shape), shape.rowMajorStrides])
    let (sa, sb) = (axes.strides[0][0], axes.strides[0][1])
    guard sa == 0 || sa == 1, sb == 0 || sb == 1 else {
      return combined(
        name, kernel, sa == 0 || sa == 1 ? a : a.detached.contiguous(), sb == 0 || sb == 1 ? b : b.detached.contiguous()
      )
    }
    let n = axes.extents[0]
    forTiles(axes.outerCount, max(1, tileElements / n)) { first, count in
      for run in first..<(first + count) {
        let at = axes.offsets(run)
        kernel(n, p + at[0], sa, q + at[1], sb, target + at[2])
      }
    }
    return y
  }

  /// y_i = scale * x_i + shift, differentiable.
  func affine(_ scale: Real, _ shift: Real) -> Tensor {
    let x = contiguous()
    let y = Tensor(uninitialized: shape)
    let (source, target) = (x.base, y.base)
    forTiles(count) { first, n in kernels.affine(n, scale, source + first, shift, target + first) }
    withExtendedLifetime(x) {}
    return y.recorded("affine", self) { s in s.gradient.affine(scale, 0) }
  }

  /// this += other, in place where nobody else sees the buffer; without history.
  mutating func add(_ other: Tensor) {
    guard shape == other.shape, isContiguous, other.isContiguous, node == nil else {
      self = self + other
      return
    }
    withMutableElements { target in
      guard let to = target.baseAddress else { return }
      let from = other.base
      forTiles(target.count) { first, n in kernels.axpy(n, 1, from + first, to + first) }
    }
    withExtendedLifetime(other) {}
  }
}

/// The sum, element by element with broadcasting.
public func + (a: Tensor, b: Tensor) -> Tensor {
  let (sa, sb) = (a.shape, b.shape)
  return Tensor.combined("+", kernels.add, a, b).recorded("+", a, b) { s in
    (s.needs(0) ? s.gradient.summed(to: sa) : nil, s.needs(1) ? s.gradient.summed(to: sb) : nil)
  }
}

/// The difference, element by element with broadcasting.
public func - (a: Tensor, b: Tensor) -> Tensor {
  let (sa, sb) = (a.shape, b.shape)
  return Tensor.combined("-", kernels.subtract, a, b).recorded("-", a, b) { s in
    (s.needs(0) ? s.gradient.summed(to: sa) : nil, s.needs(1) ? (-s.gradient).summed(to: sb) : nil)
  }
}

/// The product, element by element with broadcasting.
public func * (a: Tensor, b: Tensor) -> Tensor {
  Tensor.combined("*", kernels.multiply, a, b).recorded("*", a, b) { s in
    (
      s.needs(0) ? (s.gradient * s(b)).summed(to: a.shape) : nil,
      s.needs(1) ? (s.gradient * s(a)).summed(to: b.shape) : nil
    )
  }
}

/// The quotient, element by element with broadcasting.
public func / (a: Tensor, b: Tensor) -> Tensor {
  Tensor.combined("/", kernels.divide, a, b).recorded("/", a, b) { s in
    let ga: Tensor = s.gradient / s(b)
    return (
      s.needs(0) ? ga.summed(to: a.shape) : nil,
      s.needs(1) ? (-(ga * s(a)) / s(b)).summed(to: b.shape) : nil
    )
  }
}

/// -x
public prefix func - (x: Tensor) -> Tensor { x.affine(-1, 0) }

// A tensor and a number.

public func + (a: Tensor, b: Real) -> Tensor { a.affine(1, b) }
public func + (a: Real, b: Tensor) -> Tensor { b.affine(1, a) }
public func - (a: Tensor, b: Real) -> Tensor { a.affine(1, -b) }
public func - (a: Real, b: Tensor) -> Tensor { b.affine(-1, a) }
public func * (a: Tensor, b: Real) -> Tensor { a.affine(b, 0) }
public func * (a: Real, b: Tensor) -> Tensor { b.affine(a, 0) }
/// a times 1 / b, which may differ from the quotient by a unit in the last place.
public func / (a: Tensor, b: Real) -> Tensor { a.affine(1 / b, 0) }
public func / (a: Real, b: Tensor) -> Tensor { b.reciprocal() * a }

/// The sum as a new tensor, in the place of the first: other tensors that look at the same memory stay as they are.
public func += (a: inout Tensor, b: Tensor) { a = a + b }

/// The larger of both, element by element; where they are equal the gradient is shared in halves.
public func maximum(_ a: Tensor, _ b: Tensor) -> Tensor {
  Tensor.combined("maximum", kernels.maximum, a, b).recorded("maximum", a, b) { s in
    let chosen: Tensor = (a.detached.isLess(b.detached, orEqual: true) + a.detached.isLess(b.detached)) * 0.5
    return (
      s.needs(0) ? (s.gradient * (1 - chosen)).summed(to: a.shape) : nil,
      s.needs(1) ? (s.gradient * chosen).summed(to: b.shape) : nil
    )
  }
}

/// The smaller of both, element by element; where they are equal the gradient is shared in halves.
public func minimum(_ a: Tensor, _ b: Tensor) -> Tensor { -maximum(-a, -b) }

/// `a` where the condition is not 0, else `b`; all of one shape up to broadcasting.
public func select(_ condition: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
  guard let ab = Shape.broadcast(a.shape, b.shape), let shape = Shape.broadcast(ab, condition.shape) else {
    requirementFailed("select: \(condition.shape), \(a.shape) and \(b.shape) do not broadcast")
  }
  let c = condition.detached.broadcast(to: shape).contiguous()
  let x = a.detached.broadcast(to: shape).contiguous()
  let y = b.detached.broadcast(to: shape).contiguous()
  let z = Tensor(uninitialized: shape)
  let (pc, px, py, pz) = (c.base, x.base, y.base, z.base)
  forTiles(shape.count) { first, n in kernels.select(n, pc + first, 1, px + first, 1, py + first, 1, pz + first) }
  withExtendedLifetime((c, x, y)) {}
  let (sa, sb) = (a.shape, b.shape)  // all of a and b that the derivative needs
  return z.recorded("select", a, b) { s in
    let zero = Tensor(0)
    return (
      s.needs(0) ? select(c, s.gradient, zero).summed(to: sa) : nil,
      s.needs(1) ? select(c, zero, s.gradient).summed(to: sb) : nil
    )
  }
}

extension Tensor {
  /// 1 where this is less than the other, else 0; no gradient.
  public func isLess(_ other: Tensor, orEqual: Bool = false) -> Tensor {
    Tensor.combined("isLess", orEqual ? kernels.lessEqual : kernels.less, detached, other.detached)
  }

  /// 1 where both are equal, else 0; no gradient.
  public func isEqual(_ other: Tensor) -> Tensor { Tensor.combined("isEqual", kernels.equal, detached, other.detached) }

  /// 1 / x
  public func reciprocal() -> Tensor {
    mapped(kernels.reciprocal).recorded("reciprocal", self, savesOutput: true) { s in
      -(s.gradient * s.output * s.output)
    }
  }

  /// x^2
  public func squared() -> Tensor {
    mapped(kernels.square).recorded("squared", self) { s in s.gradient * s(self) * 2 }
  }

  /// The square root; its gradient at 0 is infinite.
  public func sqrt() -> Tensor {
    mapped(kernels.squareRoot).recorded("sqrt", self, savesOutput: true) { s in s.gradient / s.output * 0.5 }
  }

  /// 1 / sqrt(x)
  public func rsqrt() -> Tensor {
    mapped(kernels.rsqrt).recorded("rsqrt", self, savesOutput: true) { s in
      s.gradient * s.output * s.output * s.output * -0.5
    }
  }

  /// e^x
  public func exp() -> Tensor {
    mapped(kernels.exp).recorded("exp", self, savesOutput: true) { s in s.gradient * s.output }
  }

  /// The natural logarithm.
  public func log() -> Tensor { mapped(kernels.log).recorded("log", self) { s in s.gradient / s(self) } }

  /// log(1 + x)
  public func log1p() -> Tensor { mapped(kernels.log1p).recorded("log1p", self) { s in s.gradient / (s(self) + 1) } }

  /// The sine of an angle in radians.
  public func sin() -> Tensor { mapped(kernels.sin).recorded("sin", self) { s in s.gradient * s(self).cos() } }
  /// The cosine of an angle in radians.
  public func cos() -> Tensor { mapped(kernels.cos).recorded("cos", self) { s in -(s.gradient * s(self).sin()) } }

  /// |x|; the gradient at 0 is 0.
  public func abs() -> Tensor {
    mapped(kernels.absolute).recorded("abs", self) { s in s.gradient * self.detached.mapped(kernels.sign) }
  }

  /// x^p for a constant p.
  public func pow(_ p: Real) -> Tensor {
    // p x^(p-1) would be 0 * infinity at 0.
    if p == 0 { return Tensor.ones(shape).recorded("pow", self) { s in s.gradient * 0 } }
    return Tensor.combined("pow", kernels.power, self, Tensor(p)).recorded("pow", self) { s in
      s.gradient * s(self).pow(p - 1) * p
    }
  }

  /// Limited to [low, high]; the gradient is 0 outside.
  public func clamped(_ low: Real, _ high: Real) -> Tensor {
    Tensor.combined(
      "clamped", kernels.minimum, Tensor.combined("clamped", kernels.maximum, detached, Tensor(low)), Tensor(high)
    ).recorded("clamped", self) { s in
      s.gradient * (Tensor(low).isLess(self, orEqual: true) * self.isLess(Tensor(high), orEqual: true))
    }
  }
}

extension Tensor {
  /// this = rate * this + (1 - rate) * other, in place: one step of a moving average. Not differentiable.
  public mutating func average(with other: Tensor, rate: Real) {
    require(shape == other.shape, "average(with:) needs equal shapes, got \(shape) and \(other.shape)")
    let source = other.detached.contiguous()
    let from = source.base
    withMutableElements { target in
      guard let to = target.baseAddress else { return }
      forTiles(target.count) { first, n in
        kernels.blend(n, rate, to + first, 1 - rate, from + first, to + first)
      }
    }
    withExtendedLifetime(source) {}
  }
}
