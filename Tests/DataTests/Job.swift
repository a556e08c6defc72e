import Glibc

/// A closure on a thread of its own.
final class Job: Sendable {
  private let body: @Sendable () -> Void
  init(_ body: @escaping @Sendable () -> Void) { self.body = body }

  /// Runs as many threads with the same body, and waits for all.
  static func together(_ count: Int, _ body: @escaping @Sendable () -> Void) {
    for thread in (0..<count).map({ _ in Job(body).start() }) { pthread_join(thread, nil) }
  }

  private func start() -> pthread_t {
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { raw in
        if let raw { Unmanaged<Job>.fromOpaque(raw).takeRetainedValue().body() }
        return nil
      }, Unmanaged.passRetained(self).toOpaque())
    return thread
  }
}
