import Glibc
import ReproConfig
import ReproTensor

/// NeRF's synthetic Lego: 100 training, 25 validation and 25 test views of one object with their cameras, 200x200.
///
/// Columns: `image` (RGB over white, or with `channels: 4` RGBA with straight alpha), `intrinsics`, `rotation`,
/// `translation` (see `PhotoCamera`; the scene fits a cube of edge about 2.4 around the origin). Options: `channels` (3
/// or 4), `size` (pixels), `train`, `validation`, `test` (numbers of views, the first of each part; order of the
/// files).
///
/// Source: Mildenhall et al. 2020, "NeRF" (arXiv 2003.08934).
public struct NeRFLego: TabledDataset {
  public static let card = DatasetCard(.nerfLego, source: "Mildenhall et al. 2020, NeRF, arXiv 2003.08934")

  static let side = 200
  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let channels = try options.int("channels", in: 3...4, default: 3)
    let size = try options.int("size", in: 8...Self.side, default: Self.side)
    let counts = [
      try options.int("train", in: 1...100, default: 100), try options.int("validation", in: 0...25, default: 25),
      try options.int("test", in: 1...25, default: 25),
    ]
    var views: [TransformsFile.View] = []
    for (part, count) in zip(["train", "val", "test"], counts) {
      let name = "transforms_\(part).json"
      let file = try TransformsFile(
        root.bytes(name, of: .nerfLego), height: Self.side, width: Self.side, file: "nerf-lego/\(name)")
      guard file.views.count >= count else {
        throw ReproError.data("nerf-lego/\(name)", "\(file.views.count) views", expected: "\(count)")
      }
      views += file.views.prefix(count)
    }
    var pixels: [UInt8] = []
    for view in views {
      let name = "\(view.path.hasPrefix("./") ? String(view.path.dropFirst(2)) : view.path).png"
      guard SourceSet.nerfLego.files.contains(where: { $0.path == "nerf-lego/\(name)" }) else {
        throw ReproError.data("nerf-lego", "there is no image '\(clipped(name))'")
      }
      let image = try PNG.decode(root.bytes(name, of: .nerfLego), channels: channels, name: "nerf-lego/\(name)")
      guard image.height == Self.side, image.width == Self.side else {
        throw ReproError.data("nerf-lego/\(name)", "\(image.width)x\(image.height)", expected: "200x200")
      }
      pixels += image.bytes
    }
    let images = ImageBatch(
      count: views.count, height: Self.side, width: Self.side, channels: channels, bytes: pixels)
    let scale = Double(size) / Double(Self.side)
    samples = try SampleTable(
      .nerfLego, decoder: PNG.version,
      columns: [.images(images.resampled(height: size, width: size, .bilinear))]
        + (try PhotoCamera.columns(
          views.map { $0.camera.cut(left: 0, top: 0, scaleX: scale, scaleY: scale) }, unit: "1", source: "nerf-lego")),
      rows: PublishedParts(train: counts[0], validation: counts[1], test: counts[2]).whole)
  }
}

/// The cameras of a `transforms.json` as NeRF's synthetic scenes have it.
///
/// `camera_angle_x` is the horizontal field of view in radians; `transform_matrix` takes camera to world, the camera
/// looks along its -z with +y up.
public struct TransformsFile: Sendable {
  public struct View: Sendable {
    /// As the file spells it, mostly without an ending.
    public var path: String
    public var camera: PhotoCamera
  }
  public var views: [View]

  /// - Parameters:
  ///   - height, width: of the images, pixels.
  public init(_ bytes: [UInt8], height: Int, width: Int, file: String) throws {
    let json = try JSONValue(parsing: bytes, file: file)
    let angle = try json.required("camera_angle_x", as: \.double, at: file)
    guard angle > 0, angle < Double.pi else {
      throw ReproError.data(file, "camera_angle_x is \(angle)", expected: "radians, more than 0 and below pi")
    }
    let focal = Double(width) / 2 / tan(angle / 2)
    let frames = try json.required("frames", as: \.array, at: file)
    guard !frames.isEmpty else { throw ReproError.data(file, "there are no frames") }
    views = try frames.enumerated().map { i, frame in
      let place = "\(file):frames[\(i)]"
      let path = try frame.required("file_path", as: \.string, at: place)
      let rows = try frame.required("transform_matrix", as: \.array, at: place).map { $0.array ?? [] }
      let m = rows.flatMap { $0.compactMap(\.double) }
      guard rows.count == 4, m.count == 16, rows.allSatisfy({ $0.count == 4 }) else {
        throw ReproError.data(place, "the transform_matrix has \(m.count) numbers", expected: "4x4")
      }
      // Columns of the camera's axes in the world; y and z turn round for x right, y down, z forward.
      let axes: [[Double]] = [
        [m[0], m[4], m[8]], [-m[1], -m[5], -m[9]], [-m[2], -m[6], -m[10]],
      ]
      let centre = [m[3], m[7], m[11]]
      return View(
        path: path,
        camera: PhotoCamera(
          intrinsics: [focal, 0, Double(width) / 2, 0, focal, Double(height) / 2, 0, 0, 1],
          rotation: axes.flatMap { $0 },
          translation: axes.map { -($0[0] * centre[0] + $0[1] * centre[1] + $0[2] * centre[2]) }))
    }
  }
}
