import ReproConfig
import ReproData

/// Which code made a run. The recipe and the libraries do not tell: code changes under them.
public struct CodeStamp: Sendable, Equatable {
  /// SHA-256 of the program's file.
  public var executable: String
  /// The bits of the recipe's tiny scale as this program makes them (`Golden.Results.bitsSHA256`): the fingerprint of
  /// the whole code path. Empty where it is not known, as at scale tiny itself.
  public var tiny: String

  public init(executable: String = "", tiny: String = "") { (self.executable, self.tiny) = (executable, tiny) }

  /// Of this process.
  public static let currentExecutable: String = (try? SafeFile.sha256("/proc/self/exe")) ?? ""

  /// Whether what the other code has begun or finished may be taken over: the same program, or another one with the
  /// same tiny bits.
  public func agrees(with other: CodeStamp) -> Bool {
    (!executable.isEmpty && executable == other.executable) || (!tiny.isEmpty && tiny == other.tiny)
  }

  static let file = "code.json"

  /// What stands in a run's folder since it was begun; nil without the file, or if it cannot be read.
  init?(folder: String) {
    guard let json = try? JSONValue(path: "\(folder)/\(CodeStamp.file)") else { return nil }
    self.init(executable: json["executable_sha256"]?.string ?? "", tiny: json["tiny_sha256"]?.string ?? "")
  }

  func write(_ folder: String) throws {
    let json: JSONValue = ["executable_sha256": .string(executable), "tiny_sha256": .string(tiny)]
    try SafeFile.write("\(folder)/\(CodeStamp.file)", text: try json.text(pretty: true))
  }
}
