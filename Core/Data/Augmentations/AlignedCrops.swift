import ReproTensor

/// One random crop and flip of each sample, the same for all its maps: pixels of colour, depth and normals stay aligned.
///
/// What sample i draws comes from `random.child("sample", i)`, in the order of `ViewPolicy`, which so cuts the same crops
/// of the same stream.
public struct AlignedCrops: Sendable {
  /// Where one sample is cut, and whether it is mirrored left to right.
  public struct Placement: Sendable, Equatable {
    public var part: CropRectangle
    public var flips: Bool
    public init(_ part: CropRectangle, flips: Bool) { (self.part, self.flips) = (part, flips) }
  }

  /// Side of the square crops, pixels.
  public let size: Int
  public let placements: [Placement]
  /// Extents of the maps.
  private let height, width: Int

  public init(_ placements: [Placement], height: Int, width: Int, size: Int) {
    require(size > 0, "crops of \(size) pixels")
    for place in placements {
      let p = place.part
      require(
        p.left >= 0 && p.top >= 0 && p.width > 0 && p.height > 0 && p.left + p.width <= width
          && p.top + p.height <= height, "\(p) is not inside of \(height) x \(width)")
    }
    (self.placements, self.height, self.width, self.size) = (placements, height, width, size)
  }

  /// - Parameters:
  ///   - scale: part of the area that a crop covers; aspects are 3/4 to 4/3.
  ///   - flip: probability of mirroring.
  public init(
    count: Int, height: Int, width: Int, size: Int, scale: ClosedRange<Double>, flip: Double, random: RandomStream
  ) {
    self.init(
      (0..<count).map { i in
        var stream = random.child("sample", i)
        let part = CropRectangle.drawn(width: width, height: height, scale: scale, ratio: 3.0 / 4...4.0 / 3, &stream)
        return Placement(part, flips: stream.bernoulli(flip))
      }, height: height, width: width, size: size)
  }

  /// Crops of images as planes in 0...1, `[B, C, size, size]`.
  public func planes(of images: ImageBatch) -> Tensor {
    requireExtents(images.count * images.frames, images.height, images.width)
    let (c, area, line) = (images.channels, images.channels * size * size, images.sampleSize)
    return Tensor([placements.count, c, size, size]) { target in
      guard let target = target.baseAddress else { return }
      nonisolated(unsafe) let out = target
      ThreadPool.shared.forEach(placements.count) { i in
        withUnsafeTemporaryAllocation(of: Float.self, capacity: area) { pixels in
          images.bytes.withUnsafeBufferPointer { bytes in
            guard let pixels = pixels.baseAddress, let start = bytes.baseAddress else { return }
            resample(
              start + i * line, imageWidth: width, channels: c, placements[i].part, flips: placements[i].flips,
              size: size, into: pixels)
            for k in 0..<area { out[i * area + k] = Real(pixels[k]) }
          }
        }
      }
    }
  }

  /// Crops of maps of real numbers, `[B, H, W]` or `[B, H, W, C]` -> `[B, C, size, size]`.
  ///
  /// - Parameter mirrored: channels whose sign a flip changes: the x of normals, flow and the like.
  public func planes(of maps: Tensor, mirrored: [Int] = []) -> Tensor {
    require(maps.rank == 3 || maps.rank == 4, "maps are [B, H, W] or [B, H, W, C], got \(maps.shape)")
    requireExtents(maps.shape[0], maps.shape[1], maps.shape[2])
    let c = maps.rank == 4 ? maps.shape[3] : 1
    require(mirrored.allSatisfy { (0..<c).contains($0) }, "maps of \(c) channels have no channels \(mirrored)")
    return maps.withElements { source in
      Tensor([placements.count, c, size, size]) { target in
        guard let source = source.baseAddress, let target = target.baseAddress else { return }
        nonisolated(unsafe) let (from, out) = (source, target)
        ThreadPool.shared.forEach(placements.count) { i in
          let map = from + i * height * width * c
          cut(map, c, placements[i], mirrored, into: out + i * c * size * size)
        }
      }
    }
  }

  private func requireExtents(_ count: Int, _ h: Int, _ w: Int) {
    require(
      count == placements.count && h == height && w == width,
      "\(placements.count) crops of \(height) x \(width) cannot be cut out of \(count) of \(h) x \(w)")
  }

  /// One map of real numbers, across first, then down, as `resample` of bytes does.
  private func cut(
    _ map: UnsafePointer<Real>, _ channels: Int, _ place: Placement, _ mirrored: [Int],
    into target: UnsafeMutablePointer<Real>
  ) {
    let part = place.part
    let across = ResampleTaps(from: part.width, to: size, reversed: place.flips)
    let down = ResampleTaps(from: part.height, to: size)
    withUnsafeTemporaryAllocation(of: Real.self, capacity: part.height * size) { rows in
      for c in 0..<channels {
        let sign: Real = place.flips && mirrored.contains(c) ? -1 : 1
        for y in 0..<part.height {
          let line = map + ((part.top + y) * width + part.left) * channels + c
          for x in 0..<size {
            var sum: Real = 0
            for k in 0..<across.width {
              sum += Real(across.weights[x * across.width + k]) * line[(across.first[x] + k) * channels]
            }
            rows[y * size + x] = sign * sum
          }
        }
        for y in 0..<size {
          for x in 0..<size {
            var sum: Real = 0
            for k in 0..<down.width {
              sum += Real(down.weights[y * down.width + k]) * rows[(down.first[y] + k) * size + x]
            }
            target[(c * size + y) * size + x] = sum
          }
        }
      }
    }
  }
}

extension ImageBatch {
  /// Whole images as planes in 0...1, `[N * T, C, H, W]`.
  public var planes: Tensor {
    tensor(
      PixelNormalization(mean: .init(repeating: 0, count: channels), deviation: .init(repeating: 1, count: channels)))
  }
}
