import ReproConfig
import ReproTensor

/// How one random view of an image is made: crop, flip, colour jitter, grey, blur, solarise, in this order.
///
/// Every draw comes from a child of the given stream that is named by the sample's place in the batch, so a view is the same
/// whatever else is drawn, on any number of threads.
public struct ViewPolicy: Sendable, Equatable {
  /// Strengths of the colour jitter; its four changes are applied in a random order, each by a factor drawn from
  /// [max(0, 1 - s), 1 + s], the hue by a turn from [-s, s].
  public struct Jitter: Sendable, Equatable {
    public var probability, brightness, contrast, saturation, hue: Double
    public init(probability: Double, brightness: Double, contrast: Double, saturation: Double, hue: Double) {
      (self.probability, self.brightness, self.contrast) = (probability, brightness, contrast)
      (self.saturation, self.hue) = (saturation, hue)
    }
  }

  /// Side of the square view, pixels.
  public var size: Int
  /// Part of the image's area that a crop covers.
  public var scale: ClosedRange<Double>
  public var ratio: ClosedRange<Double> = 3.0 / 4...4.0 / 3
  public var flip = 0.5
  public var jitter: Jitter?
  public var grey = 0.0
  public var blur = 0.0
  /// Range of the blur's sigma in pixels of the view.
  public var blurSigma: ClosedRange<Double> = 0.1...2
  public var solarize = 0.0

  public init(size: Int, scale: ClosedRange<Double>) {
    (self.size, self.scale) = (size, scale)
  }

  /// One view of each image, normalised, `[N, C, size, size]`.
  public func views(of images: ImageBatch, random: RandomStream) -> Tensor {
    Profile.measure("augmentation") { makeViews(of: images, random: random) }
  }

  private func makeViews(of images: ImageBatch, random: RandomStream) -> Tensor {
    Tensor([images.count, images.channels, size, size]) { target in
      let area = images.channels * size * size
      guard let target = target.baseAddress else { return }
      nonisolated(unsafe) let out = target
      let chunk = 8
      ThreadPool.shared.forEach((images.count + chunk - 1) / chunk) { tile in
        withUnsafeTemporaryAllocation(of: Float.self, capacity: area) { scratch in
          guard let pixels = scratch.baseAddress else { return }
          for i in (tile * chunk)..<min(images.count, (tile + 1) * chunk) {
            draw(images, i, random.child("sample", i), into: pixels)
            for k in 0..<area { out[i * area + k] = Real(normalized(pixels[k])) }
          }
        }
      }
    }
  }

  private func draw(
    _ images: ImageBatch, _ i: Int, _ random: RandomStream, into pixels: UnsafeMutablePointer<Float>
  ) {
    var stream = random
    let part = CropRectangle.drawn(
      width: images.width, height: images.height, scale: scale, ratio: ratio, &stream)
    let flips = stream.bernoulli(flip)
    images.bytes.withUnsafeBufferPointer { bytes in
      guard let start = bytes.baseAddress else { return }
      resample(
        start + i * images.height * images.width * images.channels, imageWidth: images.width, channels: images.channels,
        part, flips: flips, size: size, into: pixels)
    }
    let canvas = PhotometricCanvas(pixels: pixels, channels: images.channels, size: size)
    if let jitter, stream.bernoulli(jitter.probability) { apply(jitter, to: canvas, &stream) }
    if stream.bernoulli(grey) { canvas.greyscale() }
    if stream.bernoulli(blur) {
      canvas.blur(sigma: Float(stream.uniform(blurSigma.lowerBound, blurSigma.upperBound)))
    }
    if stream.bernoulli(solarize) { canvas.solarize(0.5) }
  }

  private func apply(_ jitter: Jitter, to canvas: PhotometricCanvas, _ stream: inout RandomStream) {
    for change in stream.permutation(4) {
      func factor(_ s: Double) -> Float { Float(stream.uniform(max(0, 1 - s), 1 + s)) }
      switch change {
      case 0: canvas.brightness(factor(jitter.brightness))
      case 1: canvas.contrast(factor(jitter.contrast))
      case 2: canvas.saturation(factor(jitter.saturation))
      default: canvas.hue(Float(stream.uniform(-jitter.hue, jitter.hue)))
      }
    }
  }
}

/// From [0, 1] to about [-2, 2]: what every network of the project sees.
@inline(__always)
func normalized(_ x: Float) -> Float { (x - 0.5) * 4 }

extension ImageBatch {
  /// The whole images, normalised as views are, `[N, C, H, W]`.
  public var normalizedTensor: Tensor {
    let (n, area) = (channels, height * width)
    return Tensor([count, n, height, width]) { target in
      for i in 0..<count {
        for p in 0..<area {
          for c in 0..<n {
            target[(i * n + c) * area + p] = Real(normalized(Float(bytes[(i * area + p) * n + c]) * (1 / 255)))
          }
        }
      }
    }
  }
}
