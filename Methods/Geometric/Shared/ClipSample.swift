import ReproData
import ReproTensor

/// Neighbouring frames of a batch of clips: a target, earlier ones and the one after it, in [0, 1].
struct ClipSample {
  /// Frames by their offset from the target, as they are: the photometric loss compares these.   [B, 3, H, W]
  private(set) var plain: [Int: Tensor] = [:]
  /// The same with changed colours: what networks see.
  private(set) var seen: [Int: Tensor] = [:]
  /// `[B, 3, 3]`, pixels.
  private(set) var intrinsics = Tensor.zeros([0, 3, 3])
  /// Known motions from the target's camera into the others, `[B, 4, 4]`; empty if the data do not say.
  private(set) var motions: [Int: Tensor] = [:]

  /// Frames around the middle one, with their own colours, for evaluations.
  init(middleOf batch: Batch, offsets: ClosedRange<Int>, unit: Real) {
    let middle = batch.images("frames").frames / 2
    let choices = Array(repeating: Choice(target: max(middle, -offsets.lowerBound)), count: batch.count)
    self.init(batch, offsets, choices, unit)
  }

  /// Training samples: a target anywhere in the clip, mirrored with probability `flip`, with probability 1/2 other colours.
  ///
  /// - Parameters:
  ///   - offsets: from the earliest frame to the latest one, the target being 0.
  ///   - colour: how far brightness, contrast and saturation go from 1; hue turns by up to half of it of half a circle.
  ///   - unit: metres in the networks' unit of length.
  init(
    training batch: Batch, offsets: ClosedRange<Int>, flip: Double, colour: Double, unit: Real, random: RandomStream
  ) {
    let frames = batch.images("frames").frames
    let choices = (0..<batch.count).map { i in
      var stream = random.child("sample", i)
      let target = -offsets.lowerBound + stream.integer(below: frames - offsets.count + 1)
      var choice = Choice(target: target, isMirrored: stream.bernoulli(flip))
      if stream.bernoulli(0.5), colour > 0 { choice.colour = ColourChange(colour, &stream) }
      return choice
    }
    self.init(batch, offsets, choices, unit)
  }

  /// What is drawn for one sample.
  private struct Choice {
    var target: Int
    var isMirrored = false
    var colour: ColourChange?
  }

  private init(_ batch: Batch, _ offsets: ClosedRange<Int>, _ choices: [Choice], _ unit: Real) {
    let images = batch.images("frames")
    let (h, w) = (images.height, images.width)
    for offset in offsets {
      let frame = Tensor([batch.count, 3, h, w]) { p in
        for (b, choice) in choices.enumerated() {
          let first = (b * images.frames + choice.target + offset) * h * w
          for i in 0..<(h * w) {
            let from = choice.isMirrored ? i - i % w + (w - 1 - i % w) : i
            for c in 0..<3 { p[(b * 3 + c) * h * w + i] = Real(images.bytes[(first + from) * 3 + c]) / 255 }
          }
        }
      }
      plain[offset] = frame
      var changed = frame
      if choices.contains(where: { $0.colour != nil }) {
        changed.withMutableElements { p in
          for (b, choice) in choices.enumerated() { choice.colour?.apply(p, at: b * 3 * h * w, area: h * w) }
        }
      }
      seen[offset] = changed
    }
    let mirrored = choices.map(\.isMirrored)
    if case .reals(let k) = batch["intrinsics"] {
      intrinsics = Tensor(k.shape) { p in
        for (i, value) in k.values.enumerated() {
          // The principal point of a mirrored picture: W - 1 - c_x.
          p[i] = mirrored[i / 9] && i % 9 == 2 ? Real(w - 1) - value : value
        }
      }
    }
    if case .reals(let poses) = batch["odometry"] {
      let targets = choices.map(\.target)
      for offset in offsets where offset != 0 {
        motions[offset] = Self.motions(poses, from: targets, to: targets.map { $0 + offset }, mirrored, unit)
      }
    }
  }

  /// [R t; 0 1] from one frame's camera into another's; a mirrored world moves the other way along x.
  ///
  ///     T = E_to E_from^-1,   mirrored: S T S with S = diag(-1, 1, 1, 1)
  private static func motions(
    _ poses: Tensor, from: [Int], to: [Int], _ mirrored: [Bool], _ unit: Real
  ) -> Tensor {
    let (batch, frames) = (poses.shape[0], poses.shape[1])
    let flat = poses.reshaped([batch * frames, 3, 4])
    func chosen(_ places: [Int]) -> Tensor {
      let rows = flat.gathered(IndexTensor(places.enumerated().map { $0 * frames + $1 }))
      return rigidMotion(rotation: rows.slice(2, 0..<3), translation: rows.select(2, 3) / unit)
    }
    let motion = matmul(chosen(to), chosen(from).rigidInverse())
    return Tensor(motion.shape) { p in
      for (i, value) in motion.values.enumerated() {
        let (row, column) = (i % 16 / 4, i % 4)
        p[i] = mirrored[i / 16] && (row == 0) != (column == 0) ? -value : value
      }
    }
  }

  /// A frame as it is; a programmer's mistake if the sample has none at this offset.
  func frame(_ offset: Int) -> Tensor { chosen(plain, offset) }

  /// A frame as networks see it.
  func view(_ offset: Int) -> Tensor { chosen(seen, offset) }

  private func chosen(_ frames: [Int: Tensor], _ offset: Int) -> Tensor {
    guard let frame = frames[offset] else {
      requirementFailed("a sample of \(frames.count) frames has none at \(offset)")
    }
    return frame
  }

  /// Only some rows of the batch.
  func rows(_ range: Range<Int>) -> ClipSample {
    if range.count == intrinsics.shape[0] { return self }
    var part = self
    part.plain = plain.mapValues { $0.slice(0, range) }
    part.seen = seen.mapValues { $0.slice(0, range) }
    part.motions = motions.mapValues { $0.slice(0, range) }
    part.intrinsics = intrinsics.slice(0, range)
    return part
  }
}

/// One change of colours for all frames of a sample.
///
///     y = clamp( M (contrast brightness x) + (1 - contrast) brightness mean luma ),   M = hue turn * saturation
///
/// Hue turns about the grey axis in YIQ, so that the whole is one matrix; torchvision turns it in HSV.
private struct ColourChange {
  private let matrix: [Real]  // 3 x 3
  private let brightness, contrast: Real

  init(_ strength: Double, _ stream: inout RandomStream) {
    func factor(_ stream: inout RandomStream) -> Real { Real(stream.uniform(1 - strength, 1 + strength)) }
    brightness = factor(&stream)
    contrast = factor(&stream)
    let saturation = factor(&stream)
    let angle = stream.uniform(-strength, strength) * Double.pi / 2
    let turn = Tensor([3], [0, 0, Real(angle)]).axisAngleToMatrix().values
    // Luma stays; (I, Q) are turned and scaled.
    let toYIQ = Tensor([3, 3], [0.299, 0.587, 0.114, 0.595716, -0.274453, -0.321263, 0.211456, -0.522591, 0.311135])
    let (c, s) = (turn[0] * saturation, turn[3] * saturation)
    let change = Tensor([3, 3], [1, 0, 0, 0, c, -s, 0, s, c])
    matrix = matmul(matmul(toYIQ.inverse(), change), toYIQ).values
  }

  /// Changes three planes of `area` pixels in place.
  func apply(_ p: UnsafeMutableBufferPointer<Real>, at start: Int, area: Int) {
    let (red, green, blue) = (start, start + area, start + 2 * area)
    var sum: Real = 0
    for i in 0..<area { sum += 0.299 * p[red + i] + 0.587 * p[green + i] + 0.114 * p[blue + i] }
    let shift = (1 - contrast) * brightness * sum / Real(area)
    let gain = contrast * brightness
    for i in 0..<area {
      let (r, g, b) = (p[red + i] * gain, p[green + i] * gain, p[blue + i] * gain)
      for c in 0..<3 {
        let value = matrix[3 * c] * r + matrix[3 * c + 1] * g + matrix[3 * c + 2] * b + shift
        p[start + c * area + i] = min(max(value, 0), 1)
      }
    }
  }
}
