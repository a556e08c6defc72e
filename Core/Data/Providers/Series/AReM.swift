import ReproConfig
import ReproTensor

/// AReM: 88 recordings of seven activities by three body-worn radio beacons (chest, right and left ankle), 4 Hz.
///
/// A row has mean and variance of the signal strength between each pair of beacons, so the three pairs are three views
/// of one activity. Columns: `signal` `[T, 6]`, or with `views: pairs` `pair12`, `pair13`, `pair23` `[T, 2]` each;
/// `label` (activity), `recording`. Options: `window` (rows of a sample, default 120: four samples of a recording) and
/// `train`, `validation`, `test` (numbers of samples). The source has no split: a fifth of the recordings of each
/// activity, drawn once for all, are the test part; windows of one recording stay together.
///
/// Source: Palumbo, Gallicchio, Pucci, Micheli 2016, "Human activity recognition using multisensor data fusion based on
/// reservoir computing".
public struct AReM: TabledDataset {
  public static let card = DatasetCard(
    .arem, source: "Palumbo, Gallicchio, Pucci, Micheli 2016, Human activity recognition using multisensor data fusion")

  static let activities = ["bending1", "bending2", "cycling", "lying", "sitting", "standing", "walking"]
  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let window = try options.int("window", in: 1...479, default: 120)
    let views = try options.choice("views", ["joint", "pairs"], default: "joint")
    let recordings = try Self.read(root)
    let parts = PublishedParts(drawnFor: "arem", labels: recordings.map(\.label), classes: Self.activities.count)
    let held = Set(parts.test)
    var (values, labels, places): ([Float], [Int], [Int]) = ([], [], [])
    var (train, test): ([Int], [Int]) = ([], [])
    for (i, recording) in recordings.enumerated() {
      for start in stride(from: 0, through: recording.values.count / 6 - window, by: window) {
        if held.contains(i) { test.append(labels.count) } else { train.append(labels.count) }
        values += recording.values[6 * start..<6 * (start + window)]
        labels.append(recording.label)
        places.append(i)
      }
    }
    let rows = try PublishedParts(train: train, test: test)
      .taken(&options, labels: labels, classes: Self.activities.count, root: root)
    var columns: [SampleColumn] = []
    if views == "joint" {
      columns.append(try .reals("signal", values, shape: [window, 6], source: "arem"))
    } else {
      for (pair, name) in ["pair12", "pair13", "pair23"].enumerated() {
        let part = stride(from: 2 * pair, to: values.count, by: 6).flatMap { values[$0..<$0 + 2] }
        columns.append(try .reals(name, part, shape: [window, 2], source: "arem"))
      }
    }
    columns.append(try .labels(labels, classes: Self.activities, source: "arem"))
    columns.append(.identities("recording", places, count: recordings.count, isLabel: true))
    samples = try SampleTable(.arem, columns: columns, rows: rows)
  }

  /// The recordings by activity and number, six values a row.
  static func read(_ root: DataRoot) throws -> [(label: Int, values: [Float])] {
    let file = "arem/arem.tar.gz"
    let tar = try TarArchive(root.unpacked("arem.tar.gz", of: .arem), file: file)
    let members = tar.files.filter { $0.name.hasSuffix(".csv") }
    return try activities.enumerated().flatMap { label, activity in
      // By number: dataset2 before dataset10.
      let own = members.filter { $0.name.hasPrefix("AReM/\(activity)/") }
      return try own.sorted { ($0.name.utf8.count, $0.name) < ($1.name.utf8.count, $1.name) }.map { member in
        (label, try recording(Array(tar.bytes[member.range]), activity, "\(file):\(member.name)"))
      }
    }
  }

  /// A header line, then nine fields a line between commas or blanks: number, time, six values, activity.
  private static func recording(_ bytes: [UInt8], _ activity: String, _ file: String) throws -> [Float] {
    var values: [Float] = []
    var cursor = TextCursor(bytes.map { $0 == UInt8(ascii: ",") ? UInt8(ascii: " ") : $0 }, file: file)
    _ = cursor.advance()
    while cursor.advanceToWords(comment: nil) {
      _ = try cursor.integer("the number of the row", in: 0...1 << 20)
      _ = try cursor.double("the time")
      for name in ["avg_rss12", "var_rss12", "avg_rss13", "var_rss13", "avg_rss23", "var_rss23"] {
        values.append(try cursor.float(name))
      }
      let last = cursor.text(try cursor.requiredWord("the activity"))
      guard last == activity, cursor.isAtLineEnd() else { throw cursor.error("'\(clipped(last))'", expected: activity) }
    }
    return values
  }
}
