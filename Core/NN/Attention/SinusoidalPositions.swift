import Glibc
import ReproTensor

/// Sinusoids of a position, `[count, width]`.
///
///     P[p, 2 k] = sin(p / 10000^(2 k / width));   P[p, 2 k + 1] = cos(p / 10000^(2 k / width))
///
/// - Source: Vaswani et al. 2017 (arXiv 1706.03762), Section 3.5.
public func sinusoidalPositions(_ count: Int, width: Int) -> Tensor {
  require(width > 0 && width % 2 == 0, "sinusoids come in pairs, got width \(width)")
  return Tensor([count, width]) { p in
    for i in 0..<count {
      for k in 0..<(width / 2) {
        let angle = Double(i) / pow(10000, 2 * Double(k) / Double(width))
        p[i * width + 2 * k] = Real(sin(angle))
        p[i * width + 2 * k + 1] = Real(cos(angle))
      }
    }
  }
}

/// Sinusoids of the places of a grid, row by row, `[rows * columns, width]`: first those of the column, then those of the row,
/// each all sines and then all cosines.
///
///     omega_k = 10000^(-4 k / width),  k in 0 ..< width / 4
///
/// - Source: Chen et al. 2021 (MoCo v3, arXiv 2104.02057), Section 4.2, in the order of the code of He et al. 2021 (MAE,
///   arXiv 2111.06377).
public func sinCosPositions(rows: Int, columns: Int, width: Int) -> Tensor {
  require(width > 0 && width % 4 == 0, "positions of a grid need a width divisible by 4, got \(width)")
  let quarter = width / 4
  return Tensor([rows * columns, width]) { p in
    for r in 0..<rows {
      for c in 0..<columns {
        let row = (r * columns + c) * width
        for k in 0..<quarter {
          let omega = pow(10000, -Double(k) / Double(quarter))
          p[row + k] = Real(sin(Double(c) * omega))
          p[row + quarter + k] = Real(cos(Double(c) * omega))
          p[row + 2 * quarter + k] = Real(sin(Double(r) * omega))
          p[row + 3 * quarter + k] = Real(cos(Double(r) * omega))
        }
      }
    }
  }
}
