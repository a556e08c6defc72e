import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// Every ingredient of ManyDepth that a recipe can change. Defaults are the paper's.
struct ManyDepthOptions: Sendable {
  /// Where motions between frames come from.
  enum Poses: String, CaseIterable, Sendable {
    /// A network learns them, up to scale.
    case learned
    /// The data's column `odometry` knows them.
    case given
  }

  let width: Int
  let blocks: [Int]
  /// Width, finest level and number of scales of the decoders.
  let decoder: (width: Int, finest: Int, scales: Int)
  let poseHidden: Int
  /// Nearest and farthest depth that a network can say, in its own unit.
  let range: ClosedRange<Real>
  let planes: Int
  let hasInversePlanes: Bool
  /// Which features the volume compares; the paper's are at a quarter of the resolution.
  let matching: MultiFrameNetwork.Matching
  /// Bins before training, and how slowly they follow the teacher.
  let bins: (near: Real, far: Real, rate: Real)
  /// How many earlier frames the volume looks at.
  let lookups: Int
  /// Without it only the single-frame network is trained, which is Monodepth2.
  let hasMultiFrame: Bool
  /// Whether the multi-frame network begins with the teacher's weights when it begins (deviation; see the notes).
  let inherits: Bool
  /// Reliability mask and the teacher where the volume cannot be trusted.
  let hasConsistency: Bool
  let augmentation: (still: Double, missing: Double)
  let poses: Poses
  /// Metres in the networks' unit of length, for given motions.
  let unit: Real
  let smoothness: Real
  let flip: Double
  let colour: Double

  init(_ s: inout Section) throws(ReproError) {
    width = try s.int("width", in: 1...1024, default: 64)
    blocks = try s.ints("blocks", in: 1...100, default: [2, 2, 2, 2])
    guard blocks.count == 4 else {
      throw ReproError(.usage, at: s.name(of: "blocks"), found: "\(blocks)", expected: "blocks of four stages")
    }
    decoder =
      try s.section("decoder") { inner throws(ReproError) in
        let finest = try inner.int("finest", in: 0...4, default: 0)
        return (
          width: try inner.int("width", in: 1...256, default: 16), finest: finest,
          scales: try inner.int("scales", in: 1...(5 - finest), default: min(4, 5 - finest))
        )
      } ?? (16, 0, 4)
    poseHidden = try s.int("pose_hidden", in: 1...4096, default: 256)
    let near = try s.double("nearest", in: 1e-4...1e4, default: 0.1)
    range = Real(near)...Real(try s.double("farthest", in: (2 * near)...1e6, default: max(100, 2 * near)))
    planes = try s.int("planes", in: 2...512, default: 96)
    hasInversePlanes = try s.choice("spacing", ["linear", "inverse"], default: "linear") == "inverse"
    let features = try s.choice(
      "matching", MultiFrameNetwork.Matching.allCases.map(\.rawValue),
      default: MultiFrameNetwork.Matching.quarter.rawValue)
    matching = MultiFrameNetwork.Matching(rawValue: features) ?? .quarter
    bins =
      try s.section("bins") { inner throws(ReproError) in
        let near = try inner.double("near", in: 1e-4...1e4, default: 0.1)
        return (
          near: Real(near), far: Real(try inner.double("far", in: (1.01 * near)...1e6, default: max(10, 2 * near))),
          rate: Real(try inner.double("rate", in: 0...1, default: 0.99))
        )
      } ?? (0.1, 10, 0.99)
    lookups = try s.int("lookups", in: 1...8, default: 1)
    hasMultiFrame = try s.bool("multi_frame", default: true)
    inherits = try s.bool("inherit", default: false)
    hasConsistency = try s.bool("consistency", default: true)
    augmentation =
      try s.section("augmentation") { inner throws(ReproError) in
        let still = try inner.double("static", in: 0...1, default: 0.25)
        return (still: still, missing: try inner.double("missing", in: 0...(1 - still), default: min(0.25, 1 - still)))
      } ?? (0.25, 0.25)
    let word = try s.choice("poses", Poses.allCases.map(\.rawValue), default: Poses.learned.rawValue)
    poses = Poses(rawValue: word) ?? .learned
    unit = Real(try s.double("unit", in: 1e-3...1e3, default: 1))
    smoothness = Real(try s.double("smoothness", in: 0...10, default: 1e-3))
    flip = try s.double("flip", in: 0...1, default: 0.5)
    colour = try s.double("colour", in: 0...1, default: 0.2)
  }

  /// Refuses data without what the method reads.
  func check(_ data: DataSpec) throws(ReproError) {
    guard case .frames(let count, let height, let width, 3) = data[field: "frames"]?.kind else {
      throw ReproError(
        .usage, at: "manydepth", found: "the data have the columns \(data.fields.map(\.name).joined(separator: ", "))",
        expected: "colour 'frames' of a moving camera and its 'intrinsics'", hint: "scenes-drive has them")
    }
    guard height % 32 == 0, width % 32 == 0, height >= 64, width >= 64 else {
      throw ReproError(
        .usage, at: "data.size", found: "frames of \(height) x \(width) pixels",
        expected: "multiples of 32, at least 64 x 64: the encoder halves them five times")
    }
    guard count >= lookups + 2 else {
      throw ReproError(
        .usage, at: "data.frames", found: "\(count) frames",
        expected: "at least \(lookups + 2): \(lookups) before the picture and one after it")
    }
    try need("intrinsics", [3, 3], in: data)
    if poses == .given { try need("odometry", [count, 3, 4], in: data) }
  }

  private func need(_ name: String, _ shape: Shape, in data: DataSpec) throws(ReproError) {
    guard let field = data[field: name], case .real(shape, _) = field.kind, !field.isLabel else {
      throw ReproError(
        .usage, at: "manydepth", found: "the data have no column '\(name)' \(shape) that training may see",
        hint: name == "odometry" ? "ask for it: data: {outputs: [odometry]}" : nil)
    }
  }
}
