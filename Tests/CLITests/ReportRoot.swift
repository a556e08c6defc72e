import Foundation
import ReproConfig
import ReproData
import TestSupport

@testable import ReproCLI
@testable import ReproEngine

/// A repository of one paper with one recipe, whose results a test makes up.
struct ReportRoot {
  let folder: String
  /// Where the report goes, and where the runs are.
  var out: String { folder + "/site" }
  var runs: String { folder + "/runs" }

  static let recipe = """
    recipe: toy-small
    paper: toy
    method: {type: dinov2, patch: 8, width: 32, depth: 1, heads: 2, prototypes: 64, head: {hidden: 32, bottleneck: 16}, crops: {global: {size: 16}, local: {size: 8, count: 2}}}
    data: {provider: scenes-objects, size: 16, instances: 2, test_views: 2}
    stages:
      - {name: pretrain, optimizer: {type: adamw, lr: 0.001}}
    scales:
      tiny: {train: 64, test: 32, pretrain.steps: 4, batch: 16, seeds: 1}
      small: {train: 64, test: 32, pretrain.steps: 40, batch: 16, seeds: 5}
    arms:
      method: {}
      random: {pretrain.steps: 0}
      half: {pretrain.steps: 20}
    evaluate: [{type: knn/v1, k: 5}, {type: retrieval/v1}]
    claims:
      - {id: helps, primary: true, statement: "STATEMENT", metric: knn.top1, form: superiority, better: method, than: [random, half], delta: 0.05, n: 5}
      - {id: no-worse, metric: retrieval.map, form: non-inferiority, better: method, than: random, margin: 0.02, n: 5}
      - {id: more-helps, metric: knn.top1, form: trend, levels: [random, half, method], delta: 0.01, n: 5}
    reported:
      - {claim: helps, metric: accuracy, dataset: "DATASET", model: M, value: 0.5, baseline: none, baseline_value: 0.4, source: Table 1}
    deviations: ["DEVIATION"]

    """

  /// - Parameters:
  ///   - papers: the cards of further papers, in YAML.
  ///   - change: makes the recipe's text what the test is about.
  init(
    _ folder: String, papers: String = "", notes: String = "# Toy\n\nNotes.\n", _ change: (String) -> String = { $0 }
  ) throws {
    self.folder = RealPath.of(folder)
    try write(
      "- {id: toy, family: masked, type: Toy, recipes: [toy-small], status: recorded}\n", to: folder + "/registry.yaml")
    try write(change(Self.recipe), to: folder + "/Reproductions/toy/toy-small.yaml")
    try write(notes, to: folder + "/Reproductions/toy/NOTES.md")
    if !papers.isEmpty { try write(papers, to: folder + "/Reproductions/papers.yaml") }
  }

  func site() throws -> Site { try Site(roots: [folder], runs: runs, plugins: .builtIn) }

  var entry: RecipeCatalog.Entry { get throws { try RecipeCatalog(roots: [folder]).entry(named: "toy-small") } }

  /// Finished runs of one scale with the given accuracies, arm by arm.
  func records(_ scale: Scale, _ accuracies: [(arm: String, values: [Double])]) throws -> [RunRecord] {
    let recipe = try RecipeCatalog(roots: [folder]).recipe(named: "toy-small")
    return try accuracies.flatMap { arm, values in
      let cell = try recipe.resolve(scale: scale, arm: arm)
      return try zip(cell.seeds, values).map { seed, value in
        RunRecord(
          cell: CellID(recipe: "toy-small", scale: scale, arm: arm, seed: seed), paper: "toy", status: .finished,
          reason: nil, recipeSHA256: SHA256.hex(of: cell.canonical), planSHA256: SHA256.hex(of: try recipe.plan()),
          fingerprint: Fingerprint(items: [("isa", "test")]), commit: "c0ffee", data: "toy data",
          weightsSHA256: String(repeating: "0", count: 64),
          curves: [
            RunRecord.Curve(
              stage: "pretrain", metric: "loss", steps: [0, 20, 40], values: [3, 2 + value, 1 + value])
          ],
          measurements: [
            RunRecord.Measurement(name: "knn.top1", value: value),
            RunRecord.Measurement(name: "retrieval.map", value: value / 2),
          ])
      }
    }
  }

  static let accuracies: [(arm: String, values: [Double])] = [
    ("method", [0.50, 0.52, 0.51, 0.49, 0.53]), ("random", [0.30, 0.33, 0.31, 0.30, 0.32]),
    ("half", [0.40, 0.41, 0.40, 0.39, 0.42]),
  ]

  /// Records tiny and small results in the golden.
  func record(_ accuracies: [(arm: String, values: [Double])] = Self.accuracies) throws {
    var golden = Golden(recipe: "toy-small")
    golden.record(
      try records(.tiny, accuracies.map { ($0.arm, Array($0.values.prefix(1))) }), because: "tiny", commit: "c0ffee")
    let bits = golden.results[.tiny]?.bitsSHA256 ?? ""
    golden.record(try records(.small, accuracies), because: "small", commit: "c0ffee", tiny: bits)
    try golden.write(try entry.golden)
  }

  /// Puts finished runs into the folder of runs, one minute each, half of it on a processor.
  func finish(_ records: [RunRecord]) throws {
    for record in records {
      let place = "\(runs)/\(record.cell.folder)"
      try write(try record.sealed().text(pretty: true), to: place + "/record.json")
      try write("{\"seconds_total\": 60, \"seconds_processor\": 30}", to: place + "/timing.json")
    }
  }

  /// Writes the report; returns every page as it was read back.
  func pages() throws -> [String: String] {
    _ = try SiteWriter(site: try site(), folder: out).write()
    return try Self.texts(out)
  }

  /// All pages of a folder, by their address.
  static func texts(_ folder: String, _ below: String = "") throws -> [String: String] {
    var all: [String: String] = [:]
    for name in SafeFile.list(folder + "/" + below) {
      let path = below.isEmpty ? name : "\(below)/\(name)"
      if SafeFile.isFolder("\(folder)/\(path)") {
        all.merge(try texts(folder, path)) { $1 }
      } else {
        all[path] = String(decoding: try SafeFile.read("\(folder)/\(path)"), as: UTF8.self)
      }
    }
    return all
  }
}

func withReportRoot<R>(
  papers: String = "", notes: String = "# Toy\n\nNotes.\n", _ change: (String) -> String = { $0 },
  _ body: (ReportRoot) throws -> R
) throws -> R {
  try withTemporaryFolder { try body(try ReportRoot($0, papers: papers, notes: notes, change)) }
}
