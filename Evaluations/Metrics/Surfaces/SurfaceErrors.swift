import Glibc
import ReproTensor

/// How far two surfaces are apart, from points on both.
public struct SurfaceErrors: Sendable, Equatable {
  /// Mean distance from predicted points to the truth, and from true points to the prediction; unit of the points.
  public var accuracy, completeness: Double
  /// Their mean, the chamfer distance as DTU's evaluation counts it (distances, not squared).
  public var chamfer: Double { (accuracy + completeness) / 2 }
  /// Shares of predicted points within the threshold of the truth, and the reverse; 0 to 1.
  public var precision, recall: Double
  /// Harmonic mean of precision and recall.
  public var fScore: Double { precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0 }
  /// The mean over both directions of |cos| of the normals of nearest points, 0 to 1; nil without normals.
  public var normalConsistency: Double?

  /// - Parameters:
  ///   - predicted: `[M, 3]`, at least one; truth: `[N, 3]`, at least one.
  ///   - threshold: of the F-score, in the points' unit.
  ///   - normals: of both, `[M, 3]` and `[N, 3]`; any length but 0.
  /// - Source: Jensen et al. 2014 (accuracy, completeness); Knapitsch et al. 2017, Eq. 3 to 5 (F-score); Mescheder et al.
  ///   2019 (arXiv 1812.03828), supplement (normal consistency).
  public init(
    predicted: Tensor, truth: Tensor, threshold: Double, normals: (predicted: Tensor, truth: Tensor)? = nil
  ) {
    require(
      predicted.rank == 2 && truth.rank == 2 && predicted.shape[1] == truth.shape[1] && predicted.shape[0] > 0
        && truth.shape[0] > 0,
      "surface errors need points [M, 3] and [N, 3], got \(predicted.shape) and \(truth.shape)")
    func oneWay(_ a: Tensor, _ b: Tensor) -> (distances: [Double], partners: IndexTensor) {
      let partners = nearestNeighbours(a, among: b, count: 1).reshaped(to: [a.shape[0]])
      return (pointDistances(a, b.gathered(partners)), partners)
    }
    let (there, back) = (oneWay(predicted, truth), oneWay(truth, predicted))
    func mean(_ d: [Double]) -> Double { d.reduce(0, +) / Double(d.count) }
    func share(_ d: [Double]) -> Double { Double(d.count { $0 < threshold }) / Double(d.count) }
    (accuracy, completeness) = (mean(there.distances), mean(back.distances))
    (precision, recall) = (share(there.distances), share(back.distances))
    if let normals {
      require(
        normals.predicted.shape == predicted.shape && normals.truth.shape == truth.shape,
        "one normal for each point, got \(normals.predicted.shape) and \(normals.truth.shape)")
      func agreement(_ a: Tensor, _ b: Tensor) -> Double {
        mean(anglesBetween(a, b).map { abs(cos($0 * .pi / 180)) })
      }
      let first = agreement(normals.predicted, normals.truth.gathered(there.partners))
      normalConsistency = (first + agreement(normals.truth, normals.predicted.gathered(back.partners))) / 2
    } else {
      normalConsistency = nil
    }
  }
}

/// The Euclidean distance of each pair of rows, in Double.
public func pointDistances(_ a: Tensor, _ b: Tensor) -> [Double] {
  require(a.shape == b.shape && a.rank == 2, "distances need two [N, D], got \(a.shape) and \(b.shape)")
  let d = a.shape[1]
  return a.withElements { p in
    b.withElements { q in
      (0..<a.shape[0]).map { i in
        var sum = 0.0
        for k in (i * d)..<((i + 1) * d) { sum += (Double(p[k]) - Double(q[k])) * (Double(p[k]) - Double(q[k])) }
        return sum.squareRoot()
      }
    }
  }
}

extension TriangleMesh {
  /// Points spread evenly over the surface, with the normals of their triangles; nil for a mesh without area.
  ///
  /// A triangle is drawn in proportion to its area, a point uniformly inside (Osada et al. 2002, Eq. 1).
  /// - Returns: points and unit normals, both `[count, 3]`.
  public func sampled(_ count: Int, random: RandomStream) -> (points: Tensor, normals: Tensor)? {
    let v = vertices.values.map { Double($0) }
    let triangles = stride(from: 0, to: faces.count, by: 3).map { f in (0..<3).map { faces.values[f + $0] } }
    func vertex(_ i: Int) -> SIMD3<Double> { SIMD3(v[3 * i], v[3 * i + 1], v[3 * i + 2]) }
    var ends: [Double] = []
    var total = 0.0
    let normals = triangles.map { t -> SIMD3<Double> in
      let (a, b) = (vertex(t[1]) - vertex(t[0]), vertex(t[2]) - vertex(t[0]))
      let n = SIMD3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
      let length = (n * n).sum().squareRoot()
      total += length / 2
      ends.append(total)
      return length > 0 ? n / length : n
    }
    guard total > 0, total.isFinite else { return nil }
    var stream = random
    var (points, directions): ([Real], [Real]) = ([], [])
    for _ in 0..<count {
      let target = stream.uniform() * total
      var (low, high) = (0, ends.count - 1)
      while low < high {
        let middle = (low + high) / 2
        if ends[middle] > target { high = middle } else { low = middle + 1 }
      }
      let (r, s) = (stream.uniform().squareRoot(), stream.uniform())
      let (a, b, c) = (vertex(triangles[low][0]), vertex(triangles[low][1]), vertex(triangles[low][2]))
      let p: SIMD3<Double> = (1 - r) * a + r * (1 - s) * b + r * s * c
      for k in 0..<3 {
        points.append(Real(p[k]))
        directions.append(Real(normals[low][k]))
      }
    }
    return (Tensor([count, 3], points), Tensor([count, 3], directions))
  }
}

/// Intersection over union of two sets of voxels, 0 to 1; 1 if both are empty.
///
/// - Parameters: predicted, truth: of one shape, occupied where larger than the threshold.
public func voxelIoU(_ predicted: Tensor, _ truth: Tensor, threshold: Real = 0.5) -> Double {
  require(predicted.shape == truth.shape, "voxel IoU needs one shape, got \(predicted.shape) and \(truth.shape)")
  var (both, either) = (0, 0)
  predicted.withElements { p in
    truth.withElements { t in
      for i in p.indices {
        let (a, b) = (p[i] > threshold, t[i] > threshold)
        if a && b { both += 1 }
        if a || b { either += 1 }
      }
    }
  }
  return either > 0 ? Double(both) / Double(either) : 1
}

/// Semantic scene completion: classes of voxels, class 0 being free space.
public struct SceneCompletion: Sendable, Equatable {
  /// IoU of "occupied", whatever the class; and the mean IoU of the classes from 1 that are shown or predicted.
  public var completionIoU, meanIoU: Double
  /// Of "occupied".
  public var precision, recall: Double

  /// - Parameter confusion: of voxels that are known (those without label are left out before), class 0 free.
  /// - Source: Song et al. 2017 (SSCNet, arXiv 1611.08974), Section 5.2; SemanticKITTI (Behley et al. 2019).
  public init(_ confusion: Confusion) {
    let classes = confusion.classes
    var (both, shown, predicted) = (0, 0, 0)
    for t in 0..<classes {
      for p in 0..<classes {
        if t > 0 && p > 0 { both += confusion[t, p] }
        if t > 0 { shown += confusion[t, p] }
        if p > 0 { predicted += confusion[t, p] }
      }
    }
    let union = shown + predicted - both
    completionIoU = union > 0 ? Double(both) / Double(union) : 1
    (precision, recall) = (Double(both) / Double(max(predicted, 1)), Double(both) / Double(max(shown, 1)))
    meanIoU = confusion.meanIntersectionOverUnion(of: Array(1..<max(classes, 2)))
  }
}

/// The area under a curve of coverage over steps, divided by the steps: the mean coverage while exploring.
///
///     AUC = sum_t (c_t + c_{t+1}) / 2 / T
///
/// - Parameter coverage: share of the surface seen after 0, 1, ..., T steps, each 0 to 1; at least two.
/// - Source: Guedon et al. 2022 (SCONE, arXiv 2208.10449) and MACARONS (arXiv 2303.03315), Section 4: trapezoids.
public func coverageAUC(_ coverage: [Double]) -> Double {
  require(coverage.count >= 2, "an area needs at least two steps, got \(coverage.count)")
  return zip(coverage, coverage.dropFirst()).reduce(0) { $0 + ($1.0 + $1.1) / 2 } / Double(coverage.count - 1)
}
