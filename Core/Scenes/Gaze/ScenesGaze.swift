import Glibc
import ReproConfig
import ReproData
import ReproTensor

/// `scenes-gaze`: heads that look somewhere, from one or several cameras.
///
/// What is drawn:
/// - people: `identities` per split (train, validation and test never share one), each with its own proportions,
///   skin, hair and iris.
/// - head: yaw uniform in +-`yaw`, pitch in +-`pitch` degrees; the eyes within +-30 degrees of the head, both ways;
///   half of that range for the pitch of the head in `domain: wild`.
/// - domain: `studio` has a plain wall and white light; `wild` coloured light, textured walls, blur in 4 of 10, pixel
///   noise of 6 levels, glasses in 4 of 10 and poses 0.6 times as wide; `mixed` is either with equal chance, with
///   wide poses and no labels in common.
/// - cameras: the first in front of the face, the others spread over 80 degrees at its sides, 0.6 m away.
///   `normalized: true` looks at the middle of the face without roll, as gaze estimators normalise pictures; false
///   rolls by up to 25 degrees, stands 0.5 to 0.9 m away and looks past the face by up to 4 cm.
///
/// Options (defaults): `size` 32...256 (64); `views` 1...6 (1); `identities` 1...100000 (40); `domain` studio, wild
/// or mixed (studio); `normalized` (true); `yaw` 0...70 (50), `pitch` 0...50 (30), degrees; `patch` 0 or 8...64 (0);
/// `train` (3000), `validation` (200), `test` (1000).
///
/// Columns (V views): `image` V pictures; `gaze` [V, 2], pitch and yaw of the eyes' direction g in the camera's
/// frame, radians,
///
///     pitch = asin(-g_y),   yaw = atan2(-g_x, -g_z)
///
/// so that (0, 0) looks into the camera; `head` [V, 2], the same of the head; `direction` [V, 3], g itself;
/// `rotation` [V, 3, 3] from the head into the camera; `eyes` [V, 2, 2], pixels of the left and right eye;
/// `intrinsics` [V, 3, 3]; `identity`; `parts` V label maps; with `patch` P: `patches` 2 V pictures of the left and
/// right eye, P x 2 P.
///
/// Every sample is a pure function of the options, `DataRoot.seed`, the split and the index.
///
/// - Source: pitch and yaw as in ETH-XGaze (Zhang et al. 2020).
public struct ScenesGaze: DatasetProvider {
  public static let card = DatasetCard(
    id: "scenes-gaze", title: "Procedural heads with gaze direction", source: "rendered by Core/Scenes",
    licence: "Apache-2.0")

  /// The version of the generator: it changes whenever the bytes of any sample do.
  static let version = 1
  /// The field of view of a normalised picture, radians.
  static let field: Float = 0.36

  public enum Domain: String, Sendable, CaseIterable { case studio, wild, mixed }

  public let spec: DataSpec
  public let size, views, identities, patch: Int
  public let domain: Domain
  private let isNormalized: Bool
  private let yaw, pitch: Float
  private let stream: RandomStream
  private let description: String

  public init(_ options: inout Section, root: DataRoot) throws {
    size = try options.int("size", in: 32...256, default: 64)
    views = try options.int("views", in: 1...6, default: 1)
    identities = try options.int("identities", in: 1...100_000, default: 40)
    let word = try options.choice("domain", Domain.allCases.map(\.rawValue), default: "studio")
    domain = Domain(rawValue: word) ?? .studio
    isNormalized = try options.bool("normalized", default: true)
    yaw = Float(try options.double("yaw", in: 0...70, default: 50)) * .pi / 180
    pitch = Float(try options.double("pitch", in: 0...50, default: 30)) * .pi / 180
    patch = try options.int("patch", in: 0...64, default: 0)
    guard patch == 0 || patch >= 8 else {
      throw ReproError(.usage, found: "patch is \(patch)", expected: "0 for none, or 8 to 64")
    }
    let sizes = try splitSizes(&options, train: 3000, validation: 200, test: 1000)
    stream = RandomStream(seed: root.seed).child("scenes-gaze").child(word)
    description =
      "seed=\(root.seed) size=\(size) views=\(views) identities=\(identities) domain=\(word) "
      + "normalized=\(isNormalized) yaw=\(yaw) pitch=\(pitch) patch=\(patch)"
    let (s, v) = (size, views)
    var fields = [
      FieldSpec(
        "image",
        v == 1 ? .image(height: s, width: s, channels: 3) : .frames(count: v, height: s, width: s, channels: 3),
        isLabel: false),
      FieldSpec("intrinsics", .real(shape: [v, 3, 3], unit: "px"), isLabel: false),
      FieldSpec("gaze", .real(shape: [v, 2], unit: "rad"), isLabel: true),
      FieldSpec("head", .real(shape: [v, 2], unit: "rad"), isLabel: true),
      FieldSpec("direction", .real(shape: [v, 3], unit: "1"), isLabel: true),
      FieldSpec("rotation", .real(shape: [v, 3, 3], unit: "1"), isLabel: true),
      FieldSpec("eyes", .real(shape: [v, 2, 2], unit: "px"), isLabel: true),
      FieldSpec("identity", .identity(count: identities * 3), isLabel: true),
      FieldSpec("parts", .frames(count: v, height: s, width: s, channels: 1), isLabel: true),
    ]
    if patch > 0 {
      fields.append(
        FieldSpec("patches", .frames(count: 2 * v, height: patch, width: 2 * patch, channels: 3), isLabel: false))
    }
    spec = DataSpec(fields: fields, sizes: sizes)
  }

  public var fingerprint: String { "scenes-gaze/v\(Self.version) \(description)" }

  public func batch(_ indices: [Int], of split: Split) throws -> Batch {
    spec.batch(indices, of: split, Self.card.id) { index, easel in values(index, of: split, easel) }
  }

  /// The person of a sample.
  public func identity(_ index: Int, of split: Split) -> Int {
    let pool = Split.allCases.firstIndex(of: split) ?? 0
    return pool * identities + index % identities
  }

  /// Pitch and yaw of a direction in a camera's frame, radians.
  public static func angles(_ direction: Vec3) -> (pitch: Float, yaw: Float) {
    (asinf(min(max(-direction.y, -1), 1)), atan2f(-direction.x, -direction.z))
  }

  private func values(_ index: Int, of split: Split, _ easel: Easel) -> [SampleValue] {
    let own = stream.child(split.rawValue, index)
    let number = identity(index, of: split)
    var person = stream.child("person", number)
    var model = HeadModel(&person)
    var random = own.child("pose")
    let isWild = domain == .wild || (domain == .mixed && random.bernoulli(0.5))
    let wide: Float = domain == .wild ? 0.6 : 1
    model.hasGlasses = isWild && random.bernoulli(0.4)
    let (headYaw, headPitch) = (random.float(-yaw, yaw) * wide, random.float(-pitch, pitch) * wide)
    let head =
      Mat3.rotation(axis: Vec3(0, 1, 0), angle: headYaw) * Mat3.rotation(axis: Vec3(1, 0, 0), angle: -headPitch)
    let limit = Float.pi / 6
    let (eyeYaw, eyePitch) = (random.float(-limit, limit), random.float(-limit, limit))
    let gaze = Vec3(sinf(eyeYaw) * cosf(eyePitch), sinf(eyePitch), cosf(eyeYaw) * cosf(eyePitch))
    let pose = Pose(rotation: head)
    let scene = scene(model, pose, gaze, isWild: isWild, own)
    let renderer = easel.renderer(size, size)
    var (pictures, patches, parts): ([UInt8], [UInt8], [UInt8]) = ([], [], [])
    var (gazes, heads, directions, rotations): ([Float], [Float], [Float], [Float]) = ([], [], [], [])
    var (eyes, intrinsics): ([Float], [Float]) = ([], [])
    for v in 0..<views {
      let camera = camera(v, pose(model.center), &random)
      let view = renderer.render(scene, from: camera, [.rgb, .classes])
      pictures += finished(view.rgb, size, size, isWild: isWild, own.child("camera", v))
      parts += view.classes
      let toCamera = camera.worldToCamera.rotation
      let direction = toCamera * (head * gaze)
      let (a, b) = (Self.angles(direction), Self.angles(toCamera * (head * Vec3(0, 0, 1))))
      gazes += [a.pitch, a.yaw]
      heads += [b.pitch, b.yaw]
      directions += [direction.x, direction.y, direction.z]
      let rotation = toCamera * head
      rotations += [rotation.row0, rotation.row1, rotation.row2].flatMap { [$0.x, $0.y, $0.z] }
      intrinsics += WorldRig(cameras: [camera]).intrinsics
      for isLeft in [true, false] {
        let pixel = camera.project(pose(model.eye(left: isLeft))).pixel
        eyes += [pixel.x, pixel.y]
      }
      if patch > 0 { patches += eyePatches(scene, camera, model, pose, isWild: isWild, own.child("patch", v), easel) }
    }
    var values: [SampleValue] = [
      .bytes(pictures), .reals(intrinsics), .reals(gazes), .reals(heads), .reals(directions), .reals(rotations),
      .reals(eyes), .integer(number), .bytes(parts),
    ]
    if patch > 0 { values.append(.bytes(patches)) }
    return values
  }

  private func camera(_ view: Int, _ center: Vec3, _ random: inout RandomStream) -> Camera {
    // 0, then to the right and left in turn, 80 degrees in all.
    let step = view == 0 ? Float(0) : (view % 2 == 1 ? 1 : -1) * Float((view + 1) / 2)
    let side = views == 1 ? 0 : step * 0.7 / Float(max(1, views / 2))
    let up = view == 0 ? Float(0) : random.float(-0.15, 0.15)
    let towards = Vec3(sinf(side) * cosf(up), sinf(up), cosf(side) * cosf(up))
    var (target, distance, roll) = (center, Float(0.6), Float(0))
    if !isNormalized {
      target += Vec3(random.float(-0.04, 0.04), random.float(-0.04, 0.04), 0)
      (distance, roll) = (random.float(0.5, 0.9), random.float(-0.44, 0.44))
    }
    return Camera(
      width: size, height: size, verticalFieldOfView: Self.field,
      worldToCamera: Camera.lookAt(eye: target + towards * distance, target: target, roll: roll))
  }

  private func scene(_ model: HeadModel, _ pose: Pose, _ gaze: Vec3, isWild: Bool, _ own: RandomStream) -> Scene {
    var random = own.child("stage")
    let shirt = SRGB.linear(
      Look.color(hue: random.float(0, 1), saturation: random.float(0, 0.8), value: random.float(0.2, 0.8)))
    var wall = WorldStage.surface(&random, strength: isWild ? 0.9 : 0.05, isMuted: false)
    wall.frame = random.float(2, 5) * wall.frame
    let back = WorldStage.wall(wall, through: Vec3(0, 0, -0.55), normal: Vec3(0, 0, 1))
    var light = WorldStage.lighting(&random, azimuth: .pi / 2, ground: Vec3(0.4, 0.4, 0.4), tint: isWild ? 0.45 : 0)
    light.key.color = light.key.color * (isWild ? random.float(0.45, 1) : 0.8)
    light.key.spread = 0.04
    return Scene(
      bodies: model.bodies(pose, gaze: gaze) + model.trunk(at: .zero, shirt: shirt) + [back], lighting: light)
  }

  private func finished(_ bytes: [UInt8], _ width: Int, _ height: Int, isWild: Bool, _ stream: RandomStream) -> [UInt8]
  {
    guard isWild else { return bytes }
    var (bytes, random) = (bytes, stream)
    if random.bernoulli(0.4) { WorldNoise.blur(&bytes, width: width, height: height, channels: 3) }
    WorldNoise.add(to: &bytes, deviation: 6, random.child("noise"))
    return bytes
  }

  /// Both eyes through a camera of the same place that looks at each of them.
  private func eyePatches(
    _ scene: Scene, _ camera: Camera, _ model: HeadModel, _ pose: Pose, isWild: Bool, _ stream: RandomStream,
    _ easel: Easel
  ) -> [UInt8] {
    let renderer = easel.renderer(2 * patch, patch)
    var bytes: [UInt8] = []
    for isLeft in [true, false] {
      let target = pose(model.eye(left: isLeft))
      let distance = (target - camera.eye).length
      let close = Camera(
        width: 2 * patch, height: patch, verticalFieldOfView: 2 * atanf(2.1 * HeadModel.eyeRadius / distance),
        worldToCamera: Camera.lookAt(eye: camera.eye, target: target))
      let view = renderer.render(scene, from: close, [.rgb])
      bytes += finished(view.rgb, 2 * patch, patch, isWild: isWild, stream.child("side", isLeft ? 0 : 1))
    }
    return bytes
  }
}
