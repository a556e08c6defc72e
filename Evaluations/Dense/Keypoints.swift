import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `correspondence/v1`: keypoints of one picture found in another of the same class by the most similar place.
///
/// Pairs of test samples with the same label are drawn at random; every keypoint that both show is looked for. `pck` is the
/// share that comes within `alpha` of the picture's side of the truth, mean over pairs.
///
/// Options: `keypoints`, a label column `[points, 2 or 3]`: right and down in 0...1 and, third, whether it is visible (> 0)
/// (keypoints); `label`, categories or identities whose samples are paired (label); `pairs` (500); `alpha` (0.1).
public struct Keypoints: Evaluation {
  public static let card = EvaluationCard(
    id: "correspondence/v1", title: "Keypoint transfer by nearest frozen patch features",
    source:
      "Amir et al. 2021 (arXiv 2112.05814), Section 5.3 and Min et al. 2019 (SPair-71k, arXiv 1908.10543), Section 4; the "
      + "threshold is a part of the picture's side, not of a box",
    measurements: [
      MeasurementSpec("pck", unit: "1"), MeasurementSpec("distance", unit: "picture sides", isHigherBetter: false),
    ])

  public let keypoints, label: String
  public let pairs: Int
  public let alpha: Double

  public init(_ options: inout Section) throws(ReproError) {
    keypoints = try options.string("keypoints", default: "keypoints")
    label = try options.string("label", default: "label")
    pairs = try options.int("pairs", in: 1...10_000_000, default: 500)
    alpha = try options.double("alpha", in: 1e-6...1, default: 0.1)
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    try data.require(column: keypoints, "[points, 2] or [points, 3]", for: Self.card.id) {
      $0.rank == 2 && [2, 3].contains($0[1])
    }
    _ = try data.identities(label, for: Self.card.id)
    try data.need(2, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    guard try subject.hasDenseFeatures() else { throw subject.lacks("features of places", Self.card.id) }
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    let test = try subject.labelled(.test, dense: true)
    let count = try subject.spec.identities(label, for: Self.card.id)
    let labels = try test.integers(label, below: count, for: Self.card.id)
    let points = try test.numbers(keypoints, for: Self.card.id)
    guard let dense = test.features.dense else { return [] }
    let members = members(of: labels, count: count)
    let starts = labels.indices.filter { members[labels[$0]].count > 1 }
    guard !starts.isEmpty else {
      throw ReproError(.data, at: Self.card.id, found: "no two test samples have the same '\(label)'")
    }
    var stream = random.child("pairs")
    var (shares, distances): ([Double], [Double]) = ([], [])
    for _ in 0..<pairs {
      let i = starts[stream.integer(below: starts.count)]
      let others = members[labels[i]].filter { $0 != i }
      let j = others[stream.integer(below: others.count)]
      let (a, b) = (points.select(0, i), points.select(0, j))
      func isVisible(_ x: Tensor, _ k: Int) -> Bool { x.shape[1] == 2 || x.values[k * 3 + 2] > 0 }
      let both = (0..<a.shape[0]).filter { isVisible(a, $0) && isVisible(b, $0) }
      guard !both.isEmpty else { continue }
      let truth = b.gathered(IndexTensor(both)).slice(1, 0..<2)
      let found = correspondences(
        of: a.gathered(IndexTensor(both)).slice(1, 0..<2), source: dense.select(0, i), target: dense.select(0, j))
      shares.append(keypointAccuracy(found, truth, alpha: alpha, length: 1) ?? 0)
      distances.append(pointDistances(found, truth).mean)
    }
    guard !shares.isEmpty else {
      throw ReproError(.data, at: Self.card.id, found: "no pair shows a keypoint in both pictures")
    }
    return [("pck", shares.mean), ("distance", distances.mean)]
  }
}
