import ReproConfig

/// What is watched during training, and which findings end the run: the section `health` of a recipe.
///
/// Everything is watched without the section, too; then findings are said and nothing is stopped.
public struct HealthPlan: Sendable, Equatable {
  /// What can go wrong, each with its diagnosis.
  public enum Kind: String, Sendable, CaseIterable {
    /// All samples have almost the same embedding.
    case collapse
    /// The embeddings fill a line or a plane only.
    case rank
    /// The loss is that of the answer that ignores the input, or has not moved.
    case trivialLoss = "trivial-loss"
    /// The teacher's outputs are all mass on one output, or the same for every sample.
    case entropy
    /// The gradient's norm exploded or vanished.
    case gradient
  }

  /// A look at the embeddings every so many steps of a stage, as a fraction of the stage, in (0, 1].
  public var every = 0.125
  /// Shorter stages say nothing about where training leads; only their gradients are watched.
  public var leastSteps = 50
  /// Training samples whose embeddings are looked at.
  public var samples = 64
  /// Findings that end the run as diverged; the others are said.
  public var stops: [Kind] = []
  /// Deviation of the normalised embeddings times the square root of their width: 1 on a whole sphere, 0 after
  /// collapse.
  public var leastDeviation = 0.01
  /// Effective rank of the centred embeddings.
  public var leastRank = 1.5
  /// The loss of the trivial answer, as log K of K prototypes; nil if nobody has said it.
  public var trivialLoss: Double?
  /// Nats; below it a teacher's output is one prototype for certain.
  public var leastEntropy = 0.02
  /// A gradient this many times the median of the stage has exploded.
  public var gradientFactor = 100.0

  public init() {}

  init(_ section: inout Section) throws(ReproError) {
    every = try section.double("every", in: Double.leastNonzeroMagnitude...1, default: every)
    leastSteps = try section.int("least_steps", in: 1...1_000_000_000, default: leastSteps)
    samples = try section.int("samples", in: 8...1024, default: samples)
    leastDeviation = try section.double("least_deviation", in: 0...1, default: leastDeviation)
    leastRank = try section.double("least_rank", in: 0...1e6, default: leastRank)
    trivialLoss = try section.ifPresent("trivial_loss") { node, name throws(ReproError) in
      try node.double(named: name, in: -1e300...1e300)
    }
    leastEntropy = try section.double("least_entropy", in: 0...1e6, default: leastEntropy)
    gradientFactor = try section.double("gradient_factor", in: 1...1e300, default: gradientFactor)
    guard let list = section.take("stop") else { return }
    for (index, item) in try list.items(named: "\(section.name).stop").enumerated() {
      let word = try item.choice(named: "\(section.name).stop[\(index)]", Kind.allCases.map(\.rawValue))
      if let kind = Kind(rawValue: word) { stops.append(kind) }
    }
  }
}

/// What a monitor found.
public struct HealthFinding: Sendable, Equatable {
  public var kind: HealthPlan.Kind
  public var stage: String
  public var step: Int
  /// What was seen and what it usually means.
  public var text: String
}
