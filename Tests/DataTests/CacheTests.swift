import Glibc
import ReproConfig
import Synchronization
import TestSupport
import Testing

@testable import ReproData

/// Notices, kept for a look.
final class Heard: Sendable {
  private let lines = Mutex<[String]>([])
  var all: [String] { lines.withLock { $0 } }
  var notices: Notices { Notices { line in self.lines.withLock { $0.append(line) } } }
}

@Suite struct CacheTests {
  private func cache(_ folder: String, version: Int = 1, source: String = "ab", _ heard: Heard = Heard())
    -> DecodedCache
  {
    let root = DataRoot(cache: folder, mirror: nil, seed: 0, notices: heard.notices)
    return DecodedCache(
      root: root, dataset: "toy", variant: "plain", version: version, source: SHA256.hex(of: source))
  }

  struct Opened: Equatable {
    var decoded: Bool
    var values: [Int64]
    init(_ decoded: Bool, _ values: [Int64]) { (self.decoded, self.values) = (decoded, values) }
  }

  /// Opens the cache; says whether it had to decode, and what is in it.
  private func open(_ cache: DecodedCache, _ values: [Int64] = [1, 2, 3]) throws -> Opened {
    var decoded = false
    let file = try cache.open {
      decoded = true
      return values
    } store: { values, file in
      try file.write("x", values, shape: [values.count])
    }
    return Opened(decoded, try file.read("x", as: Int64.self).values)
  }

  @Test func dataIsDecodedOnceAndThenRead() throws {
    try withTemporaryFolder { folder in
      let heard = Heard()
      let cache = cache(folder, heard)
      let first = try open(cache)
      #expect(first == Opened(true, [1, 2, 3]))
      #expect(try open(cache, [9]) == Opened(false, [1, 2, 3]))
      #expect(cache.name == "toy-plain-v1-\(SHA256.hex(of: "ab").prefix(16)).h5")
      #expect(SafeFile.list("\(folder)/decoded") == [cache.name])
      #expect(heard.all.isEmpty)
    }
  }

  @Test func aDamagedCacheIsSaidAndBuiltAgain() throws {
    try withTemporaryFolder { folder in
      let heard = Heard()
      let cache = cache(folder, heard)
      _ = try open(cache)
      let good = try SafeFile.read(cache.path)
      var flipped = good
      flipped[good.count - 5] ^= 4
      for (i, bad) in [flipped, Array(good.dropLast(100)), [], Array("garbage".utf8)].enumerated() {
        try SafeFile.write(cache.path, bytes: bad)
        #expect(try open(cache) == Opened(true, [1, 2, 3]))
        #expect(try SafeFile.read(cache.path) == good)
        #expect(heard.all.count == i + 1)
        #expect(heard.all[i].hasPrefix("the cache cannot be used and is built again: \(cache.path)"))
      }
    }
  }

  @Test func aCacheOfAnotherVersionIsSaidAndNotUsed() throws {
    try withTemporaryFolder { folder in
      let heard = Heard()
      let old = cache(folder)
      _ = try open(old)
      let new = cache(folder, version: 2, heard)
      #expect(try open(new, [7]) == Opened(true, [7]))
      #expect(
        heard.all == ["\(old.path) is of another version or source and is not used; \(new.name) is built"])
      // Both lie side by side: two checkouts do not fight.
      #expect(try open(old) == Opened(false, [1, 2, 3]) && open(new) == Opened(false, [7]))
      // One that only claims another name is found out by what it says inside.
      try SafeFile.write(new.path, bytes: try SafeFile.read(old.path))
      #expect(try open(new, [7]) == Opened(true, [7]))
      #expect(heard.all.last?.hasSuffix("version is integer(1), expected integer(2)") == true)
    }
  }

  @Test func withoutARoomForTheCacheTheDataStaysInMemory() throws {
    try withTemporaryFolder { folder in
      try SafeFile.write("\(folder)/decoded", text: "a file in the way of the folder")
      let heard = Heard()
      #expect(try open(cache(folder, heard)) == Opened(true, [1, 2, 3]))
      #expect(heard.all.count == 1)
      #expect(heard.all[0].hasPrefix("the decoded data cannot be kept and stays in memory: \(folder)/decoded: "))
    }
  }

  @Test func anErrorOfTheSourceIsNotHidden() throws {
    try withTemporaryFolder { folder in
      let cache = cache(folder)
      let error = reproError {
        _ = try cache.open {
          throw ReproError(.data, found: "no source")
        } store: { (_: Int, _) in
        }
      }
      #expect(error?.found == "no source")
      #expect(SafeFile.list("\(folder)/decoded").isEmpty)
    }
  }

  @Test func manyAtOnceAllSucceed() throws {
    try withTemporaryFolder { folder in
      let cache = cache(folder)
      let good = Atomic(0)
      Job.together(4) {
        if let file = try? cache.open(decode: { [Int64](0..<1000) }, store: { try $1.write("x", $0, shape: [1000]) }),
          let values = try? file.read("x", as: Int64.self).values, values == [Int64](0..<1000)
        {
          good.add(1, ordering: .relaxed)
        }
      }
      #expect(good.load(ordering: .relaxed) == 4)
      #expect(SafeFile.list("\(folder)/decoded") == [cache.name])
    }
  }
}
