import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `knn/v1`: a vote of the nearest training samples, weighted by similarity. Nothing is trained.
///
///     votes_c = sum over j in N_k(i), y_j = c of exp(s_ij / temperature);   prediction = first c with the most votes
///
/// s is the cosine similarity and N_k(i) the k training samples most similar to test sample i, of equals the earlier
/// one.
///
/// Options: `k`, a number or a list of them (20); `temperature` (0.07); `label`, the column (label); `features`, an output or
/// `global` (global). The first k gives `top1`; every further one, say 10, gives `top1-k10`.
public struct WeightedKNN: Evaluation {
  public static let card = EvaluationCard(
    id: "knn/v1", title: "Weighted k nearest neighbours on frozen global features",
    source: "Wu et al. 2018 (arXiv 1805.01978), Section 3.4, as used by Caron et al. 2021 (DINO, arXiv 2104.14294), "
      + "Section 3.2: cosine similarity, temperature 0.07, k = 20",
    measurements: [MeasurementSpec("top1", unit: "1")])

  /// Numbers of neighbours; the first is the one that `top1` means.
  public let ks: [Int]
  public let temperature: Double
  /// Column of the classes.
  public let label: String
  let features: FeatureSource

  public init(_ options: inout Section) throws(ReproError) {
    let limit = 1...100_000
    var ks = [20]
    if let node = options.take("k") {
      let name = "\(options.name).k"
      if case .sequence(let items) = node.content {
        ks = []
        for item in items {
          let k = try item.int(named: name, in: limit)
          guard !ks.contains(k) else {
            throw ReproError(.usage, at: "\(item.mark)", found: "\(name) has \(k) twice", expected: "different numbers")
          }
          ks.append(k)
        }
        guard !ks.isEmpty else {
          throw ReproError(.usage, at: "\(node.mark)", found: "\(name) is empty", expected: "at least one number")
        }
      } else {
        ks = [try node.int(named: name, in: limit)]
      }
    }
    self.ks = ks
    temperature = try options.double("temperature", in: 0.001...1000, default: 0.07)
    label = try options.string("label", default: "label")
    features = try FeatureSource(&options)
  }

  public var measurements: [MeasurementSpec] {
    Self.card.measurements + ks.dropFirst().map { MeasurementSpec("top1-k\($0)", unit: "1") }
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    _ = try data.categories(label, for: Self.card.id)
    try data.need(ks.max() ?? 1, in: .train, for: Self.card.id, hint: "lower k or take more training samples")
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws { try features.check(subject, for: Self.card.id) }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let classes = try subject.spec.categories(label, for: Self.card.id).count
    let (gallery, train) = try features.vectors(subject, .train, for: Self.card.id)
    let (queries, test) = try features.vectors(subject, .test, for: Self.card.id)
    let known = try train.integers(label, below: classes, for: Self.card.id)
    let truth = try test.integers(label, below: classes, for: Self.card.id)
    let near = Neighbours(of: queries, in: gallery, k: ks.max() ?? 1)
    return zip(measurements, ks).map { measurement, k in
      (measurement.name, accuracy(near.votes(k: k, labels: known, classes: classes, temperature: temperature), truth))
    }
  }
}

/// The k rows of a gallery that are most similar to each query.
struct Neighbours {
  /// Most similar first, `[Q, k]`.
  let similarities: Tensor
  /// Rows of the gallery, `[Q, k]`.
  let places: [Int]

  init(of queries: Tensor, in gallery: Tensor, k: Int) {
    let n = queries.shape[0]
    var places = [Int](repeating: 0, count: n * k)
    similarities = places.withUnsafeMutableBufferPointer { places in
      Tensor([n, k]) { values in
        guard let places = places.baseAddress, let values = values.baseAddress else { return }
        forEachSimilarityRow(queries, gallery) { i, row in
          keepLargest(k, of: row, values + i * k, places + i * k)
        }
      }
    }
    self.places = places
  }

  /// The class with the most votes of the first k neighbours, for each query.
  func votes(k: Int, labels: [Int], classes: Int, temperature: Double) -> [Int] {
    let width = similarities.shape[1]
    let weights = (similarities / Real(temperature)).exp().values
    return (0..<similarities.shape[0]).map { i in
      var votes = [Double](repeating: 0, count: classes)
      for j in (i * width)..<(i * width + k) { votes[labels[places[j]]] += Double(weights[j]) }
      var best = 0
      for c in 1..<max(classes, 1) where votes[c] > votes[best] { best = c }
      return best
    }
  }
}

/// The k largest numbers of a row, largest first, with their places; of equals the earlier one.
private func keepLargest(
  _ k: Int, of row: UnsafeBufferPointer<Real>, _ values: UnsafeMutablePointer<Real>, _ places: UnsafeMutablePointer<Int>
) {
  var kept = 0
  for i in row.indices {
    let value = row[i]
    if kept == k, !(value > values[k - 1]) { continue }
    var at = min(kept, k - 1)
    while at > 0, value > values[at - 1] {
      values[at] = values[at - 1]
      places[at] = places[at - 1]
      at -= 1
    }
    values[at] = value
    places[at] = i
    kept = min(kept + 1, k)
  }
}
