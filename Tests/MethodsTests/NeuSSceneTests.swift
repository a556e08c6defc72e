import Glibc
import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor
import TestSupport
import Testing

@testable import Geometric

/// A scene of NeuS: cameras, networks, surface, and a whole training on pictures of a ball.
@Suite struct NeuSSceneTests {
  private static let small: [(key: String, value: String)] = [
    ("width", "24"), ("layers", "3"), ("skips", "[2]"), ("frequencies", "1"), ("features", "4"),
    ("colour", "{width: 16, layers: 1, frequencies: 1}"),
    ("samples", "{even: 8, important: 8, rounds: 2, outside: 6}"), ("rays", "24"), ("ray_shards", "2"), ("grid", "24"),
    ("points", "64"), ("probes", "32"), ("views", "1"), ("radiance_frequencies", "2"),
  ]

  /// A small scene; options that are given take the place of the small ones.
  private static func method(_ given: String) throws -> NeuS {
    let kept = small.filter { !given.contains("\($0.key):") || ($0.key == "width" && !given.hasPrefix("width:")) }
    return try make(NeuS.self, "{\((kept.map { "\($0.key): \($0.value)" } + [given]).joined(separator: ", "))}")
  }

  /// Pictures of a white ball of radius 0.7 before black, from six sides, 12 x 12 pixels; in the form of scenes or of views.
  private static func ball(scenes: Bool = true, radius: Double = 0.7, unit: Double = 1) -> Batch {
    let (side, focal, distance) = (12, 16.0, 3.0)
    let axes: [[Double]] = [[1, 0, 0], [-1, 0, 0], [0, 0, 1], [0, 0, -1], [0.6, 0.8, 0], [0.6, -0.8, 0]]
    // Scenes count pixels from the centre of the first, views from its corner.
    let middle = scenes ? Double(side - 1) / 2 : Double(side) / 2
    let k: [Double] = [focal, 0, middle, 0, focal, middle, 0, 0, 1]
    var (bytes, cameras, rotations, translations) = ([UInt8](), [Double](), [Double](), [Double]())
    for towards in axes {
      let ahead = towards.map { -$0 }
      let up: [Double] = abs(towards[1]) > 0.7 ? [0, 0, 1] : [0, 1, 0]
      func cross(_ a: [Double], _ b: [Double]) -> [Double] {
        [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
      }
      func unitLength(_ v: [Double]) -> [Double] {
        let n = (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]).squareRoot()
        return v.map { $0 / n }
      }
      let right = unitLength(cross(ahead, up))
      let down = cross(ahead, right)
      let rows = [right, down, ahead]
      let t = [0, 0, distance * unit]
      for i in 0..<3 { cameras += rows[i] + [t[i]] }
      rotations += rows.flatMap { $0 }
      translations += t
      for row in 0..<side {
        for column in 0..<side {
          let (x, y) = ((Double(column) - 5.5) / focal, (Double(row) - 5.5) / focal)
          // The ray from (0, 0, -3) along (x, y, 1) passes the centre at this distance.
          let passes = distance * (x * x + y * y).squareRoot() / (1 + x * x + y * y).squareRoot()
          bytes += [UInt8](repeating: passes < radius ? 255 : 0, count: 3)
        }
      }
    }
    func reals(_ shape: Shape, _ values: [Double]) -> Column { .reals(Tensor(shape, values.map { Real($0) })) }
    let images = ImageBatch(count: 1, frames: 6, height: side, width: side, channels: 3, bytes: bytes)
    if scenes {
      return Batch(
        indices: [0],
        columns: [
          ("views", .images(images)), ("intrinsics", reals([1, 3, 3], k)), ("cameras", reals([1, 6, 3, 4], cameras)),
        ])
    }
    return Batch(
      indices: Array(0..<6),
      columns: [
        ("image", .images(images.separated)),
        ("intrinsics", reals([6, 3, 3], (0..<6).flatMap { _ in k })), ("rotation", reals([6, 3, 3], rotations)),
        ("translation", reals([6, 3], translations)),
      ])
  }

  @Test(arguments: [true, false])
  func raysPassThroughThePointsThatTheirPixelsShow(scenes: Bool) throws {
    let capture = try Capture(Self.ball(scenes: scenes, unit: 2), sample: 0, radius: 2)
    #expect(capture.views == 6 && capture.pixels == 6 * 144)
    // Camera 0 stands at (3, 0, 0) and looks along -x; its x axis is world z turned, its y axis world -y.
    let pixel = 2 * 12 + 9  // row 2, column 9
    let rays = capture.rays([pixel])
    let (o, d) = (rays.origins.values.map { Double($0) }, rays.directions.values.map { Double($0) })
    expectNear(o, [3, 0, 0], 1e-5)
    let t = 1 / abs(d[0])
    expectNear(d.map { $0 * t }, [-1, 3.5 / 16, -3.5 / 16], 1e-5)
    #expect(abs(rays.middles.values[0] - Real(-(o[0] * d[0]))) < 1e-5)
    // Pixels that are white see the ball, others do not.
    let all = Array(0..<capture.pixels)
    let (colours, masks) = (capture.colours(all, background: 0), capture.masks(all, background: 0))
    let rows = capture.rays(all)
    let nearest = (rows.origins + rows.directions * rows.middles).squared().sum(1).sqrt().values
    for i in all {
      #expect((nearest[i] < 0.7) == (masks.values[i] == 1) && colours.values[3 * i] == masks.values[i])
    }
  }

  private func expectNear(_ found: [Double], _ expected: [Double], _ tolerance: Double) {
    #expect(zip(found, expected).allSatisfy { abs($0 - $1) < tolerance }, "\(found), expected \(expected)")
  }

  @Test func transparentPixelsAreLaidOverTheBackground() throws {
    var batch = Self.ball(scenes: false)
    batch.columns[0].values = .images(
      ImageBatch(
        count: 6, height: 1, width: 1, channels: 4, bytes: (0..<6).flatMap { _ in [255, 0, 51, 102] as [UInt8] }))
    let capture = try Capture(batch, sample: 0, radius: 1)
    expectNear(capture.colours([3], background: 1).values.map { Double($0) }, [1, 0.6, 0.68], 1e-6)
    expectNear(capture.masks([3], background: 1).values.map { Double($0) }, [0.4], 1e-6)
  }

  @Test func dataWithoutCamerasAreRefused() {
    #expect(throws: ReproError.self) {
      _ = try Capture(Batch(indices: [0], columns: [("image", .integers([0]))]), sample: 0, radius: 1)
    }
    do {
      _ = try Capture(Batch(indices: [0], columns: [("label", .integers([0]))]), sample: 0, radius: 1)
    } catch {
      #expect("\(error)".contains("no numbers 'intrinsics' among the columns [\"label\"]"), "\(error)")
    }
  }

  @Test func optionsThatCannotBeAreRefused() {
    func refusal(_ yaml: String) -> String {
      do { _ = try Self.method(yaml) } catch { return "\(error)" }
      return "none"
    }
    #expect(refusal("render: biased").contains("biased"))
    #expect(refusal("samples: {even: 8, important: 9, rounds: 2}").contains("9 important samples in 2 rounds"))
    #expect(refusal("ray_shards: 5").contains("24 rays in 5 shards"))
    #expect(refusal("annealing: 2").contains("annealing"))
  }

  // MARK: networks

  @Test func theUntrainedFieldIsASphereAndWithoutGeometryItIsNot() throws {
    var stream = RandomStream(seed: 4)
    let places = stream.normal([200, 3]).l2Normalized() * 0.5
    func error(_ more: String) throws -> Real {
      let model = try Self.method(more).options.model(RandomStream(seed: 8))
      return model.signed(at: places, level: 1).abs().mean().item
    }
    #expect(try error("width: 256, background: black") < 0.1)
    #expect(try error("width: 64, background: black, sphere: 0.9") > 0.25)
    #expect(try error("width: 64, background: black, geometric_init: false") > 0.0)
    let usual = try Self.method("geometric_init: false").options.model(RandomStream(seed: 8))
    let network = try #require(usual.field).effective
    #expect(network.hidden.allSatisfy { ($0.bias?.abs().sum().item ?? 0) > 0 })
  }

  @Test func weightNormalisationKeepsTheFunctionAndIgnoresTheLengthOfTheDirection() throws {
    let places = Tensor([4, 3], (0..<12).map { Real($0) / 12 - 0.4 })
    let plain = try Self.method("weight_norm: false").options.model(RandomStream(seed: 8))
    var normal = try Self.method("weight_norm: true").options.model(RandomStream(seed: 8))
    let expected = plain.signed(at: places, level: 1).values
    #expect(zip(normal.signed(at: places, level: 1).values, expected).allSatisfy { abs($0 - $1) < 1e-5 })
    let weight = try #require(normal.field?.network.hidden[1].weight)
    normal.field?.network.hidden[1].weight = weight * 3
    #expect(zip(normal.signed(at: places, level: 1).values, expected).allSatisfy { abs($0 - $1) < 1e-5 })
    let gain = try #require(normal.field?.gains[1].gain)
    normal.field?.gains[1].gain = gain * 2
    #expect(zip(normal.signed(at: places, level: 1).values, expected).contains { abs($0 - $1) > 1e-3 })
  }

  @Test(arguments: ["background: black", "background: network", "background: white, render: naive"])
  func gradientsThroughNormalsAgreeWithDifferences(_ more: String) throws {
    let method = try Self.method("softplus: 10, weights: {eikonal: 0.5, mask: 0.3}, \(more)")
    let capture = try Capture(Self.ball(), sample: 0, radius: 1)
    let pixels = (0..<12).map { 60 + 7 * $0 }
    let rays = capture.rays(pixels)
    var model = method.options.model(RandomStream(seed: 8))
    let renderer = method.options.renderer
    let depths = renderer.depths(model, rays, jitter: nil)
    #expect(!depths.isTracked)
    func loss(_ model: SceneModel) -> Tensor {
      let seen = renderer(model, rays, depths: depths, annealing: 0.5, createGraph: true)
      var metrics: Metrics = [:]
      return method.loss(
        colour: seen.colour, truth: capture.colours(pixels, background: 0.3), eikonal: seen.eikonal,
        opacity: seen.opacity, masks: capture.masks(pixels, background: 0), &metrics)
    }
    let (_, gradients) = valueAndGradients(of: &model) { loss($0) }
    let isDouble = MemoryLayout<Real>.size == 8
    let (h, tolerance): (Real, Real) = isDouble ? (1e-6, 1e-5) : (2e-3, 0.05)
    var stream = RandomStream(seed: 5)
    var moved = 0
    for (i, parameter) in model.parameters.enumerated() {
      let direction = stream.normal(parameter.shape).l2Normalized()
      let expected =
        (loss(model.moved(i, by: direction * h)).item - loss(model.moved(i, by: direction * -h)).item) / (2 * h)
      let found = (gradients.values[i] * direction).sum().item
      if found != 0 { moved += 1 }
      #expect(abs(found - expected) < tolerance * max(abs(expected), 0.1), "\(parameter.path): \(found), \(expected)")
    }
    #expect(moved > model.parameters.count * 3 / 4)
  }

  @Test func samplesUseAFixedSharpnessAndNotTheLearntOne() throws {
    let method = try Self.method("background: black")
    let rays = try Capture(Self.ball(), sample: 0, radius: 1).rays([66, 70])
    var model = method.options.model(RandomStream(seed: 8))
    let before = method.options.renderer.depths(model, rays, jitter: nil).values
    model.variance = Tensor([1], [0.7])
    #expect(method.options.renderer.depths(model, rays, jitter: nil).values == before)
    model.variance = Tensor([1], [0.3])
    #expect(abs(model.sharpness.item - 20.0855) < 1e-3)
  }

  // MARK: surfaces

  private let sphere = FieldSurface(
    value: { $0.squared().sum(1).sqrt() * 2 - 1 },
    valueAndGradient: { x in
      let r = x.squared().sum(1, keepsAxis: true).sqrt()
      return ((r * 2 - 1).squeezed(1), x / r * 2)
    })

  @Test func theSurfaceOfAFieldIsFoundByMeshDistanceAndRays() {
    let mesh = sphere.meshes(side: 32)[0]
    // 2 |x| - 1 = 0.4 at the radius 0.7.
    #expect(abs(sphere.meshes(side: 32, levels: [0.4])[0].area.item - 4 * Real.pi * 0.49) < 0.2)
    #expect(abs(mesh.area.item - Real.pi) < 0.03 * Real.pi && mesh.volume.item > 0)
    let distances = sphere.signedDistance(at: Tensor([3, 3], [0.6, 0, 0, 0, 0.5, 0, 0, 0, 0.1])).values
    #expect(zip(distances, [0.1, 0, -0.4]).allSatisfy { abs(Double($0) - $1) < 1e-5 })
    let rays = Rays(
      origins: Tensor([3, 3], [0, 0, -3, 0.3, 0, -3, 0.8, 0, -3]),
      directions: Tensor([3, 3], [0, 0, 1, 0, 0, 1, 0, 0, 1]))
    let found = sphere.firstCrossings(rays)
    #expect(abs((found[0] ?? 0) - 2.5) < 1e-5 && abs((found[1] ?? 0) - 2.6) < 1e-4 && found[2] == nil)
  }

  // MARK: whole steps

  private static func train(_ method: NeuS, steps: Int, rate: Double) throws -> (NeuS.State, [Metrics]) {
    let data = try TrainingData(Ball(), labelled: false, random: RandomStream(seed: 1))
    var state = try method.makeState(for: Ball().spec, random: RandomStream(seed: 2))
    var context = StepContext(
      step: 0, steps: steps, random: RandomStream(seed: 3), data: data, batchSize: 1,
      plan: .constant(rate: rate))
    var all: [Metrics] = []
    for k in 1...steps {
      all.append(try method.step(&state, &context))
      context = context.next(random: RandomStream(seed: 3).child("step", k))
    }
    return (state, all)
  }

  @Test func picturesOfABallMakeTheSphereGrowToIt() throws {
    let method = try Self.method("background: black, rays: 48")
    let (state, metrics) = try Self.train(method, steps: 60, rate: 4e-3)
    let features = try method.embed(state, Self.ball())
    #expect((metrics.last?["colour"] ?? 9) < 0.5 * (metrics.first?["colour"] ?? 0))
    let points = try #require(features.outputs["surface"]).slice(2, 0..<3)
    let radii = points.squared().sum(-1).sqrt()
    #expect(abs(radii.mean().item - 0.7) < 0.1, "\(radii.mean().item)")
    #expect(features.outputs["image"]?.shape == [1, 1, 12, 12, 3])
    #expect(features.outputs["surfaces"]?.shape == [1, 1, 64, 6])
    // Rendered depth and first zero agree to the order of 1 / s, grazing rays included.
    let depths = try #require(features.outputs["ray-depth"]).values
    let spread = try #require(features.outputs["spread"]).item
    let pairs = stride(from: 0, to: depths.count, by: 4).filter { depths[$0 + 2] == 3 }
    #expect(pairs.count > 8)
    let mean = pairs.reduce(Real(0)) { $0 + abs(depths[$1] - depths[$1 + 1]) } / Real(pairs.count)
    #expect(mean < 2 * spread, "\(mean), \(spread)")
  }

  @Test(arguments: [
    "render: density, colour_loss: l2", "render: naive", "background: network", "weights: {mask: 0.1, eikonal: 0}",
  ])
  func everyArmTrainsAllOfItsParametersAndAnswers(_ more: String) throws {
    let method = try Self.method((more.contains("network") ? "" : "background: black, ") + more)
    let before = try method.makeState(for: Ball().spec, random: RandomStream(seed: 2)).model.parameterValues
    let (state, metrics) = try Self.train(method, steps: 3, rate: 1e-3)
    let after = state.model.parameterValues
    #expect(zip(before, after).count { $0 != $1 } >= before.count * 3 / 4)
    #expect(metrics.allSatisfy { $0.items.allSatisfy { $0.value.isFinite } })
    #expect((metrics[0]["eikonal"] == nil) == more.contains("density"))
    let outputs = try method.embed(state, Self.ball()).outputs
    let levels = more.contains("density") ? 1 + method.options.levels.count : 1
    #expect(outputs["surfaces"]?.shape == [1, levels, 64, 6])
    let asked = Batch(
      indices: [0],
      columns: Self.ball().columns + [("queries", .reals(Tensor([1, 2, 6], (0..<12).map { Real($0) / 12 })))])
    #expect(try method.embed(state, asked).outputs["signed-distance"]?.shape == [1, 2])
    let views = try method.embed(state, Self.ball(scenes: false)).outputs
    #expect(views["image"]?.shape == [6, 12, 12, 3] && views["ray-depth"]?.shape == [6, 32, 4])
  }

  /// The rival is NN's field but for its density.
  @Test func theRivalIsARadianceFieldWhoseDensityCannotDie() throws {
    let model = try Self.method("background: black, render: density, radiance_shift: -0.3").options.model(
      RandomStream(seed: 8))
    let field = try #require(model.radiance)
    var stream = RandomStream(seed: 9)
    let (places, directions) = (stream.normal([30, 3]), stream.normal([30, 3]).l2Normalized())
    let (found, expected) = (field.seen(places, directions), field(places, directions: directions))
    #expect(zip(found.colour.values, expected.colour.values).allSatisfy { abs($0 - $1) < 1e-6 })
    for (density, relu) in zip(found.density.values, expected.density.values) {
      #expect(density > 0)
      if relu > 0 { #expect(abs(Double(density) - 10 * log(1 + exp(Double(relu)))) < 1e-4) }
    }
    #expect(field.seen(places).density.values == found.density.values)
  }

  @Test func squaredColoursAreMeansOfSquares() throws {
    let method = try Self.method("background: black, render: density, colour_loss: l2")
    var metrics: Metrics = [:]
    let total = method.loss(
      colour: Tensor([2, 3], [0.5, 0.5, 0.5, 0, 0, 0]), truth: Tensor([2, 3], [0.25, 0.5, 1, 0, 0, 0.25]),
      eikonal: .zeros([2, 2]), opacity: .zeros([2]), masks: nil, &metrics)
    #expect(abs(total.item - (0.0625 + 0.25 + 0.0625) / 2) < 1e-6 && metrics["eikonal"] == nil)
  }

  @Test func theMaskTermIsTheCrossEntropyOfWhatIsStopped() throws {
    let method = try Self.method("background: black, weights: {eikonal: 0.5, mask: 2}")
    var metrics: Metrics = [:]
    let total = method.loss(
      colour: Tensor([2, 3], [0.5, 0.5, 0.5, 0, 0, 0]), truth: Tensor([2, 3], [0.25, 0.5, 1, 0, 0, 0.25]),
      eikonal: Tensor([2, 2], [1, 4, 2, 8]), opacity: Tensor([2], [0.8, 0]), masks: Tensor([2], [1, 0]), &metrics)
    let mask = -(log(0.8) + log(1 - 1e-3)) / 2
    #expect(abs(Double(total.item) - (0.5 + 0.5 * 0.25 + 2 * mask)) < 1e-4)
    #expect(abs((metrics["eikonal"] ?? 0) - 0.25) < 1e-5 && abs((metrics["colour"] ?? 0) - 0.5) < 1e-6)
  }

  /// The ball as a data set of one scene.
  private struct Ball: DatasetProvider {
    static let card = DatasetCard(id: "ball", title: "A ball", source: "this test", licence: "Apache-2.0")
    init() {}
    init(_ options: inout Section, root: DataRoot) throws {}
    var fingerprint: String { "ball" }
    var spec: DataSpec {
      DataSpec(
        fields: [
          FieldSpec("views", .frames(count: 6, height: 12, width: 12, channels: 3), isLabel: false),
          FieldSpec("intrinsics", .real(shape: [3, 3], unit: "px"), isLabel: false),
          FieldSpec("cameras", .real(shape: [6, 3, 4], unit: "m"), isLabel: false),
        ], sizes: [.train: 1, .test: 1])
    }
    func batch(_ indices: [Int], of split: Split) throws -> Batch { ball() }
  }
}

/// Reads every parameter as plain numbers.
private struct Reader: LayerVisitor {
  var values: [[Real]] = []
  mutating func tensor(_ name: StaticString, _ role: Role, _ t: inout Tensor) { values.append(t.values) }
}

extension SceneModel {
  fileprivate var parameterValues: [[Real]] {
    var (copy, reader) = (self, Reader())
    copy.visit(&reader)
    return reader.values
  }
}

/// Moves one trained parameter.
private struct Mover: LayerVisitor {
  var left: Int
  let step: Tensor
  mutating func tensor(_ name: StaticString, _ role: Role, _ t: inout Tensor) {
    if left == 0 { t = t + step }
    left -= 1
  }
}

extension Layer {
  fileprivate func moved(_ parameter: Int, by step: Tensor) -> Self {
    var (copy, mover) = (self, Mover(left: parameter, step: step))
    copy.visit(&mover)
    return copy
  }
}
