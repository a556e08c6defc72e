import Glibc
import ReproConfig

/// Runs child processes, a few at a time, and hears what they print line by line.
///
/// Cells run as processes of their own: one that crashes or runs out of memory takes nobody with it, and each has the
/// threads that it was given.
public struct ProcessPool {
  /// A process to run.
  public struct Job {
    public var arguments: [String]
    public init(arguments: [String]) { self.arguments = arguments }
  }

  private struct Child {
    let index: Int
    let pid: pid_t
    let output: Int32
    var pending: [UInt8] = []
  }

  let executable: String
  let concurrent: Int

  /// - Parameters:
  ///   - executable: the program's path.
  ///   - concurrent: how many run at once, >= 1.
  public init(executable: String, concurrent: Int) {
    (self.executable, self.concurrent) = (executable, max(1, concurrent))
  }

  /// Runs all jobs.
  ///
  /// - Parameters:
  ///   - onStart: a job begins.
  ///   - onLine: a job printed a line on its standard output.
  ///   - onEnd: a job ended, with its exit code (128 + signal if it was killed).
  ///   - mayContinue: asked before each start; false leaves the rest undone.
  public func run(
    _ jobs: [Job], onStart: (Int) -> Void, onLine: (Int, String) -> Void, onEnd: (Int, Int32) -> Void,
    mayContinue: () -> Bool
  ) throws {
    var children: [Child] = []
    var next = 0
    var hasStopped = false
    while next < jobs.count || !children.isEmpty {
      while children.count < concurrent, next < jobs.count, mayContinue() {
        children.append(try spawn(jobs[next], index: next))
        onStart(next)
        next += 1
      }
      if children.isEmpty { return }
      if Interruption.isRequested.load(ordering: .relaxed), !hasStopped {
        // Ctrl-C reaches the children by itself, a signal to this process alone does not.
        for child in children { kill(child.pid, SIGTERM) }
        hasStopped = true
      }
      var polls = children.map { pollfd(fd: $0.output, events: Int16(POLLIN), revents: 0) }
      guard poll(&polls, nfds_t(polls.count), 1000) > 0 else { continue }
      for (at, poll) in polls.enumerated().reversed() where poll.revents != 0 {
        var chunk = [UInt8](repeating: 0, count: 65536)
        let count = read(children[at].output, &chunk, chunk.count)
        if count > 0 {
          children[at].pending += chunk[..<count]
          while let end = children[at].pending.firstIndex(of: UInt8(ascii: "\n")) {
            onLine(children[at].index, String(decoding: children[at].pending[..<end], as: UTF8.self))
            children[at].pending.removeSubrange(...end)
          }
        } else if count == 0 || errno != EINTR {
          let child = children.remove(at: at)
          close(child.output)
          onEnd(child.index, wait(for: child.pid))
        }
      }
    }
  }

  private func wait(for pid: pid_t) -> Int32 {
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    // The macros of wait(2): the low seven bits are the signal, the next byte the exit code.
    let signal = status & 0x7f
    return signal == 0 ? (status >> 8) & 0xff : 128 + signal
  }

  private func spawn(_ job: Job, index: Int) throws -> Child {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw systemError("make a pipe") }
    // Children must not hold each other's pipes open.
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    var arguments: [UnsafeMutablePointer<CChar>?] = ([executable] + job.arguments).map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var pid = pid_t()
    let failed = posix_spawn(&pid, executable, &actions, nil, &arguments, environ)
    close(ends[1])
    guard failed == 0 else {
      close(ends[0])
      errno = failed
      throw systemError("start \(executable)")
    }
    return Child(index: index, pid: pid, output: ends[0])
  }

  private func systemError(_ what: String) -> ReproError {
    ReproError(.data, found: "cannot \(what): \(String(cString: strerror(errno)))")
  }
}
