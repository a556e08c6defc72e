import ReproTensor

/// A feed-forward part with a gate.   [..., D] -> [..., D]
///
///     y = W_3 (silu(W_1 x + b_1) * (W_2 x + b_2)) + b_3
///
/// Names are DINOv3's; DINOv2 keeps the first two maps in one matrix, `w12`.
/// - Source: Shazeer 2020 (arXiv 2002.05202), Section 2.
public struct SwiGLU: Layer {
  public var w1, w2, w3: Linear

  public init(_ width: Int, hidden: Int, deviation: Real = 0.02, random: RandomStream) {
    w1 = Linear(width, hidden, deviation: deviation, random: random.child("w1"))
    w2 = Linear(width, hidden, deviation: deviation, random: random.child("w2"))
    w3 = Linear(hidden, width, deviation: deviation, random: random.child("w3"))
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("w1", &w1)
    v("w2", &w2)
    v("w3", &w3)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { w3(w1(x).silu() * w2(x)) }
}
