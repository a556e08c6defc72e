import Glibc
import ReproTensor

/// Where one query's relevant items stand in its ranking: all that measures of retrieval need to know.
public struct RelevantRanks: Sendable, Equatable {
  /// Ranks of the relevant items, from 0, ascending.
  public let ranks: [Int]
  /// The relevant items in that order.
  public let items: [Int]
  /// Items in the ranking.
  public let galleryCount: Int

  /// Ranks items by descending score, equal scores by index.
  ///
  /// - Parameters:
  ///   - scores: one for each item of the gallery.
  ///   - relevant: the relevant items, each once, none of them excluded.
  ///   - excluded: items that are not in the ranking (the query itself; what a user has seen already).
  public init(scores: UnsafeBufferPointer<Real>, relevant: [Int], excluding excluded: [Int] = []) {
    // Only the ranks of the relevant items matter: sort those, then count which of them every other item precedes.
    func precedes(_ i: Int, _ j: Int) -> Bool { scores[i] > scores[j] || (scores[i] == scores[j] && i < j) }
    let order = relevant.sorted(by: precedes)
    var between = [Int](repeating: 0, count: order.count + 1)  // others between relevant item r - 1 and r
    var isOther = [Bool](repeating: true, count: scores.count)
    for i in order { isOther[i] = false }
    for i in excluded { isOther[i] = false }
    let sorted = order.map { scores[$0] }
    let lowest = sorted.last ?? .infinity  // what scores less comes behind all of them and does not matter
    for i in scores.indices {
      let own = scores[i]
      if own < lowest || !isOther[i] { continue }
      var (low, high) = (0, sorted.count)  // the first relevant item that i precedes
      while low < high {
        let middle = (low + high) / 2
        if own > sorted[middle] || (own == sorted[middle] && i < order[middle]) {
          high = middle
        } else {
          low = middle + 1
        }
      }
      between[low] += 1
    }
    var others = 0
    ranks = order.indices.map { r in
      others += between[r]
      return r + others
    }
    items = order
    galleryCount = scores.count - excluded.count
  }

  public init(scores: [Real], relevant: [Int], excluding excluded: [Int] = []) {
    self = scores.withUnsafeBufferPointer { RelevantRanks(scores: $0, relevant: relevant, excluding: excluded) }
  }

  /// The mean of the precisions at the ranks of relevant items, 0 to 1; 0 if none is relevant.
  public var averagePrecision: Double {
    var sum = 0.0
    for (r, rank) in ranks.enumerated() { sum += Double(r + 1) / Double(rank + 1) }
    return sum / Double(max(ranks.count, 1))
  }

  /// The same over the first k items only, divided by min(k, relevant items), as recommenders count it (MAP@k).
  public func averagePrecision(at k: Int) -> Double {
    var sum = 0.0
    for (r, rank) in ranks.enumerated() where rank < k { sum += Double(r + 1) / Double(rank + 1) }
    return sum / Double(max(1, min(k, ranks.count)))
  }

  /// 1 / (1 + rank of the first relevant item); 0 if none is relevant.
  public var reciprocalRank: Double { ranks.first.map { 1 / Double($0 + 1) } ?? 0 }

  /// Whether a relevant item is among the first k: R@k of retrieval and HR@k of recommenders are its means.
  public func hits(at k: Int) -> Bool { ranks.first.map { $0 < k } ?? false }

  /// The share of relevant items among the first k, 0 to 1: Recall@k of recommenders is its mean.
  public func recall(at k: Int) -> Double { Double(ranks.count { $0 < k }) / Double(max(ranks.count, 1)) }

  /// The share of the first k items that are relevant, 0 to 1.
  public func precision(at k: Int) -> Double { Double(ranks.count { $0 < k }) / Double(k) }

  /// Normalised discounted cumulative gain of the first k items, 0 to 1; 0 if nothing has a gain.
  ///
  ///     DCG@k = sum_{rank r < k} gain / log2(r + 2);   nDCG@k = DCG@k / (DCG@k of the best possible order)
  ///
  /// - Parameter gain: of a relevant item, > 0; 1 for all without it. Items that are not relevant gain nothing.
  /// - Source: Jarvelin and Kekalainen 2002, with the discount 1 / log2(rank + 1) of Burges et al. 2005.
  public func ndcg(at k: Int, gain: (Int) -> Double = { _ in 1 }) -> Double {
    func discounted(_ gain: Double, _ rank: Int) -> Double { gain / log2(Double(rank + 2)) }
    var found = 0.0
    for (rank, item) in zip(ranks, items) where rank < k { found += discounted(gain(item), rank) }
    let ideal = items.map(gain).sorted(by: >).prefix(k).enumerated().reduce(0.0) {
      $0 + discounted($1.element, $1.offset)
    }
    return ideal > 0 ? found / ideal : 0
  }
}

/// The ranks of all queries over a gallery by cosine similarity; memory for a few rows of similarities at a time.
///
/// - Parameters:
///   - queries: `[Q, D]`; gallery: `[G, D]`.
///   - relevant: the relevant items of a query; asked on several threads.
///   - excluded: items that are left out of a query's ranking.
/// - Returns: nil for queries without a relevant item.
public func relevantRanks(
  queries: Tensor, gallery: Tensor, excluding excluded: (Int) -> [Int] = { _ in [] }, relevant: (Int) -> [Int]
) -> [RelevantRanks?] {
  var result = [RelevantRanks?](repeating: nil, count: queries.shape[0])
  result.withUnsafeMutableBufferPointer { result in
    let result = result
    forEachSimilarityRow(queries, gallery) { i, row in
      let own = relevant(i)
      if !own.isEmpty { result[i] = RelevantRanks(scores: row, relevant: own, excluding: excluded(i)) }
    }
  }
  return result
}

/// What the rankings of all queries say together.
public struct RetrievalSummary: Sendable {
  private let found: [RelevantRanks]
  /// Queries that had nothing relevant to find and count in no mean.
  public let leftOut: Int

  public init(_ rankings: [RelevantRanks?]) {
    found = rankings.compactMap { $0 }
    leftOut = rankings.count - found.count
  }

  public var queries: Int { found.count }

  /// The mean over queries, 0 without any.
  public func mean(_ value: (RelevantRanks) -> Double) -> Double {
    found.reduce(0) { $0 + value($1) } / Double(max(found.count, 1))
  }

  public func recall(at k: Int) -> Double { mean { $0.hits(at: k) ? 1 : 0 } }
  public var meanAveragePrecision: Double { mean(\.averagePrecision) }
  public var meanReciprocalRank: Double { mean(\.reciprocalRank) }
  public func ndcg(at k: Int) -> Double { mean { $0.ndcg(at: k) } }

  /// The median over queries of the first relevant item's rank, from 1; of an even number the mean of the middle two.
  public var medianRank: Double { median(found.compactMap { $0.ranks.first.map { Double($0 + 1) } }) ?? 0 }

  /// The mean over queries of the first relevant item's rank, from 1.
  public var meanRank: Double { mean { Double(($0.ranks.first ?? 0) + 1) } }
}

/// The middle of sorted numbers, of an even number the mean of the middle two; nil without numbers.
public func median(_ values: [Double]) -> Double? {
  guard !values.isEmpty else { return nil }
  let sorted = values.sorted()
  let half = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/// The share of a catalogue that is recommended to somebody, 0 to 1.
///
/// - Parameter lists: the items that each user is shown.
/// - Source: Ge et al. 2010, "Beyond accuracy: evaluating recommender systems by coverage and serendipity".
public func catalogueCoverage(_ lists: [[Int]], items: Int) -> Double {
  Double(Set(lists.joined()).count) / Double(max(items, 1))
}

/// Gini's coefficient of how often each item is recommended: 0 if all equally often, toward 1 if a few take it all.
///
///     G = sum_i (2 i - n - 1) x_i / (n sum x),   x ascending, i from 1
public func giniCoefficient(_ counts: [Double]) -> Double {
  let sorted = counts.sorted()
  let (n, total) = (Double(sorted.count), sorted.reduce(0, +))
  guard total > 0 else { return 0 }
  return sorted.enumerated().reduce(0.0) { $0 + (2 * Double($1.offset + 1) - n - 1) * $1.element } / (n * total)
}
