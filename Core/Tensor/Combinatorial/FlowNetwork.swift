/// A directed network with capacities and costs, through which flow of least cost is sent.
///
///     var network = FlowNetwork(nodes: 4)
///     let edge = network.addEdge(from: 0, to: 1, capacity: 2, cost: 1.5)
///     let (sent, cost) = network.send(upTo: 10, from: 0, to: 3)
///
/// - Source: successive shortest paths with potentials (Edmonds and Karp 1972, "Theoretical improvements in algorithmic
///   efficiency for network flow problems"); O(flow * (nodes^2 + edges)). Of several best flows always the same.
public struct FlowNetwork: Sendable {
  public let nodes: Int
  /// Edges and their reverses in turn: edge e and e ^ 1 are opposite.
  private var targets: [Int] = []
  private var rooms: [Int] = []
  private var costs: [Double] = []
  private var edgesOfNode: [[Int]]

  public init(nodes: Int) {
    require(nodes >= 0, "a network has 0 nodes or more, got \(nodes)")
    self.nodes = nodes
    edgesOfNode = Array(repeating: [], count: nodes)
  }

  /// Adds an edge and gives its number, 0, 1, 2, ...; costs may be negative.
  @discardableResult
  public mutating func addEdge(from source: Int, to target: Int, capacity: Int, cost: Double) -> Int {
    require(
      source >= 0 && source < nodes && target >= 0 && target < nodes && capacity >= 0 && cost.isFinite,
      "an edge from \(source) to \(target) of \(nodes) nodes with capacity \(capacity) and cost \(cost)")
    for (from, to, room, price) in [(source, target, capacity, cost), (target, source, 0, -cost)] {
      edgesOfNode[from].append(targets.count)
      targets.append(to)
      rooms.append(room)
      costs.append(price)
    }
    return targets.count / 2 - 1
  }

  /// How much flows through an edge.
  public func flow(_ edge: Int) -> Int {
    require(edge >= 0 && 2 * edge < targets.count, "a network of \(targets.count / 2) edges has no edge \(edge)")
    return rooms[2 * edge + 1]
  }

  /// Sends as much as the edges carry, at most `amount`, at least cost.
  ///
  /// - Requires: no cycle of negative cost (checked).
  /// - Returns: what was sent, and its cost.
  public mutating func send(upTo amount: Int, from source: Int, to sink: Int) -> (flow: Int, cost: Double) {
    require(
      source >= 0 && source < nodes && sink >= 0 && sink < nodes && source != sink && amount >= 0,
      "cannot send \(amount) from \(source) to \(sink) of \(nodes) nodes")
    var potentials = potentialsByRelaxation()
    var (sent, cost) = (0, 0.0)
    while sent < amount, let path = shortestPath(from: source, to: sink, &potentials) {
      let room = path.reduce(amount - sent) { min($0, rooms[$1]) }
      for edge in path {
        rooms[edge] -= room
        rooms[edge ^ 1] += room
        cost += Double(room) * costs[edge]
      }
      sent += room
    }
    return (sent, cost)
  }

  /// Distances from a node that reaches all others for nothing, by Bellman and Ford: with them no edge has a negative cost.
  private func potentialsByRelaxation() -> [Double] {
    var distance = [Double](repeating: 0, count: nodes)
    for round in 0...nodes {
      var changed = false
      for node in 0..<nodes {
        for edge in edgesOfNode[node] where rooms[edge] > 0 {
          let candidate = distance[node] + costs[edge]
          // Rounding alone must not look like a cycle.
          if candidate < distance[targets[edge]] - 1e-12 * (1 + candidate.magnitude) {
            distance[targets[edge]] = candidate
            changed = true
          }
        }
      }
      if !changed { break }
      require(round < nodes, "a network of \(nodes) nodes has a cycle of negative cost")
    }
    return distance
  }

  /// The edges of a shortest path with room, or nil; keeps reduced costs from becoming negative.
  private func shortestPath(from source: Int, to sink: Int, _ potentials: inout [Double]) -> [Int]? {
    var distance = [Double](repeating: .infinity, count: nodes)
    var arrival = [Int](repeating: -1, count: nodes)
    var isDone = [Bool](repeating: false, count: nodes)
    distance[source] = 0
    while true {
      var next = -1
      for node in 0..<nodes where !isDone[node] && distance[node] < (next < 0 ? .infinity : distance[next]) {
        next = node
      }
      if next < 0 { break }
      isDone[next] = true
      for edge in edgesOfNode[next] where rooms[edge] > 0 && !isDone[targets[edge]] {
        let reduced = max(0, costs[edge] + potentials[next] - potentials[targets[edge]])
        if distance[next] + reduced < distance[targets[edge]] {
          distance[targets[edge]] = distance[next] + reduced
          arrival[targets[edge]] = edge
        }
      }
    }
    guard distance[sink] < .infinity else { return nil }
    // Nodes out of reach move along with the furthest one, so that no edge into the reachable part turns negative.
    let furthest = distance.reduce(0) { $1 < .infinity ? max($0, $1) : $0 }
    for node in 0..<nodes { potentials[node] += min(distance[node], furthest) }
    var (path, node) = ([Int](), sink)
    while node != source {
      path.append(arrival[node])
      node = targets[arrival[node] ^ 1]
    }
    return path.reversed()
  }
}
