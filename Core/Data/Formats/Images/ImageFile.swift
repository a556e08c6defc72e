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
      .resampled(height: newHeight, width: newWidth, .bilinear)
  }
}
