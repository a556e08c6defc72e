import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `cluster-segmentation/v1`: classes of pixels by k-means over frozen features of places, no label seen before the match.
///
/// Centres come from the places of at most `limit` training images, features at length 1. Each test place takes its nearest
/// centre, pixels that of their place; clusters and classes are matched one to one over the whole test split so that most
/// pixels are right (Hungarian). Pixels of clusters without a class are wrong; pixels of the value 255 are void.
///
/// Options: `clusters`, 0 for the number of classes (0); `restarts` (5); `limit` (500); `column`, a label map (mask).
public struct ClusterSegmentation: Evaluation {
  public static let card = EvaluationCard(
    id: "cluster-segmentation/v1", title: "Segmentation by clustering of frozen patch features",
    source:
      "Cho et al. 2021 (PiCIE, arXiv 2103.17070), Section 4.1: Hungarian matching over the whole set, mIoU and pixel "
      + "accuracy; Hamilton et al. 2022 (STEGO, arXiv 2203.08414) with cosine k-means; nearest upsampling, no CRF",
    measurements: [MeasurementSpec("miou", unit: "1"), MeasurementSpec("pixel-accuracy", unit: "1")])

  public let clusters, restarts, limit: Int
  public let column: String

  public init(_ options: inout Section) throws(ReproError) {
    clusters = try options.int("clusters", in: 0...10_000, default: 0)
    restarts = try options.int("restarts", in: 1...1000, default: 5)
    limit = try options.int("limit", in: 1...10_000_000, default: 500)
    column = try options.string("column", default: "mask")
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    _ = try data.pixelClasses(column, for: Self.card.id)
    try data.need(1, in: .train, for: Self.card.id)
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    guard try subject.hasDenseFeatures() else { throw subject.lacks("features of places", Self.card.id) }
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    let classes = try subject.spec.pixelClasses(column, for: Self.card.id).count
    let k = clusters > 0 ? clusters : classes
    guard let places = try subject.labelled(.train, dense: true, limit: limit).features.dense else { return [] }
    let x = places.reshaped([-1, places.shape[3]]).l2Normalized()
    guard x.shape[0] >= k else {
      throw ReproError(
        .usage, at: Self.card.id, found: "\(x.shape[0]) places of training images for \(k) clusters",
        expected: "more places", hint: "raise limit or lower clusters")
    }
    let means = KMeans(x, clusters: k, restarts: restarts, iterations: 100, random: random.child("k-means"))
    // One class more than either side has: where clusters without a partner go.
    let size = max(k, classes) + 1
    var confusion = Confusion(classes: size)
    try subject.forEachChunk(of: .test) { chunk in
      guard let dense = chunk.features.dense, case .images(let masks) = chunk.labels[column] else { return }
      let (rows, columns) = (dense.shape[1], dense.shape[2])
      let found = means(dense.reshaped([-1, dense.shape[3]]).l2Normalized())
      let area = masks.height * masks.width
      for (i, byte) in masks.bytes.enumerated() where byte != 255 && Int(byte) < classes {
        let (image, pixel) = i.quotientAndRemainder(dividingBy: area)
        let (r, c) = (pixel / masks.width * rows / masks.height, pixel % masks.width * columns / masks.width)
        confusion.count(truth: Int(byte), predicted: found[(image * rows + r) * columns + c])
      }
    }
    let counts = (0..<classes).flatMap { t in (0..<k).map { Real(confusion[t, $0]) } }
    let best = linearAssignment(Tensor([classes, k], counts), maximizes: true)
    var names = [Int](repeating: size - 1, count: size)
    for (row, cluster) in zip(best.rows, best.columns) { names[cluster] = row }
    let matched = confusion.renamingPredictions(names)
    return [
      ("miou", matched.meanIntersectionOverUnion(of: Array(0..<classes))), ("pixel-accuracy", matched.pixelAccuracy),
    ]
  }
}
