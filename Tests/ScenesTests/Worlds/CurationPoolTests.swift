import ReproConfig
import ReproData
import ReproTensor
import Testing

@testable import ReproScenes

@Suite(.serialized) struct CurationPoolTests {
  private func pool(_ more: (String, String)..., seed: UInt64 = 1) throws -> CurationPool {
    let mark = YAMLNode.Mark(file: "test.yaml", line: 1, column: 1)
    let small = [("of", "scenes-objects"), ("size", "16"), ("train", "80"), ("test", "20"), ("wanted", "3")]
    let entries = (small + [("seeds", "2"), ("pool", "5")]).filter { own in !more.contains { $0.0 == own.0 } } + more
    var section = try Section(
      YAMLNode(
        .mapping(
          entries.map {
            YAMLNode.Entry(key: $0.0, keyMark: mark, value: YAMLNode(.scalar($0.1, quoted: false), at: mark))
          }
        ), at: mark), name: "data")
    let provider = try CurationPool(&section, root: DataRoot(cache: "", mirror: nil, seed: seed))
    try section.finish()
    return provider
  }

  @Test func samplesAreAPureFunctionOfOptionsSplitIndexAndSeed() throws {
    try expectsPureSamples(try pool(), other: try pool(seed: 2), [3, 0, 9, 1, 4], changing: "image")
  }

  @Test func theCuratedSetIsOfTheWantedClassesAndThePoolOfAll() throws {
    let data = try pool()
    let all = try data.batch(Array(0..<56), of: .train)
    #expect(data.spec.sizes == [.train: 3 * 2 + 10 * 5, .test: 20] && data.wanted.count == 3)
    let (labels, roles) = (all.integers("label"), all.integers("role"))
    for c in 0..<10 {
      let own = labels.indices.filter { labels[$0] == c }
      #expect(own.count { roles[$0] == 0 } == 5)
      #expect(own.count { roles[$0] == 1 } == (data.wanted.contains(c) ? 2 : 0))
    }
    #expect(all.integers("group") == labels.map { data.wanted.contains($0) ? 1 : 0 })
    #expect(all.integers("truth") == all.integers("group"))
    let test = try data.batch(Array(0..<20), of: .test)
    #expect(test.integers("group") == test.integers("label").map { data.wanted.contains($0) ? 1 : 0 })
  }

  @Test func nobodyIsTwiceInIt() throws {
    let data = try pool()
    let images = try data.batch(Array(0..<56), of: .train).images()
    let pictures = (0..<56).map { Array(images.bytes[($0 * images.sampleSize)..<(($0 + 1) * images.sampleSize)]) }
    #expect(Set(pictures).count == 56)
  }

  @Test func trainingMaySeeTheRoleButNoLabel() throws {
    let fields = try pool().spec.fields
    #expect(fields.filter { !$0.isLabel }.map(\.name) == ["image", "role", "truth"])
    #expect(fields.filter(\.isLabel).map(\.name) == ["label", "group"])
  }

  @Test func theSeedDrawsTheWantedClasses() throws {
    #expect(Set(try (1..<6).map { try pool(seed: $0).wanted }).count > 1)
  }

  @Test func tooFewSamplesAreRefused() throws {
    func found(_ key: String, _ value: String) -> String {
      do { _ = try pool((key, value)) } catch { return "\(error)" }
      return "no error"
    }
    #expect(found("pool", "7").contains("8 training samples of class"))
    #expect(found("pool", "7").contains("seeds + pool = 9"))
    #expect(found("wanted", "10").contains("fewer than the 10 classes of scenes-objects"))
  }
}
