import Testing

@testable import ReproCLI

@Suite struct LibraryAdvisoryTests {
  @Test(arguments: [
    ("1.6.39", [1, 6, 39]), ("OpenSSL 3.0.14 4 Jun 2024", [3, 0, 14]), ("7.88.1, OpenSSL/3.0.15", [7, 88, 1]),
    ("1:2.1.5-2", [2, 1, 5]), ("1.10.8+repack1-1", [1, 10, 8]), ("8", [8]), ("unknown", []), ("", []),
  ])
  func versionsAreReadOutOfWhatLibrariesSay(_ text: String, _ parts: [Int]) {
    #expect(LibraryVersion(text).parts == parts)
  }

  @Test func versionsAreComparedNumberByNumber() {
    let rising = ["0", "0.1.6", "1.6.9", "1.6.10", "1.10.8", "1.14.4", "2"].map(LibraryVersion.init)
    #expect(rising == rising.backwards.sorted())
    #expect(LibraryVersion("1.6") == LibraryVersion("1.6.0"))
  }

  @Test func theVersionsBeforeAndAtARepairAreToldApart() {
    for (library, bad, good) in [
      ("libpng", "1.6.50", "1.6.54"), ("HDF5", "1.10.8", "1.14.7"), ("libcurl", "8.3.0", "8.4.0"),
      ("libyaml", "0.1.6", "0.2.5"), ("libcrypto", "OpenSSL 3.0.14 4 Jun 2024", "OpenSSL 3.0.15 3 Sep 2024"),
      ("libjpeg-turbo", "1:2.0.5-1", "1:2.1.5-2"),
    ] {
      #expect(
        LibraryAdvisory.note(library, version: bad)?.contains("known problems: CVE-") == true, "\(library) \(bad)")
      #expect(LibraryAdvisory.note(library, version: good) == nil, "\(library) \(good)")
    }
    #expect(LibraryAdvisory.note("libcrypto", version: "1.1.1w") == nil, "the problem came with 3.0")
    #expect(LibraryAdvisory.note("libpng", version: "unknown") == nil)
  }

  @Test func everyProblemSaysWhereItIsDescribed() {
    for advisory in LibraryAdvisory.all {
      #expect(advisory.id.hasPrefix("CVE-") && advisory.source.hasPrefix("https://"))
      #expect(advisory.ranges.allSatisfy { $0.from < $0.before })
    }
  }

  @Test func theVersionOfADebianPackageIsThatOfItsOwnParagraph() {
    let status = """
      Package: libturbojpeg0-dev
      Version: 9.9

      Package: libturbojpeg0
      Status: install ok installed
      Version: 1:2.1.5-2

      Package: other
      """
    #expect(DebianPackage.version(of: "libturbojpeg0", status: status) == "1:2.1.5-2")
    #expect(DebianPackage.version(of: "other", status: status) == nil)
    #expect(DebianPackage.version(of: "libturbojpeg0", status: "") == nil)
  }
}

extension Array {
  /// The elements from the last to the first.
  fileprivate var backwards: [Element] { stride(from: count - 1, through: 0, by: -1).map { self[$0] } }
}
