import ReproConfig
import ReproData
import ReproTensor

/// One number of an evaluation, as its card announces it.
public struct MeasurementSpec: Sendable, Equatable {
  /// The part behind the dot in `knn.top1`.
  public var name: String
  public var unit: String
  public var isHigherBetter: Bool
  /// Decimals that people are shown.
  public var decimals: Int
  public init(_ name: String, unit: String, isHigherBetter: Bool = true, decimals: Int = 3) {
    (self.name, self.unit, self.isHigherBetter, self.decimals) = (name, unit, isHigherBetter, decimals)
  }
}

/// A named, versioned protocol. Two protocols never share a column of a table.
public struct EvaluationCard: Sendable {
  /// `knn/v1`: a protocol that changes its numbers gets the next version.
  public var id: String
  public var title: String
  /// Where the protocol comes from, and how we differ.
  public var source: String
  /// What every configuration measures.
  public var measurements: [MeasurementSpec]
  public init(id: String, title: String, source: String, measurements: [MeasurementSpec]) {
    (self.id, self.title, self.source, self.measurements) = (id, title, source, measurements)
  }
}

/// Measures a frozen encoder on a data set.
public protocol Evaluation: Sendable {
  static var card: EvaluationCard { get }
  init(_ options: inout Section) throws(ReproError)
  /// What this configuration measures, in the order of `measure`: the card's measurements, and more if options ask for
  /// more (`k: [20, 10]` adds `top1-k10`).
  var measurements: [MeasurementSpec] { get }
  /// Refuses a data set that lacks what the protocol needs, from its description alone: to be asked before anything is
  /// trained. `measure` asks again.
  func check(_ data: DataSpec) throws(ReproError)
  /// Refuses a method that lacks what the protocol needs (a named output, features of places, a network that can be
  /// trained further): asked with the untrained method, before anything is trained. `measure` asks again.
  func check(encoderOf subject: EvaluationSubject) throws
  /// Named values: exactly those of `measurements`.
  func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)]
}

extension Evaluation {
  public var measurements: [MeasurementSpec] { Self.card.measurements }
  public func check(_ data: DataSpec) throws(ReproError) {}
  public func check(encoderOf subject: EvaluationSubject) throws {}
}

/// A frozen encoder: batches in, features out.
public protocol Encoder: Sendable {
  func features(of batch: Batch) throws -> Features
}
