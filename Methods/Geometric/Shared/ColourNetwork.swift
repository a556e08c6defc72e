import ReproNN
import ReproTensor

/// The colour of a place by its normal, the direction of view and the distance network's features.
///
///     c = sigmoid(maps with relu([x, e(v), n, z]))   `[N, 3]`
///
/// - Source: Wang et al. 2021 (NeuS, arXiv 2106.10689), Section A.2, after IDR (Yariv et al. 2020, arXiv 2003.09852).
struct ColourNetwork: Layer {
  var layers: [Linear]
  var gains: [RowGain]
  let frequencies: Int

  /// - Parameters:
  ///   - hidden: number of hidden layers of that width.
  ///   - features: numbers that the distance network gives besides the distance.
  ///   - frequencies: octaves of the encoding of the direction.
  init(width: Int, hidden: Int, features: Int, frequencies: Int, isNormalized: Bool, random: RandomStream) {
    let inputs = 3 + 3 * (1 + 2 * frequencies) + 3 + features
    layers = (0...hidden).map { l in
      .uniform(l == 0 ? inputs : width, l == hidden ? 3 : width, random: random.child("layer", l))
    }
    gains = isNormalized ? layers.map { RowGain(of: $0.weight) } : []
    self.frequencies = frequencies
  }

  mutating func visit(_ v: inout some LayerVisitor) {
    v("layers", &layers)
    v("gains", &gains)
  }

  /// - Parameters:
  ///   - places, directions, normals: `[N, 3]`; a normal is the gradient of the distance as it is, neither detached nor
  ///     of length 1: the colour trains the field through it.
  ///   - features: `[N, F]`.
  func callAsFunction(places: Tensor, directions: Tensor, normals: Tensor, features: Tensor) -> Tensor {
    var h = concat([places, positionalEncoding(directions, frequencies: frequencies), normals, features], axis: 1)
    for (l, layer) in layers.enumerated() {
      let weight = gains.isEmpty ? layer.weight : gains[l](layer.weight)
      h = linear(h, weight, layer.bias)
      if l + 1 < layers.count { h = h.relu() }
    }
    return h.sigmoid()
  }
}

extension NeRF {
  /// Colour `[N, 3]` and density `[N]` of the rival field at places of the unit ball, with a density that cannot die:
  ///
  ///     density = 10 softplus(a),   a = -shift at the start
  ///
  /// Before a known black background relu falls to 0 everywhere within some steps and has no gradient from then on; densities
  /// of the unit ball are of the order of 10 to 100.
  /// - Parameter directions: any, where only the density is asked for.
  /// - Source: softplus with a shift as in Barron et al. 2021 (mip-NeRF, arXiv 2103.13415), Section 3; the rest as `NeRF`.
  func seen(_ places: Tensor, _ directions: Tensor? = nil) -> (colour: Tensor, density: Tensor) {
    let encoded = positionalEncoding(places, frequencies: configuration.placeFrequencies)
    var h = encoded
    for (l, layer) in ptsLinears.enumerated() {
      h = layer(h).relu()
      if configuration.skips.contains(l) { h = concat([encoded, h], axis: 1) }
    }
    guard let featureLinear, let alphaLinear, let rgbLinear else {
      requirementFailed("a radiance field of a scene sees directions")
    }
    let density = alphaLinear(h).squeezed(1).softplus() * 10
    guard let directions else { return (.zeros(places.shape), density) }
    var view = concat(
      [featureLinear(h), positionalEncoding(directions, frequencies: configuration.directionFrequencies)], axis: 1)
    for layer in viewsLinears { view = layer(view).relu() }
    return (rgbLinear(view).sigmoid(), density)
  }
}

/// What is around the unit ball: colour and density by direction and nearness.
///
///     [x / |x|, 1 / |x|] -> density = softplus(w h),  colour = sigmoid(...)
///
/// - Source: Zhang et al. 2020 (NeRF++, arXiv 2010.07492), Section 4, as NeuS uses it without masks.
struct BackgroundField: Layer {
  var layers: [Linear]
  var density, feature, view, colour: Linear
  let frequencies: Int
  let skip: Int

  init(width: Int, layers count: Int, frequencies: Int, random: RandomStream) {
    let place = 4 * (1 + 2 * frequencies)
    let direction = 3 * (1 + 2 * 4)
    let skip = count / 2
    layers = (0..<count).map { l in
      .uniform(l == 0 ? place : l == skip ? width + place : width, width, random: random.child("layer", l))
    }
    density = .uniform(width, 1, random: random.child("density"))
    feature = .uniform(width, width, random: random.child("feature"))
    view = .uniform(width + direction, width / 2, random: random.child("view"))
    colour = .uniform(width / 2, 3, random: random.child("colour"))
    (self.frequencies, self.skip) = (frequencies, skip)
  }

  mutating func visit(_ v: inout some LayerVisitor) {
    v("layers", &layers)
    v("density", &density)
    v("feature", &feature)
    v("view", &view)
    v("colour", &colour)
  }

  /// Density `[N]` and colour `[N, 3]` at places outside of the unit ball; those inside count as on it.
  func callAsFunction(_ places: Tensor, directions: Tensor) -> (colour: Tensor, density: Tensor) {
    let distance = maximum(places.squared().sum(1, keepsAxis: true).sqrt(), Tensor(1))
    let encoded = positionalEncoding(
      concat([places / distance, distance.reciprocal()], axis: 1), frequencies: frequencies)
    var h = encoded
    for (l, layer) in layers.enumerated() {
      if l == skip && l > 0 { h = concat([h, encoded], axis: 1) }
      h = layer(h).relu()
    }
    let seen = view(concat([feature(h), positionalEncoding(directions, frequencies: 4)], axis: 1)).relu()
    return (colour(seen).sigmoid(), density(h).squeezed(1).softplus())
  }
}
