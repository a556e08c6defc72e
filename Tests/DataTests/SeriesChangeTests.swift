import ReproConfig
import ReproNN
import ReproTensor
import TestSupport
import Testing

@testable import ReproData

@Suite("Changes of series, spectrograms, graphs and texts") struct SeriesChangeTests {
  private let random = RandomStream(seed: 7)
  /// Number i in channel 0, its negative in channel 1.
  private func ramp(_ n: Int) -> Tensor { Tensor([n, 2], (0..<n).flatMap { [Real($0), -Real($0)] }) }

  @Test func speedReadsTheSeriesFasterOrSlower() {
    #expect(SeriesChange.speed(ramp(8), factor: 2).select(1, 0).values == [0, 2, 4, 6])
    #expect(SeriesChange.speed(ramp(3), factor: 0.5).select(1, 0).values == [0, 0.5, 1, 1.5, 2, 2])
    #expect(sameBits(SeriesChange.speed(ramp(5), factor: 1), ramp(5)))
  }

  @Test func aTimeWarpKeepsTheEndsAndRises() {
    for k in 0..<20 {
      let warped = SeriesChange.timeWarp(ramp(50), deviation: 0.5, random: random.child("warp", k))
      let places = warped.select(1, 0).values
      #expect(places[0] == 0 && abs(places[49] - 49) < 1e-3)
      #expect(zip(places, places.dropFirst()).allSatisfy { $0 < $1 })
      expectClose(warped.select(1, 1), -warped.select(1, 0), tolerance: 1e-6)
    }
    expectClose(SeriesChange.timeWarp(ramp(9), deviation: 0, random: random), ramp(9), tolerance: 1e-6)
  }

  @Test func windowsAndOrdersAreDrawnFromAllPlaces() {
    var firsts: Set<Real> = []
    for k in 0..<60 {
      let window = SeriesChange.window(ramp(10), count: 6, random: random.child("window", k))
      let first = window.values[0]
      expectClose(window.select(1, 0), Tensor([6], (0..<6).map { first + Real($0) }), tolerance: 0)
      firsts.insert(first)
    }
    #expect(firsts == [0, 1, 2, 3, 4])
    let orders = [[0, 1, 2], [2, 1, 0], [1, 0, 2]]
    var labels: Set<Int> = []
    for k in 0..<30 {
      let (series, label) = SeriesChange.reordered(ramp(7), parts: 3, orders: orders, random: random.child("order", k))
      labels.insert(label)
      #expect(series.select(1, 0).values == orders[label].flatMap { [Real(2 * $0), Real(2 * $0 + 1)] })
    }
    #expect(labels == [0, 1, 2])
  }

  @Test func jitterHasItsDeviations() {
    let noise = SeriesChange.jittered(.zeros([4000, 1]), noise: 0.3, scaling: 0.5, random: random)
    #expect(abs(Double(noise.squared().mean().item).squareRoot() - 0.3) < 0.02)
    let scaled = SeriesChange.jittered(.ones([1, 4000]), noise: 0, scaling: 0.2, random: random)
    #expect(abs(scaled.mean().item - 1) < 0.02 && abs(Double(scaled.variance(1).item).squareRoot() - 0.2) < 0.02)
  }

  @Test func spectrogramsLoseBandsAndSpansOnly() {
    var policy = SpecAugment()
    (policy.bands, policy.bandWidth, policy.spans, policy.spanWidth) = (1, 4, 2, 6)
    let x = Tensor([12, 40], (0..<480).map { Real($0 + 1) })
    var widths: Set<Int> = []
    for k in 0..<40 {
      let y = policy(x, random: random.child("spectrogram", k))
      let rows = (0..<12).filter { r in y.select(0, r).values.allSatisfy { $0 == 0 } }
      let columns = (0..<40).filter { c in y.select(1, c).values.allSatisfy { $0 == 0 } }
      #expect(rows.count <= 4 && columns.count <= 12)
      if let first = rows.first { #expect(rows == Array(first..<(first + rows.count))) }
      for r in 0..<12 where !rows.contains(r) {
        for c in 0..<40 where !columns.contains(c) { #expect(y.values[r * 40 + c] == x.values[r * 40 + c]) }
      }
      widths.insert(rows.count)
    }
    #expect(widths == [0, 1, 2, 3, 4])
    policy.largestPart = 0
    policy.bands = 0
    #expect(sameBits(policy(x, random: random), x))
  }

  @Test func aWarpedSpectrogramMovesItsMiddleAndKeepsItsEnds() {
    var policy = SpecAugment()
    (policy.warp, policy.bands, policy.spans) = (5, 0, 0)
    let x = Tensor([1, 40], (0..<40).map { Real($0) })
    var moved = 0
    for k in 0..<20 {
      let y = policy(x, random: random.child("warp", k)).values
      #expect(y[0] == 0 && abs(y[39] - 39) < 1e-4)
      #expect(zip(y, y.dropFirst()).allSatisfy { $0 < $1 })
      #expect(zip(y, x.values).allSatisfy { ($0 - $1).magnitude <= 5.001 })
      if y != x.values { moved += 1 }
    }
    #expect(moved > 10)
  }

  @Test func graphsLoseEdgesInPairsAndNodesWithTheirEdges() {
    let graph = Graph.undirected(nodes: 30, edges: (0..<30).flatMap { i in ((i + 1)..<30).map { (i, $0) } })
    let fewer = graph.droppingEdges(0.3, random: random)
    let pairs = Set(zip(fewer.sources.values, fewer.targets.values).map { $0 * 30 + $1 })
    #expect(pairs.allSatisfy { pairs.contains($0 % 30 * 30 + $0 / 30) })
    #expect(abs(Double(fewer.sources.count) / 870 - 0.7) < 0.06)
    #expect(graph.droppingEdges(0, random: random).sources.count == 870)
    #expect(graph.droppingEdges(1, random: random).sources.count == 0)
    let (left, kept) = graph.droppingNodes(0.4, random: random)
    let n = kept.count { $0 }
    #expect(left.nodes == 30 && left.sources.count == n * (n - 1) && n > 8 && n < 28)
    #expect(left.sources.values.allSatisfy { kept[$0] } && left.targets.values.allSatisfy { kept[$0] })
    let x = Graph.maskingFeatures(.ones([3, 400]), 0.25, random: random)
    let columns = x.sum(0).values
    #expect(columns.allSatisfy { $0 == 0 || $0 == 3 } && abs(columns.count { $0 == 0 } - 100) < 30)
  }

  @Test func textsAreMaskedAsBERTDoes() {
    let tokens = (0..<20_000).map { 10 + $0 % 50 }
    let masked = TextChange.masked(tokens, mask: 3, vocabulary: 1000, special: [10], random: random)
    let chosen = tokens.indices.filter { masked.targets[$0] != nil }
    #expect(chosen.allSatisfy { masked.targets[$0] == tokens[$0] && tokens[$0] != 10 })
    #expect(abs(Double(chosen.count) / 19_600 - 0.15) < 0.01)
    let masks = Double(chosen.count { masked.tokens[$0] == 3 }) / Double(chosen.count)
    let same = Double(chosen.count { masked.tokens[$0] == tokens[$0] }) / Double(chosen.count)
    #expect(abs(masks - 0.8) < 0.03 && abs(same - 0.1) < 0.03)
    for i in tokens.indices where masked.targets[i] == nil { #expect(masked.tokens[i] == tokens[i]) }
  }

  @Test func textsLoseSwapAndCut() {
    let tokens = Array(0..<1000)
    let fewer = TextChange.deleted(tokens, probability: 0.3, random: random)
    #expect(abs(fewer.count - 700) < 60 && fewer == fewer.sorted())
    #expect(TextChange.deleted([5, 6], probability: 1, random: random).count == 1)
    #expect(TextChange.deleted([], probability: 0.5, random: random).isEmpty)
    let swapped = TextChange.swapped([1, 2, 3, 4, 5], count: 1, random: random)
    #expect(swapped.sorted() == [1, 2, 3, 4, 5] && zip(swapped, 1...5).count { $0 != $1 } == 2)
    #expect(TextChange.swapped([1], count: 3, random: random) == [1])
    for k in 0..<20 {
      let span = TextChange.span(tokens, part: 0.1...0.2, random: random.child("span", k))
      #expect(span.count >= 100 && span.count <= 200 && span == Array(span[0]...(span[0] + span.count - 1)))
    }
    #expect(TextChange.span([4], part: 0...0, random: random) == [4])
  }
}
