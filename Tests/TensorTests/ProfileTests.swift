import Glibc
import TestSupport
import Testing

@testable import ReproTensor

/// Each runs in a process of its own: a profile is global.
@Suite struct ProfileTests {
  @Test func opsOfBothPassesAreCountedWithTheirBytesAndOperations() async {
    await #expect(processExitsWith: .success) {
      let (a, b) = (Tensor.ones([64, 32]).tracked, Tensor.ones([32, 16]).tracked)
      Profile.start()
      let y = matmul(a, b).gelu().sum()
      _ = gradients(of: y, with: [a, b])
      let rows = Profile.stop()
      func row(_ name: String, _ pass: Profile.Pass) -> Profile.Row? {
        rows.first { $0.name == name && $0.pass == pass }
      }
      let size = MemoryLayout<Real>.stride
      let forward = row("matmul", .forward), backward = row("matmul", .backward)
      #expect(forward?.calls == 1 && forward?.operations == 2 * 64 * 32 * 16)
      #expect(forward?.bytes == (64 * 32 + 32 * 16 + 64 * 16) * size)
      #expect(backward?.calls == 1 && backward?.operations == 2 * 2 * 64 * 32 * 16)
      #expect(backward?.bytes == (64 * 16 + 64 * 32 + 32 * 16) * size)
      #expect(row("gelu", .forward)?.bytes == 2 * 64 * 16 * size && row("gelu", .forward)?.operations == 0)
      #expect(row("gelu", .backward)?.calls == 1 && row("sum", .forward)?.calls == 1)
      #expect(rows.allSatisfy { $0.seconds >= 0 })
      #expect(rows.map(\.seconds) == rows.map(\.seconds).sorted(by: >))
    }
  }

  @Test func theRowsTogetherAreTheTimeOfTheWatch() async {
    await #expect(processExitsWith: .success) {
      func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
      }
      let before = now()
      Profile.start()
      let inside = now()
      let x = Tensor.ones([1000])
      for _ in 0..<100 { _ = x.exp() }
      Profile.measure("nap") { _ = usleep(20_000) }
      usleep(10_000)
      let stopping = now()
      let rows = Profile.stop()
      let (sum, after) = (rows.reduce(0) { $0 + $1.seconds }, now())
      #expect(sum >= stopping - inside - 1e-6 && sum <= after - before + 1e-6)
      let nap = rows.first { $0.name == "nap" }, between = rows.first { $0.name == "between ops" }
      #expect((nap?.seconds ?? 0) >= 0.02 && nap?.pass == .other && nap?.calls == 1)
      #expect((between?.seconds ?? 0) >= 0.01)
    }
  }

  @Test func viewsCostNoBytesAndAMeasuredPieceHidesItsOps() async {
    await #expect(processExitsWith: .success) {
      let x = Tensor.ones([8, 8])
      Profile.start()
      _ = x.transposed()
      let inner = Profile.measure("piece") { Profile.measure("inner") { x.exp().sum().item } }
      let rows = Profile.stop()
      #expect(inner.isFinite)
      #expect(rows.first { $0.name == "permuted" }?.bytes == 0)
      #expect(rows.contains { $0.name == "piece" && $0.calls == 1 })
      #expect(!rows.contains { ["exp", "sum", "inner"].contains($0.name) })
    }
  }

  @Test func nothingIsKeptWhileItIsOff() async {
    await #expect(processExitsWith: .success) {
      let x = Tensor.ones([8]).tracked
      _ = gradients(of: Profile.measure("off") { x.exp().sum() }, with: [x])
      #expect(Profile.stop().isEmpty)
      Profile.start()
      let rows = Profile.stop()
      #expect(rows.allSatisfy { $0.name == "between ops" })
      #expect(Profile.stop().isEmpty, "it is off again")
    }
  }

  @Test func aProfileDoesNotChangeBits() async {
    await #expect(processExitsWith: .success) {
      func run() -> [Tensor] {
        var stream = RandomStream(seed: 1)
        let x = stream.normal([2, 5, 12]).tracked
        let y = selfAttention(x, heads: 2).layerNormalized(gain: .ones([4]), bias: .zeros([4])).gelu()
        return [y.detached] + gradients(of: y.sum(), with: [x])
      }
      let expected = run()
      Profile.start()
      let watched = run()
      #expect(Profile.stop().contains { $0.name == "selfAttention" && $0.pass == .backward && $0.operations > 0 })
      for (a, b) in zip(watched, expected) { #expect(sameBits(a, b)) }
    }
  }
}
