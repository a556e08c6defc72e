import Glibc
import ReproConfig
import ReproData
import ReproEngine

/// Plans what the `new` commands write; nothing is written before everything is checked.
struct Scaffold {
  let root: String

  init(root: String? = nil) throws { self.root = RecipeCatalog.resolved(try root ?? Program.root()) }

  /// What a method is called.
  struct Names: Equatable {
    /// The Swift type: SimCLR.
    let type: String
    /// The paper's id: simclr.
    let id: String
  }

  /// Writes the changes and says what to do next.
  func apply(_ changes: ChangeSet, next: [String]) throws(ReproError) {
    try changes.apply()
    for change in changes.changes { Terminal.line("\(change.old == nil ? "new      " : "changed  ")\(change.path)") }
    Terminal.line("\nnext")
    for command in next { Terminal.line("  \(command)") }
  }

  // MARK: Names

  /// The type and the id that a name stands for: `SimCLR` is also `simclr`, `sim-clr` is also `SimClr`.
  func names(of name: String, id: String?) throws(ReproError) -> Names {
    let isKebab = name.utf8.first.map { $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z") } ?? false
    let type = isKebab ? name.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined() : name
    let letters = type.utf8.allSatisfy {
      switch $0 {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: false
      }
    }
    let starts = type.utf8.first.map { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") } ?? false
    guard letters, starts, type.utf8.count <= 40, !isKebab || isIdentifier(name) else {
      throw ReproError(
        .usage, at: "'\(clipped(name))'", found: "this cannot be the name of a method",
        expected: "a Swift type (SimCLR) or an id (sim-clr) of at most 40 letters and digits")
    }
    let id = id ?? (isKebab ? name : type.lowercased())
    try checkIdentifier(id, "a paper's id")
    return Names(type: type, id: id)
  }

  func checkIdentifier(_ name: String, _ what: String) throws(ReproError) {
    guard isIdentifier(name), name.utf8.count <= 50 else {
      throw ReproError(
        .usage, at: "'\(clipped(name))'", found: "this cannot be \(what)",
        expected: "small letters, digits and single dashes, as in dinov2-small, at most 50")
    }
  }

  /// The families that are there, by their folders.
  var families: [String] {
    SafeFile.list(root + "/Methods").filter { SafeFile.exists("\(root)/Methods/\($0)/All.swift") }
  }

  /// The folder of a family, however it is spelled.
  func folder(ofFamily name: String) throws(ReproError) -> String {
    let known = families.filter { $0 != "Baselines" }
    if let folder = known.first(where: { $0.lowercased() == name.lowercased() }) { return folder }
    let words = known.map { $0.lowercased() }
    throw ReproError(
      .usage, at: "'\(clipped(name))'", found: "there is no such family",
      expected: "one of " + words.joined(separator: ", "),
      hint: suggestion(for: name.lowercased(), among: words) ?? "'repro new family \(clipped(name))' makes one")
  }

  /// Refuses a type that would hide another one, or be hidden: names of the language, of the standard library, and of
  /// everything that the core or the family declares.
  func checkIsFree(type: String, family: String) throws(ReproError) {
    var clash = reserved.contains(type) || families.contains(type) ? "it is taken by the language or a module" : nil
    for folder in ["Core", "Methods/\(family)"] where clash == nil {
      for path in swiftFiles(folder) where clash == nil {
        let text = (try? readFile("\(root)/\(path)", limit: 1 << 20, domain: .usage)).map {
          String(decoding: $0, as: UTF8.self)
        }
        let declares = ["struct", "enum", "class", "protocol", "typealias", "actor"].contains { keyword in
          (text ?? "").ranges(of: "\(keyword) \(type)").contains { range in
            let next = text?[range.upperBound...].unicodeScalars.first
            return next.map { !($0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == "_") } ?? true
          }
        }
        if declares { clash = "\(path) declares it" }
      }
    }
    if let clash {
      throw ReproError(.usage, at: type, found: "the type exists already (\(clash))", hint: "choose another name")
    }
  }

  private func swiftFiles(_ folder: String) -> [String] {
    SafeFile.list("\(root)/\(folder)").flatMap { name -> [String] in
      if name.hasSuffix(".swift") { return ["\(folder)/\(name)"] }
      return SafeFile.isFolder("\(root)/\(folder)/\(name)") ? swiftFiles("\(folder)/\(name)") : []
    }
  }

  private var reserved: Set<String> {
    [
      "Any", "AnyObject", "Array", "Bool", "Character", "Dictionary", "Double", "Error", "Float", "Int", "Never",
      "Optional",
      "Protocol", "Result", "Self", "Set", "Sendable", "String", "Task", "Type", "Void", "Test", "Suite", "Testing",
      "Swift",
    ]
  }
}
