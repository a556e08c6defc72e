// Signals cut into overlapping frames, and their sum back into a signal.

extension Tensor {
  /// Frames of `size` samples, one every `hop`, without padding, `[..., L] -> [..., T, size]`, T = 1 + (L - size) / hop.
  public func framed(size: Int, hop: Int) -> Tensor {
    require(
      rank >= 1 && size > 0 && hop > 0 && shape[-1] >= size,
      "framed needs [..., L >= size] and a hop of 1 or more, got \(shape), size \(size), hop \(hop)")
    let length = shape[-1]
    let frames = 1 + (length - size) / hop
    let x = contiguous()
    let y = Tensor(uninitialized: Shape(shape.array.dropLast() + [frames, size]))
    let (source, target) = (x.base, y.base)
    forTiles(y.count / size, max(1, tileElements / size)) { first, n in
      for i in first..<(first + n) {
        (target + i * size).update(from: source + i / frames * length + i % frames * hop, count: size)
      }
    }
    withExtendedLifetime(x) {}
    return y.recorded("framed", self) { s in s.gradient.overlapAdded(hop: hop, count: length) }
  }

  /// The sum of frames laid `hop` samples apart, `[..., T, size] -> [..., count]`; samples that no frame reaches are 0, and
  /// what frames have beyond the end is dropped.
  public func overlapAdded(hop: Int, count length: Int) -> Tensor {
    require(
      rank >= 2 && hop > 0 && length >= 0,
      "overlapAdded needs [..., T, size] and a hop of 1 or more, got \(shape), hop \(hop)")
    let (frames, size) = (shape[-2], shape[-1])
    let x = contiguous()
    let y = Tensor.zeros(Shape(shape.array.dropLast(2) + [length]))
    let (source, target) = (x.base, y.base)
    forTiles(y.count / max(length, 1), max(1, tileElements / max(frames * size, 1))) { first, n in
      for i in first..<(first + n) {
        for t in 0..<frames where t * hop < length {
          let part = Swift.min(size, length - t * hop)
          kernels.axpy(part, 1, source + (i * frames + t) * size, target + i * length + t * hop)
        }
      }
    }
    withExtendedLifetime(x) {}
    return y.recorded("overlapAdded", self) { s in
      // Frames that start or end beyond the signal see zeros there.
      let reach = Swift.max(length, frames == 0 ? 0 : (frames - 1) * hop + size)
      if frames == 0 { return Tensor.zeros(self.shape) }
      return s.gradient.padded(-1, before: 0, after: reach - length).framed(size: size, hop: hop)
        .slice(-2, 0..<frames)
    }
  }
}
