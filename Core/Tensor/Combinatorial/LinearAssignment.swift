/// Pairs of rows and columns, each used at most once.
public struct Assignment: Sendable, Equatable {
  /// The rows that have a partner, ascending.
  public let rows: [Int]
  /// The partner of each of these rows.
  public let columns: [Int]
  /// The sum of the costs of the pairs.
  public let cost: Double
}

/// The pairs of least total cost: as many as the smaller side has; of several best ones always the same.
///
/// - Parameters:
///   - cost: `[N, M]`; infinity forbids a pair, NaN and -infinity are mistakes.
///   - maximizes: asks for the greatest total instead; -infinity forbids then.
/// - Requires: a choice without forbidden pairs; where data may leave none, use `linearAssignmentIfFeasible`.
/// - Source: Crouse 2016, "On implementing 2D rectangular assignment algorithms" (shortest augmenting paths with
///   potentials, after Jonker and Volgenant 1987); O(min(N, M)^2 max(N, M)).
public func linearAssignment(_ cost: Tensor, maximizes: Bool = false) -> Assignment {
  guard let best = linearAssignmentIfFeasible(cost, maximizes: maximizes) else {
    requirementFailed("linearAssignment: every choice of \(cost.shape) has a forbidden pair")
  }
  return best
}

/// The pairs as `linearAssignment` gives them, or nil if every choice has a forbidden pair.
public func linearAssignmentIfFeasible(_ cost: Tensor, maximizes: Bool = false) -> Assignment? {
  require(cost.rank == 2, "linearAssignment needs costs [N, M], got \(cost.shape)")
  let isWide = cost.shape[0] <= cost.shape[1]
  let matrix = isWide ? cost.detached : cost.detached.transposed()
  let (n, m) = (matrix.shape[0], matrix.shape[1])
  let costs = matrix.values.map { maximizes ? -Double($0) : Double($0) }
  require(
    costs.allSatisfy { !$0.isNaN && $0 > -.infinity }, "linearAssignment: costs \(cost.shape) with NaN or -infinity")
  guard let columns = shortestAugmentingPaths(n, m, costs) else { return nil }
  let total = (0..<n).reduce(0.0) { $0 + costs[$1 * m + columns[$1]] } * (maximizes ? -1 : 1)
  if isWide { return Assignment(rows: Array(0..<n), columns: columns, cost: total) }
  let order = (0..<n).sorted { columns[$0] < columns[$1] }
  return Assignment(rows: order.map { columns[$0] }, columns: order, cost: total)
}

/// The column of each of n rows, n <= m; nil if there is no choice of finite cost.
private func shortestAugmentingPaths(_ n: Int, _ m: Int, _ cost: [Double]) -> [Int]? {
  var (rowPotential, columnPotential) = ([Double](repeating: 0, count: n), [Double](repeating: 0, count: m))
  var rowOfColumn = [Int](repeating: -1, count: m)
  for start in 0..<n {
    // Dijkstra over columns with reduced costs, until a free column is reached.
    var distance = [Double](repeating: .infinity, count: m)
    var previous = [Int](repeating: -1, count: m)
    var isDone = [Bool](repeating: false, count: m)
    var (row, column, travelled) = (start, -1, 0.0)
    repeat {
      var (next, least) = (-1, Double.infinity)
      for j in 0..<m where !isDone[j] {
        let reduced = travelled + cost[row * m + j] - rowPotential[row] - columnPotential[j]
        if reduced < distance[j] { (distance[j], previous[j]) = (reduced, column) }
        // Of equally near columns a free one ends the search at once.
        if distance[j] < least || (distance[j] == least && next >= 0 && rowOfColumn[j] < 0 && rowOfColumn[next] >= 0) {
          (next, least) = (j, distance[j])
        }
      }
      if next < 0 { return nil }
      (column, travelled) = (next, least)
      isDone[column] = true
      if rowOfColumn[column] >= 0 { row = rowOfColumn[column] }
    } while rowOfColumn[column] >= 0
    rowPotential[start] += travelled
    for j in 0..<m where isDone[j] && j != column {
      rowPotential[rowOfColumn[j]] += travelled - distance[j]
      columnPotential[j] -= travelled - distance[j]
    }
    // The path is turned over: each column takes the row of its predecessor.
    while previous[column] >= 0 {
      rowOfColumn[column] = rowOfColumn[previous[column]]
      column = previous[column]
    }
    rowOfColumn[column] = start
  }
  var columns = [Int](repeating: 0, count: n)
  for (j, row) in rowOfColumn.enumerated() where row >= 0 { columns[row] = j }
  return columns
}
