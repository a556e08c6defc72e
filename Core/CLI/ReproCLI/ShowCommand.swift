import ArgumentParser
import ReproConfig
import ReproData
import ReproEngine

struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "A recipe with its paper, claims, reported numbers, and every option in its place.")

  @Argument(help: "A recipe of 'repro list'.") var recipe: String
  @Option(help: "The scale whose options are shown: tiny, small or paper (default: small if there is one).")
  var scale: Scale?
  @Option(help: "The arm whose options are shown (default: the first).") var arm: String?
  @Option(name: .customLong("set"), parsing: .singleValue, help: "Override of the recipe, key=value (repeatable).")
  var overrides: [String] = []
  @Flag(help: "Print everything as JSON.") var json = false
  @OptionGroup var places: RootOptions

  func run() throws {
    let all = try CataloguePapers(roots: [Program.root()] + places.roots)
    let entry = try all.catalogue.entry(named: recipe)
    let recipe = try all.catalogue.recipe(at: entry)
    let scale = self.scale ?? (recipe.scales.contains(.small) ? .small : .tiny)
    let arm = try recipe.arm(named: self.arm ?? recipe.arms[0].name).name
    let resolved = try recipe.resolve(scale: scale, arm: arm, overrides: overrides)
    // All recipes of the paper: its secondary claims are adjusted together.
    let evidence = RecordedEvidence(
      all.catalogue.entries.filter { $0.paper == entry.paper }, in: all.catalogue, plugins: Program.plugins)
    let item = evidence.items.first { $0.entry == entry }
    // The paper's own method, whatever the arm is.
    let paper = all.papers.first { $0.recipes.contains(entry) }
    let row = paper.map { CatalogueRow($0.entry, item, Program.plugins) }
    if let problem = item?.problem, problem.domain == .data { throw problem }
    let page = RecipePage(entry: entry, recipe: recipe, resolved: resolved, row: row, evidence: item)
    if json {
      Terminal.line(try page.json.text(pretty: true))
    } else {
      for line in try page.lines() { Terminal.line(line) }
    }
    do { try Program.plugins.check(resolved) } catch {
      Terminal.error("this cannot be run: \(error)")
      throw ExitCode(2)
    }
  }
}

/// Everything that is known about a recipe without running it.
struct RecipePage {
  let entry: RecipeCatalog.Entry
  let recipe: Recipe
  let resolved: ResolvedRecipe
  /// The paper's line in the catalogue; nil if the registry lacks it.
  let row: CatalogueRow?
  /// What was recorded, and what it says about the claims.
  let evidence: RecordedEvidence.Item?
  private var golden: Golden? { evidence?.golden }

  func lines() throws -> [String] {
    var lines = [Terminal.bold(recipe.id)]
    if let card = row?.card {
      lines.append("  \(card.title) (\(card.year))" + (card.arxiv.map { ", https://arxiv.org/abs/\($0)" } ?? ""))
    }
    if let paper = row?.entry {
      let why = paper.why.isEmpty ? "" : ": \(paper.why)"
      lines.append(
        "  paper \(paper.id), family \(paper.family.rawValue), Swift type \(paper.type), status \(paper.status.rawValue)\(why)"
      )
    }
    lines.append("  \(recipe.node.mark.file)")
    lines += section("Arms", try arms()) + section("Scales", try scales()) + section("Claims", claims())
    lines += section("Sanity", sanity()) + section("Reported by the paper", reported())
    lines += section("Deviations from the paper", recipe.deviations.map { "- \($0)" })
    let yaml = resolved.text.split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
    lines += section("Options of arm \(resolved.arm) at scale \(resolved.scale.rawValue)", yaml)
    for key in resolved.shadowed { lines.append("  --set \(key) has no effect: the arm sets it itself") }
    return lines
  }

  private func section(_ title: String, _ lines: [String]) -> [String] {
    lines.isEmpty ? [] : ["", Terminal.bold(title)] + lines.map { "  " + $0 }
  }

  private func arms() throws -> [String] {
    var table = TextTable(["arm", "differs in"])
    for arm in recipe.arms {
      table.add([
        arm.name, arm.changes.isEmpty ? "nothing: the method as described" : arm.changes.joined(separator: ", "),
      ])
    }
    return table.lines()
  }

  private func scales() throws -> [String] {
    var table = TextTable(["scale", "seeds", "data", "stages", "recorded"])
    for scale in recipe.scales {
      let cell = try recipe.resolve(scale: scale, arm: recipe.arms[0].name)
      let stages = cell.stages.map { stage in
        "\(stage.name) \(stage.steps) steps" + (stage.batch.map { " of batch \($0)" } ?? "")
      }
      let recorded = golden?.results[scale].map { counted($0.cells.count, "run") } ?? "no"
      table.add([
        scale.rawValue, "\(cell.seeds.count)", cell.data.type, stages.joined(separator: ", "), recorded,
      ])
    }
    return table.lines()
  }

  private func claims() -> [String] {
    recipe.claims.flatMap { claim -> [String] in
      var judged = "  \(claim.metric): \(claim.form.words)"
      if let delta = claim.delta { judged += ", smallest effect that would matter \(delta)" }
      judged += ", \(claim.seeds) seeds"
      if let more = claim.extendTo { judged += ", or \(more) at a second look" }
      if claim.attempt > 1 { judged += ", attempt \(claim.attempt)" }
      let statement = claim.statement.isEmpty ? [] : ["  " + claim.statement]
      return [claim.id + (claim.isPrimary ? " (primary)" : "")] + statement + [judged] + measured(claim)
    }
  }

  private func measured(_ claim: Claim) -> [String] {
    guard let results = golden?.results[.small] else { return ["  not run"] }
    let measured = CatalogueRow.Measured(claim, results)
    let means = measured.means.map { "\($0.arm) \($0.mean.map { decimals($0, 3) } ?? "diverged")" }
    let numbers = "  measured: \(means.joined(separator: ", ")) (means of \(measured.seeds) seeds)"
    guard let result = evidence?.claims.first(where: { $0.claim == claim.id }) else { return [numbers] }
    var lines = [numbers, "  \(Terminal.bold(result.verdict.rawValue)): \(result.sentence)"]
    if let staleness = evidence?.staleness, staleness.isStale { lines.append("  \(staleness.words)") }
    return lines
  }

  private func sanity() -> [String] {
    recipe.sanity.map { floor in
      let bound = floor.atLeast.map { "at least \($0)" } ?? floor.atMost.map { "at most \($0)" } ?? ""
      return "\(floor.metric) of \(floor.arm) \(bound): \(floor.because)"
    }
  }

  private func reported() -> [String] {
    recipe.reported.isEmpty ? [] : ReportedTable(recipe.reported).lines(width: Terminal.tableWidth.map { $0 - 2 })
  }

  var json: JSONValue {
    var object: JSONValue = ["recipe": .string(recipe.id), "file": .string(recipe.node.mark.file)]
    object["catalogue"] = row?.json ?? .null
    object["arms"] = .array(
      recipe.arms.map { ["name": .string($0.name), "changes": .array($0.changes.map { .string($0) })] })
    object["scales"] = .array(recipe.scales.map { .string($0.rawValue) })
    object["claims"] = .array(
      recipe.claims.map {
        [
          "id": .string($0.id), "primary": .bool($0.isPrimary), "statement": .string($0.statement),
          "metric": .string("\($0.metric)"), "form": .string($0.form.words), "seeds": .int($0.seeds),
        ]
      })
    object["verdicts"] = .array((evidence?.claims ?? []).map(\.json))
    object["staleness"] = .string((evidence?.staleness ?? .notRecorded).words)
    object["reported"] = .array(recipe.reported.map(\.json))
    object["deviations"] = .array(recipe.deviations.map { .string($0) })
    object["resolved"] = [
      "scale": .string(resolved.scale.rawValue), "arm": .string(resolved.arm),
      "seeds": .array(resolved.seeds.map { .int(Int($0)) }), "sha256": .string(SHA256.hex(of: resolved.canonical)),
      "options": JSONValue(resolved.tree),
    ]
    return object
  }
}

extension ClaimResult {
  /// The verdict with its numbers; numbers that do not exist are null.
  var json: JSONValue {
    func number(_ x: Double?) -> JSONValue { x.map { $0.isFinite ? .double($0) : .null } ?? .null }
    return [
      "claim": .string(claim), "verdict": .string(verdict.rawValue), "sentence": .string(sentence), "n": .int(n),
      "differences": .array(differences.map { .double($0) }), "mean": number(mean), "sd": number(deviation),
      "p": number(p), "attempts": .int(attempts), "adjusted_p": number(adjustedP), "low": number(interval?.low),
      "high": number(interval?.high), "confidence": number(interval?.confidence),
      "smallest_detectable": number(smallestDetectable), "problems": .array(problems.map { .string($0) }),
    ]
  }
}

extension Claim.Form {
  /// The form as people say it: `method > no-patch-loss`.
  var words: String {
    func list(_ names: [String]) -> String { names.joined(separator: " and ") }
    switch self {
    case .superiority(let better, let than, let margin, let rule):
      return "\(better) > \(list(than))" + (margin > 0 ? " by more than \(margin)" : "")
        + (rule.map { ", and \($0.metric) no worse by more than \($0.margin)" } ?? "")
    case .nonInferiority(let better, let than, let margin):
      return "\(better) no worse than \(than) by more than \(margin)"
    case .equivalence(let better, let than, let margin): return "\(better) = \(than) within \(margin)"
    case .rankCorrelation(let arms, let other): return "orders \(list(arms)) as \(other) does"
    case .trend(let levels): return "better from level to level, " + levels.joined(separator: " < ")
    case .largerGain(let gain, let other, let margin):
      return "(\(gain.better) - \(gain.than)) > (\(other.better) - \(other.than))"
        + (margin > 0 ? " by more than \(margin)" : "")
    }
  }
}

/// The numbers of a paper, each with its source.
struct ReportedTable {
  private let numbers: [Reported]

  init(_ numbers: [Reported]) { self.numbers = numbers }

  /// - Parameter width: columns of the terminal; nil for no limit.
  func lines(width: Int?) -> [String] {
    var table = TextTable(["metric", "data", "model", "value", "source"], rightAligned: [3])
    for number in numbers {
      func text(_ value: Double) -> String { "\(value)" + (number.unit.map { " \($0)" } ?? "") }
      let rival = number.baselineValue.map { " (\(number.baseline ?? "baseline"): \(text($0)))" } ?? ""
      table.add([
        number.metric, number.dataset, number.model + rival, number.value.map(text) ?? "-",
        number.source + (number.isVerified ? "" : ", from memory, not looked up"),
      ])
    }
    return table.lines(width: width, clipping: [4, 2, 0])
  }
}

extension Reported {
  var json: JSONValue {
    func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
    func number(_ value: Double?) -> JSONValue { value.map { .double($0) } ?? .null }
    return [
      "claim": text(claim), "metric": .string(metric), "dataset": .string(dataset), "model": .string(model),
      "value": number(value), "unit": text(unit), "baseline": text(baseline), "baseline_value": number(baselineValue),
      "source": .string(source), "verified": .bool(isVerified),
    ]
  }
}

extension JSONValue {
  /// A recipe's tree; scalars that are no numbers or truth values become texts.
  init(_ node: YAMLNode) {
    switch node.content {
    case .mapping(let entries): self = .object(entries.map { Member($0.key, JSONValue($0.value)) })
    case .sequence(let items): self = .array(items.map(JSONValue.init))
    case .scalar(let text, quoted: true): self = .string(text)
    case .scalar(let text, quoted: false):
      if node.isNull {
        self = .null
      } else if let value = Int(text) {
        self = .int(value)
      } else if let value = Double(text), value.isFinite {
        self = .double(value)
      } else if text == "true" || text == "false" {
        self = .bool(text == "true")
      } else {
        self = .string(text)
      }
    }
  }
}
