import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `sounding-object/v1`: whether the method's map points at the thing that is heard, and follows when another is heard.
///
/// Pictures show the thing that sounds (1 in `region`) and others (2, 3, ...); thing 2 has a sound, too, in the label
/// `rival`, which is played instead: the swap. A region is the box around a thing's visible pixels; pictures in which
/// thing 1 or thing 2 has fewer than `pixels` of them count in `left-out` only. The map is enlarged to the picture
/// bilinearly.
///
///     hit         the largest value lies in the box of thing 1, its own sound being played (the paper's measure)
///     center-hit, largest-hit    the same for the middle of the picture, and for the middle of the largest thing's box
///     constant-hit               the same for the mean map of `constants` sounds of training clips: what is looked at
///                                whatever is heard
///     swap-hit    mean of hits over both sounds, each in the box of its own thing; no rule that does not listen
///                 passes 0.5
///     swap-right  of both things, the one that is heard has the larger value, mean over both sounds; a rule that does
///                 not listen, whatever else it knows, has 0.5 exactly
///
/// Options: `output`, `[rows, columns]` for a sample (map); `sound` (sound); `rival` (rival); `region` (masks), maps of
/// things, of several frames the last; `pixels` (4); `constants` (4).
public struct SoundingObject: Evaluation {
  public static let card = EvaluationCard(
    id: "sounding-object/v1", title: "The thing that is heard, pointed at",
    source: "Arandjelovic and Zisserman 2018 (arXiv 1712.06651), Section 4, with exact boxes instead of 500 marked "
      + "pictures; the swap is ours",
    measurements: [
      MeasurementSpec("hit", unit: "1"), MeasurementSpec("center-hit", unit: "1"),
      MeasurementSpec("largest-hit", unit: "1"), MeasurementSpec("constant-hit", unit: "1"),
      MeasurementSpec("swap-hit", unit: "1"), MeasurementSpec("swap-right", unit: "1"),
      MeasurementSpec("left-out", unit: "samples", isHigherBetter: false, decimals: 0),
    ])

  public let output, sound, rival, region: String
  public let pixels, constants: Int

  public init(_ options: inout Section) throws(ReproError) {
    output = try options.string("output", default: "map")
    sound = try options.string("sound", default: "sound")
    rival = try options.string("rival", default: "rival")
    region = try options.string("region", default: "masks")
    pixels = try options.int("pixels", in: 1...1_000_000, default: 4)
    constants = try options.int("constants", in: 1...64, default: 4)
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    guard case .frames(_, _, _, channels: 1) = data[field: region]?.kind else {
      throw data.lacks(region, "maps of things, frame by frame", Self.card.id) {
        if case .frames(_, _, _, channels: 1) = $0 { true } else { false }
      }
    }
    guard let field = data[field: sound], !field.isLabel, let other = data[field: rival], field.kind == other.kind
    else {
      throw data.lacks(rival, "a sound like '\(sound)'", Self.card.id) { $0 == data[field: sound]?.kind }
    }
    try data.need(1, in: .test, for: Self.card.id)
    try data.need(constants, in: .train, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try subject.requirePlane(output, channels: 1, for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    let size = subject.spec.sizes[.test] ?? 0
    var stream = random.child("constants")
    let heard = try subject.samples(
      Array(stream.permutation(subject.spec.sizes[.train] ?? 0).prefix(constants)), of: .train)
    var counts = Counts()
    for first in stride(from: 0, to: size, by: 256) {
      let batch = try subject.samples(Array(first..<min(first + 256, size)), of: .test)
      let inputs = subject.inputs(of: batch)
      guard case .images(let masks) = batch[region] else { continue }
      let extents = [masks.height, masks.width]
      let own = try subject.output(output, of: inputs).resized(to: extents)
      let other = try subject.output(output, of: inputs.replacing(sound, by: batch[rival])).resized(to: extents)
      var mean = Tensor.zeros(own.shape)
      for i in 0..<constants {
        let all = [Int](repeating: i, count: batch.count)
        mean =
          mean
          + (try subject.output(output, of: inputs.replacing(sound, by: heard[sound]?.rows(all))).resized(to: extents))
      }
      own.withElements { a in
        other.withElements { b in
          mean.withElements { c in
            for sample in 0..<batch.count {
              let area = extents[0] * extents[1]
              let range = (sample * area)..<((sample + 1) * area)
              let things = Things(masks, sample, pixels)
              counts.add(things, Array(a[range]), Array(b[range]), Array(c[range]), masks.width, masks.height)
            }
          }
        }
      }
    }
    guard counts.shown > 0 else {
      throw ReproError(
        .data, at: Self.card.id, found: "no test sample shows two things of \(pixels) pixels in '\(region)'",
        expected: "pictures with a thing that sounds and another")
    }
    let n = Double(counts.shown)
    return [
      ("hit", counts.hit / n), ("center-hit", counts.center / n), ("largest-hit", counts.largest / n),
      ("constant-hit", counts.constant / n), ("swap-hit", counts.swapHit / (2 * n)),
      ("swap-right", counts.swapRight / (2 * n)), ("left-out", Double(size - counts.shown)),
    ]
  }
}

/// A rectangle of pixels, both ends inside.
struct PixelBox: Equatable {
  var top, left, bottom, right: Int
  func contains(_ y: Int, _ x: Int) -> Bool { y >= top && y <= bottom && x >= left && x <= right }
  var middle: (y: Int, x: Int) { ((top + bottom) / 2, (left + right) / 2) }
}

/// The things of one picture; nil without both of the first two.
struct Things: Equatable {
  /// Boxes of things 1, 2, ..., of those that are seen; the first two always.
  var boxes: [PixelBox]
  /// The thing with the most pixels; of equals the first.
  var largest: Int

  init?(_ masks: ImageBatch, _ sample: Int, _ pixels: Int) {
    let area = masks.height * masks.width
    let start = (sample * masks.frames + masks.frames - 1) * area
    var (boxes, counts) = ([Int: PixelBox](), [Int](repeating: 0, count: 256))
    for y in 0..<masks.height {
      for x in 0..<masks.width {
        let thing = Int(masks.bytes[start + y * masks.width + x])
        guard thing > 0 else { continue }
        counts[thing] += 1
        var box = boxes[thing] ?? PixelBox(top: y, left: x, bottom: y, right: x)
        box = PixelBox(top: box.top, left: min(box.left, x), bottom: y, right: max(box.right, x))
        boxes[thing] = box
      }
    }
    guard counts[1] >= pixels, counts[2] >= pixels else { return nil }
    let seen = (1..<256).filter { boxes[$0] != nil }
    self.boxes = seen.compactMap { boxes[$0] }
    largest = seen.indices.reduce(0) { counts[seen[$1]] > counts[seen[$0]] ? $1 : $0 }
  }
}

/// Sums over pictures.
private struct Counts {
  var shown = 0
  var (hit, center, largest, constant, swapHit, swapRight) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

  /// - Parameters:
  ///   - own, other, mean: maps under the sound of thing 1, of thing 2, and of other clips.
  mutating func add(_ things: Things?, _ own: [Real], _ other: [Real], _ mean: [Real], _ width: Int, _ height: Int) {
    guard let things else { return }
    shown += 1
    let (first, second) = (things.boxes[0], things.boxes[1])
    func best(_ map: [Real]) -> (Int, Int) {
      var place = 0
      for i in map.indices where map[i] > map[place] { place = i }
      return (place / width, place % width)
    }
    func points(_ map: [Real], _ box: PixelBox) -> Double {
      let (y, x) = best(map)
      return box.contains(y, x) ? 1 : 0
    }
    func top(_ map: [Real], _ box: PixelBox) -> Real {
      var value = -Real.infinity
      for y in box.top...box.bottom { for x in box.left...box.right { value = max(value, map[y * width + x]) } }
      return value
    }
    func prefers(_ map: [Real], _ right: PixelBox, _ wrong: PixelBox) -> Double {
      let (a, b) = (top(map, right), top(map, wrong))
      return a > b ? 1 : a == b ? 0.5 : 0
    }
    let middle = things.boxes[things.largest].middle
    hit += points(own, first)
    center += first.contains(height / 2, width / 2) ? 1 : 0
    largest += first.contains(middle.y, middle.x) ? 1 : 0
    constant += points(mean, first)
    swapHit += points(own, first) + points(other, second)
    swapRight += prefers(own, first, second) + prefers(other, second, first)
  }
}
