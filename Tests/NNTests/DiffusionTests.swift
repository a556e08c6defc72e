import Glibc
import ReproNN
import ReproTensor
import TestSupport
import Testing

@Suite struct DiffusionTests {
  /// Two triangles with a bridge, and a node without edges.
  private let graph = Graph.undirected(nodes: 7, edges: [(0, 1), (1, 2), (0, 2), (2, 3), (3, 4), (4, 5), (3, 5)])

  @Test func pageRankIsTheSumOverWalksOfEveryLength() {
    let alpha: Real = 0.2
    let walk = graph.normalizedAdjacency.dense()
    var term = Tensor.zeros([7, 7]).fillingDiagonal(alpha)
    var sum = term
    for _ in 0..<150 {
      term = matmul(walk, term) * (1 - alpha)
      sum += term
    }
    let found = graph.pageRankDiffusion(alpha: alpha)
    expectClose(found, sum, tolerance: 2e-6)
    expectClose(found, found.transposed(), tolerance: 1e-6)
    expectClose(graph.pageRankDiffusion(alpha: 1), Tensor.zeros([7, 7]).fillingDiagonal(1), tolerance: 1e-7)
    #expect(abs(found.values[48] - 1) < 1e-6, "a node without edges keeps all of its walk")
  }

  @Test func heatIsAMatrixExponentialAndNotThatOfItsElements() {
    // Two joined nodes: exp(t (T - I)) has (1 + e^(-2t)) / 2 on its diagonal.
    let pair = Graph.undirected(nodes: 2, edges: [(0, 1)])
    for time in [0, 0.3, 5] as [Real] {
      let same = Real((1 + exp(-2 * Double(time))) / 2)
      expectClose(
        pair.heatDiffusion(time: time), Tensor([2, 2], [same, 1 - same, 1 - same, same]), tolerance: 1e-6)
    }
    // A cycle of four: eigenvalues cos(2 pi k / 4) - 1 = 0, -1, -2, -1.
    let ring = Graph.undirected(nodes: 4, edges: [(0, 1), (1, 2), (2, 3), (3, 0)])
    let t = 1.5
    let (stay, step, across) = (
      (1 + 2 * exp(-t) + exp(-2 * t)) / 4, (1 - exp(-2 * t)) / 4, (1 - 2 * exp(-t) + exp(-2 * t)) / 4
    )
    let row = [stay, step, across, step].map { Real($0) }
    expectClose(ring.heatDiffusion(time: Real(t)).select(0, 0), Tensor([4], row), tolerance: 1e-6)
  }

  @Test func heatIsNeitherMadeNorLostAndSpreadsInTwoTimesAsInOne() {
    let once = graph.heatDiffusion(time: 2)
    expectClose(once.sum(0), .ones([7]), tolerance: 1e-6)
    expectClose(matmul(once, once), graph.heatDiffusion(time: 4), tolerance: 1e-6)
    #expect(once.values[48] == 1 || abs(once.values[48] - 1) < 1e-6, "a node without edges keeps its heat")
  }

  @Test func largeElementsAreKeptByAThresholdByRowsAndInWindows() {
    var stream = RandomStream(seed: 4)
    let x = stream.uniform([6, 6])
    let (all, some) = (x.values, SparseMatrix(x, atLeast: 0.6).dense().values)
    for (a, b) in zip(all, some) { #expect(b == (a >= 0.6 ? a : 0)) }
    let top = SparseMatrix(x, largestPerRow: 2).dense()
    for i in 0..<6 {
      let row = x.select(0, i).values
      let limit = row.sorted()[4]
      #expect(top.select(0, i).values == row.map { $0 >= limit ? $0 : 0 })
    }
    #expect(SparseMatrix(x - 2, largestPerRow: 2).values.count == 0, "what is not above 0 is not kept")
    let window = SparseMatrix(x, atLeast: 0.6).window(2..<5).dense()
    #expect(window.values == SparseMatrix(x, atLeast: 0.6).dense().slice(0, 2..<5).slice(1, 2..<5).contiguous().values)
  }
}
