import Glibc
import ReproConfig

/// The seal of an HDF5 file: 512 bytes of text before the HDF5 data (its "user block") with their SHA-256 and length.
///
/// A sealed file is checked before libhdf5 parses a byte of it, so damage is an error and never a crash; h5py and
/// h5dump skip the block.
enum HDF5Seal {
  /// The smallest user block that HDF5 allows.
  static let length = 512
  private static let title = "repro sealed hdf5 1\n"

  /// Writes the seal into the user block of a finished file; what it names is returned.
  @discardableResult
  static func close(_ path: String, reportedAs shown: String) throws -> String {
    let size = try SafeFile.size(path)
    let sha256 = try SafeFile.sha256(path, from: length)
    var block = Array("\(title)sha256 \(sha256)\nbytes \(size - length)\n".utf8)
    block += [UInt8](repeating: 0, count: length - block.count)
    try SafeFile.overwrite(path, bytes: block, reportedAs: shown)
    return sha256
  }

  /// The SHA-256 of the data of a sealed file, after checking it against the data; nil for a file without a seal.
  ///
  /// - Throws: `ReproError` if the file is not what was sealed.
  static func verify(_ path: String) throws -> String? {
    let file = try OpenFile(path)
    var block = [UInt8](repeating: 0, count: length)
    let count = try block.withUnsafeMutableBytes { try file.read(at: 0, into: $0) }
    guard count >= title.utf8.count, block.starts(with: title.utf8) else { return nil }
    let lines = String(decoding: block.prefix { $0 != 0 }, as: UTF8.self).split(separator: "\n")
    guard lines.count == 3, lines[1].hasPrefix("sha256 "), lines[2].hasPrefix("bytes "),
      let bytes = Int(lines[2].dropFirst(6))
    else { throw ReproError.data(path, byte: title.utf8.count, "the seal of the file is damaged") }
    guard file.size - length == bytes else {
      throw ReproError.data(path, "the file holds \(max(0, file.size - length)) bytes of data", expected: "\(bytes)")
    }
    let expected = String(lines[1].dropFirst(7))
    let found = try SafeFile.sha256(path, from: length)
    guard found == expected else {
      throw ReproError.data(path, "the data is damaged: sha256 \(found)", expected: expected)
    }
    return found
  }
}
