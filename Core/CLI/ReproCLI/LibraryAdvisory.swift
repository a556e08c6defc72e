import ReproEngine

/// A problem of a library of C that a file or a server from outside may cause, and in which of its authors' versions.
///
/// The table is small: per library the last problems, known when this was written, of what the program calls.
/// Distributions mend problems without changing the authors' version number, so a match is a question, not a verdict.
struct LibraryAdvisory: Sendable {
  /// As `repro doctor` calls it.
  let library: String
  let id: String
  /// What happens, in a few words.
  let what: String
  /// Where it is described.
  let source: String
  /// Versions that have it: from the first on, before the second.
  let ranges: [(from: LibraryVersion, before: LibraryVersion)]

  private init(_ library: String, _ id: String, _ what: String, _ ranges: [(String, String)], _ source: String) {
    (self.library, self.id, self.what, self.source) = (library, id, what, source)
    self.ranges = ranges.map { (LibraryVersion($0.0), LibraryVersion($0.1)) }
  }

  /// - Parameter version: as the library tells it, also with words around it: `OpenSSL 3.0.14 4 Jun 2024`.
  /// - Returns: whether the authors' release of this version has the problem.
  func concerns(_ version: LibraryVersion) -> Bool {
    ranges.contains { $0.from <= version && version < $0.before }
  }

  /// What is known of a version of a library; nil if nothing is, or the version cannot be read.
  static func note(_ library: String, version text: String) -> String? {
    let version = LibraryVersion(text)
    guard !version.parts.isEmpty else { return nil }
    let found = all.filter { $0.library == library && $0.concerns(version) }
    guard !found.isEmpty else { return nil }
    let list = found.map { "\($0.id) (\($0.what); \($0.source))" }.joined(separator: ", ")
    return
      "version \(version) of its authors has known problems: \(list). Your distribution may have mended them under "
      + "the same number"
  }

  static let all: [LibraryAdvisory] = [
    LibraryAdvisory(
      "libpng", "CVE-2025-65018", "interlaced 16-bit pictures overflow a buffer", [("1.6.0", "1.6.51")],
      "https://github.com/pnggroup/libpng/security/advisories/GHSA-7wv6-48j4-hj3g"),
    LibraryAdvisory(
      "libpng", "CVE-2026-22695", "interlaced 16-bit pictures are read beyond a buffer", [("1.6.51", "1.6.54")],
      "https://github.com/pnggroup/libpng/security/advisories/GHSA-mmq5-27w3-rxpp"),
    LibraryAdvisory(
      "libjpeg-turbo", "CVE-2020-35538", "damaged pictures crash it", [("0", "2.0.6")],
      "https://osv.dev/vulnerability/CVE-2020-35538"),
    LibraryAdvisory(
      "HDF5", "CVE-2024-29157 and others of May 2024", "damaged files overflow buffers", [("0", "1.14.4")],
      "https://www.hdfgroup.org/2024/05/new-hdf5-cve-issues-fixed-in-1-14-4/"),
    LibraryAdvisory(
      "HDF5", "CVE-2025-44904", "damaged files overflow a buffer", [("1.14.4", "1.14.7")],
      "https://osv.dev/vulnerability/CVE-2025-44904"),
    LibraryAdvisory(
      "libcurl", "CVE-2023-38545", "long host names overflow a buffer, where a SOCKS5 proxy is used",
      [("7.69.0", "8.4.0")], "https://curl.se/docs/CVE-2023-38545.html"),
    LibraryAdvisory(
      "libyaml", "CVE-2014-2525", "long tags overflow a buffer", [("0", "0.1.6")],
      "https://nvd.nist.gov/vuln/detail/CVE-2014-2525"),
    LibraryAdvisory(
      "libyaml", "CVE-2014-9130", "wrapped texts end the program", [("0", "0.1.7")],
      "https://nvd.nist.gov/vuln/detail/CVE-2014-9130"),
    LibraryAdvisory(
      "libcrypto", "CVE-2024-6119", "servers' certificates crash it",
      [("3.0.0", "3.0.15"), ("3.1.0", "3.1.7"), ("3.2.0", "3.2.3"), ("3.3.0", "3.3.2")],
      "https://nvd.nist.gov/vuln/detail/CVE-2024-6119"),
  ]
}

/// A version like `1.6.39`: numbers, compared one after the other; missing ones count as 0.
struct LibraryVersion: Comparable, CustomStringConvertible {
  let parts: [Int]

  /// - Parameter text: the first word of it that begins with a digit and has a point in it, or begins with one after an
  ///   epoch (`1:2.1.5-2`); what follows the numbers (`-2`, `+deb12u4`, `a`) does not count.
  init(_ text: String) {
    let words = text.split(separator: " ").map { $0.split(separator: ":").last ?? $0 }
    let isAlone = words.count == 1
    let word = words.first { ($0.first?.isNumber ?? false) && (isAlone || $0.contains(".")) } ?? ""
    let numbers = word.prefix { $0.isNumber || $0 == "." }
    parts = numbers.split(separator: ".").compactMap { Int($0) }
  }

  var description: String { parts.map { "\($0)" }.joined(separator: ".") }

  static func < (a: LibraryVersion, b: LibraryVersion) -> Bool {
    for i in 0..<max(a.parts.count, b.parts.count) {
      let (x, y) = (i < a.parts.count ? a.parts[i] : 0, i < b.parts.count ? b.parts[i] : 0)
      if x != y { return x < y }
    }
    return false
  }

  static func == (a: LibraryVersion, b: LibraryVersion) -> Bool { !(a < b) && !(b < a) }
}

/// What Debian's package manager says of the machine.
enum DebianPackage {
  /// The version of an installed package, such as `1:2.1.5-2`; nil if there is none, or this is not Debian.
  static func version(of name: String, status: String = procFile("/var/lib/dpkg/status")) -> String? {
    var isThisOne = false
    for line in status.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.isEmpty {
        isThisOne = false
      } else if line.hasPrefix("Package: ") {
        isThisOne = line.dropFirst(9) == name
      } else if isThisOne, line.hasPrefix("Version: ") {
        return String(line.dropFirst(9))
      }
    }
    return nil
  }
}
