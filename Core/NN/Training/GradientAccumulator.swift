import ReproTensor

/// The sum of gradients that arrive one after the other, with the bits of `Gradients.sum` of all of them at once.
///
/// Neighbours are added as soon as both are there, as digits carry in a binary counter: of n shards at most log2(n) + 1 sums are
/// kept.
///
///     for shard in batch { accumulator.add(gradients(of: shard)) };  let mean = accumulator.total / n
public struct GradientAccumulator: Sendable {
  /// Sums of 2^level shards, from the largest level to the smallest.
  private var partial: [(level: Int, sum: Gradients)] = []
  /// Shards so far.
  public private(set) var count = 0

  public init() {}

  public mutating func add(_ shard: Gradients) {
    count += 1
    var (level, sum) = (0, shard)
    while let last = partial.last, last.level == level {
      sum = last.sum + sum
      level += 1
      partial.removeLast()
    }
    partial.append((level, sum))
  }

  /// The sum of all shards so far; at least one.
  public var total: Gradients {
    guard var result = partial.last?.sum else { requirementFailed("a sum of gradients needs at least one shard") }
    for (_, sum) in partial.dropLast().reversed() { result = sum + result }
    return result
  }
}
