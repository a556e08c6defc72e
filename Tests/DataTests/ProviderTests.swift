import ReproConfig
import ReproTensor
import Synchronization
import TestSupport
import Testing

@testable import ReproData

/// The options of a data set as a recipe would give them.
func options(_ pairs: KeyValuePairs<String, String>) throws -> Section {
  let mark = YAMLNode.Mark(file: "recipe.yaml", line: 3, column: 7)
  let entries = pairs.map {
    YAMLNode.Entry(key: $0, keyMark: mark, value: YAMLNode(.scalar($1, quoted: false), at: mark))
  }
  return try Section(YAMLNode(.mapping(entries), at: mark), name: "data")
}

@Suite struct ClassBalanceTests {
  @Test func quotasAreEqualAsFarAsTheClassesGo() {
    #expect(ClassBalance.quotas(7, available: [10, 10, 10]) == [3, 2, 2])
    #expect(ClassBalance.quotas(12, available: [2, 100, 100]) == [2, 5, 5])
    #expect(ClassBalance.quotas(13, available: [2, 100, 4]) == [2, 7, 4])
    #expect(ClassBalance.quotas(0, available: [1, 1]) == [0, 0])
    #expect(ClassBalance.quotas(2, available: [0, 2]) == [0, 2])
    // For every total: exact, within what there is, and no class that has more to give is behind by more than one.
    let available = [3, 0, 7, 5, 1]
    for total in 0...16 {
      let quotas = ClassBalance.quotas(total, available: available)
      #expect(quotas.reduce(0, +) == total)
      for (q, a) in zip(quotas, available) {
        #expect(q <= a)
        #expect(q == a || q >= (quotas.max() ?? 0) - 1)
      }
    }
  }

  @Test func everyPrefixIsBalanced() {
    let order = ClassBalance.interleaved([[1, 4, 7, 9][...], [2, 5][...], [3, 6, 8][...]])
    #expect(order == [1, 2, 3, 4, 5, 6, 7, 8, 9])
  }
}

@Suite struct LabelledImagesTests {
  /// 90 training and 30 test images of 2x3 in three classes; pixel values name part and position.
  private func source(_ decodes: @escaping @Sendable () -> Void = {}) -> LabelledImageSource {
    let file = SourceFile(path: "toy/a", urls: [], bytes: 1, sha256: String(repeating: "0", count: 64))
    return LabelledImageSource(
      dataset: "toy", variant: "plain", version: 1, decoder: "",
      files: SourceSet(id: "toy", title: "Toy", licence: "none", files: [file]), height: 2, width: 3, channels: 1,
      classes: ["a", "b", "c"],
      trainCount: 90, testCount: 30
    ) { _ in
      decodes()
      func part(_ count: Int, _ base: Int) -> DecodedImages {
        DecodedImages(
          pixels: (0..<count).flatMap { [UInt8](repeating: UInt8(base + $0), count: 6) },
          // The first class is twice as frequent as the others.
          labels: (0..<count).map { [0, 1, 0, 2][$0 % 4] })
      }
      return (part(90, 0), part(30, 100))
    }
  }

  private func load(
    _ folder: String, seed: UInt64 = 1, _ pairs: KeyValuePairs<String, String> = [:],
    _ source: LabelledImageSource? = nil
  ) throws -> LabelledImages {
    var section = try options(pairs)
    let root = DataRoot(cache: folder, mirror: nil, seed: seed)
    let images = try LabelledImages(source ?? self.source(), &section, root: root)
    try section.finish()
    return images
  }

  /// Which images of the published part a split holds, in order.
  private func items(_ images: LabelledImages, _ split: Split) -> [Int] {
    let count = images.spec.sizes[split] ?? 0
    let batch = images.batch(Array(0..<count), of: split)
    return (0..<count).map { Int(batch.images().bytes[6 * $0]) - (split == .test ? 100 : 0) }
  }

  @Test func allSamplesAreThereByDefault() throws {
    try withTemporaryFolder { folder in
      let images = try load(folder)
      #expect(images.spec.sizes == [.train: 90, .validation: 0, .test: 30])
      #expect(images.spec[field: "label"] == FieldSpec("label", .category(classes: ["a", "b", "c"]), isLabel: true))
      #expect(images.spec[field: "image"]?.kind == .image(height: 2, width: 3, channels: 1))
      #expect(images.spec[field: "image"]?.isLabel == false)
      #expect(items(images, .train).sorted() == Array(0..<90))
      #expect(items(images, .test).sorted() == Array(0..<30))
      #expect(images.fingerprint == "toy/plain v1, sha256 \(source().files.digest)")
    }
  }

  @Test func imagesKeepTheirLabels() throws {
    try withTemporaryFolder { folder in
      let images = try load(folder, ["train": "40", "validation": "20", "test": "9"])
      for split in Split.allCases {
        let indices = Array((0..<(images.spec.sizes[split] ?? 0)).reversed())
        let batch = images.batch(indices, of: split)
        #expect(batch.indices == indices)
        #expect(batch.integers() == items(images, split).reversed().map { [0, 1, 0, 2][$0 % 4] })
        for i in 0..<batch.count { #expect(Set(batch.images().bytes[6 * i..<6 * i + 6]).count == 1) }
      }
      // The same sample twice, in any order.
      let twice = images.batch([3, 0, 3], of: .train)
      #expect(twice.images()[0] == twice.images()[2] && twice.images()[0] != twice.images()[1])
      #expect(images.batch([], of: .train).images().count == 0)
    }
  }

  @Test func partsAreBalancedDisjointAndDrawnByTheSeed() throws {
    try withTemporaryFolder { folder in
      func counts(_ images: LabelledImages, _ split: Split) -> [Int] {
        items(images, split).reduce(into: [0, 0, 0]) { $0[[0, 1, 0, 2][$1 % 4]] += 1 }
      }
      let one = try load(folder, seed: 1, ["train": "31", "validation": "12", "test": "10"])
      #expect(counts(one, .train) == [11, 10, 10])
      #expect(counts(one, .validation) == [4, 4, 4])
      #expect(counts(one, .test) == [4, 3, 3])
      #expect(Set(items(one, .train)).isDisjoint(with: items(one, .validation)))
      #expect(Set(items(one, .train)).count == 31)
      // Same seed, same samples; another seed, others; the test part is that of the file for all seeds.
      let again = try load(folder, seed: 1, ["train": "31", "validation": "12", "test": "10"])
      let other = try load(folder, seed: 2, ["train": "31", "validation": "12", "test": "10"])
      #expect(items(one, .train) == items(again, .train))
      #expect(items(one, .train) != items(other, .train))
      #expect(items(one, .validation) != items(other, .validation))
      #expect(items(one, .test) == items(other, .test))
      #expect(items(one, .test) == [0, 1, 3, 2, 5, 7, 4, 9, 11, 6])
      // Validation does not depend on how much is trained on, and smaller training parts are prefixes of larger ones.
      let less = try load(folder, seed: 1, ["train": "20", "validation": "12"])
      #expect(items(less, .validation) == items(one, .validation))
      #expect(items(less, .train) == Array(items(one, .train).prefix(20)))
      // All that is not held out.
      let rest = try load(folder, seed: 1, ["validation": "12"])
      #expect(rest.spec.sizes[.train] == 78)
      #expect(Set(items(rest, .train) + items(rest, .validation)) == Set(0..<90))
    }
  }

  @Test func wrongOptionsAreRefused() throws {
    try withTemporaryFolder { folder in
      func message(_ pairs: KeyValuePairs<String, String>) -> String? {
        reproError { _ = try load(folder, pairs) }?.description
      }
      #expect(
        message(["train": "80", "validation": "20"])
          == "recipe.yaml:3:7: train: 80 and validation: 20 in data, "
          + "expected together at most 90, the training part of toy"
      )
      #expect(message(["train": "91"]) == "recipe.yaml:3:7: data.train is '91', expected 1 to 90")
      #expect(message(["test": "0"]) == "recipe.yaml:3:7: data.test is '0', expected 1 to 30")
      #expect(message(["size": "16"]) == "recipe.yaml:3:7: data.size is '16', expected 2 to 2")
      #expect(message(["trian": "5"])?.hasSuffix("unknown key 'trian' in data; did you mean 'train'?") == true)
      #expect(message(["size": "2"]) == nil)
    }
  }

  @Test func theSourceIsDecodedOnceForAllSeeds() throws {
    try withTemporaryFolder { folder in
      let decodes = Mutex(0)
      let source = source { decodes.withLock { $0 += 1 } }
      for seed in 1...3 { _ = try load(folder, seed: UInt64(seed), [:], source) }
      #expect(decodes.withLock { $0 } == 1)
      // Another version of the library that decodes makes another cache.
      var newer = source
      newer.decoder = "library 2"
      let images = try load(folder, [:], newer)
      #expect(decodes.withLock { $0 } == 2)
      #expect(images.fingerprint.hasSuffix(", library 2"))
    }
  }

  @Test func aSourceThatDecodesToTheWrongNumberIsRefused() throws {
    try withTemporaryFolder { folder in
      var source = source()
      source.trainCount = 91
      let error = reproError { _ = try load(folder, [:], source) }
      #expect(error?.location == "toy" && error?.found.hasPrefix("90 labels and 540 bytes") == true)
    }
  }
}
