import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

// Maps with a value for each pixel: how outputs and columns of them are laid out and brought to one resolution.

/// A map of one sample without axes of extent 1: `[rows, columns]` for one channel, else `[rows, columns, channels]`.
func plane(_ x: Tensor, channels: Int) -> Tensor {
  guard channels == 1, x.rank == 3 else { return x }
  return x.shape[2] == 1 ? x.squeezed(2) : x.squeezed(0)
}

/// A map at the resolution of another one, bilinearly; itself if they agree already.
func resized(_ x: Tensor, like other: Tensor) -> Tensor {
  if x.shape[0] == other.shape[0] && x.shape[1] == other.shape[1] { return x }
  return x.resizedBilinearly(rows: other.shape[0], columns: other.shape[1], axes: (0, 1))
}

/// Whether a sample of this shape is a map of so many channels.
private func isPlane(_ shape: Shape, channels: Int) -> Bool {
  if channels == 1 { return shape.rank == 2 || (shape.rank == 3 && (shape[2] == 1 || shape[0] == 1)) }
  return shape.rank == 3 && shape[2] == channels
}

private func layout(_ channels: Int) -> String {
  channels == 1 ? "[rows, columns]" : "[rows, columns, \(channels)]"
}

extension EvaluationSubject {
  /// Refuses a method whose output is no map of so many channels.
  func requirePlane(_ output: String, channels: Int, for evaluation: String) throws {
    try require(output: output, layout(channels), for: evaluation) { isPlane($0, channels: channels) }
  }
}

extension OutputTruth {
  /// Refuses data without a map of so many channels for each test sample.
  func checkPlanes(_ data: DataSpec, channels: Int, for evaluation: String) throws(ReproError) {
    try data.checkPlane(column, channels: channels, for: evaluation)
    try data.need(1, in: .test, for: evaluation)
  }
}

extension DataSpec {
  /// Refuses a column that is no map of real numbers of so many channels.
  func checkPlane(_ name: String, channels: Int, for evaluation: String) throws(ReproError) {
    try require(column: name, layout(channels), for: evaluation) { isPlane($0, channels: channels) }
  }
}

/// Pixels of some classes of a label map.
struct Region: Sendable {
  let column: String
  let names: [String]

  /// Options `region` and `classes`; nil without a region.
  init?(_ options: inout Section) throws(ReproError) {
    guard options.has("region") else {
      if let node = options.take("classes") {
        throw ReproError(
          .usage, at: "\(node.mark)", found: "\(options.name) has classes but no region",
          expected: "region: a label map")
      }
      return nil
    }
    column = try options.string("region")
    names = try options.strings("classes")
  }

  func check(_ data: DataSpec, for evaluation: String) throws(ReproError) {
    let classes = try data.pixelClasses(column, for: evaluation)
    for name in names where !classes.contains(name) {
      throw ReproError(
        .usage, at: evaluation, found: "column '\(column)' has no class '\(name)'",
        expected: classes.map { "'\($0)'" }.joined(separator: ", "))
    }
  }

  /// Which of the 256 values of a pixel belong to the region.
  func members(_ data: DataSpec) -> [Bool] {
    guard case .labelMap(_, _, let classes) = data[field: column]?.kind else {
      return [Bool](repeating: false, count: 256)
    }
    return (0..<256).map { $0 < classes.count && names.contains(classes[$0]) }
  }

  /// Whether each pixel of a sample belongs to the region; the map must have the truth's resolution.
  func pixels(
    _ chunk: EvaluationSubject.Labelled, _ place: Int, _ members: [Bool], like truth: Tensor, for evaluation: String
  ) throws -> [Bool] {
    guard case .images(let maps) = chunk.labels[column], maps.height == truth.shape[0], maps.width == truth.shape[1]
    else {
      throw ReproError(
        .data, at: evaluation,
        found: "column '\(column)' is no label map of \(truth.shape[0]) x \(truth.shape[1]) pixels",
        expected: "the resolution of the truth")
    }
    let size = maps.height * maps.width
    return maps.bytes[(place * size)..<((place + 1) * size)].map { members[Int($0)] }
  }
}
