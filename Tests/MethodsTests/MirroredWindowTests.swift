import ReproTensor
import TestSupport
import Testing

@testable import Geometric

/// The fused ops against what they are made of.
@Suite struct MirroredWindowTests {
  private func random(_ shape: Shape, _ name: String) -> Tensor {
    var stream = RandomStream(seed: 12).child(name)
    return stream.normal(shape)
  }

  private func slowPadding(_ x: Tensor) -> Tensor {
    x.padded(axes: [2, 3], before: [1, 1], after: [1, 1], .reflect)
  }

  /// Values and gradients of two functions of the same input, weighted at random.
  private func compare(_ a: (Tensor) -> Tensor, _ b: (Tensor) -> Tensor, _ x: Tensor, _ tolerance: Double = 1e-5) {
    let (p, q) = (x.tracked, x.tracked)
    let (u, v) = (a(p), b(q))
    expectClose(u.detached, v.detached, tolerance: tolerance)
    let weights = random(v.shape, "weights")
    expectClose(
      gradients(of: (u * weights).sum(), with: [p])[0], gradients(of: (v * weights).sum(), with: [q])[0],
      tolerance: tolerance)
  }

  @Test(arguments: [[2, 3, 5, 7], [1, 2, 2, 2], [1, 1, 2, 5], [1, 1, 3, 3], [2, 1, 4, 2]])
  func mirroredPaddingAndMeansAgreeWithTheGeneralOps(shape: [Int]) {
    let x = random(Shape(shape), "x")
    compare(mirrored, slowPadding, x)
    compare(windowMeans, { slowPadding($0).averagePooled(3, stride: 1) }, x)
  }

  @Test func theirSecondDerivativesAreThoseOfTheGeneralOps() {
    func second(_ f: (Tensor) -> Tensor) -> Tensor {
      let x = random([1, 2, 4, 5], "x").tracked
      let slope = gradients(of: f(x).pow(3).sum(), with: [x], createGraph: true)[0]
      return gradients(of: (slope * random(x.shape, "direction")).sum(), with: [x])[0]
    }
    expectClose(second(mirrored), second(slowPadding), tolerance: 1e-4)
    expectClose(second(windowMeans), second { slowPadding($0).averagePooled(3, stride: 1) }, tolerance: 1e-4)
  }

  @Test func samplesAtPixelsAgreeWithTheGeneralGrid() {
    let image = random([2, 3, 6, 8], "image")
    // Some inside, some beyond each border.
    let pixels = random([2, 2, 30], "pixels") * 4 + 3
    compare(
      { sampled(image, at: $0) },
      { p in
        let grid = samplingGrid(p, rows: 5, columns: 6, image: (6, 8))
        return image.gridSampled(grid, outside: .border, alignsCorners: true).reshaped([2, 3, 30])
      }, pixels, 1e-4)
  }

  @Test func samplesAtWholePixelsAreThePixels() {
    let image = random([1, 2, 3, 4], "image")
    let pixels = Tensor([1, 2, 4], [0, 3, 1, 2, 0, 2, 1, 0])
    let p = image.values
    let expected = [p[0], p[11], p[5], p[2], p[12], p[23], p[17], p[14]]
    expectClose(sampled(image, at: pixels), Tensor([1, 2, 4], expected), tolerance: 1e-6)
    let odd = sampled(image, at: Tensor([1, 2, 1], [.nan, .infinity]))
    expectClose(odd, Tensor([1, 2, 1], [p[8], p[20]]), tolerance: 1e-6)
  }
}
