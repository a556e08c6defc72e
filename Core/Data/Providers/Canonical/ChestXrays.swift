import ReproConfig
import ReproTensor

/// Chest radiographs with findings (CheXpert) or with reports (Open-i, the Indiana University collection).
///
/// - CheXpert: `PATH/train.csv` and `PATH/valid.csv`, columns `Path`, `Sex`, `Age`, `Frontal/Lateral`, `AP/PA`, then 14
///   findings (1 yes, 0 no, -1 uncertain, empty not mentioned). The validation part is the test part. Columns: `image`;
///   labels `findings` `[14]` (1 or 0; uncertain and not mentioned are 0) and `known` `[14]` (1 where the report says
///   yes or no); `view` (frontal or lateral).
/// - Open-i: `PATH/indiana_reports.csv` (`uid`, `findings`, `impression`, ...), `PATH/indiana_projections.csv` (`uid`,
///   `filename`, `projection`) and `PATH/images` or `PATH/images/images_normalized`. A fifth of the patients, drawn
///   once for all, is the test part. Columns: `image`, `report` (findings and impression), `view`.
///
/// Options: `path`, `size` (pixels, default 64), `frontal` (leave lateral views out, default true), `train`,
/// `validation`, `test` (numbers of samples). Images are grey.
///
/// Source: Irvin et al. 2019, "CheXpert" (arXiv 1901.07031); Demner-Fushman et al. 2016.
public struct ChestXrays: TabledDataset {
  public static let card = DatasetCard(
    id: "chest-xrays", title: "CheXpert or Open-i chest radiographs (your copy)",
    source: "Irvin et al. 2019, arXiv 1901.07031; Demner-Fushman et al. 2016", licence: "see the publisher",
    urls: ["https://stanfordmlgroup.github.io/competitions/chexpert/", "https://openi.nlm.nih.gov/"])

  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let path = try options.string("path")
    let size = try options.int("size", in: 8...1024, default: 64)
    let isFrontal = try options.bool("frontal", default: true)
    let folder = try FolderImages.root(path)
    let isOpenI = SafeFile.exists(Path.join(folder, "indiana_reports.csv"))
    var listing = isOpenI ? try Listing(openI: folder) : try Listing(cheXpert: folder)
    if isFrontal { listing.keep { !$0.isLateral } }
    guard !listing.images.isEmpty else { throw ReproError.data(folder, "there are no frontal images") }
    let set = FolderImages.cacheName("chest-xrays", folder)
    let digest = try FolderImages.digest(listing.images.map(\.path) + listing.tables, below: folder)
    let store = try FolderImages.decode(
      listing.images.map(\.path), set: set, digest: digest, height: size, width: size, channels: 1, root: root)
    let rows = try listing.published.taken(&options, root: root)
    var columns = [try store.column(rows: rows)]
    if isOpenI {
      columns.append(.texts("report", listing.images.map(\.report)))
    } else {
      let shape: Shape = [listing.findings.count]
      columns += [
        try .reals(
          "findings", listing.images.flatMap { $0.findings.map { $0 == 1 ? 1 : 0 } }, shape: shape, source: path,
          isLabel: true),
        try .reals(
          "known", listing.images.flatMap { $0.findings.map { $0 == 1 || $0 == 0 ? 1 : 0 } }, shape: shape,
          source: path, isLabel: true),
      ]
    }
    columns.append(
      try .labels(
        listing.images.map { $0.isLateral ? 1 : 0 }, named: "view", classes: ["frontal", "lateral"], source: path))
    let fingerprint = "chest-xrays v1, sha256 \(digest), \(ImageFile.decoders)"
    samples = try SampleTable(set, columns: columns, rows: rows, fingerprint: fingerprint)
  }

  private struct Radiograph {
    var path: String
    var isLateral: Bool
    var patient: Int
    var isTest = false
    /// 1 yes, 0 no, -1 uncertain, nil not mentioned.
    var findings: [Int?] = []
    var report = ""
  }

  private struct Listing {
    var images: [Radiograph] = []
    var tables: [String] = []
    var findings: [String] = []

    mutating func keep(_ isKept: (Radiograph) -> Bool) { images = images.filter(isKept) }

    var published: PublishedParts {
      PublishedParts(
        train: images.indices.filter { !images[$0].isTest }, test: images.indices.filter { images[$0].isTest })
    }

    init(cheXpert folder: String) throws {
      for part in ["train", "valid"] {
        let file = Path.join(folder, "\(part).csv")
        let table = try DelimitedText(SafeFile.read(file), .csvWithHeader, file: file)
        tables.append(file)
        let (name, view) = (try table.column("Path"), try table.column("Frontal/Lateral"))
        let first = try table.column("AP/PA") + 1
        findings = Array(table.names.dropFirst(first))
        guard !findings.isEmpty else { throw ReproError.data(file, "there are no findings after 'AP/PA'") }
        for row in table.rows.indices {
          // The paths begin with the name of the archive: CheXpert-v1.0-small/train/...
          let whole = table.rows[row][name]
          let rest = whole.split(separator: "/").drop { $0 != "train" && $0 != "valid" }.joined(separator: "/")
          guard Path.isContained(rest) else {
            throw table.error(row, name, "'\(clipped(whole))'", expected: ".../train/... or .../valid/...")
          }
          let values = try (first..<table.columns).map { column -> Int? in
            guard let value = try table.number(row, column) else { return nil }
            guard let whole = Int(exactly: value), (-1...1).contains(whole) else {
              throw table.error(row, column, "\(value)", expected: "1, 0, -1 or nothing")
            }
            return whole
          }
          images.append(
            Radiograph(
              path: Path.join(folder, rest),
              isLateral: try table.choice(row, view, ["Frontal", "Lateral"]) == 1, patient: row,
              isTest: part == "valid",
              findings: values))
        }
      }
    }

    init(openI folder: String) throws {
      let files = ["indiana_reports.csv", "indiana_projections.csv"].map { Path.join(folder, $0) }
      tables = files
      let reports = try DelimitedText(SafeFile.read(files[0]), .csvWithHeader, file: files[0])
      let views = try DelimitedText(SafeFile.read(files[1]), .csvWithHeader, file: files[1])
      let (uid, findings, impression) = (
        try reports.column("uid"), try reports.column("findings"), try reports.column("impression")
      )
      var texts: [String: Int] = [:]
      for row in reports.rows.indices { texts[reports.rows[row][uid]] = row }
      let pictures = ["images/images_normalized", "images"].map { Path.join(folder, $0) }.first(
        where: SafeFile.isFolder)
      guard let pictures else { throw ReproError.data(folder, "there is no folder of images") }
      let held = Set(
        PublishedParts(drawnFor: "open-i", labels: reports.rows.map { _ in 0 }, classes: 1).test)
      let (owner, name, projection) = (
        try views.column("uid"), try views.column("filename"), try views.column("projection")
      )
      for row in views.rows.indices {
        guard let report = texts[views.rows[row][owner]] else {
          throw views.error(row, owner, "'\(clipped(views.rows[row][owner]))'", expected: "a uid of \(files[0])")
        }
        guard Path.isContained(views.rows[row][name]) else {
          throw views.error(row, name, "a path that leaves the folder")
        }
        let words = [reports.rows[report][findings], reports.rows[report][impression]].filter { !$0.isEmpty }
        images.append(
          Radiograph(
            path: Path.join(pictures, views.rows[row][name]),
            isLateral: try views.choice(row, projection, ["Frontal", "Lateral"]) == 1, patient: report,
            isTest: held.contains(report), report: words.joined(separator: "\n")))
      }
    }
  }
}
