import ReproData
import ReproTensor

/// A programmer's mistake, and the words with which the program must stop: the op, all shapes, what was expected.
public struct Mistake: Sendable {
  public let message: String
  public let body: @Sendable () -> Any
  public init(_ message: String, _ body: @escaping @Sendable () -> Any) {
    (self.message, self.body) = (message, body)
  }

  /// A tensor of zeros.
  public static func t(_ extents: Int...) -> Tensor { .zeros(Shape(extents)) }

  /// The messages of `require` and `requirementFailed` in the sources of a module that no mistake brings about.
  ///
  /// - Parameters:
  ///   - module: its folder in the repository.
  ///   - unreachable: words of messages that no test can reach from outside.
  /// - Returns: how many messages there are, and `"words" of file` for each that is missing.
  public static func untested(
    in module: String, by mistakes: [Mistake], unreachable: [String]
  ) throws -> (messages: Int, missing: [String]) {
    // This file is <package>/Tests/Support/Mistake.swift.
    let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    let folder = parts.joined(separator: "/") + "/" + module
    var (count, missing): (Int, [String]) = (0, [])
    for file in sources(in: folder) {
      let source = String(decoding: try SafeFile.read(file), as: UTF8.self)
      for match in source.matches(of: /(?:[^\w]require\([^"]*?,\s*|requirementFailed\(\s*)"/) {
        let words = words(source[match.range.upperBound...])
        count += 1
        if unreachable.contains(words) || mistakes.contains(where: { $0.message.contains(words) }) { continue }
        missing.append("\"\(words)\" of \(file.dropFirst(folder.count + 1))")
      }
    }
    return (count, missing)
  }

  private static func sources(in folder: String) -> [String] {
    SafeFile.list(folder).sorted().flatMap { name -> [String] in
      let path = "\(folder)/\(name)"
      return SafeFile.isFolder(path) ? sources(in: path) : name.hasSuffix(".swift") ? [path] : []
    }
  }

  /// The words of a message's literal that are not interpolated: the longest run of them.
  private static func words(_ text: Substring) -> String {
    var (runs, run, depth, rest) = ([String](), "", 0, text)
    while let c = rest.popFirst() {
      if depth == 0, c == "\"" { break }
      if depth == 0, c == "\\", rest.first == "(" {
        rest.removeFirst()
        (runs, run, depth) = (runs + [run], "", 1)
      } else if depth > 0 {
        depth += c == "(" ? 1 : c == ")" ? -1 : 0
      } else {
        run.append(c)
      }
    }
    return (runs + [run]).max { $0.count < $1.count } ?? ""
  }
}
