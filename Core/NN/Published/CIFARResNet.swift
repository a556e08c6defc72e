import ReproTensor

/// A block of the CIFAR networks: two convolutions, and a shortcut without parameters.
///
///     y = relu(shortcut(x) + norm_2(conv_2(relu(norm_1(conv_1(x))))))
///
/// Where the block has stride 2, the shortcut takes every second pixel and puts zeros for the new channels, half of them
/// before and half behind (option A).
public struct CIFARBlock: Layer {
  public var conv1, conv2: Conv2d
  public var bn1, bn2: BatchNorm2d
  let stride, added: Int

  init(_ inputs: Int, _ outputs: Int, stride: Int, random: RandomStream) {
    func conv(_ name: String, _ a: Int, _ b: Int, _ stride: Int) -> Conv2d {
      Conv2d(
        a, b, kernel: 3, stride: Extent2D(stride), padding: 1, bias: false, initialization: .kaimingNormal,
        random: random.child(name))
    }
    conv1 = conv("conv1", inputs, outputs, stride)
    conv2 = conv("conv2", outputs, outputs, 1)
    (bn1, bn2) = (BatchNorm2d(outputs), BatchNorm2d(outputs))
    (self.stride, added) = (stride, outputs - inputs)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("conv1", &conv1)
    v("bn1", &bn1)
    v("conv2", &conv2)
    v("bn2", &bn2)
  }

  public mutating func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let y = bn2(conv2(bn1(conv1(x), context).relu()), context)
    return (y + shortcut(x)).relu()
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    (bn2(conv2(bn1(conv1(x)).relu())) + shortcut(x)).relu()
  }

  private func shortcut(_ x: Tensor) -> Tensor {
    var y = x
    if stride > 1 {
      for axis in [2, 3] {
        y = y.gathered(IndexTensor(Array(Swift.stride(from: 0, to: x.shape[axis], by: stride))), axis: axis)
      }
    }
    return added > 0 ? y.padded(1, before: added / 2, after: added - added / 2) : y
  }
}

/// The residual networks that He et al. trained on CIFAR-10: 6 n + 2 layers, 16 to 64 channels.   [B, 3, H, W] -> [B, 64]
///
/// Names are those of github.com/akamaster/pytorch_resnet_cifar10, whose weights load.
/// - Source: He et al. 2015 (arXiv 1512.03385), Section 4.2.
public struct CIFARResNet: Layer {
  public var conv1: Conv2d
  public var bn1: BatchNorm2d
  public var layer1, layer2, layer3: [CIFARBlock]
  public var linear: Linear

  /// - Parameter blocks: n, of each of the three stages: 3 for ResNet-20.
  public init(blocks: Int, width: Int = 16, classes: Int = 10, random: RandomStream) {
    require(blocks > 0 && width > 0 && classes > 0, "a residual network needs blocks, channels and classes")
    conv1 = Conv2d(
      3, width, kernel: 3, padding: 1, bias: false, initialization: .kaimingNormal, random: random.child("conv1"))
    bn1 = BatchNorm2d(width)
    func stage(_ k: Int) -> [CIFARBlock] {
      (0..<blocks).map { i in
        let changes = i == 0 && k > 0
        return CIFARBlock(
          changes ? width << (k - 1) : width << k, width << k, stride: changes ? 2 : 1,
          random: random.child("layer", k + 1).child("block", i))
      }
    }
    (layer1, layer2, layer3) = (stage(0), stage(1), stage(2))
    linear = .uniform(width << 2, classes, random: random.child("linear"))
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("conv1", &conv1)
    v("bn1", &bn1)
    v("layer1", &layer1)
    v("layer2", &layer2)
    v("layer3", &layer3)
    v("linear", &linear)
  }

  /// The mean of the last map over its places, `[B, 64]`; frozen.
  public func features(_ images: Tensor) -> Tensor {
    var x = bn1(conv1(images)).relu()
    for block in layer1 + layer2 + layer3 { x = block(x) }
    return x.globalAveragePooled()
  }

  /// The same while training: batch statistics, which the running ones follow.
  public mutating func features(_ images: Tensor, _ context: ForwardContext) -> Tensor {
    var x = bn1(conv1(images), context).relu()
    for i in layer1.indices { x = layer1[i](x, context) }
    for i in layer2.indices { x = layer2[i](x, context) }
    for i in layer3.indices { x = layer3[i](x, context) }
    return x.globalAveragePooled()
  }

  /// Scores of the classes, `[B, classes]`; frozen.
  public func callAsFunction(_ images: Tensor) -> Tensor { linear(features(images)) }
}
