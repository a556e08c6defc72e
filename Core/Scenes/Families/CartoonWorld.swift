import Glibc
import ReproTensor

/// One character of a series: build, colours, hat; the same in every shot but for its pose and parts of its outfit.
struct CartoonCharacter: Sendable {
  enum Build: Int, Sendable, CaseIterable { case stick, blob, box, tall }
  enum Hat: Int, Sendable, CaseIterable { case none, cap, cone, crown, ears }

  let build: Build
  let hat: Hat
  let skin, shirt, trousers, hatColor: Vec3
  let height, width, head: Float

  /// - Parameters:
  ///   - palette: the hues of the series.
  ///   - stream: the character's own.
  init(palette: [Float], _ stream: RandomStream) {
    var random = stream
    build = random.pick(Build.allCases)
    hat = random.pick(Hat.allCases)
    func color(_ hue: Float, _ value: ClosedRange<Float>) -> Vec3 {
      SRGB.linear(Look.color(hue: hue, saturation: random.float(0.45, 0.95), value: random.float(in: value)))
    }
    skin = SRGB.linear(
      Look.color(hue: random.float(0.03, 0.1), saturation: random.float(0.2, 0.65), value: random.float(0.45, 0.98)))
    shirt = color(random.pick(palette), 0.5...1)
    trousers = color(random.pick(palette), 0.3...0.75)
    hatColor = color(random.pick(palette), 0.4...1)
    height = (build == .tall ? 1.25 : build == .blob ? 0.8 : 1) * random.float(0.9, 1.1)
    width = (build == .stick ? 0.45 : build == .blob ? 1.5 : build == .tall ? 0.75 : 1) * random.float(0.9, 1.1)
    head = random.float(0.2, 0.27) * (build == .box ? 1.1 : 1)
  }

  /// Angles of the limbs, radians.
  struct Posture: Equatable {
    var arms, elbows, legs: SIMD2<Float>
    var lean: Float
  }

  /// The body at a place, feet at y = 0 of its frame, about 1.8 units high; parts have the classes 1 (head), 2 (body),
  /// 3 (arms), 4 (legs), 5 (hat), 6 (face).
  ///
  /// - Parameters:
  ///   - facing: -1 to the left, 1 to the right.
  ///   - outfit: replaces the shirt's colour in some shots.
  func bodies(_ posture: Posture, at place: Vec3, scale: Float, facing: Float, outfit: Vec3?, instance: UInt16)
    -> [Body]
  {
    let thick: Float = build == .stick ? 0.05 : 0.09 * width.squareRoot()
    let (hip, neck) = (0.75 * height, 1.32 * height)
    let lean = Mat3.rotation(axis: Vec3(0, 0, 1), angle: -posture.lean * facing)
    func along(_ from: Vec3, _ angle: Float, _ length: Float) -> Vec3 {
      from + Vec3(facing * sinf(angle), -cosf(angle), 0) * length
    }
    var groups: [(parts: [Part], color: Vec3, label: UInt8)] = []
    let chest = Vec3(0, (hip + neck) / 2, 0)
    let half = (neck - hip) / 2
    let torso: Part =
      switch build {
      case .stick, .tall: Part(.capsule(radius: 0.17 * width + 0.04, half: half * 0.8), at: chest)
      case .blob: Part(.ellipsoid(radii: Vec3(0.3 * width, half * 1.45, 0.3)), at: chest)
      case .box: Part(.box(half: Vec3(0.24 * width, half, 0.18)), at: chest)
      }
    groups.append(([torso], outfit ?? shirt, 2))
    var (arms, legs): ([Part], [Part]) = ([], [])
    for side in 0..<2 {
      let sign: Float = side == 0 ? -1 : 1
      let shoulder = Vec3(sign * 0.2 * width, neck - 0.08, sign * 0.12)
      let elbow = along(shoulder, posture.arms[side], 0.3 * height)
      let hand = along(elbow, posture.arms[side] + posture.elbows[side], 0.28 * height)
      arms += [
        WorldStage.limb(shoulder, elbow, radius: thick * 0.85), WorldStage.limb(elbow, hand, radius: thick * 0.75),
        Part(.sphere(radius: thick * 1.15), at: hand),
      ]
      let socket = Vec3(sign * 0.1 * width, hip, sign * 0.06)
      let knee = along(socket, posture.legs[side], 0.38 * height)
      let foot = along(knee, posture.legs[side] * 0.4 - 0.1, 0.36 * height)
      legs += [
        WorldStage.limb(socket, knee, radius: thick), WorldStage.limb(knee, foot, radius: thick * 0.9),
        Part(.ellipsoid(radii: Vec3(0.13, 0.06, 0.08)), at: foot + Vec3(0.07 * facing, 0, 0)),
      ]
    }
    groups.append((arms, skin, 3))
    groups.append((legs, trousers, 4))
    let middle = Vec3(0, neck + head * 0.95, 0)
    let skull: Part =
      build == .box
      ? Part(.box(half: Vec3(repeating: head * 0.85)), at: middle)
      : Part(.ellipsoid(radii: Vec3(head, head * (build == .tall ? 1.2 : 1), head)), at: middle)
    groups.append(([skull], skin, 1))
    groups.append((eyes(middle, facing), Vec3(0.02, 0.02, 0.03), 6))
    let top = middle + Vec3(0, head * 0.85, 0)
    let hatParts: [Part] =
      switch hat {
      case .none: []
      case .cap:
        [
          Part(.ellipsoid(radii: Vec3(head * 0.95, head * 0.45, head * 0.95)), at: top),
          Part(.box(half: Vec3(head * 0.6, 0.03, head * 0.5)), at: top + Vec3(facing * head, -0.02, 0)),
        ]
      case .cone: [Part(.cone(radius: head * 0.9, half: head * 0.9), at: top + Vec3(0, head * 0.7, 0))]
      case .crown: [Part(.frustum(bottom: head * 0.75, top: head * 0.95, half: head * 0.35), at: top + Vec3(0, 0.1, 0))]
      case .ears:
        [-1, 1].map {
          Part(.ellipsoid(radii: Vec3(head * 0.32, head * 0.75, 0.06)), at: top + Vec3($0 * head * 0.6, head * 0.3, 0))
        }
      }
    if !hatParts.isEmpty { groups.append((hatParts, hatColor, 5)) }
    return groups.map { group in
      Body(
        parts: group.parts, materials: [.plain(group.color)], pose: Pose(rotation: lean, translation: place),
        scale: scale, instance: instance, semantic: group.label)
    }
  }

  /// Two eyes and a nose on the side that faces the camera, shifted to where the character looks.
  private func eyes(_ middle: Vec3, _ facing: Float) -> [Part] {
    [-0.3, 0.3].map { x in
      Part(
        .ellipsoid(radii: Vec3(0.032, 0.05, 0.03)),
        at: middle + Vec3((Float(x) + 0.28 * facing) * head, 0.15 * head, head * 0.93))
    } + [Part(.sphere(radius: 0.03), at: middle + Vec3(facing * head * 0.5, -0.2 * head, head * 0.86))]
  }
}

/// A box that a detector reports: left, top, right, bottom, confidence, and which character it is, -1 for none.
struct CartoonDetection { var numbers: [Float] }

/// One shot before it is rendered.
struct CartoonShot {
  var scenes: [Scene]
  var cameras: [Camera]
  /// Numbers of the characters within the series, in the order of their instance ids.
  var cast: [Int]
  var style: CartoonWorld.Style
  var series: Int
}

/// Draws the shots of `scenes-cartoon`.
struct CartoonWorld: Sendable {
  enum Style: String, Sendable, CaseIterable { case flat, outlined, shaded, series }

  var size: Int
  var frames, characters, shots, most: Int
  var style: Style
  var stream: RandomStream

  var signature: String {
    "size=\(size) frames=\(frames) characters=\(characters) shots=\(shots) cast=\(most) style=\(style.rawValue)"
  }

  /// Series and shot of a sample; splits have series of their own unless they share them.
  func shot(_ draw: SampleDraw) -> CartoonShot {
    let series = draw.index / shots
    let own = stream.child("series", series)
    var random = draw.stream("shot")
    var styles = own.child("style")
    var palette = own.child("palette")
    let base = palette.float(0, 1)
    let hues = (0..<6).map { _ in (base + palette.float(-0.3, 0.3) + 1).truncatingRemainder(dividingBy: 1) }
    let style = style == .series ? styles.pick([Style.flat, .outlined, .shaded]) : style
    let count = random.integer(in: min(2, most)...most)
    let cast = Array(random.permutation(characters).prefix(count))
    let actors = cast.map { CartoonCharacter(palette: hues, own.child("character", $0)) }
    let spots = random.permutation(count)
    let starts = (0..<count).map { i -> Vec3 in
      Vec3((Float(spots[i]) - Float(count - 1) / 2) * 0.95 + random.float(-0.2, 0.2), 0, random.float(-0.8, 0.8))
    }
    let scales = (0..<count).map { _ in random.float(0.85, 1.2) }
    let facing = (0..<count).map { _ -> Float in random.bernoulli(0.5) ? 1 : -1 }
    let walking = (0..<count).map { _ -> Float in random.bernoulli(0.5) ? random.float(0.01, 0.035) : 0 }
    let outfits = (0..<count).map { _ -> Vec3? in
      random.bernoulli(0.2)
        ? SRGB.linear(Look.color(hue: random.pick(hues), saturation: 0.7, value: random.float(0.5, 1))) : nil
    }
    let postures = (0..<count).map { _ in wandering(&random) }
    let set = backdrop(hues, draw)
    let lighting = lighting(style, &random)
    let (pan, zoom) = (
      SIMD2(random.float(-0.4, 0.4), random.float(-0.4, 0.4)),
      SIMD2(random.float(2.6, 3.5), random.float(2.6, 3.5)) * (count > 2 ? 1.12 : 1)
    )
    var (scenes, cameras): ([Scene], [Camera]) = ([], [])
    for t in 0..<frames {
      let share = Float(t) / Float(max(frames - 1, 1))
      let bodies = actors.indices.flatMap { i in
        actors[i].bodies(
          postures[i][t], at: starts[i] + Vec3(walking[i] * facing[i] * Float(t), 0, 0), scale: scales[i],
          facing: facing[i], outfit: outfits[i], instance: UInt16(i + 1))
      }
      scenes.append(Scene(bodies: bodies + set, lighting: lighting))
      let eye = Vec3(pan.x + (pan.y - pan.x) * share, 1.05, 6)
      cameras.append(
        .orthographic(
          width: size, height: size, metresHigh: zoom.x + (zoom.y - zoom.x) * share,
          worldToCamera: Camera.lookAt(eye: eye, target: eye + Vec3(0, 0, -1))))
    }
    return CartoonShot(scenes: scenes, cameras: cameras, cast: cast, style: style, series: series)
  }

  /// Angles that wander and are drawn back to rest.
  private func wandering(_ random: inout RandomStream) -> [CartoonCharacter.Posture] {
    var angles = [Float](repeating: 0, count: 7)
    let rest: [Float] = [random.float(-0.5, 0.8), random.float(-0.5, 0.8), 0.4, 0.4, 0.2, -0.2, 0]
    let limit: [Float] = [2.6, 2.6, 1.6, 1.6, 0.8, 0.8, 0.25]
    for i in angles.indices { angles[i] = rest[i] + 0.5 * limit[i] * random.float(-0.6, 0.6) }
    return (0..<frames).map { _ in
      for i in angles.indices {
        angles[i] += 0.1 * (rest[i] - angles[i]) + 0.14 * limit[i] * random.gaussian() * 0.6
        angles[i] = max(-limit[i], min(limit[i], angles[i]))
      }
      return CartoonCharacter.Posture(
        arms: SIMD2(angles[0], angles[1]), elbows: SIMD2(angles[2], angles[3]), legs: SIMD2(angles[4], angles[5]),
        lean: angles[6])
    }
  }

  private func lighting(_ style: Style, _ random: inout RandomStream) -> Lighting {
    if style == .shaded { return WorldStage.lighting(&random, azimuth: .pi / 2, ground: Vec3(repeating: 0.3)) }
    let none = DirectionalLight(direction: Vec3(0, 1, 0), color: .zero)
    let white = Vec3(repeating: 1)
    return Lighting(key: none, fill: none, ambientUp: white, ambientDown: white, horizon: white, zenith: white)
  }

  /// A wall, a floor and a few things behind the characters.
  private func backdrop(_ hues: [Float], _ draw: SampleDraw) -> [Body] {
    var random = draw.stream("set")
    func pale(_ value: ClosedRange<Float>) -> Vec3 {
      SRGB.linear(
        Look.color(hue: random.pick(hues), saturation: random.float(0.08, 0.35), value: random.float(in: value)))
    }
    let upright = Mat3(rows: Vec3(1, 0, 0), Vec3(0, 0, 1), Vec3(0, -1, 0)).transposed
    let wallpaper = Material(
      pattern: random.pick([.plain, .plain, .stripes, .dots]), first: pale(0.75...0.98), second: pale(0.7...0.95),
      frame: random.float(1, 2.5) * Mat3(rows: Vec3(1, 0, 0), Vec3(0, 1, 0), .zero), offset: Vec3(0, 0, 0.5))
    var bodies = [
      Body(parts: [Part(.plane)], materials: [wallpaper], pose: Pose(rotation: upright, translation: Vec3(0, 0, -2))),
      Body(
        parts: [Part(.box(half: Vec3(20, 3, 0.4)), at: Vec3(0, -3, -1.4))], materials: [.plain(pale(0.5...0.8))]),
    ]
    for _ in 0..<random.integer(in: 1...4) {
      let half = Vec3(random.float(0.15, 0.5), random.float(0.2, 0.8), 0.1)
      let solid: Solid = random.bernoulli(0.5) ? .box(half: half) : .ellipsoid(radii: half)
      bodies.append(
        Body(
          parts: [Part(solid, at: Vec3(random.float(-2, 2), half.y, -1.3))], materials: [.plain(pale(0.55...0.9))]))
    }
    return bodies
  }

  // MARK: Rendering

  func observe(_ shot: CartoonShot, _ easel: Easel) -> [View] {
    let renderer = easel.renderer(size, size)
    return zip(shot.scenes, shot.cameras).map { scene, camera in
      var view = renderer.render(scene, from: camera, [.rgb, .instances, .classes])
      if shot.style == .outlined { outline(&view) }
      return view
    }
  }

  /// Dark lines around every character and between its parts.
  private func outline(_ view: inout View) {
    for y in 0..<size {
      for x in 0..<size {
        let i = y * size + x
        let isEdge = [x + 1 < size ? i + 1 : i, y + 1 < size ? i + size : i].contains { j in
          view.instances[i] != view.instances[j]
            || (view.classes[i] != view.classes[j] && view.instances[i] > 0 && view.classes[i] != 6)
        }
        guard isEdge else { continue }
        for c in 0..<3 { view.rgb[3 * i + c] = UInt8(Float(view.rgb[3 * i + c]) * 0.22) }
      }
    }
  }

  /// The boxes of the visible pixels of the cast, four numbers each; zeros for who is not seen.
  func boxes(_ view: View, _ shot: CartoonShot) -> [SIMD4<Float>] {
    var boxes = [SIMD4<Float>](repeating: SIMD4(.infinity, .infinity, -1, -1), count: shot.cast.count)
    for i in view.instances.indices where view.instances[i] > 0 {
      let k = Int(view.instances[i]) - 1
      let (x, y) = (Float(i % size), Float(i / size))
      boxes[k] = SIMD4(min(boxes[k].x, x), min(boxes[k].y, y), max(boxes[k].z, x + 1), max(boxes[k].w, y + 1))
    }
    return boxes.map { $0.z < 0 ? .zero : $0 }
  }

  /// What a detector would report of a frame: jittered boxes, one in ten missing, one in twenty false.
  func detections(_ boxes: [SIMD4<Float>], _ shot: CartoonShot, _ random: inout RandomStream) -> [CartoonDetection] {
    var found: [CartoonDetection] = []
    for (i, box) in boxes.enumerated() where box.z > box.x {
      guard !random.bernoulli(0.1) else { continue }
      let extent = SIMD4(box.z - box.x, box.w - box.y, box.z - box.x, box.w - box.y)
      let noise = SIMD4(random.gaussian(), random.gaussian(), random.gaussian(), random.gaussian())
      let seen = (box + extent * noise * 0.04).clamped(
        lowerBound: .zero, upperBound: SIMD4(repeating: Float(size)))
      let confidence = max(0.05, min(1, 0.82 + 0.1 * random.gaussian()))
      found.append(CartoonDetection(numbers: [seen.x, seen.y, seen.z, seen.w, confidence, Float(shot.cast[i])]))
    }
    for _ in boxes where random.bernoulli(0.05) {
      let (w, h) = (random.float(0.15, 0.4) * Float(size), random.float(0.25, 0.6) * Float(size))
      let (x, y) = (random.float(0, Float(size) - w), random.float(0, Float(size) - h))
      let confidence = max(0.05, min(1, 0.45 + 0.15 * random.gaussian()))
      found.append(CartoonDetection(numbers: [x, y, x + w, y + h, confidence, -1]))
    }
    return found
  }
}
