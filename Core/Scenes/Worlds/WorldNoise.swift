import ReproTensor

/// What cameras do to pictures.
enum WorldNoise {
  /// Adds independent normal noise to every byte.
  ///
  /// - Parameter deviation: levels of 0...255.
  static func add(to bytes: inout [UInt8], deviation: Float, _ stream: RandomStream) {
    var random = stream
    let noise = random.gaussians(bytes.count)
    for i in bytes.indices {
      bytes[i] = UInt8(min(max((Float(bytes[i]) + deviation * noise[i]).rounded(), 0), 255))
    }
  }

  /// A 3 x 3 binomial blur of interleaved channels; the edge is repeated.
  static func blur(_ bytes: inout [UInt8], width: Int, height: Int, channels: Int) {
    let source = bytes
    func at(_ x: Int, _ y: Int, _ c: Int) -> Int {
      Int(source[(min(max(y, 0), height - 1) * width + min(max(x, 0), width - 1)) * channels + c])
    }
    for y in 0..<height {
      for x in 0..<width {
        for c in 0..<channels {
          var sum = 0
          for (dy, wy) in [(-1, 1), (0, 2), (1, 1)] {
            sum += wy * (at(x - 1, y + dy, c) + 2 * at(x, y + dy, c) + at(x + 1, y + dy, c))
          }
          bytes[(y * width + x) * channels + c] = UInt8((sum + 8) / 16)
        }
      }
    }
  }
}
