/// An error of the outside world: where it is, what was found, what was expected, and what to do about it.
///
/// Prints as one line: `recipe.yaml:12:5: unknown key 'temprature' in method; did you mean 'temperature'?`
public struct ReproError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Decides the exit code of the program.
  public enum Domain: Int32, Sendable {
    case verification = 1
    case usage = 2
    case data = 3
    case numerical = 4
    case interrupted = 130
  }

  public var domain: Domain
  /// A path, `path:line:column`, `path at byte 512`, or the name of a recipe; empty if there is no place.
  public var location: String
  /// What was found, as a clause: `unknown key 'temprature' in method`.
  public var found: String
  /// What should have been there instead, as a noun phrase; nil if `found` says it all.
  public var expected: String?
  /// What to do next; nil if nothing better than the rest is known.
  public var hint: String?

  public init(_ domain: Domain, at location: String = "", found: String, expected: String? = nil, hint: String? = nil) {
    self.domain = domain
    self.location = location
    self.found = found
    self.expected = expected
    self.hint = hint
  }

  public var exitCode: Int32 { domain.rawValue }

  public var description: String {
    var text = location.isEmpty ? found : "\(location): \(found)"
    if let expected { text += ", expected \(expected)" }
    if let hint { text += "; \(hint)" }
    return text
  }
}
