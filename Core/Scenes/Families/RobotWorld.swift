import Glibc
import ReproTensor

/// Where everything on the table is.
public struct RobotState: Sendable, Equatable {
  /// The tip that acts: x and z on the table, y its height, metres.
  public var tip: Vec3
  /// The cube, and the place where it or the tip should be.
  public var cube, goal: Vec3
  /// Angles of the two joints, radians; the arm only.
  public var joints: SIMD2<Float>
  public var time: Int

  /// All numbers of the state, `[11]`: tip, cube, goal, joints.
  public var numbers: [Float] {
    [tip.x, tip.y, tip.z, cube.x, cube.y, cube.z, goal.x, goal.y, goal.z, joints.x, joints.y]
  }
}

/// A table with a tool, a cube and a goal, and several cameras: an environment with a deterministic step.
///
/// - `reach`: the tip of a gripper has to come to the cube.
/// - `push`: the gripper has to push the cube to the goal; it touches the cube below 10 cm only.
/// - `arm`: the tip of an arm of two links has to come to the goal on the plane.
///
/// The reward of a step is minus the distance that is left, in metres, plus 1 if it is below `success`.
public struct RobotWorld: Sendable {
  public enum Task: String, Sendable, CaseIterable { case reach, push, arm }
  public enum View: String, Sendable, CaseIterable { case front, side, top, wrist, left, right }

  public let task: Task
  public let views: [View]
  /// Whether boards hide a part of the table from the fixed cameras.
  public let hasOccluders: Bool
  /// How many blobs move about that have nothing to do with the task.
  public let distractors: Int

  /// Half the side of the table, metres.
  public static let reach: Float = 0.5
  /// Nearer than this is done, metres.
  public static let success: Float = 0.05
  /// Metres (radians for the arm) per step at an action of 1.
  public static let speed: Float = 0.08
  private static let cubeHalf: Float = 0.06
  /// The gripper's radius.
  private static let gripper: Float = 0.03
  private static let links = SIMD2<Float>(0.27, 0.23)

  public init(task: Task, views: [View], hasOccluders: Bool = false, distractors: Int = 0) {
    (self.task, self.views, self.hasOccluders, self.distractors) = (task, views, hasOccluders, distractors)
  }

  /// Numbers of an action, each -1...1: across, up and along for the gripper; both joints for the arm.
  public var actions: Int { task == .arm ? 2 : 3 }

  /// A new episode.
  public func start(_ random: inout RandomStream) -> RobotState {
    func place() -> Vec3 { Vec3(random.float(-0.36, 0.36), 0, random.float(-0.36, 0.36)) }
    var state = RobotState(tip: .zero, cube: .zero, goal: .zero, joints: .zero, time: 0)
    state.cube = place() + Vec3(0, Self.cubeHalf, 0)
    for _ in 0..<30 {
      state.tip = place() + Vec3(0, random.float(0.12, 0.35), 0)
      state.goal = place()
      let apart = hypotf(state.goal.x - state.cube.x, state.goal.z - state.cube.z)
      if apart > 0.2 && hypotf(state.tip.x - state.cube.x, state.tip.z - state.cube.z) > 0.15 { break }
    }
    if task == .arm {
      state.joints = SIMD2(random.float(-.pi, .pi), random.float(-2.4, 2.4))
      state.tip = Self.tip(state.joints)
      let (r, a) = (random.float(0.15, 0.45), random.float(0, 2 * .pi))
      state.goal = Vec3(r * cosf(a), 0, r * sinf(a))
      state.cube = Vec3(0, -1, 0)
    }
    return state
  }

  private static func tip(_ joints: SIMD2<Float>) -> Vec3 {
    let (a, b) = (joints.x, joints.x + joints.y)
    return Vec3(links.x * cosf(a) + links.y * cosf(b), 0.04, links.x * sinf(a) + links.y * sinf(b))
  }

  /// How far the task is from done, metres.
  public func distance(_ state: RobotState) -> Float {
    switch task {
    case .reach: (state.tip - state.cube).length
    case .push: hypotf(state.cube.x - state.goal.x, state.cube.z - state.goal.z)
    case .arm: hypotf(state.tip.x - state.goal.x, state.tip.z - state.goal.z)
    }
  }

  /// One step: what the state becomes, and its reward.
  ///
  /// - Parameter action: `actions` numbers; those beyond -1...1 are clipped.
  public func step(_ state: RobotState, _ action: [Float]) -> (state: RobotState, reward: Float) {
    require(action.count == actions, "the task \(task.rawValue) takes \(actions) numbers, got \(action.count)")
    var next = state
    next.time += 1
    let a = action.map { max(-1, min(1, $0)) * Self.speed }
    if task == .arm {
      next.joints = SIMD2(state.joints.x + 2.5 * a[0], max(-2.6, min(2.6, state.joints.y + 2.5 * a[1])))
      next.tip = Self.tip(next.joints)
    } else {
      let wanted = state.tip + Vec3(a[0], a[1], a[2])
      next.tip = wanted.clamped(
        lowerBound: Vec3(-Self.reach, 0.03, -Self.reach), upperBound: Vec3(Self.reach, 0.45, Self.reach))
      if next.tip.y < 0.1 { push(&next) }
    }
    let left = distance(next)
    return (next, -left + (left < Self.success ? 1 : 0))
  }

  /// The cube gives way along the side by which the tip is in it least.
  private func push(_ state: inout RobotState) {
    let room = Self.cubeHalf + Self.gripper
    let d = state.cube - state.tip
    guard abs(d.x) < room, abs(d.z) < room, task == .push else { return }
    if room - abs(d.x) < room - abs(d.z) {
      state.cube.x = state.tip.x + (d.x < 0 ? -room : room)
    } else {
      state.cube.z = state.tip.z + (d.z < 0 ? -room : room)
    }
    let limit = Self.reach - Self.cubeHalf
    state.cube = state.cube.clamped(
      lowerBound: Vec3(-limit, Self.cubeHalf, -limit), upperBound: Vec3(limit, Self.cubeHalf, limit))
  }

  /// What somebody who knows the state would do.
  public func expert(_ state: RobotState) -> [Float] {
    func towards(_ target: Vec3) -> [Float] {
      let d = (target - state.tip) / Self.speed
      return [d.x, d.y, d.z].map { max(-1, min(1, $0)) }
    }
    switch task {
    case .reach: return towards(state.cube)
    case .arm:
      // Steepest descent of the distance over both angles.
      let h: Float = 1e-2
      func left(_ joints: SIMD2<Float>) -> Float {
        let tip = Self.tip(joints)
        return hypotf(tip.x - state.goal.x, tip.z - state.goal.z)
      }
      let g = SIMD2(
        left(state.joints + SIMD2(h, 0)) - left(state.joints - SIMD2(h, 0)),
        left(state.joints + SIMD2(0, h)) - left(state.joints - SIMD2(0, h)))
      let steep = max(abs(g.x), abs(g.y), 1e-6)
      let pace = min(1, distance(state) / 0.12)
      return [-g.x / steep * pace, -g.y / steep * pace]
    case .push: return expertPush(state)
    }
  }

  /// Behind the cube, down, and on until it has come as far as it should along x and along z.
  private func expertPush(_ state: RobotState) -> [Float] {
    let room = Self.cubeHalf + Self.gripper
    let away = SIMD2(state.cube.x - state.goal.x, state.cube.z - state.goal.z)
    let tip = SIMD2(state.tip.x - state.cube.x, state.tip.z - state.cube.z)
    for axis in 0..<2 {
      let sign: Float = away[axis] < 0 ? -1 : 1
      let (along, aside) = (sign * tip[axis], tip[1 - axis])
      guard state.tip.y < 0.1, abs(aside) < 0.05, along > room - 0.03, along < 0.25, abs(away[axis]) > 0.02 else {
        continue
      }
      // How far the tip must go for the cube to arrive.
      let way = -sign * min(1, (along - room + abs(away[axis])) / Self.speed)
      let back = max(-1, min(1, -0.5 * aside / Self.speed))
      return axis == 0 ? [way, 0, back] : [back, 0, way]
    }
    let axis = abs(away.x) > abs(away.y) ? 0 : 1
    var behind = SIMD2(state.cube.x, state.cube.z)
    behind[axis] += (away[axis] < 0 ? -1 : 1) * (room + 0.02)
    behind = behind.clamped(lowerBound: SIMD2(repeating: -Self.reach), upperBound: SIMD2(repeating: Self.reach))
    let isThere = hypotf(state.tip.x - behind.x, state.tip.z - behind.y) < 0.05
    // First up, so that the cube stays where it is.
    if !isThere, state.tip.y < 0.1 { return [0, 1, 0] }
    let d = (Vec3(behind.x, isThere ? 0.05 : 0.14, behind.y) - state.tip) / Self.speed
    return [d.x, d.y, d.z].map { max(-1, min(1, $0)) }
  }

  // MARK: What the cameras see

  /// The table of an episode: its look is drawn from `look`, the same for all its steps.
  public func scene(_ state: RobotState, look: RandomStream) -> Scene {
    var random = look.child("look")
    func body(_ parts: [Part], _ material: Material, _ instance: UInt16, at place: Vec3 = .zero) -> Body {
      Body(
        parts: parts, materials: [material], pose: Pose(translation: place), instance: instance,
        semantic: UInt8(instance))
    }
    var bodies: [Body] = []
    let metal = Material.plain(SRGB.linear(Vec3(0.55, 0.58, 0.62)), specular: 0.4)
    if task == .arm {
      let elbow = Vec3(Self.links.x * cosf(state.joints.x), 0.04, Self.links.x * sinf(state.joints.x))
      let parts = [
        WorldStage.limb(Vec3(0, 0.04, 0), elbow, radius: 0.034), WorldStage.limb(elbow, state.tip, radius: 0.028),
        Part(.cylinder(radius: 0.05, half: 0.04), at: Vec3(0, 0.04, 0)), Part(.sphere(radius: 0.042), at: state.tip),
      ]
      bodies.append(body(parts, metal, 1))
    } else {
      let grip = Part(.cylinder(radius: Self.gripper, half: 0.06), at: Vec3(0, 0.06, 0))
      let rod = Part(.cylinder(radius: 0.016, half: 0.15), at: Vec3(0, 0.26, 0))
      bodies.append(body([grip, rod], metal, 1, at: state.tip - Vec3(0, 0.03, 0)))
      let cube = Material.plain(random.pick(NamedColor.allCases.filter { $0 != .green && $0 != .white }).linear)
      bodies.append(body([Part(.box(half: Vec3(repeating: Self.cubeHalf)))], cube, 2, at: state.cube))
    }
    if task != .reach {
      let disc = Part(.cylinder(radius: task == .push ? 0.085 : 0.06, half: 0.004))
      bodies.append(body([disc], .plain(NamedColor.green.linear), 3, at: Vec3(state.goal.x, 0.004, state.goal.z)))
    }
    for i in 0..<distractors {
      var own = look.child("distractor", i)
      let (center, phase) = (SIMD2(own.float(-0.6, 0.6), own.float(-0.6, 0.6)), own.float(0, 6))
      let (radius, pace) = (own.float(0.03, 0.06), own.float(0.08, 0.3))
      let a = phase + pace * Float(state.time)
      let place = Vec3(center.x + 0.22 * cosf(a), radius + 0.1 + 0.1 * sinf(1.7 * a), center.y + 0.22 * sinf(a))
      let color = SRGB.linear(Look.color(hue: own.float(0, 1), saturation: 0.8, value: 0.9))
      bodies.append(body([Part(.sphere(radius: radius))], .plain(color), UInt16(4 + i), at: place))
    }
    if hasOccluders {
      // One board before each side of the table, low enough that the view from above is free.
      let board = Material.plain(SRGB.linear(Vec3(0.35, 0.3, 0.28)))
      let places: [(Vec3, Vec3)] = [
        (Vec3(-0.12, 0.17, 0.72), Vec3(0.17, 0.17, 0.01)), (Vec3(0.72, 0.17, 0.1), Vec3(0.01, 0.17, 0.17)),
        (Vec3(-0.52, 0.17, 0.6), Vec3(0.12, 0.17, 0.01)),
      ]
      for (place, half) in places {
        var screen = body([Part(.box(half: half))], board, 0, at: place)
        screen.instance = 0
        bodies.append(screen)
      }
    }
    var wood = WorldStage.surface(&random, strength: 0.5)
    wood.frame = 2.5 * wood.frame
    bodies.append(
      Body(
        parts: [Part(.box(half: Vec3(Self.reach + 0.12, 0.05, Self.reach + 0.12)), at: Vec3(0, -0.05, 0))],
        materials: [wood]))
    var floor = WorldStage.ground(Look.surface(&random, strength: distractors > 0 ? 1 : 0.4))
    floor.pose.translation.y = -0.6
    bodies.append(floor)
    let light = WorldStage.lighting(&random, azimuth: 1, ground: Vec3(repeating: 0.3))
    return Scene(bodies: bodies, lighting: light)
  }

  /// A camera of the rig; the one at the wrist moves with the tip.
  public func camera(_ view: View, _ state: RobotState, height: Int, width: Int) -> Camera {
    let target = Vec3(0, 0.05, 0)
    let pose: Pose =
      switch view {
      case .front: Camera.lookAt(eye: Vec3(0, 0.75, 1.55), target: target)
      case .side: Camera.lookAt(eye: Vec3(1.6, 0.6, 0.1), target: target)
      case .top: Camera.lookAt(eye: Vec3(0, 1.75, 0), target: target, up: Vec3(0, 0, -1))
      case .left: Camera.lookAt(eye: Vec3(-1.15, 0.75, 1.15), target: target)
      case .right: Camera.lookAt(eye: Vec3(1.15, 0.75, 1.15), target: target)
      case .wrist:
        Camera.lookAt(
          eye: state.tip + Vec3(0, 0.3, 0.12), target: state.tip + Vec3(0, -0.05, -0.04), up: Vec3(0, 0, -1))
      }
    return Camera(
      width: width, height: height, verticalFieldOfView: view == .wrist ? 1.2 : 0.62, worldToCamera: pose)
  }
}
