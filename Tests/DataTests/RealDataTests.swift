import ReproConfig
import ReproTensor
import TestSupport
import Testing

@testable import ReproData

/// Published data, where a mirror has it: what an independent parser saw in the same files.
@Suite(.serialized) struct RealDataTests {
  /// Runs `body` with a root that has the real mirror and an empty cache; says so if there is no mirror.
  private func withMirror(_ body: (DataRoot) throws -> Void) throws {
    guard let mirror = realMirror() else {
      print("skipped: no mirror")
      return
    }
    try withTemporaryFolder { try body(DataRoot(cache: $0, mirror: mirror, seed: 7)) }
  }

  /// Mean and standard deviation of each channel, in units of 255.
  private func moments(_ images: ImageBatch) -> [(mean: Double, deviation: Double)] {
    (0..<images.channels).map { c in
      var sum = 0
      var squares = 0
      for i in stride(from: c, to: images.bytes.count, by: images.channels) {
        let value = Int(images.bytes[i])
        sum += value
        squares += value * value
      }
      let n = Double(images.bytes.count / images.channels)
      let mean = Double(sum) / n
      return (mean / 255, (Double(squares) / n - mean * mean).squareRoot() / 255)
    }
  }

  private func counts(_ labels: [Int]) -> [Int] { labels.reduce(into: [Int](repeating: 0, count: 10)) { $0[$1] += 1 } }

  /// SHA-256 of the decoded pixels of a part, in the order of the file.
  private func pixels(_ root: DataRoot, _ part: String) throws -> String {
    let name = try #require(SafeFile.list("\(root.cache)/decoded").first)
    let file = try HDF5File.open("\(root.cache)/decoded/\(name)", seal: .required)
    return SHA256.hex(of: try file.read("\(part)/image", as: UInt8.self).values)
  }

  @Test func fashionMNISTIsWhatWasPublished() throws {
    try withMirror { root in
      var section = try options([:])
      let set = try FashionMNIST(&section, root: root)
      #expect(set.spec.sizes == [.train: 60_000, .validation: 0, .test: 10_000])
      let train = try set.batch(Array(0..<60_000), of: .train)
      let test = try set.batch(Array(0..<10_000), of: .test)
      #expect(train.images().height == 28 && train.images().width == 28 && train.images().channels == 1)
      #expect(counts(train.integers()) == [Int](repeating: 6000, count: 10))
      #expect(counts(test.integers()) == [Int](repeating: 1000, count: 10))
      let (a, b) = (moments(train.images())[0], moments(test.images())[0])
      #expect(abs(a.mean - 0.2860) < 5e-5 && abs(a.deviation - 0.3530) < 5e-5)
      #expect(abs(b.mean - 0.2868) < 5e-5 && abs(b.deviation - 0.3524) < 5e-5)
      // gunzip | tail -c +17 | sha256sum
      #expect(try pixels(root, "test") == "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a")
      #expect(try pixels(root, "train") == "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012")
    }
  }

  @Test func mnistIsWhatWasPublished() throws {
    try withMirror { root in
      var section = try options([:])
      let set = try MNIST(&section, root: root)
      let train = try set.batch(Array(0..<60_000), of: .train)
      let test = try set.batch(Array(0..<10_000), of: .test)
      #expect(counts(train.integers()) == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949])
      #expect(counts(test.integers()) == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])
      let (a, b) = (moments(train.images())[0], moments(test.images())[0])
      #expect(abs(a.mean - 0.1307) < 5e-5 && abs(a.deviation - 0.3081) < 5e-5)
      #expect(abs(b.mean - 0.1325) < 5e-5 && abs(b.deviation - 0.3105) < 5e-5)
      #expect(try pixels(root, "test") == "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161")
      // A balanced part of an unbalanced set.
      var some = try options(["train": "1003", "validation": "100"])
      let part = try MNIST(&some, root: root)
      #expect(
        counts(try part.batch(Array(0..<1003), of: .train).integers()) == [101, 101, 101]
          + [Int](repeating: 100, count: 7))
      #expect(counts(try part.batch(Array(0..<100), of: .validation).integers()) == [Int](repeating: 10, count: 10))
    }
  }

  @Test func cifar10AsJPEGIsWhatTheMirrorHas() throws {
    try withMirror { root in
      var section = try options(["variant": "jpeg"])
      let set = try CIFAR10(&section, root: root)
      #expect(set.spec.sizes == [.train: 50_000, .validation: 0, .test: 10_000])
      let train = try set.batch(Array(0..<50_000), of: .train)
      let test = try set.batch(Array(0..<10_000), of: .test)
      #expect(counts(train.integers()) == [Int](repeating: 5000, count: 10))
      #expect(counts(test.integers()) == [Int](repeating: 1000, count: 10))
      // The manifest's means are of another decoder: grey levels may differ by one or so.
      let expected = [[0.4913, 0.4821, 0.4465], [0.4941, 0.4851, 0.4504]]
      for (images, means) in zip([train.images(), test.images()], expected) {
        for (found, mean) in zip(moments(images), means) { #expect(abs(found.mean - mean) < 5e-4) }
      }
      // Pillow with libjpeg-turbo 3.2 decodes all 10,000 test images to these bytes; here it was 2.1.5.
      let found = try pixels(root, "test")
      #expect(found == "5fce8f6a84d7de12f276662376ce80f5f19c236502ddae2e16c3f187c0386c13")
      let mirror = try #require(realMirror())
      let names = String(decoding: try SafeFile.read("\(mirror)/cifar10-jpeg/classes.txt"), as: UTF8.self)
      #expect(names.split(separator: "\n").map(String.init) == CIFAR10.classes)
    }
  }

  @Test func theMirrorPassesTheCheckAndIsFetchedFrom() throws {
    try withMirror { root in
      // Every set but the original CIFAR-10, which the mirror lacks.
      for set in DataCatalog.sets where set.id != "cifar10" {
        #expect(try DataCatalog.check(set.id, root: root).allSatisfy { $0.isPresent && $0.isVerified }, "\(set.id)")
      }
      try DataCatalog.fetch("mnist", root: root)
      let own = DataRoot(cache: root.cache, mirror: nil, seed: 1)
      #expect(try DataCatalog.check("mnist", root: own).allSatisfy { $0.isPresent })
    }
  }
}
