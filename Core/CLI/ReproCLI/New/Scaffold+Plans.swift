import ReproConfig
import ReproData
import ReproEngine

/// What the skeleton says about its paper.
struct SkeletonPaper {
  let title: String
  let year: Int
  /// Empty for papers that are not on arXiv.
  let arxiv: String

  func check() throws(ReproError) {
    guard !title.isEmpty, title.count <= 300, title == clippedLine(title) else {
      throw ReproError(.usage, at: "--title", found: "'\(clipped(title))'", expected: "one line of 1 to 300 characters")
    }
    guard (1800...2200).contains(year) else {
      throw ReproError(.usage, at: "--year", found: "\(year)", expected: "1800 to 2200")
    }
    let isNumber = arxiv.utf8.allSatisfy { byte in
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        || [UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "-")].contains(byte)
    }
    guard isNumber, arxiv.utf8.count <= 20 else {
      throw ReproError(.usage, at: "--arxiv", found: "'\(clipped(arxiv))'", expected: "a number like 2002.05709")
    }
  }

  private func clippedLine(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 }))
  }
}

// MARK: - A method

extension Scaffold {
  /// The files of a new method: its plugin, its line in All.swift, its recipe, its test, its line in the registry.
  func method(_ names: Names, family: String, _ paper: SkeletonPaper) throws(ReproError) -> ChangeSet {
    let folder = try folder(ofFamily: family)
    try paper.check()
    try checkIsFree(type: names.type, family: folder)
    let recipe = "\(names.id)-small"
    try checkIsFree(paper: names.id)
    try checkIsFree(recipe: recipe)
    let skeleton = MethodSkeleton(names: names, family: folder, paper: paper)
    var changes = ChangeSet(root: root)
    try changes.add("Methods/\(folder)/\(names.type).swift", skeleton.plugin)
    try changes.edit("Methods/\(folder)/All.swift") { text throws(ReproError) in
      try Scaffold.adding(names.type, toListIn: text, of: "Methods/\(folder)/All.swift")
    }
    try changes.add("Reproductions/\(names.id)/\(recipe).yaml", skeleton.recipe)
    try changes.add("Reproductions/\(names.id)/NOTES.md", skeleton.notes)
    try changes.add("Tests/MethodsTests/\(names.type)Tests.swift", skeleton.test)
    try changes.edit("registry.yaml") { text throws(ReproError) in
      try Scaffold.inserting(skeleton.registryLine, id: names.id, inRegistry: text)
    }
    // What was just written must be readable.
    _ = try Recipe(YAMLNode(parsing: skeleton.recipe, file: recipe))
    return changes
  }

  private func checkIsFree(paper: String) throws(ReproError) {
    let registry = try Registry(path: root + "/registry.yaml", displayed: "registry.yaml")
    let compiled = Program.plugins.methods.contains { $0.card.id == paper }
    let listed = registry.entries.contains { $0.id == paper }
    if compiled || listed || SafeFile.isFolder("\(root)/Reproductions/\(paper)") {
      throw ReproError(.usage, at: paper, found: "the paper exists already", hint: "choose another one with --id")
    }
  }

  private func checkIsFree(recipe: String) throws(ReproError) {
    if let other = try RecipeCatalog(roots: [root]).entries.first(where: { $0.recipe == recipe }) {
      throw ReproError(
        .usage, at: recipe, found: "the recipe exists already, in Reproductions/\(other.paper)",
        hint: "choose another name")
    }
  }

  /// A family's All.swift with one more type at the end of its list.
  static func adding(_ type: String, toListIn text: String, of path: String) throws(ReproError) -> String {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let starts = lines.indices.filter { lines[$0].contains(": [any MethodPlugin.Type] = [") }
    let problem = ReproError(
      .usage, at: path, found: "the list of methods cannot be found",
      expected: "one '... : [any MethodPlugin.Type] = ['")
    guard starts.count == 1, let start = starts.first else { throw problem }
    if lines[start].hasSuffix("= []") {
      lines[start].removeLast()
      lines.insert(contentsOf: ["  \(type).self", "]"], at: start + 1)
      return lines.joined(separator: "\n")
    }
    guard lines[start].hasSuffix("["), let end = lines[(start + 1)...].firstIndex(of: "]") else { throw problem }
    if end > start + 1, lines[end - 1].hasSuffix(".self") { lines[end - 1] += "," }
    lines.insert("  \(type).self,", at: end)
    return lines.joined(separator: "\n")
  }

  /// The registry with one more line in its place.
  static func inserting(_ line: String, id: String, inRegistry text: String) throws(ReproError) -> String {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let place = lines.firstIndex { other in paperID(other).map { $0 > id } ?? false }
    if let place {
      lines.insert(line, at: place)
    } else {
      while lines.last?.isEmpty ?? false { lines.removeLast() }
      lines += [line, ""]
    }
    let result = lines.joined(separator: "\n")
    _ = try Registry(YAMLNode(parsing: result, file: "registry.yaml"))
    return result
  }

  /// The id of a line of the registry.
  private static func paperID(_ line: String) -> String? {
    line.hasPrefix("- {id: ") ? String(line.dropFirst("- {id: ".count).prefix { $0 != "," && $0 != "}" }) : nil
  }
}

// MARK: - A recipe

extension Scaffold {
  /// The files of a further recipe of a paper: a copy of one that it has, and the registry's line.
  func recipe(_ name: String, of paper: String, like: String?) throws(ReproError) -> ChangeSet {
    try checkIdentifier(name, "the name of a recipe")
    let catalogue = try RecipeCatalog(roots: [root])
    let papers = Set(catalogue.entries.map(\.paper)).sorted()
    let own = catalogue.entries.filter { $0.paper == paper }
    guard let first = own.first else {
      throw ReproError(
        .usage, at: "'\(clipped(paper))'", found: "no paper of this id has a recipe",
        hint: suggestion(for: paper, among: papers) ?? "there are \(papers.joined(separator: ", "))")
    }
    try checkIsFree(recipe: name)
    var source = first
    if let like {
      guard let named = own.first(where: { $0.recipe == like }) else {
        throw ReproError(
          .usage, at: "--like \(clipped(like))", found: "\(paper) has no such recipe",
          expected: "one of " + own.map(\.recipe).joined(separator: ", "))
      }
      source = named
    }
    let place = "Reproductions/\(paper)/\(name).yaml"
    let bytes = try readFile(source.path, limit: YAMLNode.largestFile, domain: .usage)
    let text = Scaffold.renamed(String(decoding: bytes, as: UTF8.self), from: source.recipe, to: name)
    let recipe = try Recipe(YAMLNode(parsing: text, file: place))
    guard recipe.id == name, !recipe.claims.contains(where: \.isPrimary) else {
      throw ReproError(
        .usage, at: source.path,
        found: "its name or its primary claim is written in a way that cannot be changed by line",
        expected: "'recipe: \(source.recipe)' and 'primary: true' as in other recipes")
    }
    var changes = ChangeSet(root: root)
    try changes.add(place, text)
    try changes.edit("registry.yaml") { text throws(ReproError) in
      try Scaffold.listing(name, of: paper, inRegistry: text)
    }
    return changes
  }

  /// A recipe's text under another name and without a primary claim; other comments stay.
  static func renamed(_ text: String, from old: String, to new: String) -> String {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    while lines.first?.hasPrefix("#") ?? false { lines.removeFirst() }
    lines.removeAll { $0.drop { $0 == " " } == "primary: true" }
    lines = lines.map { line in
      if line == "recipe: \(old)" || line.hasPrefix("recipe: \(old) ") { return "recipe: \(new)" }
      return line.replacing("primary: true, ", with: "").replacing(", primary: true", with: "")
    }
    return "# Made from \(old): say here what this recipe asks, and change what makes it differ.\n"
      + lines.joined(separator: "\n")
  }

  /// The registry with one more recipe in a paper's list.
  static func listing(_ recipe: String, of paper: String, inRegistry text: String) throws(ReproError) -> String {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let problem = ReproError(
      .usage, at: "registry.yaml", found: "the recipes of \(paper) cannot be found",
      expected: "one line '- {id: \(paper), ..., recipes: [...], ...}'")
    guard let place = lines.firstIndex(where: { paperID($0) == paper }),
      let open = lines[place].ranges(of: "recipes: [").first,
      let close = lines[place][open.upperBound...].firstIndex(of: "]")
    else { throw problem }
    var names = lines[place][open.upperBound..<close].split(separator: ",").map { name in
      String(name.drop { $0 == " " }).replacing(" ", with: "")
    }
    if !names.contains(recipe) { names.append(recipe) }
    lines[place].replaceSubrange(open.upperBound..<close, with: names.sorted().joined(separator: ", "))
    let result = lines.joined(separator: "\n")
    let registry = try Registry(YAMLNode(parsing: result, file: "registry.yaml"))
    guard registry.entries.contains(where: { $0.id == paper && $0.recipes.contains(recipe) }) else { throw problem }
    return result
  }
}

// MARK: - A family

extension Scaffold {
  /// The files of a new family: its module, and the three places that name all families.
  func family(_ name: String) throws(ReproError) -> ChangeSet {
    let word = name.lowercased()
    let isWord = word.utf8.allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
    guard isWord, (3...30).contains(word.utf8.count), !Scaffold.keywords.contains(word) else {
      throw ReproError(
        .usage, at: "'\(clipped(name))'", found: "this cannot be the name of a family",
        expected: "one word of 3 to 30 letters, as robotics")
    }
    let folder = word.prefix(1).uppercased() + word.dropFirst()
    if SafeFile.isFolder("\(root)/Methods/\(folder)") || Family(rawValue: word) != nil {
      throw ReproError(.usage, at: word, found: "the family exists already")
    }
    try checkIsFree(type: folder, family: folder)
    var changes = ChangeSet(root: root)
    try changes.add(
      "Methods/\(folder)/All.swift",
      """
      import ReproEngine

      /// The plugins of this family; a new method is one more line.
      public let \(word)Methods: [any MethodPlugin.Type] = []

      """)
    try changes.edit("Package.swift") { text throws(ReproError) in
      try Scaffold.extending("let families = [", endingWith: "]", by: ", \"\(folder)\"", in: text, of: "Package.swift")
    }
    let engine = "Core/Engine/MethodPlugin.swift"
    try changes.edit(engine) { text throws(ReproError) in
      try Scaffold.extending(
        "  case contrastive, ", endingWith: ", evaluation, baseline", by: ", \(word)", in: text, of: engine)
    }
    let builtIn = "Core/CLI/ReproCLI/Plugins+BuiltIn.swift"
    try changes.edit(builtIn) { text throws(ReproError) in
      let imports = text.split(separator: "\n").filter { $0.hasPrefix("import ") }.map(String.init)
      let next = imports.first { $0 > "import \(folder)" } ?? "import ReproConfig"
      let named = try ChangeSet.inserting("import \(folder)", .before, next, in: text, of: builtIn)
      return try ChangeSet.inserting("      \(word)Methods,", .before, "    ].flatMap { $0 },", in: named, of: builtIn)
    }
    return changes
  }

  /// The text with something put before the end of the only line that begins and ends as given.
  private static func extending(
    _ start: String, endingWith end: String, by addition: String, in text: String, of path: String
  ) throws(ReproError) -> String {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let places = lines.indices.filter { lines[$0].hasPrefix(start) && lines[$0].hasSuffix(end) }
    guard places.count == 1, let place = places.first else {
      throw ReproError(
        .usage, at: path, found: "the list of families cannot be found", expected: "a line '\(start)...\(end)'")
    }
    lines[place] = lines[place].dropLast(end.count) + addition + end
    return lines.joined(separator: "\n")
  }

  /// Words of the language that no enum case may be called without backticks, and members that every enum has.
  private static let keywords: Set<String> = [
    "associatedtype", "break", "case", "catch", "class", "continue", "default", "defer", "deinit", "else", "enum",
    "extension",
    "fallthrough", "false", "fileprivate", "for", "func", "guard", "import", "init", "inout", "internal", "let", "nil",
    "none",
    "operator", "private", "protocol", "public", "repeat", "rethrows", "return", "self", "some", "static", "struct",
    "subscript", "super", "switch", "throw", "throws", "true", "try", "type", "typealias", "var", "where", "while",
  ]
}
