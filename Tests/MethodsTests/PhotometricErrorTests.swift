import Glibc
import ReproTensor
import TestSupport
import Testing

@testable import Geometric

@Suite struct PhotometricErrorTests {
  private func pictures(_ count: Int) -> [Tensor] {
    var stream = RandomStream(seed: 8).child("pictures")
    return (0..<count).map { _ in stream.uniform([2, 3, 5, 7]) }
  }

  private func at(_ x: Tensor, _ b: Int, _ c: Int, _ y: Int, _ x0: Int) -> Double {
    Double(x.values[((b * x.shape[1] + c) * x.shape[2] + y) * x.shape[3] + x0])
  }

  @Test func theErrorAgreesWithItsDefinitionWindowByWindow() {
    let p = pictures(2)
    let found = PhotometricTarget(p[0]).error(of: p[1])
    var worst = 0.0
    for b in 0..<2 {
      for y in 0..<5 {
        for x in 0..<7 {
          var sum = 0.0
          for c in 0..<3 {
            var (ma, mb, aa, bb, ab) = (0.0, 0.0, 0.0, 0.0, 0.0)
            for dy in -1...1 {
              for dx in -1...1 {
                func mirrored(_ i: Int, _ n: Int) -> Int { i < 0 ? -i : i >= n ? 2 * n - 2 - i : i }
                let (v, u) = (mirrored(y + dy, 5), mirrored(x + dx, 7))
                let (s, t) = (at(p[1], b, c, v, u), at(p[0], b, c, v, u))
                (ma, mb, aa, bb, ab) = (ma + s / 9, mb + t / 9, aa + s * s / 9, bb + t * t / 9, ab + s * t / 9)
              }
            }
            let above = (2 * ma * mb + 1e-4) * (2 * (ab - ma * mb) + 9e-4)
            let below = (ma * ma + mb * mb + 1e-4) * (aa - ma * ma + bb - mb * mb + 9e-4)
            let ssim = min(max((1 - above / below) / 2, 0), 1)
            sum += (0.85 * ssim + 0.15 * abs(at(p[0], b, c, y, x) - at(p[1], b, c, y, x))) / 3
          }
          worst = max(worst, abs(sum - at(found, b, 0, y, x)))
        }
      }
    }
    #expect(worst < 1e-4, "\(worst)")
  }

  @Test func itsGradientIsThatOfTheFormulaWrittenInGeneralOps() {
    let p = pictures(2)
    func slow(_ x: Tensor) -> Tensor {
      let y = p[0]
      let (mx, my) = (windowMeans(x), windowMeans(y))
      let both: Tensor = mx * my
      let covariance: Tensor = windowMeans(x * y) - both
      let (vx, vy): (Tensor, Tensor) = (
        windowMeans(x.squared()) - mx.squared(), windowMeans(y.squared()) - my.squared()
      )
      let above: Tensor = (both * 2 + 1e-4) * (covariance * 2 + 9e-4)
      let below: Tensor = (mx.squared() + my.squared() + 1e-4) * (vx + vy + 9e-4)
      return ((1 - above / below) * 0.5).clamped(0, 1)
    }
    // Close to the target in places, so that clamping at 0 is met, too.
    let x = p[0] + (p[1] - p[0]) * Tensor([1, 1, 1, 7], [0, 0, 0.01, 0.1, 0.4, 1, 1])
    var stream = RandomStream(seed: 3)
    let weights = stream.normal(x.shape)
    let (a, b) = (x.tracked, x.tracked)
    let fast = PhotometricTarget(p[0]).dissimilarity(to: a)
    expectClose(fast.detached, slow(x), tolerance: 1e-4)
    expectClose(
      gradients(of: (fast * weights).sum(), with: [a])[0], gradients(of: (slow(b) * weights).sum(), with: [b])[0],
      tolerance: 1e-3)
  }

  @Test func aPictureDoesNotDifferFromItselfAndTheLeastErrorIsThatOfTheBestSource() {
    let p = pictures(3)
    let target = PhotometricTarget(p[0])
    #expect(target.error(of: p[0]).values.allSatisfy { abs($0) < 1e-4 })
    let (a, b) = (target.error(of: p[1]), target.error(of: p[2]))
    #expect(target.leastError(of: [p[1], p[2]]).values == zip(a.values, b.values).map { min($0, $1) })
  }

  @Test func theMaskedMeanDividesByTheMaskAndNotByThePicture() {
    let x = Tensor([1, 1, 2, 2], [1, 2, 3, 4])
    #expect(close(maskedMean(x, Tensor([1, 1, 2, 2], [0, 1, 1, 0])).item, 2.5, 1e-5))
    #expect(maskedMean(x, .zeros([1, 1, 2, 2])).item == 0)
  }

  @Test func smoothnessAgreesWithItsDefinitionAndIgnoresTheScaleOfTheDisparity() {
    let image = pictures(1)[0]
    var stream = RandomStream(seed: 9)
    let d = stream.uniform([2, 1, 5, 7], 0.1, 1)
    var (horizontal, vertical) = (0.0, 0.0)
    for b in 0..<2 {
      var mean = 0.0
      for i in 0..<35 { mean += at(d, b, 0, i / 7, i % 7) / 35 }
      func part(_ y: Int, _ x: Int, _ v: Int, _ u: Int) -> Double {
        let edge = (0..<3).reduce(0.0) { $0 + abs(at(image, b, $1, y, x) - at(image, b, $1, v, u)) / 3 }
        return abs(at(d, b, 0, y, x) - at(d, b, 0, v, u)) / mean * exp(-edge)
      }
      for y in 0..<5 { for x in 0..<6 { horizontal += part(y, x, y, x + 1) / 60 } }
      for y in 0..<4 { for x in 0..<7 { vertical += part(y, x, y + 1, x) / 56 } }
    }
    #expect(close(edgeAwareSmoothness(d, image).item, horizontal + vertical, 1e-4))
    #expect(close(edgeAwareSmoothness(d * 7, image).item, horizontal + vertical, 1e-4))
  }
}
