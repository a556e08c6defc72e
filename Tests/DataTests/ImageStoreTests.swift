import ReproConfig
import TestSupport
import Testing

@testable import ReproData

@Suite struct ImageStoreTests {
  private func store(_ folder: String) throws -> ImageStore {
    let files = SourceSet(
      id: "toy", title: "toy", licence: "",
      files: [SourceFile(path: "toy", urls: [], bytes: 0, sha256: SHA256.hex(of: "toy"))])
    let root = DataRoot(cache: folder, mirror: nil, seed: 0)
    return try ImageStore(files, version: 1, decoder: "", root: root) {
      let pixels = (0..<20 * 6 * 4 * 3).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ $0 >> 5) }
      return ImageStore.Decoded(images: ImageBatch(count: 20, height: 6, width: 4, channels: 3, bytes: pixels))
    }
  }

  @Test("Images that are read batch by batch are those that are held", arguments: [nil, 5, 2] as [Int?])
  func streamedImagesAreTheHeldOnes(_ size: Int?) throws {
    try withTemporaryFolder { folder in
      let store = try store(folder)
      let rows: [Split: [Int]] = [.train: [3, 19, 0, 7, 8], .test: [11, 2]]
      let held = try store.column(rows: rows, size: size)
      let streamed = try store.column(rows: rows, size: size, mostHeld: 7 * 72 - 1)
      #expect(streamed.field == held.field && streamed.count == held.count)
      for wanted in [[3], [19, 0, 19], [11, 2, 7, 8, 3], []] {
        guard case .images(let a) = try held.values(wanted), case .images(let b) = try streamed.values(wanted) else {
          Issue.record("no images")
          return
        }
        #expect(a.bytes == b.bytes && a.count == b.count && a.height == b.height && a.width == b.width)
        #expect(a.count == wanted.count)
      }
    }
  }
}
