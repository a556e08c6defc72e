import ReproTensor

/// What published networks expect of pixels: (value / 255 - mean) / deviation, channel by channel.
public struct PixelNormalization: Sendable, Equatable {
  public var mean, deviation: [Double]

  /// - Parameters:
  ///   - mean, deviation: of each channel, of values in [0, 1].
  public init(mean: [Double], deviation: [Double]) {
    require(
      mean.count == deviation.count && deviation.allSatisfy { $0 > 0 },
      "pixels need a mean and a positive deviation of each channel"
    )
    (self.mean, self.deviation) = (mean, deviation)
  }

  /// Of ImageNet's training images: torchvision's networks, DINO, DINOv2 and DINOv3.
  public static let imageNet = PixelNormalization(mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])
  /// OpenAI's CLIP and OpenCLIP.
  public static let clip = PixelNormalization(
    mean: [0.48145466, 0.4578275, 0.40821073], deviation: [0.26862954, 0.26130258, 0.27577711])
  /// From -1 to 1: timm's own vision transformers.
  public static let half = PixelNormalization(mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5])
}

extension ImageBatch {
  /// The images as a network sees them, `[N * T, C, H, W]`.
  ///
  /// Images of one channel are given in all channels of `normalization`, as published networks are fed with them.
  public func tensor(_ normalization: PixelNormalization) -> Tensor {
    let channels = normalization.mean.count
    require(
      self.channels == channels || self.channels == 1,
      "images of \(self.channels) channels cannot have \(channels) means")
    let area = height * width
    // One table of 256 values a channel.
    let tables: [[Real]] = (0..<channels).map { c in
      (0..<256).map { Real((Double($0) / 255 - normalization.mean[c]) / normalization.deviation[c]) }
    }
    let own = self.channels
    return Tensor([count * frames, channels, height, width]) { target in
      guard let base = target.baseAddress else { return }
      nonisolated(unsafe) let out = base
      ThreadPool.shared.forEach(count * frames) { i in
        bytes.withUnsafeBufferPointer { source in
          for c in 0..<channels {
            for p in 0..<area {
              out[(i * channels + c) * area + p] = tables[c][Int(source[(i * area + p) * own + (own == 1 ? 0 : c)])]
            }
          }
        }
      }
    }
  }
}
