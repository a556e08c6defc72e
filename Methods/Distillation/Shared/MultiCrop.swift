import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// Two large views and several small ones of each image: multi-crop (Caron et al. 2020, SwAV, arXiv 2006.09882).
///
///     crops: {global: {scale: [0.32, 1], size: 32}, local: {count: 4, scale: [0.05, 0.32], size: 16}, ...}
///
/// Colours are changed as in DINOv2: jitter, grey; blur always on the first global crop, rarely on the second (which may be
/// solarised), half of the time on local ones.
public struct MultiCrop: Sendable {
  /// The crops of a batch, each `[B, C, size, size]`.
  public struct Crops: Sendable {
    public var globals: [Tensor]
    public var locals: [Tensor]
    /// Number of images.
    public var count: Int { globals[0].shape[0] }
  }

  private let global: [ViewPolicy]
  private let local: ViewPolicy
  public let locals: Int
  /// Side of the global crops, pixels.
  public var globalSize: Int { global[0].size }
  public var localSize: Int { local.size }

  public init(_ section: inout Section) throws(ReproError) {
    let strength = try section.double("colour", in: 0...2, default: 1)
    let jitterProbability = try section.double("jitter", in: 0...1, default: 0.8)
    let grey = try section.double("grey", in: 0...1, default: 0.2)
    let blur = try section.double("blur", in: 0...1, default: 1)
    let sigma = try section.doubles("blur_sigma", count: 2, in: 0.01...16, default: [0.1, 2])
    let ratio = try section.doubles("ratio", count: 2, in: 0.1...10, default: [3.0 / 4, 4.0 / 3])
    func policy(_ inner: inout Section, scale fallback: [Double]) throws(ReproError) -> ViewPolicy {
      let scale = try inner.doubles("scale", count: 2, in: 0.001...1, default: fallback)
      var p = ViewPolicy(size: try inner.int("size", in: 4...1024), scale: try inner.range(scale, "scale"))
      p.flip = try inner.double("flip", in: 0...1, default: 0.5)
      p.jitter = ViewPolicy.Jitter(
        probability: jitterProbability, brightness: 0.4 * strength, contrast: 0.4 * strength,
        saturation: 0.2 * strength,
        hue: min(0.1 * strength, 0.5))
      p.grey = grey
      p.blurSigma = try inner.range(sigma, "blur_sigma")
      p.ratio = try inner.range(ratio, "ratio")
      return p
    }
    var large = try Section(section.require("global"), name: "\(section.name).global")
    var first = try policy(&large, scale: [0.32, 1])
    try large.finish()
    var second = first
    first.blur = blur
    second.blur = 0.1 * blur
    second.solarize = try section.double("solarize", in: 0...1, default: 0.2)
    var small = try Section(section.require("local"), name: "\(section.name).local")
    let count = try small.int("count", in: 0...32)
    var rest = try policy(&small, scale: [0.05, 0.32])
    try small.finish()
    rest.blur = 0.5 * blur
    (global, local, locals) = ([first, second], rest, count)
  }

  /// The crops of a batch; every draw from children of `random`.
  public func crops(of images: ImageBatch, random: RandomStream) -> Crops {
    Crops(
      globals: (0..<2).map { global[$0].views(of: images, random: random.child("global", $0)) },
      locals: (0..<locals).map { local.views(of: images, random: random.child("local", $0)) })
  }
}

extension Section {
  /// Two ascending numbers as a range.
  func range(_ pair: [Double], _ key: String) throws(ReproError) -> ClosedRange<Double> {
    guard pair[0] <= pair[1] else {
      throw ReproError(
        .usage, at: "\(node.mark)", found: "\(name).\(key) is \(pair)", expected: "two ascending numbers")
    }
    return pair[0]...pair[1]
  }
}
