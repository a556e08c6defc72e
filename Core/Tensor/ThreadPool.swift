import Glibc
import Synchronization

/// The project's only threads: workers that take numbered tiles of one job at a time.
///
/// What a tile computes never depends on which thread takes it, and tiles are cut by shapes only, so results are the same
/// bits for every thread count. Nested calls and calls from a second thread run on the caller.
public final class ThreadPool: @unchecked Sendable {
  /// The pool of the process.
  public static let shared = ThreadPool()

  /// The number of the last job times 512, plus the workers that it counts on. One word, so that a worker that wakes late
  /// can never take the workers of one job for those of another.
  private let generation = Atomic<Int>(0)
  private let nextTile = Atomic<Int>(0)
  private let pending = Atomic<Int>(0)
  private let busy = Atomic<Bool>(false)
  private let sleepers = Atomic<Int>(0)
  private var tiles = 0
  private var body: ((Int) -> Void)?
  private var mutex = pthread_mutex_t()
  private var wake = pthread_cond_t()
  private var workers = 0
  /// How long a worker spins before it sleeps: about 50 microseconds, longer than the gaps inside a training step.
  private let spins = 20_000

  private init() {
    pthread_mutex_init(&mutex, nil)
    pthread_cond_init(&wake, nil)
  }

  /// Threads that work on a job, the caller included; a change holds from the next job on. Workers that exist already are
  /// kept, a surplus simply stays asleep.
  public var threads: Int {
    get { activeWorkers.load(ordering: .relaxed) + 1 }
    set {
      require(newValue >= 1 && newValue <= 256, "threads must be 1 to 256, got \(newValue)")
      pthread_mutex_lock(&mutex)
      while workers < newValue - 1 { startWorker() }
      activeWorkers.store(newValue - 1, ordering: .releasing)
      pthread_mutex_unlock(&mutex)
    }
  }
  private let activeWorkers = Atomic<Int>(0)

  /// Runs `body(0) ... body(count - 1)`, in any order, and returns when all are done.
  public func forEach(_ count: Int, _ body: (Int) -> Void) {
    let active = activeWorkers.load(ordering: .acquiring)
    guard count > 1, active > 0, !busy.exchange(true, ordering: .acquiring) else {
      for i in 0..<count { body(i) }
      return
    }
    withoutActuallyEscaping(body) { escaping in
      self.body = escaping
      tiles = count
      nextTile.store(0, ordering: .relaxed)
      pending.store(active, ordering: .relaxed)
      let job = (generation.load(ordering: .relaxed) >> 9) + 1
      generation.store((job << 9) | active, ordering: .sequentiallyConsistent)
      if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
        pthread_mutex_lock(&mutex)
        pthread_cond_broadcast(&wake)
        pthread_mutex_unlock(&mutex)
      }
      takeTiles()
      var waited = 0
      while pending.load(ordering: .acquiring) > 0 {
        waited += 1
        if waited > spins { sched_yield() }
      }
      self.body = nil
    }
    busy.store(false, ordering: .releasing)
  }

  private func takeTiles() {
    while true {
      let tile = nextTile.wrappingAdd(1, ordering: .relaxed).oldValue
      guard tile < tiles, let body else { return }
      body(tile)
    }
  }

  private func startWorker() {
    workers += 1
    let index = workers
    let box = Unmanaged.passRetained(WorkerStart(pool: self, index: index, seen: generation.load(ordering: .acquiring)))
    var thread = pthread_t()
    let failed = pthread_create(
      &thread, nil,
      { raw in
        guard let raw else { return nil }
        let start = Unmanaged<WorkerStart>.fromOpaque(raw).takeRetainedValue()
        start.pool.work(start.index, since: start.seen)
        return nil
      }, box.toOpaque())
    require(failed == 0, "cannot start thread \(index): error \(failed)")
    pthread_detach(thread)
  }

  /// `start` is the generation at the worker's birth, read by its maker: a job posted before the thread runs is not missed.
  private func work(_ index: Int, since start: Int) {
    var seen = start
    while true {
      var waited = 0
      while generation.load(ordering: .acquiring) == seen {
        waited += 1
        if waited > spins { sleep(since: seen) }
      }
      seen = generation.load(ordering: .acquiring)
      guard index <= seen & 511 else { continue }
      takeTiles()
      pending.wrappingSubtract(1, ordering: .releasing)
    }
  }

  private func sleep(since seen: Int) {
    pthread_mutex_lock(&mutex)
    sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
    while generation.load(ordering: .sequentiallyConsistent) == seen { pthread_cond_wait(&wake, &mutex) }
    sleepers.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    pthread_mutex_unlock(&mutex)
  }

  private final class WorkerStart: Sendable {
    let pool: ThreadPool
    let index: Int
    let seen: Int
    init(pool: ThreadPool, index: Int, seen: Int) {
      self.pool = pool
      self.index = index
      self.seen = seen
    }
  }
}
