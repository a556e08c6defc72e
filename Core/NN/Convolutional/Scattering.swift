import Glibc
import ReproTensor

/// The scattering transform of images: averages of moduli of wavelet transforms. Nothing is learnt; gradients reach the image.
///
///     S_0 = x * phi;   S_1 = |x * psi_jk| * phi;   S_2 = ||x * psi_jk| * psi_il| * phi,  i > j
///     psi_jk(u) = g (exp(i xi u') - c),   g a Gauss function of deviation 0.8 2^j along u' and L / 4 times as much across
///
/// psi turns by k pi / L, its frequency is 3 pi / 4 2^(-j), c makes its sum 0; phi is a Gauss function of deviation 0.8 2^(J - 1).
/// Images are continued by reflection over 2^J places; paths are averaged at every 2^J-th place. Convolutions run in the Fourier
/// domain, by products with the matrices of the transform.
/// - Source: Bruna and Mallat 2012 (arXiv 1203.1513), Eq. 2 to 7; the constants of the wavelets are those of Kymatio
///   (arXiv 1812.11214).
public struct Scattering: Sendable {
  public let scales, angles: Int
  public let rows, columns: Int
  /// Spectra of all wavelets, by scale and then by angle, `[J L, n, m]`, and of the average, `[n, m]`; both are real.
  private let wavelets, average: Tensor
  /// Cosines and sines of the transforms along both axes, and their rows at the places that are kept.
  private let alongRows, alongColumns: FourierMatrices

  /// - Parameters:
  ///   - rows, columns: of the images; multiples of 2^J, larger than it.
  ///   - scales: J >= 1.
  ///   - angles: L >= 1.
  public init(rows: Int, columns: Int, scales: Int, angles: Int) {
    let pad = 1 << scales
    require(
      scales >= 1 && angles >= 1 && rows % pad == 0 && columns % pad == 0 && rows > pad && columns > pad,
      "scattering of \(scales) scales and \(angles) angles needs sides that are multiples of \(pad) and larger, got "
        + "\(rows) x \(columns)")
    (self.rows, self.columns, self.scales, self.angles) = (rows, columns, scales, angles)
    let (n, m) = (rows + 2 * pad, columns + 2 * pad)
    alongRows = FourierMatrices(n, kept: stride(from: pad, to: n - pad, by: pad).map { $0 })
    alongColumns = FourierMatrices(m, kept: stride(from: pad, to: m - pad, by: pad).map { $0 })
    let (r, c) = (alongRows, alongColumns)
    wavelets = stack(
      (0..<(scales * angles)).map { i in
        let (j, k) = (i / angles, i % angles)
        let wave = morlet(
          n, m, deviation: 0.8 * Double(1 << j), angle: Double(k) * Double.pi / Double(angles),
          slant: 4 / Double(angles), frequency: 0.75 * Double.pi / Double(1 << j))
        return spectrum(wave, r, c).re
      })
    let low = morlet(n, m, deviation: 0.8 * Double(1 << (scales - 1)), angle: 0, slant: 1, frequency: nil)
    average = spectrum(low, r, c).re
  }

  /// Number of paths, 1 + J L + L^2 J (J - 1) / 2.
  public var paths: Int { 1 + scales * angles + angles * angles * scales * (scales - 1) / 2 }

  /// `[B, C, rows, columns] -> [B, C, paths, rows / 2^J, columns / 2^J]`: order 0, order 1, then order 2 by its first wavelet.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    require(
      x.rank == 4 && x.shape[2] == rows && x.shape[3] == columns,
      "this scattering needs [B, C, \(rows), \(columns)], got \(x.shape)")
    let pad = 1 << scales
    let wide = x.padded(2, before: pad, after: pad, .reflect).padded(3, before: pad, after: pad, .reflect)
    let image = spectrum((wide.reshaped([-1, 1, wide.shape[2], wide.shape[3]]), nil), alongRows, alongColumns)
    let first = modulus(image, wavelets)  // [B C, J L, n, m]
    let spectra = spectrum((first, nil), alongRows, alongColumns)
    var found = [averaged(image), averaged(spectra)]
    for i in 0..<((scales - 1) * angles) {
      let own = (re: spectra.re.slice(1, i..<(i + 1)), im: spectra.im.map { $0.slice(1, i..<(i + 1)) })
      let coarser = wavelets.slice(0, ((i / angles + 1) * angles)..<(scales * angles))
      found.append(averaged(spectrum((modulus(own, coarser), nil), alongRows, alongColumns)))
    }
    let y = concat(found, axis: 1)  // [B C, paths, ...]
    return y.reshaped(to: Shape([x.shape[0], x.shape[1]] + y.shape.array.dropFirst()))
  }

  private typealias Complex = (re: Tensor, im: Tensor?)

  /// |x * psi| from the spectrum of x, `[N, P, n, m]`.
  private func modulus(_ x: Complex, _ filters: Tensor) -> Tensor {
    let z = inverse((x.re * filters, x.im.map { $0 * filters }), alongRows, alongColumns)
    // The square root has no derivative at 0; 1e-24 gives it one, and is below the rounding of every other value.
    return ((z.re.squared() + z.im.squared()) + 1e-24).sqrt()
  }

  /// x * phi at the places that are kept, from the spectrum of x.
  private func averaged(_ x: Complex) -> Tensor {
    inverse((x.re * average, x.im.map { $0 * average }), alongRows.kept, alongColumns.kept).re
  }

  private typealias Matrices = (cos: Tensor, sin: Tensor)

  private func inverse(_ x: Complex, _ r: FourierMatrices, _ c: FourierMatrices) -> (re: Tensor, im: Tensor) {
    inverse(x, (r.cosines, r.sines), (c.cosines, c.sines))
  }

  /// conj(F_r) X conj(F_c)^T / (n m), at the places of the given rows of the matrices.
  private func inverse(_ x: Complex, _ r: Matrices, _ c: Matrices) -> (re: Tensor, im: Tensor) {
    let scale = 1 / (Real(r.cos.shape[1]) * Real(c.cos.shape[1]))
    let even: Tensor = both(r.cos, x.re, c.cos) - both(r.sin, x.re, c.sin)
    let odd: Tensor = both(r.sin, x.re, c.cos) + both(r.cos, x.re, c.sin)
    guard let im = x.im else { return (even * scale, odd * scale) }
    let re: Tensor = even - (both(r.sin, im, c.cos) + both(r.cos, im, c.sin))
    let other: Tensor = odd + (both(r.cos, im, c.cos) - both(r.sin, im, c.sin))
    return (re * scale, other * scale)
  }
}

/// The matrices of a discrete Fourier transform, exp(-2 pi i k t / n) = cosines - i sines.
private struct FourierMatrices: Sendable {
  let cosines, sines: Tensor  // [n, n]
  /// Their rows at some places: symmetric, they serve both ways.
  let kept: (cos: Tensor, sin: Tensor)

  init(_ n: Int, kept places: [Int]) {
    func matrix(_ f: (Double) -> Double) -> Tensor {
      // k t modulo n first: the angle stays exact.
      Tensor(
        [n, n], (0..<(n * n)).map { Real(f(2 * Double.pi * Double(($0 / n) * ($0 % n) % n) / Double(n))) })
    }
    (cosines, sines) = (matrix { cos($0) }, matrix { sin($0) })
    kept = (cosines.gathered(IndexTensor(places)), sines.gathered(IndexTensor(places)))
  }
}

/// a x b^T: a matrix applied to the columns and one to the rows.
private func both(_ a: Tensor, _ x: Tensor, _ b: Tensor) -> Tensor { matmul(matmul(a, x), b.transposed()) }

/// F_r x F_c^T of a real or complex x.
private func spectrum(
  _ x: (re: Tensor, im: Tensor?), _ r: FourierMatrices, _ c: FourierMatrices
) -> (re: Tensor, im: Tensor?) {
  let even: Tensor = both(r.cosines, x.re, c.cosines) - both(r.sines, x.re, c.sines)
  let odd: Tensor = both(r.sines, x.re, c.cosines) + both(r.cosines, x.re, c.sines)
  guard let im = x.im else { return (even, -odd) }
  return (
    even + (both(r.sines, im, c.cosines) + both(r.cosines, im, c.sines)),
    both(r.cosines, im, c.cosines) - both(r.sines, im, c.sines) - odd
  )
}

/// A Morlet wavelet on n x m places around place 0, periodised over five images a side; a Gauss function without frequency.
private func morlet(
  _ n: Int, _ m: Int, deviation: Double, angle: Double, slant: Double, frequency: Double?
) -> (re: Tensor, im: Tensor?) {
  var envelope = [Double](repeating: 0, count: n * m)
  var (re, im) = (envelope, envelope)
  let norm = slant / (2 * Double.pi * deviation * deviation)
  for i in -2 * n..<3 * n {
    for j in -2 * m..<3 * m {
      let along = cos(angle) * Double(i) + sin(angle) * Double(j)
      let across = slant * (cos(angle) * Double(j) - sin(angle) * Double(i))
      let g = norm * exp(-(along * along + across * across) / (2 * deviation * deviation))
      let at = ((i + 2 * n) % n) * m + (j + 2 * m) % m
      envelope[at] += g
      if let frequency {
        re[at] += g * cos(frequency * along)
        im[at] += g * sin(frequency * along)
      }
    }
  }
  func tensor(_ values: [Double]) -> Tensor { Tensor([n, m], values.map { Real($0) }) }
  guard frequency != nil else { return (tensor(envelope), nil) }
  let total = envelope.reduce(0, +)
  let (a, b) = (re.reduce(0, +) / total, im.reduce(0, +) / total)
  return (tensor(zip(re, envelope).map { $0 - a * $1 }), tensor(zip(im, envelope).map { $0 - b * $1 }))
}
