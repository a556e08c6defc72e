import ReproTensor

/// The shapes that captions name.
public enum CaptionShape: Int, Sendable, CaseIterable {
  case ball, cube, cylinder, cone, ring, pill, table, lamp

  public var name: String { "\(self)" }

  /// The class of `scenes-objects` that gives the parts.
  var kind: ObjectClass {
    switch self {
    case .ball: .ball
    case .cube: .cube
    case .cylinder: .cylinder
    case .cone: .cone
    case .ring: .ring
    case .pill: .pill
    case .table: .table
    case .lamp: .lamp
    }
  }

  /// Whether it looks different standing and lying.
  public var hasPosture: Bool {
    switch self {
    case .ball, .cube, .table: false
    case .cylinder, .cone, .ring, .pill, .lamp: true
    }
  }
}

public enum CaptionSize: Int, Sendable, CaseIterable {
  case small, large

  public var name: String { "\(self)" }
  /// Units of the body's frame.
  var scale: Float { self == .small ? 0.42 : 0.78 }
}

public enum CaptionTexture: Int, Sendable, CaseIterable {
  case plain, striped, checked, dotted

  public var name: String { "\(self)" }
}

/// Whether the long axis is upright; a ring's axis is the one through its hole.
public enum CaptionPosture: Int, Sendable, CaseIterable {
  case standing, lying

  public var name: String { "\(self)" }
}

/// One object of a scene: everything that language can say about it.
public struct CaptionObject: Sendable, Equatable {
  public var shape: CaptionShape
  public var color: NamedColor
  public var size: CaptionSize
  public var texture: CaptionTexture
  /// Nil for shapes without one.
  public var posture: CaptionPosture?
  /// The middle of the object in the world, metres.
  public var center = Vec3.zero
  /// Where the middle is seen: pixels; and how far away, metres along the camera's axis.
  public var pixel = SIMD2<Float>.zero
  public var depth: Float = 0
  /// Left, top, right and bottom edge of the visible pixels, pixels (right and bottom exclusive).
  public var box = SIMD4<Float>.zero
  /// Visible pixels, and the share of the object's own pixels that they are, 0...1.
  public var pixels = 0
  public var visible: Float = 0
}

/// What stands in the picture.
public struct CaptionScene: Sendable, Equatable {
  public var objects: [CaptionObject]
  /// The side of the picture, pixels.
  public var size: Int
  public var scene: Scene
  public var camera: Camera

  /// How far apart two objects must be before a relation is said of them: a share of the picture's side for left and
  /// right, metres for in front and behind.
  static let sideMargin: Float = 0.09
  static let depthMargin: Float = 0.45

  /// Whether a relation holds between two objects.
  ///
  /// - Parameter slack: 1 asks for the margins, 0 for none, so that no claim lies between true and false.
  public func holds(_ relation: Relation, _ a: CaptionObject, _ b: CaptionObject, slack: Float = 1) -> Bool {
    let side = (b.pixel.x - a.pixel.x) / Float(size)
    let ahead = b.depth - a.depth
    switch relation {
    case .left: return side > slack * Self.sideMargin
    case .right: return -side > slack * Self.sideMargin
    case .front: return ahead > slack * Self.depthMargin
    case .behind: return -ahead > slack * Self.depthMargin
    }
  }

  public func matching(_ description: Description) -> [Int] {
    objects.indices.filter { description.fits(objects[$0]) }
  }

  /// Whether a claim is true of the scene.
  ///
  /// - Parameter slack: margins of relations, see `holds`.
  public func isTrue(_ claim: Claim, slack: Float = 1) -> Bool {
    switch claim {
    case .exists(let description): return objects.contains(where: description.fits)
    case .related(let a, let relation, let b):
      return objects.indices.contains { i in
        a.fits(objects[i])
          && objects.indices.contains { j in
            i != j && b.fits(objects[j]) && holds(relation, objects[i], objects[j], slack: slack)
          }
      }
    case .count(let description, let number): return matching(description).count == number
    }
  }
}

/// How one object stands to another, as the camera sees it.
public enum Relation: Int, Sendable, CaseIterable {
  case left, right, front, behind

  public var opposite: Relation {
    switch self {
    case .left: .right
    case .right: .left
    case .front: .behind
    case .behind: .front
    }
  }
}

/// What is said of an object; what is nil is not said.
public struct Description: Sendable, Equatable {
  public var shape: CaptionShape?
  public var color: NamedColor?
  public var size: CaptionSize?
  public var texture: CaptionTexture?
  public var posture: CaptionPosture?

  public init(
    shape: CaptionShape? = nil, color: NamedColor? = nil, size: CaptionSize? = nil, texture: CaptionTexture? = nil,
    posture: CaptionPosture? = nil
  ) {
    (self.shape, self.color, self.size) = (shape, color, size)
    (self.texture, self.posture) = (texture, posture)
  }

  /// Everything that can be said of an object.
  public init(_ object: CaptionObject) {
    self.init(
      shape: object.shape, color: object.color, size: object.size, texture: object.texture, posture: object.posture)
  }

  public func fits(_ object: CaptionObject) -> Bool {
    (shape == nil || shape == object.shape) && (color == nil || color == object.color)
      && (size == nil || size == object.size) && (texture == nil || texture == object.texture)
      && (posture == nil || posture == object.posture)
  }
}

/// A sentence's meaning, true or false of a scene.
public enum Claim: Sendable, Equatable {
  /// At least one object fits.
  case exists(Description)
  /// Some object that fits the first stands so to another one that fits the second.
  case related(Description, Relation, Description)
  /// Exactly so many objects fit.
  case count(Description, Int)
}
