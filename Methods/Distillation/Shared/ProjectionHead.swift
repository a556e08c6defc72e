import ReproNN
import ReproTensor

/// The head of DINO: an MLP with GELU, L2 normalisation, and weight-normalised prototypes.   [N, D] -> [N, K]
///
///     z = normalise(MLP(x));   logits_k = g_k <v_k, z> / |v_k|
///
/// The gains g start at 1 and are trained, as in DINOv2 (DINO froze them). The directions v start uniform within
/// 1 / sqrt(bottleneck), PyTorch's default for a linear map: their length cancels in the logits, but decides how far a step
/// of AdamW turns them. Names as in the authors' checkpoints.
/// - Source: Caron et al. 2021 (arXiv 2104.14294), Section 3.1; weight normalisation: Salimans and Kingma 2016 (1602.07868).
public struct ProjectionHead: Layer {
  /// Widths of a head.
  public struct Configuration: Sendable, Equatable {
    public var hidden, bottleneck, layers, prototypes: Int
    public init(hidden: Int, bottleneck: Int, layers: Int, prototypes: Int) {
      (self.hidden, self.bottleneck, self.layers, self.prototypes) = (hidden, bottleneck, layers, prototypes)
    }
  }

  public var mlp: [Linear]
  public var direction: Tensor  // v, [K, bottleneck]
  public var gain: Tensor  // g, [K, 1]

  public init(_ width: Int, _ c: Configuration, deviation: Real = 0.02, random: RandomStream) {
    let widths = [width] + Array(repeating: c.hidden, count: c.layers - 1) + [c.bottleneck]
    mlp = (0..<c.layers).map {
      Linear(widths[$0], widths[$0 + 1], deviation: deviation, random: random.child("mlp", $0))
    }
    var stream = random.child("last_layer")
    let limit = 1 / Real(c.bottleneck).squareRoot()
    direction = stream.uniform([c.prototypes, c.bottleneck], -limit, limit)
    gain = .ones([c.prototypes, 1])
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    // The authors' MLP counts its activations: its affine maps are 0, 2, 4.
    for i in mlp.indices {
      v.enter("mlp", 2 * i, frozen: false)
      mlp[i].visit(&v)
      v.leave()
    }
    v.enter("last_layer", nil, frozen: false)
    v("weight_g", &gain, .gain)
    v("weight_v", &direction)
    v.leave()
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    var y = x
    for (i, layer) in mlp.enumerated() {
      y = layer(y)
      if i < mlp.count - 1 { y = y.gelu() }
    }
    return linear(y.l2Normalized(), direction.l2Normalized() * gain, nil)
  }
}
