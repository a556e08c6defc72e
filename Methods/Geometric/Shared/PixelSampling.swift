import ReproTensor

/// Pictures sampled at pixels, bilinearly; beyond the border they go on as their outermost pixels.
///
/// The same as `gridSampled(outside: .border, alignsCorners: true)` on a constant picture, in one pass over the pixels instead
/// of ten: this is where self-supervised depth spends its time. The derivative by the pixels cannot be differentiated again.
/// - Parameters:
///   - image: `[B, C, H, W]`, a constant.
///   - pixels: column and row, `[B, 2, N]`; what is no number is taken for 0.
/// - Returns: `[B, C, N]`.
func sampled(_ image: Tensor, at pixels: Tensor) -> Tensor {
  require(
    image.rank == 4 && pixels.rank == 3 && pixels.shape[0] == image.shape[0] && pixels.shape[1] == 2,
    "sampling needs images [B, C, H, W] and pixels [B, 2, N], got \(image.shape) and \(pixels.shape)")
  let source = image.detached
  return Tensor.custom("sampled", [pixels]) { inputs in
    let plan = SamplingPlan(source, inputs[0])
    return plan.forward(source, inputs[0])
  } vjp: { gradient, inputs, _ in
    let plan = SamplingPlan(source, inputs[0])
    return [plan.backward(source, inputs[0].detached, gradient.detached)]
  }
}

private struct SamplingPlan: Sendable {
  let batch, channels, rows, columns, count: Int
  /// Pixels of one tile; cut by sizes only.
  let tile = 1024

  init(_ image: Tensor, _ pixels: Tensor) {
    (batch, channels, rows, columns) = (image.shape[0], image.shape[1], image.shape[2], image.shape[3])
    count = pixels.shape[2]
  }

  /// The sample below a place, how far beyond it the place lies, and whether it moves with the place.
  @inline(__always)
  private func line(_ x: Real, _ n: Int) -> (low: Int, part: Real, isInside: Bool) {
    let last = Real(n - 1)
    guard x > 0 else { return (0, 0, false) }
    guard x < last else { return (max(n - 2, 0), n > 1 ? 1 : 0, false) }
    let low = Int(x)
    return (low, x - Real(low), true)
  }

  /// The four samples around a place: the first one's index in a plane, and the ways to its neighbours.
  private struct Corners {
    let x, y: (low: Int, part: Real, isInside: Bool)
    let first, right, down: Int
  }

  @inline(__always)
  private func corners(_ pixels: UnsafeBufferPointer<Real>, _ b: Int, _ i: Int) -> Corners {
    let x = line(pixels[2 * b * count + i], columns)
    let y = line(pixels[(2 * b + 1) * count + i], rows)
    return Corners(
      x: x, y: y, first: y.low * columns + x.low, right: columns > 1 ? 1 : 0, down: rows > 1 ? columns : 0)
  }

  private func forEachTile(_ body: (_ b: Int, _ range: Range<Int>) -> Void) {
    let tiles = (count + tile - 1) / tile
    ThreadPool.shared.forEach(batch * tiles) { i in
      body(i / tiles, (i % tiles * tile)..<min((i % tiles + 1) * tile, count))
    }
  }

  func forward(_ image: Tensor, _ pixels: Tensor) -> Tensor {
    image.withElements { image in
      pixels.withElements { pixels in
        Tensor([batch, channels, count]) { target in
          nonisolated(unsafe) let (image, pixels, target) = (image, pixels, target)
          forEachTile { b, range in
            for i in range {
              let at = corners(pixels, b, i)
              for c in 0..<channels {
                let p = (b * channels + c) * rows * columns + at.first
                let (q, right) = (p + at.down, at.right)
                let above = image[p] + (image[p + right] - image[p]) * at.x.part
                let below = image[q] + (image[q + right] - image[q]) * at.x.part
                target[(b * channels + c) * count + i] = above + (below - above) * at.y.part
              }
            }
          }
        }
      }
    }
  }

  /// The gradient by the pixels: 0 beyond the border.
  func backward(_ image: Tensor, _ pixels: Tensor, _ gradient: Tensor) -> Tensor {
    image.withElements { image in
      pixels.withElements { pixels in
        gradient.withElements { gradient in
          Tensor([batch, 2, count]) { target in
            nonisolated(unsafe) let (image, pixels, gradient, target) = (image, pixels, gradient, target)
            forEachTile { b, range in
              for i in range {
                let at = corners(pixels, b, i)
                var (byX, byY): (Real, Real) = (0, 0)
                for c in 0..<channels {
                  let p = (b * channels + c) * rows * columns + at.first
                  let (q, right) = (p + at.down, at.right)
                  let g = gradient[(b * channels + c) * count + i]
                  let (above, below) = (image[p + right] - image[p], image[q + right] - image[q])
                  byX += g * (above + (below - above) * at.y.part)
                  let (left, other) = (image[q] - image[p], image[q + right] - image[p + right])
                  byY += g * (left + (other - left) * at.x.part)
                }
                target[2 * b * count + i] = at.x.isInside ? byX : 0
                target[(2 * b + 1) * count + i] = at.y.isInside ? byY : 0
              }
            }
          }
        }
      }
    }
  }
}
