import Glibc
import ReproConfig
import ReproData
import ReproTensor

/// `scenes-mammography`: two shadow pictures of one breast-like body from two directions, with a report.
///
/// What is drawn:
/// - body: a half ellipsoid (1.2 to 1.6 deep, 1.6 to 1.9 wide and high); glandular clumps of two-octave noise on four
///   levels of density; the size of the clumps is a hidden coarseness, uniform, which no report tells.
/// - lesion: with chance `lesion` a mass (radius 0.1, 0.135 or 0.17; margin smooth, irregular or spiculated) or a
///   group of 4 to 12 bright points (clustered or in a line), in any quadrant.
/// - views: CC at 0 and MLO at 50 degrees, parallel rays through the whole body, so that tissue hides lesions in one
///   view more than in the other; compression stretches each picture by 0 to 12 %.
/// - pictures: 1 - exp(-0.9 absorption), photon noise (`photons` per pixel at full brightness; fewer are noisier).
/// - labels: `malignant` is drawn with the chance `BreastFacts.malignancy` (margin, line, size), `risk` with
///   `BreastFacts.risk` (density and coarseness).
/// - report: 12 to 30 words about density and lesion in one of several wordings.
///
/// Options (defaults): `size` 24...256 (64); `lesion` 0...1 (0.6); `photons` 10...100000 (400); `train` (4000),
/// `validation` (1000), `test` (1000).
///
/// Columns: `cc`, `mlo`, one channel each; `report`; labels `malignant`, `risk`, `density`, `lesion`, `margin` (of
/// masses; none for the rest), `lesion_size`, `arrangement`, and `regions`, where the lesion is in both views.
///
/// Splits never share a body. Every sample is a pure function of the options, `DataRoot.seed`, the split and the index.
public struct ScenesMammography: DatasetProvider {
  public static let card = DatasetCard(
    id: "scenes-mammography", title: "Procedural two-view shadow pictures with lesions and reports",
    source: "computed by Core/Scenes", licence: "Apache-2.0")

  /// The version of the generator: it changes whenever the bytes of any sample do.
  static let version = 1
  /// The angle of the second view, radians.
  static let oblique: Float = 50 * .pi / 180

  public let spec: DataSpec
  public let size: Int
  private let chance: Double
  private let photons: Double
  private let stream: RandomStream
  private let description: String

  public init(_ options: inout Section, root: DataRoot) throws {
    size = try options.int("size", in: 24...256, default: 64)
    chance = try options.double("lesion", in: 0...1, default: 0.6)
    photons = try options.double("photons", in: 10...100_000, default: 400)
    let sizes = try splitSizes(&options, train: 4000, validation: 1000, test: 1000)
    stream = RandomStream(seed: root.seed).child("scenes-mammography")
    description = "seed=\(root.seed) size=\(size) lesion=\(chance) photons=\(photons)"
    let picture = FieldKind.image(height: size, width: size, channels: 1)
    let margins = ["none"] + BreastMargin.allCases.map(\.name)
    spec = DataSpec(
      fields: [
        FieldSpec("cc", picture, isLabel: false), FieldSpec("mlo", picture, isLabel: false),
        FieldSpec("report", .text, isLabel: false),
        FieldSpec("malignant", .category(classes: ["benign", "malignant"]), isLabel: true),
        FieldSpec("risk", .category(classes: ["low", "high"]), isLabel: true),
        FieldSpec("density", .category(classes: BreastReport.densities.map { $0[0] }), isLabel: true),
        FieldSpec("lesion", .category(classes: BreastLesion.allCases.map(\.name)), isLabel: true),
        FieldSpec("margin", .category(classes: margins), isLabel: true),
        FieldSpec("lesion_size", .category(classes: ["none"] + BreastReport.sizes.map { $0[0] }), isLabel: true),
        FieldSpec("arrangement", .category(classes: ["none", "clustered", "linear"]), isLabel: true),
        FieldSpec("regions", .frames(count: 2, height: size, width: size, channels: 1), isLabel: true),
      ], sizes: sizes)
  }

  public var fingerprint: String { "scenes-mammography/v\(Self.version) \(description)" }

  /// All words of the reports.
  public static let vocabulary = BreastReport.vocabulary

  public func batch(_ indices: [Int], of split: Split) throws -> Batch {
    spec.batch(indices, of: split, Self.card.id) { index, _ in values(stream.child(split.rawValue, index)) }
  }

  /// The facts of a sample.
  public func facts(_ index: Int, of split: Split) -> BreastFacts {
    var random = stream.child(split.rawValue, index).child("facts")
    return BreastFacts(&random, lesion: chance)
  }

  private func values(_ own: RandomStream) -> [SampleValue] {
    var random = own.child("facts")
    let facts = BreastFacts(&random, lesion: chance)
    var body = own.child("body")
    let phantom = BreastPhantom(facts, &body)
    var dice = own.child("outcome")
    let isMalignant = dice.bernoulli(facts.malignancy)
    let isAtRisk = dice.bernoulli(facts.risk)
    var words = own.child("report")
    let cc = phantom.projected(0, squash: body.float(1, 1.12), size: size)
    let mlo = phantom.projected(Self.oblique, squash: body.float(1, 1.12), size: size)
    let isMass = facts.lesion == .mass
    let isGroup = facts.lesion == .calcification
    return [
      .bytes(exposed(cc.absorption, own.child("photons", 0))), .bytes(exposed(mlo.absorption, own.child("photons", 1))),
      .text(BreastReport.text(facts, &words)), .integer(isMalignant ? 1 : 0), .integer(isAtRisk ? 1 : 0),
      .integer(facts.density), .integer(facts.lesion.rawValue), .integer(isMass ? facts.margin.rawValue + 1 : 0),
      .integer(isMass || isGroup ? facts.size + 1 : 0), .integer(isGroup ? (facts.isLinear ? 2 : 1) : 0),
      .bytes(cc.lesion + mlo.lesion),
    ]
  }

  /// Photons are counted: n ~ Poisson(photons * level), which is nearly normal at these counts.
  private func exposed(_ absorption: [Float], _ stream: RandomStream) -> [UInt8] {
    var random = stream
    let grain = random.gaussians(absorption.count)
    return absorption.enumerated().map { i, value in
      let level = 1 - expf(-0.9 * max(value, 0))
      let counted = level + grain[i] * (max(level, 0.01) / Float(photons)).squareRoot()
      return UInt8((min(max(counted, 0), 1) * 255).rounded())
    }
  }
}
