import ReproConfig
import ReproTensor

/// Calibrated photographs of one scene of one's own, in the layouts of DTU and BlendedMVS.
///
/// - `PATH/cams/<number>_cam.txt` (MVSNet's text) with the images in `images`, `blended_images` or `image`, in the same
///   order.
/// - `PATH/cameras_sphere.npz` or `cameras.npz` (IDR's and NeuS's matrices) with the images in `image` or `images` and,
///   if there are any, masks in `mask`.
///
/// Every eighth view (`hold: 8`, the first one first; 0 for none) is the test part. Options: `path`, `height` and
/// `width` (pixels; those of the first image by default), `hold`. Columns: `image`, `intrinsics`, `rotation`,
/// `translation` (see `PhotoCamera`), `view` (its number), and `mask` `[H, W]` (1 on the object) where there are masks.
public struct MVSScene: FolderDataset {
  public static let card = DatasetCard(
    id: "dtu", title: "Calibrated photographs of your own, as DTU or BlendedMVS have them", source: "docs/your-data.md",
    licence: "yours")

  public let samples: SampleTable

  public init(path: String, _ options: inout Section, root: DataRoot) throws {
    let listing = try Listing(path)
    let first = try ImageFile.read(listing.images[0], channels: 3)
    let height = try options.int("height", in: 8...8192, default: first.height)
    let width = try options.int("width", in: 8...8192, default: first.width)
    let hold = try options.int("hold", in: 0...1000, default: 8)
    let set = FolderImages.cacheName("dtu", listing.path)
    let digest = try FolderImages.digest(listing.images + listing.masks + listing.cameraFiles, below: listing.path)
    let store = try FolderImages.decode(
      listing.images, set: set, digest: digest, height: height, width: width, fits: false, root: root)
    let (scaleX, scaleY) = (Double(width) / Double(first.width), Double(height) / Double(first.height))
    let cameras = listing.cameras.map { $0.cut(left: 0, top: 0, scaleX: scaleX, scaleY: scaleY) }
    let count = listing.images.count
    let test = (0..<count).filter { hold > 0 && $0 % hold == 0 && count > 1 }
    let rows: [Split: [Int]] = [.train: (0..<count).filter { !test.contains($0) }, .test: test]
    var columns = [try store.column(rows: [.train: Array(0..<count)])]
    columns += try PhotoCamera.columns(cameras, unit: "1", source: path)
    columns.append(.identities("view", Array(0..<count), count: count, isLabel: false))
    if !listing.masks.isEmpty {
      let masks = try FolderImages.decode(
        listing.masks, set: "\(set)-mask", digest: digest, height: height, width: width, channels: 1, fits: false,
        root: root)
      let held = try masks.column(rows: [.train: Array(0..<count)])
      columns.append(
        SampleColumn(FieldSpec("mask", .real(shape: [height, width], unit: "1"), isLabel: false), count: count) {
          guard case .images(let images) = try held.values($0) else { requirementFailed("masks are images") }
          return .reals(Tensor([images.count, height, width], images.bytes.map { $0 > 127 ? 1 : 0 }))
        })
    }
    let fingerprint = "dtu v1, sha256 \(digest), \(ImageFile.decoders)"
    samples = try SampleTable(set, columns: columns, rows: rows, fingerprint: fingerprint)
  }

  /// The photographs and cameras in a folder.
  struct Listing {
    var path: String
    var images: [String] = []
    var masks: [String] = []
    var cameraFiles: [String] = []
    var cameras: [PhotoCamera] = []

    init(_ given: String) throws {
      path = try FolderImages.root(given)
      let folder = ["images", "blended_images", "image"].map { Path.join(path, $0) }.first(where: SafeFile.isFolder)
      guard let folder else {
        throw ReproError.data(path, "there is no folder of images", expected: "images, blended_images or image")
      }
      // BlendedMVS keeps masked copies beside the images.
      images = FolderImages.images(folder).filter { !$0.contains("_masked") }
      let cams = Path.join(path, "cams")
      if SafeFile.isFolder(cams) {
        cameraFiles = SafeFile.list(cams).filter { $0.hasSuffix("_cam.txt") }.map { Path.join(cams, $0) }
        cameras = try cameraFiles.map {
          try MVSCameraFile.read(try SafeFile.read($0, limit: 1 << 20), file: $0).camera
        }
      } else {
        let names = ["cameras_sphere.npz", "cameras.npz"].map { Path.join(path, $0) }
        guard let file = names.first(where: SafeFile.exists) else {
          throw ReproError.data(
            path, "there are no cameras", expected: "cams/*_cam.txt, cameras_sphere.npz or cameras.npz")
        }
        cameraFiles = [file]
        cameras = try MVSCameraFile.archive(NPZArchive(path: file), file: file)
        masks = FolderImages.images(Path.join(path, "mask"))
        guard masks.isEmpty || masks.count == images.count else {
          throw ReproError.data(
            Path.join(path, "mask"), "\(masks.count) masks", expected: "\(images.count), as many as images")
        }
      }
      guard !images.isEmpty, cameras.count == images.count else {
        throw ReproError.data(path, "\(cameras.count) cameras of \(images.count) images", expected: "one for each")
      }
    }
  }
}
