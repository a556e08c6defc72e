import ReproConfig
import ReproData
import ReproNN
import ReproTensor

/// A published network as evaluations see it: images in, features out, with its authors' preprocessing of pixels.
public struct PublishedEncoder: Encoder {
  public let model: PublishedModel
  /// What the network is, for people: `dinov2: width 384, 12 blocks, patches of 14`.
  public let description: String
  /// SHA-256 of all parameters.
  public let weightsSHA256: String
  private let network: Network
  /// Images that are encoded at once.
  private static let chunk = 32

  private enum Network: Sendable {
    case vit(PretrainedViT)
    case resnet(ResNet)
    case cifar(CIFARResNet)
    case clip(CLIPImageTower, patch: Int)
  }

  /// - Throws: `ReproError` if the weights do not fit the architecture, or it has no images.
  public init(_ file: WeightFile, _ model: PublishedModel, _ choices: PublishedModel.Choices = .init()) throws {
    self.model = model
    let plan = try model.plan(file, choices)
    switch model {
    case .dinov2, .dinov3, .timmViT:
      let vit = try plan.loaded(as: PretrainedViT.self)
      let c = vit.configuration
      network = .vit(vit)
      description = "\(model.rawValue): width \(c.width), \(c.depth) blocks, patches of \(c.patch)"
      weightsSHA256 = vit.stateSHA256
    case .resnet:
      let net = try plan.loaded(as: ResNet.self)
      network = .resnet(net)
      description = "\(model.rawValue): blocks \(net.configuration.blocks), width \(net.configuration.width)"
      weightsSHA256 = net.stateSHA256
    case .cifarResNet:
      let net = try plan.loaded(as: CIFARResNet.self)
      network = .cifar(net)
      description = "\(model.rawValue): \(6 * net.layer1.count + 2) layers"
      weightsSHA256 = net.stateSHA256
    case .clip:
      let clip = try plan.loaded(as: CLIP.self)
      network = .clip(clip.visual, patch: clip.visual.conv1.weight.shape[2])
      description = "\(model.rawValue): the image tower, patches of \(clip.visual.conv1.weight.shape[2])"
      weightsSHA256 = clip.stateSHA256
    case .bert:
      throw ReproError(
        .usage, at: file.path, found: "the weights are those of a text encoder", expected: "an image encoder")
    }
  }

  /// How the authors normalise pixels.
  public var normalization: PixelNormalization {
    switch model {
    case .clip: .clip
    case .timmViT: .half
    default: .imageNet
    }
  }

  public func features(of batch: Batch) throws -> Features {
    let images = batch.images()
    if let patch, images.height % patch != 0 || images.width % patch != 0 {
      throw ReproError(
        .usage, at: "data.size",
        found: "images of \(images.height) x \(images.width) are not whole patches of \(patch)",
        hint: "choose a multiple of \(patch)")
    }
    let x = images.tensor(normalization)
    var parts: [(global: Tensor, dense: Tensor?)] = []
    for first in stride(from: 0, to: images.count, by: Self.chunk) {
      parts.append(encode(x.slice(0, first..<min(first + Self.chunk, images.count))))
    }
    let dense = parts.compactMap(\.dense)
    return Features(global: concat(parts.map(\.global)), dense: dense.isEmpty ? nil : concat(dense))
  }

  private var patch: Int? {
    switch network {
    case .vit(let vit): vit.configuration.patch
    case .clip(_, let patch): patch
    case .resnet, .cifar: nil
    }
  }

  private func encode(_ x: Tensor) -> (Tensor, Tensor?) {
    switch network {
    case .vit(let vit):
      let y = vit(x)
      let p = vit.configuration.patch
      let grid: Shape = [x.shape[0], x.shape[2] / p, x.shape[3] / p, vit.configuration.width]
      return (y.classToken, y.patches.reshaped(to: grid))
    case .resnet(let net):
      let y = net.features(x)
      return (y.pooled, y.maps.last?.permuted([0, 2, 3, 1]).contiguous())
    case .cifar(let net): return (net.features(x), nil)
    case .clip(let tower, _): return (tower(x), nil)
    }
  }
}

extension PublishedModel {
  /// The architecture that a file is of, told by the names in it; nil if it is none of ours.
  public static func detected(in file: WeightFile) -> PublishedModel? {
    [.dinov3, .dinov2, .clip, .timmViT, .bert, .resnet, .cifarResNet].first { model in
      let view = WeightView(file, expected: model.anchors, alias: model.alias)
      return model.anchors.allSatisfy { view[$0] != nil || $0 == "storage_tokens" }
    }
  }
}

/// Weights that a run starts from: one of our checkpoints, or a file that somebody published.
public enum StartingWeights {
  /// Whether a file holds published weights and no state of a method.
  ///
  /// - Throws: `ReproError` if the file cannot be read.
  public static func arePublished(_ path: String) throws -> Bool {
    let file = try WeightFile(path)
    return !(file.format == .hdf5 && file.entries.contains { $0.name.hasPrefix("state.") })
  }
}
