import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `part-segmentation/v1`: a part for each point or pixel of an object whose category is known.
///
///     iou of an object = mean over the parts of its category of TP / (TP + FP + FN), 1 for a part neither shown nor predicted
///     instance-miou = mean over objects;   category-miou = mean over categories of the mean over their objects
///
/// The parts of a category are those that its training samples show; only they can be predicted for it. Points of the value
/// -1 and pixels of the value 255 are void.
///
/// Options: `output`, `[points, parts]` or `[rows, columns, parts]` for a sample, the largest counts (part-logits); `column`, real
/// numbers `[points]` or a label map, the part of each (parts); `label`, a column of categories, or `none` for one category
/// (label).
public struct PartSegmentation: Evaluation {
  public static let card = EvaluationCard(
    id: "part-segmentation/v1", title: "Parts of objects, mean IoU by category",
    source:
      "Yi et al. 2016 (ShapeNet-Part) and Qi et al. 2017 (PointNet, arXiv 1612.00593), Section 5.2: IoU over the parts of "
      + "the object's category, 1 where union is empty, means over objects and over categories",
    measurements: [
      MeasurementSpec("instance-miou", unit: "1"), MeasurementSpec("category-miou", unit: "1"),
      MeasurementSpec("accuracy", unit: "1"),
    ])

  let parts: OutputTruth
  public let label: String

  public init(_ options: inout Section) throws(ReproError) {
    parts = try OutputTruth(&options, output: "part-logits", column: "parts")
    label = try options.string("label", default: "label")
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    _ = try layout(data)
    if label != "none" { _ = try data.categories(label, for: Self.card.id) }
    for split in [Split.train, .test] { try data.need(1, in: split, for: Self.card.id) }
  }

  /// Places of a sample and, for a label map, its parts.
  private func layout(_ data: DataSpec) throws(ReproError) -> (shape: Shape, named: Int?) {
    switch data[field: parts.column]?.kind {
    case .labelMap(let height, let width, let classes): return ([height, width], classes.count)
    case .real(let shape, _) where shape.rank == 1: return (shape, nil)
    default:
      throw data.lacks(parts.column, "a part for each point or pixel", Self.card.id) {
        switch $0 {
        case .labelMap: true
        case .real(let shape, _): shape.rank == 1
        default: false
        }
      }
    }
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    let (shape, named) = try layout(subject.spec)
    let own = try subject.shape(ofOutput: parts.output, for: Self.card.id)
    let isFit = own.rank == shape.rank + 1 && (shape.rank == 2 || own[0] == shape[0]) && named ?? own[-1] == own[-1]
    guard isFit else {
      let wanted = shape.rank == 2 ? "[rows, columns, \(named ?? 0)]" : "[\(shape[0]), parts]"
      throw ReproError(
        .usage, at: Self.card.id, found: "output '\(parts.output)' has the shape \(own) for a sample", expected: wanted)
    }
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    let names = label == "none" ? ["all"] : try subject.spec.categories(label, for: Self.card.id)
    let count = try subject.shape(ofOutput: parts.output, for: Self.card.id)[-1]
    let allowed = try partsOfCategories(subject, names.count, count)
    var found = [[Double]](repeating: [], count: names.count)
    var (right, total) = (0, 0)
    try parts.forEach(subject, for: Self.card.id) { sample, output, truth, chunk, place in
      let category = try labels(chunk.labels, names.count)[place]
      guard !allowed[category].isEmpty else {
        throw ReproError(
          .data, at: Self.card.id,
          found: "test sample \(sample) is of '\(names[category])', which no training sample is",
          expected: "training samples of every category")
      }
      let wanted = try classes(truth, below: count, sample)
      let wide = output.rank == 3 ? resized(output, like: truth) : output
      let logits = wide.values
      var confusion = Confusion(classes: count)
      for (i, t) in wanted.enumerated() where t >= 0 {
        let best = allowed[category].reduce(allowed[category][0]) { best, c in
          logits[i * count + c] > logits[i * count + best] ? c : best
        }
        confusion.count(truth: t, predicted: best)
      }
      guard confusion.total > 0 else { return }
      let overlaps = allowed[category].map { confusion.intersectionOverUnion($0) ?? 1 }
      found[category].append(overlaps.mean)
      right += (0..<count).reduce(0) { $0 + confusion[$1, $1] }
      total += confusion.total
    }
    return [
      ("instance-miou", found.flatMap { $0 }.mean), ("category-miou", found.filter { !$0.isEmpty }.mean(\.mean)),
      ("accuracy", Double(right) / Double(max(total, 1))),
    ]
  }

  /// The parts that the training samples of each category show, ascending.
  private func partsOfCategories(_ subject: EvaluationSubject, _ categories: Int, _ count: Int) throws -> [[Int]] {
    var shown = [Set<Int>](repeating: [], count: categories)
    try subject.forEachBatch(of: .train) { batch in
      let (truth, own) = (try batch.numbers(parts.column, for: Self.card.id), try labels(batch, categories))
      for (place, sample) in batch.indices.enumerated() {
        shown[own[place]].formUnion(try classes(truth.select(0, place), below: count, sample))
      }
    }
    return shown.map { $0.filter { $0 >= 0 }.sorted() }
  }

  /// The category of each sample.
  private func labels(_ batch: Batch, _ count: Int) throws(ReproError) -> [Int] {
    if label == "none" { return [Int](repeating: 0, count: batch.count) }
    return try batch.integers(label, below: count, for: Self.card.id)
  }

  /// The part of each place, -1 for void.
  private func classes(_ truth: Tensor, below count: Int, _ sample: Int) throws(ReproError) -> [Int] {
    let isMap = truth.rank > 1
    return try truth.values.map { value throws(ReproError) in
      if value < 0 || isMap && value == 255 { return -1 }
      guard Int(value) < count else {
        throw ReproError(
          .data, at: Self.card.id, found: "sample \(sample) has part \(Int(value)) in '\(parts.column)'",
          expected: "0 to \(count - 1), or void")
      }
      return Int(value)
    }
  }
}
