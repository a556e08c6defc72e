/// Smooth noise of three coordinates in [0, 1]: random values at the integer points, blended by cubics between them.
///
/// The values come from the permutation x -> (34 x^2 + x) mod 289, exact in single precision and free of integer
/// products, which SSE2 lacks. The period is 289 in each coordinate.
///
/// - Source: the permutation polynomial of Gustavson and McEwan 2012, "Efficient computational noise in GLSL".
@inline(__always) func valueNoise(_ p: Lanes3) -> Float8 {
  let (ix, iy, iz) = (floored(p.x), floored(p.y), floored(p.z))
  let (fx, fy, fz) = (fade(p.x - ix), fade(p.y - iy), fade(p.z - iz))
  let (x, y, z) = (wrapped(ix), wrapped(iy), wrapped(iz))
  let (a0, a1) = (permuted(x), permuted(x + 1))
  let (b00, b10) = (permuted(a0 + y), permuted(a1 + y))
  let (b01, b11) = (permuted(a0 + y + 1), permuted(a1 + y + 1))
  let near = blend(
    blend(permuted(b00 + z), permuted(b10 + z), fx), blend(permuted(b01 + z), permuted(b11 + z), fx), fy)
  let far = blend(
    blend(permuted(b00 + z + 1), permuted(b10 + z + 1), fx),
    blend(permuted(b01 + z + 1), permuted(b11 + z + 1), fx), fy)
  return blend(near, far, fz) * (1 / 289) + 0.5
}

/// Two octaves of noise, in [0, 1].
@inline(__always) func layeredNoise(_ p: Lanes3) -> Float8 {
  let q = Lanes3(p.x * 2.1 + 17.3, p.y * 2.1 + 5.7, p.z * 2.1 + 31.9)
  return valueNoise(p) * 0.65 + valueNoise(q) * 0.35
}

/// The residue modulo 289 that is nearest to 0, -144...144.
@inline(__always) private func wrapped(_ x: Float8) -> Float8 { x - nearestWhole(x * (1 / 289)) * 289 }
@inline(__always) private func permuted(_ x: Float8) -> Float8 { wrapped((x * 34 + 1) * x) }
@inline(__always) private func fade(_ f: Float8) -> Float8 { f * f * (3 - 2 * f) }
@inline(__always) private func blend(_ a: Float8, _ b: Float8, _ w: Float8) -> Float8 { a + (b - a) * w }
