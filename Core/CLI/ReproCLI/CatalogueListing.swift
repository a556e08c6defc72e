import Glibc
import ReproConfig
import ReproData
import ReproEngine

/// The lines of `repro list`.
///
/// To judge a hundred papers from the numbers of all their seeds takes seconds. So the finished lines are kept in
/// `$REPRO_CACHE/list`, each paper's with the state of every file that it was made from, and made anew where one of them
/// or the program has changed. What is kept is never written to a golden or a report, and may be deleted at any time.
struct CatalogueListing {
  struct Row {
    let family: Family
    let status: Registry.Status
    /// As the table shows them; in the order of `columns`.
    let cells: [String]
    /// The whole row as JSON text.
    let json: String
  }

  static let columns = ["paper", "year", "family", "recipe", "claim", "reported", "measured", "verdict", "status"]

  private(set) var rows: [Row] = []
  /// What is wrong with the registries, the recipes and the goldens.
  private(set) var problems: [ReproError] = []

  /// - Parameter cache: the folder of caches; nothing is kept if it cannot be written.
  init(roots: [String], plugins: Plugins, cache: String) throws {
    let all = try CataloguePapers(roots: roots)
    problems = all.problems
    let place = try Shelf.path(of: roots, in: cache)
    let old = Shelf(path: place)
    var new = Shelf()
    var hasChanged = false
    for paper in all.papers {
      let state = FileState(of: [paper.registry] + paper.recipes.flatMap { [$0.path, $0.golden] })
      if let kept = old.rows(of: paper.entry.id, state) {
        rows += kept
        new.keep(kept, of: paper.entry.id, state)
        continue
      }
      let made = CatalogueRow.of(paper, in: all.catalogue, plugins)
      let lines = try made.map(Row.init)
      rows += lines
      problems += made.compactMap(\.problem)
      // A paper with a problem is looked at again each time, so that the message stays.
      if made.allSatisfy({ $0.problem == nil }) {
        new.keep(lines, of: paper.entry.id, state)
        hasChanged = true
      }
    }
    if hasChanged { try? new.write(place) }
  }
}

extension CatalogueListing.Row {
  init(_ row: CatalogueRow) throws(ReproError) {
    (family, status) = (row.entry.family, row.entry.status)
    cells = [
      row.entry.id, row.year, row.entry.family.rawValue, row.recipe?.recipe ?? "-", row.claim?.id ?? "-",
      row.reportedText, row.measuredText, row.verdictText, row.entry.status.rawValue,
    ]
    json = try row.json.text()
  }
}

/// Size, time of change and inode of files: what tells that they are still those that were read.
private struct FileState {
  let text: String
  /// The latest change of any of them, ns since 1970.
  let latest: Int

  init(of paths: [String]) {
    var (text, latest) = ("", 0)
    for path in paths {
      var status = stat()
      guard stat(path, &status) == 0 else {
        text += "- "
        continue
      }
      let time = FileState.nanoseconds(status)
      text += "\(status.st_size),\(time),\(status.st_ino) "
      latest = max(latest, time)
    }
    (self.text, self.latest) = (text, latest)
  }

  static func nanoseconds(_ status: stat) -> Int { status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec }
}

/// The kept lines of all papers.
private struct Shelf {
  private struct Entry {
    var paper: String
    var state: String
    var rows: [CatalogueListing.Row]
  }

  private var entries: [Entry] = []
  private var places: [String: Int] = [:]
  /// When the file was written, ns since 1970.
  private var written = 0
  private static let program = FileState(of: ["/proc/self/exe"]).text

  init() {}

  static func path(of roots: [String], in cache: String) throws(ReproError) -> String {
    "\(cache)/list/\(SHA256.hex(of: roots.map(RecipeCatalog.resolved).joined(separator: "\0")).prefix(16)).json"
  }

  /// What was kept by this very program; nothing if the file is absent, damaged or another program's.
  init(path: String) {
    var status = stat()
    guard stat(path, &status) == 0, let bytes = try? SafeFile.read(path, limit: 64 << 20),
      bytes.count > 65, String(decoding: bytes[..<64], as: UTF8.self) == SHA256.hex(of: Array(bytes[65...])),
      let json = try? JSONValue(parsing: Array(bytes[65...]), file: path), json["program"]?.string == Shelf.program
    else { return }
    written = FileState.nanoseconds(status)
    for item in json["papers"]?.array ?? [] {
      guard let paper = item["paper"]?.string, let state = item["state"]?.string else { continue }
      let rows = (item["rows"]?.array ?? []).compactMap(CatalogueListing.Row.init(kept:))
      places[paper] = entries.count
      entries.append(Entry(paper: paper, state: state, rows: rows))
    }
  }

  /// The lines of a paper, if they were made from these files.
  ///
  /// A file that changed in the second before the lines were written may have changed once more with the same time.
  func rows(of paper: String, _ state: FileState) -> [CatalogueListing.Row]? {
    guard let place = places[paper], entries[place].state == state.text, state.latest + 1_000_000_000 < written else {
      return nil
    }
    return entries[place].rows
  }

  mutating func keep(_ rows: [CatalogueListing.Row], of paper: String, _ state: FileState) {
    entries.append(Entry(paper: paper, state: state.text, rows: rows))
  }

  func write(_ path: String) throws {
    let papers: [JSONValue] = entries.map { entry in
      ["paper": .string(entry.paper), "state": .string(entry.state), "rows": .array(entry.rows.map(\.kept))]
    }
    let text = try (["program": .string(Shelf.program), "papers": .array(papers)] as JSONValue).text()
    if let slash = path.lastIndex(of: "/") { try SafeFile.makeFolder(String(path[..<slash])) }
    try SafeFile.write(path, text: SHA256.hex(of: text) + "\n" + text, durable: false)
  }
}

extension CatalogueListing.Row {
  fileprivate var kept: JSONValue {
    [
      "family": .string(family.rawValue), "status": .string(status.rawValue),
      "cells": .array(cells.map { .string($0) }),
      "json": .string(json),
    ]
  }

  fileprivate init?(kept: JSONValue) {
    guard let family = kept["family"]?.string.flatMap(Family.init(rawValue:)),
      let status = kept["status"]?.string.flatMap(Registry.Status.init(rawValue:)), let json = kept["json"]?.string,
      let cells = kept["cells"]?.array?.compactMap(\.string), cells.count == CatalogueListing.columns.count
    else { return nil }
    (self.family, self.status, self.cells, self.json) = (family, status, cells, json)
  }
}
