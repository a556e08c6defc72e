import Foundation
import ReproConfig
import ReproData
import ReproNN
import ReproTensor
import TestSupport
import Testing

@testable import ReproCLI
@testable import ReproEngine

/// Pictures of methods: how they are drawn, kept, and brought into the report.
@Suite(.serialized) struct ReportPictureTests {
  // MARK: From a run to the page

  @Test func aRunDrawsThePicturesOfItsFirstSeedAndThePageShowsThem() throws {
    try withReportRoot { root in
      try root.record()
      let catalogue = try RecipeCatalog(roots: [root.folder])
      let recipe = try catalogue.recipe(named: "toy-small")
      var bytes: [[String: String]] = []
      for out in [root.runs, root.folder + "/again"] {
        let cell = CellID(recipe: "toy-small", scale: .tiny, arm: "method", seed: 0)
        let resolved = try recipe.resolve(scale: .tiny, arm: "method")
        let runner = try Program.runner(recipe, resolved, cell, out: out, root: root.folder, notices: .silent)
        _ = try runner.run { _ in }
        bytes.append(try ReportRoot.texts("\(out)/\(cell.folder)/pictures"))
      }
      #expect(bytes[0] == bytes[1], "the same run draws the same pictures")
      #expect(
        bytes[0].keys.sorted() == ["crops.png", "feature-map.png", "neighbours.png", "pictures.json"])
      let stored = try PictureFolder.read(ofRun: "\(root.runs)/toy-small/tiny/method-0")
      #expect(stored.map(\.name) == ["crops", "feature-map", "neighbours", "confusion"])
      #expect(stored.allSatisfy { !$0.alternative.isEmpty && !$0.caption.isEmpty })

      let pages = try root.pages()
      let page = try Markup(#require(pages["papers/toy.html"]))
      let images = page.all("img")
      #expect(
        images.compactMap { $0["src"] }
          == ["crops", "feature-map", "neighbours"].map { "../pictures/toy-small/\($0).png" })
      #expect(pages["pictures/toy-small/crops.png"] == bytes[0]["crops.png"])
      #expect(page.text.contains("Arm method, tiny scale, the first seed. Hardly trained"))
      #expect(page.all("rect").count { $0.classes == ["cell"] } == 100, "the confusion of ten classes")
    }
  }

  @Test func laterSeedsDrawNothing() throws {
    try withReportRoot({ $0.replacing("batch: 16, seeds: 1}", with: "batch: 16, seeds: 2}") }) { root in
      let recipe = try RecipeCatalog(roots: [root.folder]).recipe(named: "toy-small")
      let cell = CellID(recipe: "toy-small", scale: .tiny, arm: "random", seed: 1)
      let resolved = try recipe.resolve(scale: .tiny, arm: "random")
      _ = try Program.runner(recipe, resolved, cell, out: root.runs, root: root.folder, notices: .silent).run { _ in }
      #expect(SafeFile.exists("\(root.runs)/\(cell.folder)/record.json"))
      #expect(!SafeFile.isFolder("\(root.runs)/\(cell.folder)/pictures"))
    }
  }

  // MARK: On disk

  @Test func picturesAreReadBackAsTheyWereWritten() throws {
    try withTemporaryFolder { folder in
      let image = ImageBatch(count: 1, height: 2, width: 3, channels: 3, bytes: (0..<18).map { $0 * 3 })
      let matrix = Picture.Matrix(
        rowAxis: "r", columnAxis: "c", rows: ["a"], columns: ["b", "d"], values: [[0.25, 1]], unit: "share")
      try PictureFolder.write(
        [
          Picture("one", title: "T", alternative: "A", caption: "C", .image(image, columns: ["x", "y", "z"])),
          Picture("two", title: "T2", alternative: "A2", caption: "C2", .matrix(matrix)),
        ], ofRun: folder)
      let stored = try PictureFolder.read(ofRun: folder)
      #expect(stored.map(\.name) == ["one", "two"] && stored[0].caption == "C" && stored[1].alternative == "A2")
      guard case .image(let path, 3, 2, ["x", "y", "z"]) = stored[0].content, case .matrix(matrix) = stored[1].content
      else {
        Issue.record("\(stored)")
        return
      }
      #expect(try PNG.read(path) == image)
      #expect(try PictureFolder.read(ofRun: folder + "/elsewhere").isEmpty)
    }
  }

  @Test(arguments: [
    ("{\"format\": 1, \"pictures\": [{\"name\": \"../../record\"}]}", "a picture is called '../../record'"),
    ("{\"format\": 9, \"pictures\": []}", "the index has format 9"),
    ("{\"format\": 1, \"pictures\": [{\"name\": \"a\"}]}", "'title' is missing"),
    ("{\"format\": 1", "pictures.json:1:"),
  ])
  func aDamagedIndexIsNamedAndTheReportGoesOn(index: String, words: String) throws {
    try withReportRoot { root in
      let records = try root.records(.small, ReportRoot.accuracies)
      try root.finish(records)
      try write(index, to: "\(root.runs)/\(records[0].cell.folder)/pictures/pictures.json")
      let site = try root.site()
      let problems = site.problems.map { "\($0)" }
      #expect(
        problems.count == 1 && problems[0].contains("pictures.json") && problems[0].contains(words), "\(problems)")
      #expect(site.papers[0].isExecuted && site.papers[0].recipes[0].pictures.isEmpty)
    }
  }

  @Test func aPictureThatCannotBeDrawnIsSaidAndTheOthersAreKept() throws {
    let said = Lines()
    let (data, context) = try world()
    let pictures = Picture.all(of: Clumsy(), Clumsy.State(), [], context, Notices { said.add($0) })
    #expect(pictures.map(\.name) == ["neighbours", "confusion"] && data.spec.fields.count == 2)
    #expect(said.all == ["no pictures of clumsy: out of paint"])
  }

  // MARK: What is drawn

  @Test func neighboursAndConfusionFollowTheFeatures() throws {
    let (_, context) = try world()
    let pictures = try StandardPictures.neighbours(context)
    // Directions of 0, 10, 25, 80, 95 and 100 degrees; classes a a b b b a.
    // Nearest: 0 -> 1, 1 -> 0, 2 -> 1, 3 -> 4, 4 -> 5, 5 -> 4.
    guard case .matrix(let matrix) = pictures[1].content else {
      Issue.record("no matrix")
      return
    }
    #expect(matrix.rows == ["a", "b"])
    let row: [Double] = [2.0 / 3, 1.0 / 3]
    #expect(matrix.values == [row, row])
    guard case .image(let sheet, let columns) = pictures[0].content else {
      Issue.record("no image")
      return
    }
    #expect(columns == ["query", "1.", "2.", "3.", "4.", "5."] && sheet.channels == 4)
    // Row 2 (25 degrees, class b): its first neighbour is 1 (class a), so the frame is broken and orange.
    func colour(_ row: Int, _ column: Int, _ x: Int, _ y: Int) -> [UInt8] {
      let at = ((row * 102 + y) * sheet.width + column * 102 + x) * 4
      return Array(sheet.bytes[at..<at + 3])
    }
    #expect(colour(2, 1, 0, 0) == [213, 94, 0] && colour(0, 1, 0, 0) == [0, 114, 178])
    // The picture itself is in the middle of its tile: sample 1 is of brightness 40.
    #expect(colour(2, 1, 48, 48) == [40, 40, 40])
  }

  @Test func placesAreColouredByTheirMainDirections() {
    // One dimension: red is its place between the smallest and the largest value.
    let line = principalColours(of: Tensor([1, 2, 2, 1], [0, 1, 2, 3]))
    #expect(line.bytes == [0, 128, 128, 85, 128, 128, 170, 128, 128, 255, 128, 128])
    // The second dimension varies most, then the first: red follows one, green the other.
    let plane = principalColours(of: Tensor([1, 1, 4, 2], [0, 0, 1, 0, 0, 10, 1, 10]))
    let red = (0..<4).map { plane.bytes[$0 * 3] }
    let green = (0..<4).map { plane.bytes[$0 * 3 + 1] }
    #expect(red[0] == red[1] && red[2] == red[3] && red[0] != red[2])
    #expect(green[0] == green[2] && green[1] == green[3] && green[0] != green[1])
  }

  @Test func viewsBecomeTheImagesThatTheyCameFrom() {
    let bytes = (0..<(2 * 16 * 16 * 3)).map { UInt8($0 % 256) }
    let images = ImageBatch(count: 2, height: 16, width: 16, channels: 3, bytes: bytes)
    #expect(ImageBatch(views: images.normalizedTensor) == images)
  }

  @Test func masksHideTheirPatchesOnly() {
    let images = ImageBatch(count: 1, height: 4, width: 6, channels: 1, bytes: (0..<24).map { UInt8($0) })
    let hidden = images.hiding([[false, true, false, false, false, true]], rows: 2, columns: 3)
    for y in 0..<4 {
      for x in 0..<6 {
        let isHidden = (y < 2 && (2...3).contains(x)) || (y >= 2 && x >= 4)
        #expect(hidden.bytes[y * 6 + x] == (isHidden ? 128 : UInt8(y * 6 + x)))
      }
    }
  }

  @Test func reducedImagesAreMeansOfSquares() {
    let images = ImageBatch(
      count: 1, height: 3, width: 5, channels: 1, bytes: [0, 4, 8, 8, 1, 2, 2, 9, 9, 1, 7, 7, 7, 7, 7])
    #expect(images.reduced(by: 2) == ImageBatch(count: 1, height: 1, width: 2, channels: 1, bytes: [2, 9]))
  }

  @Test func aMeshIsDrawnByItsNearestTriangles() {
    // Two squares across the view from +z: a large one at z = 0, a small one before it, turned by 45 degrees around x.
    let corners: [Real] = [
      -1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 1, 0, -0.5, -0.5, 0.5, 0.5, -0.5, 0.5, 0.5, 0.5, 1.5, -0.5, 0.5, 1.5,
    ]
    let faces = [0, 1, 2, 0, 2, 3, 4, 5, 6, 4, 6, 7]
    let mesh = TriangleMesh(
      vertices: Tensor([8, 3], corners), faces: IndexTensor([4, 3], faces))
    let size = 100
    let images = mesh.pictures(from: [(0, 0), (180, 0)], size: size, colour: Colour(200, 100, 50))
    func pixel(_ view: Int, _ x: Int, _ y: Int) -> [UInt8] {
      let at = ((view * size + y) * size + x) * 4
      return Array(images.bytes[at..<at + 4])
    }
    // Facing the viewer: the full colour; turned by 45 degrees: 0.3 + 0.7 cos 45 = 0.795 of it; beside: nothing.
    #expect(pixel(0, 50, 50) == [159, 79, 40, 255])
    #expect(pixel(0, 30, 30) == [200, 100, 50, 255] && pixel(0, 2, 2) == [0, 0, 0, 0])
    // From behind the large square hides the small one.
    #expect(pixel(1, 50, 50) == [200, 100, 50, 255])
    // The scale: the sphere around the box fits; the box's middle is (0, 0, 0.75), its farthest corner (1, 1, 0).
    let side = 2 * Double(size) / 2 * 0.96 / (1 + 1 + 0.75 * 0.75).squareRoot()
    let covered = (0..<size * size).count { images.bytes[size * size * 4 + $0 * 4 + 3] == 255 }
    #expect(abs(Double(covered) - side * side) < 2 * side)
    #expect(
      TriangleMesh(vertices: .zeros([0, 3]), faces: IndexTensor([0, 3], [])).pictures().bytes.allSatisfy {
        $0 == 0
      })
  }

  @Test func theScaleOfColoursGetsLighterAllTheWay() {
    let light = (0...100).map { i -> Double in
      let c = ColourMap.colour(Double(i) / 100)
      return 0.2126 * Double(c.red) + 0.7152 * Double(c.green) + 0.0722 * Double(c.blue)
    }
    for (a, b) in zip(light, light.dropFirst()) { #expect(b > a - 0.5) }
    #expect(light[100] - light[0] > 150)
    #expect(ColourMap.colour(.nan) == ColourMap.colour(0) && ColourMap.colour(7) == ColourMap.colour(1))
    let maps = ColourMap.images(Tensor([1, 1, 3], [5, 10, 15]))
    #expect(
      maps.bytes
        == [ColourMap.colour(0), .init(112, 113, 115), ColourMap.colour(1)].flatMap { [$0.red, $0.green, $0.blue] })
    #expect(ColourMap.directions(Tensor([1, 3, 1, 1], [0, -1, 1])).bytes == [128, 0, 255])
  }

  /// Six grey pictures in two classes whose features are directions in a plane.
  private func world() throws -> (data: GreyData, context: PictureContext) {
    let data = GreyData()
    let subject = EvaluationSubject(encoder: Compass(), data: data)
    return (data, PictureContext(data: data, subject: subject, random: RandomStream(seed: 1)))
  }
}

/// What was said, in order.
private final class Lines: @unchecked Sendable {
  private let lock = NSLock()
  private var lines: [String] = []
  func add(_ line: String) { lock.withLock { lines.append(line) } }
  var all: [String] { lock.withLock { lines } }
}

private struct GreyData: DatasetProvider {
  static let card = DatasetCard(id: "grey", title: "Grey squares", source: "tests", licence: "none")
  let spec = DataSpec(
    fields: [
      FieldSpec("image", .image(height: 4, width: 4, channels: 1), isLabel: false),
      FieldSpec("label", .category(classes: ["a", "b"]), isLabel: true),
    ], sizes: [.test: 6])
  var fingerprint: String { "grey" }
  init() {}
  init(_ options: inout Section, root: DataRoot) throws { self.init() }

  func batch(_ indices: [Int], of split: Split) throws -> Batch {
    let images = ImageBatch(
      count: indices.count, height: 4, width: 4, channels: 1,
      bytes: indices.flatMap { [UInt8](repeating: UInt8($0 * 40), count: 16) })
    let labels = [0, 0, 1, 1, 1, 0]
    return Batch(
      indices: indices, columns: [("image", .images(images)), ("label", .integers(indices.map { labels[$0] }))])
  }
}

/// Features of a sample: a direction that belongs to its index.
private struct Compass: Encoder {
  func features(of batch: Batch) throws -> Features {
    let degrees: [Double] = [0, 10, 25, 80, 95, 100]
    let values = batch.indices.flatMap { i -> [Real] in
      let angle = degrees[i] * .pi / 180
      return [Real(cos(angle)), Real(sin(angle))]
    }
    return Features(global: Tensor([batch.count, 2], values))
  }
}

/// A method whose pictures fail.
private struct Clumsy: PictureSource {
  static let card = MethodCard(id: "clumsy", title: "Clumsy", year: 2026, arxiv: nil, family: .baseline)
  struct State: Layer { mutating func visit(_ v: inout some LayerVisitor) {} }
  init() {}
  init(_ options: inout Section) throws(ReproError) {}
  func makeState(for data: DataSpec, random: RandomStream) throws -> State { State() }
  func step(_ state: inout State, _ context: inout StepContext) throws -> Metrics { [:] }
  func embed(_ state: State, _ batch: Batch) throws -> Features { Features(global: .zeros([batch.count, 1])) }
  func pictures(of state: State, _ context: PictureContext) throws -> [Picture] {
    throw ReproError(.data, found: "out of paint")
  }
}
