import TestSupport
import Testing

@testable import ReproTensor

@Suite("Assignments, flows and components")
struct CombinatorialTests {
  /// All orders of 0..<n.
  private func permutations(_ n: Int) -> [[Int]] {
    if n == 0 { return [[]] }
    return permutations(n - 1).flatMap { p in (0...p.count).map { i in Array(p[..<i]) + [n - 1] + Array(p[i...]) } }
  }

  @Test func assignmentsAreTheBestOfAllPermutations() {
    var stream = RandomStream(seed: 71)
    for (n, m) in [(1, 1), (3, 3), (2, 5), (5, 2), (6, 6), (4, 7), (0, 3)] {
      for trial in 0..<12 {
        // Whole numbers every other time: ties.
        let cost = stream.uniform([n, m], -3, 3)
        let c = trial % 2 == 0 ? cost : Tensor([n, m], cost.values.map { $0.rounded() })
        let values = c.values.map { Double($0) }
        let (few, many) = (min(n, m), max(n, m))
        for maximizes in [false, true] {
          let found = linearAssignment(c, maximizes: maximizes)
          let sums = permutations(many).map { p in
            (0..<few).reduce(0.0) { $0 + (n <= m ? values[$1 * m + p[$1]] : values[p[$1] * m + $1]) }
          }
          let best = maximizes ? sums.max() ?? 0 : sums.min() ?? 0
          #expect((found.cost - best).magnitude < 1e-9)
          #expect(found.rows == found.rows.sorted() && found.rows.count == few)
          #expect(Set(found.rows).count == few && Set(found.columns).count == few)
          let total = zip(found.rows, found.columns).reduce(0.0) { $0 + values[$1.0 * m + $1.1] }
          #expect((total - found.cost).magnitude < 1e-9)
        }
      }
    }
  }

  @Test func assignmentsAreThoseOfSciPy() throws {
    let file = try VectorFile("combinatorial.h5")
    for name in try file.names("assignment") {
      let at = "assignment/\(name)"
      let found = linearAssignment(try file.tensor("\(at)/cost"))
      let (rows, columns) = (try file.tensor("\(at)/rows").values, try file.tensor("\(at)/columns").values)
      // Costs without ties: the best choice is the only one.
      #expect(found.rows.map { Real($0) } == rows && found.columns.map { Real($0) } == columns, "\(name)")
    }
  }

  @Test func forbiddenPairsAreAvoidedOrMakeTheChoiceImpossible() {
    let infinity = Real.infinity
    let cost = Tensor([2, 3], [1, infinity, 5, 2, infinity, infinity])
    #expect(linearAssignment(cost) == Assignment(rows: [0, 1], columns: [2, 0], cost: 7))
    #expect(linearAssignmentIfFeasible(Tensor([2, 2], [1, infinity, 2, infinity])) == nil)
    #expect(linearAssignment(-cost, maximizes: true).columns == [2, 0])
  }

  @Test func flowsOfUnitCapacityAreAssignments() {
    var stream = RandomStream(seed: 72)
    for (n, m) in [(4, 4), (3, 6), (7, 5)] {
      let cost = stream.uniform([n, m], -2, 2)
      let values = cost.values.map { Double($0) }
      var network = FlowNetwork(nodes: n + m + 2)
      for i in 0..<n { network.addEdge(from: n + m, to: i, capacity: 1, cost: 0) }
      for j in 0..<m { network.addEdge(from: n + j, to: n + m + 1, capacity: 1, cost: 0) }
      let pairs = (0..<(n * m)).map {
        network.addEdge(from: $0 / m, to: n + $0 % m, capacity: 1, cost: values[$0])
      }
      let (sent, total) = network.send(upTo: min(n, m), from: n + m, to: n + m + 1)
      #expect(sent == min(n, m))
      let best = linearAssignment(cost)
      #expect((total - best.cost).magnitude < 1e-9)
      let used = (0..<(n * m)).filter { network.flow(pairs[$0]) == 1 }
      #expect(used.map { $0 / m } == best.rows && used.map { $0 % m } == best.columns)
    }
  }

  /// All flows of a small network, tried one by one.
  @Test func flowsAreTheCheapestOfAll() {
    var stream = RandomStream(seed: 73)
    for _ in 0..<30 {
      let edges = (0..<7).map { _ in
        // From smaller to larger nodes: negative costs make no cycle.
        let from = stream.integer(below: 3)
        return (
          from: from, to: from + 1 + stream.integer(below: 3 - from), capacity: stream.integer(below: 3),
          cost: Double(stream.integer(below: 9)) - 4
        )
      }
      var best: [Int: Double] = [:]
      func choose(_ i: Int, _ excess: [Int], _ cost: Double) {
        if i == edges.count {
          if excess[1] == 0 && excess[2] == 0 { best[excess[3]] = min(best[excess[3]] ?? .infinity, cost) }
          return
        }
        for f in 0...edges[i].capacity {
          var next = excess
          next[edges[i].from] -= f
          next[edges[i].to] += f
          choose(i + 1, next, cost + Double(f) * edges[i].cost)
        }
      }
      choose(0, [0, 0, 0, 0], 0)
      let most = best.keys.max() ?? 0
      for amount in [0, 1, 2, 100] {
        var network = FlowNetwork(nodes: 4)
        for e in edges { network.addEdge(from: e.from, to: e.to, capacity: e.capacity, cost: e.cost) }
        let (sent, cost) = network.send(upTo: amount, from: 0, to: 3)
        #expect(sent == min(amount, most))
        #expect((cost - (best[sent] ?? .nan)).magnitude < 1e-9)
      }
    }
  }

  @Test func partsOfGridsAreThoseOfSciPy() throws {
    let file = try VectorFile("combinatorial.h5")
    for name in try file.names("components") {
      let cells = try file.tensor("components/\(name)/cells")
      let grid = IndexTensor(cells.shape, cells.values.map { Int($0) })
      for (kind, neighbours) in [("faces", GridNeighbours.faces), ("corners", .corners)] {
        let (labels, count) = grid.connectedComponents(neighbours)
        let expected = try file.tensor("components/\(name)/\(kind)").values.map { Int($0) }
        #expect(labels.values == expected, "\(name) \(kind)")
        #expect(count == expected.max() ?? 0)
      }
    }
    #expect(IndexTensor([0, 3], []).connectedComponents().count == 0)
  }

  @Test func partsOfGraphsAreTheSetsThatEdgesReach() {
    let (labels, count) = connectedComponents(nodes: 6, edges: [(4, 1), (1, 1), (5, 0), (1, 4)])
    #expect(labels == [0, 1, 2, 3, 1, 0] && count == 4)
    var stream = RandomStream(seed: 74)
    for n in [1, 10, 50] {
      let edges = (0..<(n / 2)).map { _ in (stream.integer(below: n), stream.integer(below: n)) }
      let found = connectedComponents(nodes: n, edges: edges).labels
      // Reachability by repeated spreading.
      var reach = Array(0..<n)
      for _ in 0..<n {
        for (a, b) in edges { (reach[a], reach[b]) = (min(reach[a], reach[b]), min(reach[a], reach[b])) }
      }
      for i in 0..<n { for j in 0..<n { #expect((found[i] == found[j]) == (reach[i] == reach[j])) } }
    }
  }
}

extension Mistake {
  static let combinatorial: [Mistake] = [
    Mistake("linearAssignment: every choice of [1, 1] has a forbidden pair") {
      linearAssignment(Tensor([1, 1], [.infinity]))
    },
    Mistake("linearAssignment needs costs [N, M], got [3]") { linearAssignment(t(3)) },
    Mistake("linearAssignment: costs [1, 1] with NaN or -infinity") { linearAssignment(Tensor([1, 1], [.nan])) },
    Mistake("a network has 0 nodes or more, got -1") { FlowNetwork(nodes: -1) },
    Mistake("an edge from 0 to 3 of 3 nodes with capacity 1 and cost 0.5") {
      var network = FlowNetwork(nodes: 3)
      network.addEdge(from: 0, to: 3, capacity: 1, cost: 0.5)
      return network
    },
    Mistake("a network of 0 edges has no edge 0") { FlowNetwork(nodes: 2).flow(0) },
    Mistake("cannot send 1 from 0 to 0 of 2 nodes") {
      var network = FlowNetwork(nodes: 2)
      return network.send(upTo: 1, from: 0, to: 0)
    },
    Mistake("a network of 2 nodes has a cycle of negative cost") {
      var network = FlowNetwork(nodes: 2)
      network.addEdge(from: 0, to: 1, capacity: 1, cost: -1)
      network.addEdge(from: 1, to: 0, capacity: 1, cost: 0.5)
      return network.send(upTo: 1, from: 0, to: 1)
    },
    Mistake("connectedComponents: an edge leads out of 2 nodes") { connectedComponents(nodes: 2, edges: [(0, 2)]) },
  ]
}
