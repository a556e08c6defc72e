import Glibc
import ReproConfig
import ReproTensor
import TestSupport
import Testing

@testable import ReproData

/// Bytes that Pillow computed (Tests/Vectors/make_pixel_vectors.py).
private struct PixelVectors {
  let file: HDF5File
  let pictures: [String]

  init() throws {
    let tests = "/" + Substring(#filePath).split(separator: "/").dropLast(2).joined(separator: "/")
    file = try HDF5File.open("\(tests)/Vectors/pixels.h5", seal: .ifPresent)
    pictures = try file.children()
  }

  func image(_ picture: String, _ operation: String = "image") throws -> ByteImage {
    let (bytes, shape) = try file.read("\(picture)/\(operation)", as: UInt8.self)
    return ByteImage(height: shape[0], width: shape[1], channels: shape[2], bytes: bytes)
  }

  /// The operations of a kind, with the words behind it.
  func operations(_ picture: String, _ kind: String) throws -> [(name: String, words: [String])] {
    try file.children(of: picture).filter { $0 == kind || $0.hasPrefix(kind + " ") }
      .map { ($0, $0.split(separator: " ").dropFirst().map(String.init)) }
  }

  /// Demands the bytes of Pillow for every picture and every setting of an operation.
  func expect(
    _ kind: String, differing allowed: Int = 0, by limit: Int = 0, sourceLocation: SourceLocation = #_sourceLocation,
    _ change: (ByteImage, [String]) throws -> ByteImage
  ) throws {
    var compared = 0
    for picture in pictures {
      for (name, words) in try operations(picture, kind) {
        let found = try change(try image(picture), words)
        let expected = try image(picture, name)
        #expect(found.height == expected.height && found.width == expected.width, sourceLocation: sourceLocation)
        let differing = zip(found.bytes, expected.bytes).count { $0 != $1 }
        let worst = zip(found.bytes, expected.bytes).map { abs(Int($0) - Int($1)) }.max() ?? 0
        #expect(
          differing <= allowed && worst <= limit,
          "\(picture), \(name): \(differing) of \(expected.bytes.count) bytes differ, by up to \(worst)",
          sourceLocation: sourceLocation)
        compared += 1
      }
    }
    #expect(compared > 0, "no vectors of \(kind)", sourceLocation: sourceLocation)
  }
}

@Suite("Changes of pixels give Pillow's bytes") struct PixelChangeTests {
  private let vectors: PixelVectors
  init() throws { vectors = try PixelVectors() }

  private func number(_ words: [String], _ k: Int = 0) throws -> Double { try #require(Double(words[k])) }

  @Test func resizing() throws {
    try vectors.expect("resize") { image, words in
      let filter = try #require(ResampleFilter(rawValue: words[0]))
      return ImageBatch([image]).resampled(
        height: Int(try number(words, 1)), width: Int(try number(words, 2)), filter
      ).image(0)
    }
  }

  @Test func theShorterSideResizedAndTheMiddleTaken() throws {
    try vectors.expect("evaluated") { image, _ in ImageBatch([image]).evaluated(resize: 20, crop: 16).image(0) }
  }

  @Test func posterizingSolarizingAndInverting() throws {
    try vectors.expect("posterize") { $0.posterized(bits: Int(try number($1))) }
    try vectors.expect("solarize") { $0.solarized(from: Int(try number($1))) }
    try vectors.expect("invert") { image, _ in image.inverted() }
    try vectors.expect("flip") { image, _ in image.flipped() }
    try vectors.expect("grey") { image, _ in image.greyscaled() }
  }

  @Test func equalizingAndStretching() throws {
    try vectors.expect("equalize") { image, _ in image.equalized() }
    try vectors.expect("autocontrast") { image, _ in image.autocontrasted() }
    let flat = ByteImage(height: 2, width: 2, channels: 1, bytes: [7, 7, 7, 7])
    #expect(flat.equalized() == flat && flat.autocontrasted() == flat)
  }

  @Test func brightnessContrastColourAndSharpness() throws {
    try vectors.expect("brightness") { $0.brightened(try number($1)) }
    try vectors.expect("contrast") { $0.contrasted(try number($1)) }
    try vectors.expect("color") { $0.saturated(try number($1)) }
    try vectors.expect("sharpness") { $0.sharpened(try number($1)) }
  }

  @Test func turning() throws { try vectors.expect("rotate") { $0.rotated(try number($1), .bilinear) } }

  @Test func affineMaps() throws {
    // The vectors count angles clockwise; products in another order may round a byte down.
    try vectors.expect("affine", differing: 4, by: 1) { image, words in
      let options: [(Double, (Double, Double), Double, (Double, Double))] = [
        (20, (3, -2), 1.2, (0, 0)), (-10, (0, 0), 0.8, (12, 0)), (5, (1, 4), 1, (8, -6)),
      ]
      let (angle, move, scale, shear) = options[Int(try number(words))]
      return image.warped(
        .affine(
          width: image.width, height: image.height, angle: -angle, translation: (x: move.0, y: move.1), scale: scale,
          shear: (x: shear.0, y: shear.1)))
    }
  }

  @Test func perspectives() throws {
    // The eight coefficients are solved for: a pixel whose place is the very border may fall to the other side.
    try vectors.expect("perspective", differing: 6, by: 255) { image, words in
      let (w, h) = (Double(image.width), Double(image.height))
      let map = PlaneMap.perspective(
        from: [(0, 0), (w - 1, 0), (w - 1, h - 1), (0, h - 1)],
        to: [(3, 2), (w - 5, 1), (w - 2, h - 6), (1, h - 3)])
      return image.warped(try #require(map), words[0] == "nearest" ? .nearest : .bilinear)
    }
    let line: [(x: Double, y: Double)] = [(0, 0), (1, 0), (2, 0), (3, 0)]
    #expect(PlaneMap.perspective(from: line, to: line) == nil)
  }

  @Test func coloursOfTheCIE() throws {
    for picture in ["photo", "square"] {
      let image = try vectors.image(picture)
      let (values, _) = try vectors.file.read("\(picture)/lab", as: Float.self)
      let (lightness, colour) = Pretext.colourisation(ImageBatch([image]))
      let area = image.height * image.width
      let expected = Tensor([area, 3], values.map { Real($0) })
      let found = concat([lightness.reshaped(to: [1, area]), colour.reshaped(to: [2, area])]).transposed()
      expectClose(found, expected, tolerance: 1e-5, picture)
    }
    let white = ImageBatch(count: 1, height: 1, width: 1, channels: 3, bytes: [255, 255, 255])
    #expect(abs(Pretext.colourisation(white).lightness.item - 100) < 1e-3)
  }

  @Test func quartersTurnEveryPixelToItsPlace() throws {
    let image = ByteImage(height: 2, width: 3, channels: 1, bytes: [1, 2, 3, 4, 5, 6])
    #expect(image.quarterTurned(1) == ByteImage(height: 3, width: 2, channels: 1, bytes: [3, 6, 2, 5, 1, 4]))
    #expect(image.quarterTurned(2).bytes == [6, 5, 4, 3, 2, 1])
    #expect(image.quarterTurned(3) == ByteImage(height: 3, width: 2, channels: 1, bytes: [4, 1, 5, 2, 6, 3]))
    #expect(image.quarterTurned(1).quarterTurned(-1) == image && image.quarterTurned(5) == image.quarterTurned(1))
  }
}

@Suite("Random changes of images") struct RandomImageTests {
  private func images(_ n: Int, _ size: Int = 16) -> ImageBatch {
    var stream = RandomStream(seed: 4)
    return ImageBatch(
      count: n, height: size, width: size, channels: 3,
      bytes: (0..<(n * size * size * 3)).map { _ in UInt8(stream.integer(below: 256)) })
  }

  @Test func theBytesDoNotDependOnThreadsNorOnNeighbours() {
    let threads = ThreadPool.shared.threads
    defer { ThreadPool.shared.threads = threads }
    let policy = RandAugment(count: 3, magnitude: 12)
    let batch = images(12)
    func run(_ n: Int) -> ImageBatch {
      ThreadPool.shared.threads = n
      return batch.augmented(random: RandomStream(seed: 9)) { image, stream in
        policy(image, &stream).perspective(distortion: 0.4, &stream).cutOut(side: 5, &stream)
      }
    }
    let one = run(1)
    #expect(one == run(2) && one == run(3))
    ThreadPool.shared.threads = 1
    var stream = RandomStream(seed: 9).child("sample", 0)
    let first = policy(batch.image(0), &stream).perspective(distortion: 0.4, &stream).cutOut(side: 5, &stream)
    #expect(one.image(0) == first)
  }

  @Test func everyOperationOfRandAugmentIsDrawnAsOften() {
    let image = images(1).image(0)
    var names: [[UInt8]: RandAugment.Operation] = [:]
    for operation in RandAugment.Operation.allCases {
      for isNegative in operation.isSigned ? [false, true] : [false] {
        names[RandAugment.apply(operation, to: image, part: 1, isNegative: isNegative).bytes] = operation
      }
    }
    var counts: [RandAugment.Operation: Int] = [:]
    let policy = RandAugment(count: 1, magnitude: 30)
    for k in 0..<1400 {
      var stream = RandomStream(seed: 2).child("image", k)
      if let operation = names[policy(image, &stream).bytes] { counts[operation, default: 0] += 1 }
    }
    #expect(counts.values.reduce(0, +) == 1400)
    // Noise that fills 0...255 is stretched already: nothing and stretching look alike.
    let alike = (counts[.identity] ?? 0) + (counts[.autocontrast] ?? 0)
    #expect(abs(alike - 200) < 50)
    for operation in RandAugment.Operation.allCases where operation != .identity && operation != .autocontrast {
      #expect(abs((counts[operation] ?? 0) - 100) < 40, "\(operation)")
    }
  }

  @Test func withoutStrengthRandAugmentDoesNothing() {
    let image = images(1).image(0)
    for operation in RandAugment.Operation.allCases {
      let still = RandAugment.apply(operation, to: image, part: 0)
      switch operation {
      case .solarize: #expect(still == image.solarized(from: 255))
      case .equalize: #expect(still == image.equalized())
      case .autocontrast: #expect(still == image.autocontrasted())
      default: #expect(still == image, "\(operation)")
      }
      if operation != .identity && operation != .autocontrast {
        #expect(RandAugment.apply(operation, to: image, part: 1) != image, "\(operation)")
      }
    }
    // Strength 9 of torchvision's table for 16 pixels: int(9 / 30 * 150 / 331 * 16) = 2 to the right.
    let moved = RandAugment.apply(.translateX, to: image, part: 0.3)
    for y in 0..<16 { for x in 2..<16 { #expect(moved[y, x, 0] == image[y, x - 2, 0]) } }
    #expect(RandAugment.apply(.posterize, to: image, part: 0.3) == image.posterized(bits: 7))
    #expect(RandAugment.apply(.solarize, to: image, part: 0.3) == image.solarized(from: 179))
  }

  @Test func cutoutCoversItsSquareAsFarAsTheImageGoes() {
    let image = ByteImage(height: 6, width: 6, channels: 1, bytes: [UInt8](repeating: 9, count: 36))
    #expect(image.cut(side: 4, centreX: 3, centreY: 3).bytes.count { $0 == 0 } == 16)
    let corner = image.cut(side: 4, centreX: 0, centreY: 5)
    #expect(corner.bytes.count { $0 == 0 } == 2 * 3)
    #expect(corner[5, 0, 0] == 0 && corner[5, 2, 0] == 9 && corner[2, 0, 0] == 9)
    #expect(image.cut(side: 2, centreX: 9, centreY: -9) == image)
  }

  @Test func mixupIsTheMeanOfPairsWithLabelsAlike() {
    var stream = RandomStream(seed: 3)
    let images = stream.normal([5, 2, 3, 3])
    let labels = Tensor([5, 5], (0..<25).map { $0 % 6 == 0 ? 1 : 0 })
    let mixed = Mixing.mixup(images, alpha: 0.7, random: RandomStream(seed: 8))
    #expect(mixed.partners.sorted() == Array(0..<5))
    let part = mixed.own.values[0]
    #expect(part > 0 && part < 1)
    for i in 0..<5 {
      let expected = images.select(0, i) * part + images.select(0, mixed.partners[i]) * (1 - part)
      expectClose(mixed.images.select(0, i), expected, tolerance: 1e-6)
    }
    expectClose(mixed.labels(labels).sum(1), .ones([5]), tolerance: 1e-6)
    // Beta(a, a) has the mean 1/2.
    let mean = (0..<2000).reduce(0.0) { sum, k in
      sum + Double(Mixing.mixup(labels, alpha: 0.4, random: RandomStream(seed: 1).child("draw", k)).own.values[0])
    }
    #expect(abs(mean / 2000 - 0.5) < 0.03)
  }

  @Test func cutmixTakesARectangleAndCountsItsPixels() {
    let images = Tensor([4, 1, 10, 8], (0..<320).map { Real($0 / 80) })
    var areas: Set<Real> = []
    for seed in 0..<20 {
      let mixed = Mixing.cutmix(images, alpha: 1, random: RandomStream(seed: UInt64(seed)))
      for i in 0..<4 {
        let own = mixed.images.select(0, i).isEqual(Tensor(Real(i))).sum().item
        let isOther = mixed.partners[i] != i
        if isOther { #expect(abs(own / 80 - mixed.own.values[i]) < 1e-6) }
      }
      areas.insert(mixed.own.values[0])
    }
    #expect(areas.count > 5)
    var stream = RandomStream(seed: 1)
    for _ in 0..<200 {
      let box = Mixing.rectangle(height: 10, width: 8, keeps: 0.75, &stream)
      #expect(box.width <= 4 && box.height <= 5 && box.left + box.width <= 8 && box.top + box.height <= 10)
    }
  }

  @Test func puzzlesAndTurnsKeepEveryPixel() {
    let batch = images(2, 12)
    let turned = Pretext.rotations(batch)
    #expect(turned.images.count == 8 && turned.labels == [0, 1, 2, 3, 0, 1, 2, 3])
    #expect(turned.images.image(0) == batch.image(0) && turned.images.image(6) == batch.image(1).quarterTurned(2))
    var stream = RandomStream(seed: 5)
    let order = [3, 1, 2, 0, 8, 7, 6, 5, 4]
    let tiles = Pretext.jigsaw(batch.image(0), grid: 3, tile: 4, order: order, &stream)
    for (k, cell) in order.enumerated() {
      #expect(tiles.image(k) == batch.cropped(top: cell / 3 * 4, left: cell % 3 * 4, height: 4, width: 4).image(0))
    }
    let orders = Pretext.orders(of: 9, count: 30, random: RandomStream(seed: 1))
    #expect(Set(orders.map { "\($0)" }).count == 30 && orders.allSatisfy { $0.sorted() == Array(0..<9) })
    let least = orders.indices.flatMap { i in
      orders.indices.filter { $0 < i }.map { j in zip(orders[i], orders[j]).count { $0 != $1 } }
    }.min()
    #expect(least ?? 0 >= 6, "random orders differ in 8 of 9 places on average; the chosen ones never in less than 6")
  }

  @Test func masksHideWhatTheyAreAskedFor() {
    var stream = RandomStream(seed: 6)
    for ratio in [0, 0.25, 0.75, 1] {
      #expect(PatchMask.even(patches: 196, ratio: ratio, &stream).count { $0 } == Int(196 * ratio))
    }
    var each = [Int](repeating: 0, count: 16)
    for _ in 0..<800 {
      for (i, hidden) in PatchMask.even(patches: 16, ratio: 0.5, &stream).enumerated() where hidden { each[i] += 1 }
    }
    #expect(each.allSatisfy { abs($0 - 400) < 80 })
    var neighbours = 0
    for _ in 0..<50 {
      let mask = PatchMask.blocks(rows: 14, columns: 14, count: 75, &stream)
      let count = mask.count { $0 }
      #expect(count <= 75 && count >= 60)
      for y in 0..<14 { for x in 0..<13 where mask[y * 14 + x] && mask[y * 14 + x + 1] { neighbours += 1 } }
    }
    // Blocks: a hidden patch has a hidden neighbour to its right far more often than 75 in 196.
    #expect(Double(neighbours) / (50 * 75) > 0.7)
  }
}
