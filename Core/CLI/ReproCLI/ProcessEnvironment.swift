import Glibc
import ReproConfig
import ReproTensor

/// What must stand in the environment before the first library is loaded.
///
/// OpenBLAS reads its core type and thread count in its constructor, before `main`, so the program starts itself again with
/// the right ones if they are missing or were meant for something else.
enum ProcessEnvironment {
  static func prepare() {
    let isa = requestedISA() ?? InstructionSet.best
    let wanted = [
      ("REPRO_ISA", isa.rawValue), ("OPENBLAS_CORETYPE", isa.openBLASCore), ("OPENBLAS_NUM_THREADS", "1"),
    ]
    if wanted.allSatisfy({ variable($0.0) == $0.1 }) { return }
    guard variable("REPRO_STARTED_AGAIN") == nil else { return }
    for (name, value) in wanted { setenv(name, value, 1) }
    setenv("REPRO_STARTED_AGAIN", "1", 1)
    execv("/proc/self/exe", CommandLine.unsafeArgv)
    Terminal.error("cannot start again with the environment of \(isa.rawValue): \(String(cString: strerror(errno)))")
    exit(2)
  }

  static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

  /// `--isa X` or `--isa=X` of the command line, else `REPRO_ISA`.
  private static func requestedISA() -> InstructionSet? {
    var name: String?
    let arguments = CommandLine.arguments
    for (i, word) in arguments.enumerated() {
      if word == "--isa", i + 1 < arguments.count { name = arguments[i + 1] }
      if word.hasPrefix("--isa=") { name = String(word.dropFirst(6)) }
    }
    if let name {
      guard let isa = InstructionSet(rawValue: name) else {
        let known = InstructionSet.allCases.map(\.rawValue)
        Terminal.error("--isa \(name): unknown instruction set, expected one of \(known.joined(separator: ", "))")
        exit(2)
      }
      guard isa.isAvailable else {
        Terminal.error("--isa \(name): this processor has at most \(InstructionSet.best.rawValue)")
        exit(2)
      }
      return isa
    }
    return variable("REPRO_STARTED_AGAIN") == nil ? nil : variable("REPRO_ISA").flatMap(InstructionSet.init(rawValue:))
  }
}
