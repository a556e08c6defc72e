import Glibc
import ReproTensor

/// An expression of signed distances: how far a point is from a surface, negative inside; metres.
///
/// The leaves are exact. `union` is exact outside, `intersection`, `difference` and `blend` are bounds: never more than
/// the true distance, so that a march along a ray passes no surface.
///
/// - Source: Hart 1996, "Sphere tracing"; the leaves are elementary.
public indirect enum SignedDistance: Sendable, Equatable {
  case sphere(radius: Float)
  case box(half: Vec3)
  /// About the y axis.
  case cylinder(radius: Float, half: Float)
  case capsule(radius: Float, half: Float)
  case torus(major: Float, minor: Float)
  case moved(SignedDistance, Pose)
  case scaled(SignedDistance, Float)
  /// All points within that distance of the shape.
  case rounded(SignedDistance, by: Float)
  /// All points within half the thickness of the surface.
  case shell(SignedDistance, thickness: Float)
  case union(SignedDistance, SignedDistance)
  case intersection(SignedDistance, SignedDistance)
  /// The first without the second.
  case difference(SignedDistance, SignedDistance)
  /// A union whose seam is filled over that radius.
  ///
  ///     min(a, b) - max(radius - |a - b|, 0)^2 / (4 radius)
  case blend(SignedDistance, SignedDistance, radius: Float)

  public func at(_ center: Vec3) -> SignedDistance { .moved(self, Pose(translation: center)) }

  /// How far the shape reaches along a direction of length 1, or a little less far.
  func reach(_ direction: Vec3) -> Float {
    switch self {
    case .sphere(let radius): return radius
    case .box(let half): return Solid.box(half: half).reach(direction)
    case .cylinder(let radius, let half): return Solid.cylinder(radius: radius, half: half).reach(direction)
    case .capsule(let radius, let half): return Solid.capsule(radius: radius, half: half).reach(direction)
    case .torus(let major, let minor): return Solid.torus(major: major, minor: minor).reach(direction)
    case .moved(let inner, let pose):
      return pose.translation.dot(direction) + inner.reach(pose.rotation.transposed * direction)
    case .scaled(let inner, let scale): return scale * inner.reach(direction)
    case .rounded(let inner, let radius): return inner.reach(direction) + radius
    case .shell(let inner, let thickness): return inner.reach(direction) + thickness / 2
    case .union(let a, let b): return max(a.reach(direction), b.reach(direction))
    case .intersection(let a, let b): return min(a.reach(direction), b.reach(direction))
    case .difference(let a, _): return a.reach(direction)
    case .blend(let a, let b, let radius): return max(a.reach(direction), b.reach(direction)) + radius / 4
    }
  }
}

/// A signed-distance expression made ready for rays.
public final class DistanceShape: Sendable, Equatable {
  public let expression: SignedDistance
  /// A box around the shape, metres.
  public let low, high: Vec3
  let program: DistanceProgram

  /// - Parameter expression: bounded, with positive measures.
  public init(_ expression: SignedDistance) {
    self.expression = expression
    let axes = [Vec3(1, 0, 0), Vec3(0, 1, 0), Vec3(0, 0, 1)]
    let (up, down) = (axes.map { expression.reach($0) }, axes.map { -expression.reach(-$0) })
    (low, high) = (Vec3(down[0], down[1], down[2]), Vec3(up[0], up[1], up[2]))
    require(all(low .< high), "a signed-distance shape has an extent, got \(low) to \(high)")
    program = DistanceProgram(expression)
  }

  public static func == (a: DistanceShape, b: DistanceShape) -> Bool { a === b || a.expression == b.expression }

  /// The expression at a point, metres.
  public func distance(_ p: Vec3) -> Float { program.distance(Lanes3(p))[0] }

  /// The direction in which the distance grows, of length 1.
  public func normal(_ p: Vec3) -> Vec3 { program.gradient(Lanes3(p), step: step)[0].normalized }

  /// The largest of the three sides of the box; tolerances are relative to it.
  var size: Float { (high - low).max() }
  var step: Float { 5e-4 * size }

  func reach(_ direction: Vec3) -> Float { expression.reach(direction) }
}

/// A signed-distance expression as a list of steps on a stack, for eight points at a time.
struct DistanceProgram: Sendable {
  enum Step: Sendable {
    /// Pushes the distance of a leaf, found at matrix p + offset and multiplied by `scale`.
    case leaf(Leaf, Mat3, Vec3, scale: Float)
    case add(Float)
    case shell(Float)
    case union, intersection, difference
    case blend(Float)
  }

  enum Leaf: Sendable {
    case sphere(Float)
    case box(Vec3)
    case cylinder(Float, Float)
    case capsule(Float, Float)
    case torus(Float, Float)
  }

  private var steps: [Step] = []
  private var depth = 0

  init(_ expression: SignedDistance) { depth = append(expression, .identity, .zero, 1) }

  /// - Returns: how deep the stack gets.
  private mutating func append(_ e: SignedDistance, _ matrix: Mat3, _ offset: Vec3, _ scale: Float) -> Int {
    func leaf(_ leaf: Leaf) -> Step { .leaf(leaf, matrix, offset, scale: scale) }
    switch e {
    case .sphere(let radius): steps.append(leaf(.sphere(radius)))
    case .box(let half): steps.append(leaf(.box(half)))
    case .cylinder(let radius, let half): steps.append(leaf(.cylinder(radius, half)))
    case .capsule(let radius, let half): steps.append(leaf(.capsule(radius, half)))
    case .torus(let major, let minor): steps.append(leaf(.torus(major, minor)))
    case .moved(let inner, let pose):
      let back = pose.inverse
      return append(inner, back.rotation * matrix, back(offset), scale)
    case .scaled(let inner, let factor):
      require(factor > 0, "a shape is scaled by a positive factor, got \(factor)")
      return append(inner, (1 / factor) * matrix, offset / factor, scale * factor)
    case .rounded(let inner, let radius):
      let depth = append(inner, matrix, offset, scale)
      steps.append(.add(-radius * scale))
      return depth
    case .shell(let inner, let thickness):
      let depth = append(inner, matrix, offset, scale)
      steps.append(.shell(thickness / 2 * scale))
      return depth
    case .union(let a, let b): return pair(a, b, matrix, offset, scale, .union)
    case .intersection(let a, let b): return pair(a, b, matrix, offset, scale, .intersection)
    case .difference(let a, let b): return pair(a, b, matrix, offset, scale, .difference)
    case .blend(let a, let b, let radius):
      require(radius > 0, "the radius of a blend is positive, got \(radius)")
      return pair(a, b, matrix, offset, scale, .blend(radius * scale))
    }
    return 1
  }

  private mutating func pair(
    _ a: SignedDistance, _ b: SignedDistance, _ matrix: Mat3, _ offset: Vec3, _ scale: Float, _ step: Step
  ) -> Int {
    let first = append(a, matrix, offset, scale)
    let second = append(b, matrix, offset, scale)
    steps.append(step)
    return max(first, second + 1)
  }

  /// The distance of eight points.
  func distance(_ p: Lanes3) -> Float8 {
    withUnsafeTemporaryAllocation(of: Float8.self, capacity: depth) { stack in
      var top = -1
      for step in steps {
        switch step {
        case .leaf(let leaf, let matrix, let offset, let scale):
          top += 1
          stack[top] = Self.distance(leaf, matrix * p + Lanes3(offset)) * scale
        case .add(let amount): stack[top] += amount
        case .shell(let half): stack[top] = magnitude(stack[top]) - half
        case .union:
          top -= 1
          stack[top] = smaller(stack[top], stack[top + 1])
        case .intersection:
          top -= 1
          stack[top] = larger(stack[top], stack[top + 1])
        case .difference:
          top -= 1
          stack[top] = larger(stack[top], -stack[top + 1])
        case .blend(let radius):
          top -= 1
          let (a, b) = (stack[top], stack[top + 1])
          let rest = larger(radius - magnitude(a - b), .zero)
          stack[top] = smaller(a, b) - rest * rest * (0.25 / radius)
        }
      }
      return stack[0]
    }
  }

  @inline(__always)
  private static func distance(_ leaf: Leaf, _ p: Lanes3) -> Float8 {
    switch leaf {
    case .sphere(let radius): return root(p.dot(p)) - radius
    case .box(let half):
      let (x, y, z) = (magnitude(p.x) - half.x, magnitude(p.y) - half.y, magnitude(p.z) - half.z)
      let out = Lanes3(larger(x, .zero), larger(y, .zero), larger(z, .zero))
      return root(out.dot(out)) + smaller(larger(larger(x, y), z), .zero)
    case .cylinder(let radius, let half):
      let (r, y) = (root(p.x * p.x + p.z * p.z) - radius, magnitude(p.y) - half)
      let (a, b) = (larger(r, .zero), larger(y, .zero))
      return root(a * a + b * b) + smaller(larger(r, y), .zero)
    case .capsule(let radius, let half):
      let y = p.y - larger(smaller(p.y, .all(half)), .all(-half))
      return root(p.x * p.x + y * y + p.z * p.z) - radius
    case .torus(let major, let minor):
      let q = root(p.x * p.x + p.z * p.z) - major
      return root(q * q + p.y * p.y) - minor
    }
  }

  /// The gradient of the distance by differences over the corners of a tetrahedron.
  func gradient(_ p: Lanes3, step h: Float) -> Lanes3 {
    let a = distance(Lanes3(p.x + h, p.y - h, p.z - h))
    let b = distance(Lanes3(p.x - h, p.y - h, p.z + h))
    let c = distance(Lanes3(p.x - h, p.y + h, p.z - h))
    let d = distance(Lanes3(p.x + h, p.y + h, p.z + h))
    return Lanes3(a - b - c + d, c - a - b + d, b - a - c + d) * Float8(repeating: 0.25 / h)
  }
}
