import Glibc
import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproScenes
import ReproTensor
import TestSupport
import Testing

@testable import Contrastive

/// A graph of 40 documents.
func smallGraph(_ more: String = "", seed: UInt64 = 1) throws -> ScenesGraph {
  let text = "{nodes: 40, classes: 2, words: 12, length: 3, train: 8, validation: 6, test: 12\(more)}"
  var options = try Section(YAMLNode(parsing: text, file: "test.yaml"), name: "data")
  let graph = try ScenesGraph(&options, root: DataRoot(cache: "", mirror: nil, seed: seed))
  try options.finish()
  return graph
}

@Suite struct MVGRLTests {
  private func context(_ data: ScenesGraph, step: Int = 0, rate: Double = 1e-3) throws -> StepContext {
    StepContext(
      step: step, steps: 50, random: RandomStream(seed: 9).child("step", step),
      data: try TrainingData(data, labelled: false, random: RandomStream(seed: 1)), batchSize: 1,
      plan: OptimizerPlan(
        rule: .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8), rate: LearningRate(peak: rate, final: rate),
        decay: .constant(0), clip: nil))
  }

  private func state(_ method: MVGRL, _ data: ScenesGraph) throws -> MVGRL.State {
    // Biases and slopes that differ from their first values, so that forgetting one shows.
    var stream = RandomStream(seed: 3)
    var state = try method.makeState(for: data.spec, random: RandomStream(seed: 2))
    state.model = state.model.rewritten { path, old in
      path.contains("bias") || path.contains("act") ? old + stream.uniform(old.shape, 0, 0.2) : nil
    }
    state.best = state.model
    return state
  }

  // MARK: the same in Double, by loops

  private func dense(_ graph: GraphData) -> [[Double]] {
    (0..<graph.nodes).map { i in
      let own = graph.features.offsets[i]..<graph.features.offsets[i + 1]
      let sum = graph.features.values[own].reduce(0) { $0 + Double($1) }
      var row = [Double](repeating: 0, count: graph.features.width)
      for k in own { row[graph.features.columns[k]] = Double(graph.features.values[k]) / sum }
      return row
    }
  }

  private func adjacency(_ graph: GraphData, loops: Double) -> [[Double]] {
    (0..<graph.nodes).map { i in
      var row = [Double](repeating: 0, count: graph.nodes)
      for j in graph.neighbours[graph.offsets[i]..<graph.offsets[i + 1]] { row[j] = 1 }
      row[i] = loops
      return row
    }
  }

  private func normalized(_ a: [[Double]]) -> [[Double]] {
    let degrees = a.map { $0.reduce(0, +) }
    return a.indices.map { i in a.indices.map { a[i][$0] / (degrees[i] * degrees[$0]).squareRoot() } }
  }

  private func product(_ a: [[Double]], _ b: [[Double]]) -> [[Double]] {
    a.map { row in
      (0..<b[0].count).map { k in row.indices.reduce(0.0) { $0 + row[$1] * b[$1][k] } }
    }
  }

  /// S = alpha sum_k (1 - alpha)^k T^k, the walk itself instead of the inverse.
  private func pageRank(_ graph: GraphData, _ alpha: Double) -> [[Double]] {
    let walk = normalized(adjacency(graph, loops: 1))
    var term = walk.indices.map { i in walk.indices.map { $0 == i ? alpha : 0 } }
    var sum = term
    for _ in 0..<200 {
      term = product(walk, term).map { $0.map { $0 * (1 - alpha) } }
      for i in sum.indices { for j in sum.indices { sum[i][j] += term[i][j] } }
    }
    return sum
  }

  private func encode(_ model: MVGRL.Network, _ view: Int, _ p: [[Double]], _ x: [[Double]]) throws -> [[Double]] {
    let weight = rows(try #require(model.tensor("gcn.\(view).fc.weight")))  // [D, F]
    let bias = try #require(model.tensor("gcn.\(view).bias")).values.map(Double.init)
    let slope = Double(try #require(model.tensor("gcn.\(view).act.weight")).item)
    let turned = weight[0].indices.map { f in weight.map { $0[f] } }
    return product(p, product(x, turned)).map { row in
      row.indices.map { k in
        let z = row[k] + bias[k]
        return z > 0 ? z : slope * z
      }
    }
  }

  private func loss(
    _ model: MVGRL.Network, _ p: [[[Double]]], _ x: [[Double]], _ order: [Int], pairs: [(nodes: Int, summary: Int)]
  ) throws -> Double {
    let shuffled = order.map { x[$0] }
    let real = try p.indices.map { try encode(model, $0, p[$0], x) }
    let fake = try p.indices.map { try encode(model, $0, p[$0], shuffled) }
    let d = real[0][0].count
    let w = try #require(model.tensor("disc.weight")).values.map(Double.init)
    let b = Double(try #require(model.tensor("disc.bias")).item)
    let summaries = real.map { h in
      (0..<d).map { k in 1 / (1 + exp(-h.reduce(0) { $0 + $1[k] } / Double(h.count))) }
    }
    func score(_ h: [Double], _ c: [Double]) -> Double {
      var sum = b
      for i in 0..<d { for j in 0..<d { sum += h[i] * w[i * d + j] * c[j] } }
      return sum
    }
    var (total, count) = (0.0, 0)
    for (v, u) in pairs {
      for i in x.indices {
        total += log(1 + exp(-score(real[v][i], summaries[u])))
        total += log(1 + exp(score(fake[v][i], summaries[u])))
        count += 2
      }
    }
    return total / Double(count)
  }

  // MARK: tests

  @Test(arguments: [
    ("[adjacency, ppr]", [(1, 0), (0, 1)]), ("[adjacency]", [(0, 0)]), ("[ppr, ppr]", [(0, 1), (1, 0)]),
  ])
  func theLossIsThatOfTheEquation(views: String, pairs: [(Int, Int)]) throws {
    let data = try smallGraph()
    let method = try make(MVGRL.self, "{width: 5, window: 0, windows: 1, views: \(views)}")
    var state = try state(method, data)
    let before = state.model
    var step = try context(data)
    var shuffle = step.random.child("shuffle")
    let order = shuffle.permutation(40)
    let p = method.options.views.kinds.map {
      $0 == .adjacency ? normalized(adjacency(data.graph, loops: 2)) : pageRank(data.graph, 0.2)
    }
    let expected = try loss(before, p, dense(data.graph), order, pairs: pairs.map { (nodes: $0.0, summary: $0.1) })
    #expect(close(try method.step(&state, &step)["loss"], expected, 2e-6))
    #expect(abs(expected - log(2)) > 1e-4, "at log 2 all logits would be 0 and every mistake equal")
  }

  @Test func threeViewsAreContrastedInAllSixPairs() throws {
    let data = try smallGraph()
    let method = try make(MVGRL.self, "{width: 4, window: 0, windows: 1, views: [adjacency, ppr, heat], time: 3}")
    var state = try state(method, data)
    let before = state.model
    var step = try context(data)
    var shuffle = step.random.child("shuffle")
    let order = shuffle.permutation(40)
    let heat = rows(data.graph.structure.heatDiffusion(time: 3))
    let p = [normalized(adjacency(data.graph, loops: 2)), pageRank(data.graph, 0.2), heat]
    let pairs = [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)].map { (nodes: $0.0, summary: $0.1) }
    let expected = try loss(before, p, dense(data.graph), order, pairs: pairs)
    #expect(close(try method.step(&state, &step)["loss"], expected, 2e-6))
  }

  @Test func windowsAreNodesOfNeighbouringNumbersWithOneOrderForAllOfThem() throws {
    let data = try smallGraph()
    let method = try make(MVGRL.self, "{width: 5, window: 25, windows: 2}")
    var state = try state(method, data)
    let before = state.model
    var step = try context(data)
    var (starts, shuffle) = (step.random.child("windows"), step.random.child("shuffle"))
    let first = (0..<2).map { _ in starts.integer(below: 16) }
    let order = shuffle.permutation(25)
    #expect(first[0] != first[1])
    let (a, s, x) = (normalized(adjacency(data.graph, loops: 2)), pageRank(data.graph, 0.2), dense(data.graph))
    let losses = try first.map { start in
      let range = start..<start + 25
      let p = [a, s].map { $0[range].map { Array($0[range]) } }
      return try loss(before, p, Array(x[range]), order, pairs: [(1, 0), (0, 1)])
    }
    #expect(close(try method.step(&state, &step)["loss"], (losses[0] + losses[1]) / 2, 2e-6))
  }

  @Test func nodesAreEmbeddedAsTheSumOfTheirEncodingsWithoutASigmoid() throws {
    let data = try smallGraph()
    let method = try make(MVGRL.self, "{width: 5}")
    let state = try state(method, data)
    let found = rows(try method.embed(state, data.graph).global)
    let x = dense(data.graph)
    let a = try encode(state.best, 0, normalized(adjacency(data.graph, loops: 2)), x)
    let s = try encode(state.best, 1, pageRank(data.graph, 0.2), x)
    for i in 0..<40 { for k in 0..<5 { #expect(abs(found[i][k] - a[i][k] - s[i][k]) < 1e-5) } }
  }

  @Test func theBestWeightsStayAndTrainingEndsWhenTheLossHasWaited() throws {
    let data = try smallGraph()
    let method = try make(MVGRL.self, "{width: 5, window: 0, windows: 1, patience: 3}")
    var state = try state(method, data)
    // A rate that throws the loss about: it cannot fall three times in four.
    var (losses, bests): ([Real], [[[Real]]]) = ([], [])
    var step = try context(data, rate: 0.5)
    for i in 0..<50 {
      let metrics = try method.step(&state, &step)
      if metrics["stopped"] == 1 { break }
      losses.append(try #require(metrics["loss"]))
      bests.append(bits(state.best))
      step = step.next(random: RandomStream(seed: 9).child("step", i + 1))
    }
    let best = try #require(losses.firstIndex(of: losses.min() ?? 0))
    #expect(losses.count == best + 4 && losses.count < 50, "\(losses)")
    #expect(bits(state.best) == bests[best])
    if best > 0 { #expect(bits(state.best) != bests[best - 1]) }
    let frozen = bits(state)
    #expect(try method.step(&state, &step)["loss"] == losses[best] && bits(state) == frozen)
  }

  @Test func ofADiffusionTheElementsStayThatGiveTheGraphsDegree() throws {
    let data = try smallGraph()
    let (full, edges) = (data.graph.structure.pageRankDiffusion(alpha: 0.2), data.graph.neighbours.count)
    guard case .sparse(let found) = GraphViews.sparsified(full, .degree, edges: edges) else {
      Issue.record("a matrix that is not sparse")
      return
    }
    let s = rows(full)
    let thresholds = [1e-5, 1e-4, 1e-3, 1e-2]
    func kept(_ threshold: Double) -> Int { s.joined().count { $0 >= threshold } }
    let threshold = try #require(thresholds.min { abs(kept($0) - edges) < abs(kept($1) - edges) })
    let cut = s.map { $0.map { $0 >= threshold ? $0 : 0 } }
    let dense = rows(found.dense())
    for j in 0..<40 {
      let column = cut.map { $0[j] }
      let (low, high) = (column.min() ?? 0, column.max() ?? 0)
      for i in 0..<40 { #expect(abs(dense[i][j] - (column[i] - low) / (high - low)) < 1e-6) }
    }
    guard case .sparse(let top) = GraphViews.sparsified(full, .rows(3), edges: edges) else {
      Issue.record("a matrix that is not sparse")
      return
    }
    for (row, all) in zip(rows(top.dense()), s) {
      #expect(row.filter { $0 > 0 }.sorted() == all.sorted().suffix(3).filter { $0 > 0 })
    }
  }

  @Test func aDataSetWithoutAGraphIsRefused() throws {
    let method = try make(MVGRL.self, "{}")
    let error = reproError { _ = try method.makeState(for: imageSpec(side: 8), random: RandomStream(seed: 1)) }
    #expect(error?.expected == "a graph: columns node and features, as planetoid has them")
    #expect(reproError { _ = try make(MVGRL.self, "{views: [ppr, tree]}") }?.found == "views ppr, tree")
    let data = try smallGraph()
    let state = try method.makeState(for: data.spec, random: RandomStream(seed: 1))
    #expect(
      reproError { _ = try method.embed(state, try data.batch([0], of: .test)) }?.found == "samples without a graph")
  }
}
