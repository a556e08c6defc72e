import Glibc
import ReproConfig
import TestSupport
import Testing

@testable import ReproData

@Suite struct HDF5RehearsalTests {
  /// An HDF5 file of another program, as bytes.
  private func foreign() throws -> [UInt8] {
    try Deflate.gunzip(Vectors.h5pyPacked, limit: 1 << 20, file: "vector")
  }

  /// Opens and reads whatever is there.
  private func readAll(_ path: String) throws {
    let file = try HDF5File.open(path, seal: .ifPresent)
    func visit(_ group: String) throws {
      for child in try file.children(of: group) {
        let name = "\(group)/\(child)"
        if (try? file.isGroup(name)) == true { try visit(name) } else { _ = try? file.numbers(name) }
        _ = try? file.attribute("title", of: name)
      }
    }
    try visit("")
  }

  @Test func aWholeFileOfAnotherProgramPasses() throws {
    try withTemporaryFolder { folder in
      try SafeFile.write("\(folder)/a.h5", bytes: foreign())
      try HDF5Library.locked { try HDF5Rehearsal(fileSize: 1 << 12).pass("\(folder)/a.h5") }
    }
  }

  @Test func everyCutAndFlippedBitIsReadOrRefusedAndNothingElse() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.h5"
      let refused = damage(try foreign(), samples: 150) { bytes in
        try SafeFile.write(path, bytes: bytes)
        try readAll(path)
      }
      // Every cut is seen; of the flipped bits those that say where things are.
      #expect(refused.cuts >= 130 && refused.flips >= 5, "\(refused)")
    }
  }

  @Test func aChunkThatNeedsMoreMemoryThanThereIsIsRefusedBeforeThisProcessReadsIt() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/bomb.h5"
      let count = 96 << 20
      let file = try HDF5File.create(path, reportedAs: path, inMemory: false)
      try file.write(
        "zeros", [UInt8](repeating: 0, count: count), shape: [count], storage: .deflated(level: 9, rows: count))
      try file.close()
      let error = reproError {
        try HDF5Library.locked { try HDF5Rehearsal(memory: 64 << 20, milliseconds: 20_000).pass(path) }
      }
      #expect(error?.domain == .data && error?.location == path)
      #expect(error?.found.contains("zeros") == true, "\(error?.found ?? "not refused")")
      try HDF5Library.locked { try HDF5Rehearsal(memory: 1 << 30, milliseconds: 20_000).pass(path) }
    }
  }

  @Test func aFileThatTakesLongerThanItMayIsRefused() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/slow.h5"
      let count = 64 << 20
      let file = try HDF5File.create(path, reportedAs: path, inMemory: false)
      try file.write(
        "zeros", [UInt8](repeating: 0, count: count), shape: [count], storage: .deflated(level: 9, rows: 1 << 20))
      try file.close()
      let error = reproError {
        try HDF5Library.locked { try HDF5Rehearsal(memory: 1 << 30, milliseconds: 10).pass(path) }
      }
      #expect(error?.found == "libhdf5 does not come to its end in 10 ms")
    }
  }
}
