import ReproConfig
import ReproNN
import TestSupport
import Testing

@testable import ReproEngine

@Suite struct MemoryTests {
  @Test func threadsWithoutRoomForTheirBuffersAreRefusedBeforeTheFirstProduct() throws {
    try AlgebraMemory.take(threads: 2)
    let error = reproError { try AlgebraMemory.take(threads: 3, bytesPerThread: 1 << 50) }
    #expect(error?.domain == .data && error?.location == "memory")
    #expect(error?.found == "room for 0 buffers of 1073741824 MiB, which multiply matrices")
    #expect(error?.expected == "3, one for each of --threads")
  }

  @Test func metricsAreOneLineAStepWhateverIsMeasuredWhen() throws {
    var log = MetricLog()
    log.append(stage: "a", step: 0, ["loss": 1.5, "usage": 2])
    log.append(stage: "a", step: 1, ["loss": .infinity])
    log.append(stage: "b", step: 0, ["late": -0.5])
    log.append(stage: "a", step: 4, ["usage": 3, "loss": 0.25])
    var parts: [String] = []
    try log.writeJSONLines { parts.append(String(decoding: $0, as: UTF8.self)) }
    #expect(parts.count == 4, "a line at a time: a long run's text is never whole in memory")
    #expect(
      parts.joined() == """
        {"stage":"a","step":0,"loss":1.5,"usage":2.0}
        {"stage":"a","step":1,"loss":"inf"}
        {"stage":"a","step":4,"loss":0.25,"usage":3.0}
        {"stage":"b","step":0,"late":-0.5}

        """)
  }
}
