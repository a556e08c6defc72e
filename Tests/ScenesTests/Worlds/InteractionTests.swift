import ReproConfig
import ReproData
import ReproTensor
import Testing

@testable import ReproScenes

@Suite(.serialized) struct InteractionTests {
  @Test func samplesAreAPureFunctionOfOptionsSplitIndexAndSeed() throws {
    func data(_ seed: UInt64) throws -> ScenesInteractions {
      try world(ScenesInteractions.self, seed: seed, ("size", "16"), ("frames", "8"), ("gap", "0.3"))
    }
    try expectsPureSamples(try data(1), other: try data(2), [3, 0, 9, 1, 4], changing: "video")
  }

  /// States change once per event, by one device, half-way at the event; before the first event there is no sound.
  @Test func statesChangeWhenItSounds() throws {
    let data = try world(ScenesInteractions.self, ("size", "16"), ("hiss", "0"))
    let batch = try data.batch(Array(0..<36), of: .train)
    let (events, states) = (batch.reals("events").values, batch.reals("states").values)
    let sound = batch.reals("sound").values
    var (two, directions) = (0, Set<Int>())
    for n in 0..<36 {
      let list = (0..<2).map { Array(events[(n * 2 + $0) * 3..<(n * 2 + $0 + 1) * 3]) }.filter { $0[0] >= 0 }
      #expect(Int(list[0][1]) == batch.integers("verb")[n])
      if list.count == 2 {
        two += 1
        #expect(list[1][0] - list[0][0] > 1.19)
      }
      func state(_ frame: Int, _ device: Int) -> Float { states[(n * 40 + frame) * 6 + device] }
      for device in 0..<6 {
        let own = list.filter { Int($0[1]) == device }
        for frame in 0..<39 where abs(state(frame + 1, device) - state(frame, device)) > 1e-6 {
          let time = (Float(frame) + 0.5) / 10
          #expect(own.contains { abs($0[0] - time) < 0.26 }, "device \(device) changes at \(time)")
        }
        for event in own {
          directions.insert(device * 2 + Int(event[2]))
          let frame = Int((event[0] * 10).rounded())
          #expect(abs(state(frame, device) - 0.5) < 1e-4)
          #expect(abs(state(min(frame + 3, 39), device) - event[2]) < 1e-4)
        }
      }
      let wave = Array(sound[n * 32000..<(n + 1) * 32000])
      func energy(_ from: Float, _ length: Float) -> Float {
        let start = Int(from * 8000)
        return wave[start..<min(start + Int(length * 8000), 32000)].reduce(0) { $0 + $1 * $1 }
      }
      for event in list { #expect(energy(event[0], 0.3) > 4 * energy(event[0] - 0.35, 0.3)) }
    }
    #expect(two > 4 && two < 26, "\(two) of 36 clips have two events")
    #expect(directions.count > 8, "\(directions.sorted())")
  }

  /// What changes in the picture is the device of the event.
  @Test func theDeviceOfTheEventIsWhatChanges() throws {
    let data = try world(ScenesInteractions.self, ("size", "48"), ("jitter", "0"))
    let batch = try data.batch(Array(0..<12), of: .train)
    for n in 0..<12 {
      let event = batch.reals("events").values[n * 6..<n * 6 + 3].map { $0 }
      let frame = Int((event[0] * 10).rounded())
      let (before, after) = (frame - 3, frame + 3)
      let (a, b) = (
        Array(image(batch.images("video"), n, frame: before)), Array(image(batch.images("video"), n, frame: after))
      )
      let masks = [before, after].map { Array(image(batch.images("masks"), n, frame: $0)) }
      let device = UInt8(event[1]) + 1
      var (own, other) = (0, 0)
      for i in 0..<48 * 48 where (0..<3).contains(where: { abs(Int(a[3 * i + $0]) - Int(b[3 * i + $0])) > 24 }) {
        if masks.contains(where: { $0[i] == device }) { own += 1 } else { other += 1 }
      }
      #expect(own > 8 && own > other, "device \(device) in clip \(n): \(own) of its pixels change, \(other) others")
      #expect(Set(masks[0]).isSubset(of: Set(0...6)))
    }
    #expect(throws: ReproError.self) { try world(ScenesInteractions.self, ("gap", "3")) }
  }
}
