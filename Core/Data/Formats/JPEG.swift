import CTurboJPEG
import ReproConfig
import ReproTensor

/// Decodes JPEG files to RGB with libjpeg-turbo; the same bytes on every machine that has the same version of it.
///
/// The accurate integer inverse DCT and smooth chroma upsampling are used; damaged data is an error, never a guess. A
/// decoder is for one thread.
public final class JPEGDecoder {
  /// What decoded pixels depend on: part of the name of every cache of decoded images.
  public static var version: String { "libjpeg-turbo \(String(cString: turbojpeg_library_version()))" }

  private let handle: tjhandle

  /// - Throws: `ReproError` if the library has no memory for a decoder.
  public init() throws {
    guard let handle = tjInitDecompress() else {
      throw ReproError.data("libjpeg-turbo", "no decoder: \(String(cString: tjGetErrorStr2(nil)))")
    }
    self.handle = handle
  }

  deinit { tjDestroy(handle) }

  /// The size of an image, from its header.
  ///
  /// - Parameters:
  ///   - name: the image, for messages: a path, perhaps with an item's number.
  ///   - start: where it begins in that file.
  /// - Throws: `ReproError` if the header cannot be read, or claims more pixels than the bytes can hold.
  public func size(_ bytes: UnsafeRawBufferPointer, name: String, start: Int = 0) throws -> (height: Int, width: Int) {
    var (width, height, subsampling, colors): (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
    let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    guard
      tjDecompressHeader3(handle, base, UInt(bytes.count), &width, &height, &subsampling, &colors) == 0,
      width > 0, height > 0
    else { throw failure(name, start) }
    guard colors != Int32(TJCS_CMYK.rawValue), colors != Int32(TJCS_YCCK.rawValue) else {
      throw ReproError.data(name, byte: start, "a JPEG for printing (CMYK)", expected: "grey or colour")
    }
    // Every 8x8 block takes at least one bit of the file.
    guard Int(width) * Int(height) <= bytes.count * 512 else {
      throw ReproError.data(
        name, byte: start, "the header claims \(width)x\(height) pixels, but the JPEG has \(bytes.count) bytes")
    }
    return (Int(height), Int(width))
  }

  /// Decodes an image of a known size into memory of the caller's, `[height, width, 3]`; grey becomes R = G = B.
  public func decode(
    _ bytes: UnsafeRawBufferPointer, height: Int, width: Int, into pixels: UnsafeMutableBufferPointer<UInt8>,
    name: String, start: Int = 0
  ) throws {
    require(pixels.count == height * width * 3, "\(pixels.count) bytes of room for [\(height), \(width), 3]")
    let found = try size(bytes, name: name, start: start)
    guard found == (height, width) else {
      throw ReproError.data(
        name, byte: start, "an image of \(found.width)x\(found.height)", expected: "\(width)x\(height)")
    }
    let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    let status = tjDecompress2(
      handle, base, UInt(bytes.count), pixels.baseAddress, Int32(width), 0, Int32(height), Int32(TJPF_RGB.rawValue),
      turbojpeg_decode_flags())
    guard status == 0 else { throw failure(name, start) }
  }

  /// Decodes a whole JPEG file that is in memory, to one RGB image.
  public func decode(_ bytes: [UInt8], name: String) throws -> ImageBatch {
    try bytes.withUnsafeBytes { raw in
      let (height, width) = try size(raw, name: name)
      var pixels = [UInt8](repeating: 0, count: height * width * 3)
      try pixels.withUnsafeMutableBufferPointer {
        try decode(raw, height: height, width: width, into: $0, name: name)
      }
      return ImageBatch(count: 1, height: height, width: width, channels: 3, bytes: pixels)
    }
  }

  private func failure(_ name: String, _ start: Int) -> ReproError {
    ReproError.data(name, byte: start, "the JPEG cannot be decoded (\(String(cString: tjGetErrorStr2(handle))))")
  }

  /// Decodes many images of one size that lie end to end, on all threads.
  ///
  /// - Parameters:
  ///   - items: where each image lies in `bytes`.
  ///   - name: the file, for messages.
  /// - Returns: `[items.count, height, width, 3]`.
  public static func decodeAll(
    _ bytes: [UInt8], items: [Range<Int>], height: Int, width: Int, name: String
  ) throws -> [UInt8] {
    let tile = 256
    let tiles = (items.count + tile - 1) / tile
    let size = height * width * 3
    var pixels = [UInt8](repeating: 0, count: items.count * size)
    var failures = [ReproError?](repeating: nil, count: tiles)
    bytes.withUnsafeBytes { source in
      pixels.withUnsafeMutableBufferPointer { target in
        failures.withUnsafeMutableBufferPointer { failures in
          ThreadPool.shared.forEach(tiles) { t in
            do {
              let decoder = try JPEGDecoder()
              for i in t * tile..<min((t + 1) * tile, items.count) {
                try decoder.decode(
                  UnsafeRawBufferPointer(rebasing: source[items[i]]), height: height, width: width,
                  into: UnsafeMutableBufferPointer(rebasing: target[i * size..<(i + 1) * size]),
                  name: "\(name) item \(i)", start: items[i].lowerBound)
              }
            } catch let error as ReproError {
              failures[t] = error
            } catch {
              failures[t] = ReproError.data(name, "\(error)")
            }
          }
        }
      }
    }
    // The first in the order of the file, whichever thread met its first.
    if let failure = failures.lazy.compactMap({ $0 }).first { throw failure }
    return pixels
  }
}
