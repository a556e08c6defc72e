import ReproConfig
import ReproTensor

/// What `repro data add` keeps of a data set of the user's own: a small YAML file below the cache.
public struct UserDataCard: Sendable, Equatable {
  /// How recipes call it.
  public var name: String
  public var format: Format
  /// From the root of the file system.
  public var path: String
  public var title: String
  public var licence: String
  /// What was found when it was added, for people.
  public var contents: String

  /// The layouts that are understood; their words are the ids of the providers that read them.
  public enum Format: String, Sendable, CaseIterable { case imagefolder, frames, coco, kitti, dtu }

  /// Where the cards lie.
  static func folder(_ root: DataRoot) -> String { Path.join(root.cache, "datasets") }

  private static func file(_ name: String, _ root: DataRoot) -> String { Path.join(folder(root), "\(name).yaml") }

  /// Looks at a folder and its first images, and keeps a card of it.
  ///
  /// - Parameters:
  ///   - name: letters, digits and hyphens in lower case; not that of a provider.
  ///   - path: the folder, or a zip, tar or tar.gz archive of it, which is unpacked below the cache.
  ///   - taken: the ids of all providers.
  ///   - replaces: whether a card of that name may be there.
  /// - Throws: `ReproError` that says what in the folder is not as the format wants it.
  public static func add(
    _ name: String, path: String, format: Format, title: String? = nil, licence: String = "yours",
    taken: [String] = [], replaces: Bool = false, root: DataRoot
  ) throws -> UserDataCard {
    try checkName(name, taken: taken)
    if !replaces, SafeFile.exists(file(name, root)) {
      throw ReproError(
        .usage, at: name,
        found: "there is a data set of that name already, of \(try find(name, root: root)?.path ?? "")",
        hint: "choose another, or give --replace")
    }
    let isArchive = SafeFile.exists(path) && !SafeFile.isFolder(path)
    let found = isArchive ? try unpacked(path, name, root) : path
    let contents = try inspect(found, format)
    let card = UserDataCard(
      name: name, format: format, path: SafeFile.absolute(found), title: title ?? "\(format.rawValue) in \(path)",
      licence: licence, contents: contents)
    try SafeFile.makeFolder(folder(root))
    try SafeFile.write(file(name, root), text: card.yaml)
    return card
  }

  /// The folder in an archive; named by the archive's contents, so that what is there already is that.
  private static func unpacked(_ archive: String, _ name: String, _ root: DataRoot) throws -> String {
    let folder = Path.join(root.cache, "unpacked/\(name)-\(try SafeFile.sha256(archive).prefix(16))")
    if !SafeFile.isFolder(folder) {
      try SafeFile.makeFolder(Path.folder(folder))
      try Unpacker().unpack(archive, to: folder)
    }
    // Most archives hold one folder that holds everything.
    let names = SafeFile.list(folder).filter { !$0.hasPrefix(".") && $0 != "__MACOSX" }
    let only = names.count == 1 ? Path.join(folder, names[0]) : folder
    return SafeFile.isFolder(only) ? only : folder
  }

  private static func checkName(_ name: String, taken: [String]) throws {
    let isWord = name.utf8.allSatisfy { ($0 >= 97 && $0 <= 122) || ($0 >= 48 && $0 <= 57) || $0 == 45 }
    guard isWord, (1...64).contains(name.utf8.count), !name.hasPrefix("-") else {
      throw ReproError(.usage, found: "the name '\(clipped(name))'", expected: "letters a to z, digits and hyphens")
    }
    guard !taken.contains(name), !Format.allCases.contains(where: { $0.rawValue == name }) else {
      throw ReproError(.usage, found: "the name '\(name)' is that of a provider", expected: "another")
    }
  }

  /// What is in a folder, in words; the first image of each part and class is decoded.
  static func inspect(_ path: String, _ format: Format) throws -> String {
    func look(_ files: [String]) throws { for file in files { _ = try ImageFile.read(file) } }
    switch format {
    case .imagefolder:
      let listing = try ImageFolder.Listing(path)
      var seen: Set<Int> = []
      try look(
        listing.classes.isEmpty
          ? Array(listing.files.prefix(1))
          : zip(listing.files, listing.labels).filter { seen.insert($0.1).inserted }.map(\.0))
      let parts = listing.published
      let classes = listing.classes.isEmpty ? "no classes" : "\(listing.classes.count) classes"
      return
        "\(listing.files.count) images, \(classes); \(parts.train.count) train, \(parts.validation.count) validation, "
        + "\(parts.test.count) test"
    case .frames:
      let listing = try FrameFolder.Listing(path)
      try look(listing.videos.map { $0.files[0] })
      let count = listing.videos.reduce(0) { $0 + $1.files.count }
      return "\(listing.videos.count) videos, \(count) frames, \(listing.classes.count) classes"
    case .coco:
      let listing = try COCOFolder.Listing(path)
      try look(Array(listing.images.prefix(1).map(\.path)))
      let boxes = listing.images.reduce(0) { $0 + $1.image.boxes.count }
      let captions = listing.images.reduce(0) { $0 + $1.image.captions.count }
      return
        "\(listing.images.count) images, \(listing.categories.count) categories, \(boxes) boxes, \(captions) captions"
    case .kitti:
      let listing = try KITTIRaw.Listing(path)
      try look(listing.drives.map { $0.files[0] })
      return "\(listing.drives.count) drives, \(listing.drives.reduce(0) { $0 + $1.files.count }) frames"
    case .dtu:
      let listing = try MVSScene.Listing(path)
      try look([listing.images[0]])
      return "\(listing.images.count) calibrated images" + (listing.masks.isEmpty ? "" : " with masks")
    }
  }

  private static func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: " ") + "\""
  }

  var yaml: String {
    """
    # A data set of your own, added by 'repro data add'; recipes name it as their provider.
    name: \(name)
    format: \(format.rawValue)
    path: \(Self.quoted(path))
    title: \(Self.quoted(title))
    licence: \(Self.quoted(licence))
    contents: \(Self.quoted(contents))

    """
  }

  /// The card of a name; nil if there is none.
  ///
  /// - Throws: `ReproError` with the line of what is wrong in the file.
  public static func find(_ name: String, root: DataRoot) throws -> UserDataCard? {
    guard name.utf8.allSatisfy({ $0 > 32 && $0 != 47 }), SafeFile.exists(file(name, root)) else { return nil }
    var section = try Section(YAMLNode(path: file(name, root)), name: "card", isRoot: true)
    let card = UserDataCard(
      name: try section.string("name"),
      format: Format(rawValue: try section.choice("format", Format.allCases.map(\.rawValue))) ?? .imagefolder,
      path: try section.string("path"), title: try section.string("title", default: ""),
      licence: try section.string("licence", default: ""), contents: try section.string("contents", default: ""))
    try section.finish()
    guard card.name == name else {
      throw ReproError(.usage, at: file(name, root), found: "the name is '\(clipped(card.name))'", expected: name)
    }
    return card
  }

  /// All cards, by name.
  public static func all(root: DataRoot) throws -> [UserDataCard] {
    try SafeFile.list(folder(root)).filter { $0.hasSuffix(".yaml") && !$0.hasPrefix(".") }
      .compactMap { try find(String($0.dropLast(5)), root: root) }
  }

  /// Whether the folder is there.
  public var isHere: Bool { SafeFile.isFolder(path) }
}

/// A data set that the user has added: the provider of its format on its folder.
///
/// Recipes name it by its own name, `provider: NAME`, with the options of the format. Spelled out it is
/// `provider: added, name: NAME`.
public struct UserDataset: TabledDataset {
  public static let card = DatasetCard(
    id: "added", title: "A data set that you have added with 'repro data add'", source: "docs/your-data.md",
    licence: "yours")

  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let node = try options.require("name")
    let name = try node.string(named: "name")
    guard let card = try UserDataCard.find(name, root: root) else {
      let names = try UserDataCard.all(root: root).map(\.name)
      throw ReproError(
        .usage, at: "\(node.mark)", found: "no data set '\(clipped(name))' has been added",
        hint: suggestion(for: name, among: names) ?? "repro data add \(clipped(name)) PATH --format FORMAT")
    }
    try self.init(card, &options, root: root)
  }

  public init(_ card: UserDataCard, _ options: inout Section, root: DataRoot) throws {
    guard card.isHere else {
      throw ReproError.data(card.path, "the folder of the data set '\(card.name)' is gone", hint: "add it again")
    }
    let format: any FolderDataset.Type =
      switch card.format {
      case .imagefolder: ImageFolder.self
      case .frames: FrameFolder.self
      case .coco: COCOFolder.self
      case .kitti: KITTIRaw.self
      case .dtu: MVSScene.self
      }
    samples = try format.init(path: card.path, &options, root: root).samples
  }
}
