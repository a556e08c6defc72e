import Glibc
import Synchronization

/// The memory of tensors: one reference-counted buffer of `Real`, aligned to 64 bytes, borrowed from the buffer cache.
final class Storage: @unchecked Sendable {
  let base: UnsafeMutablePointer<Real>
  private let bucket: Int

  /// Uninitialised room for `count` elements.
  init(count: Int) {
    if isProfiling { Profiler.shared.took() }
    (base, bucket) = BufferCache.shared.take(bytes: max(count, 1) * MemoryLayout<Real>.stride)
  }

  deinit { BufferCache.shared.give(base, bucket: bucket) }
}

/// Freed buffers, kept by size for the next tensor: page faults of fresh memory cost a third of a training step.
///
/// Sizes are rounded up to four steps an octave. A large buffer may come from one of the next larger sizes: what one phase
/// of a step leaves behind serves the next, and memory does not grow to the sum of what each size needs at its own worst
/// moment. Thread-safe.
public final class BufferCache: @unchecked Sendable {
  /// The cache of the process.
  public static let shared = BufferCache()

  /// What the cache has done so far.
  public struct Counters: Sendable, Equatable {
    /// Buffers that had to come from the system.
    public var systemAllocations = 0
    /// Bytes in tensors that live now, rounded to bucket sizes.
    public var liveBytes = 0
    /// The largest value that `liveBytes` had.
    public var peakBytes = 0
    /// Bytes that wait for reuse.
    public var cachedBytes = 0
  }

  /// A buffer that nobody uses.
  private struct Block: @unchecked Sendable { let pointer: UnsafeMutablePointer<Real> }

  private struct State {
    var free: [[Block]] = Array(repeating: [], count: BufferCache.buckets)
    var counters = Counters()
    var limit = 8 << 30
  }
  private let state = Mutex(State())

  /// What the cache has done until now.
  public var counters: Counters { state.withLock { $0.counters } }

  /// The most bytes that wait for reuse; what would exceed them goes back to the system, and all that waits if the limit
  /// falls below it.
  public var limit: Int {
    get { state.withLock { $0.limit } }
    set {
      let isFull = state.withLock {
        $0.limit = newValue
        return $0.counters.cachedBytes > newValue
      }
      if isFull { release() }
    }
  }

  /// Returns all waiting buffers to the system.
  public func release() {
    state.withLock { s in
      for i in s.free.indices {
        for block in s.free[i] { free(block.pointer) }
        s.free[i] = []
      }
      s.counters.cachedBytes = 0
    }
  }

  func take(bytes: Int) -> (UnsafeMutablePointer<Real>, bucket: Int) {
    var bucket = BufferCache.bucket(bytes)
    let largest = min(bucket + (bytes >= BufferCache.large ? BufferCache.reach : 0), BufferCache.buckets - 1)
    let cached: Block? = state.withLock { s in
      let found = (bucket...largest).first { !s.free[$0].isEmpty }
      bucket = found ?? bucket
      let size = BufferCache.size(bucket)
      s.counters.liveBytes += size
      s.counters.peakBytes = max(s.counters.peakBytes, s.counters.liveBytes)
      guard let block = s.free[bucket].popLast() else {
        s.counters.systemAllocations += 1
        return nil
      }
      s.counters.cachedBytes -= size
      return block
    }
    if let cached { return (cached.pointer, bucket) }
    let size = BufferCache.size(bucket)
    guard let fresh = aligned_alloc(64, size) else { requirementFailed("out of memory: \(size) bytes for a tensor") }
    return (fresh.bindMemory(to: Real.self, capacity: size / MemoryLayout<Real>.stride), bucket)
  }

  func give(_ pointer: UnsafeMutablePointer<Real>, bucket: Int) {
    let size = BufferCache.size(bucket)
    let block = Block(pointer: pointer)
    let keep = state.withLock { s in
      s.counters.liveBytes -= size
      guard s.counters.cachedBytes + size <= s.limit else { return false }
      s.free[bucket].append(block)
      s.counters.cachedBytes += size
      return true
    }
    if !keep { free(pointer) }
  }

  private static let buckets = 4 * 48
  /// From this many bytes on, a buffer of up to `reach` sizes above, half as large again, will do.
  private static let large = 1 << 20
  private static let reach = 2

  /// Buckets are numbered 4 * octave + quarter; bucket 0 holds 256 bytes.
  static func bucket(_ bytes: Int) -> Int {
    guard bytes > 256 else { return 0 }
    let octave = Int.bitWidth - 1 - (bytes - 1).leadingZeroBitCount
    let quarter = (bytes - 1) >> (octave - 2) & 3
    return 4 * (octave - 8) + quarter + 1
  }

  static func size(_ bucket: Int) -> Int {
    let octave = bucket / 4 + 8
    return (4 + bucket % 4) << (octave - 2)
  }
}
