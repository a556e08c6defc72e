import ReproConfig
import ReproTensor

/// UCI HAR: 10,299 windows of 2.56 s from a phone at the waist of 30 people, six activities, 50 Hz.
///
/// `path` is the folder `UCI HAR Dataset` of the published archive; the official split is by people. Options: `train`,
/// `validation`, `test` (numbers of samples). Columns: `acceleration` `[128, 3]` (total, g), `body` `[128, 3]`
/// (without gravity, g), `rotation` `[128, 3]` (rad/s): three views of a window; `label`, `person`.
///
/// Source: Anguita, Ghio, Oneto, Parra, Reyes-Ortiz 2013, "A public domain dataset for human activity recognition using
/// smartphones".
public struct HumanActivity: TabledDataset {
  public static let card = DatasetCard(
    id: "uci-har", title: "UCI HAR: six activities seen by a phone (your copy of the published folder)",
    source: "Anguita et al. 2013, A public domain dataset for human activity recognition using smartphones",
    licence: "CC BY 4.0", urls: ["https://archive.ics.uci.edu/dataset/240"])

  static let activities = ["walking", "walking upstairs", "walking downstairs", "sitting", "standing", "lying"]
  static let length = 128

  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let path = try options.string("path")
    var views: [[Float]] = [[], [], []]
    var (labels, people, counts): ([Int], [Int], [Int]) = ([], [], [])
    var digests: [String] = []
    func bytes(_ name: String) throws -> [UInt8] {
      let bytes = try SafeFile.read(Path.join(path, name), limit: 1 << 28)
      digests.append(SHA256.hex(of: bytes))
      return bytes
    }
    for part in ["train", "test"] {
      let first = labels.count
      labels += try Self.column(bytes("\(part)/y_\(part).txt"), 1...6, "the activity", "\(path)/\(part)/y_\(part).txt")
      people += try Self.column(
        bytes("\(part)/subject_\(part).txt"), 1...30, "the person", "\(path)/\(part)/subject_\(part).txt")
      let count = labels.count - first
      guard count > 0, people.count == labels.count else {
        throw ReproError.data("\(path)/\(part)", "\(people.count - first) people of \(count) windows")
      }
      for (v, signal) in ["total_acc", "body_acc", "body_gyro"].enumerated() {
        let axes = try ["x", "y", "z"].map { axis in
          let name = "\(part)/Inertial Signals/\(signal)_\(axis)_\(part).txt"
          return try Self.windows(bytes(name), count: count, file: "\(path)/\(name)")
        }
        for i in 0..<count * Self.length { for axis in axes { views[v].append(axis[i]) } }
      }
      counts.append(count)
    }
    let fingerprint = "uci-har v1, sha256 \(SHA256.hex(of: digests.joined()))"
    let shape: Shape = [Self.length, 3]
    samples = try SampleTable(
      "uci-har",
      columns: [
        try .reals("acceleration", views[0], shape: shape, unit: "g", source: path),
        try .reals("body", views[1], shape: shape, unit: "g", source: path),
        try .reals("rotation", views[2], shape: shape, unit: "rad/s", source: path),
        try .labels(labels.map { $0 - 1 }, classes: Self.activities, source: path),
        .identities("person", people.map { $0 - 1 }, count: 30, isLabel: true),
      ],
      rows: try PublishedParts(train: counts[0], test: counts[1])
        .taken(&options, labels: labels.map { $0 - 1 }, classes: 6, root: root), fingerprint: fingerprint)
  }

  private static func column(_ bytes: [UInt8], _ range: ClosedRange<Int>, _ what: String, _ file: String) throws
    -> [Int]
  {
    var cursor = TextCursor(bytes, file: file)
    var values: [Int] = []
    while cursor.advanceToWords() { values.append(try cursor.integer(what, in: range)) }
    return values
  }

  private static func windows(_ bytes: [UInt8], count: Int, file: String) throws -> [Float] {
    var cursor = TextCursor(bytes, file: file)
    var values: [Float] = []
    values.reserveCapacity(count * length)
    while cursor.advanceToWords() {
      for t in 0..<length { values.append(try cursor.float("value \(t + 1)")) }
      guard cursor.isAtLineEnd() else { throw cursor.error("more than \(length) values") }
    }
    guard values.count == count * length else {
      throw ReproError.data(file, "\(values.count / length) windows", expected: "\(count), as many as labels")
    }
    return values
  }
}
