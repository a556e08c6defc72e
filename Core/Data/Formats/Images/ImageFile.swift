import ReproConfig
import ReproTensor

/// Image files of any kind that is read, told apart by their first bytes.
public enum ImageFile {
  /// The endings of names that are taken for images, in lower case.
  static let endings = [".jpg", ".jpeg", ".png", ".pgm", ".ppm"]

  /// What decoded pixels depend on.
  static var decoders: String { "\(JPEGDecoder.version), \(PNG.version)" }

  static func hasImageName(_ name: String) -> Bool {
    let lower = name.lowercased()
    return !name.hasPrefix(".") && endings.contains { lower.hasSuffix($0) }
  }

  /// Decodes a JPEG, PNG, PGM or PPM file that is in memory.
  ///
  /// - Parameter channels: 1 (grey), 3 (RGB) or 4 (RGBA); nil takes the file's own. Grey is made of colours by
  ///   `0.299 R + 0.587 G + 0.114 B` (ITU-R BT.601), rounded.
  public static func decode(_ bytes: [UInt8], channels: Int? = nil, name: String) throws -> ImageBatch {
    let image: ImageBatch
    switch (bytes.first, bytes.dropFirst().first) {
    case (0xFF, 0xD8): image = try JPEGDecoder().decode(bytes, name: name)
    case (0x89, 0x50): return try PNG.decode(bytes, channels: channels == 1 ? nil : channels, name: name).with(channels)
    case (UInt8(ascii: "P"), _): image = try PNMImage(bytes, file: name).image
    default: throw ReproError.data(name, byte: 0, "this is no image", expected: "a JPEG, PNG, PGM or PPM file")
    }
    return image.with(channels)
  }

  /// Reads an image file; see `decode`.
  public static func read(_ path: String, channels: Int? = nil) throws -> ImageBatch {
    try decode(try SafeFile.read(path, limit: 1 << 28), channels: channels, name: path)
  }
}

extension ImageBatch {
  /// The same images with another number of channels; alpha is dropped, or added as opaque.
  func with(_ wanted: Int?) -> ImageBatch {
    guard let wanted, wanted != channels else { return self }
    require([1, 3, 4].contains(wanted) && (1...4).contains(channels), "from \(channels) channels to \(wanted)")
    let pixels = bytes.count / channels
    var result = [UInt8](repeating: 255, count: pixels * wanted)
    for p in 0..<pixels {
      let from = p * channels
      let (r, g, b) =
        channels < 3 ? (bytes[from], bytes[from], bytes[from]) : (bytes[from], bytes[from + 1], bytes[from + 2])
      if wanted == 1 {
        let sum: Int = 299 * Int(r) + 587 * Int(g) + 114 * Int(b)
        result[p] = channels < 3 ? r : UInt8((sum + 500) / 1000)
      } else {
        (result[p * wanted], result[p * wanted + 1], result[p * wanted + 2]) = (r, g, b)
        if wanted == 4, channels == 2 { result[p * 4 + 3] = bytes[from + 1] }
      }
    }
    return ImageBatch(count: count, frames: frames, height: height, width: width, channels: wanted, bytes: result)
  }

  /// A part of every image.
  func cropped(top: Int, left: Int, height newHeight: Int, width newWidth: Int) -> ImageBatch {
    require(
      top >= 0 && left >= 0 && top + newHeight <= height && left + newWidth <= width,
      "a part \(newWidth)x\(newHeight) at (\(left), \(top)) of \(width)x\(height)")
    var result: [UInt8] = []
    result.reserveCapacity(count * frames * newHeight * newWidth * channels)
    for i in 0..<count * frames {
      for y in top..<top + newHeight {
        let start = ((i * height + y) * width + left) * channels
        result += bytes[start..<start + newWidth * channels]
      }
    }
    return ImageBatch(
      count: count, frames: frames, height: newHeight, width: newWidth, channels: channels, bytes: result)
  }

  /// Every image resampled with the triangle filter, widened when shrinking so that nothing aliases; rounded once.
  ///
  ///     out_i = sum_k w_ik in_k,  w_ik ~ max(0, 1 - |(k + 1/2) - (i + 1/2) s| / max(s, 1)),  s = in / out
  func resized(height newHeight: Int, width newWidth: Int) -> ImageBatch {
    if newHeight == height && newWidth == width { return self }
    require(
      newHeight > 0 && newWidth > 0 && height > 0 && width > 0, "from \(width)x\(height) to \(newWidth)x\(newHeight)")
    let (across, down) = (Taps(width, newWidth), Taps(height, newHeight))
    let (from, to) = (height * width * channels, newHeight * newWidth * channels)
    var result = [UInt8](repeating: 0, count: count * frames * to)
    let images = count * frames
    result.withUnsafeMutableBufferPointer { target in
      bytes.withUnsafeBufferPointer { source in
        ThreadPool.shared.forEach(images) { i in
          var rows = [Float](repeating: 0, count: height * newWidth * channels)
          for y in 0..<height {
            for x in 0..<newWidth {
              for c in 0..<channels {
                var sum: Float = 0
                for (k, weight) in across.weights[x].enumerated() {
                  sum += weight * Float(source[i * from + (y * width + across.first[x] + k) * channels + c])
                }
                rows[(y * newWidth + x) * channels + c] = sum
              }
            }
          }
          let row = newWidth * channels
          for y in 0..<newHeight {
            for x in 0..<row {
              var sum: Float = 0
              for (k, weight) in down.weights[y].enumerated() { sum += weight * rows[(down.first[y] + k) * row + x] }
              target[i * to + y * row + x] = UInt8(max(0, min(255, sum.rounded())))
            }
          }
        }
      }
    }
    return ImageBatch(
      count: count, frames: frames, height: newHeight, width: newWidth, channels: channels, bytes: result)
  }

  /// The largest centred part of the target's aspect, resampled to it.
  func fitted(height newHeight: Int, width newWidth: Int) -> ImageBatch {
    if newHeight == height && newWidth == width { return self }
    var (h, w) = (height, width)
    if width * newHeight > newWidth * height {
      w = max(1, (height * newWidth + newHeight / 2) / newHeight)
    } else {
      h = max(1, (width * newHeight + newWidth / 2) / newWidth)
    }
    (h, w) = (min(h, height), min(w, width))
    return cropped(top: (height - h) / 2, left: (width - w) / 2, height: h, width: w)
      .resized(height: newHeight, width: newWidth)
  }
}

/// Where each output sample of a one-dimensional resampling takes its inputs, with normalised weights.
private struct Taps {
  var first: [Int] = []
  var weights: [[Float]] = []

  init(_ n: Int, _ m: Int) {
    let scale = Double(n) / Double(m)
    let support = max(scale, 1)
    for i in 0..<m {
      let centre = (Double(i) + 0.5) * scale
      let low = max(0, Int((centre - support).rounded(.down)))
      let high = min(n, Int((centre + support).rounded(.up)))
      let raw = (low..<high).map { max(0, 1 - abs(Double($0) + 0.5 - centre) / support) }
      let sum = raw.reduce(0, +)
      first.append(low)
      weights.append(raw.map { Float($0 / sum) })
    }
  }
}
