import Glibc
import ReproConfig
import ReproData
import ReproEngine

/// Writes the pages into a folder, and takes away what an earlier report left there and this one has not.
struct SiteWriter {
  let site: Site
  let folder: String

  /// Lists the files of the report in its folder, so that the next one removes what it wrote and nothing else.
  private static let manifest = "files.txt"
  /// What a page may have, so that it opens at once on a phone, bytes.
  static let largestPage = 300_000
  /// What one picture may have; larger ones are left out and named.
  static let largestPicture = 400_000

  /// Every page, by its address.
  func pages() throws -> [(path: String, text: String)] {
    var pages: [(String, Page)] = [
      ("index.html", IndexPage(site: site).page), ("statistics.html", StatisticsPage(site: site).page),
    ]
    for family in site.families { pages.append((family.page, FamilyPage(family: family, site: site).page)) }
    for paper in site.papers { pages.append((paper.address, try PaperPage(paper: paper, site: site).page())) }
    return pages.map { ($0.0, $0.1.text(families: site.families)) }
      + [(Style.name, Style.css), (Script.name, Script.source)]
  }

  /// Pictures to copy: from where, to where.
  var pictures: [(from: String, to: String)] {
    site.papers.flatMap { paper in
      paper.recipes.flatMap { results in
        results.pictures.compactMap { picture in
          guard case .image(let path, _, _, _) = picture.content else { return nil }
          return (path, PaperPage.address(of: picture, results))
        }
      }
    }
  }

  /// Writes everything; returns the number of files.
  ///
  /// - Throws: `ReproError`, domain usage, for a folder that holds something else.
  func write() throws -> Int {
    let old = try earlierFiles()
    var files = try pages().map { ($0.path, Array($0.text.utf8)) }
    for (from, to) in pictures {
      let bytes = try SafeFile.read(from, limit: 64 << 20)
      if bytes.count <= Self.largestPicture { files.append((to, bytes)) }
    }
    let names = files.map(\.0)
    // The list first, old names with it: whatever happens, the next report knows what is ours.
    try SafeFile.makeFolder(folder)
    try SafeFile.write(
      "\(folder)/\(Self.manifest)", text: Set(old + names).sorted().map { $0 + "\n" }.joined())
    for (path, bytes) in files {
      let above = path.split(separator: "/").dropLast().joined(separator: "/")
      if !above.isEmpty { try SafeFile.makeFolder("\(folder)/\(above)") }
      try place("\(folder)/\(path)", bytes)
    }
    for name in old where !names.contains(name) { unlink("\(folder)/\(name)") }
    try SafeFile.write("\(folder)/\(Self.manifest)", text: names.sorted().map { $0 + "\n" }.joined())
    return files.count + 1
  }

  /// A page is for everybody to read, as a web server does; what has not changed keeps its date.
  private func place(_ path: String, _ bytes: [UInt8]) throws {
    if let size = try? SafeFile.size(path), size == bytes.count, try SafeFile.read(path) == bytes { return }
    try SafeFile.write(path, bytes: bytes, durable: false)
    guard chmod(path, 0o644) == 0 else { throw failure(path) }
  }

  private func failure(_ path: String) -> ReproError {
    ReproError(.data, at: path, found: "cannot be written: \(String(cString: strerror(errno)))")
  }

  /// What an earlier report wrote here; refuses a folder that is somebody else's.
  private func earlierFiles() throws -> [String] {
    let path = "\(folder)/\(Self.manifest)"
    guard SafeFile.exists(path) else {
      let found = SafeFile.list(folder)
      if let first = found.first {
        throw ReproError(
          .usage, at: folder, found: "the folder holds '\(clipped(first))' and no earlier report",
          expected: "an empty folder, a new one, or that of a report", hint: "choose another with --out")
      }
      return []
    }
    let text = String(decoding: try SafeFile.read(path, limit: 16 << 20), as: UTF8.self)
    // Names that could leave the folder are not ours, whoever wrote them here.
    return text.split(separator: "\n").map(String.init).filter { name in
      !name.hasPrefix("/") && !name.split(separator: "/").contains("..")
    }
  }
}
