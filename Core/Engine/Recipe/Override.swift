import ReproConfig

/// One change of a recipe's tree, made before the tree is decoded, so that every message still names the place of the value.
///
/// The grammar of its key, a path of words joined by dots:
///
///     train, test, validation          the size of that split:          data.train, data.test, data.validation
///     batch                            the batch of every stage
///     seeds                            a number n of seeds (0 to n - 1), or a list of seeds
///     method, method.KEY...            the method, or one of its options
///     data, data.KEY...                the data, or one of its options
///     STAGE.KEY...                     a key of the stage of that name:  pretrain.steps, pretrain.optimizer.lr
///     evaluate                         all evaluations
///     evaluate.NAME.KEY...             an option of the evaluation of that name:  evaluate.knn.k
///
/// The value takes the place of what stands there; a mapping or list is replaced as a whole. `3x` is three times the whole
/// number that stands there: an arm that trains three times as long does so at every scale. Options that do not stand in the
/// recipe may be added: whoever reads them (method, data, optimizer, evaluation) refuses those that it does not know.
/// Inside one group (a scale, an arm, the command line) the order does not matter: `batch` is applied first, so that
/// `pretrain.batch` can differ from it, and no key may reach into what another key replaces.
///
/// When `type` or `provider` of a mapping changes, its other keys were written for somebody else: those that the group does
/// not set itself may then stay unread (`YAMLNode.Entry.mayGoUnread`). So the arm `supervised: {method.type: supervised}`
/// shares width and depth with the method and passes over its prototypes.
struct Override {
  enum Step: Equatable {
    case key(String)
    case item(Int)
  }

  var key: String
  var mark: YAMLNode.Mark
  var value: YAMLNode

  /// Heads that are no names of stages.
  static let words = ["train", "test", "validation", "batch", "seeds", "method", "data", "evaluate"]

  /// The longest key, in words; every word may make a mapping.
  static let deepestKey = 16

  /// The overrides of a scale or an arm.
  static func group(_ node: YAMLNode, name: String) throws(ReproError) -> [Override] {
    guard case .mapping(let entries) = node.content else { throw node.wrong(name, expected: "a mapping") }
    return entries.map { Override(key: $0.key, mark: $0.keyMark, value: $0.value) }
  }

  /// An override of the command line, `key=value`; the value is YAML on one line.
  ///
  /// - Throws: `ReproError`, domain usage, at `--set key=value`.
  init(argument: String) throws(ReproError) {
    let place = YAMLNode.Mark(file: "--set \(clipped(argument))", line: 0, column: 0)
    guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else {
      throw ReproError(.usage, at: "\(place)", found: "no '='", expected: "KEY=VALUE")
    }
    key = String(argument[..<equals])
    mark = place
    let text = String(argument[argument.index(after: equals)...])
    do {
      value = try YAMLNode(parsing: text, file: "").moved(to: place)
    } catch {
      throw ReproError(.usage, at: "\(place)", found: text.isEmpty ? "no value behind '='" : error.found)
    }
  }

  private init(key: String, mark: YAMLNode.Mark, value: YAMLNode) {
    (self.key, self.mark, self.value) = (key, mark, value)
  }
}

extension Override {
  /// The places in the tree that the key names.
  func targets(in tree: YAMLNode) throws(ReproError) -> [[Step]] {
    let parts = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    let rest = parts.dropFirst().map(Step.key)
    guard parts.count <= Self.deepestKey else {
      throw ReproError(
        .usage, at: "\(mark)", found: "a key of \(parts.count) words", expected: "at most \(Self.deepestKey)")
    }
    guard let head = parts.first, parts.allSatisfy({ !$0.isEmpty }) else { throw unknown(in: tree) }
    switch head {
    case "train" where rest.isEmpty, "test" where rest.isEmpty, "validation" where rest.isEmpty:
      return [[.key("data"), .key(head)]]
    case "batch" where rest.isEmpty:
      return stageNames(tree).indices.map { [.key("stages"), .item($0), .key("batch")] }
    case "seeds" where rest.isEmpty: return [[.key("seeds")]]
    case "method", "data": return [[.key(head)] + rest]
    case "evaluate":
      if rest.isEmpty { return [[.key(head)]] }
      guard rest.count > 1, let index = evaluationNames(tree).firstIndex(of: parts[1]) else { throw unknown(in: tree) }
      return [[.key(head), .item(index)] + rest.dropFirst()]
    default:
      guard !rest.isEmpty, rest.first != .key("name"), let index = stageNames(tree).firstIndex(of: head) else {
        throw unknown(in: tree)
      }
      return [[.key("stages"), .item(index)] + rest]
    }
  }

  private func unknown(in tree: YAMLNode) -> ReproError {
    let paths = Self.paths(of: tree)
    var hint = suggestion(for: key, among: paths)
    if hint == nil {
      let ends = paths.filter { $0.hasSuffix("." + key) }
      hint = ends.first.map { "did you mean '\($0)'?" }
    }
    if hint == nil, let dot = key.firstIndex(of: "."),
      let head = nearest(to: String(key[..<dot]), among: Self.words + stageNames(tree))
    {
      hint = "did you mean '\(head)\(key[dot...])'?"
    }
    let starts = (Self.words + stageNames(tree).map { $0 + ".KEY" }).joined(separator: ", ")
    return ReproError(
      .usage, at: "\(mark)", found: "unknown key '\(clipped(key))'", hint: hint ?? "keys begin with \(starts)")
  }

  /// Every key that could be overridden in a tree, spelled as an override.
  static func paths(of tree: YAMLNode) -> [String] {
    var paths = ["train", "test", "validation", "batch", "seeds", "evaluate"]
    func add(_ node: YAMLNode, _ prefix: String) {
      for entry in node.entries {
        paths.append("\(prefix).\(entry.key)")
        add(entry.value, "\(prefix).\(entry.key)")
      }
    }
    for head in ["method", "data"] {
      paths.append(head)
      if let node = tree[head] { add(node, head) }
    }
    for (name, node) in zip(stageNames(tree), items(tree, "stages")) {
      add(node, name)
      for key in Stage.keys where node[key] == nil { paths.append("\(name).\(key)") }
      paths.removeAll { $0 == "\(name).name" }
    }
    for (name, node) in zip(evaluationNames(tree), items(tree, "evaluate")) { add(node, "evaluate.\(name)") }
    return paths
  }

  /// Applies a group of overrides.
  ///
  /// - Parameters:
  ///   - group: overrides whose order does not matter.
  ///   - lastWins: whether of two overrides with the same key the later one counts (the command line); otherwise that is
  ///     an error.
  /// - Throws: `ReproError`, domain usage, at the override's key.
  static func apply(_ group: [Override], to tree: YAMLNode, lastWins: Bool = false) throws(ReproError) -> YAMLNode {
    var changes: [(path: [Step], override: Override)] = []
    for override in group {
      // `batch` may be narrowed by a stage's own batch, so its targets are compared with other `batch` keys only.
      for path in try override.targets(in: tree) {
        let clash = changes.firstIndex { (other, earlier) in
          (earlier.key == "batch") == (override.key == "batch")
            && (other.starts(with: path) || path.starts(with: other))
        }
        if let clash {
          guard lastWins, changes[clash].path == path else {
            throw ReproError(
              .usage, at: "\(override.mark)",
              found: "'\(clipped(override.key))' sets what '\(clipped(changes[clash].override.key))' sets too",
              hint: "keep one of them")
          }
          changes.remove(at: clash)
        }
        changes.append((path, override))
      }
    }
    func rank(_ change: (path: [Step], override: Override)) -> Int {
      if change.override.key == "batch" { return 0 }
      return change.path.last == .key("type") || change.path.last == .key("provider") ? 1 : 2
    }
    var result = tree
    for wanted in 0...2 {
      for change in changes where rank(change) == wanted {
        result = try change.override.set(change.path[...], in: result, name: "")
      }
    }
    return result
  }

  /// The keys of the user's overrides that the arm's own values hide, wholly or in part.
  static func shadowed(
    _ user: [Override], by arm: [Override], in tree: YAMLNode
  ) throws(ReproError) -> [String] {
    var own: [[Step]] = []
    // A multiple keeps the user's number and multiplies it.
    for override in arm where override.factor == nil { own += try override.targets(in: tree) }
    var keys: [String] = []
    for override in user where !keys.contains(override.key) {
      let paths = try override.targets(in: tree)
      if paths.contains(where: { path in own.contains { path.starts(with: $0) || $0.starts(with: path) } }) {
        keys.append(override.key)
      }
    }
    return keys
  }

  private func set(_ path: ArraySlice<Step>, in node: YAMLNode, name: String) throws(ReproError) -> YAMLNode {
    guard let step = path.first else { return try multiple(of: node) ?? value }
    var node = node
    switch (step, node.content) {
    case (.item(let index), .sequence(var items)):
      items[index] = try set(path.dropFirst(), in: items[index], name: "\(name)[\(index)]")
      node.content = .sequence(items)
    case (.key(let key), .mapping(var entries)):
      let inner = name.isEmpty ? key : "\(name).\(key)"
      if let index = entries.firstIndex(where: { $0.key == key }) {
        let old = entries[index].value
        let new = try set(path.dropFirst(), in: old, name: inner)
        if key == "type" || key == "provider", new.canonical != old.canonical {
          entries = entries.map(\.forAnotherType)
        }
        entries[index] = YAMLNode.Entry(
          key: key, keyMark: path.count == 1 ? mark : entries[index].keyMark, value: new,
          mayGoUnread: path.count > 1 && entries[index].mayGoUnread)
      } else {
        let empty = YAMLNode(.mapping([]), at: mark)
        let new = path.count == 1 ? value : try set(path.dropFirst(), in: empty, name: inner)
        entries.append(YAMLNode.Entry(key: key, keyMark: mark, value: new))
      }
      node.content = .mapping(entries)
    default:
      throw ReproError(
        .usage, at: "\(mark)", found: "'\(clipped(key))' reaches into \(name), which is \(node.kind)",
        expected: "a mapping", hint: "set \(name) as a whole")
    }
    return node
  }

  /// 3 of `3x`; nil for every other value.
  private var factor: Int? {
    guard case .scalar(let text, quoted: false) = value.content, text.last == "x" else { return nil }
    return Int(text.dropLast()).flatMap { $0 < 0 ? nil : $0 }
  }

  /// The multiple of a whole number; nil if the value is no multiple, or what stands there no whole number.
  private func multiple(of old: YAMLNode) throws(ReproError) -> YAMLNode? {
    guard let factor, case .scalar(let text, quoted: false) = old.content, let count = Int(text) else { return nil }
    let (product, overflows) = count.multipliedReportingOverflow(by: factor)
    guard !overflows else {
      throw ReproError(.usage, at: "\(value.mark)", found: "\(factor) times \(count) is too large for a number")
    }
    return YAMLNode(.scalar("\(product)", quoted: false), at: value.mark)
  }
}

extension YAMLNode.Entry {
  /// The same entry, and all entries under it, free to stay unread.
  fileprivate var forAnotherType: YAMLNode.Entry {
    YAMLNode.Entry(key: key, keyMark: keyMark, value: value.forAnotherType, mayGoUnread: true)
  }
}

extension YAMLNode {
  fileprivate var forAnotherType: YAMLNode {
    guard case .mapping(let entries) = content else { return self }
    return YAMLNode(.mapping(entries.map(\.forAnotherType)), at: mark)
  }
}

/// The items of a list in a tree that may not have been checked yet; none if it is no list.
private func items(_ tree: YAMLNode, _ key: String) -> [YAMLNode] {
  if case .sequence(let items) = tree[key]?.content { items } else { [] }
}

private func stageNames(_ tree: YAMLNode) -> [String] {
  items(tree, "stages").map { (try? $0["name"]?.string(named: "")) ?? "" }
}

private func evaluationNames(_ tree: YAMLNode) -> [String] { items(tree, "evaluate").map(EvaluationPlan.name) }
