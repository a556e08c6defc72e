import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// ViewAgreement: the two views of an image find each other among the views of all images.
///
///     s_ij = cos(z_i, z'_j) / temperature
///     loss = -mean_i log softmax(s_i)_i
///
/// A skeleton that trains: put the paper's loss, its networks and this description in their places.
/// - Source: van den Oord et al. 2018 (arXiv 1807.03748), Eq. 4, with cosines as scores.
public struct ViewAgreement: MethodPlugin {
  public static let card = MethodCard(
    id: "view-agreement",
    title: "Two views that agree",
    year: 2026, arxiv: nil, family: .contrastive)

  let patch, width, depth, heads, projection: Int
  let temperature: Real

  public init(_ s: inout Section) throws(ReproError) {
    patch = try s.int("patch", in: 1...64)
    width = try s.int("width", in: 1...8192)
    depth = try s.int("depth", in: 1...100)
    heads = try s.int("heads", in: 1...128)
    projection = try s.int("projection", in: 2...8192, default: 64)
    temperature = Real(try s.double("temperature", in: 0.001...10, default: 0.2))
    guard width % heads == 0 else {
      throw ReproError(
        .usage, at: "\(s.node.mark)", found: "\(s.name).width \(width) is not a multiple of \(heads) heads")
    }
  }

  public struct State: Layer {
    var backbone: VisionTransformer
    var hidden, output: Linear  // the projection head; evaluations see what is before it

    public mutating func visit(_ v: inout some LayerVisitor) {
      v("backbone", &backbone)
      v("hidden", &hidden)
      v("output", &output)
    }

    /// Projections of views.   [B, C, H, W] -> [B, P]
    func project(_ views: Tensor) -> Tensor { output(hidden(backbone(views).classToken).gelu()) }
  }

  public func makeState(for data: DataSpec, random: RandomStream) throws -> State {
    guard case .image(let side, let other, let channels) = data[field: "image"]?.kind, side == other, side % patch == 0
    else {
      throw ReproError(
        .usage, at: "method.patch", found: "the data set has no square image that patches of \(patch) tile")
    }
    let vit = ViTConfiguration(
      imageSize: side, patch: patch, channels: channels, width: width, depth: depth, heads: heads)
    return State(
      backbone: VisionTransformer(vit, random: random.child("backbone")),
      hidden: Linear(width, 2 * width, random: random.child("hidden")),
      output: Linear(2 * width, projection, random: random.child("output")))
  }

  public func step(_ state: inout State, _ context: inout StepContext) throws -> Metrics {
    let images = try context.batch().images()
    var policy = ViewPolicy(size: images.height, scale: 0.3...1)
    policy.jitter = ViewPolicy.Jitter(probability: 0.8, brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1)
    policy.grey = 0.2
    let first = policy.views(of: images, random: context.random.child("first"))  // [B, C, H, W]
    let second = policy.views(of: images, random: context.random.child("second"))
    // Images meet in the loss only: a batch may be cut into shards.
    let (loss, gradients) = context.valueAndGradients(of: &state, samples: images.count) { model, rows in
      [model.project(first.slice(0, rows)), model.project(second.slice(0, rows))]
    } loss: { z in
      ViewAgreement.loss(z[0], z[1], temperature: temperature)
    }
    let norm = context.update(&state, gradients)
    return ["loss": loss.item, "gradient": norm]
  }

  /// The cross entropy of finding the other view of each image among the other views of all images.
  ///
  /// - Parameters:
  ///   - a, b: projections of the two views, `[N, P]`, not normalised; row i of both shows the same image. N >= 2.
  ///   - temperature: dimensionless, > 0.
  /// - Returns: scalar `[]`, nats; log N when all projections are equal.
  static func loss(_ a: Tensor, _ b: Tensor, temperature: Real) -> Tensor {
    require(
      a.rank == 2 && a.shape == b.shape && a.shape[0] >= 2, "loss needs two [N >= 2, P], got \(a.shape), \(b.shape)")
    let scores = matmul(a.l2Normalized(), b.l2Normalized().transposed()) / temperature  // [N, N]
    return crossEntropy(scores, labels: IndexTensor(Array(0..<a.shape[0])))
  }

  public func embed(_ state: State, _ batch: Batch) throws -> Features {
    let images = batch.images().normalizedTensor
    let output = state.backbone(images)
    let side = images.shape[2] / patch
    return Features(global: output.classToken, dense: output.patches.reshaped([images.shape[0], side, side, width]))
  }
}
