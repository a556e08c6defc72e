import ReproConfig
import ReproTensor

/// Middlebury 2003 stereo: the rectified pairs Cones and Teddy, 450x375, with ground-truth disparity.
///
/// Columns: `left`, `right`; labels `disparity`, `right-disparity` `[375, 450]` in pixels (left pixel x matches right
/// pixel x - d; 0 where unknown). Option `test`: which pair is the test part (`teddy` by default, `cones`, `both`); the
/// rest is the training part.
///
/// Source: Scharstein, Szeliski 2003, "High-accuracy stereo depth maps using structured light".
public struct MiddleburyStereo: TabledDataset {
  public static let card = DatasetCard(
    .middleburyStereo, source: "Scharstein, Szeliski 2003, High-accuracy stereo depth maps using structured light")

  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let test = try options.choice("test", ["teddy", "cones", "both"], default: "teddy")
    let (height, width) = (375, 450)
    var pixels: [[UInt8]] = [[], []]
    var disparities: [[Float]] = [[], []]
    for scene in ["cones", "teddy"] {
      for (k, view) in [2, 6].enumerated() {
        let (photo, map) = ("\(scene)/im\(view).png", "\(scene)/disp\(view).pgm")
        let image = try PNG.decode(
          root.bytes(photo, of: .middleburyStereo), channels: 3, name: "middlebury-stereo/\(photo)")
        let disparity = try PNMImage(root.bytes(map, of: .middleburyStereo), file: "middlebury-stereo/\(map)")
        guard image.height == height, image.width == width, disparity.height == height, disparity.width == width,
          disparity.channels == 1
        else { throw ReproError.data("middlebury-stereo/\(scene)", "images of another size", expected: "450x375") }
        pixels[k] += image.bytes
        disparities[k] += disparity.samples.map { Float($0) / 4 }
      }
    }
    func images(_ k: Int) -> ImageBatch {
      ImageBatch(count: 2, height: height, width: width, channels: 3, bytes: pixels[k])
    }
    let shape: Shape = [height, width]
    let names = ["cones", "teddy"]
    samples = try SampleTable(
      .middleburyStereo, decoder: PNG.version,
      columns: [
        .images(images(0), named: "left"), .images(images(1), named: "right"),
        try .reals(
          "disparity", disparities[0], shape: shape, unit: "px", source: "middlebury-stereo", isLabel: true),
        try .reals(
          "right-disparity", disparities[1], shape: shape, unit: "px", source: "middlebury-stereo", isLabel: true),
        .texts("scene", names),
      ],
      rows: [
        .train: names.indices.filter { test != "both" && names[$0] != test },
        .test: names.indices.filter { test == "both" || names[$0] == test },
      ])
  }
}

/// Eleven overlapping photographs of Sceaux castle, 640x481, with intrinsics and without poses.
///
/// Columns: `image`, `intrinsics` `[3, 3]` (pixels), `photo` (its name). All are the training part, in the order in
/// which they were taken. Options: `height` (pixels, default 481; the width follows) .
///
/// Source: Moulon, Monasse, Perrot, Marlet 2016, "OpenMVG: open multiple view geometry".
public struct SceauxCastle: TabledDataset {
  public static let card = DatasetCard(.sceauxCastle, source: "Moulon, Monasse, Perrot, Marlet 2016, OpenMVG")

  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let (height, width) = (481, 640)
    let wanted = try options.int("height", in: 16...height, default: height)
    let wantedWidth = (wanted * width + height / 2) / height
    var cursor = TextCursor(try root.bytes("K.txt", of: .sceauxCastle), file: "sceaux-castle/K.txt")
    var k: [Double] = []
    while cursor.advanceToWords() { while !cursor.isAtLineEnd() { k.append(try cursor.double("the camera matrix")) } }
    guard k.count == 9 else { throw ReproError.data("sceaux-castle/K.txt", "\(k.count) numbers", expected: "9") }
    let names = SourceSet.sceauxCastle.files.map { Path.name($0.path) }.filter { $0.hasSuffix(".jpg") }
    let decoder = try JPEGDecoder()
    var pixels: [UInt8] = []
    for name in names {
      let image = try decoder.decode(root.bytes(name, of: .sceauxCastle), name: "sceaux-castle/\(name)")
      guard image.height == height, image.width == width else {
        throw ReproError.data("sceaux-castle/\(name)", "\(image.width)x\(image.height)", expected: "640x481")
      }
      pixels += image.bytes
    }
    let images = ImageBatch(count: names.count, height: height, width: width, channels: 3, bytes: pixels)
    let scales = [Double(wantedWidth) / Double(width), Double(wanted) / Double(height), 1]
    let intrinsics = names.flatMap { _ in (0..<9).map { Float(k[$0] * scales[$0 / 3]) } }
    samples = try SampleTable(
      .sceauxCastle, decoder: JPEGDecoder.version,
      columns: [
        .images(images.resampled(height: wanted, width: wantedWidth, .bilinear)),
        try .reals("intrinsics", intrinsics, shape: [3, 3], unit: "px", source: "sceaux-castle/K.txt"),
        .texts("photo", names),
      ], rows: [.train: Array(names.indices)])
  }
}
