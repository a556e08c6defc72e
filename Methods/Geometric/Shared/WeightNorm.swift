import ReproNN
import ReproTensor

/// The length of each row of a weight as a parameter of its own:   W = g v / |v|   row by row.
///
/// - Source: Salimans and Kingma 2016, "Weight normalization" (arXiv 1602.07868), Eq. 2.
struct RowGain: Layer {
  var gain: Tensor  // [out, 1]

  /// Gains with which a weight `[out, in]` stays what it is.
  init(of weight: Tensor) { gain = weight.squared().sum(1, keepsAxis: true).sqrt() }

  mutating func visit(_ v: inout some LayerVisitor) { v("gain", &gain, .gain) }

  func callAsFunction(_ direction: Tensor) -> Tensor {
    direction * (gain / direction.squared().sum(1, keepsAxis: true).sqrt())
  }
}

/// A distance network whose weights have their lengths apart, or not.
struct WeightNormalizedSDF: Layer {
  /// v, with the biases.
  var network: SDFNetwork
  /// g of each layer; none without weight normalisation.
  var gains: [RowGain]

  /// - Parameters:
  ///   - isGeometric: whether the network begins as a sphere; otherwise like any other network.
  init(_ c: SDFConfiguration, isGeometric: Bool, isNormalized: Bool, random: RandomStream) {
    network = SDFNetwork(c, random: random)
    if !isGeometric {
      func usual(_ layer: Linear, _ name: String, _ index: Int = 0) -> Linear {
        .uniform(layer.weight.shape[1], layer.weight.shape[0], random: random.child(name, index))
      }
      for l in network.hidden.indices { network.hidden[l] = usual(network.hidden[l], "usual", l) }
      network.last = usual(network.last, "usual-last")
    }
    gains = isNormalized ? (network.hidden + [network.last]).map { RowGain(of: $0.weight) } : []
  }

  mutating func visit(_ v: inout some LayerVisitor) {
    v("network", &network)
    v("gains", &gains)
  }

  /// The network with its weights put together.
  var effective: SDFNetwork {
    guard let last = gains.last else { return network }
    var result = network
    for l in network.hidden.indices { result.hidden[l].weight = gains[l](network.hidden[l].weight) }
    result.last.weight = last(network.last.weight)
    return result
  }
}
