import ReproTensor
import TestSupport

/// The rows of convolutions that take Winograd's way: 3 x 3, stride 1, at least 16 channels on both sides.
extension OpTable {
  private static let wide: [[Shape]] = [
    [[1, 16, 5, 4], [17, 16, 3, 3], [17]], [[3, 17, 3, 3], [16, 17, 3, 3], [16]],
  ]
  /// Strips of one sample; several samples in a block, the last block with fewer; two panels of channels.
  private static let largeWide: [[Shape]] = [
    [[2, 20, 41, 40], [18, 20, 3, 3], [18]], [[40, 33, 9, 7], [48, 33, 3, 3], [48]],
    [[17, 64, 4, 4], [64, 64, 3, 3], [64]],
  ]

  static let winograd: [Op] = [
    Op("conv2d(many channels)", wide, large: largeWide) { conv2d($0[0], $0[1], $0[2], padding: 1) },
    Op("conv2d(many channels, valid)", wide, large: largeWide) { conv2d($0[0], $0[1], $0[2]) },
    Op("conv2d(many channels, wide border)", wide, large: largeWide) {
      conv2d($0[0], $0[1], $0[2], padding: [2, 0])
    },
  ]
}
