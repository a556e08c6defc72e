import ReproConfig
import ReproNN
import ReproTensor

/// The size of a view's encoder: channels and strides of its blocks, and the width of its features.
///
/// Options: `encoder: {widths, strides, hidden, outputs}`.
struct ViewEncoderSize: Sendable, Equatable {
  var widths, strides: [Int]
  var hidden, outputs: Int

  init(widths: [Int], strides: [Int], hidden: Int, outputs: Int) {
    (self.widths, self.strides, self.hidden, self.outputs) = (widths, strides, hidden, outputs)
  }

  init(_ s: inout Section) throws(ReproError) {
    var inner = try Section(s.require("encoder"), name: s.name(of: "encoder"))
    widths = try inner.ints("widths", in: 1...4096)
    strides = try inner.ints("strides", count: widths.count, in: 1...4)
    outputs = try inner.int("outputs", in: 1...4096, default: 128)
    hidden = try inner.int("hidden", in: 1...65536, default: max(1, widths.last ?? 1))
    guard !widths.isEmpty else {
      throw ReproError(.usage, at: "\(inner.node.mark)", found: "an encoder without blocks", expected: "widths: [...]")
    }
    try inner.finish()
  }

  /// Channels of the features of places.
  var channels: Int { widths.last ?? 1 }
}

/// The encoder f_m of one view: blocks of convolution, batch norm and ReLU, and a head on the mean over places.
///
///     x [B, C, H, W] -> places [B, D, h, w] -> mean over places -> linear, norm, ReLU, linear -> z [B, outputs], |z| = 1
///
/// - Source: the halves of the split AlexNet of Tian et al. 2019 (arXiv 1906.05849), Section 4.1 and the authors'
///   `alexnet_half`, smaller, with a mean over places and strides instead of max pools.
struct ViewEncoder: Layer {
  struct Block: Layer {
    var conv: Conv2d
    var norm: BatchNorm2d
    mutating func visit(_ v: inout some LayerVisitor) {
      v("conv", &conv)
      v("norm", &norm)
    }
    mutating func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor { norm(conv(x), context).relu() }
    func callAsFunction(_ x: Tensor) -> Tensor { norm(conv(x)).relu() }
  }

  var blocks: [Block]
  var fc1: Linear
  var norm: BatchNorm1d
  var fc2: Linear

  init(_ size: ViewEncoderSize, channels: Int, random: RandomStream) {
    var inputs = channels
    blocks = size.widths.enumerated().map { i, width in
      defer { inputs = width }
      return Block(
        conv: Conv2d(
          inputs, width, kernel: 3, stride: Extent2D(size.strides[i], size.strides[i]), padding: 1, bias: false,
          initialization: .kaimingNormal, random: random.child("block", i)),
        norm: BatchNorm2d(width))
    }
    fc1 = Linear(
      size.channels, size.hidden, bias: false, deviation: (2 / Real(size.channels)).squareRoot(),
      random: random.child("fc1"))
    norm = BatchNorm1d(size.hidden)
    fc2 = Linear(
      size.hidden, size.outputs, deviation: (1 / Real(size.hidden)).squareRoot(), random: random.child("fc2"))
  }

  mutating func visit(_ v: inout some LayerVisitor) {
    v("blocks", &blocks)
    v("fc1", &fc1)
    v("norm", &norm)
    v("fc2", &fc2)
  }

  /// Features of places in training, `[B, D, h, w]`.
  mutating func places(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    var y = x
    for i in blocks.indices { y = blocks[i](y, context) }
    return y
  }

  /// Frozen features of places, `[B, D, h, w]`.
  func places(_ x: Tensor) -> Tensor { blocks.reduce(x) { $1($0) } }

  /// The unit feature z in training, `[B, outputs]`.
  mutating func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let pooled = places(x, context).globalAveragePooled()
    return fc2(norm(fc1(pooled), context).relu()).l2Normalized()
  }

  /// The unit feature of frozen features of places.
  func head(_ places: Tensor) -> Tensor { fc2(norm(fc1(places.globalAveragePooled())).relu()).l2Normalized() }
}

/// What a view's features of places say about another view: two transposed convolutions.
///
///     places [B, D, h, w] -> 2h x 2w, ReLU -> 4h x 4w, C channels
struct ViewDecoder: Layer {
  var up1, up2: ConvTranspose2d
  var norm: BatchNorm2d

  init(_ inputs: Int, width: Int, channels: Int, random: RandomStream) {
    up1 = ConvTranspose2d(inputs, width, kernel: 4, stride: 2, padding: 1, bias: false, random: random.child("up1"))
    norm = BatchNorm2d(width)
    up2 = ConvTranspose2d(width, channels, kernel: 4, stride: 2, padding: 1, random: random.child("up2"))
  }

  mutating func visit(_ v: inout some LayerVisitor) {
    v("up1", &up1)
    v("norm", &norm)
    v("up2", &up2)
  }

  mutating func callAsFunction(_ places: Tensor, _ context: ForwardContext) -> Tensor {
    up2(norm(up1(places), context).relu())
  }

  func callAsFunction(_ places: Tensor) -> Tensor { up2(norm(up1(places)).relu()) }
}
