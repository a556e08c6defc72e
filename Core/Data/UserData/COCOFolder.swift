import ReproConfig
import ReproTensor

/// Images with COCO-style annotations: boxes of named categories, captions, or both.
///
/// `PATH/annotations.json` with the images in `PATH/images` or `PATH` itself, or
/// `PATH/annotations/instances_<part>.json` and `captions_<part>.json` with the images in `PATH/<part>`, where the part
/// begins with `train`, `val` or `test`. Without a test part, the validation part is the test part; with one part only,
/// a fifth of the images, drawn once for all, is.
///
/// Images are squeezed to a square, boxes with them. Options: `path`, `size` (pixels, default 64), `objects` (boxes of
/// a sample, default 16: the largest ones; fewer are filled up), `train`, `validation`, `test` (numbers of samples).
/// Columns: `image`; labels `boxes` `[N, 4]` (left, top, right, bottom in pixels, 0 where there is none), `classes`
/// `[N]` (-1 where there is none), `present` `[categories]` (1 if the image has one); `caption` (one a line) if there
/// are any.
public struct COCOFolder: FolderDataset {
  public static let card = DatasetCard(
    id: "coco", title: "Images of your own with COCO-style boxes or captions", source: "docs/your-data.md",
    licence: "yours")

  public let samples: SampleTable

  public init(path: String, _ options: inout Section, root: DataRoot) throws {
    let size = try options.int("size", in: 8...1024, default: 64)
    let objects = try options.int("objects", in: 1...256, default: 16)
    let listing = try Listing(path)
    let set = FolderImages.cacheName("coco", listing.path)
    let files = listing.images.map(\.path)
    let digest = try FolderImages.digest(files + listing.annotations, below: listing.path)
    let store = try FolderImages.decode(
      files, set: set, digest: digest, height: size, width: size, fits: false, root: root)
    let rows = try listing.published.taken(&options, root: root)
    var (boxes, classes, present): ([Float], [Float], [Float]) = ([], [], [])
    for (_, image) in listing.images {
      var slots = [Float](repeating: 0, count: 4 * objects)
      var kinds = [Float](repeating: -1, count: objects)
      var has = [Float](repeating: 0, count: listing.categories.count)
      let single = image.boxes.filter { !$0.isCrowd }
      let order = single.indices.sorted {
        let (a, b) = (single[$0].rectangle, single[$1].rectangle)
        return (b[2] * b[3], Double($0)) < (a[2] * a[3], Double($1))
      }
      for (slot, i) in order.enumerated() {
        has[single[i].category] = 1
        guard slot < objects else { continue }
        let box = single[i].rectangle
        let (sx, sy) = (Double(size) / Double(image.width), Double(size) / Double(image.height))
        let corners = [box[0] * sx, box[1] * sy, (box[0] + box[2]) * sx, (box[1] + box[3]) * sy]
        for k in 0..<4 { slots[4 * slot + k] = Float(max(0, min(corners[k], Double(size)))) }
        kinds[slot] = Float(single[i].category)
      }
      boxes += slots
      classes += kinds
      present += has
    }
    var columns = [try store.column(rows: rows)]
    if !listing.categories.isEmpty {
      columns += [
        try .reals("boxes", boxes, shape: [objects, 4], unit: "px", source: path, isLabel: true),
        try .reals("classes", classes, shape: [objects], source: path, isLabel: true),
        try .reals("present", present, shape: [listing.categories.count], source: path, isLabel: true),
      ]
    }
    if listing.images.contains(where: { !$0.image.captions.isEmpty }) {
      columns.append(.texts("caption", listing.images.map { $0.image.captions.joined(separator: "\n") }))
    }
    let fingerprint = "coco v1, sha256 \(digest), \(ImageFile.decoders)"
    samples = try SampleTable(set, columns: columns, rows: rows, fingerprint: fingerprint)
  }

  /// The annotated images of a folder.
  struct Listing {
    var path: String
    var images: [(path: String, image: COCOFile.Image)] = []
    var categories: [String] = []
    var annotations: [String] = []
    var published = PublishedParts(train: [], test: [])

    init(_ given: String) throws {
      path = try FolderImages.root(given)
      let single = Path.join(path, "annotations.json")
      if SafeFile.exists(single) {
        let folder = Path.join(path, "images")
        try add([single], SafeFile.isFolder(folder) ? folder : path)
        published = PublishedParts(drawnFor: Path.name(path), labels: images.map { _ in 0 }, classes: 1)
      } else {
        try readParts()
      }
      for (path, image) in images where !SafeFile.exists(path) {
        throw ReproError.data(path, "the image '\(clipped(image.name))' of the annotations is missing")
      }
    }

    private mutating func readParts() throws {
      let folder = Path.join(path, "annotations")
      var ranges: [Split: [Int]] = [:]
      for part in FolderImages.folders(path) {
        guard let split = Split.allCases.first(where: { part.hasPrefix($0 == .validation ? "val" : $0.rawValue) })
        else { continue }
        let files = ["instances", "captions"].map { Path.join(folder, "\($0)_\(part).json") }.filter(SafeFile.exists)
        guard !files.isEmpty else { continue }
        let start = images.count
        try add(files, Path.join(path, part))
        ranges[split, default: []] += Array(start..<images.count)
      }
      guard let train = ranges[.train], !train.isEmpty else {
        throw ReproError.data(
          path, "there are no annotations of a training part",
          expected: "annotations.json, or annotations/instances_train*.json and a folder train*")
      }
      published = PublishedParts(
        train: train, validation: ranges[.test] == nil ? [] : ranges[.validation] ?? [],
        test: ranges[.test] ?? ranges[.validation] ?? [])
      if published.test.isEmpty {
        published = PublishedParts(drawnFor: Path.name(path), labels: images.map { _ in 0 }, classes: 1)
      }
    }

    /// The images of one part; its annotation files must name the same images.
    private mutating func add(_ files: [String], _ folder: String) throws {
      var places: [String: Int] = [:]
      for (k, file) in files.enumerated() {
        let coco = try COCOFile(try SafeFile.read(file), file: file)
        if !coco.categories.isEmpty {
          guard categories.isEmpty || categories == coco.categories else {
            throw ReproError.data(file, "other categories than those of \(annotations.first ?? "")")
          }
          categories = coco.categories
        }
        annotations.append(file)
        for image in coco.images {
          if k == 0 {
            places[image.name] = images.count
            images.append((Path.join(folder, image.name), image))
          } else if let place = places[image.name] {
            images[place].image.captions += image.captions
            images[place].image.boxes += image.boxes
          } else {
            throw ReproError.data(file, "the image '\(clipped(image.name))' is not in \(files[0])")
          }
        }
      }
      for (path, image) in images where !image.boxes.isEmpty && (image.height < 1 || image.width < 1) {
        throw ReproError.data(path, "the annotations say no height or width of '\(clipped(image.name))'")
      }
      guard !images.isEmpty else { throw ReproError.data(files[0], "there are no images") }
    }
  }
}
