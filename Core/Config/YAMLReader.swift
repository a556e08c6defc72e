import CYAML

extension YAMLNode {
  /// The largest file that is read, in bytes.
  public static let largestFile = 1 << 20
  /// The deepest nesting of lists and mappings.
  public static let deepestNesting = 64
  /// The longest key, in bytes.
  public static let longestKey = 200
  /// How many aliases (`*name`) a document may use, and how many nodes they may stand for together.
  public static let mostAliases = 32
  public static let mostAliasedNodes = 10_000

  /// Reads a YAML file.
  ///
  /// - Parameter path: a regular file of at most 1 MiB.
  /// - Throws: `ReproError`, domain usage, with `path:line:column` of what is wrong.
  public init(path: String) throws(ReproError) {
    try self.init(parsing: readFile(path, limit: Self.largestFile, domain: .usage), file: path)
  }

  /// Reads one YAML document from text.
  public init(parsing text: String, file: String) throws(ReproError) {
    try self.init(parsing: Array(text.utf8), file: file)
  }

  /// Reads one YAML document from bytes: YAML 1.1 as libyaml understands it, less tags, merge keys, several documents,
  /// keys that are no text, repeated keys and repeated anchors.
  ///
  /// - Parameters:
  ///   - bytes: UTF-8, at most 1 MiB; nesting at most 64; at most 32 aliases that stand for at most 10000 nodes.
  ///   - file: how the document is called in messages.
  /// - Throws: `ReproError`, domain usage, with `file:line:column`.
  public init(parsing bytes: [UInt8], file: String) throws(ReproError) {
    guard bytes.count <= Self.largestFile else {
      throw ReproError(
        .usage, at: file, found: "the file has \(bytes.count) bytes", expected: "at most \(Self.largestFile)")
    }
    if let bad = firstInvalidUTF8(in: bytes) {
      throw ReproError(
        .usage, at: "\(place(ofByte: bad, in: bytes, file: file))",
        found: "byte \(hexadecimal(bytes[bad])) is not UTF-8", hint: "save the file as UTF-8")
    }
    // libyaml reads from the buffer during the whole parse, so the parse happens inside the closure.
    self = try bytes.withUnsafeBufferPointer { buffer throws(ReproError) in
      var reader = try YAMLReader(buffer, file: file)
      return try reader.document()
    }
  }
}

/// Builds nodes from libyaml's events. Its state lives on the heap because libyaml keeps pointers into it.
private struct YAMLReader: ~Copyable {
  private enum Event {
    case streamStart, streamEnd, documentEnd, sequenceEnd, mappingEnd
    case documentStart(hasTags: Bool)
    case alias(String)
    case scalar(String, quoted: Bool, Properties)
    case sequenceStart(Properties)
    case mappingStart(Properties)
  }

  private struct Properties {
    var anchor: String?
    var tag: String?
  }

  private struct Anchor {
    /// nil while the anchored node is still being read: an alias to it would be a cycle.
    var node: YAMLNode?
    var line: Int
    var nodes = 0
    var height = 0
  }

  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let input: UnsafeBufferPointer<UInt8>
  private let file: String
  private var anchors: [String: Anchor] = [:]
  private var aliases = 0
  private var aliasedNodes = 0
  private var nodes = 0

  init(_ input: UnsafeBufferPointer<UInt8>, file: String) throws(ReproError) {
    self.input = input
    self.file = file
    parser = .allocate(capacity: 1)
    guard yaml_parser_initialize(parser) == 1 else {
      parser.deallocate()
      throw ReproError(.usage, at: file, found: "libyaml got no memory for a parser")
    }
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, input.baseAddress, input.count)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
  }

  mutating func document() throws(ReproError) -> YAMLNode {
    _ = try next()  // stream start
    let (start, mark) = try next()
    guard case .documentStart(let hasTags) = start else {
      throw ReproError(.usage, at: file, found: "the file is empty", expected: "a YAML document")
    }
    if hasTags { throw error(mark, found: "a %TAG directive", hint: "tags are not supported; remove it") }
    let (event, nodeMark) = try next()
    let (root, _) = try node(event, at: nodeMark, depth: 0)
    _ = try next()  // document end
    let (end, endMark) = try next()
    if case .streamEnd = end { return root }
    throw error(endMark, found: "a second document", expected: "one document in a file")
  }

  /// - Returns: the node and the height of its tree (0 for a scalar).
  private mutating func node(
    _ event: Event, at mark: YAMLNode.Mark, depth: Int
  ) throws(ReproError) -> (YAMLNode, height: Int) {
    if case .alias(let name) = event { return try resolve(name, at: mark, depth: depth) }
    let before = nodes
    nodes += 1
    let properties: Properties
    switch event {
    case .scalar(_, _, let p), .sequenceStart(let p), .mappingStart(let p): properties = p
    default: throw error(mark, found: "no node", expected: "a value")
    }
    if let tag = properties.tag {
      throw error(mark, found: "the tag '\(clipped(tag))'", hint: "tags are not supported; remove it")
    }
    if let name = properties.anchor {
      if let first = anchors[name] {
        throw error(mark, found: "anchor '\(clipped(name))' is defined twice, first in line \(first.line)")
      }
      anchors[name] = Anchor(line: mark.line)
    }
    let content: YAMLNode.Content
    var height = 0
    switch event {
    case .scalar(let text, let quoted, _): content = .scalar(text, quoted: quoted)
    case .sequenceStart: (content, height) = try sequence(depth: try deeper(depth, at: mark))
    default: (content, height) = try mapping(depth: try deeper(depth, at: mark))
    }
    let result = YAMLNode(content, at: mark)
    if let name = properties.anchor {
      anchors[name] = Anchor(node: result, line: mark.line, nodes: nodes - before, height: height)
    }
    return (result, height)
  }

  private func deeper(_ depth: Int, at mark: YAMLNode.Mark) throws(ReproError) -> Int {
    guard depth < YAMLNode.deepestNesting else {
      throw error(mark, found: "nesting is deeper than \(YAMLNode.deepestNesting) levels")
    }
    return depth + 1
  }

  private mutating func sequence(depth: Int) throws(ReproError) -> (YAMLNode.Content, height: Int) {
    var items: [YAMLNode] = []
    var height = 0
    while true {
      let (event, mark) = try next()
      if case .sequenceEnd = event { return (.sequence(items), height + 1) }
      let (item, itemHeight) = try node(event, at: mark, depth: depth)
      height = max(height, itemHeight)
      items.append(item)
    }
  }

  private mutating func mapping(depth: Int) throws(ReproError) -> (YAMLNode.Content, height: Int) {
    var entries: [YAMLNode.Entry] = []
    var lines: [String: Int] = [:]
    var height = 0
    while true {
      let (event, mark) = try next()
      if case .mappingEnd = event { return (.mapping(entries), height + 1) }
      guard case .scalar(let key, let quoted, let properties) = event, properties.anchor == nil, properties.tag == nil
      else { throw error(mark, found: "a key that is not plain text", expected: "key: value") }
      if key.isEmpty { throw error(mark, found: "an empty key", expected: "key: value") }
      if key.utf8.count > YAMLNode.longestKey {
        throw error(mark, found: "a key of \(key.utf8.count) bytes", expected: "at most \(YAMLNode.longestKey)")
      }
      if key == "<<" && !quoted {
        throw error(mark, found: "the merge key '<<'", hint: "there is no inheritance; write the keys out")
      }
      if let first = lines[key] {
        throw error(mark, found: "key '\(clipped(key))' stands twice, first in line \(first)", hint: "remove one")
      }
      lines[key] = mark.line
      let (valueEvent, valueMark) = try next()
      let (value, valueHeight) = try node(valueEvent, at: valueMark, depth: depth)
      height = max(height, valueHeight)
      entries.append(YAMLNode.Entry(key: key, keyMark: mark, value: value))
    }
  }

  private mutating func resolve(
    _ name: String, at mark: YAMLNode.Mark, depth: Int
  ) throws(ReproError) -> (YAMLNode, height: Int) {
    guard let anchor = anchors[name] else {
      throw error(mark, found: "alias '*\(clipped(name))' has no anchor '&\(clipped(name))' before it")
    }
    guard let target = anchor.node else {
      throw error(mark, found: "alias '*\(clipped(name))' stands inside its own anchor")
    }
    aliases += 1
    if aliases > YAMLNode.mostAliases {
      throw error(
        mark, found: "more than \(YAMLNode.mostAliases) aliases", hint: "write the values out")
    }
    nodes += anchor.nodes
    aliasedNodes += anchor.nodes
    if aliasedNodes > YAMLNode.mostAliasedNodes {
      throw error(
        mark, found: "aliases stand for more than \(YAMLNode.mostAliasedNodes) nodes", hint: "write the values out")
    }
    if depth + anchor.height > YAMLNode.deepestNesting {
      throw error(mark, found: "nesting is deeper than \(YAMLNode.deepestNesting) levels")
    }
    return (target, anchor.height)
  }

  private func error(
    _ mark: YAMLNode.Mark, found: String, expected: String? = nil, hint: String? = nil
  ) -> ReproError {
    ReproError(.usage, at: "\(mark)", found: found, expected: expected, hint: hint)
  }

  private func mark(_ mark: yaml_mark_t) -> YAMLNode.Mark {
    YAMLNode.Mark(file: file, line: Int(mark.line) + 1, column: Int(mark.column) + 1)
  }

  private mutating func next() throws(ReproError) -> (Event, YAMLNode.Mark) {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
    defer { yaml_event_delete(&event) }
    return (decode(event), mark(event.start_mark))
  }

  private func decode(_ event: yaml_event_t) -> Event {
    switch event.type {
    case YAML_DOCUMENT_START_EVENT:
      let tags = event.data.document_start.tag_directives
      return .documentStart(hasTags: tags.start != tags.end)
    case YAML_ALIAS_EVENT: return .alias(text(event.data.alias.anchor) ?? "")
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      let value = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      return .scalar(
        value, quoted: scalar.style != YAML_PLAIN_SCALAR_STYLE,
        Properties(anchor: text(scalar.anchor), tag: text(scalar.tag)))
    case YAML_SEQUENCE_START_EVENT:
      let start = event.data.sequence_start
      return .sequenceStart(Properties(anchor: text(start.anchor), tag: text(start.tag)))
    case YAML_MAPPING_START_EVENT:
      let start = event.data.mapping_start
      return .mappingStart(Properties(anchor: text(start.anchor), tag: text(start.tag)))
    case YAML_STREAM_START_EVENT: return .streamStart
    case YAML_DOCUMENT_END_EVENT: return .documentEnd
    case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
    case YAML_MAPPING_END_EVENT: return .mappingEnd
    default: return .streamEnd
    }
  }

  private func text(_ cString: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    cString.map { String(cString: $0) }
  }

  private func syntaxError() -> ReproError {
    let problem = parser.pointee.problem.map { String(cString: $0) } ?? "cannot be read"
    let context = parser.pointee.context.map { " " + String(cString: $0) } ?? ""
    let spot =
      parser.pointee.error == YAML_READER_ERROR
      ? place(ofByte: Int(parser.pointee.problem_offset), in: input, file: file)
      : mark(parser.pointee.problem_mark)
    return error(spot, found: "not YAML: \(problem)\(context)")
  }
}
