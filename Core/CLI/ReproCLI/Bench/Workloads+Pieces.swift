import ReproNN
import ReproTensor

extension Workload {
  /// Single ops, forward and backward by themselves.
  static let pieces: [Workload] = [
    Workload("attention", "self-attention of [64, 65, 3 x 192], 3 heads, forward", unit: "sequence") {
      let (qkv, operations) = attentionInput()
      return Step(units: 64, operations: operations) { _ = selfAttention(qkv, heads: 3) }
    },
    Workload("attention-backward", "its gradient alone", unit: "sequence") {
      let (qkv, operations) = attentionInput()
      return backwardStep([qkv], units: 64, operations: 2 * operations) { selfAttention($0[0], heads: 3) }
    },
    Workload("conv3x3", "a 3 x 3 convolution of [64, 64, 32, 32] to 64 channels, forward", unit: "image") {
      let (x, weight, operations) = convolutionInput()
      return Step(units: 64, operations: operations) { _ = conv2d(x, weight, nil, padding: 1) }
    },
    Workload("conv3x3-backward", "its gradients with respect to input and weight alone", unit: "image") {
      let (x, weight, operations) = convolutionInput()
      return backwardStep([x, weight], units: 64, operations: 2 * operations) { conv2d($0[0], $0[1], nil, padding: 1) }
    },
    Workload("optimizer", "AdamW on the 5.4 million parameters of ViT-Ti", unit: "parameter") {
      let c = ViTConfiguration(imageSize: 32, patch: 4, channels: 3, width: 192, depth: 12, heads: 3)
      let model = Box(VisionTransformer(c, random: Self.stream("optimizer")))
      let optimizer = Box(Optimizer(.adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8), for: model.value))
      var random = Self.stream("gradients")
      let gradients = Gradients(model.value.tensors.map { random.normal($0.shape) })
      return Step(units: Double(model.value.parameterCount)) {
        optimizer.value.update(&model.value, gradients, rate: 1e-3, decay: 0.01)
      }
    },
    Workload("tape", "20 graphs of 1000 views of a scalar, recorded, differentiated and released", unit: "op") {
      let (x, graphs, ops) = (Tensor(1), 20, 1000)
      return Step(units: Double(graphs * ops)) {
        for _ in 0..<graphs {
          let variable = x.tracked
          var y = variable
          for _ in 0..<ops / 2 { y = y.expandedAxis(0).squeezed(0) }
          _ = gradients(of: y, with: [variable])[0].item
        }
      }
    },
    Workload("tape-untracked", "the same views without a graph: what the tape does not cost", unit: "op") {
      let (x, count) = (Tensor(1), 20_000)
      return Step(units: Double(count)) {
        var y = x
        for _ in 0..<count / 2 { y = y.expandedAxis(0).squeezed(0) }
        _ = y.item
      }
    },
  ]

  private static func attentionInput() -> (qkv: Tensor, operations: Double) {
    var stream = Self.stream("attention")
    return (stream.normal([64, 65, 576]), 4 * Double(64 * 65 * 65 * 192))
  }

  private static func convolutionInput() -> (x: Tensor, weight: Tensor, operations: Double) {
    var stream = Self.stream("convolution")
    return (
      stream.normal([64, 64, 32, 32]), stream.normal([64, 64, 3, 3], deviation: 0.05),
      2 * Double(64 * 1024) * Double(64 * 64 * 9)
    )
  }

  /// The backward pass of an op: the graph is made once and kept.
  private static func backwardStep(
    _ inputs: [Tensor], units: Double, operations: Double, _ op: ([Tensor]) -> Tensor
  ) -> Step {
    let variables = inputs.map(\.tracked)
    let y = op(variables)
    var stream = Self.stream("seed")
    let seed = stream.normal(y.shape)
    return Step(units: units, operations: operations) {
      _ = gradients(of: y, seed: seed, with: variables, keepGraph: true)
    }
  }
}
