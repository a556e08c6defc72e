import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

// Pictures in which every pixel knows its object and its class, and methods that propose segments for them.

/// Two label columns: the number of the object of each pixel, 0 for none, and the class of each pixel; 255 is void in both.
struct ObjectMaps: Sendable {
  let instances, classes: String

  /// Options `instances` (instances) and `column` (mask).
  init(_ options: inout Section) throws(ReproError) {
    instances = try options.string("instances", default: "instances")
    classes = try options.string("column", default: "mask")
  }

  func check(_ data: DataSpec, for evaluation: String) throws(ReproError) {
    _ = try data.pixelClasses(classes, for: evaluation)
    switch data[field: instances]?.kind {
    case .labelMap, .image(_, _, 1): break
    default:
      throw data.lacks(instances, "a map of objects", evaluation) {
        switch $0 {
        case .labelMap, .image(_, _, 1): true
        default: false
        }
      }
    }
  }

  /// One picture.
  struct Picture {
    let rows, columns: Int
    /// The object of each pixel, 0 for none, and its class; -1 where either is void.
    var objects, classes: [Int]

    /// The numbers of the objects that are shown, ascending, with the class of most of their pixels (of equally many the
    /// first).
    var shown: [(object: Int, label: Int)] {
      var counts: [Int: [Int: Int]] = [:]
      for (object, c) in zip(objects, classes) where object > 0 { counts[object, default: [:]][c, default: 0] += 1 }
      return counts.sorted { $0.key < $1.key }.map { object, own in
        (object, own.min { ($1.value, $0.key) < ($0.value, $1.key) }?.key ?? 0)
      }
    }
  }

  /// The pictures of a chunk.
  ///
  /// - Throws: for maps of different sizes and for classes that the column does not name.
  func pictures(
    _ chunk: EvaluationSubject.Labelled, classes count: Int, for evaluation: String
  ) throws(ReproError) -> [Picture] {
    guard case .images(let own) = chunk.labels[instances], case .images(let named) = chunk.labels[classes] else {
      throw ReproError(
        .data, at: evaluation, found: "columns '\(instances)' and '\(classes)' have no maps",
        expected: "what their kinds promise")
    }
    guard (own.height, own.width) == (named.height, named.width) else {
      throw ReproError(
        .data, at: evaluation,
        found: "'\(instances)' has \(own.height) x \(own.width) pixels, '\(classes)' \(named.height) x \(named.width)",
        expected: "as many")
    }
    if let bad = named.bytes.firstIndex(where: { $0 != 255 && Int($0) >= count }) {
      throw ReproError(
        .data, at: evaluation,
        found: "image \(chunk.labels.indices[bad / named.sampleSize]) has \(named.bytes[bad]) in '\(classes)'",
        expected: "0 to \(count - 1), or 255 for void")
    }
    let area = own.height * own.width
    return (0..<own.count).map { place in
      var picture = Picture(
        rows: own.height, columns: own.width, objects: [Int](repeating: -1, count: area),
        classes: [Int](repeating: -1, count: area))
      for i in 0..<area {
        let (object, label) = (own.bytes[place * area + i], named.bytes[place * area + i])
        if object != 255 && label != 255 { (picture.objects[i], picture.classes[i]) = (Int(object), Int(label)) }
      }
      return picture
    }
  }
}

/// A method that proposes segments, beside the true objects.
struct ProposedSegments: Sendable {
  /// The outputs `[queries, rows, columns]`, how much each place belongs to each query, 0...1, and `[queries, classes]`.
  let masks, scores: String
  let maps: ObjectMaps

  /// Options `masks` (masks), `scores` (scores), and those of `ObjectMaps`.
  init(_ options: inout Section) throws(ReproError) {
    masks = try options.string("masks", default: "masks")
    scores = try options.string("scores", default: "scores")
    maps = try ObjectMaps(&options)
  }

  /// Refuses data without the maps; the classes of pixels.
  func check(_ data: DataSpec, for evaluation: String) throws(ReproError) -> [String] {
    try maps.check(data, for: evaluation)
    try data.need(1, in: .test, for: evaluation)
    return try data.pixelClasses(maps.classes, for: evaluation)
  }

  func check(_ subject: EvaluationSubject, for evaluation: String) throws {
    let classes = try subject.spec.pixelClasses(maps.classes, for: evaluation).count
    try subject.require(output: masks, rank: 3, "[queries, rows, columns]", for: evaluation)
    let queries = try subject.shape(ofOutput: masks, for: evaluation)[0]
    try subject.require(output: scores, shape: [queries, classes], "a score of each class", for: evaluation)
  }

  /// Calls `body` for every picture of the test split in order: its number, its objects, the masks at its resolution
  /// (bilinearly), `[queries, rows, columns]`, and their scores.
  func forEach(
    _ subject: EvaluationSubject, for evaluation: String,
    _ body: (_ image: Int, _ picture: ObjectMaps.Picture, _ masks: Tensor, _ scores: Tensor) throws -> Void
  ) throws {
    let classes = try check(subject.spec, for: evaluation).count
    try subject.forEachChunk(of: .test) { chunk in
      guard let m = chunk.features.outputs[masks] else { throw subject.lacks("output '\(masks)'", evaluation) }
      guard let s = chunk.features.outputs[scores] else { throw subject.lacks("output '\(scores)'", evaluation) }
      let pictures = try maps.pictures(chunk, classes: classes, for: evaluation)
      for (place, image) in chunk.labels.indices.enumerated() {
        let (own, picture) = (m.select(0, place), pictures[place])
        let isSame = own.shape[1] == picture.rows && own.shape[2] == picture.columns
        try body(
          image, picture,
          isSame ? own : own.resizedBilinearly(rows: picture.rows, columns: picture.columns, axes: (1, 2)),
          s.select(0, place))
      }
    }
  }
}
