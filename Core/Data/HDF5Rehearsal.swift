import CHDF5
import Glibc
import ReproConfig

/// A child process reads an HDF5 file that somebody else made, before this process does: whole, within limits of memory
/// and time.
///
/// libhdf5 trusts what it reads: damaged or hostile files make some of its versions crash, work without end or take
/// memory without end. That happens to the child, and the file is refused. It protects from accidents and from known
/// ways to crash the library; it is no wall against a file that takes over a process and then behaves.
struct HDF5Rehearsal {
  /// Bytes that the child may take beyond what this process has.
  var memory: Int
  /// Processor time.
  var milliseconds: Int

  init(memory: Int, milliseconds: Int) { (self.memory, self.milliseconds) = (memory, milliseconds) }

  /// Room for chunks that are packed well, and time to unpack values that zlib shrinks to a hundredth.
  init(fileSize: Int) {
    let size = min(fileSize, 1 << 40)
    self.init(memory: (512 << 20) + 8 * size, milliseconds: 500 + size >> 9)
  }

  /// - Throws: `ReproError` if the child did not come to the end of the file. Call inside the library's lock.
  func pass(_ path: String) throws {
    var text = [CChar](repeating: 0, count: 512)
    let outcome = hdf5_rehearse(path, Int64(memory), milliseconds, &text, text.count)
    let message = HDF5Library.brief(
      String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    switch outcome {
    case 0: return
    case -1: throw refused(path, message.isEmpty ? "cannot be read to its end" : message)
    case -2: throw ReproError.system(path, "start a process that tries it")
    case SIGPROF: throw refused(path, "libhdf5 does not come to its end in \(milliseconds) ms")
    default: throw refused(path, "libhdf5 crashes on it (signal \(outcome))")
    }
  }

  private func refused(_ path: String, _ found: String) -> ReproError {
    ReproError.data(
      path, found,
      expected: "a whole HDF5 file, which a process of its own can read in \(milliseconds) ms and \(memory >> 20) MiB")
  }
}
