/// One node of a YAML document that remembers where it stood.
public struct YAMLNode: Sendable, Equatable {
  public enum Content: Sendable, Equatable {
    /// A scalar's text, and whether it was quoted (a quoted "1" is a string, never a number).
    case scalar(String, quoted: Bool)
    case sequence([YAMLNode])
    /// In the order of the file; keys are unique.
    case mapping([Entry])
  }

  public struct Entry: Sendable, Equatable {
    public var key: String
    public var keyMark: Mark
    public var value: YAMLNode
    public init(key: String, keyMark: Mark, value: YAMLNode) {
      self.key = key
      self.keyMark = keyMark
      self.value = value
    }
  }

  /// A place in a file; prints as `path:line:column`, both counted from 1.
  public struct Mark: Sendable, Equatable, CustomStringConvertible {
    public var file: String
    public var line: Int
    public var column: Int
    public init(file: String, line: Int, column: Int) {
      self.file = file
      self.line = line
      self.column = column
    }
    public var description: String { "\(file):\(line):\(column)" }
  }

  public var content: Content
  public var mark: Mark

  public init(_ content: Content, at mark: Mark) {
    self.content = content
    self.mark = mark
  }

  /// The value under a key of a mapping; nil for other nodes and missing keys.
  public subscript(key: String) -> YAMLNode? {
    guard case .mapping(let entries) = content else { return nil }
    return entries.first { $0.key == key }?.value
  }
}
