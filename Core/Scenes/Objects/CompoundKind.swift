import Glibc
import ReproTensor

/// Twenty kinds of things that are put together from primitives, each with an upright and a front (+x).
public enum CompoundKind: Int, Sendable, CaseIterable {
  case chair, stool, bench, bed, shelf, mug, bottle, umbrella, hammer, spoon
  case arrow, car, truck, airplane, boat, rocket, house, tree, snowman, dog

  public var name: String { "\(self)" }

  /// The names of the parts that this kind has, in the order of `NamedPart.label`.
  public var partNames: [String] {
    switch self {
    case .chair: ["seat", "leg", "back"]
    case .stool: ["seat", "leg", "ring"]
    case .bench: ["seat", "side"]
    case .bed: ["frame", "mattress", "pillow", "head"]
    case .shelf: ["side", "board"]
    case .mug: ["body", "handle"]
    case .bottle: ["body", "neck", "cap"]
    case .umbrella: ["canopy", "stick", "grip"]
    case .hammer: ["head", "handle"]
    case .spoon: ["bowl", "handle"]
    case .arrow: ["tip", "shaft"]
    case .car: ["body", "cabin", "wheel"]
    case .truck: ["bed", "cabin", "wheel"]
    case .airplane: ["body", "wing", "tail"]
    case .boat: ["hull", "mast", "cabin"]
    case .rocket: ["body", "nose", "fin"]
    case .house: ["wall", "roof", "chimney"]
    case .tree: ["trunk", "crown"]
    case .snowman: ["body", "head", "hat", "nose"]
    case .dog: ["body", "head", "leg", "tail", "ear"]
    }
  }
}

/// A part of a compound and what it is.
public struct NamedPart: Sendable, Equatable {
  public var part: Part
  /// Index into the kind's `partNames`.
  public var label: Int
}

extension CompoundKind {
  /// The parts of one individual, its proportions drawn within +-25 %; y is up, x the front, the middle of the box at
  /// the origin, half its diagonal 1.5 m. Materials: 0 for the largest part, 1 for the others, 2 for details.
  public func parts(_ random: inout RandomStream) -> [NamedPart] {
    var builder = CompoundBuilder()
    build(&builder, &random)
    let centered = ObjectClass.centered(builder.parts.map(\.part), halfDiagonal: 1.5)
    return zip(centered, builder.parts).map { NamedPart(part: $0, label: $1.label) }
  }

  private func build(_ b: inout CompoundBuilder, _ random: inout RandomStream) {
    /// A length that varies by a quarter.
    func v(_ length: Float, _ random: inout RandomStream) -> Float { length * random.float(0.78, 1.25) }
    switch self {
    case .chair:
      let (w, h, t, l) = (v(0.5, &random), v(0.5, &random), v(0.06, &random), v(0.05, &random))
      b.box(0, Vec3(w, t, w), Vec3(0, h, 0))
      for (x, z) in [(-1, -1), (-1, 1), (1, -1), (1, 1)] as [(Float, Float)] {
        b.box(1, Vec3(l, h / 2, l), Vec3(x * (w - l), h / 2, z * (w - l)), material: 1)
      }
      let back = v(0.45, &random)
      b.box(2, Vec3(t, back, w), Vec3(-w + t, h + back, 0))
    case .stool:
      let (r, h, l) = (v(0.45, &random), v(1, &random), v(0.05, &random))
      b.cylinder(0, r, v(0.07, &random), Vec3(0, h, 0))
      for i in 0..<3 {
        let a = Float(i) * 2 * .pi / 3
        b.limb(1, Vec3(0.5 * r * cosf(a), h, 0.5 * r * sinf(a)), Vec3(r * cosf(a), 0, r * sinf(a)), l, material: 1)
      }
      b.add(2, .torus(major: 0.72 * r, minor: 0.6 * l), Vec3(0, 0.45 * h, 0), material: 1)
    case .bench:
      let (w, d, h, t) = (v(1.2, &random), v(0.35, &random), v(0.4, &random), v(0.06, &random))
      b.box(0, Vec3(d, t, w), Vec3(0, h, 0))
      for z in [-1, 1] as [Float] { b.box(1, Vec3(d * 0.8, h / 2, t), Vec3(0, h / 2, z * w * 0.8), material: 1) }
    case .bed:
      let (l, w, h) = (v(1, &random), v(0.6, &random), v(0.2, &random))
      b.box(0, Vec3(l, h, w), Vec3(0, h, 0), material: 1)
      b.box(1, Vec3(l * 0.97, v(0.12, &random), w * 0.94), Vec3(0, 2 * h, 0))
      b.box(2, Vec3(0.16 * l, 0.07, w * 0.6), Vec3(-0.78 * l, 2 * h + 0.17, 0), material: 2)
      b.box(3, Vec3(0.05, v(0.5, &random), w), Vec3(-l, 0.5, 0), material: 1)
    case .shelf:
      let (w, h, d, t) = (v(0.6, &random), v(1, &random), v(0.25, &random), Float(0.05))
      for z in [-1, 1] as [Float] { b.box(0, Vec3(d, h, t), Vec3(0, h, z * w), material: 1) }
      let boards = 3 + random.integer(below: 3)
      for i in 0..<boards {
        b.box(1, Vec3(d, t, w), Vec3(0, t + (2 * h - 2 * t) * Float(i) / Float(boards - 1), 0))
      }
    case .mug:
      let (r, h) = (v(0.55, &random), v(0.65, &random))
      let cup = SignedDistance.difference(
        .cylinder(radius: r, half: h), SignedDistance.cylinder(radius: 0.84 * r, half: h).at(Vec3(0, 0.16 * h, 0)))
      b.add(0, .shape(DistanceShape(cup)), .zero)
      let turned = Pose(rotation: .rotation(axis: Vec3(1, 0, 0), angle: .pi / 2), translation: Vec3(r + 0.18 * h, 0, 0))
      let ring = SignedDistance.moved(.torus(major: 0.6 * h, minor: v(0.1, &random)), turned)
      // What would reach through the wall is cut off.
      let handle = SignedDistance.difference(ring, .cylinder(radius: 0.92 * r, half: 2 * h))
      b.add(1, .shape(DistanceShape(handle)), .zero, material: 1)
    case .bottle:
      let (r, h, n) = (v(0.4, &random), v(0.7, &random), v(0.14, &random))
      let shoulder = v(0.25, &random)
      b.cylinder(0, r, h, Vec3(0, h, 0))
      b.add(0, .frustum(bottom: r, top: n, half: shoulder / 2), Vec3(0, 2 * h + shoulder / 2, 0))
      b.cylinder(1, n, 0.18, Vec3(0, 2 * h + shoulder + 0.18, 0))
      b.cylinder(2, n * 1.2, 0.07, Vec3(0, 2 * h + shoulder + 0.4, 0), material: 2)
    case .umbrella:
      let (r, h) = (v(0.95, &random), v(0.8, &random))
      b.add(0, .cone(radius: r, half: v(0.3, &random)), Vec3(0, 2 * h, 0))
      b.cylinder(1, 0.05, h, Vec3(0, h, 0), material: 1)
      b.add(
        2, .torus(major: 0.15, minor: 0.05), Vec3(0.15, 0, 0), rotation: .rotation(axis: Vec3(1, 0, 0), angle: .pi / 2),
        material: 2)
    case .hammer:
      let (l, r) = (v(0.9, &random), v(0.09, &random))
      b.box(0, Vec3(v(0.4, &random), v(0.17, &random), v(0.17, &random)), Vec3(0, 2 * l, 0), material: 1)
      b.cylinder(1, r, l, Vec3(0, l, 0))
    case .spoon:
      let l = v(0.8, &random)
      b.add(0, .ellipsoid(radii: Vec3(v(0.1, &random), v(0.42, &random), v(0.3, &random))), Vec3(0, 2 * l + 0.3, 0))
      b.add(1, .capsule(radius: v(0.08, &random), half: l), Vec3(0, l, 0), material: 1)
    case .arrow:
      let l = v(0.8, &random)
      let along = Mat3.rotation(axis: Vec3(0, 0, 1), angle: -.pi / 2)
      b.add(0, .cone(radius: v(0.4, &random), half: v(0.35, &random)), Vec3(l + 0.3, 0, 0), rotation: along)
      b.add(1, .cylinder(radius: v(0.13, &random), half: l), .zero, rotation: along, material: 1)
    case .car:
      let (l, h, w) = (v(1, &random), v(0.22, &random), v(0.45, &random))
      b.box(0, Vec3(l, h, w), Vec3(0, 0.3 + h, 0))
      b.box(1, Vec3(l * 0.5, v(0.2, &random), w * 0.88), Vec3(-0.1 * l, 0.3 + 2 * h + 0.18, 0), material: 1)
      b.wheels(2, v(0.26, &random), [-0.6 * l, 0.6 * l], w)
    case .truck:
      let (l, h, w) = (v(0.9, &random), v(0.45, &random), v(0.45, &random))
      b.box(0, Vec3(l, h, w), Vec3(-0.3, 0.35 + h, 0))
      b.box(1, Vec3(0.28, v(0.35, &random), w * 0.95), Vec3(l + 0.05, 0.68, 0), material: 1)
      b.wheels(2, v(0.27, &random), [-0.85 * l, -0.3 * l, l], w)
    case .airplane:
      let (l, r, w) = (v(1, &random), v(0.18, &random), v(0.95, &random))
      b.add(0, .capsule(radius: r, half: l - r), .zero, rotation: .rotation(axis: Vec3(0, 0, 1), angle: .pi / 2))
      b.box(1, Vec3(v(0.22, &random), 0.035, w), Vec3(0.15 * l, 0, 0), material: 1)
      b.box(2, Vec3(0.12, 0.03, 0.4 * w), Vec3(-0.85 * l, 0.1, 0), material: 1)
      b.box(2, Vec3(0.14, v(0.22, &random), 0.03), Vec3(-0.85 * l, 0.28, 0), material: 2)
    case .boat:
      let (l, w, m) = (v(1, &random), v(0.35, &random), v(0.8, &random))
      b.add(0, .ellipsoid(radii: Vec3(l, v(0.3, &random), w)), .zero)
      b.cylinder(1, 0.05, m, Vec3(0.1 * l, m, 0), material: 1)
      b.box(1, Vec3(0.4 * l, 0.55 * m, 0.025), Vec3(-0.32 * l, 1.15 * m, 0), material: 2)
      b.box(2, Vec3(0.25 * l, 0.2, 0.6 * w), Vec3(0.5 * l, 0.32, 0), material: 1)
    case .rocket:
      let (r, h) = (v(0.32, &random), v(0.85, &random))
      let nose = v(0.35, &random)
      b.cylinder(0, r, h, Vec3(0, h, 0))
      b.add(1, .cone(radius: r, half: nose), Vec3(0, 2 * h + nose, 0), material: 1)
      for i in 0..<3 {
        let a = Float(i) * 2 * .pi / 3
        b.add(
          2, .box(half: Vec3(v(0.22, &random), 0.3, 0.04)), Vec3(1.3 * r * cosf(a), 0.2, 1.3 * r * sinf(a)),
          rotation: .rotation(axis: Vec3(0, 1, 0), angle: -a), material: 2)
      }
    case .house:
      let (w, h, d) = (v(0.7, &random), v(0.45, &random), v(0.6, &random))
      b.box(0, Vec3(w, h, d), Vec3(0, h, 0))
      let roof = v(0.5, &random)
      b.add(
        1, .frustum(bottom: hypotf(w, d) * 1.02, top: 0.02, half: roof / 2), Vec3(0, 2 * h + roof / 2, 0), material: 1)
      b.box(2, Vec3(0.1, 0.3, 0.1), Vec3(-0.35 * w, 2 * h + 0.35, 0.3 * d), material: 2)
    case .tree:
      let (r, h) = (v(0.13, &random), v(0.5, &random))
      b.cylinder(0, r, h, Vec3(0, h, 0), material: 1)
      if random.bernoulli(0.5) {
        b.add(1, .ellipsoid(radii: Vec3(v(0.6, &random), v(0.7, &random), v(0.6, &random))), Vec3(0, 2 * h + 0.45, 0))
      } else {
        for i in 0..<3 {
          let s = 1 - 0.25 * Float(i)
          b.add(1, .cone(radius: 0.65 * s, half: 0.35 * s), Vec3(0, 2 * h + 0.1 + 0.42 * Float(i), 0))
        }
      }
    case .snowman:
      let (a, c) = (v(0.55, &random), v(0.34, &random))
      b.add(0, .sphere(radius: a), Vec3(0, a, 0))
      b.add(1, .sphere(radius: c), Vec3(0, 1.8 * a + 0.8 * c, 0))
      let top = 1.8 * a + 1.6 * c
      b.cylinder(2, 0.75 * c, 0.03, Vec3(0, top, 0), material: 1)
      b.cylinder(2, 0.5 * c, v(0.16, &random), Vec3(0, top + 0.16, 0), material: 1)
      b.add(
        3, .cone(radius: 0.08, half: v(0.16, &random)), Vec3(c + 0.1, 1.8 * a + 0.8 * c, 0),
        rotation: .rotation(axis: Vec3(0, 0, 1), angle: -.pi / 2), material: 2)
    case .dog:
      let (l, r, leg) = (v(0.6, &random), v(0.28, &random), v(0.55, &random))
      let y = leg + r
      b.add(0, .capsule(radius: r, half: l), Vec3(0, y, 0), rotation: .rotation(axis: Vec3(0, 0, 1), angle: .pi / 2))
      let (head, neck) = (v(0.26, &random), v(0.35, &random))
      b.add(1, .ellipsoid(radii: Vec3(head * 1.3, head, head * 0.9)), Vec3(l + 0.3, y + neck, 0), material: 1)
      for (x, z) in [(-1, -1), (-1, 1), (1, -1), (1, 1)] as [(Float, Float)] {
        b.add(2, .capsule(radius: 0.09, half: leg / 2), Vec3(x * l * 0.9, leg / 2 + 0.05, z * r * 0.6))
      }
      b.limb(3, Vec3(-l - 0.1, y + 0.1, 0), Vec3(-l - v(0.5, &random), y + v(0.4, &random), 0), 0.07, material: 1)
      for z in [-1, 1] as [Float] {
        b.add(
          4, .ellipsoid(radii: Vec3(0.08, v(0.17, &random), 0.06)),
          Vec3(l + 0.15, y + neck + head * 0.8, z * head * 0.7),
          material: 2)
      }
    }
  }
}

/// Collects the parts of a compound.
private struct CompoundBuilder {
  var parts: [NamedPart] = []

  mutating func add(
    _ label: Int, _ solid: Solid, _ center: Vec3, rotation: Mat3 = .identity, material: Int = 0
  ) {
    let part = Part(solid, pose: Pose(rotation: rotation, translation: center), material: material)
    parts.append(NamedPart(part: part, label: label))
  }

  mutating func box(_ label: Int, _ half: Vec3, _ center: Vec3, material: Int = 0) {
    add(label, .box(half: half), center, material: material)
  }

  mutating func cylinder(_ label: Int, _ radius: Float, _ half: Float, _ center: Vec3, material: Int = 0) {
    add(label, .cylinder(radius: radius, half: half), center, material: material)
  }

  /// A capsule from point to point.
  mutating func limb(_ label: Int, _ a: Vec3, _ b: Vec3, _ radius: Float, material: Int = 0) {
    parts.append(NamedPart(part: WorldStage.limb(a, b, radius: radius, material: material), label: label))
  }

  /// Wheels at both sides of an axle at each place.
  mutating func wheels(_ label: Int, _ radius: Float, _ places: [Float], _ width: Float) {
    let across = Mat3.rotation(axis: Vec3(1, 0, 0), angle: .pi / 2)
    for x in places {
      for z in [-1, 1] as [Float] {
        add(
          label, .cylinder(radius: radius, half: 0.09), Vec3(x, radius, z * width), rotation: across, material: 2)
      }
    }
  }
}

/// One individual compound: its proportions and look, the same in every picture of it.
public struct CompoundIndividual: Sendable, Equatable {
  public let kind: CompoundKind
  public let parts: [NamedPart]
  public let materials: [Material]

  /// - Parameters:
  ///   - number: which individual of the kind.
  ///   - world: the stream of the data set.
  ///   - isTextured: false leaves one colour to each material.
  public init(_ kind: CompoundKind, number: Int, of world: RandomStream, isTextured: Bool = true) {
    self.kind = kind
    let own = world.child("compound", number * CompoundKind.allCases.count + kind.rawValue)
    var shape = own.child("shape")
    parts = kind.parts(&shape)
    var look = own.child("look")
    materials = (0..<3).map { _ in
      var material = Look.material(&look)
      if !isTextured { (material.pattern, material.grain) = (.plain, 0) }
      return material
    }
  }

  /// The whole as one body.
  public func body(pose: Pose = .identity, scale: Float = 1, instance: UInt16 = 1) -> Body {
    Body(
      parts: parts.map(\.part), materials: materials, pose: pose, scale: scale, instance: instance,
      semantic: UInt8(kind.rawValue + 1))
  }

  /// One body for every named part, with the part's label plus 1 as its semantic class.
  public func partBodies(pose: Pose = .identity, scale: Float = 1, instance: UInt16 = 1) -> [Body] {
    kind.partNames.indices.compactMap { label in
      let own = parts.filter { $0.label == label }.map(\.part)
      guard !own.isEmpty else { return nil }
      return Body(
        parts: own, materials: materials, pose: pose, scale: scale, instance: instance, semantic: UInt8(label + 1))
    }
  }

  /// The body standing on the ground.
  public func standing(
    rotation: Mat3, scale: Float = 1, over place: SIMD2<Float> = .zero, instance: UInt16 = 1
  ) -> Body {
    var body = body(pose: Pose(rotation: rotation), scale: scale, instance: instance)
    body.pose.translation = Vec3(place.x, body.reach(Vec3(0, -1, 0)), place.y)
    return body
  }
}
