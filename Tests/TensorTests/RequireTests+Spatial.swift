@testable import ReproTensor

extension Mistake {
  /// Attention, convolutions of lines and volumes, pooling, resampling, norms.
  static let spatial: [Mistake] = [
    Mistake(
      "attention needs q [B, H, N, d > 0], k [B, H, M, d] and v [B, H, M, e > 0], got [1, 2, 3, 4], [1, 2, 5, 3], "
        + "[1, 2, 5, 4]"
    ) { attention(t(1, 2, 3, 4), t(1, 2, 5, 3), t(1, 2, 5, 4)) },
    Mistake("attention: bias and mask broadcast to the scores [1, 2, 3, 5], got [3, 4]") {
      attention(t(1, 2, 3, 4), t(1, 2, 5, 4), t(1, 2, 5, 4), mask: t(3, 4))
    },
    Mistake(
      "conv1d of 1 groups needs x [B, C, L], weight [O, C / groups, k] and bias [O], got [1, 4, 5], [3, 2, 3], none"
    ) { conv1d(t(1, 4, 5), t(3, 2, 3)) },
    Mistake(
      "convTranspose3d of 1 groups needs x [B, C, D, H, W], weight [C, O / groups, kD, kH, kW] and bias [O], got "
        + "[1, 4, 5], [3, 2, 3], none"
    ) { convTranspose3d(t(1, 4, 5), t(3, 2, 3)) },
    Mistake("depth, rows and columns are three numbers, got [1, 2]") { Extent3D(arrayLiteral: 1, 2) },
    Mistake("a window of 4 (dilation 1) does not fit into 3 padded by 0") { conv1d(t(1, 1, 3), t(1, 1, 4)) },
    Mistake("pooling needs volumes [..., D, H, W], got [5, 5]") { t(5, 5).maxPooled3d(2) },
    Mistake("pooling over 3 axes needs as many, got [5, 5]") { t(5, 5).globalAveragePooled(axes: 3) },
    Mistake("a pooling window 2 (dilation 2) of [1, 1] lies wholly in the padding") {
      t(1, 1).maxPooled1d(2, padding: 1, dilation: 2)
    },
    Mistake("adaptive pooling of [2, 3] to [0, 1] needs positive sizes") { t(2, 3).adaptiveMaxPooled([0, 1]) },
    Mistake("the largest of windows needs planes of at most 2^24 elements, got [4097, 4096]") {
      t(4097, 4096).adaptiveMaxPooled(2)
    },
    Mistake("unfolded needs [B, C, H, W], got [2, 3]") { t(2, 3).unfolded(2) },
    Mistake("folded needs [B, C * 4, 6] for images of 3 x 4, got [1, 4, 5]") { t(1, 4, 5).folded(to: [3, 4], 2) },
    Mistake("pixelShuffled by 2 needs [..., C * 2^2, H, W], got [6, 3, 3]") { t(6, 3, 3).pixelShuffled(2) },
    Mistake("pixelUnshuffled by 2 needs [..., C, H * 2, W * 2], got [6, 4, 3]") { t(6, 4, 3).pixelUnshuffled(2) },
    Mistake("axis 0 of [3, 2] has not the 4 samples of a map") {
      t(3, 2).resampled(0, AxisMap(from: 4, to: 1) { _ in [(0, 1)] })
    },
    Mistake("antialiased resizing is linear or cubic and between cells") {
      t(3, 2).resized(0, to: 2, .nearest, antialiased: true)
    },
    Mistake("[3, 2] has not the 3 axes that are resized to [1, 2, 3]") { t(3, 2).resized(to: [1, 2, 3]) },
    Mistake("sampling 2 axes needs [B, C, H, W] and a grid [B, ..., 2], got [1, 2, 3, 4] and [2, 3, 3, 2]") {
      t(1, 2, 3, 4).gridSampled(t(2, 3, 3, 2))
    },
    Mistake("a grid is sampled by the nearest neighbour or linearly") {
      t(1, 2, 3, 4).gridSampled(t(1, 3, 3, 2), .cubic)
    },
    Mistake("sampling needs images of 1 to 2^31 - 1 samples, got [1, 2, 0, 4]") {
      t(1, 2, 0, 4).gridSampled(t(1, 3, 3, 2))
    },
    Mistake("affineGrid of [2, 3] needs theta [B, 2, 3] and positive sizes, got [1, 3, 4]") {
      affineGrid(t(1, 3, 4), rows: 2, columns: 3)
    },
    Mistake("layerNormalized over 3 axes needs as many, got [2, 3]") { t(2, 3).layerNormalized(axes: 3) },
    Mistake("groupNormalized of 2 groups needs x [B, C, ...], gain and bias [C], got [2, 4], [3] and none") {
      t(2, 4).groupNormalized(groups: 2, gain: t(3))
    },
    Mistake("instanceNormalized needs x [B, C, ...] with planes, got [2, 4]") { t(2, 4).instanceNormalized() },
    Mistake("weightNormalized of [2, 4] along axis 1 needs a gain [4], got [2]") {
      weightNormalized(t(2, 4), gain: t(2), axis: 1)
    },
  ]
}
