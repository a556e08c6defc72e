import ReproTensor

/// What a radiance field is made of; the defaults are the paper's.
public struct NeRFConfiguration: Sendable, Equatable {
  /// Units and number of the layers that see the place only.
  public var width = 256
  public var layers = 8
  /// Layers (counted from 0) behind which the encoded place is joined again.
  public var skips: [Int] = [4]
  /// Octaves of the encoding of places and of directions.
  public var placeFrequencies = 10
  public var directionFrequencies = 4
  /// Whether colour depends on the direction of view.
  public var usesDirections = true
  public init() {}
}

/// Colour and density of places in a scene.
public struct RadianceField: Sendable {
  /// Red, green, blue in (0, 1), `[N, 3]`.
  public var colour: Tensor
  /// Density, >= 0, per unit of length, `[N]`.
  public var density: Tensor
}

/// A neural radiance field.   places and directions [N, 3] -> colour and density
///
///     h = maps(e(x)), with [e(x), h] behind a skip;   density = relu(w h);   colour = sigmoid(W relu(W' [W'' h, e(d)]))
///
/// Names are those of the widely used PyTorch code (`pts_linears`, `views_linears`, `feature_linear`, `alpha_linear`).
/// - Source: Mildenhall et al. 2020 (arXiv 2003.08934), Section 4 and Figure 7; encoding as in `positionalEncoding`.
public struct NeRF: Layer {
  public var ptsLinears: [Linear]
  public var viewsLinears: [Linear]
  public var featureLinear, alphaLinear, rgbLinear: Linear?
  public var outputLinear: Linear?
  public let configuration: NeRFConfiguration

  public init(_ c: NeRFConfiguration = NeRFConfiguration(), random: RandomStream) {
    require(
      c.layers > 0 && c.width > 1 && c.skips.allSatisfy { $0 >= 0 && $0 < c.layers - 1 },
      "a radiance field needs layers, and skips before the last of them, got \(c)")
    configuration = c
    let place = 3 * (1 + 2 * c.placeFrequencies)
    let direction = 3 * (1 + 2 * c.directionFrequencies)
    ptsLinears = (0..<c.layers).map { l in
      let inputs = l == 0 ? place : c.skips.contains(l - 1) ? c.width + place : c.width
      return .uniform(inputs, c.width, random: random.child("pts_linears", l))
    }
    guard c.usesDirections else {
      viewsLinears = []
      outputLinear = .uniform(c.width, 4, random: random.child("output_linear"))
      return
    }
    viewsLinears = [.uniform(c.width + direction, c.width / 2, random: random.child("views_linears"))]
    featureLinear = .uniform(c.width, c.width, random: random.child("feature_linear"))
    alphaLinear = .uniform(c.width, 1, random: random.child("alpha_linear"))
    rgbLinear = .uniform(c.width / 2, 3, random: random.child("rgb_linear"))
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("pts_linears", &ptsLinears)
    v("views_linears", &viewsLinears)
    v("feature_linear", &featureLinear)
    v("alpha_linear", &alphaLinear)
    v("rgb_linear", &rgbLinear)
    v("output_linear", &outputLinear)
  }

  /// - Parameters:
  ///   - places: `[N, 3]`, best within [-1, 1].
  ///   - directions: unit vectors of view, `[N, 3]`; nil for a field that does not depend on them.
  public func callAsFunction(_ places: Tensor, directions: Tensor? = nil) -> RadianceField {
    let c = configuration
    require(
      places.rank == 2 && places.shape[1] == 3 && (directions?.shape ?? places.shape) == places.shape
        && (directions != nil) == c.usesDirections,
      "a radiance field needs places [N, 3]\(c.usesDirections ? " and directions [N, 3]" : ""), got \(places.shape) and "
        + "\(directions.map { "\($0.shape)" } ?? "none")")
    let encoded = positionalEncoding(places, frequencies: c.placeFrequencies)
    var h = encoded
    for (l, layer) in ptsLinears.enumerated() {
      h = layer(h).relu()
      if c.skips.contains(l) { h = concat([encoded, h], axis: 1) }
    }
    if let outputLinear {
      let y = outputLinear(h)
      return RadianceField(colour: y.slice(1, 0..<3).sigmoid(), density: y.select(1, 3).relu())
    }
    guard let directions, let featureLinear, let alphaLinear, let rgbLinear else {
      requirementFailed("a radiance field with directions has all of its heads")
    }
    var view = concat(
      [featureLinear(h), positionalEncoding(directions, frequencies: c.directionFrequencies)], axis: 1)
    for layer in viewsLinears { view = layer(view).relu() }
    return RadianceField(colour: rgbLinear(view).sigmoid(), density: alphaLinear(h).squeezed(1).relu())
  }
}

/// What a camera sees along rays through a field.
public struct RenderedRays: Sendable {
  /// `[R, 3]`
  public var colour: Tensor
  /// Expected distance along the ray, in the unit of the scene, `[R]`.
  public var depth: Tensor
  /// The light that is stopped, in [0, 1], `[R]`.
  public var opacity: Tensor
  /// The share of each sample, `[R, S]`.
  public var weights: Tensor
}

/// Colours of rays from samples along them: the quadrature of volume rendering.
///
///     alpha_i = 1 - exp(-density_i delta_i);   T_i = prod_{j < i} (1 - alpha_j);   w_i = T_i alpha_i;   C = sum_i w_i c_i
///
/// - Parameters:
///   - colour: `[R, S, 3]`.
///   - density: `[R, S]`, >= 0.
///   - depths: distances of the samples, ascending, `[R, S]`.
///   - last: length of the last interval; 1e10 makes the last sample stop all light.
/// - Source: Mildenhall et al. 2020 (arXiv 2003.08934), Eq. 3; Max 1995.
public func renderedRays(colour: Tensor, density: Tensor, depths: Tensor, last: Real = 1e10) -> RenderedRays {
  require(
    density.rank == 2 && depths.shape == density.shape && colour.shape == density.shape.appending(3),
    "rendering needs colour [R, S, 3], density and depths [R, S], got \(colour.shape), \(density.shape), \(depths.shape)"
  )
  let (r, s) = (density.shape[0], density.shape[1])
  let steps = depths.slice(1, 1..<s) - depths.slice(1, 0..<(s - 1))
  let optical = density * concat([steps, .full([r, 1], last)], axis: 1)  // [R, S]
  // The sum of all before, by a matrix of ones above the diagonal: the light that is left is exp(-sum).
  let before = Tensor([s, s]) { p in for i in 0..<s { for j in 0..<s { p[i * s + j] = i < j ? 1 : 0 } } }
  // The last interval never stands before another one, so that its length does not enter a product.
  let inner = concat([optical.slice(1, 0..<(s - 1)), .zeros([r, 1])], axis: 1)
  let transmitted = (-matmul(inner, before)).exp()
  let weights = transmitted * (1 - (-optical).exp())
  return RenderedRays(
    colour: (weights.expandedAxis(-1) * colour).sum(1), depth: (weights * depths).sum(1), opacity: weights.sum(1),
    weights: weights)
}
