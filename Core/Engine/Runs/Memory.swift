import COpenBLAS
import Glibc
import ReproConfig
import ReproData

/// The memory of this machine and of this process, in MiB; 0 where the system does not say.
public enum Memory {
  public static var total: Int { entry("MemTotal", of: "/proc/meminfo") }
  /// What new processes can have without swapping.
  public static var available: Int { entry("MemAvailable", of: "/proc/meminfo") }
  /// The largest size of this process so far.
  public static var peak: Int { entry("VmHWM", of: "/proc/self/status") }

  /// A line like `MemTotal:  24576 kB`.
  private static func entry(_ name: String, of path: String) -> Int {
    let line = procFile(path).split(separator: "\n").first { $0.hasPrefix(name + ":") }
    return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) / 1024
  }
}

/// A file of /proc, which claims to have no bytes; empty if it cannot be read.
public func procFile(_ path: String) -> String {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return "" }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 65536)
  while true {
    let count = read(descriptor, &chunk, chunk.count)
    if count <= 0 { break }
    bytes += chunk[..<count]
  }
  return String(decoding: bytes, as: UTF8.self)
}

/// How much memory a run may take. Its first step shows how much it needs; later steps need no more.
public enum MemoryBudget: Sendable, Equatable {
  /// MiB that somebody named: a run that needs more stops.
  case limit(Int)
  /// MiB that are free for each of the runs: who needs more is warned.
  case share(Int)

  /// - Parameters:
  ///   - peak: what the process has needed so far, MiB.
  ///   - run: who it is.
  func check(peak: Int, of run: String, stage: String, _ notices: Notices) throws(ReproError) {
    switch self {
    case .limit(let limit) where peak > limit:
      throw ReproError(
        .usage, at: run, found: "the first step of '\(stage)' needed \(peak) MiB",
        expected: "at most the \(limit) MiB of --max-memory", hint: "a smaller batch or model, or a higher limit")
    case .share(let share) where share > 0 && peak > share:
      notices(
        "\(run): the first step of '\(stage)' needed \(peak) MiB, and \(share) MiB are free for each run; fewer --jobs, or "
          + "a smaller batch")
    default: break
    }
  }
}

/// Room for the buffers of OpenBLAS, which tries for ever to get one that it cannot get.
enum AlgebraMemory {
  /// What it takes for each thread that multiplies matrices (as Debian builds it for x86-64), rounded up.
  static let bytesPerThread = 129 << 20

  /// Looks whether all threads could have their buffers, and takes that of this thread for good.
  ///
  /// - Throws: `ReproError`, domain data, if there is less room than that.
  static func take(threads: Int, bytesPerThread: Int = bytesPerThread) throws(ReproError) {
    let room = room(threads, bytesPerThread)
    guard room == threads else {
      throw ReproError(
        .data, at: "memory", found: "room for \(room) buffers of \(bytesPerThread >> 20) MiB, which multiply matrices",
        expected: "\(threads), one for each of --threads", hint: "fewer threads, or a higher limit (ulimit -v)")
    }
    _ = taken
  }

  /// How many buffers can be had at once, up to `count`.
  private static func room(_ count: Int, _ bytes: Int) -> Int {
    var blocks: [UnsafeMutableRawPointer] = []
    defer { for block in blocks { munmap(block, bytes) } }
    while blocks.count < count {
      // MAP_FAILED, a macro, is the pointer -1.
      let block = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
      guard let block, block != UnsafeMutableRawPointer(bitPattern: -1) else { break }
      blocks.append(block)
    }
    return blocks.count
  }

  /// A product that is too large for OpenBLAS to do without its buffer.
  private static let taken: Void = {
    let n = 128
    let (a, b) = ([Float](repeating: 0, count: n * n), [Float](repeating: 0, count: n * n))
    var c = [Float](repeating: 0, count: n * n)
    let size = Int32(n)
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, size, size, size, 1, a, size, b, size, 0, &c, size)
  }()
}
