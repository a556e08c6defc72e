import TestSupport
import Testing

@testable import ReproTensor

@Suite("Point sets")
struct PointSetTests {
  private func draw(_ shape: Shape, _ name: String = "points") -> Tensor {
    var stream = RandomStream(seed: 61).child(name).child("\(shape)")
    return stream.normal(shape)
  }

  /// Whole coordinates: many equal distances.
  private func lattice(_ shape: Shape, _ name: String = "lattice") -> Tensor {
    var stream = RandomStream(seed: 62).child(name)
    return Tensor(shape, (0..<shape.count).map { _ in Real(stream.integer(below: 4)) })
  }

  /// Squared distances from point q of one set to all of another.
  private func distances(_ a: Tensor, _ q: Int, _ b: Tensor) -> [Real] {
    let (x, y, d) = (a.values, b.values, a.shape[-1])
    return (0..<b.shape[0]).map { j in
      (0..<d).reduce(Real(0)) { sum, k in
        let difference = y[j * d + k] - x[q * d + k]
        return sum + difference * difference
      }
    }
  }

  @Test func neighboursAreThoseOfASortByDistanceAndIndex() {
    for (m, n, d, k) in [(5, 9, 3, 4), (1, 1, 2, 1), (7, 2500, 3, 17), (3, 30, 1, 30), (4, 20, 40, 3)] {
      for (queries, points) in [(draw([m, d], "q"), draw([n, d])), (lattice([m, d], "q"), lattice([n, d]))] {
        let found = nearestNeighbours(queries, among: points, count: k)
        #expect(found.shape == [m, k])
        for q in 0..<m {
          let far = distances(queries, q, points)
          let order = (0..<n).sorted { (far[$0], $0) < (far[$1], $1) }
          #expect(Array(found.values[(q * k)..<((q + 1) * k)]) == Array(order.prefix(k)))
        }
      }
    }
  }

  @Test func aPointIsNotItsOwnNeighbourInAGraph() {
    let points = lattice([60, 3])
    let found = nearestNeighbours(points, among: points, count: 5, excludesItself: true)
    for q in 0..<60 {
      let far = distances(points, q, points)
      let order = (0..<60).filter { $0 != q }.sorted { (far[$0], $0) < (far[$1], $1) }
      #expect(Array(found.values[(q * 5)..<(q * 5 + 5)]) == Array(order.prefix(5)))
    }
    let graph = nearestNeighbourGraph(points, count: 5)
    #expect(graph.shape == [2, 300])
    #expect(Array(graph.values.prefix(300)) == found.values)
    #expect((0..<300).allSatisfy { graph.values[300 + $0] == $0 / 5 })
  }

  @Test func ballsHoldTheFirstPointsWithinTheRadius() {
    for (m, n, k) in [(6, 40, 4), (3, 3000, 7), (5, 3, 8)] {
      for radius in [0.05, 1, 1.5, 100] as [Real] {
        for (queries, points) in [(draw([m, 3], "q"), draw([n, 3])), (lattice([m, 3], "q"), lattice([n, 3]))] {
          let found = ballQuery(queries, among: points, radius: radius, count: k)
          for q in 0..<m {
            let far = distances(queries, q, points)
            let near = (0..<n).filter { far[$0] < radius * radius }.prefix(k)
            let nearest = (0..<n).min { (far[$0], $0) < (far[$1], $1) } ?? 0
            let expected = Array(near) + Array(repeating: near.first ?? nearest, count: k - near.count)
            #expect(Array(found.values[(q * k)..<((q + 1) * k)]) == expected)
          }
        }
      }
    }
  }

  @Test func furthestPointsAreChosenGreedily() {
    for points in [draw([50, 3]), lattice([50, 3]), draw([1, 2]), lattice([9, 1])] {
      let n = points.shape[0]
      let found = points.furthestPoints(n, from: n / 2).values
      var chosen = [n / 2]
      while chosen.count < n {
        let all = chosen.map { distances(points, $0, points) }
        let least = (0..<n).map { j in all.reduce(Real.infinity) { min($0, $1[j]) } }
        chosen.append((0..<n).max { (least[$0], -$0) < (least[$1], -$1) } ?? 0)
      }
      #expect(found == chosen)
    }
    // The corners of a square come before its middle.
    let square = Tensor([5, 2], [1, 1, 0, 0, 2, 2, 0, 2, 2, 0])
    #expect(square.furthestPoints(5, from: 1).values == [1, 2, 3, 4, 0])
  }

  @Test func everySetOfABatchIsLookedAtByItself() {
    let (queries, points) = (draw([2, 3, 5, 3], "q"), draw([2, 3, 20, 3]))
    let near = nearestNeighbours(queries, among: points, count: 4)
    let ball = ballQuery(queries, among: points, radius: 1, count: 4)
    let far = points.furthestPoints(6)
    #expect(near.shape == [2, 3, 5, 4] && far.shape == [2, 3, 6])
    for i in 0..<6 {
      let (q, p) = (queries.select(0, i / 3).select(0, i % 3), points.select(0, i / 3).select(0, i % 3))
      #expect(nearestNeighbours(q, among: p, count: 4).values == Array(near.values[(20 * i)..<(20 * i + 20)]))
      #expect(ballQuery(q, among: p, radius: 1, count: 4).values == Array(ball.values[(20 * i)..<(20 * i + 20)]))
      #expect(p.furthestPoints(6).values == Array(far.values[(6 * i)..<(6 * i + 6)]))
    }
    #expect(
      nearestNeighbours(Tensor.zeros([0, 3]), among: points.select(0, 0).select(0, 0), count: 2).shape == [0, 2])
    #expect(Tensor.zeros([2, 0, 3]).furthestPoints(0).shape == [2, 0])
  }

  @Test func resultsDoNotDependOnThreads() {
    let before = ThreadPool.shared.threads
    defer { ThreadPool.shared.threads = before }
    let (queries, points) = (draw([4, 300, 3], "q"), draw([4, 1500, 3]))
    func run() -> [IndexTensor] {
      [
        nearestNeighbours(queries, among: points, count: 9), points.furthestPoints(40),
        ballQuery(queries, among: points, radius: 0.4, count: 8),
      ]
    }
    ThreadPool.shared.threads = 1
    let expected = run()
    for threads in [2, 3, 8] {
      ThreadPool.shared.threads = threads
      #expect(run() == expected)
    }
  }
}

extension Mistake {
  static let pointSets: [Mistake] = [
    Mistake("nearestNeighbours needs queries [..., M, D] and points [..., N, D], got [4, 3] and [4, 2]") {
      nearestNeighbours(t(4, 3), among: t(4, 2), count: 1)
    },
    Mistake("nearestNeighbours: 4 neighbours of [4, 3] among [4, 3] without itself") {
      nearestNeighbours(t(4, 3), among: t(4, 3), count: 4, excludesItself: true)
    },
    Mistake("nearestNeighbourGraph needs points [N, D], got [2, 4, 3]") { nearestNeighbourGraph(t(2, 4, 3), count: 1) },
    Mistake("ballQuery needs a radius and a count > 0 and points, got 0.0, 1, [4, 3]") {
      ballQuery(t(4, 3), among: t(4, 3), radius: 0, count: 1)
    },
    Mistake("furthestPoints: 5 of [4, 3] from point 0") { t(4, 3).furthestPoints(5) },
  ]
}
