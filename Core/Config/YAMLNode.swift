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
    /// Written for another type than the one that now reads the mapping (an arm changed `method.type`): `Section.finish()`
    /// lets such a key pass unread.
    public var mayGoUnread: Bool
    public init(key: String, keyMark: Mark, value: YAMLNode, mayGoUnread: Bool = false) {
      self.key = key
      self.keyMark = keyMark
      self.value = value
      self.mayGoUnread = mayGoUnread
    }
  }

  /// A place in a file; prints as `path:line:column`, both counted from 1.
  public struct Mark: Sendable, Equatable, CustomStringConvertible {
    public var file: String
    /// 0 if the place has no lines, such as an argument of the command line; it then prints as `file` alone.
    public var line: Int
    public var column: Int
    public init(file: String, line: Int, column: Int) {
      self.file = file
      self.line = line
      self.column = column
    }
    public var description: String { line == 0 ? file : "\(file):\(line):\(column)" }
  }

  public var content: Content
  public var mark: Mark

  public init(_ content: Content, at mark: Mark) {
    self.content = content
    self.mark = mark
  }

  /// The value under a key of a mapping; nil for other nodes and missing keys.
  public subscript(key: String) -> YAMLNode? { entries.first { $0.key == key }?.value }

  /// The entries of a mapping in the order of the file; none for other nodes.
  public var entries: [Entry] {
    if case .mapping(let entries) = content { entries } else { [] }
  }

  /// Nothing, `~` or `null`, unquoted.
  public var isNull: Bool {
    guard case .scalar(let text, quoted: false) = content else { return false }
    return text.isEmpty || text == "~" || text == "null"
  }

  /// The same node with every mark replaced, and the marks of all nodes under it.
  public func moved(to mark: Mark) -> YAMLNode {
    switch content {
    case .scalar: YAMLNode(content, at: mark)
    case .sequence(let items): YAMLNode(.sequence(items.map { $0.moved(to: mark) }), at: mark)
    case .mapping(let entries):
      YAMLNode(
        .mapping(
          entries.map {
            Entry(key: $0.key, keyMark: mark, value: $0.value.moved(to: mark), mayGoUnread: $0.mayGoUnread)
          }), at: mark)
    }
  }
}
