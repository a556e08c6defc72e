import ReproConfig
import ReproData
import ReproTensor
import Testing

@testable import ReproScenes

/// K (R x + t) in Double, from the columns `intrinsics` and `extrinsics`.
func projected(_ point: D3, _ k: ArraySlice<Float>, _ rt: ArraySlice<Float>) -> (u: Double, v: Double, z: Double) {
  let (k, m) = (k.map(Double.init), rt.map(Double.init))
  let p = (0..<3).map { m[4 * $0] * point.x + m[4 * $0 + 1] * point.y + m[4 * $0 + 2] * point.z + m[4 * $0 + 3] }
  let q = (0..<3).map { k[3 * $0] * p[0] + k[3 * $0 + 1] * p[1] + k[3 * $0 + 2] * p[2] }
  return (q[0] / q[2], q[1] / q[2], p[2])
}

@Suite(.serialized) struct PeopleTests {
  @Test func samplesAreAPureFunctionOfOptionsSplitIndexAndSeed() throws {
    let options = [
      ("people", "2"), ("vary", "true"), ("views", "2"), ("frames", "2"), ("width", "32"), ("height", "24"),
    ]
    func data(_ seed: UInt64) throws -> ScenesPeople {
      try world(ScenesPeople.self, seed: seed, options[0], options[1], options[2], options[3], options[4], options[5])
    }
    try expectsPureSamples(try data(1), other: try data(2), [3, 0, 9, 1, 4], changing: "image")
  }

  @Test func jointsSeenByTheCamerasAreThePixels() throws {
    let data = try world(ScenesPeople.self, ("people", "2"), ("frames", "2"), ("views", "3"))
    let batch = try data.batch(Array(0..<20), of: .train)
    let (joints, pixels) = (batch.reals("joints").values, batch.reals("pixels").values)
    let (k, rt) = (batch.reals("intrinsics").values, batch.reals("extrinsics").values)
    var worst = 0.0
    for n in 0..<20 {
      for t in 0..<2 {
        for v in 0..<3 {
          for j in 0..<34 {
            let at = ((n * 2 + t) * 34 + j) * 3
            let point = D3(Double(joints[at]), Double(joints[at + 1]), Double(joints[at + 2]))
            let c = n * 3 + v
            let seen = projected(point, k[c * 9..<c * 9 + 9], rt[c * 12..<c * 12 + 12])
            let to = (((n * 2 + t) * 3 + v) * 34 + j) * 2
            worst = max(worst, abs(seen.u - Double(pixels[to])), abs(seen.v - Double(pixels[to + 1])))
          }
        }
      }
    }
    #expect(worst < 1e-3, "a projection is \(worst) pixels off")
  }

  @Test func bonesKeepTheirLengthsWhileBodiesMove() throws {
    let data = try world(
      ScenesPeople.self, ("people", "2"), ("frames", "5"), ("views", "1"), ("width", "24"), ("height", "24"))
    let batch = try data.batch(Array(0..<24), of: .train)
    let (joints, bones) = (batch.reals("joints").values, batch.reals("bones").values)
    func joint(_ n: Int, _ t: Int, _ p: Int, _ j: BodyJoint) -> Vec3 {
      let at = (((n * 5 + t) * 2 + p) * 17 + j.rawValue) * 3
      return Vec3(joints[at], joints[at + 1], joints[at + 2])
    }
    // The spine bends between pelvis and chest: the straight line from hip to spine is no bone.
    for n in 0..<24 {
      for p in 0..<2 {
        for j in BodyJoint.allCases where j != .spine {
          guard let parent = j.parent else { continue }
          let expected = bones[(n * 2 + p) * 17 + j.rawValue]
          for t in 0..<5 {
            let length = (joint(n, t, p, j) - joint(n, t, p, parent)).length
            #expect(abs(length - expected) < 1e-4, "\(j) is \(length), not \(expected)")
          }
        }
        let height = joint(n, 0, p, .headTop).y
        #expect(height > 0.8 && height < 2.0)
        let low = BodyJoint.allCases.map { joint(n, 2, p, $0).y }.min() ?? 0
        #expect(low > 0.05 && low < 0.09, "the lowest ankle is \(low) m high")
      }
    }
  }

  @Test func movesStayWithinTheLimitsAndMove() {
    for action in BodyAction.allCases {
      for number in 0..<10 {
        var random = RandomStream(seed: 5).child(action.name, number)
        let motion = BodyMotion(action, &random)
        var reach: Float = 0
        let shape = BodyShape(&random)
        let start = BodyPlacement(shape, motion.angles(at: 0), at: .zero, heading: 0)
        for step in 0..<20 {
          let angles = motion.angles(at: Float(step) * 0.1)
          #expect(angles == angles.limited)
          let now = BodyPlacement(shape, angles, at: .zero, heading: 0)
          reach = max(reach, zip(now.joints, start.joints).map { ($0 - $1).length }.max() ?? 0)
        }
        #expect(reach > (action == .stand ? 0.01 : 0.04), "\(action) moves by \(reach) m")
      }
    }
  }

  @Test func anArmReachesWhatIsNear() {
    var random = RandomStream(seed: 4).child("reach")
    for _ in 0..<50 {
      let shape = BodyShape(&random)
      var body = BodyPlacement(shape, BodyAngles(), at: .zero, heading: random.float(0, 6))
      let before = body
      let length = shape.upperArm + shape.forearm
      let target = body[.leftShoulder] + random.direction() * (length * random.float(0.2, 1.4))
      body.reach(target, left: true, shape)
      #expect(abs((body[.leftElbow] - body[.leftShoulder]).length - shape.upperArm) < 1e-4)
      #expect(abs((body[.leftWrist] - body[.leftElbow]).length - shape.forearm) < 1e-4)
      if (target - before[.leftShoulder]).length < 0.99 * length { #expect((body[.leftWrist] - target).length < 1e-3) }
      #expect(body[.rightWrist] == before[.rightWrist] && body[.headTop] == before[.headTop])
    }
  }

  @Test func visibleJointsLieInTheSilhouette() throws {
    let data = try world(ScenesPeople.self, ("people", "3"), ("width", "96"), ("height", "96"))
    let batch = try data.batch(Array(0..<12), of: .train)
    let (pixels, visible) = (batch.reals("pixels").values, batch.reals("visible").values)
    var seen = 0
    for n in 0..<12 {
      for v in 0..<4 {
        let map = Array(image(batch.images("people"), n, frame: v))
        let parts = Array(image(batch.images("parts"), n, frame: v))
        #expect(zip(map, parts).allSatisfy { ($0 > 0) == ($1 > 0) || $0 == 0 })
        for p in 0..<3 {
          for j in 0..<17 {
            let at = ((n * 4 + v) * 3 + p) * 17 + j
            guard visible[at] == 1 else { continue }
            let (x, y) = (Int(pixels[2 * at].rounded()), Int(pixels[2 * at + 1].rounded()))
            #expect(map[y * 96 + x] == p + 1)
            seen += 1
          }
        }
      }
    }
    let share = Double(seen) / Double(12 * 4 * 3 * 17)
    #expect(share > 0.4 && share < 0.95, "\(share) of the joints are visible")
  }

  @Test func theDetectorErrsAsOftenAsItSays() throws {
    let data = try world(
      ScenesPeople.self, ("people", "2"), ("width", "96"), ("height", "96"), ("noise", "1"), ("gross", "0.1"),
      ("misses", "0.2"),
      ("swaps", "0"))
    let batch = try data.batch(Array(0..<60), of: .train)
    let (found, owner) = (batch.reals("detections").values, batch.reals("owner").values)
    let pixels = batch.reals("pixels").values
    let visible = batch.reals("visible").values
    var (missed, far, total, square) = (0, 0, 0, 0.0)
    var (sure, unsure) = ([Float](), [Float]())
    for view in 0..<60 * 4 {
      for slot in 0..<2 {
        let who = Int(owner[view * 2 + slot])
        guard who >= 0 else {
          missed += 1
          #expect(found[(view * 2 + slot) * 51..<(view * 2 + slot + 1) * 51].allSatisfy { $0 == 0 })
          continue
        }
        for j in 0..<17 {
          let (a, b) = ((view * 2 + slot) * 17 + j, (view * 2 + who) * 17 + j)
          guard visible[b] == 1 else { continue }
          let off = SIMD2(found[3 * a] - pixels[2 * b], found[3 * a + 1] - pixels[2 * b + 1])
          let length = (off.x * off.x + off.y * off.y).squareRoot()
          total += 1
          if length > 4.5 {
            far += 1
            unsure.append(found[3 * a + 2])
          } else {
            square += Double(length * length)
            sure.append(found[3 * a + 2])
          }
        }
      }
    }
    #expect(abs(Double(missed) / 480 - 0.2) < 0.06, "\(missed) of 480 missed")
    #expect(abs(Double(far) / Double(total) - 0.1) < 0.03, "\(far) of \(total) far off")
    #expect(abs((square / Double(total - far) / 2).squareRoot() - 1) < 0.08)
    let means = [sure, unsure].map { $0.reduce(0, +) / Float($0.count) }
    #expect(means[0] > means[1] + 0.3, "confidences \(means)")
    // Exchanged sides.
    let swapped = try world(ScenesPeople.self, ("noise", "0"), ("gross", "0"), ("misses", "0"), ("swaps", "1"))
    let one = try swapped.batch([0], of: .train)
    for j in BodyJoint.allCases {
      #expect(one.reals("detections").values[3 * j.rawValue] == one.reals("pixels").values[2 * j.mirrored.rawValue])
    }
  }

  @Test func theRigIsSharedOnlyIfItIsFixed() throws {
    let fixed = try world(ScenesPeople.self)
    let rig = try fixed.batch([0, 5], of: .train).reals("extrinsics").values
    #expect(Array(rig[..<48]) == Array(rig[48...]))
    #expect(try fixed.batch([3], of: .test).reals("extrinsics").values == Array(rig[..<48]))
    let random = try world(ScenesPeople.self, ("rig", "random")).batch([0, 5], of: .train).reals("extrinsics").values
    #expect(Array(random[..<48]) != Array(random[48...]))
  }
}
