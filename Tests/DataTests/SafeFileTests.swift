import Glibc
import ReproConfig
import TestSupport
import Testing

@testable import ReproData

@Suite struct SafeFileTests {
  @Test func aWrittenFileIsReadBackAndPrivate() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.bin"
      let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
      try SafeFile.write(path, bytes: bytes)
      #expect(try SafeFile.read(path) == bytes)
      #expect(try SafeFile.size(path) == bytes.count)
      #expect(SafeFile.list(folder) == ["a.bin"])
      var status = stat()
      #expect(stat(path, &status) == 0)
      #expect(status.st_mode & 0o777 == 0o600)
    }
  }

  @Test func aFailingWriterLeavesTheOldFileAndNoTemporary() throws {
    struct Stop: Error {}
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.txt"
      try SafeFile.write(path, text: "old")
      #expect(throws: Stop.self) {
        try SafeFile.write(path) { temporary in
          try SafeFile.overwrite(temporary, bytes: Array("half of the n".utf8), reportedAs: path)
          throw Stop()
        }
      }
      #expect(try SafeFile.read(path) == Array("old".utf8))
      #expect(SafeFile.list(folder) == ["a.txt"])
    }
  }

  @Test func partsOfEverySizeStandInTheirOrderAndAFailureBetweenThemLeavesTheOldFile() throws {
    struct Stop: Error {}
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.bin"
      let sizes = [3, 70_000, 0, 65_536, 1, 65_535, 5, 200_000, 65_537, 2]
      var whole: [UInt8] = []
      try SafeFile.writeInParts(path) { append in
        for (i, size) in sizes.enumerated() {
          let part = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ i) }
          whole += part
          try append(part)
        }
      }
      #expect(try SafeFile.read(path) == whole)
      #expect(throws: Stop.self) {
        try SafeFile.writeInParts(path) { append in
          try append([UInt8](repeating: 0, count: 100_000))
          throw Stop()
        }
      }
      #expect(try SafeFile.read(path) == whole)
      #expect(SafeFile.list(folder) == ["a.bin"])
    }
  }

  @Test func aFullDiskLeavesTheOldFileAndSaysSo() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.txt"
      try SafeFile.write(path, text: "old")
      // The device that is always full stands for the disk.
      let error = reproError {
        try SafeFile.write(path) { _ in
          try SafeFile.overwrite("/dev/full", bytes: [1, 2, 3], reportedAs: path)
        }
      }
      #expect(error?.domain == .data)
      #expect(error?.description == "\(path): cannot write 3 bytes: No space left on device")
      #expect(try SafeFile.read(path) == Array("old".utf8))
      #expect(SafeFile.list(folder) == ["a.txt"])
    }
  }

  @Test func aFolderThatTakesNoFilesIsNamed() throws {
    let absent = reproError { try SafeFile.write("/nowhere/at/all/a.txt", text: "x") }
    #expect(
      absent?.description
        == "/nowhere/at/all/a.txt: cannot make a temporary file in /nowhere/at/all: No such file or directory")
    try withTemporaryFolder { folder in
      try #require(chmod(folder, 0o500) == 0)
      defer { chmod(folder, 0o700) }
      // The superuser may write everywhere, so only others see the refusal.
      if geteuid() != 0 {
        let error = reproError { try SafeFile.write("\(folder)/a.txt", text: "x") }
        #expect(error?.found.hasSuffix("Permission denied") == true)
      }
    }
  }

  @Test func temporariesOfDeadProcessesAreRemovedAndOthersStay() throws {
    try withTemporaryFolder { folder in
      var host = [CChar](repeating: 0, count: 65)
      gethostname(&host, 64)
      let name = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      let prefix = ".a.txt.\(name)-"
      // No process has the largest number; process 1 always runs.
      let dead = "\(prefix)2147483646.abcdef"
      let alive = "\(prefix)1.abcdef"
      let foreign = ".a.txt.elsewhere-2147483646.abcdef"
      for name in [dead, alive, foreign] { try SafeFile.write("\(folder)/\(name)", text: "x") }
      try SafeFile.write("\(folder)/a.txt", text: "x")
      #expect(SafeFile.list(folder) == [alive, foreign, "a.txt"].sorted())
    }
  }

  @Test func readingRefusesWhatIsNoFileOrTooLarge() throws {
    try withTemporaryFolder { folder in
      #expect(reproError { _ = try SafeFile.read(folder) }?.found == "this is not a regular file")
      #expect(reproError { _ = try SafeFile.read("/dev/zero") }?.found == "this is not a regular file")
      #expect(reproError { _ = try SafeFile.read("\(folder)/none") }?.found == "cannot open: No such file or directory")
      try SafeFile.write("\(folder)/a", bytes: [1, 2, 3, 4])
      let error = reproError { _ = try SafeFile.read("\(folder)/a", limit: 3) }
      #expect(error?.description == "\(folder)/a: the file has 4 bytes, expected at most 3")
    }
  }

  @Test func foldersAreMadeWithTheirParents() throws {
    try withTemporaryFolder { folder in
      try SafeFile.makeFolder("\(folder)/a/b/c")
      try SafeFile.makeFolder("\(folder)/a/b/c")
      #expect(SafeFile.isFolder("\(folder)/a/b/c"))
      try SafeFile.write("\(folder)/file", text: "x")
      #expect(reproError { try SafeFile.makeFolder("\(folder)/file/d") }?.found.contains("File exists") == true)
    }
  }

  @Test func aSymbolicLinkIsReplacedAndNeverWrittenThrough() throws {
    try withTemporaryFolder { folder in
      try SafeFile.write("\(folder)/outside", text: "precious")
      #expect(symlink("\(folder)/outside", "\(folder)/record.json") == 0)
      try SafeFile.write("\(folder)/record.json", text: "new")
      #expect(try SafeFile.read("\(folder)/outside") == Array("precious".utf8))
      #expect(try SafeFile.read("\(folder)/record.json") == Array("new".utf8))
      var status = stat()
      #expect(lstat("\(folder)/record.json", &status) == 0 && status.st_mode & S_IFMT == S_IFREG)
    }
  }

  @Test func aTemporaryFileIsItsOwnersAlone() throws {
    try withTemporaryFolder { folder in
      var mode: mode_t = 0
      try SafeFile.write("\(folder)/a") { temporary in
        var status = stat()
        #expect(stat(temporary, &status) == 0)
        mode = status.st_mode & 0o777
      }
      #expect(mode == 0o600)
    }
  }

  @Test func sha256AgreesWithThePublishedVectors() throws {
    // FIPS 180-4 examples: "abc", the empty message, a million letters a.
    #expect(SHA256.hex(of: "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(SHA256.hex(of: "") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    try withTemporaryFolder { folder in
      let million = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
      try SafeFile.write("\(folder)/a", bytes: [0, 0] + million)
      #expect(
        try SafeFile.sha256("\(folder)/a", from: 2)
          == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }
  }

  @Test func aMappedFileShowsItsBytes() throws {
    try withTemporaryFolder { folder in
      let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0) }
      try SafeFile.write("\(folder)/a", bytes: bytes)
      let map = try MappedFile("\(folder)/a")
      #expect(map.count == 10_000)
      #expect(map.withBytes { Array($0) } == bytes)
      try SafeFile.write("\(folder)/empty", bytes: [])
      #expect(try MappedFile("\(folder)/empty").withBytes { $0.count } == 0)
      #expect(reproError { _ = try MappedFile(folder) } != nil)
    }
  }

  @Test func pathsOfArchivesMayNotLeaveTheirFolder() {
    for good in ["a", "a/b.c", "..a/b..", "a/./b"] { #expect(Path.isContained(good)) }
    for bad in ["", "/a", "../a", "a/../../b", "a/..", "a\0b"] { #expect(!Path.isContained(bad)) }
    #expect(Path.urlEncoded("/a b/%é") == "/a%20b/%25%C3%A9")
    #expect(Path.folder("/a/b") == "/a" && Path.folder("/a") == "/" && Path.folder("a") == ".")
  }
}
