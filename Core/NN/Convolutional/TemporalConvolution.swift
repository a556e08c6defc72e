import ReproTensor

/// A residual block of two dilated convolutions over time.   [B, C, N] -> [B, O, N]
///
///     y = relu(shortcut(x) + drop(relu(conv2(drop(relu(conv1(x)))))))
///
/// A causal block sees the past only: step t depends on steps up to t. Steps that a mask leaves out are 0 before every
/// convolution, so that what lies behind a sequence's end never reaches it.
/// - Source: Bai et al. 2018 (TCN, arXiv 1803.01271), Figure 1 (b), without its weight normalisation; not causal as in Pavllo et
///   al. 2018 (arXiv 1811.11742).
public struct TemporalBlock: Layer {
  public var conv1, conv2: Conv1d
  public var downsample: Conv1d?
  let isCausal: Bool
  /// How far a convolution reaches, (kernel - 1) dilation.
  let reach: Int
  let dropout: Dropout

  /// - Parameters:
  ///   - kernel: steps that a convolution sees; odd unless causal.
  ///   - dilation: distance between them.
  public init(
    _ inputs: Int, _ outputs: Int, kernel: Int, dilation: Int = 1, isCausal: Bool = true, dropout: Real = 0,
    random: RandomStream
  ) {
    require(
      kernel > 0 && dilation > 0 && (isCausal || kernel % 2 == 1),
      "a temporal block needs a kernel (odd unless causal) and a dilation, got \(kernel) and \(dilation)")
    conv1 = Conv1d(inputs, outputs, kernel: kernel, dilation: dilation, random: random.child("conv1"))
    conv2 = Conv1d(outputs, outputs, kernel: kernel, dilation: dilation, random: random.child("conv2"))
    downsample = inputs == outputs ? nil : Conv1d(inputs, outputs, kernel: 1, random: random.child("downsample"))
    (self.isCausal, reach, self.dropout) = (isCausal, (kernel - 1) * dilation, Dropout(dropout))
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("conv1", &conv1)
    v("conv2", &conv2)
    v("downsample", &downsample)
  }

  /// - Parameters:
  ///   - x: `[B, C, N]`.
  ///   - mask: `[B, N]`, 0 where a step does not count; outputs there are 0.
  public func callAsFunction(_ x: Tensor, mask: Tensor? = nil, _ context: ForwardContext? = nil) -> Tensor {
    let kept = mask.map { $0.detached.expandedAxis(1) }  // [B, 1, N]
    func masked(_ t: Tensor) -> Tensor { kept.map { t * $0 } ?? t }
    func step(_ conv: Conv1d, _ t: Tensor, _ index: Int) -> Tensor {
      let before = isCausal ? reach : reach / 2
      let wide = masked(t).padded(2, before: before, after: reach - before)
      return dropout(conv(wide).relu(), context?.child("dropout", index))
    }
    let y = step(conv2, step(conv1, x, 0), 1)
    return masked((y + (downsample.map { $0(x) } ?? x)).relu())
  }
}

/// Temporal blocks whose dilations double, so that the reach grows exponentially with the depth.   [B, C, N] -> [B, O, N]
///
/// - Source: Bai et al. 2018 (arXiv 1803.01271), Section 3.
public struct TemporalNetwork: Layer {
  public var network: [TemporalBlock]

  /// - Parameter widths: channels of the input and of every block.
  public init(
    _ widths: [Int], kernel: Int = 3, isCausal: Bool = true, dropout: Real = 0, random: RandomStream
  ) {
    require(widths.count >= 2, "a temporal network has at least one block, got widths \(widths)")
    network = (1..<widths.count).map { i in
      TemporalBlock(
        widths[i - 1], widths[i], kernel: kernel, dilation: 1 << (i - 1), isCausal: isCausal, dropout: dropout,
        random: random.child("network", i - 1))
    }
  }

  public mutating func visit(_ v: inout some LayerVisitor) { v("network", &network) }

  public func callAsFunction(_ x: Tensor, mask: Tensor? = nil, _ context: ForwardContext? = nil) -> Tensor {
    var y = x
    for (i, block) in network.enumerated() { y = block(y, mask: mask, context?.child("network", i)) }
    return y
  }
}
