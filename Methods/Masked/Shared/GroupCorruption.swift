import ReproTensor

/// Corrupts groups of connected pixels of images: rectangles of noise, or of another image, that overlap as they fall.
///
/// Rectangles are drawn until a part of the pixels, uniform in `ratio`, is covered. A rectangle's corner is uniform, its
/// sides are uniform up to `limit` of the image's, it is cut off at the border and rounded to `align` pixels. With
/// probability `replace` an image takes its rectangles from the same places of another image of the batch instead (drawn
/// with replacement: it may be the image itself), and `replaceRatio` of it is covered.
/// - Source: Ahmed et al. 2022 (GMML, arXiv 2205.14986) and the authors' `datasets_utils.py`.
public struct GroupCorruption: Sendable, Equatable {
  public enum Shape: String, Sendable, CaseIterable {
    /// Rectangles, as above.
    case groups
    /// Single patches of `align` pixels, drawn evenly, as many pixels of each image as groups of the same stream cover:
    /// exactly as many where patches tile the image, else to a patch.
    case patches
  }
  public enum Fill: String, Sendable, CaseIterable {
    /// Normal noise of deviation 1.
    case noise
    case zeros
    /// A rectangle of the same image, as it is by then.
    case copy
  }

  public var shape = Shape.groups
  public var fill = Fill.noise
  /// Part of the pixels that is covered, in (0, 1).
  public var ratio: ClosedRange<Double> = 0.5...0.75
  /// Longest side of a rectangle as a part of the image's.
  public var limit = 0.3
  /// Pixels to which rectangles are rounded; the side of a patch.
  public var align = 1
  /// Probability that an image gets parts of another one instead.
  public var replace = 0.5
  public var replaceRatio = 0.3

  public init() {}

  /// Images with their corrupted places.
  public struct Corrupted: Sendable {
    /// `[B, C, H, W]`
    public var images: Tensor
    /// `[B, 1, H, W]`, 1 where a pixel is corrupted.
    public var mask: Tensor
  }

  /// - Parameters:
  ///   - clean: `[B, C, H, W]`, normalised; sides of at least two pixels and two patches.
  ///   - random: image i draws from `random.child("image", i)`.
  public func callAsFunction(_ clean: Tensor, random: RandomStream) -> Corrupted {
    require(
      clean.rank == 4 && clean.shape[2] >= 2 * align && clean.shape[3] >= 2 * align && clean.shape[3] >= 2,
      "corruption to \(align) pixels needs images [B, C, H, W] of two patches a side, got \(clean.shape)")
    let (b, c, h, w) = (clean.shape[0], clean.shape[1], clean.shape[2], clean.shape[3])
    let size = c * h * w
    var masks = [Real](repeating: 0, count: b * h * w)
    let images = clean.withElements { source in
      Tensor([b, c, h, w]) { target in
        _ = target.update(fromContentsOf: source)
        for i in 0..<b {
          var stream = random.child("image", i)
          let other: Int? = stream.bernoulli(replace) ? stream.integer(below: b) : nil
          var canvas = Canvas(
            pixels: UnsafeMutableBufferPointer(rebasing: target[i * size..<(i + 1) * size]),
            other: other.map { UnsafeBufferPointer(rebasing: source[$0 * size..<($0 + 1) * size]) },
            covered: [Bool](repeating: false, count: h * w), channels: c, height: h, width: w)
          draw(on: &canvas, &stream)
          for (k, isCovered) in canvas.covered.enumerated() where isCovered { masks[i * h * w + k] = 1 }
        }
      }
    }
    return Corrupted(images: images, mask: Tensor([b, 1, h, w], masks))
  }

  /// An image in work.
  private struct Canvas {
    let pixels: UnsafeMutableBufferPointer<Real>
    let other: UnsafeBufferPointer<Real>?
    var covered: [Bool]
    let channels, height, width: Int
    var count = 0

    mutating func cover(_ r: Rectangle) {
      for y in r.top..<(r.top + r.height) {
        for x in r.left..<(r.left + r.width) where !covered[y * width + x] {
          covered[y * width + x] = true
          count += 1
        }
      }
    }
  }

  private struct Rectangle { var top, left, height, width: Int }

  private func draw(on canvas: inout Canvas, _ stream: inout RandomStream) {
    let part = canvas.other == nil ? stream.uniform(ratio.lowerBound, ratio.upperBound) : replaceRatio
    let wanted = part * Double(canvas.height * canvas.width)
    // Rectangles have a stream of their own, so that both shapes cover the same number of pixels of each image.
    var places = stream.child("rectangles")
    switch shape {
    case .groups:
      while Double(canvas.count) < wanted {
        let r = rectangle(canvas.height, canvas.width, &places)
        paint(r, on: &canvas, &stream)
      }
    case .patches:
      var shadow = canvas
      while Double(shadow.count) < wanted { shadow.cover(rectangle(canvas.height, canvas.width, &places)) }
      let (rows, columns) = ((canvas.height + align - 1) / align, (canvas.width + align - 1) / align)
      for place in stream.permutation(rows * columns) where canvas.count < shadow.count {
        let (top, left) = (place / columns * align, place % columns * align)
        let r = Rectangle(
          top: top, left: left, height: min(align, canvas.height - top), width: min(align, canvas.width - left))
        paint(r, on: &canvas, &stream)
      }
    }
  }

  /// Upper ends are left out, as in the authors' draws.
  private func rectangle(_ h: Int, _ w: Int, _ stream: inout RandomStream) -> Rectangle {
    func side(_ n: Int, _ first: Int) -> Int {
      let most = max(align + 1, Int(Double(n) * limit))
      let drawn = min(align + stream.integer(below: most - align), n - first)
      return Int((Double(drawn) / Double(align)).rounded(.toNearestOrEven)) * align
    }
    let top = stream.integer(below: h - align) / align * align
    let left = stream.integer(below: w - align) / align * align
    let height = side(h, top)
    return Rectangle(top: top, left: left, height: height, width: side(w, left))
  }

  private func paint(_ r: Rectangle, on canvas: inout Canvas, _ stream: inout RandomStream) {
    let (h, w) = (canvas.height, canvas.width)
    var from = (top: r.top, left: r.left)
    if canvas.other == nil && fill == .copy {
      from = (stream.integer(below: h - r.height + 1), stream.integer(below: w - r.width + 1))
    }
    let area = r.height * r.width
    guard area > 0 else { return }  // rounded to nothing
    for c in 0..<canvas.channels {
      let patch: [Real]
      if let other = canvas.other {
        patch = (0..<area).map { other[(c * h + r.top + $0 / r.width) * w + r.left + $0 % r.width] }
      } else {
        switch fill {
        case .noise: patch = stream.normal([area]).values
        case .zeros: patch = [Real](repeating: 0, count: area)
        case .copy:
          let pixels = canvas.pixels
          patch = (0..<area).map { pixels[(c * h + from.top + $0 / r.width) * w + from.left + $0 % r.width] }
        }
      }
      for (k, value) in patch.enumerated() {
        canvas.pixels[(c * h + r.top + k / r.width) * w + r.left + k % r.width] = value
      }
    }
    canvas.cover(r)
  }
}
