import ReproConfig
import ReproData
import ReproEngine

/// What is known about a paper before anybody implements it: a card of `Reproductions/papers.yaml`.
struct PaperFacts: Sendable, Equatable {
  enum Kind: String, CaseIterable { case method, theory, benchmark, survey }

  var id, title: String
  var year: Int
  var venue: String
  /// nil for papers that are not there.
  var arxiv: String?
  /// The authors' code.
  var code: String?
  var family: Family
  var kind: Kind
  var modality: [String] = []
  var claims: [(id: String, statement: String)] = []
  var reported: [PaperNumber] = []

  static func == (a: PaperFacts, b: PaperFacts) -> Bool { a.id == b.id && a.title == b.title }
}

/// A number of a paper, from its card or from a recipe.
struct PaperNumber: Sendable {
  /// The claim of a recipe that it is about.
  var claim: String?
  var metric: String
  var dataset, model: String?
  var value: Double?
  var unit: String?
  var baseline: String?
  var baselineValue: Double?
  var source: String?
  /// Whether somebody looked it up in `source`.
  var isVerified: Bool

  /// Whether both are one number of the paper, whichever recipe names it.
  func isSame(as other: PaperNumber) -> Bool {
    (metric, dataset, model, value) == (other.metric, other.dataset, other.model, other.value)
      && baselineValue == other.baselineValue && (claim == nil || claim == other.claim)
  }

  init(_ reported: Reported) {
    (claim, metric, dataset, model) = (reported.claim, reported.metric, reported.dataset, reported.model)
    (value, unit, baseline, baselineValue) = (
      reported.value, reported.unit, reported.baseline, reported.baselineValue
    )
    (source, isVerified) = (reported.source, reported.isVerified)
  }

  fileprivate init(_ section: inout Section) throws(ReproError) {
    let any = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
    func text(_ key: String, _ section: inout Section) throws(ReproError) -> String? {
      try section.ifPresent(key) { node, name throws(ReproError) in try node.string(named: name) }
    }
    metric = try section.string("metric")
    dataset = try text("dataset", &section)
    model = try text("model", &section)
    value = try section.double("value", in: any)
    baseline = try text("baseline", &section)
    baselineValue = try section.ifPresent("baseline_value") { node, name throws(ReproError) in
      try node.double(named: name, in: any)
    }
    source = try text("source", &section)
    isVerified = try section.bool("verified")
  }
}

extension PaperFacts {
  fileprivate init(_ section: inout Section) throws(ReproError) {
    func text(_ key: String, _ section: inout Section) throws(ReproError) -> String? {
      try section.ifPresent(key) { node, name throws(ReproError) in try node.string(named: name) }
    }
    /// Names become paths of pages: nothing but plain ones.
    func name(_ key: String, _ section: inout Section) throws(ReproError) -> String {
      let node = try section.require(key)
      let text = try node.string(named: section.name(of: key))
      guard isIdentifier(text), text.utf8.count <= 64 else {
        throw node.wrong(section.name(of: key), expected: "a name in kebab-case")
      }
      return text
    }
    id = try name("id", &section)
    title = try section.string("title")
    year = try section.int("year", in: 1900...2100)
    venue = try section.string("venue")
    arxiv = try text("arxiv", &section)
    code = try text("code", &section)
    let families = Family.allCases.filter { $0 != .baseline }.map(\.rawValue)
    family = Family(rawValue: try section.choice("family", families)) ?? .evaluation
    kind = Kind(rawValue: try section.choice("kind", Kind.allCases.map(\.rawValue))) ?? .method
    modality = try section.strings("modality", default: [])
    claims = try section.sections("claims") { inner throws(ReproError) in
      (try name("id", &inner), try inner.string("statement"))
    }
    reported = try section.sections("reported") { inner throws(ReproError) in try PaperNumber(&inner) }
  }

  /// A paper that only a registry and a compiled method know.
  init(_ entry: Registry.Entry, _ card: MethodCard?) {
    (id, title, family, kind) = (entry.id, card?.title ?? entry.id, entry.family, .method)
    (year, venue) = (card?.year ?? 0, "")
    arxiv = entry.arxiv.isEmpty ? card?.arxiv : entry.arxiv
  }

  /// The cards of `Reproductions/papers.yaml` under a root, sorted by id; none where there is no such file.
  ///
  /// - Throws: `ReproError`, domain usage, with line and column.
  static func all(root: String) throws(ReproError) -> [PaperFacts] {
    let path = "\(root)/Reproductions/papers.yaml"
    guard SafeFile.exists(path) else { return [] }
    let shown = RecipeCatalog.displayed(path)
    let node = try YAMLNode(
      parsing: try readFile(path, limit: YAMLNode.largestFile, domain: .usage), file: shown)
    var papers: [PaperFacts] = []
    for (index, item) in try node.items(named: "papers").enumerated() {
      var section = try Section(item, name: "papers[\(index)]")
      let paper = try PaperFacts(&section)
      try section.finish()
      if let last = papers.last, last.id >= paper.id {
        throw ReproError(
          .usage, at: "\(item.mark)", found: "'\(paper.id)' stands after '\(last.id)'", expected: "papers sorted by id")
      }
      papers.append(paper)
    }
    return papers
  }
}
