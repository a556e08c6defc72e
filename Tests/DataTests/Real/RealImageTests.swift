import ReproConfig
import ReproTensor
import TestSupport
import Testing

@testable import ReproData

/// Counts and balance as the mirror's manifest has them; digests by Pillow and numpy over the same files.
@Suite(.serialized) struct RealImageTests {
  @Test("Tiny-ImageNet has its images, classes and boxes, and decodes once")
  func tinyImageNet() throws {
    try withRealMirror { root in
      let set = try open(TinyImageNet.self, ["train": "1000"], root)
      #expect(set.sizes == [1000, 0, 2500])
      let test = try set.all(.test)
      #expect(test.counts(classes: 100) == [Int](repeating: 25, count: 100))
      #expect(test.digest() == "a2f1e55b57f11b22f27132f6371e6d303e1aa6f8461da45a2678787e447b2c9d")
      let boxes = test.reals("box")
      let sums = (0..<4).map { k in (0..<2500).reduce(0.0) { $0 + Double(boxes.values[4 * $1 + k]) } }
      #expect(sums == [22031, 28649, 138551, 138249])
      let train = try set.all(.train)
      #expect(train.counts(classes: 100) == [Int](repeating: 10, count: 100))
      guard case .category(let classes)? = set.spec[field: "label"]?.kind else { return }
      #expect(classes[0] == "goldfish, Carassius auratus" && classes.count == 100)
      // Another size, from the cache: halved images have the same mean, but for halves that both passes round up.
      let heard = Heard()
      var again = root
      again.notices = heard.notices
      let half = try open(TinyImageNet.self, ["train": "1000", "size": "32"], again)
      #expect(half.spec[field: "image"]?.kind == .image(height: 32, width: 32, channels: 3) && heard.all.isEmpty)
      func mean(_ bytes: [UInt8]) -> Double { Double(bytes.reduce(0) { $0 + Int($1) }) / Double(bytes.count) }
      #expect(try abs(mean(half.all(.test).images().bytes) - mean(test.images().bytes)) < 0.3)
      #expect(try isNear(half.all(.test).sum("box"), sums.reduce(0, +) / 2))
    }
  }

  @Test("Omniglot has 4,840 drawings of 242 characters by 20 people; splits by drawer or by alphabet")
  func omniglot() throws {
    try withRealMirror { root in
      let set = try open(Omniglot.self, [:], root)
      #expect(set.sizes == [242 * 15, 0, 242 * 5])
      let (train, test) = (try set.all(.train), try set.all(.test))
      #expect(train.counts(classes: 242) == [Int](repeating: 15, count: 242))
      #expect(test.counts("drawer", classes: 20) == [Int](repeating: 0, count: 15) + [Int](repeating: 242, count: 5))
      let both = Batch(
        indices: Array(0..<4840),
        columns: [
          (
            "image",
            .images(
              ImageBatch(
                count: 4840, height: 105, width: 105, channels: 1, bytes: train.images().bytes + test.images().bytes))
          )
        ])
      #expect(both.digest() == "eba8b386a39b74b675fc2e57407009f97c83e5d57dc5484ec0b6516654d2e304")
      let alphabets = try open(Omniglot.self, ["split": "alphabets"], root)
      #expect(alphabets.sizes == [2720, 0, 2120])
      #expect(
        try Set(alphabets.all(.train).integers()).isDisjoint(with: Set(alphabets.all(.test).integers())))
      let small = try open(Omniglot.self, ["set": "small2", "size": "28"], root)
      #expect(
        small.sizes == [156 * 15, 0, 156 * 5]
          && small.spec[field: "image"]?.kind == .image(height: 28, width: 28, channels: 1))
      #expect(
        reproError { _ = try open(Omniglot.self, ["set": "small1", "split": "alphabets"], root) }?.description
          == "recipe.yaml:3:7: split: alphabets of set: small1, expected set: both")
    }
  }

  @Test("The one-shot runs show the right answer among twenty candidates")
  func omniglotRuns() throws {
    try withRealMirror { root in
      let set = try open(OmniglotRuns.self, [:], root)
      #expect(set.sizes == [0, 0, 400])
      let test = try set.all(.test)
      #expect(test.digest() == "0b8e2b625b7739d0247788324f101d51e2f64c677aab24685180de9110a82ad1")
      // In file order within run 1; every run has each candidate once.
      let labels = zip(test.integers(), test.integers("run")).filter { $0.1 == 0 }.map(\.0)
      #expect(Set(labels) == Set(0..<20) && labels.prefix(5) == [7, 8, 1, 18, 9])
      #expect(test.images("candidates").frames == 20 && test.images("candidates").count == 400)
    }
  }

  @Test("ORL has ten portraits of each of 40 people, a fifth of them for the test whatever the seed")
  func orlFaces() throws {
    try withRealMirror { root in
      let set = try open(ORLFaces.self, [:], root)
      #expect(set.sizes == [320, 0, 80])
      let (train, test) = (try set.all(.train), try set.all(.test))
      #expect(train.counts(classes: 40) == [Int](repeating: 8, count: 40))
      #expect(test.counts(classes: 40) == [Int](repeating: 2, count: 40))
      let bytes = train.images().bytes + test.images().bytes
      #expect(bytes.reduce(0) { $0 + Int($1) } == 456_981_333)
      let other = try open(ORLFaces.self, [:], DataRoot(cache: root.cache, mirror: root.mirror, seed: 8))
      #expect(try other.all(.test).images() == test.images() && (try other.all(.train).images()) != train.images())
      let square = try open(ORLFaces.self, ["size": "32", "train": "40", "validation": "40"], root)
      #expect(
        try square.sizes == [40, 40, 80]
          && (square.all(.validation).counts(classes: 40)) == [Int](repeating: 1, count: 40))
    }
  }
}
