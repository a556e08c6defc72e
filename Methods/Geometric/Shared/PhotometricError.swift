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
    return dissimilarityOfMoments(
      windowMeans(other), windowMeans(other.squared()), windowMeans(other * image), mean, variance)
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

/// Structural dissimilarity from moments of windows, in one pass; its derivative is written out and cannot be differentiated
/// again.
///
///     A = 2 m my + c1,  B = 2 (c - m my) + c2,  C = m^2 + my^2 + c1,  D = (e - m^2) + vy + c2,   S = clamp((1 - AB / CD) / 2)
///
/// - Parameters:
///   - m, e, c: window means of x, x^2 and x y, any shape.
///   - my, vy: mean and variance of the windows of y, constants.
func dissimilarityOfMoments(_ m: Tensor, _ e: Tensor, _ c: Tensor, _ my: Tensor, _ vy: Tensor) -> Tensor {
  let (c1, c2): (Real, Real) = (0.01 * 0.01, 0.03 * 0.03)
  let (shape, means, variances) = (m.shape, my.values, vy.values)
  /// Factors of one element.
  @Sendable func parts(_ m: Real, _ e: Real, _ c: Real, _ i: Int) -> (a: Real, b: Real, c: Real, d: Real) {
    let both = m * means[i]
    return (2 * both + c1, 2 * (c - both) + c2, m * m + means[i] * means[i] + c1, e - m * m + variances[i] + c2)
  }
  return Tensor.custom("dissimilarity", [m, e, c]) { inputs in
    let (m, e, c) = (inputs[0].values, inputs[1].values, inputs[2].values)
    return Tensor(shape) { out in
      nonisolated(unsafe) let out = out
      forEachPart(m.count) { range in
        for i in range {
          let p = parts(m[i], e[i], c[i], i)
          out[i] = min(max((1 - p.a * p.b / (p.c * p.d)) * 0.5, 0), 1)
        }
      }
    }
  } vjp: { gradient, inputs, output in
    let (m, e, c) = (inputs[0].values, inputs[1].values, inputs[2].values)
    let (g, s) = (gradient.values, output.values)
    var (ofM, ofE, ofC) = (Tensor.zeros(shape), Tensor.zeros(shape), Tensor.zeros(shape))
    ofM.withMutableElements { byM in
      ofE.withMutableElements { byE in
        ofC.withMutableElements { byC in
          nonisolated(unsafe) let (byM, byE, byC) = (byM, byE, byC)
          forEachPart(m.count) { range in
            for i in range where s[i] > 0 && s[i] < 1 {
              let p = parts(m[i], e[i], c[i], i)
              let below = 1 / (p.c * p.d)
              let ssim = p.a * p.b * below
              let half = -0.5 * g[i]
              byM[i] = half * (2 * means[i] * (p.b - p.a) * below - ssim * 2 * m[i] * (1 / p.c - 1 / p.d))
              byE[i] = -half * ssim / p.d
              byC[i] = half * 2 * p.a * below
            }
          }
        }
      }
    }
    return [ofM, ofE, ofC]
  }
}

/// Parts of a line of elements, cut by its length only.
private func forEachPart(_ count: Int, _ body: (Range<Int>) -> Void) {
  let part = 8192
  ThreadPool.shared.forEach((count + part - 1) / part) { i in body((i * part)..<min((i + 1) * part, count)) }
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
