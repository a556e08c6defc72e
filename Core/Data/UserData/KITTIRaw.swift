import ReproConfig
import ReproTensor

/// Recordings of one's own in the layout of KITTI's raw data: consecutive frames of a camera with its intrinsics.
///
/// `PATH/<date>/<drive>_sync/image_02/data/*.png`, `PATH/<date>/calib_cam_to_cam.txt`; for labels of depth also
/// `velodyne_points/data/*.bin` and `PATH/<date>/calib_velo_to_cam.txt`. A fifth of the drives, drawn once for all, is
/// the test part; of a single drive the last fifth.
///
/// Options: `path`, `frames` (of a sample, default 3), `stride` (frames from one sample to the next, default 1),
/// `height` and `width` (pixels, default 96x320; the whole image is squeezed), `camera` (`02` or `03`), `depth`
/// (whether LiDAR depths of the middle frame are a label, default false), `train`, `validation`, `test` (numbers of
/// samples). Columns: `frames`, `intrinsics` `[3, 3]`, `drive`; label `depth` `[height, width]` in metres, 0 where
/// nothing was measured.
///
/// Source: Geiger, Lenz, Stiller, Urtasun 2013, "Vision meets robotics: the KITTI dataset".
public struct KITTIRaw: FolderDataset {
  public static let card = DatasetCard(
    id: "kitti", title: "Recordings of your own in the layout of KITTI's raw data", source: "docs/your-data.md",
    licence: "yours")

  public let samples: SampleTable

  public init(path: String, _ options: inout Section, root: DataRoot) throws {
    let count = try options.int("frames", in: 1...32, default: 3)
    let stride = try options.int("stride", in: 1...1000, default: 1)
    let height = try options.int("height", in: 16...512, default: 96)
    let width = try options.int("width", in: 16...2048, default: 320)
    let camera = try options.choice("camera", ["02", "03"], default: "02")
    let hasDepth = try options.bool("depth", default: false)
    let listing = try Listing(path, camera: camera)
    let set = FolderImages.cacheName("kitti", listing.path)
    let files = listing.drives.flatMap(\.files)
    let digest = try FolderImages.digest(files, below: listing.path)
    let store = try FolderImages.decode(
      files, set: set, digest: digest, height: height, width: width, fits: false, root: root)
    var (starts, owners): ([Int], [Int]) = ([], [])
    var (train, test): ([Int], [Int]) = ([], [])
    var first = 0
    let held = Set(PublishedParts(drawnFor: "kitti", labels: listing.drives.map { _ in 0 }, classes: 1).test)
    for (d, drive) in listing.drives.enumerated() {
      let cut = drive.files.count * 4 / 5
      for start in Swift.stride(from: 0, through: drive.files.count - count, by: stride) {
        let isTest = listing.drives.count > 1 ? held.contains(d) : start >= cut
        // Of a single drive, windows that reach into the test part are left out.
        if !isTest, listing.drives.count == 1, start + count > cut { continue }
        if isTest { test.append(starts.count) } else { train.append(starts.count) }
        starts.append(first + start)
        owners.append(d)
      }
      first += drive.files.count
    }
    guard !train.isEmpty else { throw ReproError.data(listing.path, "no drive has \(count) frames") }
    let rows = try PublishedParts(train: train, test: test).taken(&options, root: root)
    let images = try store.column(rows: [.train: Array(0..<store.count)])
    let kind = FieldKind.frames(count: count, height: height, width: width, channels: 3)
    let frames = SampleColumn(FieldSpec("frames", kind, isLabel: false), count: starts.count) { [starts] rows in
      guard case .images(let part) = try images.values(rows.flatMap { row in (0..<count).map { starts[row] + $0 } })
      else { requirementFailed("frames are images") }
      return .images(
        ImageBatch(count: rows.count, frames: count, height: height, width: width, channels: 3, bytes: part.bytes))
    }
    var columns = [
      frames,
      try .reals(
        "intrinsics", owners.flatMap { listing.drives[$0].intrinsics(height: height, width: width) }, shape: [3, 3],
        unit: "px", source: path),
      .identities("drive", owners, count: listing.drives.count, isLabel: false),
    ]
    if hasDepth {
      let names = listing.drives.flatMap { drive in drive.files.map { (drive, $0) } }
      for (drive, file) in names where !SafeFile.exists(drive.scan(file)) {
        throw ReproError.data(drive.scan(file), "there is no scan of \(Path.name(file))", hint: "leave depth: true out")
      }
      columns.append(
        SampleColumn(
          FieldSpec("depth", .real(shape: [height, width], unit: "m"), isLabel: true), count: starts.count
        ) { [starts] rows in
          var values: [Real] = []
          for row in rows {
            let (drive, file) = names[starts[row] + count / 2]
            values += try drive.depth(file, height: height, width: width).map { Real($0) }
          }
          return .reals(Tensor([rows.count, height, width], values))
        })
    }
    let fingerprint = "kitti v1, sha256 \(digest), \(ImageFile.decoders)"
    samples = try SampleTable(set, columns: columns, rows: rows, fingerprint: fingerprint)
  }

  /// One recording.
  struct Drive: Sendable {
    var path: String
    var files: [String]
    /// `P_rect_0x`, 3x4, for images of `size`.
    var projection: [Double]
    /// Width and height of the rectified images.
    var size: [Double]
    /// From the LiDAR's frame to the rectified camera 0, 3x4; nil without its calibration.
    var lidar: [Double]?

    func intrinsics(height: Int, width: Int) -> [Float] {
      let scales = [Double(width) / size[0], Double(height) / size[1], 1]
      return [0, 1, 2, 4, 5, 6, 8, 9, 10].map { Float(projection[$0] * scales[$0 / 4]) }
    }

    func scan(_ file: String) -> String {
      let stem = Path.name(file).prefix { $0 != "." }
      return Path.join(path, "velodyne_points/data/\(stem).bin")
    }

    func depth(_ file: String, height: Int, width: Int) throws -> [Float] {
      guard let lidar else { throw ReproError.data(path, "there is no calib_velo_to_cam.txt") }
      let scan = scan(file)
      let points = try KITTIScan.read(try SafeFile.read(scan), file: scan)
      let scales = [Double(width) / size[0], Double(height) / size[1], 1]
      var p = [Double](repeating: 0, count: 12)
      for i in 0..<3 {
        for j in 0..<4 {
          var sum: Double = j == 3 ? projection[4 * i + 3] : 0
          for k in 0..<3 { sum += projection[4 * i + k] * lidar[4 * k + j] }
          p[4 * i + j] = sum * scales[i]
        }
      }
      return KITTIScan.depth(points, projection: p, height: height, width: width)
    }
  }

  /// The recordings in a folder.
  struct Listing {
    var path: String
    var drives: [Drive] = []

    init(_ given: String, camera: String = "02") throws {
      path = try FolderImages.root(given)
      for date in FolderImages.folders(path) {
        let day = Path.join(path, date)
        let names = FolderImages.folders(day).filter { SafeFile.isFolder(Path.join(day, "\($0)/image_\(camera)/data")) }
        guard !names.isEmpty else { continue }
        let file = Path.join(day, "calib_cam_to_cam.txt")
        let calibration = try KITTICalibration(try SafeFile.read(file, limit: 1 << 20), file: file)
        let projection = try calibration.matrix("P_rect_\(camera)", count: 12)
        let size = try calibration.matrix("S_rect_\(camera)", count: 2)
        guard size.allSatisfy({ $0 >= 1 }) else { throw ReproError.data(file, "S_rect_\(camera) is \(size)") }
        let lidar = try Self.lidar(day, calibration)
        for name in names {
          let drive = Path.join(day, name)
          let files = FolderImages.images(Path.join(drive, "image_\(camera)/data"))
          guard !files.isEmpty else {
            throw ReproError.data(Path.join(drive, "image_\(camera)/data"), "there are no frames")
          }
          drives.append(Drive(path: drive, files: files, projection: projection, size: size, lidar: lidar))
        }
      }
      guard !drives.isEmpty else {
        throw ReproError.data(path, "there are no drives", expected: "<date>/<drive>/image_\(camera)/data/*.png")
      }
    }

    /// `R_rect_00 [R | T]` of the LiDAR, 3x4.
    private static func lidar(_ day: String, _ camera: KITTICalibration) throws -> [Double]? {
      let file = Path.join(day, "calib_velo_to_cam.txt")
      guard SafeFile.exists(file) else { return nil }
      let calibration = try KITTICalibration(try SafeFile.read(file, limit: 1 << 20), file: file)
      let (r, t) = (try calibration.matrix("R", count: 9), try calibration.matrix("T", count: 3))
      let rectify = try camera.matrix("R_rect_00", count: 9)
      var result = [Double](repeating: 0, count: 12)
      for i in 0..<3 {
        for k in 0..<3 {
          for j in 0..<3 { result[4 * i + j] += rectify[3 * i + k] * r[3 * k + j] }
          result[4 * i + 3] += rectify[3 * i + k] * t[k]
        }
      }
      return result
    }
  }
}
