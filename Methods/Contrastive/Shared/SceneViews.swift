import ReproConfig
import ReproData
import ReproEngine
import ReproScenes
import ReproTensor

/// One way to look at a scene: some channels of its colours, or what another sense says.
enum SceneView: String, Sendable, CaseIterable {
  /// L, and a with b, of CIE L*a*b*.
  case l, ab
  /// Luma, and the two colour differences, of YDbDr.
  case y, dbdr
  /// All colours; the only view that is jittered.
  case rgb
  /// Nearness 1 / z from the column `depth`; 0 where nothing stands.
  case depth
  /// Normals in the camera's frame from the column `normals`.
  case normals

  var channels: Int {
    switch self {
    case .l, .y, .depth: 1
    case .ab, .dbdr: 2
    case .rgb, .normals: 3
    }
  }

  /// Whether it is made of the column `image`.
  var isColour: Bool { self != .depth && self != .normals }
}

/// How the views of a batch are made: crops that are aligned pixel by pixel (or each view its own), then colours.
///
/// Options: `views`; `crops: {size, scale, flip, aligned, jitter, grey}` (jitter and grey reach the view `rgb` alone, as
/// the authors jitter nothing); `nearness: [mean, deviation]` of 1 / depth.
struct SceneViews: Sendable {
  let kinds: [SceneView]
  /// Side of a crop, pixels.
  let size: Int
  let scale: ClosedRange<Double>
  let flip, jitter, grey: Double
  /// Whether all views of a sample are cut at the same place.
  let isAligned: Bool
  private let nearness: [Double]

  init(_ s: inout Section) throws(ReproError) {
    let node = try s.require("views")
    var found: [SceneView] = []
    for (i, item) in try node.items(named: s.name(of: "views")).enumerated() {
      let word = try item.choice(named: "\(s.name(of: "views"))[\(i)]", SceneView.allCases.map(\.rawValue))
      found.append(SceneView(rawValue: word) ?? .l)
    }
    guard !found.isEmpty else {
      throw ReproError(.usage, at: "\(node.mark)", found: "no views", expected: "one or more, the core view first")
    }
    kinds = found
    var crops = try Section(s.require("crops"), name: s.name(of: "crops"))
    size = try crops.int("size", in: 8...1024)
    let range = try crops.doubles("scale", count: 2, in: 0.01...1, default: [0.08, 1])
    guard range[0] <= range[1] else {
      throw ReproError(.usage, at: "\(crops.node.mark)", found: "scale \(range)", expected: "an ascending range")
    }
    scale = range[0]...range[1]
    flip = try crops.double("flip", in: 0...1, default: 0.5)
    jitter = try crops.double("jitter", in: 0...2, default: 0)
    grey = try crops.double("grey", in: 0...1, default: 0)
    isAligned = try crops.bool("aligned", default: true)
    try crops.finish()
    nearness = try s.doubles("nearness", count: 2, in: 1e-6...1e6, default: [0.12, 0.03])
  }

  /// Names of the views, numbered where one comes twice.
  var names: [String] {
    kinds.indices.map { i in
      let before = kinds[..<i].count { $0 == kinds[i] }
      return before == 0 ? kinds[i].rawValue : "\(kinds[i].rawValue)-\(before + 1)"
    }
  }

  /// Random crops of all views, `[B, C_v, size, size]` each.
  ///
  /// - Throws: a usage error for data without the column of a view.
  func crops(of batch: Batch, random: RandomStream) throws(ReproError) -> [Tensor] {
    try check(batch)
    let extents = Self.extents(batch, kinds[0])
    var colours: [Int: Tensor] = [:]
    return kinds.enumerated().map { i, kind in
      let group = isAligned ? 0 : i
      let stream = random.child("view", group)
      if kind == .rgb { return policy.views(of: batch.images(), random: stream) }
      let cut = AlignedCrops(
        count: batch.count, height: extents.height, width: extents.width, size: size, scale: scale, flip: flip,
        random: stream)
      guard kind.isColour else { return cut.planes(of: map(kind, batch), mirrored: kind == .normals ? [0] : []) }
      let seen = colours[group] ?? cut.planes(of: batch.images())
      colours[group] = seen
      return tensor(kind, seen)
    }
  }

  /// All views of whole samples, `[B, C_v, H, W]` each.
  func whole(_ batch: Batch) throws(ReproError) -> [Tensor] {
    try check(batch)
    let colours = kinds.contains(where: \.isColour) ? batch.images().planes : nil
    return kinds.map { kind in
      if let colours, kind.isColour { return tensor(kind, colours) }
      let maps = map(kind, batch)
      return maps.rank == 3 ? maps.expandedAxis(1) : maps.permuted([0, 3, 1, 2])
    }
  }

  /// The numbers of a sense that is no colour, `[B, H, W]` or `[B, H, W, C]`, scaled as the networks see them.
  ///
  /// Depth becomes nearness before it is resampled: the mean of 8 m and of nothing (0 m) would be 4 m.
  private func map(_ kind: SceneView, _ batch: Batch) -> Tensor {
    let maps = batch.reals(kind.rawValue)
    guard kind == .depth else { return maps }
    let near = select(Tensor(0).isLess(maps), maximum(maps, Tensor(1e-3)).reciprocal(), Tensor(0))
    return (near - Real(nearness[0])) / Real(nearness[1])
  }

  /// A view of colours `[B, 3, H, W]` in 0...1, scaled as the networks see it.
  private func tensor(_ kind: SceneView, _ colours: Tensor) -> Tensor {
    switch kind {
    case .l: return (colours.sRGBToLab().slice(1, 0..<1) - 50) / 50
    case .ab:
      let ab = colours.sRGBToLab().slice(1, 1..<3)
      let (middle, reach) = (Tensor([2, 1, 1], [6.025, -6.6895]), Tensor([2, 1, 1], [92.208, 101.1675]))
      return (ab - middle) / reach
    case .y: return (colours.sRGBToYDbDr().slice(1, 0..<1) - 0.5) / 0.5
    case .dbdr: return colours.sRGBToYDbDr().slice(1, 1..<3) / 1.333
    case .rgb, .depth, .normals: return (colours - 0.5) * 4
    }
  }

  /// Random crops of colours as they are, with jitter.
  private var policy: ViewPolicy {
    var policy = ViewPolicy(size: size, scale: scale)
    policy.flip = flip
    policy.grey = grey
    if jitter > 0 {
      policy.jitter = ViewPolicy.Jitter(
        probability: 0.8, brightness: 0.4 * jitter, contrast: 0.4 * jitter, saturation: 0.4 * jitter,
        hue: min(0.1 * jitter, 0.5))
    }
    return policy
  }

  private static func extents(_ batch: Batch, _ kind: SceneView) -> (height: Int, width: Int) {
    if kind.isColour { return (batch.images().height, batch.images().width) }
    let maps = batch.reals(kind.rawValue)
    return (maps.shape[1], maps.shape[2])
  }

  private func check(_ batch: Batch) throws(ReproError) {
    for kind in kinds {
      if kind.isColour {
        guard case .images(let images)? = batch["image"], images.channels == 3, images.frames == 1 else {
          throw missing(kind, "image", batch, "colour images in the column 'image'")
        }
      } else {
        guard case .reals(let maps)? = batch[kind.rawValue], maps.rank == (kind == .depth ? 3 : 4),
          kind == .depth || maps.shape[3] == 3
        else { throw missing(kind, kind.rawValue, batch, "maps of real numbers that are no label") }
      }
    }
  }

  private func missing(_ kind: SceneView, _ column: String, _ batch: Batch, _ expected: String) -> ReproError {
    ReproError(
      .usage, at: "method.views", found: "view '\(kind.rawValue)' of data with the inputs \(batch.columns.map(\.name))",
      expected: expected, hint: kind.isColour ? nil : "scenes-multi and its like give it: inputs: [\(column)]")
  }
}
