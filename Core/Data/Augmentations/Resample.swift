import Glibc
import ReproTensor

/// A rectangle of an image in pixels: what a random resized crop cuts out.
public struct CropRectangle: Sendable, Equatable {
  public var left, top, width, height: Int
  public init(left: Int, top: Int, width: Int, height: Int) {
    (self.left, self.top, self.width, self.height) = (left, top, width, height)
  }

  /// A rectangle whose area is `scale` of the image's and whose aspect is log-uniform in `ratio`; ten tries, then the
  /// largest centred rectangle of an allowed aspect: torchvision's RandomResizedCrop.
  public static func drawn(
    width: Int, height: Int, scale: ClosedRange<Double>, ratio: ClosedRange<Double>, _ stream: inout RandomStream
  ) -> CropRectangle {
    let area = Double(width * height)
    for _ in 0..<10 {
      let target = area * stream.uniform(scale.lowerBound, scale.upperBound)
      let aspect = exp(stream.uniform(log(ratio.lowerBound), log(ratio.upperBound)))
      let w = Int((target * aspect).squareRoot().rounded(.toNearestOrEven))
      let h = Int((target / aspect).squareRoot().rounded(.toNearestOrEven))
      guard w > 0, h > 0, w <= width, h <= height else { continue }
      return CropRectangle(
        left: stream.integer(below: width - w + 1), top: stream.integer(below: height - h + 1), width: w, height: h)
    }
    let aspect = Double(width) / Double(height)
    var (w, h) = (width, height)
    if aspect < ratio.lowerBound {
      h = Int((Double(w) / ratio.lowerBound).rounded())
    } else if aspect > ratio.upperBound {
      w = Int((Double(h) * ratio.upperBound).rounded())
    }
    return CropRectangle(left: (width - w) / 2, top: (height - h) / 2, width: w, height: h)
  }
}

/// The taps of a one-dimensional resampling with the triangle filter, widened when shrinking so that nothing aliases
/// (what Pillow and torchvision call bilinear with antialias).
///
/// Output i is `sum_k weights[i * width + k] * input[first[i] + k]`.
struct ResampleTaps {
  let width: Int
  private(set) var first: [Int]
  private(set) var weights: [Float]

  init(from n: Int, to m: Int, reversed: Bool = false) {
    let scale = Double(n) / Double(m)
    let support = max(scale, 1)
    width = min(n, Int(support.rounded(.up)) * 2 + 1)
    first = []
    weights = []
    first.reserveCapacity(m)
    weights.reserveCapacity(m * width)
    for k in 0..<m {
      let i = reversed ? m - 1 - k : k
      let centre = (Double(i) + 0.5) * scale
      let low = max(0, Int(centre - support + 0.5))
      let high = min(n, Int(centre + support + 0.5))
      // Rows of taps have one length; those near the end begin earlier and lead with zeros.
      let start = min(low, n - width)
      var sum = 0.0
      for x in low..<high { sum += max(0, 1 - abs((Double(x) + 0.5 - centre) / support)) }
      first.append(start)
      for x in start..<(start + width) {
        let inside = x >= low && x < high
        weights.append(inside ? Float(max(0, 1 - abs((Double(x) + 0.5 - centre) / support)) / sum) : 0)
      }
    }
  }
}

/// A part of an 8-bit image resampled to a square of reals in [0, 1], planes one after the other, `[C, size, size]`.
///
/// - Parameters:
///   - image: `[height, width, channels]` bytes.
///   - flips: mirrored left to right.
func resample(
  _ image: UnsafePointer<UInt8>, imageWidth: Int, channels: Int, _ part: CropRectangle, flips: Bool, size: Int,
  into target: UnsafeMutablePointer<Float>
) {
  let across = ResampleTaps(from: part.width, to: size, reversed: flips)
  let down = ResampleTaps(from: part.height, to: size)
  withUnsafeTemporaryAllocation(of: Float.self, capacity: part.height * size * channels) { rows in
    guard let rows = rows.baseAddress else { return }
    // Across first: rows[y, c, x].
    for y in 0..<part.height {
      let line = image + ((part.top + y) * imageWidth + part.left) * channels
      for x in 0..<size {
        let taps = x * across.width
        for c in 0..<channels {
          var sum: Float = 0
          var pixel = line + across.first[x] * channels + c
          for k in 0..<across.width {
            sum += across.weights[taps + k] * Float(pixel.pointee)
            pixel += channels
          }
          rows[(y * channels + c) * size + x] = sum
        }
      }
    }
    for c in 0..<channels {
      for y in 0..<size {
        let out = target + (c * size + y) * size
        for x in 0..<size { out[x] = 0 }
        for k in 0..<down.width {
          let weight = down.weights[y * down.width + k] * (1 / 255)
          let row = rows + ((down.first[y] + k) * channels + c) * size
          for x in 0..<size { out[x] += weight * row[x] }
        }
      }
    }
  }
}
