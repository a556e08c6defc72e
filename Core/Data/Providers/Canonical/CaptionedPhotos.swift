import ReproConfig
import ReproTensor

/// Photographs with captions in the files of Flickr8k and Flickr30k.
///
/// `PATH` has a folder of images (`Images`, `images`, `Flicker8k_Dataset`, `flickr30k-images`) and one of
/// - `dataset_*.json` (Karpathy's, with parts): `images` with `filename`, `split`, `sentences`;
/// - `captions.txt` or `results.csv`: lines `image,caption` (or `image| number| caption`) below a header;
/// - `Flickr8k.token.txt`: lines `image#number<tab>caption`, with `Flickr_8k.trainImages.txt`, `.devImages.txt` and
///   `.testImages.txt` for the parts if they are there.
///
/// Without parts, a fifth of the images, drawn once for all, is the test part. Options: `path`, `size` (pixels, default
/// 64), `train`, `validation`, `test` (numbers of images). Columns: `image`, `caption` (the first), `captions` (all,
/// one a line). For COCO's captions see the provider `coco`.
///
/// Source: Hodosh, Young, Hockenmaier 2013; Young et al. 2014; Karpathy, Fei-Fei 2015 (arXiv 1412.2306) for the parts.
public struct CaptionedPhotos: TabledDataset {
  public static let card = DatasetCard(
    id: "captioned-photos", title: "Flickr8k or Flickr30k photographs with captions (your copy)",
    source: "Hodosh, Young, Hockenmaier 2013; Young et al. 2014", licence: "non-commercial research and education",
    urls: ["https://shannon.cs.illinois.edu/DenotationGraph/"])

  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let path = try options.string("path")
    let size = try options.int("size", in: 8...512, default: 64)
    let listing = try Listing(path)
    let set = FolderImages.cacheName("captioned-photos", listing.path)
    let digest = try FolderImages.digest(listing.photos.map(\.path) + listing.tables, below: listing.path)
    let store = try FolderImages.decode(
      listing.photos.map(\.path), set: set, digest: digest, height: size, width: size, root: root)
    let rows = try listing.published.taken(&options, root: root)
    let fingerprint = "captioned-photos v1, sha256 \(digest), \(ImageFile.decoders)"
    samples = try SampleTable(
      set,
      columns: [
        try store.column(rows: rows), .texts("caption", listing.photos.map { $0.captions[0] }),
        .texts("captions", listing.photos.map { $0.captions.joined(separator: "\n") }),
      ], rows: rows, fingerprint: fingerprint)
  }

  /// The photographs of a folder with their captions.
  private struct Listing {
    var path: String
    var photos: [(path: String, captions: [String])] = []
    var tables: [String] = []
    var published = PublishedParts(train: [], test: [])
    private var images: String
    private var places: [String: Int] = [:]

    init(_ given: String) throws {
      path = try FolderImages.root(given)
      let names = ["Images", "images", "Flicker8k_Dataset", "Flickr8k_Dataset", "flickr30k-images", "flickr30k_images"]
      guard let folder = names.map({ Path.join(given, $0) }).first(where: SafeFile.isFolder) else {
        throw ReproError.data(path, "there is no folder of images", expected: "one of \(names.joined(separator: ", "))")
      }
      images = SafeFile.absolute(folder)
      let files = SafeFile.list(path)
      if let json = files.first(where: { $0.hasPrefix("dataset") && $0.hasSuffix(".json") }) {
        try readJSON(Path.join(path, json))
      } else if let table = files.first(where: { ["captions.txt", "results.csv"].contains($0) }) {
        try readTable(Path.join(path, table))
      } else if files.contains("Flickr8k.token.txt") {
        try readTokens(Path.join(path, "Flickr8k.token.txt"))
      } else {
        throw ReproError.data(
          path, "there are no captions", expected: "dataset_*.json, captions.txt, results.csv or Flickr8k.token.txt")
      }
      guard !photos.isEmpty else { throw ReproError.data(tables[0], "there are no captions") }
      for photo in photos where !SafeFile.exists(photo.path) {
        throw ReproError.data(photo.path, "an image that has captions is missing")
      }
      if published.train.isEmpty {
        published = PublishedParts(drawnFor: Path.name(path), labels: photos.map { _ in 0 }, classes: 1)
      }
    }

    private mutating func add(_ name: String, _ caption: String, at place: String) throws {
      guard Path.isContained(name) else {
        throw ReproError.data(place, "the name '\(clipped(name))' leaves the folder")
      }
      if let slot = places[name] {
        photos[slot].captions.append(caption)
      } else {
        places[name] = photos.count
        photos.append((Path.join(images, name), [caption]))
      }
    }

    private mutating func readJSON(_ file: String) throws {
      tables = [file]
      let json = try JSONValue(path: file, limit: 1 << 29)
      for (i, image) in try json.required("images", as: \.array, at: file).enumerated() {
        let place = "\(file):images[\(i)]"
        let name = try image.required("filename", as: \.string, at: place)
        let sentences = try image.required("sentences", as: \.array, at: place)
        guard !sentences.isEmpty, places[name] == nil else {
          throw ReproError.data(place, "'\(clipped(name))' has no sentences or is there twice")
        }
        for sentence in sentences { try add(name, try sentence.required("raw", as: \.string, at: place), at: place) }
        switch try image.required("split", as: \.string, at: place) {
        case "train", "restval": published.train.append(photos.count - 1)
        case "val": published.validation.append(photos.count - 1)
        case "test": published.test.append(photos.count - 1)
        case let other: throw ReproError.data(place, "the split '\(clipped(other))'", expected: "train, val or test")
        }
      }
    }

    private mutating func readTable(_ file: String) throws {
      tables = [file]
      let isBarred = file.hasSuffix("results.csv")
      let table = try DelimitedText(
        SafeFile.read(file),
        .init(separator: isBarred ? "|" : ",", isQuoted: !isBarred, hasHeader: true, trims: true, isRagged: isBarred),
        file: file)
      guard table.columns >= 2 else {
        throw ReproError.data(file, "\(table.columns) columns", expected: "image,caption")
      }
      for (row, fields) in table.rows.enumerated() {
        let caption = fields[isBarred ? min(2, fields.count - 1) : 1]
        try add(fields[0], caption, at: "\(file):\(table.lines[row])")
      }
    }

    private mutating func readTokens(_ file: String) throws {
      tables = [file]
      for (i, line) in try PlainText.lines(SafeFile.read(file), file: file).enumerated() {
        let parts = line.split(separator: "\t", maxSplits: 1)
        guard parts.count == 2, let name = parts[0].split(separator: "#").first else {
          throw ReproError(
            .data, at: "\(file):\(i + 1)", found: "'\(clipped(line))'", expected: "image#number, tab, caption")
        }
        // One image of the published file is missing from the archive, under a name with a number too many.
        if name.hasSuffix(".jpg.1") { continue }
        try add(String(name), String(parts[1]), at: "\(file):\(i + 1)")
      }
      for (k, part) in ["train", "dev", "test"].enumerated() {
        let list = Path.join(path, "Flickr_8k.\(part)Images.txt")
        guard SafeFile.exists(list) else { continue }
        tables.append(list)
        let rows = try PlainText.lines(SafeFile.read(list, limit: 1 << 24), file: list).filter { !$0.isEmpty }.map {
          name in
          guard let place = places[name] else { throw ReproError.data(list, "'\(clipped(name))' has no captions") }
          return place
        }
        if k == 0 {
          published.train = rows
        } else if k == 1 {
          published.validation = rows
        } else {
          published.test = rows
        }
      }
    }
  }
}
