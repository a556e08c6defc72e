import CCrypto
import ReproTensor

/// A running SHA-256 (FIPS 180-4), computed by OpenSSL.
public struct SHA256: ~Copyable {
  private let context: OpaquePointer

  public init() {
    guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
      requirementFailed("OpenSSL has no SHA-256")
    }
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  /// Appends bytes to the message.
  public func update(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
    require(EVP_DigestUpdate(context, base, bytes.count) == 1, "SHA-256 of \(bytes.count) bytes failed")
  }

  /// The digest as 64 lower-case hexadecimal digits; the message ends here.
  public consuming func hex() -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    require(EVP_DigestFinal_ex(context, &digest, nil) == 1, "SHA-256 could not be finished")
    return SHA256.hex(digest)
  }

  /// The digest of a whole message, 64 lower-case hexadecimal digits.
  public static func hex(of bytes: [UInt8]) -> String {
    let hash = SHA256()
    bytes.withUnsafeBytes { hash.update($0) }
    return hash.hex()
  }

  /// The digest of a text's UTF-8 bytes.
  public static func hex(of text: String) -> String { hex(of: Array(text.utf8)) }

  private static func hex(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
