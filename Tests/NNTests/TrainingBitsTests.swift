import ReproNN
import ReproTensor
import TestSupport
import Testing

// Bits for jobs of several processes, and of runs that are killed and resumed, are compared in Tests/CLITests/EndToEndTests and
// Tests/EngineTests/RunTests.

@Suite("Training gives the same bits", .serialized)
struct TrainingBitsTests {
  @Test(
    "of all weights, statistics and moments for 1, 2, 3, 4 and 8 threads and for repeated runs",
    arguments: TrainingWorkload.all)
  func anyNumberOfThreads(_ workload: TrainingWorkload) {
    let before = ThreadPool.shared.threads
    defer { ThreadPool.shared.threads = before }
    ThreadPool.shared.threads = 1
    let expected = workload.run(3) { _ in }
    // Training did something, and nothing broke.
    let first = workload.run(1) { _ in }
    #expect(zip(first, expected).contains { !sameBits($0, $1) })
    #expect(expected.allSatisfy { $0.nonFiniteCount == 0 })
    for threads in [1, 2, 3, 4, 8] {
      ThreadPool.shared.threads = threads
      let found = workload.run(3) { _ in }
      #expect(found.count == expected.count)
      #expect(zip(found, expected).allSatisfy { sameBits($0, $1) }, "\(threads) threads")
    }
  }
}
