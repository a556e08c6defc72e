import Glibc
import ReproTensor

extension RandomStream {
  /// Two independent standard normal numbers.
  ///
  ///     r = sqrt(-2 log u),   (r cos 2 pi v, r sin 2 pi v)
  ///
  /// - Source: Box and Muller 1958.
  mutating func gaussianPair() -> SIMD2<Float> {
    let radius = (-2 * log(1 - uniform())).squareRoot()
    let angle = 2 * Double.pi * uniform()
    return SIMD2(Float(radius * cos(angle)), Float(radius * sin(angle)))
  }

  /// One standard normal number.
  mutating func gaussian() -> Float { gaussianPair().x }

  /// A vector of three standard normal numbers.
  mutating func gaussian3() -> Vec3 {
    let (a, b) = (gaussianPair(), gaussianPair())
    return Vec3(a.x, a.y, b.x)
  }

  /// A direction, all equally likely.
  mutating func direction() -> Vec3 {
    let z = float(-1, 1)
    let angle = float(0, 2 * .pi)
    let across = max(0, 1 - z * z).squareRoot()
    return Vec3(across * cosf(angle), z, across * sinf(angle))
  }

  /// `count` standard normal numbers.
  mutating func gaussians(_ count: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: count) { to, written in
      for i in stride(from: 0, to: count, by: 2) {
        let pair = gaussianPair()
        to.initializeElement(at: i, to: pair.x)
        if i + 1 < count { to.initializeElement(at: i + 1, to: pair.y) }
      }
      written = count
    }
  }

  /// A number of events with the given mean, 0...
  ///
  /// - Source: Knuth's product of uniforms; a rounded normal number above a mean of 30.
  mutating func poisson(_ mean: Double) -> Int {
    guard mean < 30 else { return max(0, Int((mean + Double(gaussian()) * mean.squareRoot()).rounded())) }
    let limit = exp(-mean)
    var (product, count) = (uniform(), 0)
    while product > limit {
      product *= uniform()
      count += 1
    }
    return count
  }
}
