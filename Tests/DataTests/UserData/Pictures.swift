import ReproConfig
import ReproTensor
import TestSupport
import Testing

@testable import ReproData

/// A PNG of one colour.
func picture(_ value: UInt8, height: Int = 12, width: Int = 16, channels: Int = 3) throws -> [UInt8] {
  try PNG.encode(
    ImageBatch(
      count: 1, height: height, width: width, channels: channels,
      bytes: [UInt8](repeating: value, count: height * width * channels)))
}

/// Writes a file, and the folders above it.
func put(_ path: String, _ bytes: [UInt8]) throws {
  try SafeFile.makeFolder(Path.folder(path))
  try SafeFile.write(path, bytes: bytes)
}

func put(_ path: String, text: String) throws { try put(path, Array(text.utf8)) }

/// The grey level of the middle of each sample's first frame.
func levels(_ images: ImageBatch) -> [Int] {
  (0..<images.count).map { i in
    Int(images.bytes[i * images.sampleSize + ((images.height / 2) * images.width + images.width / 2) * images.channels])
  }
}
