import CTurboJPEG
import ReproData

/// libjpeg-turbo offers no version at run time, so its behaviour is recorded instead: the hash of a fixed pattern that was
/// compressed (4:2:0, quality 75) and decompressed again.
let turboJPEGVersion: String = {
  let side: Int32 = 32
  let pixels = (0..<Int(side * side * 3)).map { UInt8(truncatingIfNeeded: $0 &* 73 ^ ($0 >> 5) &* 151) }
  var decoded = [UInt8](repeating: 0, count: pixels.count)
  guard let compressor = tjInitCompress(), let decompressor = tjInitDecompress() else { return "unavailable" }
  defer {
    tjDestroy(compressor)
    tjDestroy(decompressor)
  }
  var file: UnsafeMutablePointer<UInt8>?
  var size: UInt = 0
  defer { tjFree(file) }
  let ok =
    tjCompress2(
      compressor, pixels, side, 0, side, Int32(TJPF_RGB.rawValue), &file, &size, Int32(TJSAMP_420.rawValue), 75, 0) == 0
    && tjDecompress2(decompressor, file, size, &decoded, side, 0, side, Int32(TJPF_RGB.rawValue), 0) == 0
  return ok ? "probe " + SHA256.hex(of: decoded).prefix(16) : "unavailable"
}()
