/// The texts of a new method: a small one that works, so that what replaces it can be tried from the first minute.
struct MethodSkeleton {
  let names: Scaffold.Names
  /// The folder and module of the family: Contrastive.
  let family: String
  let paper: SkeletonPaper

  private var type: String { names.type }
  private var id: String { names.id }

  /// Methods/<Family>/<Type>.swift
  var plugin: String {
    """
    import ReproConfig
    import ReproData
    import ReproEngine
    import ReproNN
    import ReproTensor

    /// \(type): the two views of an image find each other among the views of all images.
    ///
    ///     s_ij = cos(z_i, z'_j) / temperature
    ///     loss = -mean_i log softmax(s_i)_i
    ///
    /// A skeleton that trains: put the paper's loss, its networks and this description in their places.
    /// - Source: van den Oord et al. 2018 (arXiv 1807.03748), Eq. 4, with cosines as scores.
    public struct \(type): MethodPlugin {
      public static let card = MethodCard(
        id: "\(id)",
        title: \(title),
        year: \(paper.year), arxiv: \(paper.arxiv.isEmpty ? "nil" : "\"\(paper.arxiv)\""), family: .\(family.lowercased()))

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
            .usage, at: "\\(s.node.mark)", found: "\\(s.name).width \\(width) is not a multiple of \\(heads) heads")
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
            .usage, at: "method.patch", found: "the data set has no square image that patches of \\(patch) tile")
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
          \(type).loss(z[0], z[1], temperature: temperature)
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
          a.rank == 2 && a.shape == b.shape && a.shape[0] >= 2, "loss needs two [N >= 2, P], got \\(a.shape), \\(b.shape)")
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

    """
  }

  /// The title as a literal, broken where it would be wider than a line may be.
  private var title: String {
    let escaped = paper.title.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    var lines = [""]
    for word in escaped.split(separator: " ", omittingEmptySubsequences: false) {
      if !lines[lines.count - 1].isEmpty, lines[lines.count - 1].count + word.count > 95 {
        lines[lines.count - 1] += " "
        lines.append("")
      }
      let last = lines.count - 1
      lines[last] += (lines[last].isEmpty ? "" : " ") + word
    }
    return lines.map { "\"\($0)\"" }.joined(separator: "\n      + ")
  }

  /// Reproductions/<id>/<id>-small.yaml
  var recipe: String {
    """
    # Does the method learn anything at all? Replace this question by the paper's, and the arms by its comparison.
    recipe: \(id)-small
    paper: \(id)
    method: {type: \(id), patch: 8, width: 64, depth: 4, heads: 4, temperature: 0.2}
    data: {provider: scenes-objects, size: 32}
    stages:
      - name: pretrain
        optimizer: {type: adamw, lr: 0.001, warmup: 0.1, weight_decay: 0.05, clip: 3}
    scales:
      tiny: {train: 256, test: 128, pretrain.steps: 10, batch: 32, seeds: 1}
      small: {train: 4000, test: 1000, pretrain.steps: 600, batch: 64, seeds: 8}
    arms:
      method: {}
      random: {pretrain.steps: 0}
    evaluate:
      - {type: knn/v1, k: 20}
      - {type: linear-probe/v1}
    claims:
      - id: pretraining-helps
        statement: Pretrained features beat those of the untrained network.
        primary: true
        metric: knn.top1
        form: superiority
        better: method
        than: random
        delta: 0.05
    # The paper's numbers: {metric: linear top-1, dataset: ImageNet-1k, model: ResNet-50, value: 0.7, source: Table 1}.
    reported: []
    deviations:
      - 32x32 procedural images and a small vision transformer instead of the paper's

    """
  }

  /// Reproductions/<id>/NOTES.md
  var notes: String {
    """
    # \(paper.title) (\(paper.year))

    ## What the paper claims

    The claims in the paper's own words, each with its table and page. (These four paragraphs are to be written; half a \
    page is enough.)

    ## What we changed

    The deviations of the recipes, and why they should not matter for the claims.

    ## What we saw

    The table of `repro run \(id)-small`, and what it says about the claims.

    ## What we do not believe yet

    Doubts, and what would settle them.

    """
  }

  /// The line of registry.yaml.
  var registryLine: String {
    "- {id: \(id), family: \(family.lowercased()), type: \(type), arxiv: \"\(paper.arxiv)\", recipes: [\(id)-small], "
      + "status: partial, why: \"the skeleton's loss stands in for the paper's\"}"
  }

  /// Tests/MethodsTests/<Type>Tests.swift
  var test: String {
    """
    import Glibc
    import ReproConfig
    import ReproData
    import ReproEngine
    import ReproNN
    import ReproScenes
    import ReproTensor
    import TestSupport
    import Testing

    @testable import \(family)

    @Suite struct \(type)Tests {
      @Test func equalProjectionsCostTheLogarithmOfTheirNumber() {
        let z = Tensor.ones([6, 4])
        expectClose(\(type).loss(z, z, temperature: 0.2), Tensor(Real(log(6.0))), tolerance: 1e-6)
      }

      @Test func theLossEqualsALoopInDouble() {
        var stream = RandomStream(seed: 1)
        let (a, b) = (stream.normal([5, 3]), stream.normal([5, 3]))
        let loss = \(type).loss(a, b, temperature: 0.3)
        expectClose(loss, Tensor(Real(loop(a, b, temperature: 0.3))), tolerance: 1e-5)
      }

      @Test func theGradientIsTheSlopeOfTheLoss() {
        var stream = RandomStream(seed: 2)
        let inputs = [stream.normal([4, 3]), stream.normal([4, 3])]
        expectGradient(of: { \(type).loss($0[0], $0[1], temperature: 0.5) }, at: inputs)
      }

      @Test func aStepMovesEveryParameter() throws {
        let (method, data) = try small()
        let before = try method.makeState(for: data.spec, random: RandomStream(seed: 3))
        var after = before
        var context = StepContext(
          step: 0, steps: 10, random: RandomStream(seed: 4),
          data: try TrainingData(data, labelled: false, random: RandomStream(seed: 5)), batchSize: 16)
        _ = try method.step(&after, &context)
        for (name, (old, new)) in zip(before.parameters.map(\\.path), zip(before.tensors, after.tensors)) {
          #expect(!sameBits(old, new), "\\(name) stayed as it was")
        }
      }

      @Test func shardsGiveTheLossOfTheWholeBatch() throws {
        let (method, data) = try small()
        let losses = try [1, 4].map { shards in
          var state = try method.makeState(for: data.spec, random: RandomStream(seed: 3))
          var context = StepContext(
            step: 0, steps: 10, random: RandomStream(seed: 4),
            data: try TrainingData(data, labelled: false, random: RandomStream(seed: 5)), batchSize: 16, shards: shards)
          return try #require(try method.step(&state, &context)["loss"])
        }
        #expect(abs(losses[0] - losses[1]) < 1e-5)
      }

      /// A network of a few thousand parameters and a few small pictures.
      private func small() throws -> (\(type), ScenesObjects) {
        var options = try Section(
          YAMLNode(parsing: "{patch: 8, width: 16, depth: 1, heads: 2, projection: 8}", file: "test"), name: "method")
        let method = try \(type)(&options)
        try options.finish()
        var data = try Section(YAMLNode(parsing: "{size: 16, train: 32, test: 8}", file: "test"), name: "data")
        return (method, try ScenesObjects(&data, root: DataRoot(cache: "/tmp", mirror: nil, seed: 0)))
      }

      /// The formula of the loss, term by term.
      private func loop(_ a: Tensor, _ b: Tensor, temperature: Double) -> Double {
        let (n, width) = (a.shape[0], a.shape[1])
        func rows(_ x: Tensor) -> [[Double]] {
          x.withElements { p in
            (0..<n).map { i in
              let row = (0..<width).map { Double(p[i * width + $0]) }
              let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
              return row.map { $0 / length }
            }
          }
        }
        let (u, v) = (rows(a), rows(b))
        var total = 0.0
        for i in 0..<n {
          let scores = v.map { other in zip(u[i], other).reduce(0) { $0 + $1.0 * $1.1 } / temperature }
          total += log(scores.reduce(0) { $0 + exp($1) }) - scores[i]
        }
        return total / Double(n)
      }
    }

    """
  }
}
