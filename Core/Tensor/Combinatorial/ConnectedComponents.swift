// Connected parts of grids and graphs, numbered in the order in which a scan meets them.

/// Which cells of a grid touch.
public enum GridNeighbours: Sendable {
  /// Those that share a face: 4 in two dimensions, 6 in three.
  case faces
  /// Those that share a corner: 8 in two dimensions, 26 in three.
  case corners
}

/// Sets that can be joined, each represented by its smallest element.
private struct DisjointSets {
  private var parents: [Int]

  init(_ count: Int) { parents = Array(0..<count) }

  mutating func find(_ x: Int) -> Int {
    var x = x
    while parents[x] != x {
      parents[x] = parents[parents[x]]  // halves the path
      x = parents[x]
    }
    return x
  }

  mutating func join(_ a: Int, _ b: Int) {
    let (p, q) = (find(a), find(b))
    parents[max(p, q)] = min(p, q)
  }
}

extension IndexTensor {
  /// The connected parts of the cells that are not 0, of a grid of any rank.
  ///
  /// - Returns: labels of this shape, 0 for the background, 1, 2, ... in row-major order of each part's first cell; and how
  ///   many parts there are. The numbering is that of `scipy.ndimage.label`.
  /// - Source: Hoshen and Kopelman 1976, "Percolation and cluster distribution", with disjoint sets.
  public func connectedComponents(_ neighbours: GridNeighbours = .faces) -> (labels: IndexTensor, count: Int) {
    let (rank, extents, strides) = (shape.rank, shape.array, shape.rowMajorStrides.array)
    // The offsets to neighbours that come earlier in the scan: half of all.
    let offsets = (0..<power(3, rank)).map { code in (0..<rank).map { code / power(3, rank - 1 - $0) % 3 - 1 } }
      .filter { offset in
        guard let first = offset.first(where: { $0 != 0 }), first < 0 else { return false }
        return neighbours == .corners || offset.filter { $0 != 0 }.count == 1
      }
    let steps = offsets.map { zip($0, strides).reduce(0) { $0 + $1.0 * $1.1 } }
    func isInside(_ place: [Int], _ offset: [Int]) -> Bool {
      for axis in 0..<rank {
        let at = place[axis] + offset[axis]
        if at < 0 || at >= extents[axis] { return false }
      }
      return true
    }
    var sets = DisjointSets(count)
    var place = [Int](repeating: 0, count: rank)
    for cell in 0..<count {
      if values[cell] != 0 {
        for (offset, step) in zip(offsets, steps) where isInside(place, offset) && values[cell + step] != 0 {
          sets.join(cell, cell + step)
        }
      }
      var axis = rank - 1
      while axis >= 0 {
        place[axis] += 1
        if place[axis] < extents[axis] { break }
        place[axis] = 0
        axis -= 1
      }
    }
    var labels = [Int](repeating: 0, count: count)
    var found = 0
    for cell in 0..<count where values[cell] != 0 {
      let root = sets.find(cell)
      if root == cell { found += 1 }
      labels[cell] = root == cell ? found : labels[root]
    }
    return (IndexTensor(shape, labels), found)
  }
}

private func power(_ base: Int, _ exponent: Int) -> Int { (0..<exponent).reduce(1) { n, _ in n * base } }

/// The connected parts of an undirected graph.
///
/// - Parameters:
///   - nodes: how many.
///   - edges: pairs of nodes.
/// - Returns: the part of each node, 0, 1, ... in the order of each part's first node; and how many there are.
public func connectedComponents(nodes: Int, edges: [(Int, Int)]) -> (labels: [Int], count: Int) {
  require(
    nodes >= 0 && edges.allSatisfy { $0.0 >= 0 && $0.0 < nodes && $0.1 >= 0 && $0.1 < nodes },
    "connectedComponents: an edge leads out of \(nodes) nodes")
  var sets = DisjointSets(nodes)
  for (a, b) in edges { sets.join(a, b) }
  var (labels, found) = ([Int](repeating: 0, count: nodes), 0)
  for node in 0..<nodes {
    let root = sets.find(node)
    labels[node] = root == node ? found : labels[root]
    if root == node { found += 1 }
  }
  return (labels, found)
}
