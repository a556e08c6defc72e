import Glibc
import ReproData
import ReproTensor

/// Ways to spoil pictures, each with a strength from 0 (nothing) to 1.
enum Disturbance: String, CaseIterable {
  /// Gaussian noise of deviation up to 0.2.
  case noise
  /// Box blur with a radius of up to an eighth of the smaller side.
  case blur
  /// Differences from the mean shrink to as little as a fifth.
  case contrast
  /// Up to 0.4 brighter.
  case light
  /// A grey square of up to half of each side, at a random place.
  case square

  /// All image columns of a batch, disturbed; every picture has its own randomness.
  func applied(to batch: Batch, strength: Double, random: RandomStream) -> Batch {
    Batch(
      indices: batch.indices,
      columns: batch.columns.map { name, values in
        guard case .images(let images) = values else { return (name, values) }
        return (name, .images(applied(to: images, strength, random.child(name))))
      })
  }

  private func applied(to images: ImageBatch, _ strength: Double, _ random: RandomStream) -> ImageBatch {
    var result = images
    let size = images.height * images.width * images.channels
    let count = images.count * images.frames
    result.bytes.withUnsafeMutableBufferPointer { bytes in
      let bytes = bytes
      ThreadPool.shared.forEach(count) { i in
        let picture = UnsafeMutableBufferPointer(rebasing: bytes[(i * size)..<((i + 1) * size)])
        spoil(picture, images.height, images.width, images.channels, strength, random.child("image", i))
      }
    }
    return result
  }

  private func spoil(
    _ picture: UnsafeMutableBufferPointer<UInt8>, _ height: Int, _ width: Int, _ channels: Int, _ strength: Double,
    _ random: RandomStream
  ) {
    var stream = random
    func byte(_ value: Double) -> UInt8 { UInt8(max(0, min(255, value.rounded()))) }
    switch self {
    case .noise:
      let noise = stream.normal([picture.count]).values
      for i in picture.indices { picture[i] = byte(Double(picture[i]) + 255 * 0.2 * strength * Double(noise[i])) }
    case .light:
      for i in picture.indices { picture[i] = byte(Double(picture[i]) + 255 * 0.4 * strength) }
    case .contrast:
      let mean = picture.reduce(0.0) { $0 + Double($1) } / Double(max(picture.count, 1))
      for i in picture.indices { picture[i] = byte(mean + (Double(picture[i]) - mean) * (1 - 0.8 * strength)) }
    case .square:
      let (rows, columns) = (Int(Double(height) / 2 * strength), Int(Double(width) / 2 * strength))
      let (top, left) = (stream.integer(below: height - rows + 1), stream.integer(below: width - columns + 1))
      for r in top..<(top + rows) {
        for i in ((r * width + left) * channels)..<((r * width + left + columns) * channels) { picture[i] = 128 }
      }
    case .blur:
      let radius = Int((Double(min(height, width)) / 8 * strength).rounded())
      guard radius > 0 else { return }
      let source = Array(picture)
      for r in 0..<height {
        for c in 0..<width {
          let (up, down) = (max(0, r - radius), min(height - 1, r + radius))
          let (left, right) = (max(0, c - radius), min(width - 1, c + radius))
          let area = Double((down - up + 1) * (right - left + 1))
          for k in 0..<channels {
            var sum = 0
            for y in up...down { for x in left...right { sum += Int(source[(y * width + x) * channels + k]) } }
            picture[(r * width + c) * channels + k] = byte(Double(sum) / area)
          }
        }
      }
    }
  }
}
