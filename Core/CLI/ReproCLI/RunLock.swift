import Glibc
import ReproConfig
import ReproData
import ReproEngine

/// Holds a run's folder for one process: two would write over each other's checkpoints, as when a killed command left a
/// worker behind that is still saving.
final class RunLock {
  private let descriptor: Int32

  /// Takes the lock, or waits until the other process lets go.
  ///
  /// - Parameters:
  ///   - folder: the run's folder; the lock lies beside it, because the folder itself may be moved aside.
  ///   - onWait: called once if somebody else holds it.
  /// - Throws: `ReproError`: interrupted while waiting, or the lock cannot be made.
  init(_ folder: String, onWait: () -> Void) throws {
    try SafeFile.makeFolder(RunLock.split(folder).parent)
    let path = RunLock.path(folder)
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else {
      throw ReproError(.data, at: path, found: "cannot be made: \(String(cString: strerror(errno)))")
    }
    var hasWaited = false
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      guard errno == EWOULDBLOCK || errno == EINTR else {
        throw ReproError(.data, at: path, found: "cannot be locked: \(String(cString: strerror(errno)))")
      }
      if Interruption.isRequested.load(ordering: .relaxed) {
        throw ReproError(.interrupted, at: folder, found: "stopped while another process held the run")
      }
      if !hasWaited { onWait() }
      hasWaited = true
      usleep(100_000)
    }
  }

  /// A path as the folder above and the last name.
  private static func split(_ folder: String) -> (parent: String, name: String) {
    let slash = folder.lastIndex(of: "/") ?? folder.startIndex
    return (String(folder[..<slash]), String(folder[slash...].drop { $0 == "/" }))
  }

  private static func path(_ folder: String) -> String {
    let (parent, name) = split(folder)
    return "\(parent.isEmpty ? "." : parent)/.\(name).lock"
  }

  /// Whether some process holds a run's folder now.
  static func isHeld(_ folder: String) -> Bool {
    let descriptor = open(path(folder), O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    // Closing lets go of the lock, if nobody had it.
    defer { close(descriptor) }
    return flock(descriptor, LOCK_EX | LOCK_NB) != 0
  }

  deinit { close(descriptor) }
}

/// Holds a folder of the repository while a file in it is read, changed and written back: the second of two commands
/// that record at the same time must not take away what the first one wrote. Nothing is left behind.
final class FolderLock {
  private let descriptor: Int32

  /// Takes the lock, or waits until the other process lets go.
  init(_ folder: String) throws {
    descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw ReproError(.data, at: folder, found: "cannot be opened: \(String(cString: strerror(errno)))")
    }
    while flock(descriptor, LOCK_EX) != 0 {
      guard errno == EINTR else {
        throw ReproError(.data, at: folder, found: "cannot be locked: \(String(cString: strerror(errno)))")
      }
    }
  }

  deinit { close(descriptor) }
}
