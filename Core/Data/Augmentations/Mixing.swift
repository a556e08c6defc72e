import ReproTensor

/// Images mixed in pairs, with how much of each label they keep.
public struct MixedBatch: Sendable {
  /// `[B, C, H, W]`
  public var images: Tensor
  /// Image i is mixed with image `partners[i]`.
  public var partners: [Int]
  /// The part of image i that is its own, `[B]`, in [0, 1].
  public var own: Tensor

  /// Labels `[B, K]` mixed as the images are.
  public func labels(_ labels: Tensor) -> Tensor {
    let part = own.expandedAxis(-1)
    return labels * part + labels.gathered(IndexTensor(partners)) * (1 - part)
  }
}

/// How training images are mixed.
public enum Mixing {
  /// Weighted means of pairs: `x = lambda x_i + (1 - lambda) x_j`, one lambda from Beta(alpha, alpha) for the batch.
  ///
  /// - Parameters:
  ///   - images: `[B, C, H, W]`.
  ///   - alpha: > 0; the paper uses 0.1 to 0.4 on ImageNet, 1 on CIFAR.
  /// - Source: Zhang et al. 2017 (mixup, arXiv 1710.09412), Eq. 1.
  public static func mixup(_ images: Tensor, alpha: Double, random: RandomStream) -> MixedBatch {
    require(alpha > 0 && images.rank >= 2, "mixup needs alpha > 0 and a batch, got \(alpha) and \(images.shape)")
    var (a, b) = (random.child("lambda"), random.child("partners"))
    let part = Real(a.beta(alpha, alpha))
    let partners = b.permutation(images.shape[0])
    let mixed = images * part + images.gathered(IndexTensor(partners)) * (1 - part)
    return MixedBatch(images: mixed, partners: partners, own: .full([images.shape[0]], part))
  }

  /// A rectangle of the partner's pixels in each image, of area `1 - lambda` before it is cut at the border.
  ///
  /// - Source: Yun et al. 2019 (CutMix, arXiv 1905.04899), Eq. 1 and 2; lambda is corrected to the area that is left.
  public static func cutmix(_ images: Tensor, alpha: Double, random: RandomStream) -> MixedBatch {
    require(alpha > 0 && images.rank == 4, "CutMix needs alpha > 0 and [B, C, H, W], got \(alpha) and \(images.shape)")
    var (a, b, c) = (random.child("lambda"), random.child("partners"), random.child("rectangle"))
    let (n, height, width) = (images.shape[0], images.shape[2], images.shape[3])
    let box = rectangle(height: height, width: width, keeps: a.beta(alpha, alpha), &c)
    let partners = b.permutation(n)
    let mask = Tensor([height, width]) { out in
      for y in 0..<height {
        for x in 0..<width {
          let isInside = y >= box.top && y < box.top + box.height && x >= box.left && x < box.left + box.width
          out[y * width + x] = isInside ? 1 : 0
        }
      }
    }
    let other = images.gathered(IndexTensor(partners))
    let part = 1 - Real(box.width * box.height) / Real(width * height)
    return MixedBatch(images: images * (1 - mask) + other * mask, partners: partners, own: .full([n], part))
  }

  /// The rectangle around a place drawn evenly, of sides sqrt(1 - lambda) of the image's.
  static func rectangle(
    height: Int, width: Int, keeps lambda: Double, _ stream: inout RandomStream
  ) -> CropRectangle {
    let side = (1 - lambda).squareRoot()
    let (w, h) = (Int(Double(width) * side), Int(Double(height) * side))
    let (x, y) = (stream.integer(below: width), stream.integer(below: height))
    let (left, top) = (max(0, x - w / 2), max(0, y - h / 2))
    let (right, low) = (min(width, x + w / 2), min(height, y + h / 2))
    return CropRectangle(left: left, top: top, width: max(0, right - left), height: max(0, low - top))
  }
}
