import ReproConfig
import ReproTensor

/// A folder of images of one's own, sorted into folders by class.
///
/// - `PATH/train/<class>/*`, with `val` and `test` beside `train` where they are: the parts are these. Where there is no
///   `test`, `val` is the test part, as for ImageNet.
/// - `PATH/<class>/*`: a fifth of each class, drawn once for all, is the test part.
/// - `PATH/*`: images without classes, all for training; there is no label column.
///
/// JPEG, PNG, PGM and PPM files are read, in folders inside a class too; the largest centred part of each is resampled
/// to a square; with `resize`, as published networks are evaluated: the shorter side to so many pixels (bicubic), then the
/// square in the middle. Options: `path`, `size` (pixels, default 64), `resize` (default 0: not), `channels` (3, or 1 for
/// grey), `train`, `validation`, `test` (numbers of samples). Columns: `image`, `label`.
public struct ImageFolder: FolderDataset {
  public static let card = DatasetCard(
    id: "imagefolder", title: "Images of your own, a folder for each class", source: "docs/your-data.md",
    licence: "yours")

  public let samples: SampleTable

  public init(path: String, _ options: inout Section, root: DataRoot) throws {
    let size = try options.int("size", in: 8...1024, default: 64)
    let resize = try options.int("resize", in: 0...2048, default: 0)
    guard resize == 0 || resize >= size else {
      throw ReproError(
        .usage, at: "\(options.node.mark)", found: "resize: \(resize)", expected: "at least the size, \(size)")
    }
    let channels = try options.int("channels", in: 1...4, default: 3)
    guard channels != 2 else {
      throw ReproError(.usage, at: "\(options.node.mark)", found: "channels: 2", expected: "1, 3 or 4")
    }
    let listing = try Listing(path)
    let set = FolderImages.cacheName("imagefolder", listing.path)
    let digest = try FolderImages.digest(listing.files, below: listing.path)
    let store = try FolderImages.decode(
      listing.files, set: set, digest: digest, height: size, width: size, channels: channels, resize: resize,
      root: root)
    let labels = listing.classes.isEmpty ? nil : listing.labels
    let rows = try listing.published.taken(&options, labels: labels, classes: listing.classes.count, root: root)
    let fingerprint = "imagefolder v1, sha256 \(digest), \(ImageFile.decoders)"
    let image = try store.column(rows: rows)
    samples = try SampleTable(
      set,
      columns: [image]
        + (listing.classes.isEmpty ? [] : [try .labels(listing.labels, classes: listing.classes, source: path)]),
      rows: rows, fingerprint: fingerprint)
  }

  /// What lies in a folder.
  struct Listing {
    var path: String
    var files: [String] = []
    var labels: [Int] = []
    /// In the order of the alphabet; empty for images without classes.
    var classes: [String] = []
    var published = PublishedParts(train: [], test: [])

    /// - Throws: `ReproError` if the folder is missing, has no images, or its parts have other classes.
    init(_ given: String) throws {
      path = try FolderImages.root(given)
      if let parts = FolderImages.parts(path) {
        for (split, folder) in parts {
          let start = files.count
          try add(folder, isTraining: split == .train)
          let rows = Array(start..<files.count)
          switch split {
          case .train: published.train = rows
          case .validation: published.validation = rows
          case .test: published.test = rows
          }
        }
        if published.test.isEmpty { (published.test, published.validation) = (published.validation, []) }
        guard !published.train.isEmpty else { throw ReproError.data(path, "the training part has no images") }
        return
      }
      try add(path, isTraining: true)
      guard !files.isEmpty else {
        throw ReproError.data(path, "there are no images", expected: "JPEG, PNG, PGM or PPM files, or folders of them")
      }
      published =
        classes.isEmpty
        ? PublishedParts(train: Array(files.indices), test: [])
        : PublishedParts(drawnFor: Path.name(path), labels: labels, classes: classes.count)
    }

    private mutating func add(_ folder: String, isTraining: Bool) throws {
      let names = FolderImages.folders(folder)
      if isTraining { classes = names }
      if names.isEmpty {
        guard classes.isEmpty else { throw ReproError.data(folder, "there are no folders of classes") }
        files += FolderImages.images(folder)
        return
      }
      for name in names {
        guard let label = classes.firstIndex(of: name) else {
          throw ReproError.data(
            folder, "the class '\(clipped(name))' is not in the training part",
            expected: "one of \(classes.prefix(10).map(clipped).joined(separator: ", "))")
        }
        let found = FolderImages.images(Path.join(folder, name), depth: 8)
        guard !found.isEmpty else { throw ReproError.data(Path.join(folder, name), "the class has no images") }
        files += found
        labels += found.map { _ in label }
      }
    }
  }
}

/// Videos of one's own as folders of frames, in the order of their names.
///
/// `PATH/<video>/*` or `PATH/<class>/<video>/*`, each also below `train`, `val` and `test`. A sample is a window of
/// frames of one video; without parts in the folder a fifth of the videos (of each class), drawn once for all, is the
/// test part. Options: `path`, `frames` (of a sample, default 8), `step` (frames from one to the next, default 1),
/// `stride` (frames from one window to the next, default as many as a window spans), `size` (pixels, default 64),
/// `train`, `validation`, `test` (numbers of samples). Columns: `frames`, `video` (which one), `label` if there are
/// classes.
public struct FrameFolder: FolderDataset {
  public static let card = DatasetCard(
    id: "frames", title: "Videos of your own, a folder of frames for each", source: "docs/your-data.md",
    licence: "yours")

  public let samples: SampleTable

  public init(path: String, _ options: inout Section, root: DataRoot) throws {
    let count = try options.int("frames", in: 1...256, default: 8)
    let step = try options.int("step", in: 1...256, default: 1)
    let span = (count - 1) * step + 1
    let stride = try options.int("stride", in: 1...100_000, default: span)
    let size = try options.int("size", in: 8...512, default: 64)
    let listing = try Listing(path)
    let set = FolderImages.cacheName("frames", listing.path)
    let files = listing.videos.flatMap(\.files)
    let digest = try FolderImages.digest(files, below: listing.path)
    let store = try FolderImages.decode(files, set: set, digest: digest, height: size, width: size, root: root)
    var (starts, videos): ([Int], [Int]) = ([], [])
    var parts: [Split: [Int]] = [:]
    var first = 0
    for (v, video) in listing.videos.enumerated() {
      for start in Swift.stride(from: 0, through: video.files.count - span, by: stride) {
        parts[video.split, default: []].append(starts.count)
        starts.append(first + start)
        videos.append(v)
      }
      first += video.files.count
    }
    guard !starts.isEmpty else {
      throw ReproError.data(listing.path, "no video has \(span) frames", hint: "choose fewer frames or a smaller step")
    }
    let labels = listing.classes.isEmpty ? nil : videos.map { listing.videos[$0].label }
    let rows = try PublishedParts(
      train: parts[.train] ?? [], validation: parts[.validation] ?? [], test: parts[.test] ?? []
    ).taken(&options, labels: labels, classes: listing.classes.count, root: root)
    // All frames are kept: windows share them.
    let held = try store.column(rows: [.train: Array(0..<store.count)])
    let kind = FieldKind.frames(count: count, height: size, width: size, channels: 3)
    let frames = SampleColumn(FieldSpec("frames", kind, isLabel: false), count: starts.count) { [starts] rows in
      guard
        case .images(let images) = try held.values(rows.flatMap { row in (0..<count).map { starts[row] + $0 * step } })
      else { requirementFailed("frames are images") }
      return .images(
        ImageBatch(count: rows.count, frames: count, height: size, width: size, channels: 3, bytes: images.bytes))
    }
    let fingerprint = "frames v1, sha256 \(digest), \(ImageFile.decoders)"
    samples = try SampleTable(
      set,
      columns: [frames, .identities("video", videos, count: listing.videos.count, isLabel: true)]
        + (try labels.map { [try .labels($0, classes: listing.classes, source: path)] } ?? []),
      rows: rows, fingerprint: fingerprint)
  }

  struct Video {
    var files: [String]
    var label: Int
    var split: Split
  }

  /// The videos in a folder.
  struct Listing {
    var path: String
    var videos: [Video] = []
    var classes: [String] = []

    init(_ given: String) throws {
      path = try FolderImages.root(given)
      let parts = FolderImages.parts(path)
      for (split, folder) in parts ?? [(.train, path)] {
        for name in FolderImages.folders(folder) {
          let inner = Path.join(folder, name)
          let own = FolderImages.images(inner)
          if !own.isEmpty {
            guard classes.isEmpty else { throw ReproError.data(inner, "a video beside folders of classes") }
            videos.append(Video(files: own, label: 0, split: split))
            continue
          }
          guard classes.isEmpty ? videos.isEmpty : true else {
            throw ReproError.data(inner, "a folder without frames beside videos")
          }
          if !classes.contains(name) {
            guard split == .train else { throw ReproError.data(inner, "the class is not in the training part") }
            classes.append(name)
          }
          let label = classes.firstIndex(of: name) ?? 0
          for video in FolderImages.folders(inner) {
            let files = FolderImages.images(Path.join(inner, video))
            guard !files.isEmpty else { throw ReproError.data(Path.join(inner, video), "the video has no frames") }
            videos.append(Video(files: files, label: label, split: split))
          }
        }
      }
      guard !videos.isEmpty else {
        throw ReproError.data(path, "there are no folders of frames", expected: "<video>/<frame>.jpg or .png")
      }
      if parts == nil, videos.count > 1 {
        let drawn = PublishedParts(
          drawnFor: Path.name(path), labels: videos.map(\.label), classes: max(1, classes.count))
        for v in drawn.test { videos[v].split = .test }
      }
    }
  }
}
