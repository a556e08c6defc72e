import Glibc
import ReproTensor

/// The things on the table.
public enum TableNoun: Int, Sendable, CaseIterable {
  case cup, bottle, bowl, box, plate, can, ball, book, funnel, ring

  public var name: String { "\(self)" }
  /// What a careless speaker says.
  var alias: String {
    switch self {
    case .cup: "mug"
    case .bottle: "flask"
    case .bowl: "dish"
    case .box: "carton"
    case .plate: "saucer"
    case .can: "tin"
    case .ball: "round thing"
    case .book: "volume"
    case .funnel: "cone"
    case .ring: "hoop"
    }
  }

  /// The parts, standing on the origin, and the height, metres.
  func build(_ random: inout RandomStream) -> (parts: [Part], height: Float) {
    let s = random.float(0.92, 1.1)
    func up(_ solid: Solid, _ y: Float, _ x: Float = 0, turn: Mat3 = .identity) -> Part {
      Part(solid, pose: Pose(rotation: turn, translation: Vec3(x, y, 0)))
    }
    let upright = Mat3.rotation(axis: Vec3(1, 0, 0), angle: .pi / 2)
    switch self {
    case .cup:
      return (
        [
          up(.frustum(bottom: 0.034 * s, top: 0.043 * s, half: 0.05 * s), 0.05 * s),
          up(.torus(major: 0.028, minor: 0.007), 0.05 * s, 0.047 * s, turn: upright),
        ], 0.1 * s
      )
    case .bottle:
      return (
        [
          up(.cylinder(radius: 0.036 * s, half: 0.07), 0.07),
          up(.frustum(bottom: 0.036 * s, top: 0.014, half: 0.02), 0.16),
          up(.cylinder(radius: 0.014, half: 0.03), 0.205),
        ], 0.23
      )
    case .bowl:
      return (
        [
          up(.frustum(bottom: 0.04 * s, top: 0.085 * s, half: 0.03), 0.03),
          up(.torus(major: 0.08 * s, minor: 0.007), 0.06),
        ], 0.065
      )
    case .box: return ([up(.box(half: Vec3(0.055, 0.045 * s, 0.04)), 0.045 * s)], 0.09 * s)
    case .plate:
      return (
        [up(.cylinder(radius: 0.095 * s, half: 0.008), 0.008), up(.torus(major: 0.09 * s, minor: 0.007), 0.015)], 0.022
      )
    case .can: return ([up(.cylinder(radius: 0.036, half: 0.06 * s), 0.06 * s)], 0.12 * s)
    case .ball: return ([up(.sphere(radius: 0.05 * s), 0.05 * s)], 0.1 * s)
    case .book: return ([up(.box(half: Vec3(0.075, 0.016, 0.1)), 0.016)], 0.032)
    case .funnel: return ([up(.cone(radius: 0.06 * s, half: 0.06), 0.06)], 0.12)
    case .ring: return ([up(.torus(major: 0.06 * s, minor: 0.015), 0.015)], 0.03)
    }
  }
}

/// What hands do at the table, and two things that whole bodies do.
public enum TableVerb: Int, Sendable, CaseIterable {
  case reach, lift, move, pour, stir, screw, put, turn, push, point, wave, walk

  public var name: String { "\(self)" }

  /// The things that it is done with.
  var nouns: [TableNoun] {
    switch self {
    case .pour: [.cup, .bottle, .bowl, .can]
    case .screw: [.bottle, .can, .cup]
    default: TableNoun.allCases
    }
  }
  /// Whether a second thing takes part.
  var hasOther: Bool { self == .move || self == .pour || self == .stir }

  /// What the second thing may be.
  var others: [TableNoun] {
    switch self {
    case .pour, .stir: [.cup, .bowl, .can]
    default: TableNoun.allCases
    }
  }

  /// `picks up the red cup`; `other` is `the blue box`.
  func sentence(_ thing: String, _ other: String) -> String {
    switch self {
    case .reach: "reaches for \(thing)"
    case .lift: "picks up \(thing)"
    case .move: "moves \(thing) next to \(other)"
    case .pour: "pours from \(thing) into \(other)"
    case .stir: "stirs in \(other) with \(thing)"
    case .screw: "screws \(thing)"
    case .put: "puts down \(thing)"
    case .turn: "turns over \(thing)"
    case .push: "pushes \(thing)"
    case .point: "points at \(thing)"
    case .wave: "waves"
    case .walk: "walks along the table"
    }
  }

  /// What somebody says who does it: `grab`, `pouring`.
  var colloquial: String {
    switch self {
    case .reach: "go for"
    case .lift: "grab"
    case .move: "shift"
    case .pour: "pour out"
    case .stir: "stir with"
    case .screw: "twist"
    case .put: "set down"
    case .turn: "flip"
    case .push: "slide"
    case .point: "look at"
    case .wave: "say hello"
    case .walk: "go over"
    }
  }
}

/// A thing with its place on the table.
struct TableThing: Sendable {
  var noun: TableNoun
  var color: NamedColor
  var parts: [Part]
  var height: Float
  var material: Material
  /// Standing on the table.
  var rest: Pose

  var name: String { "\(color.name) \(noun.name)" }

  func body(_ pose: Pose, instance: UInt16) -> Body {
    Body(parts: parts, materials: [material], pose: pose, instance: instance, semantic: UInt8(noun.rawValue + 10))
  }
}
