import Glibc
import ReproTensor

/// How a predicted pose is brought onto the truth before joints are compared.
public enum PoseAlignment: String, Sendable, CaseIterable {
  /// Not at all: MPJPE of absolute positions.
  case none
  /// The root joints (index 0) are put on each other: the usual MPJPE.
  case root
  /// Root and the scale of least squares: N-MPJPE (Rhodin et al. 2018, arXiv 1803.04775).
  case scale
  /// Rotation, translation and scale of least squares: PA-MPJPE.
  case procrustes

  /// The predicted joints after alignment.   [J, 3] [J, 3] -> [J, 3]
  public func aligned(_ predicted: Tensor, to truth: Tensor) -> Tensor {
    switch self {
    case .none: return predicted
    case .root: return predicted - predicted.slice(0, 0..<1) + truth.slice(0, 0..<1)
    case .scale:
      let (p, t) = (predicted - predicted.slice(0, 0..<1), truth - truth.slice(0, 0..<1))
      return p * Real(scale(p, t)) + truth.slice(0, 0..<1)
    case .procrustes: return SimilarityTransform(from: predicted, to: truth)(predicted)
    }
  }

  private func scale(_ p: Tensor, _ t: Tensor) -> Double {
    let (pt, pp) = ((p * t).sum().item, p.squared().sum().item)
    return pp > 0 ? Double(pt) / Double(pp) : 1
  }
}

/// The rotation, scale and shift that bring one set of points nearest to another.
///
///     min over s, R, t of sum_i |s R x_i + t - y_i|^2,   R a rotation (no mirror image)
///
/// - Source: Umeyama 1991, Eq. 40 to 43.
public struct SimilarityTransform: Sendable {
  public let rotation: Tensor  // [3, 3]
  public let scale: Double
  public let translation: Tensor  // [3]

  /// - Parameters:
  ///   - x, y: `[N, 3]`, the same points in the same order.
  ///   - scales: whether the scale is free; 1 without it.
  public init(from x: Tensor, to y: Tensor, scales: Bool = true) {
    require(
      x.shape == y.shape && x.rank == 2 && x.shape[0] >= 1, "alignment needs two [N, D], got \(x.shape) and \(y.shape)")
    let (mx, my) = (x.mean(0), y.mean(0))
    let (a, b) = (x - mx, y - my)
    let (u, s, vt) = matmul(b.transposed(), a).svd()
    let sign: Real = matmul(u, vt).determinant().item < 0 ? -1 : 1
    let d = x.shape[1]
    let flip = Tensor([d], (0..<d).map { $0 == d - 1 ? sign : 1 })
    rotation = matmul(u * flip, vt)
    let (total, spread) = ((s * flip).sum().item, a.squared().sum().item)
    scale = scales && spread > 0 ? Double(total) / Double(spread) : 1
    translation = my - matmul(rotation, mx.expandedAxis(-1)).squeezed(-1) * Real(scale)
  }

  /// `[N, 3] -> [N, 3]`
  public func callAsFunction(_ x: Tensor) -> Tensor { matmul(x, rotation.transposed()) * Real(scale) + translation }
}

/// Errors of joints, pose by pose.
public struct JointErrors: Sendable {
  /// Distances of all joints of all poses that count, unit of the joints.
  public let distances: [Double]
  /// The mean distance of each pose.
  public let poseMeans: [Double]

  /// - Parameters:
  ///   - predicted, truth: `[N, J, 3]`.
  ///   - alignment: before comparing.
  ///   - isVisible: which joint of which pose counts; all without it.
  public init(
    predicted: Tensor, truth: Tensor, alignment: PoseAlignment, isVisible: ((_ pose: Int, _ joint: Int) -> Bool)? = nil
  ) {
    require(
      predicted.shape == truth.shape && truth.rank == 3,
      "joint errors need two [N, J, 3], got \(predicted.shape), \(truth.shape)")
    let (n, joints) = (truth.shape[0], truth.shape[1])
    var perPose = [[Double]](repeating: [], count: n)
    perPose.withUnsafeMutableBufferPointer { perPose in
      let perPose = perPose
      ThreadPool.shared.forEach(n) { i in
        let (p, t) = (predicted.select(0, i), truth.select(0, i))
        let all = pointDistances(alignment.aligned(p, to: t), t)
        perPose[i] = (0..<joints).filter { isVisible?(i, $0) ?? true }.map { all[$0] }
      }
    }
    distances = perPose.flatMap { $0 }
    poseMeans = perPose.filter { !$0.isEmpty }.map { $0.reduce(0, +) / Double($0.count) }
  }

  /// Mean per-joint position error, unit of the joints, lower is better; 0 without joints.
  ///
  /// - Source: Ionescu et al. 2014 (Human3.6M), Eq. 8.
  public var mean: Double { distances.reduce(0, +) / Double(max(distances.count, 1)) }

  /// The share of joints within a threshold (3D PCK), 0 to 1.
  ///
  /// - Source: Mehta et al. 2017 (arXiv 1611.09813), Section 4.2, with 150 mm there.
  public func shareWithin(_ threshold: Double) -> Double {
    Double(distances.count { $0 <= threshold }) / Double(max(distances.count, 1))
  }

  /// The mean PCK over thresholds limit/30, 2 limit/30, ..., limit (0 is left out: it would only count exact joints).
  public func areaUnderPCK(limit: Double, steps: Int = 30) -> Double {
    (1...steps).reduce(0.0) { $0 + shareWithin(limit * Double($1) / Double(steps)) } / Double(steps)
  }
}

/// Pose structure score: whether predicted poses fall into the same cluster of poses as the truth.
///
/// - Parameters:
///   - predicted, truth: `[N, J, 3]`, roots and scales made equal before.
///   - clusters: k-means over true training poses, each pose one row of 3 J numbers.
/// - Returns: 0 to 1.
/// - Source: Kocabas et al. 2019 (EpipolarPose, arXiv 1903.02330), Section 4; k = 50 and 100 there.
public func poseStructureScore(predicted: Tensor, truth: Tensor, clusters: KMeans) -> Double {
  let n = truth.shape[0]
  return accuracy(clusters(predicted.reshaped([n, -1])), clusters(truth.reshaped([n, -1])))
}

/// Errors of the pose of a rigid object.
public struct RigidPoseErrors: Sendable, Equatable {
  /// The angle between both rotations, degrees, 0 to 180.
  public var rotation: Double
  /// The distance of both translations, unit of the model.
  public var translation: Double
  /// ADD, the mean distance of the model's points under both poses; ADD-S, that to the nearest point instead.
  public var add, addSymmetric: Double

  /// - Parameters:
  ///   - predicted, truth: rotation `[3, 3]` and translation `[3]`.
  ///   - model: points of the object, `[M, 3]`.
  /// - Source: Hinterstoisser et al. 2012, Eq. 3 and 4; a pose counts as right below a tenth of the diameter.
  public init(
    predicted: (rotation: Tensor, translation: Tensor), truth: (rotation: Tensor, translation: Tensor), model: Tensor
  ) {
    rotation = rotationAngle(predicted.rotation, truth.rotation)
    translation = pointDistances(predicted.translation.expandedAxis(0), truth.translation.expandedAxis(0))[0]
    let p = matmul(model, predicted.rotation.transposed()) + predicted.translation
    let t = matmul(model, truth.rotation.transposed()) + truth.translation
    func mean(_ d: [Double]) -> Double { d.reduce(0, +) / Double(max(d.count, 1)) }
    add = mean(pointDistances(p, t))
    let nearest = nearestNeighbours(t, among: p, count: 1).reshaped(to: [t.shape[0]])
    addSymmetric = mean(pointDistances(t, p.gathered(nearest)))
  }
}

/// The angle of the rotation between two rotations, degrees, 0 to 180.
///
///     cos angle = (trace(A B^T) - 1) / 2,   near 0 by |A - B|_F = 2 sqrt(2) sin(angle / 2)
public func rotationAngle(_ a: Tensor, _ b: Tensor) -> Double {
  let (p, q) = (a.values.map { Double($0) }, b.values.map { Double($0) })
  let squares = zip(p, q).reduce(0.0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
  return 2 * asin(min(1, squares.squareRoot() / 8.0.squareRoot())) * 180 / .pi
}

/// The largest distance of two points of a model, the diameter in ADD's rule; by looking at all pairs.
public func diameter(_ model: Tensor) -> Double {
  var largest = 0.0
  for i in 0..<model.shape[0] {
    largest = max(largest, Double((model - model.select(0, i)).squared().sum(-1).amax(0).item))
  }
  return largest.squareRoot()
}

/// The area under the share of poses whose ADD (or ADD-S) is below a threshold, for thresholds from 0 to a limit, divided
/// by the limit; exact: the mean over poses of max(0, 1 - error / limit).
///
/// - Parameter limit: 0.1 m in PoseCNN.
/// - Source: Xiang et al. 2018 (arXiv 1711.00199), Section 5.2.
public func areaUnderAccuracy(_ errors: [Double], limit: Double) -> Double {
  errors.reduce(0) { $0 + max(0, 1 - $1 / limit) } / Double(max(errors.count, 1))
}
