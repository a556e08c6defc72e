import ReproTensor
import TestSupport

/// The rows of convolutions of lines and volumes, of their pooling, and of patches.
extension OpTable {
  static let spatial: [Op] =
    attentions + lineAndVolumeConvolutions + transposedConvolutions + depthwiseConvolutions + lineAndVolumePools
    + adaptivePools + patches + resizes + grids + norms

  private static let lines: [[Shape]] = [
    [[2, 3, 9], [4, 3, 3], [4]], [[1, 1, 5], [1, 1, 3], [1]], [[0, 2, 7], [3, 2, 3], [3]],
  ]
  private static let volumes: [[Shape]] = [
    [[2, 2, 3, 5, 4], [3, 2, 2, 3, 3], [3]], [[1, 1, 3, 3, 3], [1, 1, 1, 1, 3], [1]],
    [[0, 2, 3, 3, 4], [3, 2, 2, 3, 3], [3]],
  ]
  private static let largeLines: [[Shape]] = [[[2, 5, 9001], [4, 5, 3], [4]], [[40, 33, 20], [30, 33, 3], [30]]]
  private static let largeVolumes: [[Shape]] = [[[3, 9, 7, 16, 17], [6, 9, 3, 3, 3], [6]]]

  static let lineAndVolumeConvolutions: [Op] = [
    Op("conv1d", lines, large: largeLines) { conv1d($0[0], $0[1], $0[2]) },
    Op("conv1d(stride)", lines, large: largeLines) {
      conv1d($0[0], $0[1], $0[2], stride: 2, padding: 3, dilation: 2)
    },
    Op(
      "conv1d(groups)", [[[2, 4, 6], [6, 2, 2]], [[1, 2, 3], [4, 1, 3]]], large: [[[2, 20, 901], [8, 10, 3]]]
    ) {
      conv1d($0[0], $0[1], padding: 1, groups: 2)
    },
    Op("conv3d", volumes, large: largeVolumes) { conv3d($0[0], $0[1], $0[2]) },
    Op("conv3d(stride)", volumes, large: largeVolumes) {
      conv3d($0[0], $0[1], $0[2], stride: [2, 1, 2], padding: [1, 2, 3], dilation: [1, 2, 2])
    },
    Op(
      "conv3d(groups)", [[[2, 4, 3, 3, 2], [6, 2, 2, 3, 1]], [[1, 2, 1, 1, 1], [4, 1, 3, 3, 3]]],
      large: [[[2, 20, 5, 12, 13], [8, 10, 3, 3, 3]]]
    ) { conv3d($0[0], $0[1], padding: 1, groups: 2) },
    Op("conv3d(gradient by the input)", volumes, large: largeVolumes) {
      derivative(0, $0) { conv3d($0[0], $0[1] * 0.3, $0[2], padding: 1) }
    },
    Op("conv3d(gradient by the weight)", volumes, large: largeVolumes) {
      derivative(1, $0) { conv3d($0[0] * 0.3, $0[1], $0[2], stride: 2, padding: 1) }
    },
  ]

  static let transposedConvolutions: [Op] = [
    Op(
      "convTranspose1d",
      [[[2, 3, 4], [3, 2, 3], [2]], [[1, 1, 1], [1, 3, 2], [3]], [[0, 3, 4], [3, 2, 3], [2]]],
      large: [[[3, 20, 930], [20, 8, 3], [8]]]
    ) { convTranspose1d($0[0], $0[1], $0[2], stride: 2, padding: 1, outputPadding: 1) },
    Op(
      "convTranspose1d(groups)", [[[2, 4, 3], [4, 3, 2]], [[1, 2, 1], [2, 1, 3]]],
      large: [[[3, 20, 930], [20, 8, 3]]]
    ) {
      convTranspose1d($0[0], $0[1], stride: 3, dilation: 2, groups: 2)
    },
    Op(
      "convTranspose2d(groups)", [[[2, 4, 3, 2], [4, 3, 2, 3], [6]], [[1, 2, 1, 1], [2, 1, 3, 3], [2]]],
      large: [[[3, 20, 30, 31], [20, 4, 3, 3], [8]]]
    ) { convTranspose2d($0[0], $0[1], $0[2], stride: [1, 2], padding: [1, 0], dilation: [2, 1], groups: 2) },
    Op(
      "convTranspose2d(padding beyond the stride)", [[[1, 2, 3, 2], [2, 3, 2, 3], [3]]],
      large: [[[3, 20, 30, 31], [20, 4, 3, 3], [4]]]
    ) { convTranspose2d($0[0], $0[1], $0[2], stride: [1, 2], outputPadding: 2, dilation: 3) },
    Op(
      "convTranspose3d", [[[2, 3, 2, 3, 2], [3, 2, 3, 2, 3], [2]], [[1, 1, 1, 1, 1], [1, 3, 2, 2, 2], [3]]],
      large: [[[2, 9, 5, 10, 11], [9, 6, 3, 3, 3], [6]]]
    ) { convTranspose3d($0[0], $0[1], $0[2], stride: [2, 1, 2], padding: [1, 0, 0], outputPadding: [1, 0, 1]) },
    Op(
      "convTranspose3d(groups)", [[[2, 4, 2, 1, 2], [4, 1, 2, 2, 1]]], large: [[[2, 8, 5, 10, 11], [8, 6, 3, 3, 3]]]
    ) { convTranspose3d($0[0], $0[1], stride: 2, dilation: [1, 2, 1], groups: 2) },
  ]

  static let depthwiseConvolutions: [Op] = [
    Op(
      "conv2d(depthwise)", [[[2, 3, 5, 4], [3, 1, 3, 3], [3]], [[1, 2, 3, 3], [2, 1, 1, 3], [2]]],
      large: [[[3, 20, 40, 41], [20, 1, 3, 3], [20]]]
    ) { conv2d($0[0], $0[1], $0[2], padding: 1, groups: $0[0].shape[1]) },
    Op(
      "conv2d(depthwise, stride)", [[[2, 3, 5, 4], [6, 1, 3, 2], [6]], [[1, 2, 1, 1], [4, 1, 3, 3], [4]]],
      large: [[[3, 20, 40, 41], [40, 1, 3, 3], [40]]]
    ) { conv2d($0[0], $0[1], $0[2], stride: [2, 3], padding: [2, 3], dilation: [1, 2], groups: $0[0].shape[1]) },
    Op("conv1d(depthwise)", [[[2, 3, 8], [6, 1, 3]]], large: [[[2, 9, 5001], [18, 1, 5]]]) {
      conv1d($0[0], $0[1], stride: 2, padding: 1, dilation: 2, groups: $0[0].shape[1])
    },
    Op("conv3d(depthwise)", [[[1, 2, 3, 4, 3], [2, 1, 2, 3, 3]]], large: [[[2, 9, 5, 20, 21], [9, 1, 3, 3, 3]]]) {
      conv3d($0[0], $0[1], stride: [2, 1, 2], padding: 1, dilation: [1, 2, 1], groups: $0[0].shape[1])
    },
    Op(
      "convTranspose2d(depthwise)", [[[2, 3, 3, 2], [3, 1, 3, 3], [3]]],
      large: [[[3, 20, 30, 31], [20, 1, 3, 3], [20]]]
    ) { convTranspose2d($0[0], $0[1], $0[2], stride: 2, padding: 1, outputPadding: 1, groups: $0[0].shape[1]) },
    Op(
      "conv2d(depthwise, gradient by the input)", [[[2, 3, 5, 4], [3, 1, 3, 3]]],
      large: [[[3, 20, 40, 41], [20, 1, 3, 3]]]
    ) { derivative(0, $0) { conv2d($0[0], $0[1] * 0.3, stride: 2, padding: 1, groups: $0[0].shape[1]) } },
    Op(
      "conv2d(depthwise, gradient by the weight)", [[[2, 3, 5, 4], [6, 1, 3, 3]]],
      large: [[[3, 20, 40, 41], [40, 1, 3, 3]]]
    ) { derivative(1, $0) { conv2d($0[0] * 0.3, $0[1], padding: 1, dilation: 2, groups: $0[0].shape[1]) } },
  ]

  private static let rows1: [[Shape]] = [[[7]], [[2, 5]], [[2, 1, 4]], [[0, 6]]]
  private static let rows2: [[Shape]] = [[[3, 4]], [[2, 5, 4]], [[1, 2, 4, 5]], [[0, 3, 4]]]
  private static let rows3: [[Shape]] = [[[3, 4, 4]], [[2, 3, 3, 3]], [[1, 1, 3, 4, 3]], [[0, 3, 4, 3]]]
  private static let large1: [[Shape]] = [[[40, 1031]]]
  private static let large2: [[Shape]] = [[[4, 9, 33, 31]]]
  private static let large3: [[Shape]] = [[[5, 9, 7, 20, 21]]]
  private static let distinct: [Layout] = [.rows, .turned, .window]

  static let lineAndVolumePools: [Op] = [
    Op("maxPooled(dilation)", rows2, large: large2, .apart(0.1), layouts: distinct) {
      $0[0].maxPooled(2, stride: 1, padding: 1, dilation: [2, 1])
    },
    Op("maxPooled1d", rows1, large: large1, .apart(0.1), layouts: distinct) {
      $0[0].maxPooled1d(3, stride: 2, padding: 1)
    },
    Op("maxPooled3d", rows3, large: large3, .apart(0.1), layouts: distinct) { $0[0].maxPooled3d(2) },
    Op("maxPooled3d(padded)", rows3, large: large3, .apart(0.1), layouts: distinct) {
      $0[0].maxPooled3d([3, 2, 3], stride: [2, 1, 1], padding: 1)
    },
    Op("averagePooled1d", rows1, large: large1) { $0[0].averagePooled1d(3, stride: 2, padding: 1) },
    Op("averagePooled3d", rows3, large: large3) { $0[0].averagePooled3d(2, stride: [1, 2, 1]) },
    Op("averagePooled3d(inside)", rows3, large: large3) {
      $0[0].averagePooled3d([3, 2, 3], stride: [2, 1, 1], padding: 1, countsPadding: false)
    },
    Op("globalAveragePooled(axes)", rows3, large: large3) { $0[0].globalAveragePooled(axes: 3) },
    Op("globalMaxPooled", rows2, large: large2, .apart(0.1), layouts: distinct) { $0[0].globalMaxPooled() },
  ]

  static let adaptivePools: [Op] = [
    Op("adaptiveAveragePooled", rows2, large: large2) { $0[0].adaptiveAveragePooled([2, 3]) },
    Op("adaptiveAveragePooled(larger)", rows2, large: [[[4, 9, 33, 31]]]) { $0[0].adaptiveAveragePooled([7, 1]) },
    Op("adaptiveAveragePooled1d", rows1, large: large1) { $0[0].adaptiveAveragePooled1d(3) },
    Op("adaptiveAveragePooled3d", rows3, large: large3) { $0[0].adaptiveAveragePooled3d([2, 3, 5]) },
    Op(
      "adaptiveMaxPooled", [[[3, 4]], [[2, 3, 4]], [[1, 1, 4, 5]], [[0, 3, 4]]], large: large2, .apart(0.1),
      layouts: distinct
    ) { $0[0].adaptiveMaxPooled([2, 3]) },
    Op("adaptiveMaxPooled1d", rows1, large: large1, .apart(0.1), layouts: distinct) { $0[0].adaptiveMaxPooled1d(3) },
    Op("adaptiveMaxPooled3d", rows3, large: large3, .apart(0.1), layouts: distinct) {
      $0[0].adaptiveMaxPooled3d([2, 3, 1])
    },
  ]

  static let patches: [Op] = [
    Op("unfolded", [[[2, 3, 4, 5]], [[1, 1, 2, 3]], [[0, 2, 3, 4]]], large: [[[3, 9, 33, 31]]]) {
      $0[0].unfolded([2, 3])
    },
    Op("unfolded(stride)", [[[2, 3, 4, 5]], [[1, 1, 2, 1]]], large: [[[3, 9, 33, 31]]]) {
      $0[0].unfolded([2, 3], stride: [2, 1], padding: [1, 2], dilation: [2, 1])
    },
    Op("folded", [[[2, 12, 6]], [[1, 6, 6]], [[0, 6, 6]]], large: [[[30, 120, 6]]]) {
      $0[0].folded(to: [3, 5], [2, 3])
    },
    Op("folded(stride)", [[[2, 12, 15]], [[1, 6, 15]]], large: [[[30, 120, 15]]]) {
      $0[0].folded(to: [4, 5], [2, 3], stride: [2, 1], padding: 1)
    },
    Op("pixelShuffled", [[[2, 8, 2, 3]], [[4, 1, 1]], [[0, 4, 2, 2]]], large: [[[3, 40, 13, 17]]]) {
      $0[0].pixelShuffled(2)
    },
    Op("pixelUnshuffled", [[[2, 2, 4, 6]], [[1, 2, 2]], [[0, 4, 2, 2]]], large: [[[3, 10, 26, 34]]]) {
      $0[0].pixelUnshuffled(2)
    },
  ]
}
