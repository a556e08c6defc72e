import ReproConfig
import ReproData
import ReproEngine

/// Everything that the report shows, gathered from the repository and from the folder of runs; no clock, no host.
///
/// Numbers and verdicts come from committed goldens. Where a recipe's small scale has not been recorded but is
/// finished in the folder of runs, those numbers are shown, and called so. Pictures and times come from the folder of
/// runs alone.
struct Site {
  var papers: [PaperPage.Paper]
  /// The primary claims of all papers as one family.
  var catalogue: Judge.Catalogue
  /// What could not be read; said on the first page, and by the command.
  var problems: [ReproError]

  var families: [Family] {
    Family.allCases.filter { family in family != .baseline && papers.contains { $0.facts.family == family } }
  }

  /// - Parameters:
  ///   - roots: folders with `registry.yaml` and `Reproductions/`.
  ///   - runs: the folder of runs; it need not exist.
  init(roots: [String], runs: String, plugins: Plugins) throws(ReproError) {
    let recipes = try RecipeCatalog(roots: roots)
    (papers, problems) = ([], [])
    var seen: Set<String> = []
    for root in roots where seen.insert(RecipeCatalog.resolved(root)).inserted {
      let path = root + "/registry.yaml"
      let registry = try Registry(path: path, displayed: RecipeCatalog.displayed(path))
      let files = recipes.entries.filter { $0.root == RecipeCatalog.resolved(root) }
      do throws(ReproError) { try registry.check(recipes: files) } catch { problems.append(error) }
      var facts = try PaperFacts.all(root: root)
      for entry in registry.entries where !facts.contains(where: { $0.id == entry.id }) {
        facts.append(PaperFacts(entry, plugins.methods.first { $0.card.id == entry.id }?.card))
      }
      for fact in facts where !papers.contains(where: { $0.facts.id == fact.id }) {
        let entry = registry.entries.first { $0.id == fact.id }
        let files = files.filter { $0.paper == fact.id }
        papers.append(
          PaperPage.Paper(fact, entry, files, recipes, runs: runs, Judge(plugins), &problems))
      }
    }
    papers.sort { $0.facts.id < $1.facts.id }
    catalogue = Judge.catalogue(papers.flatMap(\.claims))
  }
}

extension PaperPage {
  /// A paper with all that is known about it.
  struct Paper {
    var facts: PaperFacts
    /// nil for a paper that nobody has implemented.
    var entry: Registry.Entry?
    var recipes: [RecipeResults]
    /// The text of NOTES.md.
    var notes: String?
    /// Recipe by recipe.
    var claims: [ClaimResult]
  }

  /// A recipe with its results.
  struct RecipeResults {
    var entry: RecipeCatalog.Entry
    var recipe: Recipe
    var golden: Golden?
    /// What is shown: the recorded small scale, or finished runs.
    var small: Golden.Results?
    /// Whether `small` comes from the folder of runs instead of a golden.
    var isLocal = false
    /// Why the recorded small results are not of today's code; nil if they are, or if there are none.
    var stale: [String]?
    /// Seconds that the small scale took, all runs added; nil if this folder of runs does not know.
    var seconds: Double?
    /// The same of processors; nil also if some run's was not noted.
    var processorSeconds: Double?
    /// Finished runs at small scale in the folder of runs.
    var records: [RunRecord]
    /// Of the first arm that has some, and which arm that is.
    var pictures: [PictureFolder.Stored] = []
    var picturesOf: (arm: String, scale: Scale)?
    /// What the health monitors of the small scale's runs found, in this folder of runs.
    var health: [(run: String, text: String)] = []
  }
}

extension PaperPage.Paper {
  fileprivate init(
    _ facts: PaperFacts, _ entry: Registry.Entry?, _ files: [RecipeCatalog.Entry], _ catalogue: RecipeCatalog,
    runs: String, _ judge: Judge, _ problems: inout [ReproError]
  ) {
    (self.facts, self.entry, recipes, claims) = (facts, entry, [], [])
    for file in files {
      do {
        recipes.append(try PaperPage.RecipeResults(file, catalogue.recipe(at: file), runs: runs, &problems))
      } catch let error as ReproError {
        problems.append(error)
      } catch {
        problems.append(ReproError(.data, at: file.recipe, found: "\(error)"))
      }
    }
    if let folder = files.first?.folder, SafeFile.exists(folder + "/NOTES.md") {
      do { notes = String(decoding: try SafeFile.read(folder + "/NOTES.md", limit: 1 << 20), as: UTF8.self) } catch {
        problems.append(error as? ReproError ?? ReproError(.data, at: folder, found: "\(error)"))
      }
    }
    do throws(ReproError) {
      claims = try judge.judge(
        paper: recipes.map { results in
          var shown = results.golden
          if results.isLocal, let small = results.small {
            shown = shown ?? Golden(recipe: results.recipe.id)
            shown?.results[.small] = small
          }
          return Judge.Record(results.recipe, shown)
        })
    } catch { problems.append(error) }
  }
}

extension PaperPage.RecipeResults {
  /// Reads what there is about a recipe.
  fileprivate init(
    _ entry: RecipeCatalog.Entry, _ recipe: Recipe, runs: String, _ problems: inout [ReproError]
  ) throws {
    (self.entry, self.recipe, records) = (entry, recipe, [])
    golden = SafeFile.exists(entry.golden) ? try Golden(path: entry.golden) : nil
    small = golden?.results[.small]
    if case .stale(let reasons) = try Staleness(of: recipe, golden) { stale = reasons }
    for scale in [Scale.small, .tiny] where recipe.scales.contains(scale) {
      for arm in recipe.arms {
        let cell = try recipe.resolve(scale: scale, arm: arm.name)
        for seed in cell.seeds {
          let id = CellID(recipe: recipe.id, scale: scale, arm: arm.name, seed: seed)
          do {
            try read("\(runs)/\(id.folder)", id, cell)
          } catch let error as ReproError {
            problems.append(error)
          }
        }
      }
    }
    let cells = scaleCells
    if small == nil, records.count == cells, cells > 0 {
      var local = Golden(recipe: recipe.id)
      local.record(records, because: "", commit: "")
      (small, isLocal) = (local.results[.small], true)
    }
  }

  /// Runs of the small scale: arms times seeds.
  private var scaleCells: Int {
    recipe.arms.reduce(0) { $0 + ((try? recipe.resolve(scale: .small, arm: $1.name))?.seeds.count ?? 0) }
  }

  /// One run: its record and its time if it is of this recipe, its pictures if they are the first.
  private mutating func read(_ folder: String, _ id: CellID, _ cell: ResolvedRecipe) throws {
    let path = folder + "/record.json"
    guard SafeFile.exists(path) else { return }
    let record = try RunRecord(try JSONValue(path: path), at: path)
    guard record.cell == id, record.recipeSHA256 == SHA256.hex(of: cell.canonical) else { return }
    if id.scale == .small {
      records.append(record)
      if SafeFile.exists(folder + "/timing.json") { add(try JSONValue(path: folder + "/timing.json")) }
    }
    if id.scale == .small {
      health += try HealthJournal(folder: folder).findings.map {
        ("\(id.arm)-\(id.seed)", "\($0.stage), step \($0.step): \($0.text)")
      }
    }
    if pictures.isEmpty {
      pictures = try PictureFolder.read(ofRun: folder)
      if !pictures.isEmpty { picturesOf = (id.arm, id.scale) }
    }
  }

  private mutating func add(_ timing: JSONValue) {
    guard let spent = timing["seconds_total"]?.double, spent >= 0 else { return }
    let ofProcessors = timing["seconds_processor"]?.double
    processorSeconds =
      seconds == nil ? ofProcessors : processorSeconds.flatMap { sum in ofProcessors.map { sum + $0 } }
    seconds = (seconds ?? 0) + spent
  }
}
