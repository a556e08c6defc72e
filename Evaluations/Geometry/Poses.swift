import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

/// `pose/v1`: the method's joints against the true ones, under the usual alignments.
///
/// `mpjpe` puts the root joints (the first) on each other, `n-mpjpe` fits the scale too, `pa-mpjpe` rotation, shift and scale;
/// `pck` and `auc` are of root-aligned joints; `pss` asks whether both poses, root-aligned and at unit size, fall into the same of
/// `clusters` k-means clusters of true training poses.
///
/// Options: `output`, `[joints, 3]` for a sample (joints); `column`, real numbers of the same shape (joints); `limit` of PCK, unit
/// of the joints (150); `clusters` (50).
public struct Poses: Evaluation {
  public static let card = EvaluationCard(
    id: "pose/v1", title: "Errors of predicted joints",
    source:
      "Ionescu et al. 2014 (Human3.6M), Rhodin et al. 2018 (arXiv 1803.04775), Mehta et al. 2017 (arXiv 1611.09813, PCK "
      + "and AUC at 150 mm), Kocabas et al. 2019 (arXiv 1903.02330, pose structure score)",
    measurements: [
      MeasurementSpec("mpjpe", unit: "unit of joints", isHigherBetter: false),
      MeasurementSpec("n-mpjpe", unit: "unit of joints", isHigherBetter: false),
      MeasurementSpec("pa-mpjpe", unit: "unit of joints", isHigherBetter: false), MeasurementSpec("pck", unit: "1"),
      MeasurementSpec("auc", unit: "1"), MeasurementSpec("pss", unit: "1"),
    ])

  let joints: OutputTruth
  public let limit: Double
  public let clusters: Int

  public init(_ options: inout Section) throws(ReproError) {
    joints = try OutputTruth(&options, output: "joints", column: "joints")
    limit = try options.double("limit", in: 1e-9...1e9, default: 150)
    clusters = try options.int("clusters", in: 1...10_000, default: 50)
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    try data.require(column: joints.column, "[joints, 3] or [joints, 2]", for: Self.card.id) {
      $0.rank == 2 && $0[0] >= 2 && [2, 3].contains($0[1])
    }
    try data.need(clusters, in: .train, for: Self.card.id, hint: "lower clusters")
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try subject.require(output: joints.output, likeColumn: joints.column, for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    let train = try subject.labelled(.train).numbers(joints.column, for: Self.card.id)
    let test = try subject.labelled(.test)
    guard let predicted = test.features.outputs[joints.output] else { return [] }
    let truth = try test.numbers(joints.column, for: Self.card.id)
    func errors(_ alignment: PoseAlignment) -> JointErrors {
      JointErrors(predicted: predicted, truth: truth, alignment: alignment)
    }
    let root = errors(.root)
    let structure = KMeans(
      normalized(train).reshaped([train.shape[0], -1]), clusters: clusters, restarts: 3,
      random: random.child("k-means"))
    return [
      ("mpjpe", root.mean), ("n-mpjpe", errors(.scale).mean), ("pa-mpjpe", errors(.procrustes).mean),
      ("pck", root.shareWithin(limit)), ("auc", root.areaUnderPCK(limit: limit)),
      (
        "pss", poseStructureScore(predicted: normalized(predicted), truth: normalized(truth), clusters: structure)
      ),
    ]
  }

  /// Roots at the origin and all joints together at length 1.
  private func normalized(_ poses: Tensor) -> Tensor {
    let centred = poses - poses.slice(1, 0..<1)
    return centred.reshaped([poses.shape[0], -1]).l2Normalized().reshaped(to: poses.shape)
  }
}

/// `object-pose/v1`: the method's rotation and translation of an object against the true ones.
///
/// `add` and `add-s` are means over samples of the mean distance of the object's points, `add-accuracy` the share of samples below
/// a tenth of the diameter, `add-auc` the area under the share for thresholds up to `limit`.
///
/// Options: `output`, `[3, 4]` for a sample, rotation and translation (pose); `column`, the same (pose); `model`, a label column of
/// the object's points `[points, 3]` (model); `limit`, unit of the points (0.1); `symmetric`, whether accuracy and area use ADD-S
/// (false).
public struct ObjectPose: Evaluation {
  public static let card = EvaluationCard(
    id: "object-pose/v1", title: "Errors of the pose of rigid objects",
    source:
      "Hinterstoisser et al. 2012 (ADD, ADD-S, a tenth of the diameter); Xiang et al. 2018 (arXiv 1711.00199, the area up "
      + "to 0.1 m)",
    measurements: [
      MeasurementSpec("add", unit: "unit of points", isHigherBetter: false, decimals: 4),
      MeasurementSpec("add-s", unit: "unit of points", isHigherBetter: false, decimals: 4),
      MeasurementSpec("add-accuracy", unit: "1"), MeasurementSpec("add-auc", unit: "1"),
      MeasurementSpec("rotation", unit: "degrees", isHigherBetter: false, decimals: 2),
      MeasurementSpec("translation", unit: "unit of points", isHigherBetter: false, decimals: 4),
    ])

  let poses: OutputTruth
  public let model: String
  public let limit: Double
  public let symmetric: Bool

  public init(_ options: inout Section) throws(ReproError) {
    poses = try OutputTruth(&options, output: "pose", column: "pose")
    model = try options.string("model", default: "model")
    limit = try options.double("limit", in: 1e-9...1e9, default: 0.1)
    symmetric = try options.bool("symmetric", default: false)
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    let (pose, points) = (
      try data.realShape(poses.column, for: Self.card.id), try data.realShape(model, for: Self.card.id)
    )
    guard pose == [3, 4], points.rank == 2, points[1] == 3, points.count <= 256 else {
      throw ReproError(
        .usage, at: Self.card.id,
        found: "columns '\(poses.column)' and '\(model)' have the shapes \(pose) and \(points)",
        expected: "[3, 4] and at most 85 points [points, 3]")
    }
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try subject.require(output: poses.output, shape: [3, 4], for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    var (found, decisive, isRight): ([RigidPoseErrors], [Double], [Bool]) = ([], [], [])
    func parts(_ pose: Tensor) -> (rotation: Tensor, translation: Tensor) {
      (pose.slice(1, 0..<3), pose.select(1, 3))
    }
    try poses.forEach(subject, for: Self.card.id) { _, output, truth, chunk, place in
      let points = try chunk.numbers(model, for: Self.card.id).select(0, place)
      let e = RigidPoseErrors(predicted: parts(output), truth: parts(truth), model: points)
      found.append(e)
      decisive.append(symmetric ? e.addSymmetric : e.add)
      isRight.append(decisive[decisive.count - 1] < 0.1 * diameter(points))
    }
    return [
      ("add", found.mean(\.add)), ("add-s", found.mean(\.addSymmetric)),
      ("add-accuracy", isRight.mean { $0 ? 1 : 0 }), ("add-auc", areaUnderAccuracy(decisive, limit: limit)),
      ("rotation", found.mean(\.rotation)), ("translation", found.mean(\.translation)),
    ]
  }
}

/// `direction/v1`: the angle between the method's direction and the true one (gaze, gravity), mean and median over samples.
///
/// Options: `output`, `[3]` for a sample (direction); `column`, real numbers `[3]` (direction).
public struct Direction: Evaluation {
  public static let card = EvaluationCard(
    id: "direction/v1", title: "Angular error of a direction",
    source: "the angular error of gaze estimation, Zhang et al. 2015 (MPIIGaze, arXiv 1504.02863), Section 5",
    measurements: [
      MeasurementSpec("mean", unit: "degrees", isHigherBetter: false),
      MeasurementSpec("median", unit: "degrees", isHigherBetter: false),
    ])

  let vectors: OutputTruth

  public init(_ options: inout Section) throws(ReproError) {
    vectors = try OutputTruth(&options, output: "direction", column: "direction")
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    try data.require(column: vectors.column, "[3]", for: Self.card.id) { $0 == [3] }
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try subject.require(output: vectors.output, shape: [3], for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    try check(encoderOf: subject)
    var angles: [Double] = []
    try vectors.forEach(subject, for: Self.card.id) { _, output, truth, _, _ in
      angles += anglesBetween(output.expandedAxis(0), truth.expandedAxis(0))
    }
    return [("mean", angles.mean), ("median", median(angles) ?? 0)]
  }
}
