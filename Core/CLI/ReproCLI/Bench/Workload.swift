import ReproTensor

/// Something whose speed is measured: a name, what one step does, and how to make the step.
struct Workload: Sendable {
  /// What `repro bench NAME` calls it; those of the reference script have its names.
  let name: String
  /// One line for `repro bench --list`.
  let summary: String
  /// What `per_s` counts.
  let unit: String
  /// Timed steps where `--steps` is not given.
  let steps: Int
  /// Makes the inputs and the model, and gives the step.
  let prepare: @Sendable () throws -> Step

  /// A prepared workload.
  struct Step {
    /// Units that one step handles.
    var units: Double
    /// Floating point operations of the products of one step (two for a multiply and add); nil where they are not what
    /// the step is about.
    var operations: Double?
    /// One step; the result is printed nowhere, but everything that it depends on must be computed.
    var run: () throws -> Void
  }

  init(
    _ name: String, _ summary: String, unit: String, steps: Int = 20, prepare: @escaping @Sendable () throws -> Step
  ) {
    (self.name, self.summary, self.unit, self.steps, self.prepare) = (name, summary, unit, steps, prepare)
  }

  /// Every workload: those of the reference script first.
  static let all: [Workload] = dense + training + pieces + pipeline

  /// Steps before the clock starts: buffers, caches and the threads are then as they will be.
  static let warmUps = 3

  /// Numbers for inputs and weights.
  static func stream(_ name: String) -> RandomStream { RandomStream(seed: 0).child("bench").child(name) }

  /// Labels `[count]` in 0 ..< classes.
  static func labels(_ count: Int, classes: Int) -> IndexTensor {
    var stream = stream("labels")
    return IndexTensor((0..<count).map { _ in stream.integer(below: classes) })
  }
}

/// Holds what a step changes: a step is a closure that is called again and again.
final class Box<Value> {
  var value: Value
  init(_ value: Value) { self.value = value }
}
