import ReproNN
import ReproTensor

/// The depths between which the sweep runs: they follow the teacher's, whose scale nobody knows before training.
///
///     near := 0.99 near + 0.01 max(least, 0.9 mean_b min D_b),   far := 0.99 far + 0.01 * 1.1 mean_b max D_b
///
/// - Source: Watson et al. 2021 (arXiv 2104.14540), Section 3.3 ("adaptive cost volumes"), and the authors' trainer.py.
public struct DepthBins: Layer {
  /// Near and far, `[2]`, in the network's unit.
  public private(set) var limits: Tensor
  let rate: Real

  public init(near: Real, far: Real, rate: Real) {
    require(near > 0 && far > near, "depth bins lie between 0 < near < far, got \(near), \(far)")
    limits = Tensor([2], [near, far])
    self.rate = rate
  }

  public mutating func visit(_ v: inout some LayerVisitor) { v("limits", &limits, .buffer) }

  /// Follows the depths of a batch, `[B, 1, H, W]`; `least` is the nearest that the network can say.
  public mutating func follow(_ depth: Tensor, least: Real) {
    let flat = depth.detached.reshaped([depth.shape[0], -1])
    let near = max(least, flat.amin().mean().item * 0.9)
    limits.average(with: Tensor([2], [near, flat.amax().mean().item * 1.1]), rate: rate)
  }

  /// Assumed depths, near to far.
  ///
  /// - Parameters:
  ///   - count: at least 2; 96 in the paper.
  ///   - inverse: whether steps are even in 1 / depth instead of depth; the paper's are even in depth.
  public func planes(_ count: Int, inverse: Bool) -> [Real] {
    let (near, far) = (limits.values[0], limits.values[1])
    return (0..<count).map { i in
      let part = Real(i) / Real(max(count - 1, 1))
      return inverse ? 1 / (1 / near + (1 / far - 1 / near) * part) : near + (far - near) * part
    }
  }
}
