import Glibc
import Synchronization

/// Where the worst errors go: lines `check <tab> family <tab> case <tab> error` appended to the file that the environment
/// variable REPRO_PROOF_LOG names, for the table of a report. Nothing is written without it.
public enum ProofLog {
  private static let lock = Mutex(())

  public static func record(_ check: String, _ family: String, _ name: String, _ error: Double) {
    guard let path = getenv("REPRO_PROOF_LOG") else { return }
    lock.withLock { _ in
      guard let file = fopen(path, "a") else { return }
      fputs("\(check)\t\(family)\t\(name)\t\(error)\n", file)
      fclose(file)
    }
  }
}
