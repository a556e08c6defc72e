import ReproConfig
import ReproEngine
import ReproNN
import ReproTensor

/// Every ingredient of NeuS that a recipe can change.
struct NeuSOptions: Sendable {
  let rendering: Rendering
  /// Rays of a step, and places of the surface that a ray is sampled at.
  let rays: Int
  /// Micro-shards of a step's rays, which are computed one after the other and added in a fixed tree.
  let shards: Int
  let sampler: RaySampler
  /// Samples outside of the unit ball, for the background network.
  let outside: Int
  let distance: SDFConfiguration
  let isGeometric, isNormalized: Bool
  let colourWidth, colourLayers, viewFrequencies: Int
  let radiance: NeRFConfiguration
  /// What a radiance field's density is shifted by: 1 begins opaque, 3 as a fog.
  let radianceShift: Real
  /// What is behind the object: one grey in 0...1, or a network.
  let backgroundGrey: Real?
  /// v at the start.
  let variance: Real
  /// Part of the stage in which the slope sharpens.
  let annealing: Double
  /// Whether colours differ by squares, as a radiance field is trained, instead of magnitudes.
  let isSquared: Bool
  let eikonal, mask: Real
  /// The radius of the ball that holds the scene, in the data's unit of length.
  let radius: Double
  /// Densities at which a radiance field is taken for a surface: the fixed one, and those among which an oracle chooses.
  let level: Real
  let levels: [Real]
  /// Samples a side of the grid for marching cubes, points on a surface, rays and views that evaluations look at.
  let grid, points, probes, views: Int

  init(_ s: inout Section) throws(ReproError) {
    let word = try s.choice("render", Rendering.allCases.map(\.rawValue), default: Rendering.unbiased.rawValue)
    rendering = Rendering(rawValue: word) ?? .unbiased
    rays = try s.int("rays", in: 1...65536, default: 512)
    shards = try s.int("ray_shards", in: 1...1024, default: 1)
    guard rays % shards == 0 else {
      throw ReproError(
        .usage, at: "method.ray_shards", found: "\(rays) rays in \(shards) shards", expected: "equal shards")
    }
    let samples =
      try s.section("samples") { inner throws(ReproError) in
        let even = try inner.int("even", in: 2...1024, default: 64)
        let important = try inner.int("important", in: 0...1024, default: 64)
        let rounds = try inner.int("rounds", in: 1...16, default: 4)
        return (even, important, rounds, try inner.int("outside", in: 1...1024, default: 32))
      } ?? (64, 64, 4, 32)
    guard samples.1 % samples.2 == 0 else {
      throw ReproError(
        .usage, at: "method.samples", found: "\(samples.1) important samples in \(samples.2) rounds",
        expected: "as many in each round")
    }
    sampler = RaySampler(even: samples.0, important: samples.1, rounds: samples.2, rendering: rendering)
    outside = samples.3
    let features = try s.int("features", in: 0...1024, default: 256)
    var c = SDFConfiguration()
    c.width = try s.int("width", in: 8...2048, default: 256)
    c.layers = try s.int("layers", in: 1...16, default: 8)
    c.skips = try s.ints("skips", in: 1...15, default: [c.layers / 2])
    c.frequencies = try s.int("frequencies", in: 0...12, default: 6)
    c.radius = Real(try s.double("sphere", in: 0.01...1, default: 0.5))
    c.beta = Real(try s.double("softplus", in: 1...1000, default: 100))
    c.features = features
    distance = c
    isGeometric = try s.bool("geometric_init", default: true)
    isNormalized = try s.bool("weight_norm", default: true)
    (colourWidth, colourLayers, viewFrequencies) =
      try s.section("colour") { inner throws(ReproError) in
        (
          try inner.int("width", in: 4...2048, default: 256), try inner.int("layers", in: 1...16, default: 4),
          try inner.int("frequencies", in: 0...12, default: 4)
        )
      } ?? (256, 4, 4)
    var n = NeRFConfiguration()
    (n.width, n.layers) = (c.width, c.layers)
    // There the skip joins behind layer k, here in front of it.
    n.skips = c.skips.map { $0 - 1 }
    n.placeFrequencies = try s.int("radiance_frequencies", in: 0...12, default: 10)
    n.directionFrequencies = viewFrequencies
    radiance = n
    radianceShift = Real(try s.double("radiance_shift", in: -10...10, default: 1))
    switch try s.choice("background", ["black", "white", "network"], default: "network") {
    case "black": backgroundGrey = 0
    case "white": backgroundGrey = 1
    default: backgroundGrey = nil
    }
    variance = Real(try s.double("variance", in: -1...1, default: 0.3))
    annealing = try s.double("annealing", in: 0...1, default: 1 / 6)
    isSquared = try s.choice("colour_loss", ["l1", "l2"], default: "l1") == "l2"
    (eikonal, mask) =
      try s.section("weights") { inner throws(ReproError) in
        (
          Real(try inner.double("eikonal", in: 0...100, default: 0.1)),
          Real(try inner.double("mask", in: 0...100, default: 0))
        )
      } ?? (0.1, 0)
    radius = try s.double("radius", in: 1e-6...1e6, default: 1)
    level = Real(try s.double("level", in: 1e-6...1e6, default: 25))
    levels = try s.doubles("levels", in: 1e-6...1e6, default: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50]).map { Real($0) }
    grid = try s.int("grid", in: 4...512, default: 64)
    points = try s.int("points", in: 1...1_000_000, default: 2048)
    probes = try s.int("probes", in: 1...1_000_000, default: 1024)
    views = try s.int("views", in: 1...1000, default: 2)
  }

  /// How rays are seen.
  var renderer: RayRenderer {
    RayRenderer(rendering: rendering, sampler: sampler, backgroundGrey: backgroundGrey ?? 0, outside: outside)
  }

  /// An untrained scene.
  func model(_ random: RandomStream) -> SceneModel {
    var model = SceneModel()
    if rendering == .density {
      model.radiance = NeRF(radiance, random: random.child("radiance"))
      model.radiance?.alphaLinear?.bias = .full([1], -radianceShift)
    } else {
      model.field = WeightNormalizedSDF(
        distance, isGeometric: isGeometric, isNormalized: isNormalized, random: random.child("field"))
      model.colour = ColourNetwork(
        width: colourWidth, hidden: colourLayers, features: distance.features, frequencies: viewFrequencies,
        isNormalized: isNormalized, random: random.child("colour"))
      model.variance = .full([1], variance)
    }
    if backgroundGrey == nil {
      model.background = BackgroundField(
        width: distance.width, layers: distance.layers, frequencies: 10, random: random.child("background"))
    }
    return model
  }

  /// r at a point of the stage.
  func annealing(_ progress: Double) -> Real { annealing > 0 ? Real(min(1, progress / annealing)) : 1 }
}
