import ReproTensor

/// A primitive that belongs to a body.
public struct Part: Sendable, Equatable {
  public var solid: Solid
  /// Where the solid stands in the body's frame.
  public var pose: Pose
  /// Index into the body's materials.
  public var material: Int

  public init(_ solid: Solid, pose: Pose = .identity, material: Int = 0) {
    (self.solid, self.pose, self.material) = (solid, pose, material)
  }

  /// A part that is only shifted.
  public init(_ solid: Solid, at center: Vec3, material: Int = 0) {
    self.init(solid, pose: Pose(translation: center), material: material)
  }
}

/// A rigid set of primitives with one pose, one instance id and one semantic class.
public struct Body: Sendable, Equatable {
  public var parts: [Part]
  public var materials: [Material]
  /// From the body's frame to the world: p -> pose(scale * p).
  public var pose: Pose
  /// Metres per unit of the body's frame.
  public var scale: Float
  /// What instance maps show: 1... ; 0 for the background.
  public var instance: UInt16
  /// What semantic maps show; 0 is the background.
  public var semantic: UInt8
  /// Whether it stands in the light of others; false for a dome around everything.
  public var castsShadow = true

  public init(
    parts: [Part], materials: [Material], pose: Pose = .identity, scale: Float = 1, instance: UInt16 = 0,
    semantic: UInt8 = 0
  ) {
    require(
      parts.allSatisfy { materials.indices.contains($0.material) },
      "a body of \(materials.count) materials has parts of \(parts.map(\.material))")
    require(scale > 0, "the scale of a body is positive, got \(scale)")
    (self.parts, self.materials) = (parts, materials)
    (self.pose, self.scale) = (pose, scale)
    (self.instance, self.semantic) = (instance, semantic)
  }

  /// How far the body reaches along a direction of the world from the world's origin, metres.
  public func reach(_ direction: Vec3) -> Float {
    let inBody = pose.rotation.transposed * direction
    var most = -Float.infinity
    for part in parts {
      let inPart = part.pose.rotation.transposed * inBody
      most = max(most, part.pose.translation.dot(inBody) + part.solid.reach(inPart))
    }
    return pose.translation.dot(direction) + scale * most
  }
}

/// Light from far away, with the width of a lamp: its shadows are soft where four samples make a pixel.
public struct DirectionalLight: Sendable, Equatable {
  /// Towards the light, of length 1.
  public var direction: Vec3
  /// Linear, about 1.
  public var color: Vec3
  /// Tangent of half the angle under which the lamp is seen.
  public var spread: Float

  public init(direction: Vec3, color: Vec3, spread: Float = 0) {
    (self.direction, self.color, self.spread) = (direction.normalized, color, spread)
  }
}

/// A lamp in the scene: a small ball that shines to all sides.
///
/// A surface that faces it at distance r gets color / r^2.
public struct PointLight: Sendable, Equatable {
  public var position: Vec3
  /// Linear, at one metre.
  public var color: Vec3
  /// Metres: the width of its soft shadows.
  public var radius: Float
  /// Whether things stand in its light.
  public var hasShadows: Bool

  public init(position: Vec3, color: Vec3, radius: Float = 0.1, hasShadows: Bool = true) {
    require(radius >= 0, "a lamp's radius is not negative, got \(radius)")
    (self.position, self.color, self.radius, self.hasShadows) = (position, color, radius, hasShadows)
  }
}

/// The light of a scene, and the sky that is seen where nothing stands.
public struct Lighting: Sendable, Equatable {
  /// The only light from far away that casts shadows.
  public var key: DirectionalLight
  public var fill: DirectionalLight
  /// Ambient light from above and from below, linear.
  public var ambientUp, ambientDown: Vec3
  /// The colour of the sky at the horizon and overhead, linear.
  public var horizon, zenith: Vec3
  /// Lamps inside the scene.
  public var lamps: [PointLight] = []

  public init(
    key: DirectionalLight, fill: DirectionalLight, ambientUp: Vec3, ambientDown: Vec3, horizon: Vec3, zenith: Vec3
  ) {
    (self.key, self.fill) = (key, fill)
    (self.ambientUp, self.ambientDown) = (ambientUp, ambientDown)
    (self.horizon, self.zenith) = (horizon, zenith)
  }
}

/// Everything that a renderer needs but the camera.
public struct Scene: Sendable, Equatable {
  public var bodies: [Body]
  public var lighting: Lighting

  public init(bodies: [Body], lighting: Lighting) { (self.bodies, self.lighting) = (bodies, lighting) }
}
