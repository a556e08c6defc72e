import Synchronization
import TestSupport
import Testing

@testable import ReproTensor

@Suite("The thread pool", .serialized)
struct ThreadPoolTests {
  /// How often each of `count` tiles was run by one job.
  private func runs(_ count: Int) -> [Int] {
    var seen = [Int](repeating: 0, count: count)
    seen.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let base = buffer
      ThreadPool.shared.forEach(count) { base[$0] += 1 }
    }
    return seen
  }

  private func restoringThreads(_ body: () throws -> Void) rethrows {
    let before = ThreadPool.shared.threads
    defer { ThreadPool.shared.threads = before }
    try body()
  }

  @Test(arguments: [1, 2, 3, 8])
  func runsEveryTileOnce(_ threads: Int) {
    restoringThreads {
      ThreadPool.shared.threads = threads
      for count in [0, 1, 2, 3, 7, 64, 1000] { #expect(runs(count).allSatisfy { $0 == 1 }, "\(count) tiles") }
    }
  }

  @Test func manyShortJobsAreAllComplete() {
    restoringThreads {
      ThreadPool.shared.threads = 4
      var wrong = 0
      for job in 0..<20_000 where runs(2 + job % 5).contains(where: { $0 != 1 }) { wrong += 1 }
      #expect(wrong == 0)
    }
  }

  /// A worker that sleeps through jobs with few threads must not be taken for one of a later job with many.
  @Test func theThreadCountMayChangeBetweenJobs() {
    restoringThreads {
      var wrong = 0
      for job in 0..<6_000 {
        ThreadPool.shared.threads = [8, 2, 5, 1, 3][job % 5]
        if runs(9).contains(where: { $0 != 1 }) { wrong += 1 }
      }
      #expect(wrong == 0)
    }
  }

  @Test func nestedJobsRunOnTheirCaller() {
    restoringThreads {
      ThreadPool.shared.threads = 4
      let total = Atomic<Int>(0)
      ThreadPool.shared.forEach(16) { i in
        ThreadPool.shared.forEach(8) { j in
          ThreadPool.shared.forEach(2) { _ in total.wrappingAdd(i * 8 + j, ordering: .relaxed) }
        }
      }
      #expect(total.load(ordering: .relaxed) == 2 * (127 * 128 / 2))
    }
  }

  @Test func jobsOfSeveralThreadsAtOnceAreAllComplete() async {
    let before = ThreadPool.shared.threads
    ThreadPool.shared.threads = 3
    let wrong = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<4 {
        group.addTask { (0..<500).count { _ in runs(13).contains { $0 != 1 } } }
      }
      return await group.reduce(0, +)
    }
    ThreadPool.shared.threads = before
    #expect(wrong == 0)
  }

  @Test func theThreadCountMayChangeWhileAnotherThreadWorks() async {
    let before = ThreadPool.shared.threads
    let wrong = await withTaskGroup(of: Int.self) { group in
      group.addTask { (0..<2000).count { _ in runs(13).contains { $0 != 1 } } }
      group.addTask {
        for i in 0..<2000 { ThreadPool.shared.threads = 1 + i % 6 }
        return 0
      }
      return await group.reduce(0, +)
    }
    ThreadPool.shared.threads = before
    #expect(wrong == 0)
  }
}
