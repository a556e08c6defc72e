import Glibc
import ReproConfig
import TestSupport
import Testing

@testable import ReproData

/// Servers that refuse, dawdle, or ask for patience.
@Suite struct SlowServerTests {
  private static let bytes = (0..<40_000).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 2) }
  private static let sha256 = SHA256.hex(of: bytes)

  private func quick() -> Downloader {
    var downloader = Downloader()
    (downloader.pause, downloader.attempts, downloader.connectTimeout) = (0.005, 3, 2)
    return downloader
  }

  private func fetch(
    _ downloader: Downloader, _ answer: @escaping @Sendable (LocalServer.Request) -> LocalServer.Reply,
    _ check: (_ error: ReproError?, _ requests: [String], _ folder: String) throws -> Void
  ) throws {
    try withTemporaryFolder { folder in
      try LocalServer.run(answer) { server in
        let source = Downloader.Source("\(server.url)/file", allowed: .http)
        let error = reproError {
          try downloader.fetch([source], to: "\(folder)/file", bytes: Self.bytes.count, sha256: Self.sha256)
        }
        if error == nil { #expect(try SafeFile.read("\(folder)/file") == Self.bytes) }
        try check(error, server.requests, folder)
      }
    }
  }

  private func seconds(_ body: () throws -> Void) rethrows -> Double {
    var (a, b) = (timespec(), timespec())
    clock_gettime(CLOCK_MONOTONIC, &a)
    try body()
    clock_gettime(CLOCK_MONOTONIC, &b)
    return Double(b.tv_sec - a.tv_sec) + Double(b.tv_nsec - a.tv_nsec) * 1e-9
  }

  @Test func aForbiddenFileIsAskedForOnce() throws {
    try fetch(quick(), { _ in .init("403 Forbidden", Array("<html>no</html>".utf8)) }) { error, requests, folder in
      #expect(error?.found.contains("the server answers with status 403") == true && error?.domain == .data)
      #expect(requests == ["/file"] && SafeFile.list(folder).isEmpty)
    }
  }

  @Test func aBusyServerGetsThePauseThatItAsksFor() throws {
    let time = try seconds {
      try fetch(
        quick(),
        { request in
          request.number == 1
            ? .init("429 Too Many Requests", [], fields: [("Retry-After", "1")]) : .file(Self.bytes, request)
        }
      ) { error, requests, _ in #expect(error == nil && requests.count == 2) }
    }
    #expect(time >= 1)
    // But no more than the limit, and no date and no nonsense.
    var downloader = quick()
    downloader.longestPause = 0.05
    let answers = ["100000", "Fri, 31 Dec 1999 23:59:59 GMT", "-5"]
    let short = try seconds {
      try fetch(downloader, { .init("503 Busy", [], fields: [("Retry-After", answers[$0.number - 1])]) }) {
        error, requests, _ in #expect(error?.found.contains("status 503 (3 attempts)") == true && requests.count == 3)
      }
    }
    #expect(short < 5)
  }

  @Test func aSlowButSteadyServerIsWaitedFor() throws {
    try fetch(
      quick(),
      { request in
        var reply = LocalServer.Reply.file(Self.bytes, request)
        reply.drip = (2_000, 10)
        return reply
      }
    ) { error, requests, _ in #expect(error == nil && requests == ["/file"]) }
  }

  @Test func anAttemptThatTakesTooLongGoesOnWhereItStopped() throws {
    var downloader = quick()
    downloader.attemptTimeout = 0.4
    try fetch(
      downloader,
      { request in
        var reply = LocalServer.Reply.file(Self.bytes, request)
        if request.number == 1 { reply.drip = (4_000, 100) }
        return reply
      }
    ) { error, requests, _ in
      #expect(error == nil && requests.count == 2)
      #expect(requests.last?.hasPrefix("/file ") == true, "resumed: \(requests)")
    }
  }

  @Test func aServerThatDripsIsGivenUp() throws {
    var downloader = quick()
    (downloader.attempts, downloader.stallTimeout, downloader.slowest) = (1, 1, 50_000)
    try fetch(
      downloader,
      { request in
        var reply = LocalServer.Reply.file(Self.bytes, request)
        reply.drip = (100, 20)
        return reply
      }
    ) { error, _, folder in
      #expect(error?.found.contains("too slow") == true)
      // What came is kept for the next time.
      #expect(SafeFile.list(folder) == ["file.part"])
    }
  }

  @Test func theDigestIsOfAllPartsOfAFile() throws {
    try withTemporaryFolder { folder in
      try SafeFile.write("\(folder)/x.part", bytes: Array(Self.bytes[..<1000]))
      let part = try PartialFile("\(folder)/x")
      Array(Self.bytes[1000...]).withUnsafeBytes { raw in
        #expect(throws: Never.self) { try part.append(raw) }
      }
      #expect(part.sha256() == Self.sha256)
      try part.restart()
      [UInt8](arrayLiteral: 1, 2).withUnsafeBytes { raw in #expect(throws: Never.self) { try part.append(raw) } }
      #expect(part.sha256() == SHA256.hex(of: [1, 2]))
      part.close()
    }
  }
}

@Suite struct UnpackerTests {
  private func unpack(
    _ bytes: [UInt8], _ unpacker: Unpacker = Unpacker(), _ check: (ReproError?, String, [String]) throws -> Void
  ) throws {
    try withTemporaryFolder { folder in
      try SafeFile.write("\(folder)/a", bytes: bytes)
      var names: [String] = []
      let error = reproError { names = try unpacker.unpack("\(folder)/a", to: "\(folder)/out") }
      // Nothing is left beside the folder, and nothing at all after an error.
      #expect(SafeFile.list(folder) == (error == nil ? ["a", "out"] : ["a"]))
      try check(error, "\(folder)/out", names)
    }
  }

  @Test func archivesOfAllKindsGiveTheirFiles() throws {
    let files: [(name: String, bytes: [UInt8])] = [("a/b/c.txt", [1, 2, 3]), ("d", []), ("a/e", [9])]
    for bytes in [ZipArchive.archive(files), makeTar(files), Deflate.deflate(makeTar(files), .gzip)] {
      try unpack(bytes) { error, folder, names in
        #expect(error == nil && names == ["a/b/c.txt", "d", "a/e"])
        for (name, contents) in files {
          let found = try SafeFile.read("\(folder)/\(name)")
          #expect(found == contents)
        }
      }
    }
  }

  @Test func namesThatLeadOutAreRefused() throws {
    for name in ["../x", "/tmp/x", "a/../../x", "a/..", ""] {
      try unpack(ZipArchive.archive([("good", [1]), (name, [2])])) { error, _, _ in
        #expect(error?.domain == .data, "\(name)")
        #expect(error?.found.contains("leaves the archive") == true, "\(name): \(error?.found ?? "")")
      }
    }
    try unpack(makeTar([("../x", [1])])) { error, _, _ in
      #expect(error?.found == "the name '../x' leaves the archive")
    }
  }

  @Test func namesThatStandTwiceOrAreFilesAndFoldersAreRefused() throws {
    try unpack(ZipArchive.archive([("a//b", [1]), ("a/./b", [2])])) { error, _, _ in
      #expect(error?.found.contains("stands twice") == true)
    }
    try unpack(ZipArchive.archive([("a", [1]), ("a/b", [2])])) { error, _, _ in #expect(error?.domain == .data) }
  }

  @Test func linksAreRefused() throws {
    var zip = ZipArchive.archive([("link", Array("/etc/passwd".utf8))], level: nil)
    let directory = zip.count - 22 - 46 - 4
    // The Unix mode of a symbolic link, in the upper half of the external attributes.
    zip[directory + 38 + 3] = 0xA1
    try unpack(zip) { error, _, _ in #expect(error?.found == "'link' is a link") }
    var tar = makeTar([("link", [])])
    tar[156] = UInt8(ascii: "2")
    tar.replaceSubrange(157..<(157 + 11), with: Array("/etc/passwd".utf8))
    let sum = 8 * 32 + tar[..<512].reduce(0) { $0 + Int($1) } - tar[148..<156].reduce(0) { $0 + Int($1) }
    let digits = String(sum, radix: 8)
    let field = String(repeating: "0", count: 6 - digits.count) + digits + "\0 "
    tar.replaceSubrange(148..<156, with: Array(field.utf8))
    try unpack(tar) { error, _, _ in #expect(error?.found == "'link' is a link to '/etc/passwd'") }
  }

  @Test func bombsAreRefusedBeforeTheyAreUnpacked() throws {
    let zeros = [UInt8](repeating: 0, count: 80 << 20)
    try unpack(ZipArchive.archive([("zeros", zeros)], level: 9)) { error, _, _ in
      #expect(error?.found.hasPrefix("the archive unpacks to 83886080 bytes, ") == true)
      #expect(error?.expected == "at most 200 times")
    }
    try unpack(Deflate.deflate(makeTar([("zeros", zeros)]), .gzip, level: 9)) { error, _, _ in
      #expect(error?.found.contains("unpacks to more than") == true)
    }
    var small = Unpacker()
    small.largest = 10
    try unpack(ZipArchive.archive([("a", [UInt8](0..<8)), ("b", [UInt8](0..<8))]), small) { error, _, _ in
      #expect(error?.found == "the archive unpacks to more than 10 bytes")
    }
    small = Unpacker()
    small.mostFiles = 1
    try unpack(ZipArchive.archive([("a", [1]), ("b", [2])]), small) { error, _, _ in
      #expect(error?.found == "the archive has 2 files")
    }
  }

  @Test func aFolderThatIsThereStays() throws {
    try withTemporaryFolder { folder in
      try SafeFile.write("\(folder)/a", bytes: ZipArchive.archive([("x", [1])]))
      try SafeFile.makeFolder("\(folder)/out")
      try SafeFile.write("\(folder)/out/mine", bytes: [7])
      let error = reproError { try Unpacker().unpack("\(folder)/a", to: "\(folder)/out") }
      #expect(error?.found == "the folder is there already" && SafeFile.list("\(folder)/out") == ["mine"])
    }
  }
}
