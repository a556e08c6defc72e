import ReproNN
import ReproTensor

/// What a plane sweep found out: constants, without a gradient.
public struct CostVolume: Sendable {
  /// Difference of features for each assumed depth, `[B, P, H, W]`; where a plane was not observed, the largest of its pixel.
  public let costs: Tensor
  /// Depth of the plane with the least cost, `[B, 1, H, W]`; the first plane's where none was observed.
  public let lowest: Tensor
  /// 1 where all planes were observed, `[B, 1, H, W]`.
  public let isObserved: Tensor

  /// The volume as the network sees it: 0 where not all planes were observed.
  public var masked: Tensor { costs * isObserved }
}

/// An earlier picture that the current one is matched with.
public struct Lookup: Sendable {
  /// `[B, C, H, W]`.
  public var features: Tensor
  /// From the current camera's frame into the earlier one's, `[B, 4, 4]`; all zeros: this picture is missing.
  public var motion: Tensor
  public init(features: Tensor, motion: Tensor) { (self.features, self.motion) = (features, motion) }
}

/// Compares the current features with earlier ones, warped as if all pixels lay at one depth after the other.
///
///     cost_p(x) = mean over lookups that see it, mean over channels, | F_{t-n}< proj(d_p, T, K) >(x) - F_t(x) |
///
/// A place is not observed where the warped one leaves [2, W - 2] x [2, H - 2], lies behind the camera, or is within two
/// pixels of the border of the current picture: there the features saw the padding of convolutions. A cost of exactly 0
/// counts as not observed, as the authors' code has it.
/// - Parameters:
///   - current: F_t, `[B, C, H, W]`.
///   - intrinsics: of the features' resolution, `[B, 3, 3]`.
///   - planes: assumed depths d_p, positive.
/// - Source: Watson et al. 2021 (arXiv 2104.14540), Section 3.2, and `match_features` of the authors' code.
public func planeSweep(_ current: Tensor, _ lookups: [Lookup], intrinsics: Tensor, planes: [Real]) -> CostVolume {
  require(
    current.rank == 4 && lookups.allSatisfy { $0.features.shape == current.shape } && !planes.isEmpty,
    "a plane sweep needs features of one shape [B, C, H, W] and planes, got \(current.shape), "
      + "\(lookups.map(\.features.shape)) and \(planes.count) planes")
  let (batch, rows, columns) = (current.shape[0], current.shape[2], current.shape[3])
  let (count, area) = (planes.count, rows * columns)
  let now = ChannelsLast(current)
  let views = lookups.map { lookup in
    (features: ChannelsLast(lookup.features), lookup: SweptView(lookup.motion, intrinsics))
  }
  let scale = 1 / Real(current.shape[1])
  var costs = Tensor.zeros([batch, count, rows, columns])
  var lowest = Tensor.full([batch, 1, rows, columns], planes[0])
  var observed = Tensor.zeros([batch, 1, rows, columns])
  costs.withMutableElements { costs in
    lowest.withMutableElements { lowest in
      observed.withMutableElements { observed in
        nonisolated(unsafe) let (costs, lowest, observed) = (costs, lowest, observed)
        // Rows are independent: the same bits for any number of threads.
        ThreadPool.shared.forEach(batch * rows) { tile in
          let (b, row) = (tile / rows, tile % rows)
          guard row >= 2, row < rows - 2, columns > 4 else { return }
          for column in 2..<(columns - 2) {
            let place = row * columns + column
            for p in 0..<count {
              var (sum, seen): (Real, Real) = (0, 0)
              for view in views where view.lookup.exists[b] {
                guard let at = view.lookup.place(b, row, column, planes[p], rows, columns) else { continue }
                let cost = view.features.difference(b, at, now, place) * scale
                if cost > 0 { (sum, seen) = (sum + cost, seen + 1) }
              }
              costs[(b * count + p) * area + place] = sum / (seen + 1e-7)
            }
            var (best, largest, found): (Real, Real, Int) = (.infinity, 0, 0)
            for p in 0..<count {
              let cost = costs[(b * count + p) * area + place]
              guard cost > 0 else { continue }
              found += 1
              largest = max(largest, cost)
              if cost < best { (best, lowest[b * area + place]) = (cost, planes[p]) }
            }
            observed[b * area + place] = found == count ? 1 : 0
            for p in 0..<count where costs[(b * count + p) * area + place] == 0 {
              costs[(b * count + p) * area + place] = largest
            }
          }
        }
      }
    }
  }
  return CostVolume(costs: costs, lowest: lowest, isObserved: observed)
}

/// How pixels of the current camera at some depth project into one lookup: q = depth (K R K^-1) (i, j, 1) + K t.
private struct SweptView: Sendable {
  /// `[B]`; false for a motion of zeros.
  let exists: [Bool]
  /// `[B, 9]` and `[B, 3]`.
  private let turn, shift: [Real]

  init(_ motion: Tensor, _ intrinsics: Tensor) {
    let k = intrinsics.detached
    let rotation = motion.detached.slice(1, 0..<3).slice(2, 0..<3)
    turn = matmul(matmul(k, rotation), k.inverse()).values
    shift = matmul(k, motion.detached.slice(1, 0..<3).slice(2, 3..<4)).values
    let entries = motion.values
    exists = (0..<motion.shape[0]).map { b in entries[(16 * b)..<(16 * b + 16)].contains { $0 != 0 } }
  }

  /// Column and row in the lookup; nil where it is not observed.
  @inline(__always)
  func place(_ b: Int, _ row: Int, _ column: Int, _ depth: Real, _ rows: Int, _ columns: Int) -> (Real, Real)? {
    let (x, y) = (Real(column), Real(row))
    func q(_ i: Int) -> Real {
      (turn[9 * b + 3 * i] * x + turn[9 * b + 3 * i + 1] * y + turn[9 * b + 3 * i + 2]) * depth + shift[3 * b + i]
    }
    let z = q(2)
    guard z > 0 else { return nil }
    let (u, v) = (q(0) / (z + 1e-7), q(1) / (z + 1e-7))
    guard u >= 2, u <= Real(columns - 2), v >= 2, v <= Real(rows - 2) else { return nil }
    return (u, v)
  }
}

/// Features with the channels of a pixel side by side, in vectors of eight.
private struct ChannelsLast: Sendable {
  let vectors: [SIMD8<Real>]
  let width, rows, columns: Int

  init(_ x: Tensor) {
    let (batch, channels, area) = (x.shape[0], x.shape[1], x.shape[2] * x.shape[3])
    let width = (channels + 7) / 8
    (self.width, rows, columns) = (width, x.shape[2], x.shape[3])
    var vectors = [SIMD8<Real>](repeating: .zero, count: batch * area * width)
    x.detached.withElements { p in
      for b in 0..<batch {
        for c in 0..<channels {
          for i in 0..<area { vectors[(b * area + i) * width + c / 8][c % 8] = p[(b * channels + c) * area + i] }
        }
      }
    }
    self.vectors = vectors
  }

  /// The sum over channels of |sampled here, bilinearly, - other's pixel|.
  @inline(__always)
  func difference(_ b: Int, _ at: (Real, Real), _ other: ChannelsLast, _ pixel: Int) -> Real {
    let (x, y) = (Int(at.0), Int(at.1))
    let (fx, fy) = (at.0 - Real(x), at.1 - Real(y))
    let corner = ((b * rows + y) * columns + x) * width
    let own = (b * rows * columns + pixel) * width
    return vectors.withUnsafeBufferPointer { v in
      other.vectors.withUnsafeBufferPointer { w in
        var total = SIMD8<Real>.zero
        for k in 0..<width {
          let above = v[corner + k] * (1 - fx) + v[corner + width + k] * fx
          let below = v[corner + columns * width + k] * (1 - fx) + v[corner + (columns + 1) * width + k] * fx
          let e = above * (1 - fy) + below * fy - w[own + k]
          total += pointwiseMax(e, -e)
        }
        return total.sum()
      }
    }
  }
}
