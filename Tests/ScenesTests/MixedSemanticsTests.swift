import ReproConfig
import ReproData
import ReproTensor
import Testing

@testable import ReproScenes

/// `semantics: mixed` of scenes-multi: half of the classes are patterns, which no geometry tells.
@Suite struct MixedSemanticsTests {
  private let options = "size: 32, classes: 5, semantics: mixed, train: 400, inputs: [depth, normals]"

  private func samples(_ count: Int) throws -> [MultiSample] {
    let world = MultiWorld(
      height: 24, width: 24, objects: 2...3, kinds: 5, instances: 10_000, hasTwoSizes: false, isNamed: false,
      style: .photo, clutter: 0.5, hasGround: false, isMixed: true, stream: RandomStream(seed: 4).child("scenes-multi"))
    let easel = Easel()
    return (0..<count).map { world.sample(SampleDraw(world: world.stream, split: .train, index: $0), easel) }
  }

  @Test func patternsAreClassesOfTheirOwnAndKindsComeWithAllOfThem() throws {
    var kindsOfPattern = [Int: [Int]]()  // class -> kinds met
    var (named, all) = (0, 0)
    for sample in try samples(120) {
      for object in sample.objects {
        let pattern = try #require(object.pattern)
        let semantic = object.semantic(kinds: 5)
        all += 1
        if object.isNamedByPattern {
          named += 1
          #expect(MultiWorld.patterns.firstIndex(of: pattern) == semantic - 5)
          kindsOfPattern[semantic, default: []].append(object.kind.rawValue)
        } else {
          #expect(semantic == object.kind.rawValue && (pattern == .plain || pattern == .noise))
        }
      }
      for body in sample.scene.bodies where body.instance > 0 {
        let object = sample.objects[Int(body.instance) - 1]
        #expect(Int(body.semantic) == object.semantic(kinds: 5) + 1)
        #expect(body.materials.allSatisfy { $0.pattern == object.pattern })
      }
    }
    #expect(kindsOfPattern.keys.sorted() == [5, 6, 7, 8, 9])
    for (semantic, kinds) in kindsOfPattern.sorted(by: { $0.key < $1.key }) {
      // About 15 or more of each class; that one of five kinds is missing has a chance below 0.2 for all of them.
      #expect(Set(kinds).count >= 4, "class \(semantic)")
    }
    // 300 coins: three deviations are 26.
    #expect(abs(named - all / 2) < 32, "\(named) of \(all)")
  }

  @Test func columnsNameTheClassesAndInputsAreNoLabels() throws {
    let data = try family(ScenesMulti.self, options)
    guard case .labelMap(_, _, let names) = data.spec[field: "mask"]?.kind else {
      Issue.record("no mask")
      return
    }
    #expect(
      names == [
        "background", "ball", "cube", "cylinder", "cone", "ring", "marble", "stripes", "checks", "bricks", "dots",
      ])
    #expect(data.spec[field: "depth"]?.isLabel == false && data.spec[field: "normals"]?.isLabel == false)
    #expect(data.spec[field: "mask"]?.isLabel == true && data.fingerprint.hasSuffix(" semantics=mixed"))
    let batch = try data.batch(Array(0..<40), of: .train)
    let masks = batch.images("mask").bytes
    #expect(masks.contains { $0 > 5 } && masks.allSatisfy { $0 <= 10 })
    #expect(Set(batch.integers()).contains { $0 >= 5 })
    #expect(batch.reals("present").shape == [40, 10])
  }

  @Test func withoutTheOptionNothingHasChanged() throws {
    let plain = try family(ScenesMulti.self, "size: 32, train: 8")
    let same = try family(ScenesMulti.self, "size: 32, train: 8, semantics: shape, inputs: [depth]")
    #expect(plain.fingerprint == same.fingerprint && !plain.fingerprint.contains("semantics"))
    let (a, b) = (try plain.batch(Array(0..<8), of: .train), try same.batch(Array(0..<8), of: .train))
    #expect(a.images() == b.images() && a.images("mask") == b.images("mask") && a.integers() == b.integers())
    // Recorded when the option was added; sheets drawn by the version before it had the same bytes.
    let digest = SHA256.hex(of: a.images().bytes + a.images("mask").bytes)
    #expect(digest == "9b10b73fbdc9db4a84a140e9c4660132e5ff0ae27cd1dde2c776ae003ab2f559")
  }

  @Test func aSmallerDiscIsSeenFromNearer() throws {
    let options = "size: 32, min_objects: 1, max_objects: 1, train: 40"
    func share(_ more: String) throws -> Double {
      let masks = try family(ScenesMulti.self, options + more).batch(Array(0..<40), of: .train).images("mask").bytes
      return Double(masks.count { $0 > 0 }) / Double(masks.count)
    }
    // Half of the distance is twice the height and width, less what leaves the picture.
    let (far, near) = (try share(""), try share(", spread: 0.5"))
    #expect(near > 2.5 * far && near < 4.5 * far, "\(far) and \(near)")
    #expect(try family(ScenesMulti.self, options + ", spread: 0.5").fingerprint.hasSuffix("spread=0.5"))
  }

  @Test func anInputThatDoesNotExistIsNamed() throws {
    let error = #expect(throws: ReproError.self) { _ = try family(ScenesMulti.self, "inputs: [dept]") }
    #expect("\(error.map { "\($0)" } ?? "")".contains("data.inputs[0]"))
  }
}
