import Glibc

/// How a discrete Fourier transform of one length is computed: by stages of small factors, or, where a prime factor is
/// large, as a convolution of a length that is a power of two.
///
///     y_k = sum_j x_j exp(sign 2 pi i j k / n)
///
/// Numbers are pairs (real, imaginary) side by side. All angles are computed in Double from whole numbers.
/// - Sources: Stockham's self-sorting stages as in Van Loan 1992, "Computational frameworks for the fast Fourier transform",
///   section 1.7; Bluestein 1970, "A linear filtering approach to the computation of discrete Fourier transform".
struct FourierPlan {
  let n: Int
  /// +1 or -1, the sign of the exponent.
  let sign: Int
  private let factors: [Int]
  /// exp(sign 2 pi i j / n) for j = 0..<n; of the chirp transform exp(sign pi i j^2 / n).
  private let roots: Tensor
  /// Only of the chirp transform: the transforms of the padded length and the transformed kernel.
  private let chirp: Chirp?

  /// Larger prime factors than this take the detour of the chirp.
  private static let largestFactor = 13

  private final class Chirp {
    let forward, backward: FourierPlan
    let kernel: Tensor
    init(forward: FourierPlan, backward: FourierPlan, kernel: Tensor) {
      (self.forward, self.backward, self.kernel) = (forward, backward, kernel)
    }
  }

  init(_ n: Int, sign: Int) {
    (self.n, self.sign) = (n, sign)
    var (factors, rest) = ([Int](), n)
    for f in [4, 2, 3, 5, 7, 11, 13] {
      while rest % f == 0 {
        factors.append(f)
        rest /= f
      }
    }
    if rest == 1 {
      self.factors = factors
      roots = FourierPlan.roots(n) { ($0, n) }
      chirp = nil
      if sign < 0 { FourierPlan.conjugate(roots) }
      return
    }
    // j k = (j^2 + k^2 - (k - j)^2) / 2: a product, a convolution, a product.
    var m = 1
    while m < 2 * n - 1 { m *= 2 }
    self.factors = []
    roots = FourierPlan.roots(n) { ($0 * $0 % (2 * n), 2 * n) }
    if sign < 0 { FourierPlan.conjugate(roots) }
    let forward = FourierPlan(m, sign: -1)
    let kernel = Tensor.zeros([m, 2])
    let (w, k) = (roots.base, kernel.base)
    for j in 0..<n {
      for place in [j, (m - j) % m] {
        k[2 * place] = w[2 * j] / Real(m)
        k[2 * place + 1] = -w[2 * j + 1] / Real(m)
      }
    }
    let work = Tensor(uninitialized: [forward.workCount])
    forward.transform(kernel.base, work.base)
    withExtendedLifetime((work, roots)) {}
    chirp = Chirp(forward: forward, backward: FourierPlan(m, sign: 1), kernel: kernel)
  }

  /// exp(2 pi i a / b) for (a, b) = angle(j), j = 0..<n.
  private static func roots(_ n: Int, _ angle: (Int) -> (Int, Int)) -> Tensor {
    Tensor([n, 2]) { values in
      for j in 0..<n {
        let (a, b) = angle(j)
        let turn = 2 * Double.pi * Double(a) / Double(b)
        values[2 * j] = Real(Glibc.cos(turn))
        values[2 * j + 1] = Real(Glibc.sin(turn))
      }
    }
  }

  private static func conjugate(_ x: Tensor) {
    let p = x.base
    for j in 0..<(x.count / 2) { p[2 * j + 1] = -p[2 * j + 1] }
    withExtendedLifetime(x) {}
  }

  /// Elements of room that `transform` needs.
  var workCount: Int { chirp.map { 2 * $0.forward.n + $0.forward.workCount } ?? 2 * n }

  /// Operations of one transform, about.
  var cost: Int { chirp.map { 3 * $0.forward.cost } ?? 2 * n * (factors.reduce(0, +) + 4) }

  /// Transforms n pairs in place.
  func transform(_ x: UnsafeMutablePointer<Real>, _ work: UnsafeMutablePointer<Real>) {
    if let chirp { return transform(x, work, chirp) }
    var (from, to) = (x, work)
    var (length, stride) = (n, 1)
    for factor in factors {
      stage(factor, length, stride, from, to)
      (from, to) = (to, from)
      length /= factor
      stride *= factor
    }
    if from != x { x.update(from: from, count: 2 * n) }
    withExtendedLifetime(roots) {}
  }

  /// One stage: y[q + s (r p + k)] = w^(p k) sum_j x[q + s (p + m j)] exp(sign 2 pi i j k / r), with length = r m, w the root
  /// of that length, q < s, p < m.
  private func stage(
    _ r: Int, _ length: Int, _ s: Int, _ x: UnsafeMutablePointer<Real>, _ y: UnsafeMutablePointer<Real>
  ) {
    let m = length / r
    let w = roots.base
    let (step, turn) = (n / length, n / r)  // roots of `length` and of r among those of n
    for p in 0..<m {
      switch r {
      case 2: butterfly2(p, m, s, step, x, y, w)
      case 4: butterfly4(p, m, s, step, x, y, w)
      default: butterfly(r, p, m, s, step, turn, x, y, w)
      }
    }
  }

  /// Any factor: s runs of r^2 products each, the run innermost.
  @inline(__always)
  private func butterfly(
    _ r: Int, _ p: Int, _ m: Int, _ s: Int, _ step: Int, _ turn: Int, _ x: UnsafeMutablePointer<Real>,
    _ y: UnsafeMutablePointer<Real>, _ w: UnsafeMutablePointer<Real>
  ) {
    for k in 0..<r {
      let out = y + 2 * s * (r * p + k)
      out.update(from: x + 2 * s * p, count: 2 * s)
      for j in 1..<r {
        let (from, root) = (x + 2 * s * (p + m * j), w + 2 * (j * k % r * turn))
        let (br, bi) = (root[0], root[1])
        for q in 0..<s {
          out[2 * q] += from[2 * q] * br - from[2 * q + 1] * bi
          out[2 * q + 1] += from[2 * q] * bi + from[2 * q + 1] * br
        }
      }
      if k * p == 0 { continue }
      let (tr, ti) = (w[2 * p * k * step], w[2 * p * k * step + 1])
      for q in 0..<s {
        let (re, im) = (out[2 * q], out[2 * q + 1])
        out[2 * q] = re * tr - im * ti
        out[2 * q + 1] = re * ti + im * tr
      }
    }
  }

  @inline(__always)
  private func butterfly2(
    _ p: Int, _ m: Int, _ s: Int, _ step: Int, _ x: UnsafeMutablePointer<Real>, _ y: UnsafeMutablePointer<Real>,
    _ w: UnsafeMutablePointer<Real>
  ) {
    let (tr, ti) = (w[2 * p * step], w[2 * p * step + 1])
    let (x0, x1) = (x + 2 * s * p, x + 2 * s * (p + m))
    let (y0, y1) = (y + 4 * s * p, y + 4 * s * p + 2 * s)
    for q in 0..<s {
      let (re, im) = (x0[2 * q] - x1[2 * q], x0[2 * q + 1] - x1[2 * q + 1])
      y0[2 * q] = x0[2 * q] + x1[2 * q]
      y0[2 * q + 1] = x0[2 * q + 1] + x1[2 * q + 1]
      y1[2 * q] = re * tr - im * ti
      y1[2 * q + 1] = re * ti + im * tr
    }
  }

  @inline(__always)
  private func butterfly4(
    _ p: Int, _ m: Int, _ s: Int, _ step: Int, _ x: UnsafeMutablePointer<Real>, _ y: UnsafeMutablePointer<Real>,
    _ w: UnsafeMutablePointer<Real>
  ) {
    let turn = Real(sign)
    let (w1, w2, w3) = (w + 2 * p * step, w + 4 * p * step, w + 6 * p * step)
    let (t1r, t1i, t2r, t2i, t3r, t3i) = (w1[0], w1[1], w2[0], w2[1], w3[0], w3[1])
    let (x0, x1, x2, x3) = (x + 2 * s * p, x + 2 * s * (p + m), x + 2 * s * (p + 2 * m), x + 2 * s * (p + 3 * m))
    let y0 = y + 8 * s * p
    let (y1, y2, y3) = (y0 + 2 * s, y0 + 4 * s, y0 + 6 * s)
    for q in 0..<s {
      let (re, im) = (2 * q, 2 * q + 1)
      let (ar, ai) = (x0[re] + x2[re], x0[im] + x2[im])
      let (br, bi) = (x0[re] - x2[re], x0[im] - x2[im])
      let (cr, ci) = (x1[re] + x3[re], x1[im] + x3[im])
      // i sign (x1 - x3)
      let (dr, di) = (turn * (x3[im] - x1[im]), turn * (x1[re] - x3[re]))
      y0[re] = ar + cr
      y0[im] = ai + ci
      let (e1r, e1i, e2r, e2i, e3r, e3i) = (br + dr, bi + di, ar - cr, ai - ci, br - dr, bi - di)
      y1[re] = e1r * t1r - e1i * t1i
      y1[im] = e1r * t1i + e1i * t1r
      y2[re] = e2r * t2r - e2i * t2i
      y2[im] = e2r * t2i + e2i * t2r
      y3[re] = e3r * t3r - e3i * t3i
      y3[im] = e3r * t3i + e3i * t3r
    }
  }

  private func transform(_ x: UnsafeMutablePointer<Real>, _ work: UnsafeMutablePointer<Real>, _ chirp: Chirp) {
    let m = chirp.forward.n
    let (padded, rest, w, kernel) = (work, work + 2 * m, roots.base, chirp.kernel.base)
    for j in 0..<n { multiply(x + 2 * j, w + 2 * j, padded + 2 * j) }
    kernels.fill(2 * (m - n), 0, padded + 2 * n)
    chirp.forward.transform(padded, rest)
    for j in 0..<m { multiply(padded + 2 * j, kernel + 2 * j, padded + 2 * j) }
    chirp.backward.transform(padded, rest)
    for k in 0..<n { multiply(padded + 2 * k, w + 2 * k, x + 2 * k) }
    withExtendedLifetime((roots, chirp)) {}
  }

  @inline(__always)
  private func multiply(_ a: UnsafePointer<Real>, _ b: UnsafePointer<Real>, _ c: UnsafeMutablePointer<Real>) {
    let (re, im) = (a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0])
    c[0] = re
    c[1] = im
  }
}
