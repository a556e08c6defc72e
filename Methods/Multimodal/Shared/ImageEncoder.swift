import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// What turns images into features in the methods of images and texts: a vision transformer, or a small convolutional
/// network, which learns from far fewer images.   [B, C, H, W] -> [B, D]
///
/// Neither has statistics of the batch, so all views of a batch may pass together.
public struct ImageEncoder: Layer {
  /// Sizes of an encoder.
  enum Configuration: Sendable {
    case transformer(patch: Int, width: Int, depth: Int, heads: Int, deviation: Real)
    case convolutional(widths: [Int])
  }

  public var transformer: VisionTransformer?
  public var convolutional: ConvolutionalEncoder?

  public mutating func visit(_ v: inout some LayerVisitor) {
    transformer?.visit(&v)
    convolutional?.visit(&v)
  }

  /// Features of images and of their places.
  ///
  /// - Returns: `[B, D]`: the class token, or the mean over places; and `[B, rows, columns, D]`.
  func features(_ images: Tensor, _ context: ForwardContext? = nil) -> (global: Tensor, dense: Tensor) {
    if let convolutional { return convolutional.features(images) }
    guard let transformer else { requirementFailed("an image encoder is a transformer or a convolutional network") }
    let (output, patch) = (transformer(images, context), transformer.configuration.patch)
    let grid = [images.shape[0], images.shape[2] / patch, images.shape[3] / patch, transformer.configuration.width]
    return (output.classToken, output.patches.reshaped(to: Shape(grid)))
  }

  public func callAsFunction(_ images: Tensor, _ context: ForwardContext? = nil) -> Tensor {
    features(images, context).global
  }
}

/// Convolutions of side 3 in steps, group norm and ReLU behind each, the mean over places at the end.
///
///     step k:  x := relu(norm(conv(x, stride 2)));  x := relu(norm(conv(x)) + x)
///
/// An encoder of 32 x 32 pixels with three steps looks at 4 x 4 places. GroupNorm stands where residual networks have
/// batch norm, so that samples do not meet.
public struct ConvolutionalEncoder: Layer {
  /// One resolution.
  public struct Step: Layer {
    public var conv1, conv2: Conv2d
    public var norm1, norm2: GroupNorm

    init(_ inputs: Int, _ outputs: Int, random: RandomStream) {
      conv1 = Conv2d(
        inputs, outputs, kernel: 3, stride: 2, padding: 1, bias: false, initialization: .kaimingNormal,
        random: random.child("conv1"))
      conv2 = Conv2d(
        outputs, outputs, kernel: 3, padding: 1, bias: false, initialization: .kaimingNormal,
        random: random.child("conv2"))
      let groups = outputs % 8 == 0 ? outputs / 8 : 1
      (norm1, norm2) = (GroupNorm(groups: groups, outputs), GroupNorm(groups: groups, outputs))
    }

    public mutating func visit(_ v: inout some LayerVisitor) {
      v("conv1", &conv1)
      v("norm1", &norm1)
      v("conv2", &conv2)
      v("norm2", &norm2)
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
      let y = norm1(conv1(x)).relu()
      return (norm2(conv2(y)) + y).relu()
    }
  }

  public var steps: [Step]

  init(channels: Int, widths: [Int], random: RandomStream) {
    require(!widths.isEmpty, "a convolutional encoder needs at least one width")
    steps = widths.indices.map { k in
      Step(k == 0 ? channels : widths[k - 1], widths[k], random: random.child("steps", k))
    }
  }

  public mutating func visit(_ v: inout some LayerVisitor) { v("steps", &steps) }

  func features(_ images: Tensor) -> (global: Tensor, dense: Tensor) {
    let maps = steps.reduce(images) { $1($0) }  // [B, D, rows, columns]
    return (maps.globalAveragePooled(), maps.permuted([0, 2, 3, 1]))
  }
}

extension ImageEncoder.Configuration {
  /// Reads `encoder: transformer`, with `patch`, `width`, `depth`, `heads`, `init_deviation`; or `convolutional`, with
  /// `widths`, one for each halving of the resolution.
  init(_ s: inout Section) throws(ReproError) {
    switch try s.choice("encoder", ["transformer", "convolutional"], default: "transformer") {
    case "convolutional":
      let widths = try s.ints("widths", in: 1...8192, default: [32, 64, 128])
      guard !widths.isEmpty else {
        throw ReproError(
          .usage, at: "\(s.node.mark)", found: "\(s.name).widths is empty", expected: "at least one width")
      }
      self = .convolutional(widths: widths)
    default:
      let (patch, width) = (try s.int("patch", in: 1...64), try s.int("width", in: 1...8192))
      let depth = try s.int("depth", in: 1...100)
      let heads = try s.int("heads", in: 1...128, default: max(1, width / 64))
      let deviation = Real(try s.double("init_deviation", in: 0.0001...1, default: 0.02))
      guard width % heads == 0 else {
        throw ReproError(
          .usage, at: "\(s.node.mark)", found: "\(s.name).width \(width) is not a multiple of \(heads) heads")
      }
      self = .transformer(patch: patch, width: width, depth: depth, heads: heads, deviation: deviation)
    }
  }

  /// Width of the features.
  var width: Int {
    switch self {
    case .transformer(_, let width, _, _, _): width
    case .convolutional(let widths): widths.last ?? 1
    }
  }

  /// What sides of images must be multiples of.
  var unit: Int {
    switch self {
    case .transformer(let patch, _, _, _, _): patch
    case .convolutional: 1
    }
  }

  /// An encoder for images of a data set; places are learnt for views of `size`.
  func make(size: Int, _ data: DataSpec, random: RandomStream) throws(ReproError) -> ImageEncoder {
    let image = try data.image()
    for side in [size, image.height, image.width] where side % unit != 0 {
      throw ReproError(
        .usage, at: "method.patch", found: "\(unit) does not divide a side of \(side) pixels",
        hint: "images and views must be whole patches")
    }
    switch self {
    case .convolutional(let widths):
      return ImageEncoder(
        convolutional: ConvolutionalEncoder(channels: image.channels, widths: widths, random: random))
    case .transformer(let patch, let width, let depth, let heads, let deviation):
      var c = ViTConfiguration(
        imageSize: size, patch: patch, channels: image.channels, width: width, depth: depth, heads: heads)
      c.deviation = deviation
      return ImageEncoder(transformer: VisionTransformer(c, random: random))
    }
  }
}
