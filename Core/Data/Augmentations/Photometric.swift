import Glibc
import ReproTensor

/// Changes of colour on one image of planes `[C, H, W]` with values in [0, 1]; formulas as in torchvision.
struct PhotometricCanvas {
  let pixels: UnsafeMutablePointer<Float>
  let channels: Int
  /// Side of the square image.
  let size: Int

  private var area: Int { size * size }
  private func plane(_ c: Int) -> UnsafeMutablePointer<Float> { pixels + c * area }

  /// Luma, 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601).
  private func luma(_ i: Int) -> Float {
    channels == 3 ? 0.299 * plane(0)[i] + 0.587 * plane(1)[i] + 0.114 * plane(2)[i] : pixels[i]
  }

  private func limited(_ x: Float) -> Float { min(max(x, 0), 1) }

  /// x * factor
  func brightness(_ factor: Float) {
    for i in 0..<(channels * area) { pixels[i] = limited(pixels[i] * factor) }
  }

  /// Away from, or towards, the mean luma of the image.
  func contrast(_ factor: Float) {
    var sum: Float = 0
    for i in 0..<area { sum += luma(i) }
    let mean = sum / Float(area)
    for i in 0..<(channels * area) { pixels[i] = limited(mean + factor * (pixels[i] - mean)) }
  }

  /// Away from, or towards, the luma of each pixel; does nothing to grey images.
  func saturation(_ factor: Float) {
    guard channels == 3 else { return }
    for i in 0..<area {
      let grey = luma(i)
      for c in 0..<3 { plane(c)[i] = limited(grey + factor * (plane(c)[i] - grey)) }
    }
  }

  /// Turns the hue by a fraction of the circle, -0.5 to 0.5; does nothing to grey images.
  func hue(_ turn: Float) {
    guard channels == 3 else { return }
    for i in 0..<area {
      let (r, g, b) = (plane(0)[i], plane(1)[i], plane(2)[i])
      let value = max(r, g, b)
      let chroma = value - min(r, g, b)
      guard chroma > 0 else { continue }
      var h: Float
      if value == r {
        h = (g - b) / chroma
      } else if value == g {
        h = (b - r) / chroma + 2
      } else {
        h = (r - g) / chroma + 4
      }
      h += 6 * turn
      h -= 6 * (h / 6).rounded(.down)
      // Each channel is a trapezoid of the hue, a third of the circle apart.
      func channel(_ shift: Float) -> Float {
        var k = shift + h
        if k >= 6 { k -= 6 }
        return value - chroma * max(0, min(k, 4 - k, 1))
      }
      plane(0)[i] = channel(5)
      plane(1)[i] = channel(3)
      plane(2)[i] = channel(1)
    }
  }

  /// Every channel becomes the luma.
  func greyscale() {
    guard channels == 3 else { return }
    for i in 0..<area {
      let grey = luma(i)
      for c in 0..<3 { plane(c)[i] = grey }
    }
  }

  /// Values from the threshold on are inverted.
  func solarize(_ threshold: Float) {
    for i in 0..<(channels * area) where pixels[i] >= threshold { pixels[i] = 1 - pixels[i] }
  }

  /// Gaussian blur with edges reflected; `sigma` in pixels, taps as far as three sigma.
  func blur(sigma: Float) {
    let radius = min(max(1, Int((3 * sigma).rounded(.up))), size - 1)
    var weights = (-radius...radius).map { exp(-Float($0 * $0) / (2 * sigma * sigma)) }
    let sum = weights.reduce(0, +)
    weights = weights.map { $0 / sum }
    func reflected(_ i: Int) -> Int { i < 0 ? -i : i >= size ? 2 * size - 2 - i : i }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: area) { scratch in
      guard let scratch = scratch.baseAddress else { return }
      for c in 0..<channels {
        let p = plane(c)
        for y in 0..<size {
          for x in 0..<size {
            var value: Float = 0
            for k in -radius...radius { value += weights[k + radius] * p[y * size + reflected(x + k)] }
            scratch[y * size + x] = value
          }
        }
        for y in 0..<size {
          for x in 0..<size { p[y * size + x] = 0 }
          for k in -radius...radius {
            let (weight, row) = (weights[k + radius], scratch + reflected(y + k) * size)
            for x in 0..<size { p[y * size + x] += weight * row[x] }
          }
        }
      }
    }
  }
}
