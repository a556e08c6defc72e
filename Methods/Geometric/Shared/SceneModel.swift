import ReproNN
import ReproTensor

/// What is trained for one scene: a distance field with colours and a sharpness, or a radiance field; and the background.
struct SceneModel: Layer {
  /// f and its features.
  var field: WeightNormalizedSDF?
  /// c
  var colour: ColourNetwork?
  /// v of s = exp(10 v), `[1]`.
  var variance: Tensor?
  /// Colour and density of the arm that has no distance.
  var radiance: NeRF?
  var background: BackgroundField?

  mutating func visit(_ v: inout some LayerVisitor) {
    v("field", &field)
    v("colour", &colour)
    v("variance", &variance, .gain)
    v("radiance", &radiance)
    v("background", &background)
  }

  /// s, at least 1e-6 and at most 1e6, `[1]`; 0 for a radiance field.
  var sharpness: Tensor { variance.map { ($0 * 10).exp().clamped(1e-6, 1e6) } ?? .zeros([1]) }

  /// What samples are placed by: distance or density at places, without history.
  func sampled(at places: Tensor) -> Tensor {
    if let radiance { return radiance.seen(places).density.detached }
    return field?.effective.value(at: places).detached ?? places
  }

  /// A function that is negative inside and zero on the surface: f, or (level - density) / level for a radiance field.
  func signed(at places: Tensor, level: Real) -> Tensor {
    if let radiance {
      return 1 - radiance.seen(places).density / level
    }
    return field?.effective.value(at: places) ?? places
  }

  /// `signed` and its gradient `[N, 3]`; constants.
  func signedAndGradient(at places: Tensor, level: Real) -> (value: Tensor, gradient: Tensor) {
    let x = places.detached.tracked
    let y = signed(at: x, level: level)
    return (y.detached, gradients(of: y.sum(), with: [x])[0])
  }
}

/// What rays see, and what the loss needs of their samples.
struct SeenRays {
  /// `[R, 3]`
  var colour: Tensor
  /// Share of each section, `[R, S]`, and the middles of the sections, `[R, S]`.
  var weights, middles: Tensor
  /// The light that the object stops, `[R]`.
  var opacity: Tensor
  /// Sums over a ray's samples within 1.2 of the origin, `[R, 2]`: of (|grad f| - 1)^2, and of 1. Zeros for a radiance field.
  var eikonal: Tensor
  /// Weighted gradients of f, `[R, 3]`; zeros for a radiance field.
  var normals: Tensor

  /// Mean depth of what is seen, `[R]`.
  var depth: Tensor { (weights * middles).sum(1) / (weights.sum(1) + 1e-5) }
}

/// How a model is seen along rays.
struct RayRenderer: Sendable {
  let rendering: Rendering
  let sampler: RaySampler
  /// The known grey behind everything, where no network draws the background.
  let backgroundGrey: Real
  /// Samples outside of the unit ball.
  let outside: Int

  /// Volume rendering of sections that begin at `depths`.
  ///
  ///     C = sum_i w_i c_i + (1 - sum_i w_i) background
  ///
  /// - Parameters:
  ///   - annealing: r of `annealedSlope`.
  ///   - createGraph: whether the result will be differentiated by the parameters.
  /// - Source: NeuS, Eq. 10 to 13.
  func callAsFunction(
    _ model: SceneModel, _ rays: Rays, depths: Tensor, annealing: Real = 1, createGraph: Bool = false
  ) -> SeenRays {
    let (r, s) = (depths.shape[0], depths.shape[1])
    let lengths = sampler.lengths(of: depths)
    let middles = depths + lengths * 0.5
    let places = rays.places(at: middles)  // [R S, 3]
    let directions = rays.directions.repeated(0, s)
    let radius = places.squared().sum(1).sqrt()
    var colours: Tensor
    var opacity: Tensor
    var (eikonal, gradient) = (Tensor.zeros([r, 2]), Tensor.zeros([r * s, 3]))
    if let field = model.field, let network = model.colour {
      let (output, slope) = field.effective.outputAndGradient(at: places, createGraph: createGraph)
      gradient = slope
      let sharpness = model.sharpness
      let flat = lengths.reshaped([r * s])
      if rendering == .naive {
        opacity = densityOpacity(logisticDensity(output.distance, sharpness: sharpness), lengths: flat)
      } else {
        let along = annealedSlope((directions * slope).sum(1), progress: annealing)
        opacity = unbiasedOpacity(distance: output.distance, slope: along, lengths: flat, sharpness: sharpness)
      }
      colours = network(places: places, directions: directions, normals: slope, features: output.features)
      let near = radius.isLess(Tensor(1.2)).reshaped([r, s])
      // The root has no derivative at 0, where a network without any slope would be.
      let error = ((slope.squared().sum(1) + 1e-12).sqrt() - 1).squared().reshaped([r, s])
      eikonal = stack([(error * near).sum(1), near.sum(1)], axis: 1)
    } else if let radiance = model.radiance {
      let seen = radiance.seen(places, directions)
      opacity = densityOpacity(seen.density, lengths: lengths.reshaped([r * s]))
      colours = seen.colour
    } else {
      requirementFailed("a scene has a distance field or a radiance field")
    }
    opacity = opacity.reshaped([r, s])
    colours = colours.reshaped([r, s, 3])
    var object = opacity
    if let background = model.background {
      (opacity, colours, object) = joined(background, rays, depths, middles, opacity, colours, radius.reshaped([r, s]))
    }
    let weights = rayWeights(opacity)
    let stopped = weights.sum(1, keepsAxis: true)  // [R, 1]
    var colour = (weights.expandedAxis(-1) * colours).sum(1)
    if model.background == nil && backgroundGrey > 0 { colour = colour + (1 - stopped) * backgroundGrey }
    let own = model.background == nil ? weights : rayWeights(object)
    return SeenRays(
      colour: colour, weights: own, middles: middles, opacity: own.sum(1), eikonal: eikonal,
      normals: (own.expandedAxis(-1) * gradient.reshaped([r, s, 3])).sum(1))
  }

  /// Sections outside of the unit ball show the background network: those of the object's samples that are outside, and
  /// further ones behind the ball, evenly in 1 / distance.
  ///
  /// - Returns: opacity and colours of all sections, and the object's own opacity inside of the ball.
  private func joined(
    _ background: BackgroundField, _ rays: Rays, _ depths: Tensor, _ middles: Tensor, _ opacity: Tensor,
    _ colours: Tensor, _ radius: Tensor
  ) -> (opacity: Tensor, colours: Tensor, object: Tensor) {
    let (r, s) = (depths.shape[0], depths.shape[1])
    let far = rays.middles + 1
    // z = far / u for u from nearly 1 down to nearly 0.
    let inverse = Tensor(
      [1, outside], (0..<outside).map { 1 / Real(1 - (Double($0) + 0.5) / Double(outside + 1)) })
    let beyond = far * inverse  // [R, O]
    let all = concat([depths, beyond], axis: 1)
    let n = s + outside
    let steps = all.slice(1, 1..<n) - all.slice(1, 0..<(n - 1))
    let lengths = concat([steps.relu(), .full([r, 1], 2 / Real(sampler.even))], axis: 1)
    let field = background(rays.places(at: all + lengths * 0.5), directions: rays.directions.repeated(0, n))
    let alpha = densityOpacity(field.density.reshaped([r, n]), lengths: lengths)
    let colour = field.colour.reshaped([r, n, 3])
    let inside = radius.isLess(Tensor(1))  // [R, S]
    let object = opacity * inside
    let mixed = object + alpha.slice(1, 0..<s) * (1 - inside)
    let shown: Tensor =
      colours * inside.expandedAxis(-1) + colour.slice(1, 0..<s) * (1 - inside).expandedAxis(-1)
    return (
      concat([mixed, alpha.slice(1, s..<n)], axis: 1), concat([shown, colour.slice(1, s..<n)], axis: 1), object
    )
  }

  /// The depths at which a frozen model is asked.
  func depths(_ model: SceneModel, _ rays: Rays, jitter: [Double]?) -> Tensor {
    sampler.depths(rays, jitter: jitter) { model.sampled(at: $0) }
  }

  /// A frozen model seen along any number of rays, some hundred at a time; constants.
  func seen(_ model: SceneModel, _ rays: Rays) -> SeenRays {
    var parts: [SeenRays] = []
    for first in stride(from: 0, to: rays.count, by: Self.chunk) {
      let part = rays.rows(first..<min(first + Self.chunk, rays.count))
      let seen = self(model, part, depths: depths(model, part, jitter: nil))
      parts.append(
        SeenRays(
          colour: seen.colour.detached, weights: seen.weights.detached, middles: seen.middles.detached,
          opacity: seen.opacity.detached, eikonal: seen.eikonal.detached, normals: seen.normals.detached))
    }
    return SeenRays(
      colour: concat(parts.map(\.colour)), weights: concat(parts.map(\.weights)),
      middles: concat(parts.map(\.middles)), opacity: concat(parts.map(\.opacity)),
      eikonal: concat(parts.map(\.eikonal)), normals: concat(parts.map(\.normals)))
  }

  private static let chunk = 256
}
