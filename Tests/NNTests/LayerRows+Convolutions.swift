import ReproTensor

@testable import ReproNN

extension LayerRows {
  private static let training = ForwardContext(random: random)
  private static let mask = Tensor([2, 6], [1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0])

  static let convolutions: [LayerRow] = [
    LayerRow("conv 1d", { Conv1d(4, 6, kernel: 3, stride: 2, padding: 1, dilation: 2, groups: 2, random: random) }) {
      $0($1[0])
    },
    LayerRow(
      "conv 3d",
      {
        Conv3d(2, 4, kernel: [1, 3, 2], stride: [1, 2, 1], padding: [0, 1, 1], groups: 2, random: random)
      }
    ) { $0($1[0]) },
    LayerRow(
      "conv transpose 1d",
      { ConvTranspose1d(4, 2, kernel: 3, stride: 2, padding: 1, outputPadding: 1, groups: 2, random: random) }
    ) { $0($1[0]) },
    LayerRow("conv transpose 3d", { ConvTranspose3d(2, 3, kernel: 2, stride: 2, random: random) }) { $0($1[0]) },
    LayerRow("group norm", { GroupNorm(groups: 2, 4) }) { $0($1[0]) },
    LayerRow("instance norm", { InstanceNorm(3, affine: true) }) { $0($1[0]) },
    LayerRow("instance norm plain", { InstanceNorm(3) }) { $0($1[0]) },
    LayerRow("temporal block", { TemporalBlock(3, 4, kernel: 3, dilation: 2, random: random) }) { $0($1[0]) },
    LayerRow("temporal block centred", { TemporalBlock(4, 4, kernel: 5, isCausal: false, random: random) }) {
      $0($1[0])
    },
    LayerRow("temporal block masked", { TemporalBlock(3, 4, kernel: 3, isCausal: false, random: random) }) {
      $0($1[0], mask: mask)
    },
    LayerRow("temporal network", { TemporalNetwork([2, 4, 4, 3], random: random) }) { $0($1[0]) },
    LayerRow("ResNet 3D", { ResNet3D(blocks: [1, 1, 1, 1], width: 2, channels: 2, classes: 3, random: random) }) {
      (m: inout ResNet3D, x: [Tensor]) in m(x[0], training)
    },
    LayerRow("ResNet 3D frozen", { ResNet3D(blocks: [1, 1, 1, 1], width: 2, channels: 2, random: random) }) {
      net, x in
      let frozen = net
      return frozen(x[0])
    },
    LayerRow("residual volume block", { ResidualVolumeBlock(2, 3, random: random) }) {
      (m: inout ResidualVolumeBlock, x: [Tensor]) in m(x[0], training)
    },
    LayerRow("volume block", { VolumeBlock(2, 3, kernel: 3, random: random) }) { (m: inout VolumeBlock, x: [Tensor]) in
      m(x[0], training)
    },
    LayerRow("volume block doubling", { VolumeBlock(doubling: 3, 2, random: random) }) {
      (m: inout VolumeBlock, x: [Tensor]) in m(x[0], training)
    },
    LayerRow("V2V", { VolumetricNetwork(2, 3, width: 1, random: random) }) {
      (m: inout VolumetricNetwork, x: [Tensor]) in m(x[0], training)
    },
    LayerRow("V2V frozen", { VolumetricNetwork(1, 2, width: 1, random: random) }) { net, x in
      let frozen = net
      return frozen(x[0])
    },
    LayerRow("deformable attention", { DeformableAttention(8, heads: 2, levels: 2, points: 3, random: random) }) {
      $0($1[0], references: $1[1].sigmoid(), maps: [$1[2], $1[3]])
    },
  ]

  static let scattering: [LayerRow] = [
    LayerRow("scattering", { NoParameters() }) { _, x in
      Scattering(rows: x[0].shape[2], columns: x[0].shape[3], scales: 2, angles: 4)(x[0])
    },
    LayerRow("scattering deep", { NoParameters() }) { _, x in
      Scattering(rows: 16, columns: 16, scales: 3, angles: 2)(x[0])
    },
  ]
}
