import Glibc
import ReproConfig
import ReproData

/// Runs `body` with the path of a new empty folder, which is removed afterwards with all that is in it.
public func withTemporaryFolder<R>(_ body: (String) throws -> R) throws -> R {
  let path = try makeTemporaryFolder()
  defer { removeTree(path) }
  return try body(path)
}

/// The same for tests that wait.
public func withTemporaryFolder<R>(_ body: (String) async throws -> R) async throws -> R {
  let path = try makeTemporaryFolder()
  defer { removeTree(path) }
  return try await body(path)
}

private func makeTemporaryFolder() throws -> String {
  let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
  var pattern = Array("\(base)/repro-test.XXXXXX".utf8CString)
  guard let made = mkdtemp(&pattern) else {
    throw ReproError(.data, at: base, found: "cannot make a folder for tests: \(String(cString: strerror(errno)))")
  }
  return String(cString: made)
}

private func removeTree(_ path: String) {
  if SafeFile.isFolder(path) {
    for name in SafeFile.list(path) { removeTree("\(path)/\(name)") }
    rmdir(path)
  } else {
    unlink(path)
  }
}

/// The folder of real data that tests may use: `$REPRO_MIRROR` if it is a folder, else `../shared/data` beside the
/// package; nil if there is none.
public func realMirror() -> String? {
  if let variable = getenv("REPRO_MIRROR") {
    let path = String(cString: variable)
    if SafeFile.isFolder(path) { return path }
  }
  // This file is <package>/Tests/Support/TestFiles.swift.
  var root = Substring(#filePath)
  for _ in 0..<3 { root = root.prefix(upTo: root.lastIndex(of: "/") ?? root.startIndex) }
  let path = "\(root)/../shared/data"
  return SafeFile.isFolder(path) ? path : nil
}

/// The `ReproError` that `body` throws; nil if it throws none or another.
public func reproError(_ body: () throws -> Void) -> ReproError? {
  do { try body() } catch { return error as? ReproError }
  return nil
}
