import ReproTensor
import Testing

/// One convolution: what is convolved, and how.
private struct Case: CustomTestStringConvertible, Sendable {
  var batch = 2
  var channels = 3
  var outputs = 4
  var size = Extent2D(7, 6)
  var kernel: Extent2D = 3
  var stride: Extent2D = 1
  var padding: Extent2D = 0
  var dilation: Extent2D = 1
  var groups = 1
  var testDescription: String {
    "\(batch) x \(channels) x \(size) by \(outputs) x \(kernel), stride \(stride), padding \(padding), dilation \(dilation), "
      + "\(groups) groups"
  }

  func operands() -> (x: Tensor, weight: Tensor, bias: Tensor) {
    var stream = RandomStream(seed: 7)
    return (
      stream.normal([batch, channels, size.rows, size.columns]),
      stream.normal([outputs, channels / groups, kernel.rows, kernel.columns]), stream.normal([outputs])
    )
  }

  func convolve(_ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil) -> Tensor {
    conv2d(x, weight, bias, stride: stride, padding: padding, dilation: dilation, groups: groups)
  }

  /// Calls `visit` for every product of the convolution: places in y, x and weight.
  func eachProduct(_ visit: (_ y: Int, _ x: Int, _ weight: Int) -> Void) -> Extent2D {
    let rows = (size.rows + 2 * padding.rows - dilation.rows * (kernel.rows - 1) - 1) / stride.rows + 1
    let columns =
      (size.columns + 2 * padding.columns - dilation.columns * (kernel.columns - 1) - 1) / stride.columns + 1
    let (perGroup, outPerGroup) = (channels / groups, outputs / groups)
    for b in 0..<batch {
      for o in 0..<outputs {
        for i in 0..<rows {
          for j in 0..<columns {
            for c in 0..<perGroup {
              for u in 0..<kernel.rows {
                for v in 0..<kernel.columns {
                  let row = i * stride.rows - padding.rows + u * dilation.rows
                  let column = j * stride.columns - padding.columns + v * dilation.columns
                  guard row >= 0, row < size.rows, column >= 0, column < size.columns else { continue }
                  visit(
                    ((b * outputs + o) * rows + i) * columns + j,
                    ((b * channels + o / outPerGroup * perGroup + c) * size.rows + row) * size.columns + column,
                    ((o * perGroup + c) * kernel.rows + u) * kernel.columns + v)
                }
              }
            }
          }
        }
      }
    }
    return Extent2D(rows, columns)
  }
}

private let cases = [
  Case(), Case(padding: 1), Case(kernel: 1), Case(batch: 5, kernel: 1, stride: 2), Case(stride: 2, padding: 1),
  Case(kernel: [1, 3], padding: [0, 1]), Case(kernel: [3, 2], stride: [2, 1], padding: [1, 0], dilation: [1, 2]),
  Case(padding: 2, dilation: 2), Case(size: [5, 4], kernel: 5, padding: 4),
  Case(size: [4, 3], padding: 3, dilation: 3),
  Case(channels: 6, outputs: 4, padding: 1, groups: 2), Case(channels: 4, outputs: 8, padding: 1, groups: 4),
  Case(batch: 9, channels: 40, outputs: 5, size: 4, padding: 1),  // several samples in a block
  Case(batch: 3, channels: 33, outputs: 7, size: [40, 37], padding: 1),  // several strips of a sample
  Case(batch: 2, channels: 20, outputs: 6, size: [70, 41], kernel: 1),  // in place, several strips
  Case(batch: 1, channels: 24, outputs: 2, size: [33, 33], kernel: 5, stride: 2, padding: 2),
]

private func doubles(_ x: Tensor) -> [Double] { x.values.map { Double($0) } }

/// The largest difference relative to the largest element.
private func difference(_ found: Tensor, _ expected: [Double]) -> Double {
  let scale = expected.reduce(1e-9) { max($0, abs($1)) }
  return zip(doubles(found), expected).reduce(0) { max($0, abs($1.0 - $1.1)) } / scale
}

private let tolerance = MemoryLayout<Real>.size == 8 ? 1e-12 : 3e-6

@Suite struct Convolutions {
  @Test(arguments: cases) private func aConvolutionAndItsGradientsAreTheirSums(_ c: Case) {
    let (x, weight, bias) = c.operands()
    let (px, pw, pb) = (doubles(x), doubles(weight), doubles(bias))
    let (tx, tw, tb) = (x.tracked, weight.tracked, bias.tracked)
    let y = c.convolve(tx, tw, tb)
    var stream = RandomStream(seed: 8)
    let g = stream.normal(y.shape)
    let pg = doubles(g)
    var expected = [Double](repeating: 0, count: y.count)
    var (gx, gw) = ([Double](repeating: 0, count: x.count), [Double](repeating: 0, count: weight.count))
    let size = c.eachProduct { i, j, k in
      expected[i] += px[j] * pw[k]
      gx[j] += pg[i] * pw[k]
      gw[k] += pg[i] * px[j]
    }
    var gb = [Double](repeating: 0, count: c.outputs)
    for i in expected.indices {
      expected[i] += pb[i / size.count % c.outputs]
      gb[i / size.count % c.outputs] += pg[i]
    }
    #expect(y.shape == [c.batch, c.outputs, size.rows, size.columns])
    #expect(difference(y, expected) < tolerance)
    let found = gradients(of: y, seed: g, with: [tx, tw, tb])
    #expect(difference(found[0], gx) < tolerance)
    #expect(difference(found[1], gw) < 4 * tolerance)
    #expect(difference(found[2], gb) < 4 * tolerance)
  }

  @Test(arguments: cases) private func derivativesOfDerivativesAreThoseOfTheBilinearForm(_ c: Case) {
    // With B(x, w; g) = <g, x * w>, every third derivative is B itself: a gradient's inner product with any direction
    // has gradients that are convolutions again.
    let (x, weight, _) = c.operands()
    let (tx, tw) = (x.tracked, weight.tracked)
    let y = c.convolve(tx, tw)
    var stream = RandomStream(seed: 9)
    let (g, dx, dw) = (stream.normal(y.shape), stream.normal(x.shape), stream.normal(weight.shape))
    let tg = g.tracked
    let first = gradients(of: y, seed: tg, with: [tx, tw], createGraph: true)
    // <d/dx, dx> = B(dx, w; g): its gradients by w and g.
    let byInput = gradients(of: (first[0] * dx).sum(), with: [tw, tg], createGraph: true, keepGraph: true)
    #expect(difference(byInput[1], doubles(c.convolve(dx, weight))) < 4 * tolerance)
    let weightGradient = gradients(of: c.convolve(dx, tw), seed: g, with: [tw])[0]
    #expect(difference(byInput[0], doubles(weightGradient)) < 4 * tolerance)
    // <d/dw, dw> = B(x, dw; g): its gradients by x and g.
    let byWeight = gradients(of: (first[1] * dw).sum(), with: [tx, tg], createGraph: true, keepGraph: true)
    #expect(difference(byWeight[1], doubles(c.convolve(x, dw))) < 4 * tolerance)
    let inputGradient = gradients(of: c.convolve(tx, dw), seed: g, with: [tx])[0]
    #expect(difference(byWeight[0], doubles(inputGradient)) < 4 * tolerance)
    // A third time: d/dg of <d/dw <d/dx, dx>, dw> = dx * dw.
    let third = gradients(of: (byInput[0] * dw).sum(), with: [tg])[0]
    #expect(difference(third, doubles(c.convolve(dx, dw))) < 4 * tolerance)
  }

  @Test func aTransposedConvolutionIsTheTransposeOfItsConvolution() {
    var stream = RandomStream(seed: 5)
    for (stride, padding, extra, dilation, groups) in [
      (1, 0, 0, 1, 1), (2, 1, 1, 1, 1), (3, 1, 2, 2, 2), (2, 0, 0, 1, 2),
    ] {
      let x = stream.normal([2, 4, 5, 3])
      let weight = stream.normal([4, 6 / groups, 3, 3])
      let y = convTranspose2d(
        x, weight, stride: Extent2D(stride), padding: Extent2D(padding), outputPadding: Extent2D(extra),
        dilation: Extent2D(dilation), groups: groups)
      #expect(y.shape[1] == 6 && y.shape[2] == 4 * stride - 2 * padding + 2 * dilation + extra + 1)
      // <conv(z), x> = <z, convTranspose(x)> for any z.
      let z = stream.normal(y.shape)
      let back = conv2d(
        z, weight, stride: Extent2D(stride), padding: Extent2D(padding), dilation: Extent2D(dilation), groups: groups)
      let (a, b) = ((back * x).sum().item, (z * y).sum().item)
      #expect(abs(a - b) < Real(tolerance) * 30 * max(abs(a), 10))
      let bias = stream.normal([6])
      let shifted = convTranspose2d(
        x, weight, bias, stride: Extent2D(stride), padding: Extent2D(padding), outputPadding: Extent2D(extra),
        dilation: Extent2D(dilation), groups: groups)
      #expect(difference(shifted, doubles(y + bias.reshaped([6, 1, 1]))) < tolerance)
    }
  }
}
