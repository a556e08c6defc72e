import ReproConfig
import ReproData
import ReproTensor

/// A column that a family can give, and how its values look.
struct OptionalField {
  var name: String
  var field: FieldSpec

  init(_ name: String, _ kind: FieldKind, isLabel: Bool = true) {
    self.name = name
    field = FieldSpec(name, kind, isLabel: isLabel)
  }
}

/// Which of a family's optional columns the option `outputs` asks for, in the family's own order.
///
/// Columns that the option `inputs` names are there as well, and are no labels: training and encoders see them, as
/// methods need that learn from several senses.
/// - Throws: a usage error that names the column that does not exist.
func chosenFields(
  _ options: inout Section, _ offered: [OptionalField], default fallback: [String] = []
) throws(ReproError) -> [FieldSpec] {
  let names = offered.map(\.name)
  var wanted = fallback
  if let node = options.take("outputs"), case .scalar = node.content {
    wanted = [try node.choice(named: options.name(of: "outputs"), ["all"])]
  } else if let node = options.take("outputs") {
    wanted = []
    for (index, item) in try node.items(named: options.name(of: "outputs")).enumerated() {
      wanted.append(try item.choice(named: "\(options.name(of: "outputs"))[\(index)]", names + ["all"]))
    }
  }
  if wanted.contains("all") { wanted = names }
  var seen: [String] = []
  if let node = options.take("inputs") {
    for (index, item) in try node.items(named: options.name(of: "inputs")).enumerated() {
      seen.append(try item.choice(named: "\(options.name(of: "inputs"))[\(index)]", names))
    }
  }
  return offered.filter { wanted.contains($0.name) || seen.contains($0.name) }.map { offer in
    FieldSpec(offer.name, offer.field.kind, isLabel: offer.field.isLabel && !seen.contains(offer.name))
  }
}

/// Pixels of a picture: the option `size`, a number for a square or `[height, width]`.
func pictureSize(
  _ options: inout Section, in range: ClosedRange<Int>, default fallback: (height: Int, width: Int)
) throws(ReproError) -> (height: Int, width: Int) {
  guard let node = options.take("size") else { return fallback }
  let name = options.name(of: "size")
  if case .sequence(let items) = node.content {
    guard items.count == 2 else {
      throw ReproError(
        .usage, at: "\(node.mark)", found: "\(name) has \(items.count) numbers", expected: "one, or height and width")
    }
    return (try items[0].int(named: "\(name)[0]", in: range), try items[1].int(named: "\(name)[1]", in: range))
  }
  let side = try node.int(named: name, in: range)
  return (side, side)
}

/// A random stream for one sample of a split.
struct SampleDraw {
  let world: RandomStream
  let split: Split
  let index: Int

  /// The sample's own stream; `part` keeps what is drawn for one purpose apart from the rest.
  func stream(_ part: String, _ number: Int = 0) -> RandomStream {
    world.child(split.rawValue, index).child(part, number)
  }
}

extension Pose {
  /// R and t row by row, `[3, 4]`.
  var rows: [Float] {
    [rotation.row0, rotation.row1, rotation.row2].enumerated().flatMap { i, row in
      [row.x, row.y, row.z, translation[i]]
    }
  }

  /// The rotation as a unit quaternion x, y, z, w with w >= 0.
  ///
  /// - Source: Shepperd 1978, "Quaternion from rotation matrix".
  public var quaternion: SIMD4<Float> {
    let m = rotation
    let (xx, yy, zz) = (m.row0.x, m.row1.y, m.row2.z)
    let w2 = 1 + xx + yy + zz
    let (x2, y2, z2) = (1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz)
    let largest = max(max(w2, x2), max(y2, z2))
    let s = 0.5 / largest.squareRoot()
    let (a, b, c) = (m.row2.y - m.row1.z, m.row0.z - m.row2.x, m.row1.x - m.row0.y)
    let (ab, ac, bc) = (m.row1.x + m.row0.y, m.row2.x + m.row0.z, m.row2.y + m.row1.z)
    let half = largest * s
    let q: SIMD4<Float> =
      if largest == w2 {
        SIMD4(a * s, b * s, c * s, half)
      } else if largest == x2 {
        SIMD4(half, ab * s, ac * s, a * s)
      } else if largest == y2 {
        SIMD4(ab * s, half, bc * s, b * s)
      } else {
        SIMD4(ac * s, bc * s, half, c * s)
      }
    return q.w < 0 ? -q : q
  }
}

extension Mat3 {
  /// Row by row, `[3, 3]`.
  var entries: [Float] { [row0, row1, row2].flatMap { [$0.x, $0.y, $0.z] } }
}

extension View {
  /// Instances as bytes; ids above 255 are 255.
  var instanceBytes: [UInt8] { instances.map { UInt8(min($0, 255)) } }
}

/// The classes of an instance map: the background and so many objects.
func instanceClasses(_ count: Int) -> [String] { ["background"] + (1...max(count, 1)).map { "object \($0)" } }
