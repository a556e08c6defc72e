import Glibc
import ReproTensor

/// Positions as rotations of queries and keys, so that their product depends on the distance only.
///
///     (x_a, x_b) -> (x_a cos t - x_b sin t, x_a sin t + x_b cos t),   t = position base^(-2 k / d) for pair k of d / 2
///
/// - Source: Su et al. 2021 (RoFormer, arXiv 2104.09864), Eq. 34; grids turn the first half of the pairs by the row and the second
///   half by the column, as in Heo et al. 2024 (arXiv 2403.13298), Section 3.2 (axial).
public struct RotaryEmbedding: Sendable {
  /// Which numbers make a pair.
  public enum Pairing: Sendable, Equatable {
    /// Neighbours, 2 k and 2 k + 1: the paper's.
    case neighbours
    /// k and k + d / 2: that of GPT-NeoX and LLaMA.
    case halves
  }
  let cosines, sines: Tensor  // [N, d / 2]
  let pairing: Pairing

  /// Rotations by given angles, `[N, d / 2]`, radians.
  public init(angles: [[Double]], pairing: Pairing = .neighbours) {
    let width = angles.first?.count ?? 0
    require(width > 0 && angles.allSatisfy { $0.count == width }, "rotations need angles [N, d / 2] of one width")
    let flat = angles.flatMap { $0 }
    cosines = Tensor([angles.count, width], flat.map { Real(cos($0)) })
    sines = Tensor([angles.count, width], flat.map { Real(sin($0)) })
    self.pairing = pairing
  }

  /// Positions first, first + 1, ... of a sequence, for heads of width d (even).
  public static func sequence(
    _ count: Int, width d: Int, base: Double = 10000, from first: Int = 0, pairing: Pairing = .neighbours
  ) -> RotaryEmbedding {
    require(d > 0 && d % 2 == 0, "rotations need heads of even width, got \(d)")
    return RotaryEmbedding(angles: (first..<(first + count)).map { axis($0, d / 2, base) }, pairing: pairing)
  }

  /// Places of a grid, row by row, for heads of width d (a multiple of 4).
  public static func grid(
    rows: Int, columns: Int, width d: Int, base: Double = 100, pairing: Pairing = .neighbours
  ) -> RotaryEmbedding {
    require(d > 0 && d % 4 == 0, "rotations by rows and columns need heads of a width divisible by 4, got \(d)")
    return RotaryEmbedding(
      angles: (0..<rows).flatMap { r in (0..<columns).map { c in axis(r, d / 4, base) + axis(c, d / 4, base) } },
      pairing: pairing)
  }

  /// position base^(-k / n) for k in 0 ..< n
  private static func axis(_ position: Int, _ n: Int, _ base: Double) -> [Double] {
    (0..<n).map { Double(position) * pow(base, -Double($0) / Double(n)) }
  }

  /// Turned queries or keys, `[..., N, D]`; numbers beyond d pass unchanged.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let (n, half) = (cosines.shape[0], cosines.shape[1])
    require(
      x.rank >= 2 && x.shape[-2] == n && x.shape[-1] >= 2 * half,
      "rotations of \(n) positions by \(half) pairs need [..., \(n), at least \(2 * half)], got \(x.shape)")
    let turned = x.slice(-1, 0..<(2 * half))
    let rest = x.slice(-1, (2 * half)..<x.shape[-1])
    let extents = x.shape.array.dropLast()
    let a, b: Tensor  // [..., N, d / 2]
    if pairing == .halves {
      (a, b) = (turned.slice(-1, 0..<half), turned.slice(-1, half..<(2 * half)))
    } else {
      let pairs = turned.reshaped(to: Shape(extents + [half, 2]))
      (a, b) = (pairs.select(-1, 0), pairs.select(-1, 1))
    }
    let (c, s): (Tensor, Tensor) = (a * cosines - b * sines, a * sines + b * cosines)
    let y =
      pairing == .halves
      ? concat([c, s], axis: x.rank - 1) : stack([c, s], axis: -1).reshaped(to: Shape(extents + [2 * half]))
    return rest.shape[-1] == 0 ? y : concat([y, rest], axis: x.rank - 1)
  }
}
