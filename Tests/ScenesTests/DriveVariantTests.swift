import ReproConfig
import ReproData
import ReproTensor
import Testing

@testable import ReproScenes

/// What drives on the road offer to methods that learn depth from motion.
@Suite struct DriveVariantTests {
  @Test(
    "disguised movers are in every test clip, drive in three ways, and are seen; the middle moment is the middle frame")
  func disguises() throws {
    let data = try family(
      ScenesDrive.self,
      "frames: 3, moving: 0.3, movers: disguised, outputs: [depth, moving, motion, middle-depth, middle-motion, odometry]"
    )
    let batch = try data.batch(Array(0..<24), of: .test)
    #expect(batch.integers("motion").allSatisfy { $0 == 1 })
    let training = try data.batch(Array(0..<40), of: .train).integers("motion").reduce(0, +)
    #expect((5...20).contains(training), "\(training) of 40 clips with a mover")
    let (area, middle, moving) = (64 * 96, batch.images("middle-motion").bytes, batch.images("moving").bytes)
    let shares = (0..<24).map { i in
      Double(middle[(i * area)..<((i + 1) * area)].reduce(0) { $0 + Int($1) }) / Double(area)
    }
    #expect(shares.count { $0 >= 0.05 } >= 14, "\(shares)")
    for i in 0..<24 {
      #expect(middle[(i * area)..<((i + 1) * area)] == moving[((3 * i + 1) * area)..<((3 * i + 2) * area)])
    }
    #expect(batch.reals("odometry").values == batch.reals("cameras").values)
    let (depth, whole) = (batch.reals("middle-depth").values, batch.reals("depth").values)
    #expect(depth[0..<area] == whole[area..<(2 * area)])
    #expect(data.spec[field: "odometry"]?.isLabel == false && data.spec[field: "cameras"]?.isLabel == true)
  }

  @Test(
    "cues: with strong ones the camera and all sizes are the same, with weak ones things hover; slides go to the side")
  func cues() throws {
    func eyes(_ options: String) throws -> [[Vec3]] {
      let batch = try family(ScenesDrive.self, "frames: 3, size: [16, 24], \(options)").batch(Array(0..<12), of: .train)
      let values = batch.reals("cameras").values.map { Float($0) }
      return (0..<12).map { i in
        (0..<3).map { t in
          let c = Array(values[(i * 3 + t) * 12..<(i * 3 + t + 1) * 12])
          let r = Mat3(rows: Vec3(c[0], c[1], c[2]), Vec3(c[4], c[5], c[6]), Vec3(c[8], c[9], c[10]))
          return -(r.transposed * Vec3(c[3], c[7], c[11]))
        }
      }
    }
    #expect(try eyes("cues: strong").allSatisfy { abs($0[0].y - 1) < 1e-5 })
    let weak = try eyes("cues: weak").map { $0[0].y }
    #expect((weak.min() ?? 1) < 0.75 && (weak.max() ?? 1) > 1.5)
    let steps = try eyes("sideways: 1, stride: [0.5, 0.6]").map { $0[1] - $0[0] }
    #expect(steps.allSatisfy { $0.z > 0.4 && $0.z < 0.72 && abs($0.x) < 0.75 })
    #expect(steps.contains { $0.x > 0.2 } && steps.contains { $0.x < -0.2 })
    func message(_ options: String) -> String {
      do {
        _ = try family(ScenesDrive.self, options)
        return "none"
      } catch { return "\(error)" }
    }
    #expect(message("stride: [0.5, 0.2]").contains("the shortest step"))
    #expect(message("cues: none").contains("strong"))
  }
}
