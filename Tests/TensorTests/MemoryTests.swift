import Glibc
import TestSupport
import Testing

@testable import ReproTensor

/// Each runs in a process of its own: counters are global, and a stack that overflows ends the process.
@Suite("Memory")
struct MemoryTests {
  @Test func aChainOf200000NodesIsReleasedWithoutRecursion() async {
    await #expect(processExitsWith: .success) {
      let before = BufferCache.shared.counters.liveBytes
      do {
        var y = Tensor(1).tracked
        for _ in 0..<200_000 { y = y * 1.000001 }
        #expect(y.isTracked)
      }
      #expect(BufferCache.shared.counters.liveBytes == before)
    }
  }

  @Test func aGraphOf200000NodesWithTwoParentsEachIsReleasedToo() async {
    await #expect(processExitsWith: .success) {
      let before = BufferCache.shared.counters.liveBytes
      do {
        var (a, b) = (Tensor(1).tracked, Tensor(2).tracked)
        for i in 0..<100_000 { (a, b) = (b * 0.5 + a * 0.5, i % 2 == 0 ? a : b) }
      }
      #expect(BufferCache.shared.counters.liveBytes == before)
    }
  }

  @Test func aLongGraphIsDifferentiatedAndFreedOnTheWay() async {
    await #expect(processExitsWith: .success) {
      let before = BufferCache.shared.counters.liveBytes
      do {
        let x = Tensor(1).tracked
        var y = x
        for _ in 0..<200_000 { y = y * 1.00001 }
        let g = gradients(of: y, with: [x])[0].item
        #expect(Swift.abs(Double(g) / Glibc.pow(Double(Real(1.00001)), 200_000) - 1) < (isDouble ? 1e-9 : 2e-2))
      }
      #expect(BufferCache.shared.counters.liveBytes == before)
    }
  }

  @Test func theGraphOfAGradientIsReleasedWithoutRecursion() async {
    await #expect(processExitsWith: .success) {
      let before = BufferCache.shared.counters.liveBytes
      do {
        let x = Tensor(1).tracked
        var y = x
        for _ in 0..<60_000 { y = y.sin() }  // each derivative keeps cos(x) and the gradient: three nodes more
        let g = gradients(of: y, with: [x], createGraph: true)[0]
        #expect(g.isTracked)
        #expect(gradients(of: g, with: [x])[0].item.isFinite)
      }
      #expect(BufferCache.shared.counters.liveBytes == before)
    }
  }

  @Test func whatADerivativeHoldsIsFreedWithItsGraph() async {
    await #expect(processExitsWith: .success) {
      let before = BufferCache.shared.counters.liveBytes
      do {
        let x = Tensor.ones([64, 64]).tracked
        let y = matmul(x, x).softmax().layerNormalized(gain: .ones([64]), bias: .zeros([64])).gelu().sum()
        _ = gradients(of: y, with: [x], keepGraph: true)
        _ = gradients(of: y, with: [x], createGraph: true)[0].sum()
      }
      #expect(BufferCache.shared.counters.liveBytes == before, "no cycle between a tensor and its derivative")
    }
  }

  @Test func buffersAreReusedCountedAndReleased() async {
    await #expect(processExitsWith: .success) {
      let cache = BufferCache.shared
      let start = cache.counters
      var x: Tensor? = Tensor.zeros([1000])
      #expect(cache.counters.systemAllocations == start.systemAllocations + 1)
      let bytes = cache.counters.liveBytes - start.liveBytes
      #expect(bytes >= 1000 * MemoryLayout<Real>.stride && bytes <= 1250 * MemoryLayout<Real>.stride)
      x = nil
      #expect(x == nil && cache.counters.cachedBytes == start.cachedBytes + bytes)
      for _ in 0..<100 { _ = Tensor.zeros([999]) }
      #expect(cache.counters.systemAllocations == start.systemAllocations + 1, "the same buffer again and again")
      cache.release()
      #expect(cache.counters.cachedBytes == 0)
      cache.limit = 0
      _ = Tensor.zeros([1000])
      #expect(cache.counters.cachedBytes == 0, "beyond the limit a buffer goes back to the system")
      #expect(cache.counters.systemAllocations == start.systemAllocations + 2)
      #expect(cache.counters.liveBytes == start.liveBytes && cache.counters.peakBytes >= start.liveBytes + bytes)
    }
  }

  @Test func aLowerLimitGivesBackWhatWaits() async {
    await #expect(processExitsWith: .success) {
      let cache = BufferCache.shared
      _ = Tensor.zeros([1 << 20])
      #expect(cache.counters.cachedBytes >= 1 << 22)
      cache.limit = 1 << 20
      #expect(cache.counters.cachedBytes <= 1 << 20)
    }
  }

  @Test func joiningAndChoosingKeepNothingOfTheirInputs() async {
    await #expect(processExitsWith: .success) {
      let x = Tensor.ones([1 << 16]).tracked
      let mask = Tensor.ones([1 << 16])
      let bytes = x.count * MemoryLayout<Real>.stride
      let before = BufferCache.shared.counters.liveBytes
      do {
        let y = concat([x * 2, x * 3])
        #expect(y.isTracked && BufferCache.shared.counters.liveBytes - before == 2 * bytes)
      }
      do {
        let y = select(mask, x * 2, x * 3)
        #expect(y.isTracked && BufferCache.shared.counters.liveBytes - before == bytes)
      }
    }
  }

  @Test func bucketsHoldWhatTheyPromise() {
    for bytes in [1, 255, 256, 257, 320, 321, 511, 512, 513, 4096, 4097, 5000, 1 << 20, (1 << 20) + 1, 3 << 30] {
      let size = BufferCache.size(BufferCache.bucket(bytes))
      #expect(size >= bytes && size % 64 == 0)
      #expect(bytes <= 256 || Double(size) <= 1.25 * Double(bytes), "\(bytes) in \(size)")
    }
  }
}
