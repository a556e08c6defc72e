import Glibc
import ReproConfig
import ReproTensor

/// A skeleton and its motion: Biovision's BVH text format.
///
/// - Source: Meredith, Maddock 2001, "Motion capture file formats explained".
public struct BVHMotion: Sendable, Equatable {
  public struct Joint: Sendable, Equatable {
    public var name: String
    /// The place of its parent in `joints`; -1 for the root.
    public var parent: Int
    /// From its parent, in the units of the file, in the parent's frame.
    public var offset: SIMD3<Double>
    /// In the order in which they apply; none for the end of a chain.
    public var channels: [Channel]
    /// Where its channels begin in a frame.
    public var firstChannel: Int
    public var isEnd: Bool { channels.isEmpty && name.hasSuffix(" end") }
  }

  public enum Channel: String, Sendable, CaseIterable {
    case xPosition = "Xposition"
    case yPosition = "Yposition"
    case zPosition = "Zposition"
    case xRotation = "Xrotation"
    case yRotation = "Yrotation"
    case zRotation = "Zrotation"
  }

  /// Parents before children; the ends of chains (`<parent> end`) among them.
  public var joints: [Joint]
  /// Seconds between frames.
  public var frameTime: Double
  public var frames: Int
  /// `[frames, channels]`: positions in units of the file, rotations in degrees.
  public var values: [Float]
  public var channels: Int

  /// The deepest nesting of joints.
  static let deepestNesting = 128

  /// - Throws: `ReproError` with the line of what is wrong: nesting, channels, counts that the file cannot hold,
  ///   values that are no numbers, frames with too few or too many.
  public init(_ bytes: [UInt8], file: String) throws {
    var cursor = TextCursor(bytes, file: file)
    (joints, frameTime, frames, values, channels) = ([], 0, 0, [], 0)
    guard cursor.advanceToWords(), cursor.skip("HIERARCHY") else {
      throw cursor.error("this is not a BVH file", expected: "HIERARCHY")
    }
    try hierarchy(&cursor)
    guard cursor.advanceToWords(), cursor.skip("Frames:") else {
      throw cursor.error("no count of frames", expected: "Frames:")
    }
    // Every value takes a digit and a blank.
    frames = try cursor.integer("the count of frames", in: 0...bytes.count / max(1, 2 * channels))
    guard cursor.advanceToWords(), cursor.skip("Frame"), cursor.skip("Time:") else {
      throw cursor.error("no time of a frame", expected: "Frame Time:")
    }
    frameTime = try cursor.double("the time of a frame")
    guard frameTime > 0 else { throw cursor.error("a frame of \(frameTime) seconds", expected: "more than 0") }
    values.reserveCapacity(frames * channels)
    for t in 0..<frames {
      guard cursor.advanceToWords() else {
        throw cursor.error("the file ends after \(t) frames", expected: "\(frames)")
      }
      for c in 0..<channels { values.append(try cursor.float("channel \(c + 1)")) }
      guard cursor.isAtLineEnd() else { throw cursor.error("more than \(channels) values in frame \(t + 1)") }
    }
    if cursor.advanceToWords() { throw cursor.error("text after the last frame") }
  }

  private mutating func hierarchy(_ cursor: inout TextCursor) throws {
    var open: [Int] = []
    while cursor.advanceToWords() {
      guard let key = cursor.word() else { continue }
      switch cursor.text(key) {
      case "ROOT", "JOINT":
        guard open.isEmpty == cursor.matches(key, "ROOT") else { throw cursor.error("a joint outside of the skeleton") }
        let name = cursor.text(try cursor.requiredWord("the joint's name"))
        try begin(name, &open, &cursor)
      case "End":
        guard cursor.skip("Site"), let parent = open.last else { throw cursor.error("an end outside of the skeleton") }
        try begin("\(joints[parent].name) end", &open, &cursor)
      case "OFFSET":
        guard let joint = open.last else { throw cursor.error("an offset outside of the skeleton") }
        for axis in 0..<3 { joints[joint].offset[axis] = try cursor.double("the offset") }
      case "CHANNELS":
        guard let joint = open.last, joints[joint].channels.isEmpty else { throw cursor.error("channels of no joint") }
        let count = try cursor.integer("the count of channels", in: 0...6)
        joints[joint].firstChannel = channels
        for _ in 0..<count {
          let word = cursor.text(try cursor.requiredWord("a channel"))
          guard let channel = Channel(rawValue: word), !joints[joint].channels.contains(channel) else {
            throw cursor.error("channel '\(clipped(word))'", expected: "each of Xposition to Zrotation at most once")
          }
          joints[joint].channels.append(channel)
        }
        channels += count
      case "}":
        guard open.popLast() != nil else { throw cursor.error("a brace that closes nothing") }
      case "MOTION":
        guard open.isEmpty, !joints.isEmpty else { throw cursor.error("MOTION before the skeleton is closed") }
        return
      default: throw cursor.error("'\(clipped(cursor.text(key)))' in the skeleton")
      }
    }
    throw cursor.error("the file ends in its skeleton", expected: "MOTION")
  }

  private mutating func begin(_ name: String, _ open: inout [Int], _ cursor: inout TextCursor) throws {
    guard open.count < Self.deepestNesting else {
      throw cursor.error("joints nested deeper than \(Self.deepestNesting)")
    }
    joints.append(Joint(name: name, parent: open.last ?? -1, offset: .zero, channels: [], firstChannel: channels))
    open.append(joints.count - 1)
    // The brace stands on this line or the next.
    if cursor.skip("{") { return }
    guard cursor.isAtLineEnd(), cursor.advanceToWords(), cursor.skip("{") else {
      throw cursor.error("no brace after '\(clipped(name))'", expected: "{")
    }
  }

  /// The places of all joints in a frame, x, y, z each, in the units of the file: forward kinematics.
  ///
  ///     M_j = M_parent(j) T(offset_j) C_1 C_2 ...   (each channel a translation or a rotation about its axis)
  ///
  /// - Returns: `[joints, 3]`, row-major.
  public func positions(frame: Int) -> [Float] {
    require((0..<frames).contains(frame), "frame \(frame) of \(frames)")
    var places: [SIMD3<Double>] = []
    var turns: [Rotation] = []
    for joint in joints {
      let parent = joint.parent
      var place = joint.offset
      var turn = Rotation.identity
      for (k, channel) in joint.channels.enumerated() {
        let value = Double(values[frame * channels + joint.firstChannel + k])
        switch channel {
        case .xPosition: place += turn.applied(SIMD3(value, 0, 0))
        case .yPosition: place += turn.applied(SIMD3(0, value, 0))
        case .zPosition: place += turn.applied(SIMD3(0, 0, value))
        case .xRotation: turn = turn.times(.about(0, degrees: value))
        case .yRotation: turn = turn.times(.about(1, degrees: value))
        case .zRotation: turn = turn.times(.about(2, degrees: value))
        }
      }
      if parent >= 0 {
        place = places[parent] + turns[parent].applied(place)
        turn = turns[parent].times(turn)
      }
      places.append(place)
      turns.append(turn)
    }
    return places.flatMap { [Float($0.x), Float($0.y), Float($0.z)] }
  }
}

/// A 3x3 rotation by its columns.
private struct Rotation {
  var x, y, z: SIMD3<Double>

  static let identity = Rotation(x: SIMD3(1, 0, 0), y: SIMD3(0, 1, 0), z: SIMD3(0, 0, 1))

  static func about(_ axis: Int, degrees: Double) -> Rotation {
    let angle = degrees * .pi / 180
    let (c, s) = (cos(angle), sin(angle))
    switch axis {
    case 0: return Rotation(x: SIMD3(1, 0, 0), y: SIMD3(0, c, s), z: SIMD3(0, -s, c))
    case 1: return Rotation(x: SIMD3(c, 0, -s), y: SIMD3(0, 1, 0), z: SIMD3(s, 0, c))
    default: return Rotation(x: SIMD3(c, s, 0), y: SIMD3(-s, c, 0), z: SIMD3(0, 0, 1))
    }
  }

  func applied(_ v: SIMD3<Double>) -> SIMD3<Double> { x * v.x + y * v.y + z * v.z }
  func times(_ other: Rotation) -> Rotation {
    Rotation(x: applied(other.x), y: applied(other.y), z: applied(other.z))
  }
}
