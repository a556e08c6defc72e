import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// Which part of an uncurated pool is trained on.
struct CurationOptions: Sendable {
  enum Subset: String, Sendable, CaseIterable {
    /// What looks most like the curated set.
    case retrieved
    /// Any of the pool.
    case random
    /// The pool's samples of the curated set's classes: what retrieval without mistakes would give.
    case oracle
  }
  let subset: Subset
  /// Samples that are chosen.
  let size: Int

  /// Reads `{subset, size}`.
  init(_ s: inout Section) throws(ReproError) {
    subset =
      Subset(rawValue: try s.choice("subset", Subset.allCases.map(\.rawValue), default: "retrieved")) ?? .retrieved
    size = try s.int("size", in: 1...16_000_000)
  }

  /// The places in the training split of what is trained on, `[size]`.
  ///
  /// - Parameters:
  ///   - data: with the column `role` (1: curated; 0: pool), and `truth` for the oracle.
  ///   - embed: features of images, `[N, D]`; asked for by the retrieval only.
  /// - Throws: `ReproError`, domain usage, for data without these columns or with too few samples.
  func chosen(from data: Batch, random: RandomStream, embed: (ImageBatch) -> Tensor) throws(ReproError) -> [Int] {
    let role = try integers(data, "role")
    var pool = role.indices.filter { role[$0] == 0 }
    if subset == .oracle {
      let truth = try integers(data, "truth")
      pool.removeAll { truth[$0] == 0 }
    }
    guard pool.count >= size else {
      throw ReproError(
        .usage, at: "method.curation.size", found: "\(size) of \(pool.count) samples to choose from",
        hint: "choose fewer, or take a larger pool")
    }
    guard subset == .retrieved else {
      var stream = random
      return stream.permutation(pool.count).prefix(size).map { pool[$0] }
    }
    let curated = role.indices.filter { role[$0] == 1 }
    guard !curated.isEmpty else {
      throw ReproError(.usage, at: "method.curation", found: "no sample has the role 'curated'")
    }
    let images = data.images()
    let features = concat(
      stride(from: 0, to: images.count, by: 256).map { first in
        embed(images.rows(Array(first..<min(first + 256, images.count)))).detached
      })
    let found = retrieved(
      like: features.gathered(IndexTensor(curated)), from: features.gathered(IndexTensor(pool)), count: size)
    return found.map { pool[$0] }
  }

  private func integers(_ data: Batch, _ name: String) throws(ReproError) -> [Int] {
    guard case .integers(let values) = data[name] else {
      throw ReproError(
        .usage, at: "method.curation", found: "the columns \(data.columns.map(\.name).joined(separator: ", "))",
        expected: "a column '\(name)' that training may see", hint: "data: {provider: curation-pool}")
    }
    return values
  }
}

/// Samples of a pool that are nearest to those of a curated set: the nearest of each, then the second nearest of each, and
/// so on, each sample once, until there are enough.
///
/// - Parameters:
///   - curated: features `[S, D]`.
///   - pool: features `[P, D]`.
///   - count: at most P.
/// - Returns: places in the pool, in the order in which they were found; by cosine, of equals the earlier one.
/// - Source: Oquab et al. 2023 (DINOv2, arXiv 2304.07193), Section 3, "Self-supervised image retrieval": k = 4 neighbours of
///   each curated image there; here k grows until there are `count`, so that every choice has the same size.
func retrieved(like curated: Tensor, from pool: Tensor, count: Int) -> [Int] {
  let (s, p) = (curated.shape[0], pool.shape[0])
  require(count <= p, "\(count) of \(p) samples cannot be retrieved")
  let similarities = matmul(curated.l2Normalized(), pool.l2Normalized().transposed()).values  // [S P]
  let order = (0..<s).map { i -> [Int] in
    let row = Array(similarities[(i * p)..<((i + 1) * p)])
    return (0..<p).sorted { row[$0] > row[$1] || (row[$0] == row[$1] && $0 < $1) }
  }
  var isTaken = [Bool](repeating: false, count: p)
  var found: [Int] = []
  for rank in 0..<p {
    for i in 0..<s where found.count < count && !isTaken[order[i][rank]] {
      isTaken[order[i][rank]] = true
      found.append(order[i][rank])
    }
    if found.count == count { break }
  }
  return found
}
