import ReproNN
import ReproTensor

/// The head of SimCLR as SLIP has it: three affine maps, batch norm and ReLU behind the first two.   [N, D] -> [N, K]
///
/// Names are those of the authors' checkpoints, initial weights PyTorch's.
/// - Source: Chen et al. 2020 (arXiv 2002.05709), Section 4.2 (one hidden layer there); SLIP's `_build_mlp`.
public struct BatchNormMLP: Layer {
  public struct Widths: Sendable, Equatable {
    public var hidden, output: Int
    public init(hidden: Int, output: Int) { (self.hidden, self.output) = (hidden, output) }
  }

  public var layer1, layer2, layer3: Linear
  public var bn1, bn2: BatchNorm

  public init(_ width: Int, _ widths: Widths, random: RandomStream) {
    layer1 = .uniform(width, widths.hidden, random: random.child("layer1"))
    layer2 = .uniform(widths.hidden, widths.hidden, random: random.child("layer2"))
    layer3 = .uniform(widths.hidden, widths.output, random: random.child("layer3"))
    bn1 = BatchNorm(widths.hidden)
    bn2 = BatchNorm(widths.hidden)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("layer1", &layer1)
    v("bn1", &bn1)
    v("layer2", &layer2)
    v("bn2", &bn2)
    v("layer3", &layer3)
  }

  /// With the statistics of what is passed in.
  mutating func training(_ x: Tensor) -> Tensor {
    let context = ForwardContext(random: RandomStream(seed: 0))  // nothing here is random
    let y = bn1(layer1(x), context).relu()
    return layer3(bn2(layer2(y), context).relu())
  }

  /// Frozen, with the running statistics.
  public func callAsFunction(_ x: Tensor) -> Tensor { layer3(bn2(layer2(bn1(layer1(x)).relu())).relu()) }
}
