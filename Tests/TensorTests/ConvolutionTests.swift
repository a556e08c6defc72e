import TestSupport
import Testing

@testable import ReproTensor

/// A convolution over three axes by its definition, one product after the other in Double.
private struct Definition {
  var batch = 1
  var groups = 1
  var inputs = 1
  var outputs = 1
  var size, kernel, stride, padding, dilation: [Int]

  var x: Shape { Shape([batch, groups * inputs] + size) }
  var weight: Shape { Shape([groups * outputs, inputs] + kernel) }
  var result: [Int] {
    (0..<3).map { (size[$0] + 2 * padding[$0] - dilation[$0] * (kernel[$0] - 1) - 1) / stride[$0] + 1 }
  }

  func value(_ x: [Real], _ w: [Real]) -> [Double] {
    let m = result
    var y: [Double] = []
    for b in 0..<batch {
      for o in 0..<(groups * outputs) {
        for p in 0..<(m[0] * m[1] * m[2]) {
          let place = [p / (m[1] * m[2]), p / m[2] % m[1], p % m[2]]
          var sum = 0.0
          for c in 0..<inputs {
            for k in 0..<(kernel[0] * kernel[1] * kernel[2]) {
              let at = [k / (kernel[1] * kernel[2]), k / kernel[2] % kernel[1], k % kernel[2]]
              let from = (0..<3).map { place[$0] * stride[$0] - padding[$0] + at[$0] * dilation[$0] }
              guard (0..<3).allSatisfy({ from[$0] >= 0 && from[$0] < size[$0] }) else { continue }
              let plane = b * groups * inputs + o / outputs * inputs + c
              sum +=
                Double(x[((plane * size[0] + from[0]) * size[1] + from[1]) * size[2] + from[2]])
                * Double(w[(o * inputs + c) * kernel[0] * kernel[1] * kernel[2] + k])
            }
          }
          y.append(sum)
        }
      }
    }
    return y
  }
}

@Suite struct ConvolutionTests {
  /// Settings drawn at random, some with lines too long for one block, some depthwise.
  @Test(arguments: 0..<60)
  func convolutionsAreTheirDefinition(_ number: Int) {
    var stream = RandomStream(seed: 11).child("setting", number)
    func draw(_ range: ClosedRange<Int>) -> Int { range.lowerBound + stream.integer(below: range.count) }
    let kernel = (0..<3).map { _ in draw(1...3) }
    let dilation = (0..<3).map { _ in draw(1...2) }
    let isLong = number % 10 == 0
    let size = (0..<3).map { k in dilation[k] * (kernel[k] - 1) + draw(1...4) }
    var d = Definition(
      batch: draw(1...3), groups: draw(1...3), inputs: draw(1...3), outputs: draw(1...3), size: size, kernel: kernel,
      stride: (0..<3).map { _ in draw(1...3) }, padding: (0..<3).map { _ in draw(0...3) }, dilation: dilation)
    if number % 3 == 0 { d.inputs = 1 }
    if isLong {  // one line
      (d.size, d.kernel, d.padding) = ([1, 1, 4201], [1, 1, d.kernel[2]], [0, 0, 2])
    }
    let (x, w) = (stream.normal(d.x), stream.normal(d.weight))
    let y = conv3d(
      x, w, stride: Extent3D(d.stride[0], d.stride[1], d.stride[2]),
      padding: Extent3D(d.padding[0], d.padding[1], d.padding[2]),
      dilation: Extent3D(d.dilation[0], d.dilation[1], d.dilation[2]), groups: d.groups)
    let expected = Tensor(
      Shape([d.batch, d.groups * d.outputs] + d.result), d.value(x.values, w.values).map { Real($0) })
    expectClose(y, expected, tolerance: isDouble ? 1e-13 : 1e-5, "\(d)")
    if isLong {
      let line = conv1d(
        x.reshaped(to: [d.x[0], d.x[1], 4201]), w.reshaped(to: [d.weight[0], d.weight[1], d.kernel[2]]),
        stride: d.stride[2], padding: 2, dilation: d.dilation[2], groups: d.groups)
      #expect(line.values == y.flattened(from: 2).values)
    }
  }

  /// The three products are transposes of each other: <conv(x, w), g> = <x, inputGradient> = <w, weightGradient>.
  @Test(arguments: 0..<40)
  func gradientsAreTransposes(_ number: Int) {
    var stream = RandomStream(seed: 12).child("setting", number)
    func draw(_ range: ClosedRange<Int>) -> Int { range.lowerBound + stream.integer(below: range.count) }
    let (groups, inputs) = (draw(1...4), number % 2 == 0 ? 1 : draw(1...3))
    let (kernel, dilation) = (draw(1...3), draw(1...3))
    let size = number % 8 == 0 ? 3001 : dilation * (kernel - 1) + draw(1...5)
    let x = stream.normal([draw(1...3), groups * inputs, size]).tracked
    let w = stream.normal([groups * draw(1...3), inputs, kernel]).tracked
    let y = conv1d(x, w, stride: draw(1...3), padding: draw(0...3), dilation: dilation, groups: groups)
    let g = stream.normal(y.shape)
    let found = gradients(of: y, seed: g, with: [x, w])
    func inner(_ a: Tensor, _ b: Tensor) -> Double {
      zip(a.values, b.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    let (a, b, c) = (inner(y, g), inner(x, found[0]), inner(w, found[1]))
    let scale = (inner(y, y) * inner(g, g)).squareRoot() + 1e-3
    #expect(abs(a - b) < (isDouble ? 1e-13 : 1e-5) * scale && abs(a - c) < (isDouble ? 1e-13 : 1e-5) * scale)
  }

  /// One place of a window and room beyond the last input, which dilation allows: the result is larger than the input.
  @Test(arguments: [1, 3])
  func aTransposedPointwiseConvolutionLeavesItsOutputPaddingEmpty(batch: Int) {
    var stream = RandomStream(seed: 14)
    let (x, w) = (stream.normal([batch, 2, 3, 4]).tracked, stream.normal([2, 3, 1, 1]).tracked)
    let y = convTranspose2d(x, w, outputPadding: 1, dilation: 2)
    let z = einsum("bchw,co->bohw", x, w.reshaped([2, 3])).padded(axes: [2, 3], before: [0, 0], after: [1, 1])
    expectClose(y.detached, z.detached, tolerance: 1e-6)
    let g = stream.normal(y.shape)
    for (a, b) in zip(gradients(of: y, seed: g, with: [x, w]), gradients(of: z, seed: g, with: [x, w])) {
      expectClose(a, b, tolerance: 1e-5)
    }
  }

  @Test func unfoldingAndAProductAreAConvolution() {
    var stream = RandomStream(seed: 13)
    let (x, w) = (stream.normal([2, 3, 6, 5]), stream.normal([4, 3, 2, 3]))
    let columns = x.unfolded([2, 3], stride: [2, 1], padding: 1, dilation: [1, 2])
    let product = matmul(w.reshaped([4, 18]), columns)
    let y = conv2d(x, w, stride: [2, 1], padding: 1, dilation: [1, 2])
    expectClose(product.reshaped(to: y.shape), y, tolerance: isDouble ? 1e-14 : 1e-6)
  }

  @Test func foldingWhatWasUnfoldedCountsTheWindows() {
    let x = Tensor([1, 1, 3, 4], (1...12).map { Real($0) })
    let counts = Tensor.ones([1, 1, 3, 4]).unfolded(2).folded(to: [3, 4], 2)
    #expect(counts.values == [1, 2, 2, 1, 2, 4, 4, 2, 1, 2, 2, 1])
    #expect(x.unfolded(2).folded(to: [3, 4], 2).values == (x * counts).values)
  }
}
