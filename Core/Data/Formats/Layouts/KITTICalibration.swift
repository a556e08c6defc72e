import ReproConfig
import ReproTensor

/// A calibration file of KITTI: lines `name: numbers` (object detection, odometry and raw recordings).
public struct KITTICalibration: Sendable, Equatable {
  /// By name: `P0` ... `P3` 3x4, `R0_rect` 3x3, `Tr_velo_to_cam` 3x4, ..., row-major.
  public var matrices: [String: [Double]] = [:]
  /// The file, for messages.
  public var file: String

  /// Words after a name that are no numbers (dates) leave that name out.
  public init(_ bytes: [UInt8], file: String) throws {
    self.file = file
    var cursor = TextCursor(bytes, file: file)
    while cursor.advanceToWords() {
      guard let key = cursor.word(), let last = bytes[key].last, last == UInt8(ascii: ":") else {
        throw cursor.error("a line without a name", expected: "name: numbers")
      }
      let name = String(cursor.text(key).dropLast())
      var numbers: [Double] = []
      var isNumeric = true
      while let word = cursor.word() {
        if let value = Numeral.double(bytes, word) { numbers.append(value) } else { isNumeric = false }
      }
      guard isNumeric else {
        if name.hasPrefix("P") || name.hasPrefix("R") || name.hasPrefix("Tr") {
          throw cursor.error("\(clipped(name)) is not made of numbers")
        }
        continue
      }
      guard matrices.updateValue(numbers, forKey: name) == nil else { throw cursor.error("a second \(clipped(name))") }
    }
  }

  /// A matrix by one of its names, which must have the given number of elements.
  public func matrix(_ names: String..., count: Int) throws -> [Double] {
    for name in names {
      guard let found = matrices[name] else { continue }
      guard found.count == count else {
        throw ReproError.data(file, "\(name) has \(found.count) numbers", expected: "\(count)")
      }
      return found
    }
    throw ReproError.data(file, "there is no \(names.joined(separator: " or "))")
  }
}

/// An object of a KITTI label file.
public struct KITTIObject: Sendable, Equatable {
  public var type: String
  /// 0 (whole in the image) to 1, -1 for unknown.
  public var truncation: Double
  /// 0 visible to 3 unknown, -1 for areas that do not count.
  public var occlusion: Int
  /// The angle under which it is seen, radians.
  public var alpha: Double
  /// Left, top, right, bottom in pixels.
  public var box: [Double]
  /// Height, width, length in metres.
  public var size: [Double]
  /// The middle of the bottom in the frame of camera 0, metres.
  public var location: [Double]
  /// About the camera's y axis, radians.
  public var rotation: Double

  /// The objects of a file, one a line of 15 fields (16 with a score).
  public static func read(_ bytes: [UInt8], file: String) throws -> [KITTIObject] {
    var cursor = TextCursor(bytes, file: file)
    var objects: [KITTIObject] = []
    while cursor.advanceToWords() {
      let type = cursor.text(try cursor.requiredWord("the type"))
      let truncation = try cursor.double("the truncation")
      let occlusion = try cursor.integer("the occlusion", in: -1...3)
      var numbers: [Double] = []
      for name in [
        "alpha", "left", "top", "right", "bottom", "height", "width", "length", "x", "y", "z", "rotation_y",
      ] { numbers.append(try cursor.double(name)) }
      if !cursor.isAtLineEnd() { _ = try cursor.double("the score") }
      guard cursor.isAtLineEnd() else { throw cursor.error("more than 16 fields") }
      objects.append(
        KITTIObject(
          type: type, truncation: truncation, occlusion: occlusion, alpha: numbers[0], box: Array(numbers[1...4]),
          size: Array(numbers[5...7]), location: Array(numbers[8...10]), rotation: numbers[11]))
    }
    return objects
  }
}

/// A LiDAR scan of KITTI: little-endian floats x, y, z (metres; forward, left, up) and reflectance.
public enum KITTIScan {
  /// - Returns: `[N, 4]`, row-major.
  /// - Throws: `ReproError` if the size is no multiple of 16 bytes, or a value is no number.
  public static func read(_ bytes: [UInt8], file: String) throws -> [Float] {
    guard bytes.count % 16 == 0 else {
      throw ReproError.data(file, byte: bytes.count / 16 * 16, "\(bytes.count % 16) bytes of a point", expected: "16")
    }
    let values = bytes.withUnsafeBytes { raw in
      (0..<raw.count / 4).map {
        Float(bitPattern: raw.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self).littleEndian)
      }
    }
    if let bad = values.firstIndex(where: { !$0.isFinite }) {
      throw ReproError.data(file, byte: 4 * bad, "the value is \(values[bad])", expected: "a finite number")
    }
    return values
  }

  /// The points that a camera sees, as depths in metres at pixels of an image; 0 where there is none, the nearest where
  /// there are several.
  ///
  /// - Parameters:
  ///   - projection: `P R0_rect Tr_velo_to_cam`, 3x4 row-major.
  public static func depth(_ points: [Float], projection p: [Double], height: Int, width: Int) -> [Float] {
    require(p.count == 12 && points.count % 4 == 0, "a projection of \(p.count) numbers, \(points.count) values")
    var depths = [Float](repeating: 0, count: height * width)
    for i in stride(from: 0, to: points.count, by: 4) {
      let (x, y, z) = (Double(points[i]), Double(points[i + 1]), Double(points[i + 2]))
      let w: Double = p[8] * x + p[9] * y + p[10] * z + p[11]
      guard w > 0.1 else { continue }
      let u: Double = (p[0] * x + p[1] * y + p[2] * z + p[3]) / w
      let v: Double = (p[4] * x + p[5] * y + p[6] * z + p[7]) / w
      guard u >= 0, v >= 0, u < Double(width), v < Double(height) else { continue }
      let at = Int(v) * width + Int(u)
      if depths[at] == 0 || Float(w) < depths[at] { depths[at] = Float(w) }
    }
    return depths
  }
}
