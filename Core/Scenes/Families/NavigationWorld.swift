import Glibc
import ReproTensor

/// Where an explorer stands and looks.
public struct NavigationState: Sendable, Equatable {
  /// A node of the lattice: x, y (up), z.
  public var node: SIMD3<Int>
  /// Eighths of a turn about the vertical, 0 ..< 8.
  public var heading: Int
  /// 0 level, 1 down by 30 degrees.
  public var tilt: Int
}

/// A scene to explore on a lattice of places, with a deterministic step and the true share of its surface that was
/// seen.
///
/// - `outdoor`: ground and 5 to 9 towers, walls, arches and cylinders in a box of 20 x 10 x 20 m; 5 x 3 x 5 places, 8
///   headings, 2 tilts.
/// - `room`: a furnished room of 6 x 6 m; 12 x 1 x 12 places at eye height, 8 headings.
public struct NavigationWorld: Sendable {
  public enum Place: String, Sendable, CaseIterable { case outdoor, room }

  /// What an explorer can do; a move is along the lattice, a turn an eighth.
  public enum Action: Int, Sendable, CaseIterable {
    case forward, turnLeft, turnRight, back, up, down, tilt

    public var name: String { "\(self)" }
  }

  public let place: Place
  public let scene: Scene
  /// Places along x, y and z.
  public let counts: SIMD3<Int>
  /// Whether a place can be stood on, `[X, Y, Z]`.
  public let isFree: [Bool]
  /// Points spread evenly over what can be seen, with normals.
  public let surface: PointCloud
  private let low, gap: Vec3
  private let height, width: Int

  /// - Parameters:
  ///   - points: points of the surface by which coverage is measured.
  ///   - stream: draws the scene.
  public init(_ place: Place, height: Int, width: Int, points: Int, _ stream: RandomStream) {
    (self.place, self.height, self.width) = (place, height, width)
    var random = stream.child("surface")
    let box: (low: Vec3, high: Vec3)
    switch place {
    case .outdoor:
      scene = Self.outdoor(stream)
      counts = SIMD3(5, 3, 5)
      (low, gap) = (Vec3(-8, 1.5, -8), Vec3(4, 3, 4))
      box = (Vec3(-10, -0.01, -10), Vec3(10, 10, 10))
    case .room:
      let world = RoomWorld(
        height: height, width: width, views: 1, objects: 10...10, things: .shapes, walls: .mixed, path: .inside,
        points: 1, isSmall: false, hasSun: false, isTurned: false, stream: stream)
      let room = world.room(SampleDraw(world: stream, split: .train, index: 0), size: Vec3(6, 2.7, 6))
      scene = room.scene
      counts = SIMD3(12, 1, 12)
      (low, gap) = (Vec3(-2.6, 1.4, -2.6), Vec3(5.2 / 11, 1, 5.2 / 11))
      box = room.box
    }
    surface = scene.sampleSurface(points, within: box, &random)
    let parts = CompiledScene(scene).parts.filter { !$0.corners.isEmpty }
    var free: [Bool] = []
    for x in 0..<counts.x {
      for y in 0..<counts.y {
        for z in 0..<counts.z {
          let p = low + Vec3(Float(x), Float(y), Float(z)) * gap
          free.append(!Self.isBlocked(p, parts, isRoom: place == .room))
        }
      }
    }
    isFree = free
  }

  /// Whether somebody at a place would touch a thing: its eyes within 30 cm outdoors, its body down to the floor
  /// indoors.
  private static func isBlocked(_ p: Vec3, _ parts: [CompiledPart], isRoom: Bool) -> Bool {
    let (reach, levels): (Float, [Float]) = isRoom ? (0.12, [0.1, 0.35, 0.7, 1.1, 1.4]) : (0.35, [p.y])
    return parts.contains { part in
      levels.contains { y in
        [Vec3.zero, Vec3(1, 0, 0), Vec3(-1, 0, 0), Vec3(0, 0, 1), Vec3(0, 0, -1), Vec3(0, 1, 0), Vec3(0, -1, 0)]
          .contains { part.shape.contains(part.matrix * (Vec3(p.x, y, p.z) + $0 * reach) + part.offset) }
      }
    }
  }

  private static func outdoor(_ stream: RandomStream) -> Scene {
    var random = stream.child("town")
    let soil = Look.surface(&random, strength: 0.7)
    var ground = WorldStage.ground(soil)
    ground.semantic = 1
    var bodies: [Body] = []
    var taken: [SIMD3<Float>] = []
    for _ in 0..<random.integer(in: 5...9) {
      let kind = random.integer(below: 4)
      let material = Look.material(&random, cells: 0.3...0.8)
      let turn = random.tilted(upTo: 0)
      var parts: [Part]
      let radius: Float
      switch kind {
      case 0:  // tower with a roof
        let (half, h) = (random.float(0.8, 1.4), random.float(2, 3.6))
        parts = [
          Part(.box(half: Vec3(half, h, half)), at: Vec3(0, h, 0)),
          Part(.cone(radius: 1.5 * half, half: 0.6), at: Vec3(0, 2 * h + 0.6, 0)),
        ]
        radius = 1.5 * half
      case 1:  // wall
        let (l, h) = (random.float(2, 3.5), random.float(0.8, 2))
        parts = [Part(.box(half: Vec3(l, h, 0.25)), at: Vec3(0, h, 0))]
        radius = l
      case 2:  // arch
        let (w, h) = (random.float(1, 1.8), random.float(1.2, 2.2))
        parts = [-1, 1].map { Part(.box(half: Vec3(0.4, h, 0.5)), at: Vec3($0 * w, h, 0)) }
        parts.append(Part(.box(half: Vec3(w + 0.4, 0.4, 0.5)), at: Vec3(0, 2 * h + 0.4, 0)))
        radius = w + 0.5
      default:
        let (r, h) = (random.float(0.6, 1.5), random.float(1, 3.5))
        parts = [Part(.cylinder(radius: r, half: h), at: Vec3(0, h, 0))]
        radius = r
      }
      for _ in 0..<40 {
        let spot = SIMD2(random.float(-7.5, 7.5), random.float(-7.5, 7.5))
        guard taken.allSatisfy({ hypotf($0.x - spot.x, $0.y - spot.y) > $0.z + radius + 0.4 }) else { continue }
        taken.append(SIMD3(spot.x, spot.y, radius))
        bodies.append(
          Body(
            parts: parts, materials: [material], pose: Pose(rotation: turn, translation: Vec3(spot.x, 0, spot.y)),
            instance: UInt16(bodies.count + 1), semantic: UInt8(kind + 2)))
        break
      }
    }
    let light = WorldStage.lighting(&random, azimuth: random.float(0, 6), ground: Look.mean(soil), tint: 0.15)
    return Scene(bodies: bodies + [ground], lighting: light)
  }

  /// The actions that this place knows, in the order of their numbers.
  public var actions: [Action] {
    place == .room ? [.forward, .turnLeft, .turnRight] : Action.allCases
  }

  /// Where a state stands, metres.
  public func position(_ state: NavigationState) -> Vec3 {
    low + Vec3(Float(state.node.x), Float(state.node.y), Float(state.node.z)) * gap
  }

  public func camera(_ state: NavigationState) -> Camera {
    let pitch: Float = place == .room ? 0.38 : state.tilt == 1 ? 0.52 : 0
    return Camera(
      width: width, height: height, verticalFieldOfView: 1.2,
      worldToCamera: CameraPath.facing(
        position(state), heading: Float(state.heading) * .pi / 4, pitch: pitch))
  }

  public func isFree(_ node: SIMD3<Int>) -> Bool {
    all(node .>= .zero) && all(node .< counts) && isFree[(node.x * counts.y + node.y) * counts.z + node.z]
  }

  /// A free place and a heading; the middle if there is none.
  public func start(_ random: inout RandomStream) -> NavigationState {
    var state = NavigationState(node: counts / 2, heading: random.integer(below: 8), tilt: 0)
    for _ in 0..<200 {
      let node = SIMD3(
        random.integer(below: counts.x), random.integer(below: counts.y), random.integer(below: counts.z))
      guard isFree(node) else { continue }
      state.node = node
      break
    }
    return state
  }

  /// One step; a move into a thing or off the lattice changes nothing and is a collision.
  public func step(_ state: NavigationState, _ action: Action) -> (state: NavigationState, isCollision: Bool) {
    var next = state
    switch action {
    case .turnLeft: next.heading = (state.heading + 1) % 8
    case .turnRight: next.heading = (state.heading + 7) % 8
    case .tilt: next.tilt = 1 - state.tilt
    case .up: next.node.y += 1
    case .down: next.node.y -= 1
    case .forward, .back:
      let a = Float(state.heading) * .pi / 4
      let sign: Float = action == .forward ? 1 : -1
      next.node.x += Int((sign * sinf(a)).rounded())
      next.node.z += Int((sign * cosf(a)).rounded())
    }
    return isFree(next.node) ? (next, false) : (state, true)
  }

  /// What is seen from a state.
  public func observe(_ state: NavigationState, _ renderer: Renderer) -> Observation {
    renderer.observe(scene, from: camera(state))
  }

  /// Which points of the surface a state sees.
  public func sees(_ state: NavigationState, _ renderer: Renderer) -> [Bool] {
    renderer.visible(surface, in: scene, from: camera(state))
  }
}
