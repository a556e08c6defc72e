import ReproTensor

// How unlike two pictures are, pixel by pixel, as self-supervised depth measures it.

/// The picture that others are compared with; what the comparison needs of it is computed once.
public struct PhotometricTarget {
  /// `[B, C, H, W]`, in [0, 1].
  public let image: Tensor
  private let mean, variance: Tensor

  public init(_ image: Tensor) {
    require(
      image.rank == 4 && image.shape[2] > 1 && image.shape[3] > 1,
      "a photometric target is [B, C, H > 1, W > 1], got \(image.shape)")
    self.image = image
    mean = windowMeans(image)
    variance = windowMeans(image.squared()) - mean.squared()
  }

  /// Structural dissimilarity of each pixel and channel, in [0, 1].
  ///
  ///     clamp( (1 - SSIM) / 2, 0, 1 ),   SSIM = (2 mx my + c1)(2 sxy + c2) / ((mx^2 + my^2 + c1)(sx + sy + c2))
  ///
  /// with means and (co)variances of 3 x 3 windows, c1 = 0.01^2, c2 = 0.03^2.
  /// - Source: Wang et al. 2004; windows and clamp as in Godard et al. 2017 (arXiv 1609.03677), Eq. 2.
  public func dissimilarity(to other: Tensor) -> Tensor {
    require(other.shape == image.shape, "pictures of \(other.shape) and \(image.shape) cannot be compared")
    let (c1, c2): (Real, Real) = (0.01 * 0.01, 0.03 * 0.03)
    let m = windowMeans(other)
    let v: Tensor = windowMeans(other.squared()) - m.squared()
    let both = m * mean
    let covariance: Tensor = windowMeans(other * image) - both
    let above: Tensor = (both * 2 + c1) * (covariance * 2 + c2)
    let below: Tensor = (m.squared() + (mean.squared() + c1)) * (v + (variance + c2))
    return ((1 - above / below) * 0.5).clamped(0, 1)
  }

  /// The photometric error of each pixel, `[B, 1, H, W]`.
  ///
  ///     pe = mean over channels of 0.85 dissimilarity + 0.15 |difference|
  ///
  /// - Source: Watson et al. 2021 (arXiv 2104.14540), Section 3.1, from Godard et al. 2017, with alpha = 0.85.
  public func error(of other: Tensor) -> Tensor {
    let pixels: Tensor = dissimilarity(to: other) * 0.85 + (other - image).abs() * 0.15
    return pixels.mean(1, keepsAxis: true)
  }

  /// The smallest error over several pictures, pixel by pixel: what one frame hides another one shows.
  ///
  /// - Source: Watson et al. 2021, Eq. 2: min_n pe(I_t, I_{n->t}).
  public func leastError(of others: [Tensor]) -> Tensor {
    require(!others.isEmpty, "the least error needs a picture")
    return others.dropFirst().reduce(error(of: others[0])) { minimum($0, error(of: $1)) }
  }
}

/// The mean of a map over the pixels of a mask.
///
///     sum(mask * x) / (sum(mask) + 1e-7)
public func maskedMean(_ x: Tensor, _ mask: Tensor) -> Tensor {
  (x * mask).sum() / (mask.sum().item + 1e-7)
}

/// How much a disparity changes where the picture does not.
///
///     mean |dx d*| exp(-|dx I|) + mean |dy d*| exp(-|dy I|),   d* = d / (mean of d + 1e-7)
///
/// - Parameters:
///   - disparity: `[B, 1, H, W]`.
///   - image: of the same resolution, `[B, C, H, W]`; its slopes are means over channels.
/// - Source: Godard et al. 2019 (arXiv 1806.01260), Eq. 3.
public func edgeAwareSmoothness(_ disparity: Tensor, _ image: Tensor) -> Tensor {
  require(
    disparity.shape[2] == image.shape[2] && disparity.shape[3] == image.shape[3] && disparity.shape[1] == 1,
    "smoothness needs a disparity [B, 1, H, W] of the image's resolution, got \(disparity.shape) and \(image.shape)")
  let d = disparity / (disparity.mean(axes: [2, 3], keepsAxes: true) + 1e-7)
  func slope(_ x: Tensor, _ axis: Int) -> Tensor {
    let n = x.shape[axis]
    return (x.slice(axis, 0..<n - 1) - x.slice(axis, 1..<n)).abs()
  }
  func part(_ axis: Int) -> Tensor {
    let edges = slope(image, axis).mean(1, keepsAxis: true)
    return (slope(d, axis) * (-edges).exp()).mean()
  }
  return part(3) + part(2)
}
