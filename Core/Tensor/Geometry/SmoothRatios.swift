import Glibc

// Functions that textbooks write as quotients with a hole at 0. Each is the member of a family that is closed under
// differentiation, so that derivatives of any order are smooth and accurate at 0 too. Computed in Double.

extension Tensor {
  /// The Stumpff function of order k, c_k(x) = sum_i (-x)^i / (2 i + k)!, of each element x >= 0.
  ///
  ///     c_0(t^2) = cos t,  c_1(t^2) = sin(t) / t,  c_2(t^2) = (1 - cos t) / t^2,  c_3(t^2) = (t - sin t) / t^3
  ///     d c_k / dx = (k c_{k+2} - c_{k+1}) / 2
  ///
  /// - Source: Stumpff 1959, "Himmelsmechanik", vol. 1, chapter 5.
  func stumpff(_ order: Int) -> Tensor {
    mappedInDouble { stumpffFunction(order, $0) }.recorded("stumpff", self) { s in
      let x = s(self)
      let slope: Tensor = x.stumpff(order + 2) * Real(order) - x.stumpff(order + 1)
      return s.gradient * slope * 0.5
    }
  }

  /// G_k(x) = integral_0^1 t^(2k) / (1 + x t^2)^(k+1) dt of each element x >= 0.
  ///
  ///     G_0(t^2) = atan(t) / t,  d G_k / dx = -(k + 1) G_{k+1}
  func arctangentRatio(_ order: Int = 0) -> Tensor {
    mappedInDouble { arctangentIntegral(order, $0) }.recorded("arctangentRatio", self) { s in
      s.gradient * s(self).arctangentRatio(order + 1) * -Real(order + 1)
    }
  }

  /// f of each element, computed in Double, without history.
  private func mappedInDouble(_ f: (Double) -> Double) -> Tensor {
    let x = contiguous()
    let y = Tensor(uninitialized: shape)
    let (source, target) = (x.base, y.base)
    forTiles(count) { first, n in
      for i in first..<(first + n) { target[i] = Real(f(Double(source[i]))) }
    }
    withExtendedLifetime(x) {}
    return y
  }
}

/// 1 / n!
private func reciprocalFactorial(_ n: Int) -> Double { (1...Swift.max(n, 1)).reduce(1.0) { $0 / Double($1) } }

/// Below 10 the series, whose largest term is then 5 times 1 / k!; above the closed forms and
/// c_{k+2} = (1 / k! - c_k) / x, which loses no digits there.
private func stumpffFunction(_ order: Int, _ x: Double) -> Double {
  if x < 10 {
    var term = reciprocalFactorial(order)
    var sum = term
    var i = 0
    while term.magnitude > 1e-18 * sum.magnitude, i < 40 {
      i += 1
      term *= -x / Double((2 * i + order - 1) * (2 * i + order))
      sum += term
    }
    return sum
  }
  let t = x.squareRoot()
  var (k, value) = order % 2 == 0 ? (0, Glibc.cos(t)) : (1, Glibc.sin(t) / t)
  while k < order {
    value = (reciprocalFactorial(k) - value) / x
    k += 2
  }
  return value
}

/// Below 1/4 the series sum_j C(k + j, j) (-x)^j / (2 k + 2 j + 1); above integration by parts,
/// G_k = ((2 k - 1) G_{k-1} - (1 + x)^-k) / (2 k x).
private func arctangentIntegral(_ order: Int, _ x: Double) -> Double {
  if x < 0.25 {
    var (power, sum) = (1.0, 0.0)
    for j in 0..<60 {
      sum += power / Double(2 * order + 2 * j + 1)
      power *= -x * Double(order + j + 1) / Double(j + 1)
    }
    return sum
  }
  let t = x.squareRoot()
  var value = Glibc.atan(t) / t
  for k in 0..<order {
    let n = Double(k + 1)
    value = ((2 * n - 1) * value - Glibc.pow(1 + x, -n)) / (2 * n * x)
  }
  return value
}
