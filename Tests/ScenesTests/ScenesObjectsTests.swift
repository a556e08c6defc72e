import Glibc
import ReproConfig
import ReproData
import ReproTensor
import Testing

@testable import ReproScenes

/// The data set with the given options, as a recipe would write them.
private func objects(seed: UInt64 = 1, _ options: (String, String)...) throws -> ScenesObjects {
  let mark = YAMLNode.Mark(file: "test.yaml", line: 1, column: 1)
  let entries = options.map { key, value in
    YAMLNode.Entry(key: key, keyMark: mark, value: YAMLNode(.scalar(value, quoted: false), at: mark))
  }
  var section = try Section(YAMLNode(.mapping(entries), at: mark), name: "data")
  let provider = try ScenesObjects(&section, root: DataRoot(cache: "", mirror: nil, seed: seed))
  try section.finish()
  return provider
}

private func pictures(_ batch: Batch) -> [[UInt8]] {
  let images = batch.images()
  let size = images.height * images.width * 3
  return (0..<images.count).map { Array(images.bytes[$0 * size..<($0 + 1) * size]) }
}

/// One after the other: some change the number of threads.
@Suite(.serialized) struct ScenesObjectsTests {
  @Test func sameSeedGivesTheSameBytesForAnyThreadsAndAnyOrder() throws {
    let data = try objects(("objects", "2"))
    let indices = [0, 17, 3, 255, 8, 1, 90, 44, 31, 2, 1001, 7, 7]
    let before = ThreadPool.shared.threads
    defer { ThreadPool.shared.threads = before }
    var seen: [Batch] = []
    for threads in [1, 2, 3] {
      ThreadPool.shared.threads = threads
      seen.append(try data.batch(indices, of: .train))
    }
    for batch in seen {
      #expect(batch.images() == seen[0].images() && batch.images("mask") == seen[0].images("mask"))
      #expect(batch.integers() == seen[0].integers() && batch.integers("instance") == seen[0].integers("instance"))
    }
    let backwards = try objects(("objects", "2")).batch(indices.reversed(), of: .train)
    #expect(pictures(backwards) == pictures(seen[0]).reversed())
    #expect(pictures(seen[0])[11] == pictures(seen[0])[12])
    let alone = try data.batch([255], of: .train)
    #expect(pictures(alone)[0] == pictures(seen[0])[3])
  }

  @Test func splitsAndSeedsNeverShareAPicture() throws {
    let data = try objects(("instances", "2"))
    var all: Set<[UInt8]> = []
    for split in Split.allCases {
      for picture in pictures(try data.batch(Array(0..<100), of: split)) { all.insert(picture) }
    }
    for picture in pictures(try objects(seed: 2, ("instances", "2")).batch(Array(0..<100), of: .train)) {
      all.insert(picture)
    }
    #expect(all.count == 400)
  }

  @Test func classesAreBalancedAndTheColumnsAgreeWithTheSpecification() throws {
    let data = try objects(("size", "16"), ("train", "200"), ("test", "50"), ("validation", "0"), ("instances", "3"))
    let batch = try data.renderAll(.train)
    #expect(batch.columns.map(\.name) == data.spec.fields.map(\.name))
    #expect(data.spec.sizes == [.train: 200, .validation: 0, .test: 50])
    #expect(data.spec.fields.filter { !$0.isLabel }.map(\.name) == ["image"])
    var count = [Int](repeating: 0, count: 10)
    for label in batch.integers() { count[label] += 1 }
    #expect(count == [Int](repeating: 20, count: 10))
    #expect(batch.images().bytes.count == 200 * 16 * 16 * 3)
    #expect(data.spec[field: "instance"]?.kind == .identity(count: 30))
    #expect(batch.integers("instance").allSatisfy { (0..<30).contains($0) })
    #expect(zip(batch.integers(), batch.integers("instance")).allSatisfy { $0 == $1 % 10 })
    #expect(try data.renderAll(.validation).count == 0)
  }

  @Test func masksShowTheLabelledObjectWellEnough() throws {
    for (size, number, clutter) in [("16", "1", "1"), ("32", "1", "0.5"), ("32", "4", "1"), ("64", "2", "1")] {
      let data = try objects(("size", size), ("objects", number), ("clutter", clutter))
      let batch = try data.batch(Array(0..<240), of: .train)
      let masks = batch.images("mask")
      let pixels = masks.height * masks.width
      for (i, label) in batch.integers().enumerated() {
        let mask = masks.bytes[i * pixels..<(i + 1) * pixels]
        #expect(mask.allSatisfy { $0 <= 10 })
        let own = mask.reduce(0) { $0 + ($1 == label + 1 ? 1 : 0) }
        #expect(own * 25 >= pixels, "sample \(i) of size \(size) with \(number) objects shows \(own) pixels")
        if number == "1" { #expect(mask.allSatisfy { $0 == 0 || Int($0) == label + 1 }) }
      }
    }
  }

  @Test func aSampleIsWhatTheRendererSees() throws {
    let data = try objects(("size", "48"), ("objects", "3"))
    let batch = try data.batch(Array(20..<40), of: .test)
    for i in 0..<20 {
      let view = data.view(20 + i, of: .test)
      #expect(view.rgb == pictures(batch)[i])
      #expect(view.classes == Array(batch.images("mask").bytes[i * 48 * 48..<(i + 1) * 48 * 48]))
      for pixel in 0..<48 * 48 where view.classes[pixel] > 0 {
        #expect((1...3).contains(view.instances[pixel]) && view.depth[pixel] > 0)
        if view.instances[pixel] == 1 { #expect(Int(view.classes[pixel]) == batch.integers()[i] + 1) }
      }
    }
  }

  @Test func anIndividualKeepsItsShapeAndLookInEveryView() throws {
    let data = try objects(("instances", "4"), ("test", "400"))
    let identities = try data.batch(Array(0..<400), of: .test).integers("instance")
    for identity in 0..<40 { #expect(identities.filter { $0 == identity }.count == 10) }
    let world = RandomStream(seed: 1).child("scenes-objects")
    let (a, b) = (Individual(.table, number: 2, of: world), Individual(.table, number: 2, of: world))
    #expect(a.parts == b.parts && a.materials == b.materials)
    let c = Individual(.table, number: 3, of: world)
    #expect(c.parts != a.parts && c.materials != a.materials)
  }

  @Test func withTheDefaultPoolNoIndividualOfOneSplitIsMetInAnother() throws {
    let data = try objects()
    var pools: [Set<Int>] = []
    for split in Split.allCases {
      pools.append(Set((0..<(data.spec.sizes[split] ?? 0)).map { data.instance($0, of: split) }))
    }
    #expect(pools[0].isDisjoint(with: pools[1]))
    #expect(pools[0].isDisjoint(with: pools[2]))
    #expect(pools[1].isDisjoint(with: pools[2]))
  }

  /// A histogram of 4 x 4 x 4 colours, compared by nearest neighbour, hardly beats chance.
  @Test func coloursDoNotNameTheClass() throws {
    let data = try objects(("size", "16"))
    func histograms(_ batch: Batch) -> [[Float]] {
      pictures(batch).map { picture in
        var bins = [Float](repeating: 0, count: 64)
        for i in stride(from: 0, to: picture.count, by: 3) {
          bins[Int(picture[i] >> 6) * 16 + Int(picture[i + 1] >> 6) * 4 + Int(picture[i + 2] >> 6)] += 1
        }
        return bins.map { $0.squareRoot() }
      }
    }
    let (train, test) = (try data.batch(Array(0..<2000), of: .train), try data.batch(Array(0..<1000), of: .test))
    let (known, asked) = (histograms(train), histograms(test))
    var correct = 0
    for (i, query) in asked.enumerated() {
      var (best, label) = (Float.infinity, 0)
      for (j, other) in known.enumerated() {
        var distance: Float = 0
        for k in 0..<64 { distance += (query[k] - other[k]) * (query[k] - other[k]) }
        if distance < best { (best, label) = (distance, train.integers()[j]) }
      }
      if label == test.integers()[i] { correct += 1 }
    }
    #expect(correct > 60 && correct < 150, "\(correct) of 1000 by colour; chance is 100")
  }

  @Test func picturesAreWellExposed() throws {
    let batch = try objects().batch(Array(0..<400), of: .train)
    var means: [Double] = []
    var extreme = 0
    for picture in pictures(batch) {
      means.append(picture.reduce(0) { $0 + Double($1) } / Double(picture.count) / 255)
      extreme += picture.count { $0 == 0 || $0 == 255 }
    }
    let mean = means.reduce(0, +) / 400
    #expect(mean > 0.35 && mean < 0.6, "mean brightness \(mean)")
    #expect(means.count { $0 < 0.25 || $0 > 0.75 } < 12)
    #expect(Double(extreme) / Double(400 * 32 * 32 * 3) < 0.01)
    let perChannel = (0..<3).map { c in
      stride(from: c, to: batch.images().bytes.count, by: 3).reduce(0.0) { $0 + Double(batch.images().bytes[$1]) }
    }
    #expect((perChannel.max() ?? 0) / (perChannel.min() ?? 1) < 1.15)
  }

  @Test func aMarkNamesTheClassInTrainingAndLiesInTest() throws {
    let data = try objects(("shortcut", "mark"))
    let clean = try objects()
    /// Where the picture differs from the one without a shortcut.
    func place(_ index: Int, _ split: Split) throws -> Int {
      let (marked, plain) = (try data.batch([index], of: split), try clean.batch([index], of: split))
      let differing = (0..<32).filter { x in
        (0..<3).contains { marked.images().bytes[x * 3 + $0] != plain.images().bytes[x * 3 + $0] }
      }
      #expect(marked.images("mask") == plain.images("mask"))
      #expect(marked.images().bytes.suffix(32 * 30 * 3) == plain.images().bytes.suffix(32 * 30 * 3))
      return ((differing.first ?? 0) + 1) * 10 / 32
    }
    for i in 0..<30 { #expect(try place(i, .train) == i % 10) }
    let told = try (0..<60).filter { try place($0, .test) == $0 % 10 }.count
    #expect(told < 18)
  }

  @Test func theGroundNamesTheClassOnlyWhenAskedTo() throws {
    let (data, clean) = (try objects(("shortcut", "ground")), try objects())
    #expect(data.fingerprint != clean.fingerprint)
    let (tinted, plain) = (try data.batch(Array(0..<20), of: .train), try clean.batch(Array(0..<20), of: .train))
    #expect(tinted.images("mask") == plain.images("mask"))
    #expect(tinted.images() != plain.images())
  }

  @Test func textureAndColourNameTheClassInTrainingOnly() throws {
    for word in ["texture", "colour"] {
      let (data, clean) = (try objects(("shortcut", word), ("size", "48")), try objects(("size", "48")))
      var told = 0
      for split in [Split.train, .test] {
        for i in 0..<30 {
          let body = data.scene(i, of: split).bodies[0]
          let plain = clean.scene(i, of: split).bodies[0]
          #expect(body.parts == plain.parts)
          let material = body.materials[0]
          let isTold: Bool
          if word == "texture" {
            let ratio = material.frame.row0.length / plain.materials[0].frame.row0.length
            let number = (Material.Pattern.allCases.firstIndex(of: material.pattern) ?? 0) + (ratio > 1.5 ? 7 : 0)
            isTold = number == i % 10
          } else {
            let expected = SRGB.linear(Look.color(hue: Float(i % 10) / 10, saturation: 0.75, value: 0.85))
            isTold = (material.first - expected).length < 1e-6
          }
          if split == .train { #expect(isTold, "\(word) of \(i)") } else if isTold { told += 1 }
        }
      }
      #expect(told < 12, "\(told) of 30")
    }
  }

  @Test func wrongOptionsAreRefused() throws {
    for (key, value) in [("size", "8"), ("size", "200"), ("objects", "5"), ("clutter", "1.5"), ("shortcut", "yes")] {
      #expect(throws: ReproError.self) { try objects((key, value)) }
    }
    #expect(throws: ReproError.self) { try objects(("cluter", "1")) }
  }

  @Test func picturesAreRenderedByTheThousandsPerSecond() throws {
    func cpuSeconds() -> Double {
      var t = timespec()
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t)
      return Double(t.tv_sec) + Double(t.tv_nsec) * 1e-9
    }
    let before = ThreadPool.shared.threads
    defer { ThreadPool.shared.threads = before }
    ThreadPool.shared.threads = 1
    for (size, floor) in [(32, 1200.0), (64, 400.0)] {
      let data = try objects(("size", "\(size)"))
      _ = try data.batch(Array(0..<20), of: .train)
      let start = cpuSeconds()
      _ = try data.batch(Array(0..<300), of: .train)
      let rate = 300 / (cpuSeconds() - start)
      print("scenes-objects at \(size): \(Int(rate)) pictures a second and thread")
      // A third of what an idle machine does: only a lost optimisation fails.
      #expect(rate > floor)
    }
  }
}
