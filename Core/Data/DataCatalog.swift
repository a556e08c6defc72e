import ReproConfig

/// Every provider of real data; the procedural worlds are added above this layer.
public let dataProviders: [any DatasetProvider.Type] =
  [
    // Images.
    CIFAR10.self, FashionMNIST.self, MNIST.self, Omniglot.self, OmniglotRuns.self, ORLFaces.self, TinyImageNet.self,
    // Scenes and shapes.
    CommonMeshes.self, KITTIObjectSample.self, MiddleburyStereo.self, ModelNet10Voxels.self, NeRFLego.self,
    SceauxCastle.self,
    // Sound, motion, time series, tables, features of several views.
    AReM.self, MotionCapture.self, MultiViewFeatures.self, SpokenDigits.self, TabularData.self, UCRSeries.self,
    // Texts.
    MovieReviewDocuments.self, Multi30k.self, SentenceClassification.self, ShortTextTopics.self, STSBenchmark.self,
    TinyShakespeare.self, WikiText2.self,
    // Graphs and interactions.
    LastFM.self, Planetoid.self,
  ] + ownDataProviders

/// Providers that read a copy or a folder of the user's own, given as `path`; nothing of theirs is fetched.
public let ownDataProviders: [any DatasetProvider.Type] = [
  CaptionedPhotos.self, ChestXrays.self, DSprites.self, HumanActivity.self, MovieLens.self, PointClouds.self,
  STL10.self,
  ImageFolder.self, FrameFolder.self, COCOFolder.self, KITTIRaw.self, MVSScene.self, UserDataset.self,
]

/// What the command line knows of the published files behind the providers: `repro data list`, `fetch` and `check`.
public enum DataCatalog {
  /// All sets of files, by id.
  public static let sets: [SourceSet] = [
    CIFAR10.originalFiles, CIFAR10.jpegFiles, FashionMNIST.files, MNIST.files, .omniglot, .orlFaces, .tinyImagenet,
    .meshes, .kittiObjectSample, .middleburyStereo, .modelnet10Voxels, .nerfLego, .sceauxCastle,
    .arem, .mocap, .multiview, .fsdd, .tabular, .timeseries,
    .movieReviewDocuments, .multi30k, .sentenceClassification, .shortTextTopics, .stsbenchmark, .tinyshakespeare,
    .wikitext2, .lastfm, .planetoid, .cifar10Resnet,
  ]

  /// How a file stands on this machine.
  public struct FileState: Sendable, Equatable {
    public enum Status: Sendable, Equatable {
      /// There, with the right size; `check` has compared the digest too.
      case present(at: String)
      /// There, but not the published file.
      case damaged(at: String, reason: String)
      /// Not in any of these places.
      case missing(lookedFor: [String])
    }

    public var file: SourceFile
    public var status: Status
    /// Whether the digest was compared.
    public var isVerified: Bool

    public var isPresent: Bool { if case .present = status { true } else { false } }
  }

  /// The set of that id.
  ///
  /// - Throws: `ReproError(.usage)` that suggests the nearest id.
  public static func set(_ id: String) throws -> SourceSet {
    if let set = sets.first(where: { $0.id == id }) { return set }
    let ids = sets.map(\.id)
    throw ReproError(
      .usage, found: "there is no data set '\(id)'", expected: "one of " + ids.joined(separator: ", "),
      hint: nearest(to: id, among: ids).map { "did you mean '\($0)'?" })
  }

  /// How the files of a set stand, by their sizes: fast.
  public static func state(_ id: String, root: DataRoot) throws -> [FileState] {
    try set(id).files.map { state($0, root, verify: false) }
  }

  /// How the files of a set stand, by their digests: reads them all.
  public static func check(_ id: String, root: DataRoot) throws -> [FileState] {
    try set(id).files.map { state($0, root, verify: true) }
  }

  private static func state(_ file: SourceFile, _ root: DataRoot, verify: Bool) -> FileState {
    var damage: FileState.Status?
    for place in root.places(file) where SafeFile.exists(place) {
      do {
        let size = try SafeFile.size(place)
        guard size == file.bytes else {
          damage = damage ?? .damaged(at: place, reason: "\(size) bytes, expected \(file.bytes)")
          continue
        }
        if verify {
          let sha256 = try SafeFile.sha256(place)
          guard sha256 == file.sha256 else {
            damage = damage ?? .damaged(at: place, reason: "sha256 \(sha256), expected \(file.sha256)")
            continue
          }
        }
        return FileState(file: file, status: .present(at: place), isVerified: verify)
      } catch {
        damage = damage ?? .damaged(at: place, reason: "\(error)")
      }
    }
    return FileState(file: file, status: damage ?? .missing(lookedFor: root.places(file)), isVerified: verify)
  }

  /// Brings the files of a set to `DataRoot.cache`, from the mirror first; files that are there and right stay.
  ///
  /// - Parameter progress: called about every megabyte.
  /// - Returns: the verified state of all files.
  /// - Throws: `ReproError` that names the file, every source that was tried and why it failed, and what to do.
  @discardableResult
  public static func fetch(
    _ id: String, root: DataRoot, downloader: Downloader = Downloader(),
    progress: (DownloadProgress) -> Void = { _ in }
  ) throws -> [FileState] {
    try fetch(try set(id), root: root, downloader: downloader, progress: progress)
  }

  static func fetch(
    _ set: SourceSet, root: DataRoot, downloader: Downloader, progress: (DownloadProgress) -> Void
  ) throws -> [FileState] {
    try set.files.map { file in
      let path = root.downloadPath(file)
      try SafeFile.makeFolder(Path.folder(path))
      do {
        try downloader.fetch(
          sources(file, root), to: path, bytes: file.bytes, sha256: file.sha256, progress: progress)
      } catch var error as ReproError where file.urls.isEmpty && root.mirror == nil {
        error.found = "no public URL has this file and REPRO_MIRROR is not set"
        throw error
      }
      return FileState(file: file, status: .present(at: path), isVerified: true)
    }
  }

  /// The mirror, then the published URLs. A mirror is the user's own choice and may be a folder or plain http; a
  /// published URL that is plain http is in the table for want of a better one, and the digest protects what it sends.
  static func sources(_ file: SourceFile, _ root: DataRoot) -> [Downloader.Source] {
    var sources: [Downloader.Source] = []
    if let folder = root.mirrorFolder {
      let place = SafeFile.absolute(Path.join(folder, file.path))
      sources.append(Downloader.Source("file://" + Path.urlEncoded(place), allowed: .file))
    } else if let mirror = root.mirror {
      sources.append(networkSource(Path.join(mirror, file.path)))
    }
    return sources + file.urls.map(networkSource)
  }

  private static func networkSource(_ url: String) -> Downloader.Source {
    Downloader.Source(url, allowed: url.hasPrefix("http://") ? [.https, .http] : .https)
  }
}
