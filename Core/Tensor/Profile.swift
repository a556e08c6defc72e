import Glibc
import Synchronization

/// Where the time of a computation goes: seconds, calls, bytes and floating point operations of each op.
///
/// Off by default, and then one predictable branch for each op. While it is on, the thread that started it is watched:
/// - an op of the forward pass lasts from its first buffer to the moment when it is done (views last no time);
/// - an op of the backward pass lasts as long as its derivative, with everything that the derivative computes;
/// - `measure` names a piece of a program; what happens inside belongs to it alone;
/// - what is left is the time "between ops".
///
/// So the seconds of all rows together are the time from `start` to `stop`.
public enum Profile {
  public enum Pass: String, Sendable, CaseIterable { case forward, backward, other }

  /// What one op did in one pass.
  public struct Row: Sendable, Equatable {
    public var name: String
    public var pass: Pass
    public var calls = 0
    public var seconds = 0.0
    /// Bytes of the operands and results: what had to be read and written at least.
    public var bytes = 0
    /// Floating point operations of matrix products, two for a multiply and add.
    public var operations = 0

    public init(_ name: String, _ pass: Pass) { (self.name, self.pass) = (name, pass) }
  }

  /// Begins to watch the calling thread, from nothing.
  public static func start() { Profiler.shared.start() }

  /// Ends the watch; called by the thread that is watched.
  ///
  /// - Returns: one row for each op and pass that occurred, the longest first.
  public static func stop() -> [Row] { Profiler.shared.stop() }

  /// Runs `body`; while a profile is being taken, its time stands under `name`.
  public static func measure<R>(_ name: StaticString, _ body: () throws -> R) rethrows -> R {
    guard isProfiling, let start = Profiler.shared.enter() else { return try body() }
    defer { Profiler.shared.leave(name, .other, since: start, bytes: 0) }
    return try body()
  }
}

private let profileIsOn = Atomic<Bool>(false)
private let productOperations = Atomic<Int>(0)

/// Whether ops are being watched.
@inline(__always)
var isProfiling: Bool { profileIsOn.load(ordering: .relaxed) }

/// Counts the work of a matrix product, on any thread.
func profileProduct(_ m: Int, _ n: Int, _ k: Int) {
  productOperations.wrappingAdd(2 * m * n * k, ordering: .relaxed)
}

extension Tensor {
  /// Notes that an op of the forward pass is done that has moved as many bytes as this tensor has, so many times.
  @inline(never)
  func profileForward(_ name: StaticString, operands: Int) {
    Profiler.shared.finish(name, bytes: operands * count * MemoryLayout<Real>.stride)
  }

  /// Notes that an op of the forward pass has just made this tensor of these inputs.
  @inline(never)
  func profileForward(_ name: StaticString, _ inputs: [Tensor]) {
    let isView = inputs.contains { $0.storage === storage }
    let elements = isView ? 0 : inputs.reduce(count) { $0 + $1.count }
    Profiler.shared.finish(name, bytes: elements * MemoryLayout<Real>.stride)
  }
}

/// Runs a derivative; while a profile is being taken, its time stands under the op's name.
@inline(__always)
func profilingBackward<R>(
  _ name: StaticString, _ gradient: Tensor, _ body: () -> R, elements: (R) -> Int
) -> R {
  guard isProfiling, let start = Profiler.shared.enter() else { return body() }
  let parts = body()
  let bytes = (gradient.count + elements(parts)) * MemoryLayout<Real>.stride
  Profiler.shared.leave(name, .backward, since: start, bytes: bytes)
  return parts
}

/// The state behind `Profile`; only the watched thread touches anything but the owner.
final class Profiler: @unchecked Sendable {
  static let shared = Profiler()

  private struct Key: Hashable {
    let name: String
    let pass: Profile.Pass
  }

  private var owner = pthread_t()
  private var rows: [Key: Profile.Row] = [:]
  /// Whether a measured piece or a derivative is at work.
  private var isInside = false
  /// When the last op ended, and when the first buffer after it was taken.
  private var lastEnd = 0.0
  private var begun: Double?
  private var operationsSeen = 0

  private var isWatched: Bool { pthread_equal(pthread_self(), owner) != 0 }

  private static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  func start() {
    owner = pthread_self()
    (rows, isInside, begun) = ([:], false, nil)
    operationsSeen = productOperations.load(ordering: .relaxed)
    lastEnd = Self.now()
    profileIsOn.store(true, ordering: .sequentiallyConsistent)
  }

  func stop() -> [Profile.Row] {
    guard profileIsOn.exchange(false, ordering: .sequentiallyConsistent) else { return [] }
    closeGap(Self.now())
    return rows.values.sorted { ($0.seconds, $1.name, $1.pass.rawValue) > ($1.seconds, $0.name, $0.pass.rawValue) }
  }

  /// A buffer was taken: an op has begun.
  func took() {
    if !isInside, begun == nil, isWatched { begun = Self.now() }
  }

  /// An op of the forward pass is done.
  func finish(_ name: StaticString, bytes: Int) {
    guard !isInside, isWatched else { return }
    let end = Self.now()
    let start = begun ?? end
    closeGap(start)
    add(name.description, .forward, end - start, bytes: bytes, operations: newOperations())
    lastEnd = end
  }

  /// A derivative or a measured piece begins; nil if it belongs to one that has begun already.
  func enter() -> Double? {
    guard !isInside, isWatched else { return nil }
    isInside = true
    let start = Self.now()
    closeGap(start)
    return start
  }

  func leave(_ name: StaticString, _ pass: Profile.Pass, since start: Double, bytes: Int) {
    isInside = false
    lastEnd = Self.now()
    add(name.description, pass, lastEnd - start, bytes: bytes, operations: newOperations())
  }

  /// The time since the last op belongs to no op.
  private func closeGap(_ end: Double) {
    begun = nil
    if end > lastEnd { add("between ops", .other, end - lastEnd, bytes: 0, operations: 0) }
    lastEnd = end
  }

  /// The products since this was asked last.
  private func newOperations() -> Int {
    let all = productOperations.load(ordering: .relaxed)
    defer { operationsSeen = all }
    return all - operationsSeen
  }

  private func add(_ name: String, _ pass: Profile.Pass, _ seconds: Double, bytes: Int, operations: Int) {
    let key = Key(name: name, pass: pass)
    var row = rows[key] ?? Profile.Row(name, pass)
    row.calls += 1
    row.seconds += seconds
    row.bytes += bytes
    row.operations += operations
    rows[key] = row
  }
}
