import ReproConfig
import ReproTensor

/// Omniglot's two minimal background sets: 4,840 images of 242 handwritten characters of eight alphabets, each drawn
/// by 20 people, 105x105, ink 0 on paper 255. (The two sets share Greek and Latin; their images count once.)
///
/// Options: `set` (`both`, `small1`, `small2`); `split`, for the source has none: `drawers` (default; drawers 1 to 15
/// train, 16 to 20 test) or `alphabets` (the five of small1 train, the three that only small2 has test: new classes);
/// `train`, `validation`, `test` (numbers of samples) and `size` (pixels).
///
/// Source: Lake, Salakhutdinov, Tenenbaum 2015, "Human-level concept learning through probabilistic program
/// induction".
public struct Omniglot: TabledDataset {
  public static let card = DatasetCard(
    .omniglot, source: "Lake, Salakhutdinov, Tenenbaum 2015, Human-level concept learning")

  static let side = 105
  static let drawers = 20
  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let set = try options.choice("set", ["both", "small1", "small2"], default: "both")
    let split = try options.choice("split", ["drawers", "alphabets"], default: "drawers")
    let size = try options.int("size", in: 8...Self.side, default: Self.side)
    if split == "alphabets", set != "both" {
      throw ReproError(
        .usage, at: "\(options.node.mark)", found: "split: alphabets of set: \(set)", expected: "set: both")
    }
    let drawings = try Self.drawings(set, root)
    let store = try ImageStore(.omniglot, variant: set, version: 1, decoder: PNG.version, root: root) {
      try Self.decode(drawings, root)
    }
    let characters = Self.unique(drawings.map(\.character))
    let alphabets = Self.unique(drawings.map(\.alphabet))
    let first = Dictionary(uniqueKeysWithValues: characters.enumerated().map { ($1, $0) })
    let labels = drawings.map { first[$0.character] ?? 0 }
    let isTest: (Drawing) -> Bool =
      split == "drawers" ? { $0.drawer > 15 } : { $0.archive == "images_background_small2" }
    let all = drawings.indices
    let parts = PublishedParts(
      train: all.filter { !isTest(drawings[$0]) }, test: all.filter { isTest(drawings[$0]) })
    let rows = try parts.taken(&options, labels: labels, classes: characters.count, root: root)
    samples = try SampleTable(
      .omniglot, decoder: PNG.version,
      columns: [
        try store.column(rows: rows, size: size == Self.side ? nil : size),
        try .labels(labels, classes: characters, source: "omniglot"),
        try .labels(
          drawings.map { alphabets.firstIndex(of: $0.alphabet) ?? 0 }, named: "alphabet", classes: alphabets,
          source: "omniglot"),
        .identities("drawer", drawings.map { $0.drawer - 1 }, count: Self.drawers, isLabel: true),
      ], rows: rows)
  }

  /// One drawing of a character.
  struct Drawing: Sendable {
    var archive, member, alphabet: String
    /// `Greek/character01`.
    var character: String
    /// From 1.
    var drawer: Int
  }

  /// The drawings of the chosen sets, each once, in the order of the archives.
  private static func drawings(_ set: String, _ root: DataRoot) throws -> [Drawing] {
    let archives = ["images_background_small1", "images_background_small2"]
    var seen: Set<String> = []
    var drawings: [Drawing] = []
    for archive in archives where set == "both" || archive.hasSuffix(set) {
      let zip = try ZipArchive(root.bytes("\(archive).zip", of: .omniglot), file: "omniglot/\(archive).zip")
      for member in zip.names where member.hasPrefix(archive) && member.hasSuffix(".png") {
        // <set>/<Alphabet>/characterNN/CCCC_DD.png
        let parts = member.split(separator: "/").map(String.init)
        guard parts.count == 4, let drawer = Int(parts[3].dropLast(4).suffix(2)), (1...drawers).contains(drawer) else {
          throw ReproError.data("omniglot/\(archive).zip", "the member '\(member)'", expected: "CCCC_DD.png")
        }
        guard seen.insert(parts[3]).inserted else { continue }
        drawings.append(
          Drawing(
            archive: archive, member: member, alphabet: parts[1], character: "\(parts[1])/\(parts[2])", drawer: drawer))
      }
    }
    return drawings
  }

  static func unique(_ names: [String]) -> [String] {
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }

  private static func decode(_ drawings: [Drawing], _ root: DataRoot) throws -> ImageStore.Decoded {
    var pixels: [UInt8] = []
    for archive in unique(drawings.map(\.archive)) {
      let zip = try ZipArchive(root.bytes("\(archive).zip", of: .omniglot), file: "omniglot/\(archive).zip")
      for drawing in drawings where drawing.archive == archive {
        pixels += try character(zip, drawing.member, "omniglot/\(archive).zip")
      }
    }
    return ImageStore.Decoded(
      images: ImageBatch(count: drawings.count, height: side, width: side, channels: 1, bytes: pixels))
  }

  /// One image of an archive.
  static func character(_ zip: ZipArchive, _ member: String, _ file: String) throws -> [UInt8] {
    let image = try PNG.decode(try zip.contents(member), channels: 1, name: "\(file):\(member)")
    guard image.height == side, image.width == side else {
      throw ReproError.data("\(file):\(member)", "\(image.width)x\(image.height)", expected: "\(side)x\(side)")
    }
    return image.bytes
  }
}

/// Omniglot's 20 official one-shot classification runs: 400 test drawings, each to be found among the 20 training
/// drawings of its run, one of which shows the same character.
///
/// Columns: `image`, `candidates` (20 frames), `label` (which candidate), `run`. There is a test part only. Option:
/// `size` (pixels).
///
/// Source: Lake et al. 2015; the task is that of github.com/brendenlake/omniglot.
public struct OmniglotRuns: TabledDataset {
  public static let card = DatasetCard(
    id: "omniglot-runs", title: "Omniglot one-shot classification: 20 runs of 20 characters",
    source: "Lake, Salakhutdinov, Tenenbaum 2015, Human-level concept learning", licence: SourceSet.omniglot.licence)

  private static let perRun = 20
  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let side = Omniglot.side
    let size = try options.int("size", in: 8...side, default: side)
    let file = "omniglot/all_runs.zip"
    let zip = try ZipArchive(root.bytes("all_runs.zip", of: .omniglot), file: file)
    var (images, candidates): ([UInt8], [UInt8]) = ([], [])
    var (labels, runs): ([Int], [Int]) = ([], [])
    for run in 1...20 {
      let folder = "run\(run < 10 ? "0" : "")\(run)"
      let classes = (1...Self.perRun).map { "\(folder)/training/class\($0 < 10 ? "0" : "")\($0).png" }
      let shown = try classes.flatMap { try Omniglot.character(zip, $0, file) }
      let answers = try PlainText.lines(zip.contents("\(folder)/class_labels.txt"), file: "\(file):\(folder)")
      guard answers.count == Self.perRun else {
        throw ReproError.data("\(file):\(folder)", "\(answers.count) answers", expected: "\(Self.perRun)")
      }
      for answer in answers {
        let words = answer.split(separator: " ").map(String.init)
        guard words.count == 2, let label = classes.firstIndex(of: words[1]) else {
          throw ReproError.data(
            "\(file):\(folder)", "the answer '\(clipped(answer))'", expected: "two files of the run")
        }
        images += try Omniglot.character(zip, words[0], file)
        candidates += shown
        labels.append(label)
        runs.append(run - 1)
      }
    }
    func batch(_ frames: Int, _ bytes: [UInt8]) -> ImageBatch {
      ImageBatch(count: labels.count, frames: frames, height: side, width: side, channels: 1, bytes: bytes)
        .fitted(height: size, width: size)
    }
    samples = try SampleTable(
      "omniglot-runs",
      columns: [
        .images(batch(1, images)), .images(batch(Self.perRun, candidates), named: "candidates"),
        try .labels(labels, classes: (1...Self.perRun).map { "candidate \($0)" }, source: file),
        .identities("run", runs, count: 20, isLabel: true),
      ], rows: [.test: Array(labels.indices)],
      fingerprint: "omniglot-runs v1, sha256 \(SourceSet.omniglot.digest), \(PNG.version)")
  }
}
