import ReproTensor
import TestSupport

/// The rows of resizing, of sampling at arbitrary places, and of normalisation.
extension OpTable {
  private static let lines: [[Shape]] = [[[4]], [[2, 5]], [[2, 3, 1]], [[0, 2]]]
  private static let planes: [[Shape]] = [[[4, 3]], [[2, 5, 6]], [[2, 1, 1, 1]], [[0, 2, 3]], [[1, 17, 5]]]
  private static let volumes: [[Shape]] = [[[2, 4, 3]], [[2, 3, 5, 2]], [[1, 1, 1, 1]]]
  private static let largePlanes: [[Shape]] = [[[9, 61, 53]]]
  private static let largeVolumes: [[Shape]] = [[[4, 13, 21, 23]]]

  static let resizes: [Op] = [
    Op("resized", lines, large: [[[301, 133]]]) { $0[0].resized(-1, to: 7) },
    Op("resized(first axis)", [[[4]], [[2, 5]], [[2, 3, 1]], [[2, 0]]], large: [[[301, 133]]]) {
      $0[0].resized(0, to: 3, alignsCorners: true)
    },
    Op("resized(nearest)", planes, large: largePlanes) { $0[0].resized(to: [7, 3], .nearest) },
    Op("resized(bilinear)", planes, large: largePlanes) { $0[0].resized(to: [3, 8]) },
    Op("resized(bilinear, corners)", planes, large: largePlanes) { $0[0].resized(to: [7, 1], alignsCorners: true) },
    Op("resized(bicubic)", planes, large: largePlanes) { $0[0].resized(to: [3, 8], .cubic) },
    Op("resized(bicubic, corners)", planes, large: largePlanes) {
      $0[0].resized(to: [7, 4], .cubic, alignsCorners: true)
    },
    Op("resized(bilinear, antialiased)", planes, large: largePlanes) {
      $0[0].resized(to: [4, 8], antialiased: true)
    },
    Op("resized(bicubic, antialiased)", planes, large: largePlanes) {
      $0[0].resized(to: [4, 2], .cubic, antialiased: true)
    },
    Op("resized(trilinear)", volumes, large: largeVolumes) { $0[0].resized(to: [3, 2, 5]) },
    Op("resized(trilinear, corners)", volumes, large: largeVolumes) {
      $0[0].resized(to: [3, 2, 5], alignsCorners: true)
    },
  ]

  /// Places of a grid in samples: around middles between samples (or, for the nearest, around samples), some far outside.
  private static func places(_ u: Tensor, _ extents: [Int], isLinear: Bool, alignsCorners: Bool) -> Tensor {
    let axes = u.shape[-1]
    // The last axis of the grid names columns first.
    let n = Tensor([axes], extents.reversed().map { Real($0) })
    let between: Real = isLinear ? 0.5 : 0
    let around = Tensor(u.shape) { values in
      for i in values.indices { values[i] = Real((i * 7 + 2) % 11 - 3) + between }
    }
    let place: Tensor = around + u.tanh() * 0.3
    return alignsCorners ? place * 2 / (n - 1) - 1 : (place * 2 + 1) / n - 1
  }

  private static let grids2: [[Shape]] = [
    [[2, 3, 4, 5], [2, 3, 2, 2]], [[1, 1, 2, 3], [1, 1, 4, 2]], [[0, 2, 3, 3], [0, 2, 2, 2]],
    [[1, 2, 3, 2], [1, 0, 2, 2]],
  ]
  private static let grids3: [[Shape]] = [
    [[2, 2, 3, 2, 4], [2, 2, 1, 3, 3]], [[1, 1, 2, 2, 2], [1, 1, 2, 4, 3]],
  ]
  private static let largeGrids2: [[Shape]] = [[[3, 9, 13, 17], [3, 60, 61, 2]]]
  private static let largeGrids3: [[Shape]] = [[[2, 5, 7, 9, 11], [2, 10, 20, 21, 3]]]

  private static func sample(
    _ x: [Tensor], _ outside: Outside, _ alignsCorners: Bool, _ mode: Interpolation = .linear
  ) -> Tensor {
    let extents = Array(x[0].shape.array.dropFirst(2))
    let grid = places(x[1], extents, isLinear: mode == .linear, alignsCorners: alignsCorners)
    return extents.count == 2
      ? x[0].gridSampled(grid, mode, outside: outside, alignsCorners: alignsCorners)
      : x[0].gridSampled3d(grid, mode, outside: outside, alignsCorners: alignsCorners)
  }

  static let grids: [Op] = [
    Op("gridSampled(zeros)", grids2, large: largeGrids2) { sample($0, .zeros, false) },
    Op("gridSampled(zeros, corners)", grids2, large: []) { sample($0, .zeros, true) },
    Op("gridSampled(border)", grids2, large: []) { sample($0, .border, false) },
    Op("gridSampled(border, corners)", grids2, large: []) { sample($0, .border, true) },
    Op("gridSampled(reflection)", grids2, large: []) { sample($0, .reflection, false) },
    Op("gridSampled(reflection, corners)", grids2, large: []) { sample($0, .reflection, true) },
    Op("gridSampled(nearest)", grids2, large: largeGrids2) { sample($0, .zeros, false, .nearest) },
    Op("gridSampled(nearest, border)", grids2, large: []) { sample($0, .border, true, .nearest) },
    Op("gridSampled(nearest, reflection)", grids2, large: []) { sample($0, .reflection, false, .nearest) },
    Op("gridSampled3d(zeros)", grids3, large: largeGrids3) { sample($0, .zeros, false) },
    Op("gridSampled3d(border, corners)", grids3, large: []) { sample($0, .border, true) },
    Op("gridSampled3d(reflection)", grids3, large: []) { sample($0, .reflection, false) },
    Op("gridSampled3d(nearest)", grids3, large: []) { sample($0, .zeros, true, .nearest) },
    Op("gridSampled(gradient by the image)", grids2, large: largeGrids2) {
      derivative(0, $0) { sample($0, .zeros, false) }
    },
    Op("gridSampled(gradient by the grid)", grids2, large: largeGrids2) {
      derivative(1, $0) { sample($0, .reflection, true) }
    },
    Op("affineGrid", [[[2, 2, 3]], [[0, 2, 3]]], large: [[[200, 2, 3]]]) { affineGrid($0[0], rows: 9, columns: 7) },
    Op("affineGrid(small)", [[[2, 2, 3]], [[1, 2, 3]]], large: []) { affineGrid($0[0], rows: 1, columns: 3) },
    Op("affineGrid(corners)", [[[2, 2, 3]], [[1, 2, 3]]], large: []) {
      affineGrid($0[0], rows: 1, columns: 4, alignsCorners: true)
    },
    Op("affineGrid3d", [[[2, 3, 4]]], large: [[[200, 3, 4]]]) { affineGrid3d($0[0], depth: 4, rows: 3, columns: 5) },
    Op("affineGrid3d(corners)", [[[2, 3, 4]]], large: []) {
      affineGrid3d($0[0], depth: 2, rows: 1, columns: 3, alignsCorners: true)
    },
  ]

  static let norms: [Op] = [
    Op(
      "layerNormalized(plain)", [[[3, 5]], [[2, 1, 7]], [[0, 3]]], large: [[[501, 67]]],
      layouts: [.rows, .turned, .window]
    ) {
      $0[0].layerNormalized(epsilon: 0.1)
    },
    Op("layerNormalized(gain)", [[[3, 5], [5]], [[2, 1, 7], [7]]], large: [[[501, 67], [67]]]) {
      $0[0].layerNormalized(gain: $0[1], epsilon: 0.1)
    },
    Op("layerNormalized(gelu)", [[[3, 5], [5]], [[2, 1, 7], [7]]], large: [[[501, 67], [67]]]) {
      $0[0].layerNormalized(gain: $0[1], epsilon: 0.1, thenGelu: true)
    },
    Op("layerNormalized(bias)", [[[3, 5], [5]], [[2, 1, 7], [7]]], large: [[[501, 67], [67]]]) {
      $0[0].layerNormalized(bias: $0[1], epsilon: 0.1)
    },
    Op(
      "layerNormalized(axes)",
      [[[3, 2, 5], [2, 5], [2, 5]], [[2, 3], [2, 3], [2, 3]], [[0, 1, 3], [1, 3], [1, 3]]],
      large: [[[301, 6, 15], [6, 15], [6, 15]]]
    ) { $0[0].layerNormalized(gain: $0[1], bias: $0[2], axes: 2, epsilon: 0.1) },
    Op(
      "groupNormalized",
      [[[2, 4, 3], [4], [4]], [[3, 2], [2], [2]], [[1, 6, 2, 3], [6], [6]], [[0, 4, 3], [4], [4]]],
      large: [[[9, 20, 13, 17], [20], [20]]]
    ) { $0[0].groupNormalized(groups: 2, gain: $0[1], bias: $0[2], epsilon: 0.1) },
    Op("groupNormalized(plain)", [[[2, 4, 3]], [[1, 2, 2, 1, 3]]], large: [[[9, 20, 13, 17]]]) {
      $0[0].groupNormalized(groups: 1, epsilon: 0.1)
    },
    Op(
      "instanceNormalized", [[[2, 3, 4], [3], [3]], [[1, 2, 2, 3], [2], [2]], [[0, 3, 4], [3], [3]]],
      large: [[[9, 20, 13, 17], [20], [20]]]
    ) { $0[0].instanceNormalized(gain: $0[1], bias: $0[2], epsilon: 0.1) },
    Op("instanceNormalized(plain)", [[[2, 3, 4]], [[1, 2, 2, 1, 3]]], large: [[[9, 20, 13, 17]]]) {
      $0[0].instanceNormalized(epsilon: 0.1)
    },
    Op(
      "batchNormalized(volumes)", [[[2, 3, 2, 1, 3], [3], [3]], [[3, 2, 5], [2], [2]], [[4, 3], [3], [3]]],
      large: [[[7, 20, 3, 9, 11], [20], [20]]], layouts: [.rows, .turned, .window]
    ) { $0[0].batchNormalized(gain: $0[1], bias: $0[2], epsilon: 0.1).output },
    Op(
      "weightNormalized", [[[3, 2], [3]], [[2, 3, 2, 2], [2]], [[4], [4]], [[1, 1, 3], [1]]],
      large: [[[301, 67], [301]]], .positive
    ) { weightNormalized($0[0], gain: $0[1]) },
    Op("weightNormalized(axis)", [[[3, 2], [2]], [[2, 3, 2, 2], [3]]], large: [[[301, 67], [67]]], .positive) {
      weightNormalized($0[0], gain: $0[1], axis: 1)
    },
  ]
}
