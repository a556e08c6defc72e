import ReproTensor
import Testing

@Suite struct ResizeTests {
  private let grid = Tensor([1, 1, 3, 2], [0, 1, 4, 9, -2, 3])

  /// PyTorch's `interpolate(mode="bilinear", align_corners=False)`; numbers made by Tests/Vectors/evaluations.py.
  @Test(arguments: [
    (
      5, 3, [0, 0.5, 1, 1.6, 2.9, 4.2, 4, 6.5, 9, 0.4, 2.9, 5.4, -2, 0.5, 3] as [Real],
      [5.9, 9.1, 19.8, 23.4, 29.3, 32.5] as [Real]
    ),
    (2, 5, [1, 1.2, 2, 2.8, 3, -0.5, 0, 2, 4, 4.5], [3.525, 7.725, 5.475, 8.275, 12.9, 17.1]),
    (1, 1, [6.5], [0, 0, 0.5, 0.5, 0, 0]),
  ])
  func bilinearResizingAndItsGradientAgreeWithPyTorch(rows: Int, columns: Int, values: [Real], gradient: [Real]) {
    let x = grid.tracked
    let y = x.resizedBilinearly(rows: rows, columns: columns)
    #expect(y.shape == [1, 1, rows, columns])
    for (a, b) in zip(y.values, values) { #expect(abs(a - b) < 1e-5) }
    let weights = Tensor(y.shape, (1...(rows * columns)).map(Real.init))
    for (a, b) in zip(gradients(of: (y * weights).sum(), with: [x])[0].values, gradient) { #expect(abs(a - b) < 1e-4) }
  }

  @Test func channelsMayStandLastAndEveryPlaneIsResizedByItself() {
    var stream = RandomStream(seed: 1)
    let x = stream.normal([2, 3, 4, 5])  // [B, C, H, W]
    let first = x.resizedBilinearly(rows: 7, columns: 9)
    let last = x.permuted([0, 2, 3, 1]).resizedBilinearly(rows: 7, columns: 9, axes: (1, 2))
    #expect(last.shape == [2, 7, 9, 3])
    for (a, b) in zip(last.permuted([0, 3, 1, 2]).values, first.values) { #expect(abs(a - b) < 1e-5) }
    let plane = x.slice(0, 1..<2).slice(1, 2..<3).resizedBilinearly(rows: 7, columns: 9)
    for (a, b) in zip(plane.values, first.values.suffix(63)) { #expect(abs(a - b) < 1e-5) }
  }

  @Test func aRampStaysARampBetweenTheOutermostMiddles() {
    // Cells of width 1 with middles at 0.5, 1.5, ...: y(place) = place - 0.5, clamped to the first and last sample.
    let ramp = Tensor([6], (0..<6).map(Real.init))
    let y = ramp.resizedLinearly(0, to: 24).values
    for i in 0..<24 { #expect(abs(y[i] - min(max((Real(i) + 0.5) / 4 - 0.5, 0), 5)) < 1e-5) }
    #expect(ramp.resizedLinearly(0, to: 6).values == ramp.values)
  }

  @Test func constantsStayConstantAndGradientsOfGradientsExist() {
    #expect(
      Tensor.full([2, 3, 3], 0.7).resizedBilinearly(rows: 8, columns: 5).values.allSatisfy { abs($0 - 0.7) < 1e-6 })
    // f = sum (M x)^2 along one axis: its second derivative along v is 2 M^T M v.
    var stream = RandomStream(seed: 2)
    let (x, v) = (stream.normal([3, 2]).tracked, stream.normal([3, 2]))
    let f = x.resizedLinearly(0, to: 5).squared().sum()
    let g = gradients(of: f, with: [x], createGraph: true)[0]
    let second = gradients(of: (g * v).sum(), with: [x])[0].values
    let u = Tensor.zeros([3, 2]).tracked
    let product = (u.resizedLinearly(0, to: 5) * v.resizedLinearly(0, to: 5)).sum() * 2
    for (a, b) in zip(second, gradients(of: product, with: [u])[0].values) { #expect(abs(a - b) < 1e-4) }
  }
}
