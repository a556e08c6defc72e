import Glibc
import ReproNN
import ReproTensor
import TestSupport
import Testing

@Suite("Memory of training")
struct TrainingMemoryTests {
  /// A model, its optimizer and a batch, with one training step.
  private struct Training {
    var model: Classifier
    var optimizer = Optimizer(.adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8))
    let images: Tensor

    init() {
      var c = ViTConfiguration(imageSize: 16, patch: 4, channels: 3, width: 48, depth: 2, heads: 3)
      (c.registers, c.layerScale, c.dropPath) = (2, 0.1, 0.05)
      let random = RandomStream(seed: 1)
      model = Classifier(body: VisionTransformer(c, random: random), head: Linear(96, 5, random: random))
      var stream = random.child("images")
      images = stream.normal([16, 3, 16, 16])
    }

    mutating func step() {
      var gradients = valueAndGradients(of: &model) { m in
        crossEntropy(m(images), labels: IndexTensor((0..<16).map { $0 % 5 }))
      }.gradients
      _ = gradients.clip(to: 1e-6)  // always scales, so that every step does the same
      optimizer.update(&model, gradients, rate: 1e-3, decay: 0.05)
    }
  }

  /// A line of /proc/self/status in bytes: VmData is what the process has from the system, VmRSS what of it is in memory.
  private static func status(_ name: String) -> Int {
    guard let file = fopen("/proc/self/status", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, 256, file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      let fields = text.split { $0 == " " || $0 == "\t" || $0 == ":" }
      if fields.count > 2, fields[0] == name { return (Int(fields[1]) ?? 0) << 10 }
    }
    return 0
  }

  @Test func aSteadyStepAllocatesNothingFromTheSystem() async {
    await #expect(processExitsWith: .success) {
      ThreadPool.shared.threads = 1
      var training = Training()
      for _ in 0..<5 { training.step() }
      let (before, heap, resident) = (BufferCache.shared.counters, Self.status("VmData"), Self.status("VmRSS"))
      for _ in 0..<20 { training.step() }
      let after = BufferCache.shared.counters
      #expect(after == before, "buffers, live bytes, peak and cache stay as they are")
      #expect(before.systemAllocations > 20 && before.liveBytes > 0)
      let (grown, grownResident) = (Self.status("VmData") - heap, Self.status("VmRSS") - resident)
      #expect(heap > 0 && grown < 64 << 10, "the process took \(grown) bytes more from the system")
      #expect(resident > 0 && grownResident < 512 << 10, "the process grew by \(grownResident) bytes")
    }
  }

  @Test func threadsAddOnlyTheirScratch() async {
    await #expect(processExitsWith: .success) {
      ThreadPool.shared.threads = 4
      var training = Training()
      for _ in 0..<5 { training.step() }
      let before = BufferCache.shared.counters
      for _ in 0..<20 { training.step() }
      let after = BufferCache.shared.counters
      // A tile's scratch is one buffer for each thread that is at work at once, which the first steps need not have met.
      #expect(after.systemAllocations <= before.systemAllocations + 3)
      #expect(after.liveBytes == before.liveBytes)
    }
  }
}
