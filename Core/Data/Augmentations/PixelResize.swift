import Glibc
import ReproTensor

/// The kernels of `ImageBatch.resampled`, by their names in Pillow.
public enum ResampleFilter: String, Sendable, CaseIterable {
  case box, bilinear, bicubic, lanczos

  /// Half of the kernel's length, in pixels of the coarser image.
  var support: Double {
    switch self {
    case .box: 0.5
    case .bilinear: 1
    case .bicubic: 2
    case .lanczos: 3
    }
  }

  func weight(_ x: Double) -> Double {
    let t = x.magnitude
    switch self {
    case .box: return x > -0.5 && x <= 0.5 ? 1 : 0
    case .bilinear: return max(0, 1 - t)
    case .bicubic:
      let a = -0.5
      if t < 1 { return ((a + 2) * t - (a + 3)) * t * t + 1 }
      return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0
    case .lanczos:
      func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(x * .pi) / (x * .pi) }
      return t < 3 ? sinc(x) * sinc(x / 3) : 0
    }
  }
}

/// One axis of a resampling of bytes, in fixed point with 22 binary places: Pillow's numbers to the bit.
struct ByteTaps {
  /// For each output the first input and its weights.
  let taps: [(first: Int, weights: [Int32])]
  static let places: Int32 = 22

  /// - Parameters:
  ///   - n: inputs; `m` outputs.
  ///   - start, length: the part of the inputs that is resampled, in pixels.
  init(_ n: Int, to m: Int, _ filter: ResampleFilter, start: Double = 0, length: Double? = nil) {
    let scale = (length ?? Double(n)) / Double(m)
    let widening = max(scale, 1)
    let support = filter.support * widening
    taps = (0..<m).map { i in
      let centre = start + (Double(i) + 0.5) * scale
      let first = max(0, Int(centre - support + 0.5))
      let last = min(n, Int(centre + support + 0.5))
      let weights = (first..<last).map { filter.weight((Double($0) - centre + 0.5) * (1 / widening)) }
      var sum = 0.0
      for w in weights { sum += w }
      return (
        first,
        weights.map { w in
          let scaled: Double = (sum != 0 ? w * (1 / sum) : w) * Double(1 << ByteTaps.places)
          return Int32(scaled < 0 ? scaled - 0.5 : scaled + 0.5)
        }
      )
    }
  }

  @inline(__always)
  static func byte(_ sum: Int32) -> UInt8 { UInt8(max(0, min(255, sum >> places))) }
}

extension ImageBatch {
  /// The images at another size, 8 bits in and out: across first, then down, rounded between the two, as Pillow does
  /// (from version 13 on it goes down first where images become wider and lower at once).
  ///
  /// - Parameters:
  ///   - height, width: at least 1.
  /// - Source: Pillow's `Image.resize`, whose bytes these are; kernels widen when images shrink, so nothing aliases.
  public func resampled(height newHeight: Int, width newWidth: Int, _ filter: ResampleFilter = .bicubic) -> ImageBatch {
    require(
      newHeight > 0 && newWidth > 0 && height > 0 && width > 0,
      "images of \(height) x \(width) cannot be resized to \(newHeight) x \(newWidth)")
    let across = newWidth == width ? nil : ByteTaps(width, to: newWidth, filter)
    let down = newHeight == height ? nil : ByteTaps(height, to: newHeight, filter)
    let (old, c, h) = (height * width * channels, channels, height)
    let new = newHeight * newWidth * c
    let n = count * frames
    var result = [UInt8](repeating: 0, count: n * new)
    result.withUnsafeMutableBufferPointer { target in
      nonisolated(unsafe) let target = target
      ThreadPool.shared.forEach(n) { i in
        bytes.withUnsafeBufferPointer { source in
          let image = UnsafeBufferPointer(rebasing: source[(i * old)..<((i + 1) * old)])
          let out = UnsafeMutableBufferPointer(rebasing: target[(i * new)..<((i + 1) * new)])
          resample(image, h, width, c, across, down, newWidth, out)
        }
      }
    }
    return ImageBatch(
      count: count, frames: frames, height: newHeight, width: newWidth, channels: channels, bytes: result)
  }

  /// A rectangle of every image.
  public func cropped(top: Int, left: Int, height newHeight: Int, width newWidth: Int) -> ImageBatch {
    require(
      top >= 0 && left >= 0 && newHeight > 0 && newWidth > 0 && top + newHeight <= height && left + newWidth <= width,
      "\(newHeight) x \(newWidth) at (\(top), \(left)) is not inside of \(height) x \(width)")
    var result: [UInt8] = []
    result.reserveCapacity(count * frames * newHeight * newWidth * channels)
    for i in 0..<(count * frames) {
      for y in 0..<newHeight {
        let start = ((i * height + top + y) * width + left) * channels
        result += bytes[start..<(start + newWidth * channels)]
      }
    }
    return ImageBatch(
      count: count, frames: frames, height: newHeight, width: newWidth, channels: channels, bytes: result)
  }

  /// How published networks are evaluated: the shorter side to `resize` pixels, then the square of `crop` pixels in the
  /// middle.
  ///
  /// - Source: torchvision's `Resize(256, bicubic)` and `CenterCrop(224)`, as in DINOv2's evaluations.
  public func evaluated(resize: Int = 256, crop: Int = 224, _ filter: ResampleFilter = .bicubic) -> ImageBatch {
    require(crop > 0 && crop <= resize, "a crop of \(crop) is not inside of a side of \(resize)")
    let short = min(height, width)
    let h = height == short ? resize : resize * height / short
    let w = width == short ? resize : resize * width / short
    let image = h == height && w == width ? self : resampled(height: h, width: w, filter)
    func start(_ side: Int) -> Int { Int((Double(side - crop) / 2).rounded(.toNearestOrEven)) }
    return image.cropped(top: start(h), left: start(w), height: crop, width: crop)
  }
}

private func resample(
  _ image: UnsafeBufferPointer<UInt8>, _ height: Int, _ width: Int, _ channels: Int, _ across: ByteTaps?,
  _ down: ByteTaps?, _ newWidth: Int, _ out: UnsafeMutableBufferPointer<UInt8>
) {
  let half: Int32 = 1 << (ByteTaps.places - 1)
  /// rows[y, x, c] of the new width
  func pass(_ taps: ByteTaps, _ rows: UnsafeMutableBufferPointer<UInt8>) {
    for y in 0..<height {
      for x in 0..<newWidth {
        let (first, weights) = taps.taps[x]
        for c in 0..<channels {
          var sum = half
          for k in 0..<weights.count {
            sum &+= Int32(image[(y * width + first + k) * channels + c]) &* weights[k]
          }
          rows[(y * newWidth + x) * channels + c] = ByteTaps.byte(sum)
        }
      }
    }
  }
  func fall(_ rows: UnsafeBufferPointer<UInt8>, _ taps: ByteTaps) {
    let line = newWidth * channels
    for y in taps.taps.indices {
      let (first, weights) = taps.taps[y]
      for x in 0..<line {
        var sum = half
        for k in 0..<weights.count { sum &+= Int32(rows[(first + k) * line + x]) &* weights[k] }
        out[y * line + x] = ByteTaps.byte(sum)
      }
    }
  }
  switch (across, down) {
  case (nil, nil): _ = out.update(from: image)
  case (let across?, nil): pass(across, out)
  case (nil, let down?): fall(image, down)
  case (let across?, let down?):
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: height * newWidth * channels) { rows in
      pass(across, rows)
      fall(UnsafeBufferPointer(rows), down)
    }
  }
}
