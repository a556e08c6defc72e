import CPNG
import ReproConfig
import ReproTensor

/// PNG files with 8 bits a channel, by libpng: grey, grey and alpha, RGB, RGBA.
public enum PNG {
  /// What encoded bytes depend on.
  public static var version: String { "libpng \(String(cString: png_library_version()))" }

  /// Decodes a PNG file that is in memory.
  ///
  /// Palettes become RGB(A); 16-bit values are rounded to 8; pixels are sRGB (a file with another gamma is converted).
  ///
  /// - Parameter channels: 1, 2, 3 or 4; nil takes the file's own. Taking alpha away composes over white.
  /// - Throws: `ReproError` with the byte offset if the file is damaged, ends early, or its header claims more pixels
  ///   than its bytes can hold.
  public static func decode(_ bytes: [UInt8], channels: Int? = nil, name: String) throws -> ImageBatch {
    try bytes.withUnsafeBytes { raw in
      try checkHeader(raw, name)
      var image = png_image_empty()
      defer { png_image_free(&image) }
      guard png_image_begin_read_from_memory(&image, raw.baseAddress, raw.count) != 0 else {
        throw failure(image, name)
      }
      image.flags |= png_16_bit_is_srgb()
      let hasColor = png_has_color(image.format) != 0
      let hasAlpha = png_has_alpha(image.format) != 0
      let count = channels ?? (hasColor ? 3 : 1) + (hasAlpha ? 1 : 0)
      image.format = format(count)
      let (height, width) = (Int(image.height), Int(image.width))
      var pixels = [UInt8](repeating: 0, count: height * width * count)
      var white = png_color(red: 255, green: 255, blue: 255)
      let status = pixels.withUnsafeMutableBytes {
        png_image_finish_read(&image, &white, $0.baseAddress, Int32(width * count), nil)
      }
      guard status != 0, png_failed(&image) == 0 else { throw failure(image, name) }
      return ImageBatch(count: 1, height: height, width: width, channels: count, bytes: pixels)
    }
  }

  /// Reads a PNG file; see `decode`.
  public static func read(_ path: String, channels: Int? = nil) throws -> ImageBatch {
    try decode(try SafeFile.read(path), channels: channels, name: path)
  }

  /// The PNG file of one image of a batch; equal pixels give equal bytes.
  ///
  /// - Parameter images: 1 (grey), 2 (with alpha), 3 (RGB) or 4 (RGBA) channels.
  public static func encode(_ images: ImageBatch, _ index: Int = 0) throws -> [UInt8] {
    require((0..<images.count).contains(index), "image \(index) of \(images.count)")
    require(images.height > 0 && images.width > 0, "a PNG has at least one pixel")
    let size = images.height * images.width * images.channels
    var image = png_image_empty()
    defer { png_image_free(&image) }
    image.width = UInt32(images.width)
    image.height = UInt32(images.height)
    image.format = format(images.channels)
    return try images.bytes.withUnsafeBytes { raw in
      let pixels = raw.baseAddress?.advanced(by: index * size)
      let stride = Int32(images.width * images.channels)
      // Room for stored (uncompressed) rows and the chunks around them.
      var room = png_alloc_size_t(size + images.height + size / 1000 + 4096)
      var bytes = [UInt8](repeating: 0, count: Int(room))
      guard png_image_write_to_memory(&image, &bytes, &room, 0, pixels, stride, nil) != 0 else {
        throw failure(image, "a PNG of \(images.width)x\(images.height)")
      }
      bytes.removeLast(bytes.count - Int(room))
      return bytes
    }
  }

  /// Writes one image of a batch as a PNG file, atomically.
  public static func write(_ path: String, _ images: ImageBatch, _ index: Int = 0) throws {
    try SafeFile.write(path, bytes: try encode(images, index))
  }

  private static func format(_ channels: Int) -> png_uint_32 {
    require((1...4).contains(channels), "a PNG has 1 to 4 channels, got \(channels)")
    return [png_format_gray(), png_format_gray_alpha(), png_format_rgb(), png_format_rgba()][channels - 1]
  }

  /// The header's claim against the size of the file: deflate packs at most 1032 bytes into one.
  private static func checkHeader(_ bytes: UnsafeRawBufferPointer, _ name: String) throws {
    var reader = try ByteReader(bytes, file: name)
    guard try reader.take(8, "the signature").elementsEqual([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) else {
      throw reader.error("this is not a PNG file", at: 0)
    }
    _ = try reader.take(8, "the first chunk")
    let width = Int(try reader.big(4, "the width"))
    let height = Int(try reader.big(4, "the height"))
    let depth = Int(try reader.big(1, "the bit depth"))
    let color = Int(try reader.big(1, "the colour type"))
    guard let samples = [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][color], [1, 2, 4, 8, 16].contains(depth), width > 0, height > 0
    else { throw reader.error("a \(width)x\(height) image of type \(color), depth \(depth)", at: 16) }
    let rowBits = width * samples * depth  // at most 2^32 * 64
    let (stored, overflow) = ((rowBits + 7) / 8 + 1).multipliedReportingOverflow(by: height)
    guard !overflow, stored <= bytes.count * Deflate.largestExpansion else {
      throw reader.error(
        "the header claims \(width)x\(height) pixels, but the file has \(bytes.count) bytes", at: 16)
    }
  }

  private static func failure(_ image: png_image, _ name: String) -> ReproError {
    withUnsafePointer(to: image) {
      ReproError.data(name, "the PNG cannot be decoded (\(String(cString: png_message($0))))")
    }
  }
}
