import Glibc
import ReproConfig

extension SafeFile {
  /// Renames a file or folder and flushes the folder it stands in, so that the new name survives a power failure.
  public static func move(_ path: String, to target: String) throws {
    guard Glibc.rename(path, target) == 0 else { throw ReproError.system(path, "rename it to \(target)") }
    try flushFolder(of: target)
  }
}
