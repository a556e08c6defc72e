import Glibc
import ReproTensor

/// A learnt bias of attention scores for each distance of positions, in buckets that grow with the distance.
///
/// Distances below half of the buckets (of a side) have one each; larger ones share buckets by their logarithm, up to
/// `maxDistance`, beyond which all share the last.
/// - Source: Raffel et al. 2019 (T5, arXiv 1910.10683), Section 2.1; buckets as in the authors' code.
public struct RelativeBias: Layer {
  public var weight: Tensor  // [buckets, H]
  let maxDistance: Int
  /// Whether keys after the query have buckets of their own; else they share that of distance 0.
  let isBidirectional: Bool

  public init(
    heads: Int, buckets: Int = 32, maxDistance: Int = 128, isBidirectional: Bool = true, random: RandomStream
  ) {
    let side = isBidirectional ? buckets / 2 : buckets
    require(
      heads > 0 && side >= 2 && maxDistance > side / 2 && (!isBidirectional || buckets % 2 == 0),
      "relative bias needs heads, buckets and distances, got \(heads), \(buckets), \(maxDistance)")
    var stream = random.child("weight")
    weight = stream.normal([buckets, heads], deviation: 0.02)
    (self.maxDistance, self.isBidirectional) = (maxDistance, isBidirectional)
  }

  public mutating func visit(_ v: inout some LayerVisitor) { v("weight", &weight, .bias) }

  /// The bucket of a key that stands `offset` after the query.
  func bucket(_ offset: Int) -> Int {
    var buckets = weight.shape[0]
    var first = 0
    var distance = -offset
    if isBidirectional {
      buckets /= 2
      if offset > 0 { first = buckets }
      distance = abs(offset)
    } else {
      distance = max(distance, 0)
    }
    let exact = buckets / 2
    if distance < exact { return first + distance }
    // In single precision, as T5 does: a bucket's border must not move by a rounding.
    let ratio = Float(log(Float(distance) / Float(exact))) / Float(log(Double(maxDistance) / Double(exact)))
    return first + min(exact + Int(ratio * Float(buckets - exact)), buckets - 1)
  }

  /// The bias of queries on keys, `[H, N, M]`.
  public func callAsFunction(queries n: Int, keys m: Int) -> Tensor {
    let places = (0..<n).flatMap { i in (0..<m).map { j in bucket(j - i) } }
    return weight.gathered(IndexTensor(places)).reshaped(to: [n, m, weight.shape[1]]).permuted([2, 0, 1])
  }
}
