import ReproTensor

@testable import ReproNN

extension LayerRows {
  private static let training = ForwardContext(random: random)

  static func unet() -> UNet {
    var c = UNetConfiguration()
    (c.channels, c.width, c.levels, c.outputs) = (2, 3, 2, 2)
    return UNet(c, random: random)
  }

  static let images: [LayerRow] = [
    LayerRow("double conv", { DoubleConv(2, 3, random: random) }) { (m: inout DoubleConv, x: [Tensor]) in
      m(x[0], training)
    },
    LayerRow("U-Net", { unet() }) { (m: inout UNet, x: [Tensor]) in m(x[0], training) },
    LayerRow("U-Net frozen", { unet() }) { net, x in
      let frozen = net
      return frozen(x[0])
    },
    LayerRow("squeeze excitation", { SqueezeExcitation(4, squeezed: 2, random: random) }) { $0($1[0]) },
    LayerRow("normalized conv", { NormalizedConv(4, 6, kernel: 3, stride: 2, groups: 2, random: random) }) {
      (m: inout NormalizedConv, x: [Tensor]) in m(x[0], training)
    },
    LayerRow("RegNet X block", { RegNetBlock(4, 4, groupWidth: 2, excitation: nil, random: random) }) {
      (m: inout RegNetBlock, x: [Tensor]) in m(x[0], training)
    },
    LayerRow("RegNet Y block", { RegNetBlock(4, 6, stride: 2, groupWidth: 3, random: random) }) {
      (m: inout RegNetBlock, x: [Tensor]) in m(x[0], training)
    },
    LayerRow("RegNet Y block frozen", { RegNetBlock(4, 6, stride: 2, groupWidth: 3, random: random) }) { block, x in
      let frozen = block
      return frozen(x[0])
    },
  ]

  private static func nerf(_ usesDirections: Bool) -> NeRF {
    var c = NeRFConfiguration()
    (c.width, c.layers, c.skips, c.placeFrequencies, c.directionFrequencies) = (8, 4, [1], 2, 1)
    c.usesDirections = usesDirections
    return NeRF(c, random: random)
  }

  private static func parts(_ y: RadianceField) -> Tensor { joined([y.colour, y.density]) }

  static let fields: [LayerRow] = [
    LayerRow("NeRF", { nerf(true) }) { parts($0($1[0], directions: $1[1])) },
    LayerRow("NeRF without directions", { nerf(false) }) { parts($0($1[0])) },
    LayerRow("rendered rays", { NoParameters() }) { _, x in
      let s = x[2].shape[1]
      let sums = Tensor([s, s]) { p in for i in 0..<s { for j in 0..<s { p[i * s + j] = i <= j ? 1 : 0 } } }
      let y = renderedRays(
        colour: x[0], density: x[1].abs(), depths: matmul(x[2].abs() + 0.1, sums), last: 0.7)
      return joined([y.colour, y.depth, y.opacity, y.weights])
    },
  ]
}
