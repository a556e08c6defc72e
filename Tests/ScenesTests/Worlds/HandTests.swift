import ReproConfig
import ReproData
import ReproTensor
import Testing

@testable import ReproScenes

@Suite(.serialized) struct HandTests {
  @Test func samplesAreAPureFunctionOfOptionsSplitIndexAndSeed() throws {
    let options = [("views", "2"), ("object", "held"), ("voxels", "8"), ("size", "24")]
    func data(_ seed: UInt64) throws -> ScenesHands {
      try world(ScenesHands.self, seed: seed, options[0], options[1], options[2], options[3])
    }
    try expectsPureSamples(try data(1), other: try data(2), [3, 0, 9, 1, 4], changing: "image")
  }

  @Test func jointsSeenByTheCamerasAreThePixels() throws {
    let data = try world(ScenesHands.self, ("size", "32"))
    let batch = try data.batch(Array(0..<20), of: .train)
    let (joints, pixels) = (batch.reals("joints").values, batch.reals("pixels").values)
    let (k, rt) = (batch.reals("intrinsics").values, batch.reals("extrinsics").values)
    var worst = 0.0
    for c in 0..<80 {
      for j in 0..<21 {
        let at = (c / 4 * 21 + j) * 3
        let point = D3(Double(joints[at]), Double(joints[at + 1]), Double(joints[at + 2]))
        let seen = projected(point, k[c * 9..<c * 9 + 9], rt[c * 12..<c * 12 + 12])
        let to = (c * 21 + j) * 2
        worst = max(worst, abs(seen.u - Double(pixels[to])), abs(seen.v - Double(pixels[to + 1])))
      }
    }
    #expect(worst < 1e-3, "a projection is \(worst) pixels off")
  }

  /// The joints follow from the rotations and the factors alone, and bones are as long as the factors say.
  @Test func rotationsAndFactorsGiveTheJoints() throws {
    let data = try world(ScenesHands.self, ("size", "24"), ("views", "1"))
    let batch = try data.batch(Array(0..<30), of: .train)
    let (all, turns) = (batch.reals("joints").values, batch.reals("rotations").values)
    for n in 0..<30 {
      func joint(_ j: Int) -> Vec3 {
        let at = (n * 21 + j) * 3
        return Vec3(all[at], all[at + 1], all[at + 2])
      }
      func turn(_ r: Int) -> Mat3 {
        let m = Array(turns[(n * 16 + r) * 9..<(n * 16 + r + 1) * 9])
        return Mat3(rows: Vec3(m[0], m[1], m[2]), Vec3(m[3], m[4], m[5]), Vec3(m[6], m[7], m[8]))
      }
      var factors = RandomStream(seed: 1)
      var shape = HandShape(&factors)
      let f = Array(batch.reals("factors").values[n * 5..<n * 5 + 5])
      (shape.scale, shape.fingerLength, shape.palmWidth) = (f[0], f[1], f[2])
      (shape.thumbLength, shape.thickness) = (f[3], f[4])
      for finger in 0..<5 {
        var frame = turn(0)
        var at = joint(0) + frame * shape.base(finger)
        #expect((at - joint(HandJoint.of(finger: finger, 0))).length < 1e-5)
        for bone in 0..<3 {
          frame = frame * turn(1 + 3 * finger + bone)
          at += frame * Vec3(0, shape.length(finger, bone), 0)
          #expect((at - joint(HandJoint.of(finger: finger, bone + 1))).length < 1e-5)
        }
      }
    }
  }

  @Test func bendsStayWithinTheLimits() {
    for gesture in HandGesture.allCases {
      for number in 0..<30 {
        var random = RandomStream(seed: 2).child(gesture.name, number)
        let angles = gesture.angles(&random)
        #expect(angles == angles.limited)
      }
    }
  }

  @Test func fingersCloseAroundThingsWithoutEnteringThem() throws {
    var random = RandomStream(seed: 3).child("grasp")
    var closed = 0
    for number in 0..<48 {
      let object = HeldObject(HeldFamily.allCases[number % 6], &random)
      let shape = HandShape(&random)
      let lie = Mat3.rotation(axis: Vec3(0, 0, 1), angle: -.pi / 2)
      let roll = Mat3.rotation(axis: Vec3(0, 1, 0), angle: random.float(0, 6))
      let (pose, angles) = HandAngles.grasp(object, rotation: lie * roll, along: SIMD2(0, 0.065), shape)
      let joints = HandPlacement(shape, angles).joints
      let inside = (1..<21).filter { object.contains(pose.inverse(joints[$0])) }
      #expect(inside.isEmpty, "joints \(inside) are inside of a \(object.family)")
      if angles.bends[2].x + angles.bends[2].y + angles.bends[2].z > 1.2 { closed += 1 }
    }
    #expect(closed > 36, "\(closed) of 48 hands are closed")
  }

  @Test func masksOfHandAndThingAgree() throws {
    let data = try world(ScenesHands.self, ("object", "held"), ("size", "48"), ("hand_views", "first"))
    let batch = try data.batch(Array(0..<18), of: .train)
    var (both, hidden) = (0, 0)
    for n in 0..<18 {
      #expect(batch.integers("family")[n] == batch.integers("instance")[n] % 6)
      for v in 0..<4 {
        let masks = Array(image(batch.images("masks"), n, frame: v))
        let amodal = Array(image(batch.images("amodal"), n, frame: v))
        let fingers = Array(image(batch.images("fingers"), n, frame: v))
        #expect(masks.contains(1) == (v == 0), "the hand is in view \(v)")
        for i in masks.indices {
          if masks[i] == 2 { #expect(amodal[i] == 1 && fingers[i] == 8) }
          if masks[i] == 1 { #expect((1...7).contains(fingers[i])) }
          if v > 0 { #expect((masks[i] == 2) == (amodal[i] == 1)) }
          if amodal[i] == 1 { both += 1 }
          if amodal[i] == 1, masks[i] == 1 { hidden += 1 }
        }
      }
    }
    #expect(hidden * 40 > both, "\(hidden) of \(both) pixels of things are hidden")
  }

  /// Voxel centres are carried by the pose into the picture: those that are inside must lie in the amodal mask.
  @Test func voxelsProjectIntoTheSilhouette() throws {
    let data = try world(ScenesHands.self, ("object", "held"), ("size", "64"), ("voxels", "16"))
    let batch = try data.batch(Array(0..<12), of: .test)
    let (k, rt) = (batch.reals("intrinsics").values, batch.reals("extrinsics").values)
    let (poses, radii) = (batch.reals("object_pose").values, batch.reals("object_radius").values)
    for n in 0..<12 {
      let cells = Array(batch.images("voxels").bytes[n * 4096..<(n + 1) * 4096])
      let amodal = Array(image(batch.images("amodal"), n, frame: 1))
      let pose = poses[n * 12..<n * 12 + 12].map(Double.init)
      var (inside, outside) = (0, 0)
      for (i, cell) in cells.enumerated() where cell == 1 {
        let p = [i % 16, i / 16 % 16, i / 256].map { Double(radii[n]) * (2 * (Double($0) + 0.5) / 16 - 1) }
        let w = (0..<3).map {
          pose[4 * $0] * p[0] + pose[4 * $0 + 1] * p[1] + pose[4 * $0 + 2] * p[2] + pose[4 * $0 + 3]
        }
        let c = n * 4 + 1
        let seen = projected(D3(w[0], w[1], w[2]), k[c * 9..<c * 9 + 9], rt[c * 12..<c * 12 + 12])
        let (x, y) = (Int(seen.u.rounded()), Int(seen.v.rounded()))
        guard (0..<64).contains(x), (0..<64).contains(y) else { continue }
        if amodal[y * 64 + x] == 1 { inside += 1 } else { outside += 1 }
      }
      #expect(inside > 20 && outside * 12 <= inside, "\(inside) voxels in the silhouette, \(outside) outside")
    }
  }

  @Test func thingsOfTheTestSplitAreNew() throws {
    let data = try world(ScenesHands.self, ("object", "held"))
    let train = Set((0..<500).map { data.instance($0, of: .train) })
    let test = Set((0..<300).map { data.instance($0, of: .test) })
    #expect(train.count == 60 && test.count == 12 && train.isDisjoint(with: test))
    #expect(throws: ReproError.self) { try world(ScenesHands.self, ("voxels", "4")) }
  }
}
