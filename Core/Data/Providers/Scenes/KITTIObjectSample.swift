import ReproConfig
import ReproTensor

/// Three frames of KITTI object detection: the left colour image, the LiDAR scan, calibration and labelled objects.
///
/// Images are cut on the right and below to 1224x370, which leaves the camera as it is. Columns: `image`, `points`
/// `[n, 4]` (`points: n`, default 8192, drawn from the scan by the run's seed), `intrinsics` `[3, 3]` of the
/// rectified camera; labels `depth` `[370, 1224]` (the scan in the image, metres, 0 where there is none) and `objects`
/// (the label file as text). All three frames are the training part, or with `part: test` the test part.
///
/// Source: Geiger, Lenz, Urtasun 2012, "Are we ready for autonomous driving?".
public struct KITTIObjectSample: TabledDataset {
  public static let card = DatasetCard(
    .kittiObjectSample, source: "Geiger, Lenz, Urtasun 2012, Are we ready for autonomous driving?")

  static let (height, width) = (370, 1224)
  public let samples: SampleTable
  /// All points of each frame, `[N, 4]`.
  public let scans: [[Float]]
  public let objects: [[KITTIObject]]

  public init(_ options: inout Section, root: DataRoot) throws {
    let count = try options.int("points", in: 1...100_000, default: 8192)
    let part = try options.choice("part", ["train", "test"], default: "train")
    let (height, width) = (Self.height, Self.width)
    let set = SourceSet.kittiObjectSample
    var (pixels, points, depths, intrinsics): ([UInt8], [Float], [Float], [Float]) = ([], [], [], [])
    var scans: [[Float]] = []
    var texts: [String] = []
    var objects: [[KITTIObject]] = []
    for frame in 0..<3 {
      let name = "00000\(frame)"
      let image = try PNG.decode(
        root.bytes("image_2/\(name).png", of: set), channels: 3, name: "kitti-object-sample/image_2/\(name).png")
      guard image.height >= height, image.width >= width else {
        throw ReproError.data("kitti-object-sample/image_2/\(name).png", "\(image.width)x\(image.height)")
      }
      pixels += image.cropped(top: 0, left: 0, height: height, width: width).bytes
      let scan = try KITTIScan.read(
        root.unpacked("velodyne/\(name).bin.gz", of: set), file: "kitti-object-sample/velodyne/\(name).bin")
      let calibration = try KITTICalibration(
        root.bytes("calib/\(name).txt", of: set), file: "kitti-object-sample/calib/\(name).txt")
      let projection = try Self.projection(calibration)
      depths += KITTIScan.depth(scan, projection: projection, height: height, width: width)
      let p = try calibration.matrix("P2", count: 12)
      intrinsics += [0, 1, 2, 4, 5, 6, 8, 9, 10].map { Float(p[$0]) }
      var stream = RandomStream(seed: root.seed).child("data/subset").child("points", frame)
      let order = stream.permutation(scan.count / 4)
      guard order.count >= count else {
        throw ReproError.data("kitti-object-sample/velodyne/\(name).bin", "\(order.count) points", expected: "\(count)")
      }
      for i in order.prefix(count) { points += scan[4 * i..<4 * i + 4] }
      scans.append(scan)
      let label = try root.bytes("label_2/\(name).txt", of: set)
      objects.append(try KITTIObject.read(label, file: "kitti-object-sample/label_2/\(name).txt"))
      texts.append(try PlainText.decode(label, file: "kitti-object-sample/label_2/\(name).txt"))
    }
    (self.scans, self.objects) = (scans, objects)
    let images = ImageBatch(count: 3, height: height, width: width, channels: 3, bytes: pixels)
    samples = try SampleTable(
      set, decoder: PNG.version,
      columns: [
        .images(images),
        try .reals("points", points, shape: [count, 4], unit: "m", source: set.id),
        try .reals("intrinsics", intrinsics, shape: [3, 3], unit: "px", source: set.id),
        try .reals("depth", depths, shape: [height, width], unit: "m", source: set.id, isLabel: true),
        .texts("objects", texts, isLabel: true),
      ], rows: [part == "train" ? .train : .test: [0, 1, 2]])
  }

  /// `P2 R0_rect Tr_velo_to_cam`, 3x4: from the scan's frame to pixels of the left colour image.
  static func projection(_ calibration: KITTICalibration) throws -> [Double] {
    let p = try calibration.matrix("P2", count: 12)
    let r = try calibration.matrix("R0_rect", "R_rect_00", count: 9)
    let t = try calibration.matrix("Tr_velo_to_cam", "Tr_velo_cam", count: 12)
    // R0_rect Tr, 3x4; its last row of four is 0 0 0 1.
    var m = [Double](repeating: 0, count: 16)
    m[15] = 1
    var result = [Double](repeating: 0, count: 12)
    for i in 0..<3 { for j in 0..<4 { for k in 0..<3 { m[4 * i + j] += r[3 * i + k] * t[4 * k + j] } } }
    for i in 0..<3 { for j in 0..<4 { for k in 0..<4 { result[4 * i + j] += p[4 * i + k] * m[4 * k + j] } } }
    return result
  }
}
