import Glibc
import ReproConfig

/// All recipes: the files `Reproductions/<paper>/<recipe>.yaml` under the package's root and under further roots.
///
/// Finding them opens no file, so that `repro run X` reads X alone.
public struct RecipeCatalog: Sendable {
  public struct Entry: Sendable, Equatable {
    /// The recipe's id: the name of its file without `.yaml`.
    public let recipe: String
    /// The paper's id: the name of its folder.
    public let paper: String
    /// The folder that holds `Reproductions`.
    public let root: String
    public var path: String { "\(folder)/\(recipe).yaml" }
    /// Where the recipe, its golden and its notes live.
    public var folder: String { "\(root)/Reproductions/\(paper)" }
    public var golden: String { "\(folder)/golden/\(recipe).json" }
  }

  /// Sorted by paper, then by recipe.
  public let entries: [Entry]

  /// - Parameter roots: folders that hold `Reproductions`; a root that is named twice counts once.
  /// - Throws: `ReproError`, domain usage: a root without the folder, or two recipes of one name.
  public init(roots: [String]) throws(ReproError) {
    var entries: [Entry] = []
    var seen: Set<String> = []
    for root in roots.map(Self.resolved) where seen.insert(root).inserted {
      let top = "\(root)/Reproductions"
      guard let papers = try names(in: top) else {
        throw ReproError(
          .usage, at: root, found: "no folder 'Reproductions'", expected: "the root of a package of reproductions")
      }
      for paper in papers {
        for file in try names(in: "\(top)/\(paper)") ?? [] where file.hasSuffix(".yaml") {
          entries.append(Entry(recipe: String(file.dropLast(5)), paper: paper, root: root))
        }
      }
    }
    self.entries = entries.sorted { ($0.paper, $0.recipe, $0.root) < ($1.paper, $1.recipe, $1.root) }
    var first: [String: Entry] = [:]
    for entry in self.entries {
      if let other = first[entry.recipe] {
        throw ReproError(
          .usage, at: Self.displayed(entry.path),
          found: "two recipes are called '\(entry.recipe)', the other is \(Self.displayed(other.path))")
      }
      first[entry.recipe] = entry
    }
  }

  /// The place of a recipe.
  ///
  /// - Throws: `ReproError`, domain usage, with the nearest names.
  public func entry(named name: String) throws(ReproError) -> Entry {
    if let entry = entries.first(where: { $0.recipe == name }) { return entry }
    throw ReproError(
      .usage, found: "unknown recipe '\(clipped(name))'",
      hint: suggestions(for: name, among: entries.map(\.recipe)) ?? "'repro list' shows all \(entries.count)")
  }

  /// Reads a recipe.
  public func recipe(named name: String) throws(ReproError) -> Recipe { try recipe(at: entry(named: name)) }

  /// Reads a recipe and checks that its ids are those of its file and folder.
  ///
  /// - Parameters:
  ///   - entry: the place of the recipe.
  ///   - checkingCells: see `Recipe.init(_:checkingCells:)`.
  public func recipe(at entry: Entry, checkingCells: Bool = true) throws(ReproError) -> Recipe {
    let recipe = try Recipe(
      path: entry.path, displayed: Self.displayed(entry.path), checkingCells: checkingCells)
    for (key, found, expected) in [("recipe", recipe.id, entry.recipe), ("paper", recipe.paper, entry.paper)]
    where found != expected {
      let mark = recipe.node[key]?.mark ?? recipe.node.mark
      throw ReproError(
        .usage, at: "\(mark)", found: "\(key) is '\(found)'", expected: "'\(expected)', as the path says")
    }
    return recipe
  }

  /// Checks what no recipe can check alone: a paper with claims has exactly one primary claim in all its recipes.
  public func checkPrimaryClaims(of recipes: [Recipe]) throws(ReproError) {
    var primary: [String: Recipe] = [:]
    for recipe in recipes {
      guard let claim = recipe.claims.first(where: \.isPrimary) else { continue }
      if let other = primary[recipe.paper] {
        throw ReproError(
          .usage, at: "\(claim.mark)", found: "claim '\(claim.id)' is a second primary claim of \(recipe.paper)",
          expected: "one in a paper", hint: "the other one is in \(other.node.mark.file)")
      }
      primary[recipe.paper] = recipe
    }
    for recipe in recipes where !recipe.claims.isEmpty && primary[recipe.paper] == nil {
      throw ReproError(
        .usage, at: "\(recipe.claims[0].mark)", found: "\(recipe.paper) has claims but no primary claim",
        hint: "set 'primary: true' in the most important one")
    }
  }
}

// MARK: - Places

extension RecipeCatalog {
  /// The folder that holds `registry.yaml` and `Reproductions`.
  ///
  /// Looked for in this order: `REPRO_ROOT`; the folders above the executable (`.build/release/repro`); the current folder
  /// and those above it.
  ///
  /// - Throws: `ReproError`, domain usage.
  public static func packageRoot() throws(ReproError) -> String {
    if let named = getenv("REPRO_ROOT").map({ String(cString: $0) }), !named.isEmpty {
      guard isRoot(named) else {
        throw ReproError(
          .usage, at: "REPRO_ROOT=\(clipped(named))", found: "no registry.yaml and no Reproductions there",
          expected: "the root of the repository")
      }
      return resolved(named)
    }
    for start in [resolved("/proc/self/exe"), resolved(".")] {
      var folder = start[...]
      while let slash = folder.lastIndex(of: "/") {
        if isRoot(String(folder)) { return String(folder) }
        folder = folder[..<slash]
      }
    }
    throw ReproError(
      .usage, found: "no registry.yaml and no Reproductions above the program or the current folder",
      hint: "run ./repro, or set REPRO_ROOT to the repository")
  }

  private static func isRoot(_ folder: String) -> Bool {
    access(folder + "/registry.yaml", R_OK) == 0 && access(folder + "/Reproductions", R_OK | X_OK) == 0
  }

  /// The path without links and dots; the path itself if it does not exist.
  public static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  /// A path for messages: relative if it lies in the current folder.
  public static func displayed(_ path: String) -> String {
    let here = resolved(".") + "/"
    return path.hasPrefix(here) ? String(path.dropFirst(here.count)) : path
  }
}

/// The names in a folder, sorted, without hidden ones; nil if it is no folder.
private func names(in folder: String) throws(ReproError) -> [String]? {
  guard let stream = opendir(folder) else {
    if errno == ENOENT || errno == ENOTDIR { return nil }
    throw ReproError(.usage, at: folder, found: "cannot be read: \(String(cString: strerror(errno)))")
  }
  defer { closedir(stream) }
  var names: [String] = []
  while let item = readdir(stream) {
    let name = withUnsafePointer(to: &item.pointee.d_name) { tuple in
      tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if !name.hasPrefix(".") { names.append(name) }
  }
  return names.sorted()
}
