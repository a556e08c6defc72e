import Glibc
import ReproConfig
import ReproData
import ReproTensor
import Testing

@testable import ReproScenes

@Suite(.serialized) struct GazeTests {
  @Test func samplesAreAPureFunctionOfOptionsSplitIndexAndSeed() throws {
    let options = [("views", "2"), ("patch", "8"), ("domain", "mixed"), ("size", "32")]
    func data(_ seed: UInt64) throws -> ScenesGaze {
      try world(ScenesGaze.self, seed: seed, options[0], options[1], options[2], options[3])
    }
    try expectsPureSamples(try data(1), other: try data(2), [3, 0, 9, 1, 4], changing: "image")
  }

  @Test func anglesAndDirectionsAgree() throws {
    let batch = try world(ScenesGaze.self, ("views", "3"), ("size", "32")).batch(Array(0..<40), of: .train)
    let (angles, directions) = (batch.reals("gaze").values, batch.reals("direction").values)
    for i in 0..<120 {
      let (pitch, yaw) = (angles[2 * i], angles[2 * i + 1])
      let back = Vec3(-cosf(pitch) * sinf(yaw), -sinf(pitch), -cosf(pitch) * cosf(yaw))
      let direction = Vec3(directions[3 * i], directions[3 * i + 1], directions[3 * i + 2])
      #expect((back - direction).length < 1e-4)
    }
    #expect(ScenesGaze.angles(Vec3(0, 0, -1)) == (0, 0))
  }

  /// All views of one head tell of one direction in the world, and the eyes turn by up to 30 degrees against the head.
  @Test func viewsTellOfTheSameGaze() throws {
    let batch = try world(ScenesGaze.self, ("views", "4"), ("size", "32")).batch(Array(0..<30), of: .train)
    let (directions, turns) = (batch.reals("direction").values, batch.reals("rotation").values)
    for n in 0..<30 {
      var first: Vec3?
      for v in 0..<4 {
        let m = Array(turns[(n * 4 + v) * 9..<(n * 4 + v + 1) * 9])
        let at = (n * 4 + v) * 3
        let direction = Vec3(directions[at], directions[at + 1], directions[at + 2])
        let rotation = Mat3(rows: Vec3(m[0], m[1], m[2]), Vec3(m[3], m[4], m[5]), Vec3(m[6], m[7], m[8]))
        let inHead = rotation.transposed * direction
        first = first ?? inHead
        #expect(((first ?? inHead) - inHead).length < 1e-5)
        #expect(abs(atan2f(inHead.x, inHead.z)) < 0.53 && abs(asinf(inHead.y)) < 0.53)
        #expect(abs(rotation.determinant - 1) < 1e-4)
      }
    }
  }

  /// The iris is displaced from the eye's middle in the direction of the gaze.
  @Test func irisesAreWhereTheEyesLook() throws {
    let data = try world(ScenesGaze.self, ("size", "128"), ("yaw", "10"), ("pitch", "10"))
    let batch = try data.batch(Array(0..<40), of: .train)
    var (agree, asked) = (0, 0)
    for n in 0..<40 {
      let parts = Array(image(batch.images("parts"), n))
      for side in 0..<2 {
        let at = (n * 2 + side) * 2
        let (u, v) = (batch.reals("eyes").values[at], batch.reals("eyes").values[at + 1])
        var (sum, count) = (SIMD2<Float>(0, 0), Float(0))
        for y in max(0, Int(v) - 9)...min(127, Int(v) + 9) {
          for x in max(0, Int(u) - 9)...min(127, Int(u) + 9) where parts[y * 128 + x] == HeadPart.iris.rawValue {
            sum += SIMD2(Float(x) - u, Float(y) - v)
            count += 1
          }
        }
        #expect(count > 6, "an iris of sample \(n) shows \(count) pixels")
        let direction = batch.reals("direction").values[3 * n..<3 * n + 3]
        let yaw = direction[direction.startIndex]
        guard abs(yaw) > 0.15, count > 0 else { continue }
        asked += 1
        if (sum.x / count) * yaw > 0 { agree += 1 }
      }
    }
    #expect(asked > 20 && agree == asked, "\(agree) of \(asked)")
  }

  @Test func splitsShareNobodyAndDomainsDiffer() throws {
    let data = try world(ScenesGaze.self, ("identities", "5"))
    let people = Split.allCases.map { split in Set((0..<30).map { data.identity($0, of: split) }) }
    #expect(people[0].count == 5 && people[0].isDisjoint(with: people[1]) && people[1].isDisjoint(with: people[2]))
    let wild = try world(ScenesGaze.self, ("domain", "wild"), ("identities", "5"))
    #expect(try data.batch([0], of: .train).images() != wild.batch([0], of: .train).images())
    let wide = try data.batch(Array(0..<100), of: .train).reals("head").values
    let narrow = try wild.batch(Array(0..<100), of: .train).reals("head").values
    #expect((wide.max() ?? 0) > 0.8 && (narrow.max() ?? 0) < 0.6)
  }
}
