import Glibc
import ReproConfig
import ReproData
import Testing

@testable import ReproScenes

@Suite struct SpeedTests {
  private func cpuSeconds() -> Double {
    var t = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t)
    return Double(t.tv_sec) + Double(t.tv_nsec) * 1e-9
  }

  /// A third of what an idle machine does: only a lost optimisation fails.
  @Test("rooms with all maps are rendered by the hundreds per second, scenes of several by the thousand")
  func speeds() throws {
    func rate<D: DatasetProvider>(_ type: D.Type, _ options: String, samples: Int, views: Int = 1) throws -> Double {
      let data = try family(type, options)
      _ = try data.batch([0, 1], of: .train)
      let start = cpuSeconds()
      // Four samples are one tile: they are drawn on this thread, whose time is measured.
      for first in stride(from: 0, to: samples, by: 4) { _ = try data.batch(Array(first..<first + 4), of: .train) }
      return Double(samples * views) / (cpuSeconds() - start)
    }
    let maps = "outputs: [depth, normals, classes, instances, flow, occluded, objects, layout]"
    let rooms = try rate(ScenesRooms.self, maps, samples: 60)
    let multi = try rate(ScenesMulti.self, "outputs: [depth, normals, visibility]", samples: 100)
    let drive = try rate(ScenesDrive.self, "outputs: [depth, flow, occluded]", samples: 12, views: 5)
    let video = try rate(ScenesVideo.self, "size: 32", samples: 20, views: 16)
    let arm = try rate(ScenesRobot.self, "task: arm, size: 24", samples: 4, views: 150)
    print(
      "views a second and thread: rooms \(Int(rooms)), multi \(Int(multi)), drive \(Int(drive)), video \(Int(video)), "
        + "arm \(Int(arm))")
    #expect(rooms > 75 && multi > 150 && drive > 50 && video > 700 && arm > 1000)
  }
}
