import Glibc
import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// NeuS: a surface as the zeros of a signed distance f, learnt from pictures alone by volume rendering.
///
///     C = sum_i T_i alpha_i c_i,   T_i = prod_{j < i} (1 - alpha_j)
///     alpha_i = max( (Phi_s(f(p_i)) - Phi_s(f(p_{i+1}))) / Phi_s(f(p_i)), 0 ),   Phi_s(u) = 1 / (1 + exp(-s u))
///     loss = mean_rays |C - C_true|_1 + w_eikonal mean_{|x| < 1.2} (|grad f| - 1)^2 + w_mask BCE(mask, sum_i T_i alpha_i)
///
/// The weight T alpha has its maximum where f = 0, and of two surfaces the nearer one counts. s is learnt. The mask term is 0
/// in the paper's main setting. `colour_loss: l2` is that of radiance fields; `render: naive` takes phi_s(f) as a density instead, `render: density` a radiance field
/// without any f; `geometric_init: false` starts like any other network.
/// - Source: Wang et al. 2021 (arXiv 2106.10689), Eq. 10 to 17, and the authors' code; deviations in Reproductions/neus/NOTES.md.
public struct NeuS: MethodPlugin {
  public static let card = MethodCard(
    id: "neus",
    title: "NeuS: Learning Neural Implicit Surfaces by Volume Rendering for Multi-view Reconstruction", year: 2021,
    arxiv: "2106.10689", family: .geometric)

  let options: NeuSOptions

  public init(_ section: inout Section) throws(ReproError) { options = try NeuSOptions(&section) }

  public struct State: Layer {
    var model: SceneModel

    public mutating func visit(_ v: inout some LayerVisitor) { v("model", &model) }
  }

  public func makeState(for data: DataSpec, random: RandomStream) throws -> State {
    State(model: options.model(random.child("scene")))
  }

  /// One step on random rays of the batch: of one scene, or of views of one scene.
  public func step(_ state: inout State, _ context: inout StepContext) throws -> Metrics {
    let capture = try Capture(context.batch(), sample: 0, radius: options.radius)
    var (choice, shift) = (context.random.child("pixels"), context.random.child("jitter"))
    let pixels = (0..<options.rays).map { _ in choice.integer(below: capture.pixels) }
    let jitter = (0..<options.rays).map { _ in shift.uniform() - 0.5 }
    let rays = capture.rays(pixels)
    let grey = options.backgroundGrey ?? 0
    let truth = capture.colours(pixels, background: grey)  // [R, 3]
    let masks = options.mask > 0 ? capture.masks(pixels, background: grey) : nil
    let renderer = options.renderer
    // A batch is one scene: what is cut into micro-shards here are its rays.
    let shards = options.shards
    func rows(_ shard: Int) -> Range<Int> { shard * rays.count / shards..<(shard + 1) * rays.count / shards }
    let depths = concat(
      (0..<shards).map { [model = state.model] shard in
        renderer.depths(model, rays.rows(rows(shard)), jitter: Array(jitter[rows(shard)]))
      })
    let r = options.annealing(context.progress)
    var metrics: Metrics = [:]
    let (value, gradients) = shardedValueAndGradients(of: &state.model, shards: shards) { model, shard in
      let seen = renderer(
        model, rays.rows(rows(shard)), depths: depths.slice(0, rows(shard)), annealing: r, createGraph: true)
      return [seen.colour, seen.eikonal, seen.opacity]
    } loss: { z in
      loss(colour: z[0], truth: truth, eikonal: z[1], opacity: z[2], masks: masks, &metrics)
    }
    metrics["loss"] = value.item
    metrics["gradient"] = context.update(&state.model, gradients)
    metrics["sharpness"] = state.model.sharpness.item
    return metrics.leading("loss")
  }

  /// The three terms over the whole batch (Eq. 14 to 17; colour as a sum over the channels, as in the authors' code).
  func loss(
    colour: Tensor, truth: Tensor, eikonal: Tensor, opacity: Tensor, masks: Tensor?, _ metrics: inout Metrics
  ) -> Tensor {
    let error = colour - truth
    var total = (options.isSquared ? error.squared() : error.abs()).sum() / Real(truth.shape[0])
    metrics["colour"] = total.item
    metrics["psnr"] = -10 * log10(max(error.detached.squared().mean().item, 1e-12))
    if options.rendering != .density {
      let sums = eikonal.sum(0)
      let term = sums.select(0, 0) / (sums.select(0, 1) + 1e-5)
      metrics["eikonal"] = term.item
      if options.eikonal > 0 { total = total + term * options.eikonal }
    }
    if let masks {
      let seen = opacity.clamped(1e-3, 1 - 1e-3)
      let term = -(masks * seen.log() + (1 - masks) * (1 - seen).log()).mean()
      metrics["mask"] = term.item
      total = total + term * options.mask
    }
    return total
  }

  /// What is measured of the scene: the same for every sample but for its cameras.
  ///
  /// With a column `queries` `[P, 3 or more]` of places only `signed-distance` `[P]`; else `surface` `[points, 6]` and
  /// `surfaces` `[levels, points, 6]` (all in the data's unit), `image` (rendered views), `ray-depth` `[probes, 4]` (mean
  /// depth, first zero, which of them exist, length of the ray) and `spread` `[1]`, 1 / s in the data's unit. The vector: f on a 4 x 4 x 4 grid.
  public func embed(_ state: State, _ batch: Batch) throws -> Features {
    let n = batch.count
    let global = state.model.signed(at: Self.lattice, level: options.level).detached.expandedAxis(0).repeated(0, n)
    let scale = Real(options.radius)
    if case .reals(let queries)? = batch["queries"] {
      let places = queries.slice(2, 0..<3).reshaped([-1, 3]) / scale
      let distances = surface(state.model, options.level).signedDistance(at: places) * scale
      return Features(global: global, outputs: ["signed-distance": distances.reshaped([n, queries.shape[1]])])
    }
    let points = surfacePoints(state.model)
    let (fixed, all) = (points[0], stack(points))
    var outputs: [String: Tensor] = [
      "surface": fixed.expandedAxis(0).repeated(0, n), "surfaces": all.expandedAxis(0).repeated(0, n),
    ]
    let isScene = batch["views"] != nil
    var (images, depths): ([Tensor], [Tensor]) = ([], [])
    for i in 0..<n where isScene || i == 0 {
      let capture = try Capture(batch, sample: i, radius: options.radius)
      let shown = isScene ? evenly(min(options.views, capture.views), of: capture.views) : Array(0..<capture.views)
      let pictures = shown.map { view in
        options.renderer.seen(state.model, capture.rays(ofView: view)).colour.clamped(0, 1)
          .reshaped([capture.images.height, capture.images.width, 3])
      }
      images += isScene ? [stack(pictures)] : pictures
      depths.append(rayDepths(state.model, capture))
    }
    outputs["image"] = stack(images)
    outputs["ray-depth"] = isScene ? stack(depths) : depths[0].expandedAxis(0).repeated(0, n)
    let s = state.model.sharpness.detached
    outputs["spread"] = (options.rendering == .density ? s : s.reciprocal() * scale).reshaped([1, 1]).repeated(0, n)
    return Features(global: global, outputs: outputs)
  }
}
