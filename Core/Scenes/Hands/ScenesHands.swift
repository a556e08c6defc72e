import Glibc
import ReproConfig
import ReproData
import ReproTensor

/// `scenes-hands`: a right hand with 21 joints, empty or around a thing, seen by several calibrated cameras.
///
/// What is drawn:
/// - hand: five shape factors (size, length of the fingers, width of the palm, length of the thumb, thickness), each
///   uniform within about 12 % of 1; skin of any tone; turned any way.
/// - pose: with `object: none`, open, fist, point, peace, thumb, pinch or any bends, equally likely, with deviations,
///   within the limits of `HandAngles`. With `object: held`, a thing of one of six families (mug, box, bottle, bowl,
///   pair of ellipsoids, stepped wedge) of random measures lies across the palm and every finger bends until it
///   touches it.
/// - things: `objects` individuals; train uses the first five sixths of them, validation and test the rest.
/// - cameras: `views` on a ring about the hand, 0.5 to 0.6 m away, field of view 34 degrees, drawn for every sample.
/// - domain: `flat` has plain skin, things of two flat colours, a plain background and white light; `real` has
///   textures, coloured light and pixel noise of 4 levels.
/// - `hand_views: first` removes the hand from all views but the first.
/// - detector: N(0, `noise`) pixels for seen joints, four times as much for hidden ones, `swaps` of the hands with
///   the order of the fingers reversed (`NoisyDetector`).
///
/// Options (defaults): `size` 24...256 (64); `views` 1...8 (4); `object` none or held (none); `objects` 6...10000 (72);
/// `domain` flat or real (real); `hand_views` all or first (all); `noise` (1 px), `swaps` (0.05); `voxels` 0 or
/// 8...48 (0); `train` (1500), `validation` (100), `test` (300).
///
/// Columns (V views): `image` V pictures; `masks` V label maps (1 hand, 2 thing); `fingers` V label maps (1 thumb ...
/// 5 little, 6 palm, 7 forearm, 8 thing); `amodal` V maps of the thing as if nothing hid it; `joints` [21, 3] metres;
/// `pixels` [V, 21, 2]; `visible` [V, 21]; `detections` [V, 21, 3]; `rotations` [16, 3, 3], the hand's and three per
/// finger; `factors` [5]; `intrinsics` [V, 3, 3]; `extrinsics` [V, 3, 4]; `gesture`; with a thing: `family`,
/// `instance`, `object_pose` [3, 4] into the world, `object_radius` [1], and with `voxels` G the occupancy of the
/// cube of half side radius in the thing's frame, G slices along z of G rows along y.
///
/// Every sample is a pure function of the options, `DataRoot.seed`, the split and the index.
public struct ScenesHands: DatasetProvider {
  public static let card = DatasetCard(
    id: "scenes-hands", title: "Procedural hands with 21 joints in several views, empty or holding things",
    source: "rendered by Core/Scenes", licence: "Apache-2.0")

  /// The version of the generator: it changes whenever the bytes of any sample do.
  static let version = 1

  public let spec: DataSpec
  public let size, views, voxels, objects: Int
  public let isHeld: Bool
  private let isReal, isFirstOnly: Bool
  private let detector: NoisyDetector
  private let stream: RandomStream
  private let description: String

  public init(_ options: inout Section, root: DataRoot) throws {
    size = try options.int("size", in: 24...256, default: 64)
    views = try options.int("views", in: 1...8, default: 4)
    isHeld = try options.choice("object", ["none", "held"], default: "none") == "held"
    objects = try options.int("objects", in: 6...10_000, default: 72)
    isReal = try options.choice("domain", ["flat", "real"], default: "real") == "real"
    isFirstOnly = try options.choice("hand_views", ["all", "first"], default: "all") == "first"
    detector = NoisyDetector(
      noise: Float(try options.double("noise", in: 0...20, default: 1)), hidden: 4, gross: 0,
      swaps: try options.double("swaps", in: 0...1, default: 0.05), misses: 0)
    let cells = try options.int("voxels", in: 0...48, default: 0)
    guard cells == 0 || cells >= 8 else {
      throw ReproError(.usage, found: "voxels is \(cells)", expected: "0 for none, or 8 to 48")
    }
    voxels = isHeld ? cells : 0
    let sizes = try splitSizes(&options, train: 1500, validation: 100, test: 300)
    stream = RandomStream(seed: root.seed).child("scenes-hands")
    description =
      "seed=\(root.seed) size=\(size) views=\(views) held=\(isHeld) objects=\(objects) real=\(isReal) "
      + "first=\(isFirstOnly) noise=\(detector.noise) swaps=\(detector.swaps) voxels=\(cells)"
    let (s, v) = (size, views)
    func maps(_ channels: Int) -> FieldKind { .frames(count: v, height: s, width: s, channels: channels) }
    var fields = [
      FieldSpec("image", maps(3), isLabel: false),
      FieldSpec("detections", .real(shape: [v, 21, 3], unit: "px"), isLabel: false),
      FieldSpec("intrinsics", .real(shape: [v, 3, 3], unit: "px"), isLabel: false),
      FieldSpec("extrinsics", .real(shape: [v, 3, 4], unit: "m"), isLabel: false),
      FieldSpec("joints", .real(shape: [21, 3], unit: "m"), isLabel: true),
      FieldSpec("pixels", .real(shape: [v, 21, 2], unit: "px"), isLabel: true),
      FieldSpec("visible", .real(shape: [v, 21], unit: "1"), isLabel: true),
      FieldSpec("rotations", .real(shape: [16, 3, 3], unit: "1"), isLabel: true),
      FieldSpec("factors", .real(shape: [5], unit: "1"), isLabel: true),
      FieldSpec("gesture", .category(classes: HandGesture.allCases.map(\.name)), isLabel: true),
      FieldSpec("masks", maps(1), isLabel: true),
      FieldSpec("fingers", maps(1), isLabel: true),
    ]
    if isHeld {
      fields += [
        FieldSpec("amodal", maps(1), isLabel: true),
        FieldSpec("family", .category(classes: HeldFamily.allCases.map(\.name)), isLabel: true),
        FieldSpec("instance", .identity(count: objects), isLabel: true),
        FieldSpec("object_pose", .real(shape: [3, 4], unit: "m"), isLabel: true),
        FieldSpec("object_radius", .real(shape: [1], unit: "m"), isLabel: true),
      ]
    }
    if voxels > 0 {
      fields.append(
        FieldSpec("voxels", .frames(count: voxels, height: voxels, width: voxels, channels: 1), isLabel: true))
    }
    spec = DataSpec(fields: fields, sizes: sizes)
  }

  public var fingerprint: String { "scenes-hands/v\(Self.version) \(description)" }

  public func batch(_ indices: [Int], of split: Split) throws -> Batch {
    spec.batch(indices, of: split, Self.card.id) { index, easel in values(index, of: split, easel) }
  }

  /// The number of the thing of a sample; its family is the number modulo six.
  public func instance(_ index: Int, of split: Split) -> Int {
    let trained = objects * 5 / 6
    return split == .train ? index % trained : trained + index % (objects - trained)
  }

  /// A thing by its number.
  public func object(_ number: Int) -> HeldObject {
    var random = stream.child("thing", number)
    var object = HeldObject(HeldFamily.allCases[number % HeldFamily.allCases.count], &random)
    if !isReal {
      for i in object.materials.indices { (object.materials[i].pattern, object.materials[i].grain) = (.plain, 0) }
    }
    return object
  }

  private struct Stage {
    var hand: [Body]
    var thing: [Body]
    var walls: [Body]
    var light: Lighting
    var cameras: WorldRig
  }

  private func values(_ index: Int, of split: Split, _ easel: Easel) -> [SampleValue] {
    let own = stream.child(split.rawValue, index)
    var random = own.child("hand")
    let shape = HandShape(&random)
    let gesture = isHeld ? HandGesture.grasp : HandGesture.allCases[random.integer(below: 7)]
    let held = isHeld ? object(instance(index, of: split)) : nil
    var angles = gesture.angles(&random)
    var thing = Pose.identity
    if let held {
      // Across the palm: the thing's long axis is the hand's x, a little turned, its side on the palm.
      let lie = Mat3.rotation(axis: Vec3(0, 0, 1), angle: -.pi / 2 + random.float(-0.25, 0.25))
      let roll = Mat3.rotation(axis: Vec3(0, 1, 0), angle: random.float(0, 2 * .pi))
      let along = SIMD2(random.float(-0.015, 0.015), 0.062 * shape.scale + random.float(0, 0.012))
      (thing, angles) = HandAngles.grasp(held, rotation: lie * roll, along: along, shape)
    }
    let placed = HandPlacement(shape, angles)
    // The middle of the hand is at the origin of the world.
    let turn = random.rotation()
    let pose = Pose(rotation: turn, translation: turn * Vec3(0, -0.07, held == nil ? 0 : -0.02))
    let stage = stage(own, placed, shape, pose, held, pose * thing)
    let joints = placed.joints.map { pose($0) }
    let mirror = [0] + (0..<5).flatMap { finger in (0..<4).map { HandJoint.of(finger: 4 - finger, $0) } }
    let renderer = easel.renderer(size, size)
    var (pictures, masks, fingers, amodal): ([UInt8], [UInt8], [UInt8], [UInt8]) = ([], [], [], [])
    var (pixels, visible, detections): ([Float], [Float], [Float]) = ([], [], [])
    for (v, camera) in stage.cameras.cameras.enumerated() {
      let hand = isFirstOnly && v > 0 ? [] : stage.hand
      let scene = Scene(bodies: hand + stage.thing + stage.walls, lighting: stage.light)
      let view = renderer.render(scene, from: camera, [.rgb, .depth, .instances, .classes])
      var picture = view.rgb
      if isReal { WorldNoise.add(to: &picture, deviation: 4, own.child("noise", v)) }
      pictures += picture
      masks += view.instances.map { UInt8($0) }
      fingers += view.classes
      if held != nil {
        let alone = renderer.render(
          Scene(bodies: stage.thing, lighting: stage.light), from: camera, [.instances])
        amodal += alone.instances.map { $0 > 0 ? 1 : 0 }
      }
      let seen = joints.map { camera.project($0) }
      let shown = seen.map { view.shows($0.pixel, depth: $0.depth, instance: 1, thickness: 0.03) }
      pixels += seen.flatMap { [$0.pixel.x, $0.pixel.y] }
      visible += shown.map { $0 ? 1 : 0 }
      var noise = own.child("detector", v)
      detections += detector.detect(seen.map(\.pixel), visible: shown, mirror: mirror, width: size, &noise)
    }
    let rotations = [turn] + placed.rotations
    var values: [SampleValue] = [
      .bytes(pictures), .reals(detections), .reals(stage.cameras.intrinsics), .reals(stage.cameras.extrinsics),
      .reals(joints.flatMap { [$0.x, $0.y, $0.z] }), .reals(pixels), .reals(visible),
      .reals(rotations.flatMap(elements)), .reals(shape.factors), .integer(gesture.rawValue), .bytes(masks),
      .bytes(fingers),
    ]
    if let held {
      let world = pose * thing
      let rows = zip(elements(world.rotation).chunks3, [world.translation.x, world.translation.y, world.translation.z])
      values += [
        .bytes(amodal), .integer(held.family.rawValue), .integer(instance(index, of: split)),
        .reals(rows.flatMap { $0 + [$1] }), .reals([held.radius]),
      ]
      if voxels > 0 { values.append(.bytes(occupancy(held))) }
    }
    return values
  }

  private func elements(_ m: Mat3) -> [Float] { [m.row0, m.row1, m.row2].flatMap { [$0.x, $0.y, $0.z] } }

  private func occupancy(_ object: HeldObject) -> [UInt8] {
    let radius = object.radius
    func place(_ i: Int) -> Float { radius * (2 * (Float(i) + 0.5) / Float(voxels) - 1) }
    var cells: [UInt8] = []
    cells.reserveCapacity(voxels * voxels * voxels)
    for z in 0..<voxels {
      for y in 0..<voxels {
        for x in 0..<voxels { cells.append(object.contains(Vec3(place(x), place(y), place(z))) ? 1 : 0) }
      }
    }
    return cells
  }

  private func stage(
    _ own: RandomStream, _ placed: HandPlacement, _ shape: HandShape, _ pose: Pose, _ held: HeldObject?, _ thing: Pose
  ) -> Stage {
    var random = own.child("stage")
    let skin = BodyLook(&random).skin
    let hand = placed.parts(shape).map { part, group in
      Body(parts: [part], materials: [skin], pose: pose, instance: 1, semantic: UInt8(group + 1))
    }
    let things =
      held.map { [Body(parts: $0.parts, materials: $0.materials, pose: thing, instance: 2, semantic: 8)] } ?? []
    let distance = held == nil ? Float(0.5) : 0.56
    let rig = WorldRig.ring(
      views, width: size, height: size, fieldOfView: 0.56, target: .zero, distance: distance - 0.04...distance + 0.06,
      heights: -0.12...0.22, &random)
    let floor = WorldStage.surface(&random, strength: isReal ? 0.8 : 0, isMuted: false)
    var walls = [floor]
    for _ in 0..<4 { walls.append(WorldStage.surface(&random, strength: isReal ? 0.8 : 0, isMuted: false)) }
    for i in walls.indices {
      walls[i].frame = 3 * walls[i].frame
      if !isReal { (walls[i].pattern, walls[i].grain) = (.plain, 0) }
    }
    var light = WorldStage.lighting(
      &random, azimuth: random.float(0, 2 * .pi), ground: Look.mean(floor), tint: isReal ? 0.25 : 0)
    light.key.spread = 0.05
    var room = [
      Body(parts: [Part(.plane)], materials: [floor], pose: Pose(translation: Vec3(0, -0.9, 0)))
    ]
    for turn in 0..<4 {
      let angle = Float(turn) * .pi / 2 + 0.4
      let normal = Vec3(cosf(angle), 0, sinf(angle))
      room.append(WorldStage.wall(walls[turn + 1], through: -normal * 1.3, normal: normal))
    }
    return Stage(hand: hand, thing: things, walls: room, light: light, cameras: rig)
  }
}

extension [Float] {
  /// The numbers in groups of three.
  fileprivate var chunks3: [[Float]] { stride(from: 0, to: count, by: 3).map { Array(self[$0..<$0 + 3]) } }
}
