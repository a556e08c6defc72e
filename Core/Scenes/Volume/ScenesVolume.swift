import Glibc
import ReproConfig
import ReproData
import ReproTensor

/// `scenes-volume`: three-dimensional pictures of bodies in several modalities, with a label for every voxel.
///
/// What is drawn:
/// - anatomy `brain`: scalp, fluid, folded grey matter, white matter, ventricles, nuclei, about a common atlas
///   (turned by up to 9 degrees, shifted by up to 5 %, measures within 6 %); modalities t1, t2, flair and t1c (in
///   which a lesion is a bright ring). `abdomen`: fat, liver, spleen, two kidneys, spine and the pancreas, a bent
///   tube about as bright as its neighbours (measures within 15 %); modalities ct, mr and pet.
/// - lesions: a number uniform in 0...`lesions`, balls of radius 0.09 to 0.2 (of the half side) with bumps of up to
///   40 %, in grey or white matter (brain), liver or pancreas (abdomen), and never outside of them.
/// - intensities: every tissue has a level in every modality; two octaves of texture; partial volumes (the mean of 8
///   points in a voxel); a smooth bias field of +-`bias`; a misalignment of up to `shift` voxels per modality; noise
///   of standard deviation `noise` within a slice along z and half as much again between slices. `artefacts: true`
///   adds to every modality, with chance 0.3 each: a ghost (a weak copy, shifted along y), stripes, or a dropped slice.
/// - `deform` > 0: a second volume of the same body under a smooth displacement u of up to `deform` (half sides),
///   sampled where the first has x + u(x).
///
/// Options (defaults): `anatomy` brain or abdomen (brain); `size` 12...64 voxels a side (32); `modalities` 1...4 (all
/// of the anatomy's); `lesions` 0...4 (2); `noise` 0...1 (0.04); `bias` 0...1 (0.2); `shift` 0...3 voxels (1);
/// `artefacts` (true); `deform` 0...0.3 (0); `train` (300), `validation` (20), `test` (60).
///
/// Columns (M modalities, S = `size`): `volume` [M, S, S, S] with axes modality, z, y, x; `labels` S slices along z
/// of tissue numbers; `lesion_count`; with `deform`: `moved` [M, S, S, S], `moved_labels`, `displacement` [3, S, S,
/// S] (x, y, z in voxels).
///
/// Every sample is a pure function of the options, `DataRoot.seed`, the split and the index.
public struct ScenesVolume: DatasetProvider {
  public static let card = DatasetCard(
    id: "scenes-volume", title: "Procedural volumes of heads and abdomens in several modalities",
    source: "computed by Core/Scenes", licence: "Apache-2.0")

  /// The version of the generator: it changes whenever the bytes of any sample do.
  static let version = 1

  public let spec: DataSpec
  public let size, modalities: Int
  public let isBrain: Bool
  /// The names of the labels; number 0 is the outside.
  public var tissues: [String] { isBrain ? BrainPhantom.tissues : AbdomenPhantom.tissues }
  private let lesions: Int
  private let noise, bias, deform: Float
  private let shift: Float
  private let hasArtefacts: Bool
  private let stream: RandomStream
  private let description: String

  public init(_ options: inout Section, root: DataRoot) throws {
    let anatomy = try options.choice("anatomy", ["brain", "abdomen"], default: "brain")
    isBrain = anatomy == "brain"
    size = try options.int("size", in: 12...64, default: 32)
    let most = isBrain ? BrainPhantom.modalities.count : AbdomenPhantom.modalities.count
    modalities = try options.int("modalities", in: 1...most, default: most)
    lesions = try options.int("lesions", in: 0...4, default: 2)
    noise = Float(try options.double("noise", in: 0...1, default: 0.04))
    bias = Float(try options.double("bias", in: 0...1, default: 0.2))
    shift = Float(try options.double("shift", in: 0...3, default: 1))
    hasArtefacts = try options.bool("artefacts", default: true)
    deform = Float(try options.double("deform", in: 0...0.3, default: 0))
    let sizes = try splitSizes(&options, train: 300, validation: 20, test: 60)
    stream = RandomStream(seed: root.seed).child("scenes-volume").child(anatomy)
    description =
      "seed=\(root.seed) anatomy=\(anatomy) size=\(size) modalities=\(modalities) lesions=\(lesions) noise=\(noise) "
      + "bias=\(bias) shift=\(shift) artefacts=\(hasArtefacts) deform=\(deform)"
    let (s, m) = (size, modalities)
    var fields = [
      FieldSpec("volume", .real(shape: [m, s, s, s], unit: "1"), isLabel: false),
      FieldSpec("lesion_count", .category(classes: (0...4).map { "\($0)" }), isLabel: true),
      FieldSpec("labels", .frames(count: s, height: s, width: s, channels: 1), isLabel: true),
    ]
    if deform > 0 {
      fields += [
        FieldSpec("moved", .real(shape: [m, s, s, s], unit: "1"), isLabel: false),
        FieldSpec("moved_labels", .frames(count: s, height: s, width: s, channels: 1), isLabel: true),
        FieldSpec("displacement", .real(shape: [3, s, s, s], unit: "voxel"), isLabel: true),
      ]
    }
    spec = DataSpec(fields: fields, sizes: sizes)
  }

  public var fingerprint: String { "scenes-volume/v\(Self.version) \(description)" }

  public func batch(_ indices: [Int], of split: Split) throws -> Batch {
    spec.batch(indices, of: split, Self.card.id) { index, _ in
      let own = stream.child(split.rawValue, index)
      var random = own.child("body")
      let count = random.integer(in: 0...lesions)
      if isBrain {
        var body = BrainPhantom(&random)
        body.grow(count, radius: 0.09...0.2, &random)
        return values(body, own)
      }
      var body = AbdomenPhantom(&random)
      body.grow(count, radius: 0.09...0.17, &random)
      return values(body, own)
    }
  }

  private func values(_ body: some Phantom, _ own: RandomStream) -> [SampleValue] {
    let still = Warp(amplitude: 0, own.child("warp"))
    var values: [SampleValue] = [
      .reals(scan(body, still, own.child("scan"))), .integer(body.lesions.count), .bytes(labels(body, still)),
    ]
    if deform > 0 {
      let warp = Warp(amplitude: deform, own.child("warp"))
      let voxels = Float(size) / 2
      var field = [Float](repeating: 0, count: 3 * size * size * size)
      forEachVoxel { i, p in
        let u = warp.displacement(p) * voxels
        for axis in 0..<3 { field[axis * size * size * size + i] = u[axis] }
      }
      values += [.reals(scan(body, warp, own.child("scan", 1))), .bytes(labels(body, warp)), .reals(field)]
    }
    return values
  }

  /// The middle of a voxel.
  @inline(__always) private func place(_ x: Int, _ y: Int, _ z: Int) -> Vec3 {
    (Vec3(Float(x), Float(y), Float(z)) + 0.5) * (2 / Float(size)) - 1
  }

  private func forEachVoxel(_ body: (Int, Vec3) -> Void) {
    var i = 0
    for z in 0..<size {
      for y in 0..<size {
        for x in 0..<size {
          body(i, place(x, y, z))
          i += 1
        }
      }
    }
  }

  private func labels(_ body: some Phantom, _ warp: Warp) -> [UInt8] {
    var labels = [UInt8](repeating: 0, count: size * size * size)
    forEachVoxel { i, p in labels[i] = body.tissue(warp(p)).number }
    return labels
  }

  /// All modalities, `[M, S, S, S]`.
  private func scan<P: Phantom>(_ body: P, _ warp: Warp, _ own: RandomStream) -> [Float] {
    let cells = size * size * size
    var all: [Float] = []
    all.reserveCapacity(modalities * cells)
    for modality in 0..<modalities {
      var random = own.child("modality", modality)
      let offset = random.cube() * (shift * 2 / Float(size))
      let texture = random.cube() * 40
      let (slope, curve) = (random.direction() * bias, random.direction() * bias)
      let step = 0.5 / Float(size)
      var picture = [Float](repeating: 0, count: cells)
      forEachVoxel { i, p in
        var sum: Float = 0
        for corner in 0..<8 {
          let side = Vec3(
            corner & 1 == 0 ? -step : step, corner & 2 == 0 ? -step : step, corner & 4 == 0 ? -step : step)
          let (tissue, depth) = body.tissue(warp(p + side + offset))
          var level = P.intensity(modality, tissue)
          // Contrast agent gathers in the rim of a lesion.
          if isBrain, modality == 3, tissue == P.lesion, depth > 0.6 { level = 0.98 }
          sum += level
        }
        let field = 1 + slope.dot(p) * 0.5 + curve.dot(p * p - 0.33) * 0.5
        picture[i] = sum / 8 * field
      }
      textured(&picture, texture)
      disturb(&picture, own.child("noise", modality), &random)
      all += picture
    }
    return all
  }

  /// Two octaves of noise, 8 voxels of a row at a time: up to 8 % of the level.
  private func textured(_ picture: inout [Float], _ offset: Vec3) {
    let scale = 16 / Float(size)
    for row in 0..<size * size {
      let (y, z) = (Float(row % size) * scale + offset.y, Float(row / size) * scale + offset.z)
      for start in stride(from: 0, to: size, by: 8) {
        let x = (laneNumbers + Float(start)) * scale + offset.x
        let noise = layeredNoise(Lanes3(x, .all(y), .all(z)))
        for lane in 0..<min(8, size - start) { picture[row * size + start + lane] *= 1 + 0.16 * (noise[lane] - 0.5) }
      }
    }
  }

  private func disturb(_ picture: inout [Float], _ stream: RandomStream, _ random: inout RandomStream) {
    let (s, plane) = (size, size * size)
    if hasArtefacts, random.bernoulli(0.3) {
      let (source, jump, gain) = (picture, s / 2 + random.integer(below: s / 4), random.float(0.06, 0.15))
      for i in picture.indices {
        let y = i / s % s
        picture[i] += gain * source[i + ((y + jump) % s - y) * s]
      }
    }
    if hasArtefacts, random.bernoulli(0.3) {
      let (pitch, gain) = (random.float(0.8, 2.2), random.float(0.03, 0.07))
      for i in picture.indices { picture[i] += gain * sinf(pitch * Float(i % s + i / plane)) }
    }
    if hasArtefacts, random.bernoulli(0.3) {
      let slice = random.integer(below: s)
      for i in slice * plane..<(slice + 1) * plane { picture[i] *= 0.5 }
    }
    var dice = stream
    let speckle = dice.gaussians(picture.count)
    let between = dice.gaussians(s)
    for i in picture.indices {
      picture[i] += noise * (speckle[i] + 0.5 * between[i / plane])
    }
  }
}

/// A smooth displacement: a few waves of less than two periods across the cube.
struct Warp: Sendable {
  private var waves: [(direction: Vec3, frequency: Vec3, phase: Float)] = []

  /// - Parameter amplitude: the longest displacement, half sides.
  init(amplitude: Float, _ stream: RandomStream) {
    guard amplitude > 0 else { return }
    var random = stream
    let weights = (0..<4).map { _ in random.float(0.5, 1) }
    let total = weights.reduce(0, +)
    for weight in weights {
      waves.append(
        (
          random.direction() * (amplitude * weight / total), random.direction() * random.float(1, 2.4),
          random.float(0, 2 * .pi)
        ))
    }
  }

  @inline(__always) func displacement(_ p: Vec3) -> Vec3 {
    var u = Vec3.zero
    for wave in waves { u += wave.direction * sinf(wave.frequency.dot(p) + wave.phase) }
    return u
  }

  @inline(__always) func callAsFunction(_ p: Vec3) -> Vec3 { waves.isEmpty ? p : p + displacement(p) }
}
