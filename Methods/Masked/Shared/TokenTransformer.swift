import Glibc
import ReproNN
import ReproTensor

/// Size of a transformer over the tokens of a row.
struct TokenTransformerSize: Sendable, Equatable {
  var width, heads, layers, hidden: Int
  var dropout: Real
}

/// A transformer with norm, map and norm behind it.   [B, N, D] -> [B, N, D]
///
///     y = norm_2(dropout(W norm_1(dropout(transformer(x))) + b))
///
/// - Source: the code of Thimonier et al. 2024 (T-JEPA, arXiv 2410.05016); post-norm blocks with ReLU.
struct TokenTransformer: Layer {
  var transformer: TransformerEncoder
  var fc: Linear
  var layernorm1, layernorm2: LayerNorm
  let dropout: Dropout

  init(_ size: TokenTransformerSize, random: RandomStream) {
    var c = TransformerConfiguration(width: size.width, heads: size.heads, hidden: size.hidden)
    c.dropout = size.dropout
    transformer = TransformerEncoder(c, depth: size.layers, random: random.child("transformer"))
    fc = .uniform(size.width, size.width, random: random.child("fc"))
    layernorm1 = LayerNorm(size.width, epsilon: 1e-5)
    layernorm2 = LayerNorm(size.width, epsilon: 1e-5)
    dropout = Dropout(size.dropout)
  }

  mutating func visit(_ v: inout some LayerVisitor) {
    v("transformer", &transformer)
    v("fc", &fc)
    v("layernorm1", &layernorm1)
    v("layernorm2", &layernorm2)
  }

  func callAsFunction(_ x: Tensor, _ context: ForwardContext? = nil) -> Tensor {
    let y = dropout(transformer(x, .all, context?.child("blocks")), context?.child("first"))
    return layernorm2(dropout(fc(layernorm1(y)), context?.child("second")))
  }
}

/// Sinusoids of places on a line, `[count, width]`: sines and cosines of p base^(-2 k / width), in turn or all sines
/// before all cosines.
func linePositions(_ count: Int, width: Int, base: Double, inTurn: Bool) -> Tensor {
  let half = width / 2
  return Tensor([count, width]) { target in
    for i in target.indices { target[i] = 0 }
    for p in 0..<count {
      for k in 0..<half {
        let angle = Double(p) * pow(base, -Double(k) / Double(half))
        target[p * width + (inTurn ? 2 * k : k)] = Real(sin(angle))
        target[p * width + (inTurn ? 2 * k + 1 : half + k)] = Real(cos(angle))
      }
    }
  }
}

/// Gives maps and embeddings new weights from a narrow normal and zero biases, as transformers are often begun; packed
/// projections, norms and what is no map keep theirs.
struct NarrowInitializer: LayerVisitor {
  let deviation: Real
  let random: RandomStream
  private var place = PathTracker()

  init(deviation: Real, random: RandomStream) { (self.deviation, self.random) = (deviation, random) }

  mutating func tensor(_ name: StaticString, _ role: Role, _ t: inout Tensor) {
    let path = place.path(name)
    let isMap =
      path.contains("linear") || path.contains("out_proj") || path.contains("fc.") || path.contains("embed")
      || path.contains("proj.")
    guard isMap else { return }
    if role == .weight {
      var stream = random.child(path)
      t = stream.truncatedNormal(t.shape, deviation: deviation)
    } else if role == .bias {
      t = .zeros(t.shape)
    }
  }

  mutating func enter(_ name: StaticString, _ index: Int?, frozen: Bool) { place.enter(name, index, frozen: frozen) }
  mutating func leave() { place.leave() }
}
