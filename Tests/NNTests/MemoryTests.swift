import Glibc
import ReproNN
import ReproTensor
import TestSupport
import Testing

/// What a process has from the system.
private enum ProcessMemory {
  /// A line of /proc/self/status in bytes: VmData is what the process has from the system, RssAnon what of it is in
  /// memory and no file's: code that is read for the first time does not count.
  static func status(_ name: String) -> Int {
    guard let file = fopen("/proc/self/status", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, 256, file) != nil {
      let fields = text(line).split { $0 == " " || $0 == "\t" || $0 == ":" }
      if fields.count > 2, fields[0] == name { return (Int(fields[1]) ?? 0) << 10 }
    }
    return 0
  }

  /// Bytes that malloc has from the system: arenas and mapped blocks, as mallinfo2 counts them (whose header Swift does not
  /// see), from the totals at the end of malloc_info.
  static func heap() -> Int {
    typealias MallocInfo = @convention(c) (Int32, UnsafeMutablePointer<FILE>) -> Int32
    guard let symbol = dlsym(nil, "malloc_info"), let file = tmpfile() else { return 0 }
    defer { fclose(file) }
    _ = unsafeBitCast(symbol, to: MallocInfo.self)(0, file)
    rewind(file)
    var line = [CChar](repeating: 0, count: 256)
    var (system, mapped) = (0, 0)
    while fgets(&line, 256, file) != nil {
      let words = text(line)
      func number(_ key: String) -> Int? {
        words.firstRange(of: "\(key)=\"").flatMap { r in Int(words[r.upperBound...].prefix { $0 != "\"" }) }
      }
      // The last line of each kind is the total over all arenas.
      if words.hasPrefix("<system type=\"current\"") { system = number("size") ?? 0 }
      if words.hasPrefix("<total type=\"mmap\"") { mapped = number("size") ?? 0 }
    }
    return system + mapped
  }

  private static func text(_ line: [CChar]) -> String {
    String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// Trains 25 steps; the last 20 must take nothing more from the system.
private func expectSteady(_ workload: TrainingWorkload) {
  ThreadPool.shared.threads = 1
  var (cache, data, resident, heap) = (BufferCache.shared.counters, 0, 0, 0)
  _ = workload.run(25) { step in
    if step == 4 {
      (data, resident, heap) = (ProcessMemory.status("VmData"), ProcessMemory.status("RssAnon"), ProcessMemory.heap())
      cache = BufferCache.shared.counters
    }
    guard step == 24 else { return }
    #expect(BufferCache.shared.counters == cache, "buffers, live bytes, peak and cache stay as they are")
    #expect(cache.systemAllocations > 10 && cache.liveBytes > 0)
    let grown = (
      ProcessMemory.status("VmData") - data, ProcessMemory.status("RssAnon") - resident, ProcessMemory.heap() - heap
    )
    #expect(data > 0 && grown.0 < 64 << 10, "the process took \(grown.0) bytes more from the system")
    #expect(resident > 0 && grown.1 < 256 << 10, "the process grew by \(grown.1) bytes")
    #expect(heap > 0 && grown.2 < 64 << 10, "malloc took \(grown.2) bytes more from the system")
  }
}

@Suite("Memory of training")
struct TrainingMemoryTests {
  @Test func aSteadyStepOfAVisionTransformerAllocatesNothingFromTheSystem() async {
    await #expect(processExitsWith: .success) { expectSteady(.visionTransformer) }
  }

  @Test func aSteadyStepOfAResidualNetworkAllocatesNothingFromTheSystem() async {
    await #expect(processExitsWith: .success) { expectSteady(.residualNetwork) }
  }

  @Test func aSteadyStepOfARecurrentNetworkAllocatesNothingFromTheSystem() async {
    await #expect(processExitsWith: .success) { expectSteady(.recurrentNetwork) }
  }

  @Test func aSteadyStepOfAGraphNetworkAllocatesNothingFromTheSystem() async {
    await #expect(processExitsWith: .success) { expectSteady(.graphNetwork) }
  }

  @Test func threadsAddOnlyTheirScratch() async {
    await #expect(processExitsWith: .success) {
      ThreadPool.shared.threads = 4
      var before = BufferCache.shared.counters
      _ = TrainingWorkload.visionTransformer.run(25) { step in
        if step == 4 { before = BufferCache.shared.counters }
        guard step == 24 else { return }
        let after = BufferCache.shared.counters
        // A tile's scratch is one buffer for each thread that is at work at once, which the first steps need not have met.
        #expect(after.systemAllocations <= before.systemAllocations + 3)
        #expect(after.liveBytes == before.liveBytes)
      }
    }
  }
}
