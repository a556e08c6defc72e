import Glibc
import ReproConfig

/// How far a download is.
public struct DownloadProgress: Sendable, Equatable {
  /// The file's name.
  public var name: String
  public var url: String
  /// Bytes that are on the disk, those of earlier attempts included.
  public var received: Int
  public var total: Int
}

/// Fetches pinned files over the network, by libcurl: resumed where they were cut, verified before they take their
/// place.
///
/// Sources are tried in order. A connection that breaks, a server that is busy (408, 429, 5xx) or a stall is tried
/// again with growing pauses and goes on where it stopped; a wrong file, a missing file or a server that lies about
/// what it sends ends that source. What arrived is kept as `<path>.part`, also between runs; several processes take
/// turns.
public struct Downloader: Sendable {
  /// What a URL and its redirections may use.
  public struct Schemes: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }
    public static let https = Schemes(rawValue: 1)
    /// Not private and not authenticated: only the pinned digest makes it safe.
    public static let http = Schemes(rawValue: 2)
    /// Files of this machine; never reached through a redirection.
    public static let file = Schemes(rawValue: 4)

    /// What curl calls them, for its `..._STR` options.
    var names: String {
      [(Schemes.https, "https"), (.http, "http"), (.file, "file")].filter { contains($0.0) }.map(\.1)
        .joined(separator: ",")
    }
  }

  /// A place to get a file from.
  public struct Source: Sendable, Equatable {
    public var url: String
    public var allowed: Schemes
    /// By default nothing but https, whatever the URL says.
    public init(_ url: String, allowed: Schemes = .https) {
      self.url = url
      self.allowed = allowed
    }
  }

  /// Attempts per source, the first included.
  public var attempts = 5
  /// The pause before the second attempt, seconds; it doubles each time, up to 30.
  public var pause = 1.0
  /// For making a connection, seconds.
  public var connectTimeout = 20.0
  /// An attempt ends when less than `slowest` bytes a second came for so many seconds.
  public var stallTimeout = 60
  public var slowest = 100
  /// An attempt ends after so many seconds however fast it is; the next one goes on where it stopped.
  public var attemptTimeout = 6 * 3600.0
  /// The longest pause that a busy server may ask for (`Retry-After`), seconds.
  public var longestPause = 120.0
  public var redirections = 5

  public init() {}

  /// Gets a file, unless it is there already.
  ///
  /// - Parameters:
  ///   - sources: tried in this order.
  ///   - path: where it goes; its folder must exist.
  ///   - bytes: its exact size.
  ///   - sha256: its digest, 64 hexadecimal digits.
  ///   - progress: called about every megabyte, on the calling thread.
  /// - Throws: `ReproError` that tells for every source why not, and how to place the file by hand. The file that
  ///   stood at `path` before is replaced by a verified one only.
  public func fetch(
    _ sources: [Source], to path: String, bytes: Int, sha256: String, progress: (DownloadProgress) -> Void = { _ in }
  ) throws {
    let part = try PartialFile(path)
    defer { part.close() }
    // Another process may have brought it while we waited for our turn.
    if SafeFile.exists(path), try SafeFile.size(path) == bytes, try SafeFile.sha256(path) == sha256 {
      part.discard()
      return
    }
    var reasons: [String] = []
    for source in sources {
      do {
        try fetch(source, into: part, bytes: bytes, sha256: sha256, progress: progress)
        try part.finish()
        return
      } catch let reason as Refusal {
        reasons.append("\(source.url): \(reason.text)")
      }
    }
    part.discardIfEmpty()
    let why = sources.isEmpty ? "no source is known" : reasons.joined(separator: "; ")
    throw ReproError(
      .data, at: path, found: "the file could not be fetched (\(why))",
      hint: "put the file (\(bytes) bytes, sha256 \(sha256)) there by hand, or set REPRO_MIRROR to a folder that has it"
    )
  }

  /// Why a source was given up.
  struct Refusal: Error {
    var text: String
  }

  /// One source, with its repeated attempts.
  private func fetch(
    _ source: Source, into part: PartialFile, bytes: Int, sha256: String, progress: (DownloadProgress) -> Void
  ) throws {
    var last = "nothing was tried"
    var startedOver = false
    var attempt = 0
    var asked = 0.0
    while attempt < attempts {
      if attempt > 0 { sleep(seconds: max(min(30, pause * Double(1 << min(attempt - 1, 10))), asked)) }
      asked = 0
      attempt += 1
      if part.count > bytes { try part.restart() }
      let resumed = part.count > 0
      if part.count < bytes {
        let outcome = try withoutActuallyEscaping(progress) { progress in
          let transfer = Transfer(self, source, part, bytes: bytes) {
            progress(DownloadProgress(name: Path.name(part.path), url: source.url, received: $0, total: bytes))
          }
          defer { asked = min(longestPause, transfer.retryAfter) }
          return try transfer.run()
        }
        switch outcome {
        case .finished: break
        case .broken(let reason):
          last = reason
          continue
        case .refused(let reason):
          throw Refusal(text: reason)
        case .badRange(let reason):
          // What we have does not fit what the server has: once from the start.
          try part.restart()
          if startedOver { throw Refusal(text: reason) }
          startedOver = true
          last = reason
          attempt -= 1
          continue
        }
      }
      let found = part.sha256()
      if found == sha256 { return }
      last = "the file is not the published one, sha256 \(found), expected \(sha256)"
      try part.restart()
      // The first bytes may be an older attempt's at another file; what came in one piece is the server's own.
      if !resumed || startedOver { throw Refusal(text: last) }
      startedOver = true
      attempt -= 1
    }
    throw Refusal(text: "\(last) (\(attempts) attempts)")
  }

  private func sleep(seconds: Double) {
    var rest = timespec(tv_sec: Int(seconds), tv_nsec: Int((seconds - seconds.rounded(.down)) * 1e9))
    var left = timespec()
    while nanosleep(&rest, &left) != 0, errno == EINTR { rest = left }
  }
}
