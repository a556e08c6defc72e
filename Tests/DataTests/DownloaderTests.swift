import Glibc
import ReproConfig
import Synchronization
import TestSupport
import Testing

@testable import ReproData

@Suite struct DownloaderTests {
  private static let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }
  private static let sha256 = SHA256.hex(of: bytes)

  private func quick(attempts: Int = 4) -> Downloader {
    var downloader = Downloader()
    downloader.pause = 0.005
    downloader.attempts = attempts
    downloader.connectTimeout = 2
    downloader.stallTimeout = 5
    return downloader
  }

  /// Fetches `/file` from a server that answers as told, into an empty folder; returns what happened.
  private func fetch(
    part: [UInt8]? = nil, attempts: Int = 4, sources: ((String) -> [Downloader.Source])? = nil,
    _ answer: @escaping @Sendable (LocalServer.Request) -> LocalServer.Reply,
    _ check: (_ error: ReproError?, _ requests: [String], _ folder: String) throws -> Void
  ) throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/file"
      if let part { try SafeFile.write("\(path).part", bytes: part) }
      try LocalServer.run(answer) { server in
        let from = sources?(server.url) ?? [Downloader.Source("\(server.url)/file", allowed: .http)]
        let error = reproError {
          try quick(attempts: attempts).fetch(from, to: path, bytes: Self.bytes.count, sha256: Self.sha256)
        }
        if error == nil {
          #expect(try SafeFile.read(path) == Self.bytes)
          #expect(SafeFile.list(folder) == ["file"])
        } else {
          #expect(!SafeFile.exists(path))
        }
        try check(error, server.requests, folder)
      }
    }
  }

  @Test func aWholeFileArrivesAndProgressRises() throws {
    try withTemporaryFolder { folder in
      let large = [UInt8](repeating: 5, count: 5 << 20)
      try LocalServer.run({ .file(large, $0) }) { server in
        var seen: [Int] = []
        try quick().fetch(
          [Downloader.Source("\(server.url)/large", allowed: .http)], to: "\(folder)/large", bytes: large.count,
          sha256: SHA256.hex(of: large)
        ) { progress in
          #expect(progress.name == "large" && progress.total == large.count)
          seen.append(progress.received)
        }
        #expect(seen == seen.sorted() && seen.count >= 5 && seen.last == large.count)
        #expect(server.requests == ["/large"])
        // A second fetch finds the file and asks nobody.
        try quick().fetch([], to: "\(folder)/large", bytes: large.count, sha256: SHA256.hex(of: large))
        #expect(SafeFile.list(folder) == ["large"])
      }
    }
  }

  @Test func aCutConnectionGoesOnWhereItStopped() throws {
    try fetch({ .file(Self.bytes, $0, cut: $0.number == 1 ? 100_000 : $0.number == 2 ? 50_000 : nil) }) {
      error, requests, _ in
      #expect(error == nil)
      #expect(requests == ["/file", "/file 100000-", "/file 150000-"])
    }
  }

  @Test func aPartOfAnEarlierRunIsUsed() throws {
    try fetch(part: Array(Self.bytes[..<12_345]), { .file(Self.bytes, $0) }) { error, requests, _ in
      #expect(error == nil && requests == ["/file 12345-"])
    }
  }

  @Test func aCompletePartNeedsNoServer() throws {
    try fetch(part: Self.bytes, { _ in .init("500 No", []) }) { error, requests, _ in
      #expect(error == nil && requests.isEmpty)
    }
  }

  @Test func aWrongPartIsThrownAwayOnce() throws {
    let junk = [UInt8](repeating: 1, count: 1000)
    try fetch(part: junk, { .file(Self.bytes, $0) }) { error, requests, _ in
      #expect(error == nil && requests == ["/file 1000-", "/file"])
    }
    // A part longer than the file was another file.
    try fetch(part: Self.bytes + [0], { .file(Self.bytes, $0) }) { error, requests, _ in
      #expect(error == nil && requests == ["/file"])
    }
  }

  @Test func aServerWithoutRangesStartsAgain() throws {
    try fetch({ .init(Self.bytes, cut: $0.number == 1 ? 100_000 : nil) }) { error, requests, _ in
      #expect(error == nil && requests == ["/file", "/file 100000-"])
    }
  }

  @Test func liesAboutRangesAreNotBelieved() throws {
    for lie in ["bytes 0-299999/300000", "bytes 1000-299998/300000", "bytes 1000-299999/400000", "", "pages 1000-1"] {
      try fetch(
        part: Array(Self.bytes[..<1000]),
        { request in
          guard let start = request.start else { return .init(Self.bytes) }
          return .init("206 Partial Content", Array(Self.bytes[start...]), fields: [("Content-Range", lie)])
        }
      ) { error, requests, _ in
        // Thrown away and fetched from the start, in one piece.
        #expect(error == nil && requests == ["/file 1000-", "/file"], "\(lie)")
      }
    }
    // A 206 that nobody asked for.
    try fetch({ _ in .init("206 Partial Content", Self.bytes, fields: [("Content-Range", "bytes 0-299999/300000")]) }) {
      error, requests, _ in
      #expect(error?.found.contains("was not asked for") == true && requests.count == 2)
    }
    // The right range with the wrong bytes in it.
    try fetch(
      part: Array(Self.bytes[..<1000]),
      { request in
        guard request.start != nil else { return .init(Self.bytes) }
        return .file([UInt8](repeating: 9, count: Self.bytes.count), request)
      }
    ) { error, requests, _ in
      #expect(error == nil && requests == ["/file 1000-", "/file"])
    }
  }

  @Test func aBusyServerIsAskedAgainAndAMissingFileIsNot() throws {
    let busy = ["503 Service Unavailable", "429 Too Many Requests", "500 Oops"]
    try fetch({ $0.number <= 3 ? .init(busy[$0.number - 1], Array("later".utf8)) : .file(Self.bytes, $0) }) {
      error, requests, _ in
      #expect(error == nil && requests.count == 4)
    }
    try fetch(attempts: 3, { _ in .init("503 Service Unavailable", []) }) { error, requests, _ in
      #expect(requests.count == 3)
      #expect(error?.found.contains("status 503 (3 attempts)") == true)
    }
    try fetch({ _ in .init("404 Not Found", Array("<html>no</html>".utf8)) }) { error, requests, folder in
      #expect(requests.count == 1)
      #expect(error?.domain == .data && error?.location == "\(folder)/file")
      #expect(error?.found.hasSuffix("/file: the server answers with status 404)") == true)
      #expect(error?.hint?.contains("put the file (300000 bytes, sha256 \(Self.sha256)) there by hand") == true)
      #expect(SafeFile.list(folder).isEmpty)
    }
  }

  @Test func aWebPageInPlaceOfTheFileIsNamed() throws {
    let page = Array("<!DOCTYPE html><html>Please log in</html>".utf8)
    try fetch({ _ in .init("200 OK", page, fields: [("Content-Type", "text/html; charset=utf-8")]) }) {
      error, requests, folder in
      #expect(error?.found.contains("the server sends a web page of \(page.count) bytes, expected 300000") == true)
      #expect(requests.count == 1 && SafeFile.list(folder).isEmpty)
    }
  }

  @Test func aWrongFileOfTheRightSizeIsRefused() throws {
    var wrong = Self.bytes
    wrong[17] ^= 1
    let sent = wrong
    try fetch({ .file(sent, $0) }) { error, requests, folder in
      #expect(error?.found.contains("sha256 \(SHA256.hex(of: sent)), expected \(Self.sha256)") == true)
      #expect(requests.count == 1 && SafeFile.list(folder).isEmpty)
    }
  }

  @Test func aFileWithoutEndIsCutOff() throws {
    try fetch({ _ in
      var reply = LocalServer.Reply(Self.bytes + Self.bytes)
      reply.length = nil
      return reply
    }) { error, requests, folder in
      #expect(error?.found.contains("sends more than the 300000 bytes") == true)
      #expect(requests.count == 1 && SafeFile.list(folder).isEmpty)
    }
    // A shorter length than promised, without a Content-Length to notice it by: asked for the rest.
    try fetch({ request in
      var reply = LocalServer.Reply.file(Self.bytes, request, cut: request.number == 1 ? 77 : nil)
      if request.number == 1 { reply.length = nil }
      return reply
    }) { error, requests, _ in
      #expect(error == nil && requests == ["/file", "/file 77-"])
    }
  }

  @Test func redirectionsAreFollowedButNotToFilesNorForEver() throws {
    @Sendable func redirect(_ place: String) -> LocalServer.Reply {
      .init("302 Found", [], fields: [("Location", place)])
    }
    try fetch({ $0.path == "/file" ? redirect("/elsewhere") : .file(Self.bytes, $0) }) { error, requests, _ in
      #expect(error == nil && requests == ["/file", "/elsewhere"])
    }
    try fetch({ _ in redirect("/file") }) { error, requests, _ in
      #expect(requests.count == 6 && error?.found.contains("redirects") == true)
    }
    try withTemporaryFolder { folder in
      try SafeFile.write("\(folder)/secret", bytes: Self.bytes)
      for allowed in [Downloader.Schemes.http, [.http, .file]] {
        try fetch(
          sources: { [Downloader.Source("\($0)/file", allowed: allowed)] },
          { _ in redirect("file://\(folder)/secret") }
        ) { error, requests, _ in
          #expect(error != nil && requests.count == 1)
        }
      }
    }
  }

  @Test func onlyHTTPSIsAllowedUnlessSaid() throws {
    try fetch(sources: { [Downloader.Source("\($0)/file")] }, { .file(Self.bytes, $0) }) { error, requests, _ in
      #expect(requests.isEmpty)
      #expect(error?.found.contains("Protocol \"http\" ") == true)
    }
    try withTemporaryFolder { folder in
      try SafeFile.write("\(folder)/a b%", bytes: Self.bytes)
      let url = "file://" + Path.urlEncoded("\(folder)/a b%")
      let error = reproError {
        try quick().fetch([Downloader.Source(url)], to: "\(folder)/out", bytes: 300_000, sha256: Self.sha256)
      }
      #expect(error?.found.contains("Protocol \"file\" ") == true)
      try quick().fetch(
        [Downloader.Source(url, allowed: .file)], to: "\(folder)/out", bytes: 300_000, sha256: Self.sha256)
      #expect(try SafeFile.read("\(folder)/out") == Self.bytes)
    }
  }

  @Test func sourcesAreTriedInOrderAndAllReasonsAreTold() throws {
    let names: @Sendable (String) -> [Downloader.Source] = { url in
      ["gone", "page", "good"].map { Downloader.Source("\(url)/\($0)", allowed: .http) }
    }
    let answer: @Sendable (LocalServer.Request) -> LocalServer.Reply = { request in
      switch request.path {
      case "/gone": .init("410 Gone", [])
      case "/page": .init("200 OK", [1, 2, 3])
      default: .file(Self.bytes, request)
      }
    }
    try fetch(sources: names, answer) { error, requests, _ in
      #expect(error == nil && requests == ["/gone", "/page", "/good"])
    }
    try fetch(sources: { Array(names($0).prefix(2)) }, answer) { error, _, _ in
      #expect(error?.found.contains("/gone: the server answers with status 410; ") == true)
      #expect(error?.found.contains("/page: the server sends 3 bytes, expected 300000)") == true)
    }
    // What broken sources left behind does not spoil the next.
    try fetch(
      attempts: 2,
      sources: { url in ["bad", "good"].map { Downloader.Source("\(url)/\($0)", allowed: .http) } },
      { request in
        request.path == "/bad"
          ? .file([UInt8](repeating: 3, count: 300_000), request, cut: 1000) : .file(Self.bytes, request)
      }
    ) { error, requests, _ in
      #expect(error == nil && requests == ["/bad", "/bad 1000-", "/good 2000-", "/good"])
    }
  }

  @Test func aDeadServerIsTriedAgainAndThenAnError() throws {
    // A port that was free a moment ago.
    let port = try LocalServer { _ in .init([]) }.port
    let source = Downloader.Source("http://127.0.0.1:\(port)/x", allowed: .http)
    try withTemporaryFolder { folder in
      let error = reproError {
        try quick(attempts: 2).fetch([source], to: "\(folder)/x", bytes: 1, sha256: Self.sha256)
      }
      #expect(error?.found.contains("(2 attempts)") == true && error?.domain == .data)
      #expect(SafeFile.list(folder).isEmpty)
      let disk = reproError {
        try quick().fetch([source], to: "\(folder)/none/x", bytes: 1, sha256: Self.sha256)
      }
      #expect(disk?.description == "\(folder)/none/x.part: cannot make the file: No such file or directory")
    }
  }

  @Test func aStalledServerIsGivenUp() throws {
    try withTemporaryFolder { folder in
      // It listens but never answers.
      let server = try LocalServer { _ in .init([]) }
      var downloader = quick(attempts: 1)
      downloader.stallTimeout = 1
      let error = reproError {
        try downloader.fetch(
          [Downloader.Source("\(server.url)/x", allowed: .http)], to: "\(folder)/x", bytes: 1, sha256: Self.sha256)
      }
      #expect(error?.found.contains("too slow") == true)
    }
  }

  @Test func processesAtOnceFetchOnce() throws {
    try withTemporaryFolder { folder in
      try LocalServer.run({ .file(Self.bytes, $0) }) { server in
        let source = Downloader.Source("\(server.url)/file", allowed: .http)
        let downloader = quick()
        let failures = Atomic(0)
        Job.together(3) {
          do {
            try downloader.fetch([source], to: "\(folder)/file", bytes: Self.bytes.count, sha256: Self.sha256)
          } catch { failures.add(1, ordering: .relaxed) }
        }
        #expect(failures.load(ordering: .relaxed) == 0)
        #expect(server.requests == ["/file"])
        let found = try SafeFile.read("\(folder)/file")
        #expect(found == Self.bytes)
        #expect(SafeFile.list(folder) == ["file"])
      }
    }
  }
}
