import ReproConfig
import Testing

@testable import ReproData

/// Small files of other programs, made by `Tests/Support/vectors/make_format_vectors.py`.
func foreignFile(_ name: String) throws -> [UInt8] {
  // This file is <package>/Tests/DataTests/Formats/ForeignFiles.swift.
  var root = Substring(#filePath)
  for _ in 0..<3 { root = root.prefix(upTo: root.lastIndex(of: "/") ?? root.startIndex) }
  let files = try JSONValue(path: "\(root)/Support/vectors/format_files.json")
  return base64(try files.required(name, as: \.string, at: "format_files.json"))
}

private func base64(_ text: String) -> [UInt8] {
  let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  var bytes: [UInt8] = []
  var (bits, count) = (0, 0)
  for character in text.utf8 {
    guard let value = alphabet.firstIndex(of: character) else { break }
    bits = (bits << 6 | value) & 0xFFFF
    count += 6
    if count >= 8 {
      count -= 8
      bytes.append(UInt8(truncatingIfNeeded: bits >> count))
    }
  }
  return bytes
}
