import Glibc
import ReproEngine
import ReproNN
import ReproTensor
import Testing

@testable import Contrastive

/// The losses of CMC against the sums of the paper and of the authors' code, written out in Double.
@Suite struct CMCLossTests {
  private let n = 23
  private let d = 5
  private let b = 6
  private let k = 7

  private func dot(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }

  /// exp(z_b . row / tau) of the rows chosen for each anchor.
  private func exponentials(_ z: Tensor, _ bank: Tensor, _ chosen: IndexTensor, _ tau: Double) -> [[Double]] {
    let (z, bank) = (rows(z), rows(bank))
    let width = chosen.shape[1]
    return z.indices.map { i in
      (0..<width).map { Glibc.exp(dot(z[i], bank[chosen.values[i * width + $0]]) / tau) }
    }
  }

  /// -mean log( h_0 / sum_j h_j )
  private func softmaxLoss(_ h: [[Double]]) -> Double {
    -h.reduce(0) { $0 + Glibc.log($1[0] / $1.reduce(0, +)) } / Double(h.count)
  }

  /// Eq. 12 as the authors' criterion sums it.
  private func noiseLoss(_ h: [[Double]], z: Double, count: Int) -> Double {
    let noise = Double(h[0].count - 1) / Double(count)
    var sum = 0.0
    for row in h {
      let p = row.map { $0 / z }
      sum += Glibc.log(p[0] / (p[0] + noise + 1e-7))
      for q in p.dropFirst() { sum += Glibc.log(noise / (q + noise + 1e-7)) }
    }
    return -sum / Double(h.count)
  }

  private func setUp(_ views: Int) -> (z: [Tensor], banks: [MemoryBank], chosen: IndexTensor) {
    var stream = RandomStream(seed: 21)
    let z = (0..<views).map { _ in unitRows(b, d, &stream) }
    let banks = (0..<views).map { MemoryBank(count: n, width: d, random: stream.child("bank", $0)) }
    return (z, banks, contrastedRows([3, 0, 22, 7, 8, 1], negatives: k, of: n, random: stream))
  }

  private func mean(_ h: [[Double]]) -> Double { h.flatMap { $0 }.reduce(0, +) / Double(h.count * h[0].count) }

  @Test func eitherWayOfTakingScoresIsTheDotProduct() {
    let (z, banks, chosen) = setUp(1)
    var large = MemoryBank(count: 33 * 8, width: d, random: RandomStream(seed: 2))  // beyond 32 (k + 1) rows
    large.rows.replaceRows(from: 0, by: banks[0].rows)
    let expected = exponentials(z[0], banks[0].rows, chosen, 0.2).flatMap { $0.map { Glibc.log($0) } }
    for bank in [banks[0], large] {
      let found = bank.scores(z[0], chosen, temperature: 0.2)
      #expect(found.shape == [b, k + 1])
      for (x, y) in zip(found.values, expected) { #expect(close(x, y, 1e-5)) }
    }
    let (zt, other) = (z[0].tracked, z[0].tracked)
    let slopes = gradients(of: banks[0].scores(zt, chosen, temperature: 0.2).squared().sum(), with: [zt])[0]
    let same = gradients(of: large.scores(other, chosen, temperature: 0.2).squared().sum(), with: [other])[0]
    #expect((slopes - same).abs().values.allSatisfy { $0 < 1e-3 })
  }

  @Test func noiseContrastIsTheAuthorsSum() {
    let (z, banks, chosen) = setUp(1)
    let h = exponentials(z[0], banks[0].rows, chosen, 0.07)
    let s = banks[0].scores(z[0], chosen, temperature: 0.07)
    let normalizer = noiseNormalizer(s, count: n)
    #expect(close(normalizer, mean(h) * Double(n), 1e-4))
    let loss = noiseContrast(s, normalizer: normalizer, count: n).item
    #expect(close(loss, noiseLoss(h, z: mean(h) * Double(n), count: n), 1e-4))
  }

  /// All scores equal: P = 1/N everywhere, so the data's probability is 1 / (1 + k) for each.
  @Test func noiseContrastOfEqualScoresIsAClosedForm() {
    let (b, k) = (4, 9)
    let s = Tensor.full([b, k + 1], 1.5)
    let loss = noiseContrast(s, normalizer: noiseNormalizer(s, count: 50), count: 50).item
    let expected = Glibc.log(1.0 + Double(k)) + Double(k) * Glibc.log((1 + Double(k)) / Double(k))
    #expect(close(loss, expected, 1e-5))
  }

  /// All sums over pairs and directions, for every graph; anchors in i meet rows of the bank of j.
  @Test(arguments: ["core sum", "core mean", "full sum", "full mean"], ["infonce", "nce"])
  func viewsMeetAsTheGraphSays(_ form: String, _ objective: String) throws {
    let (graph, scale) = (String(form.prefix(4)), String(form.dropFirst(5)))
    let kinds = ["l", "ab", "depth", "normals"]
    for m in 1...4 {
      let method = try smallCMC(
        "[\(kinds.prefix(m).joined(separator: ", "))]",
        "objective: \(objective), graph: \(graph), pair_scale: \(scale)")
      let (z, banks, chosen) = setUp(m)
      let pairs: [(Int, Int)] =
        m == 1
        ? [(0, 0)]
        : graph == "core"
          ? (1..<m).map { (0, $0) } : (0..<m).flatMap { i in (0..<m).filter { $0 > i }.map { (i, $0) } }
      var expected = 0.0
      for (i, j) in pairs {
        for (anchor, other) in i == j ? [(i, j)] : [(i, j), (j, i)] {
          let h = exponentials(z[anchor], banks[other].rows, chosen, 0.2)
          expected +=
            objective == "infonce" ? softmaxLoss(h) : noiseLoss(h, z: mean(h) * Double(n), count: n)
        }
      }
      if scale == "mean" { expected /= Double(pairs.count) }
      var normalizers = [Real](repeating: -1, count: method.options.directions.count)
      var metrics: Metrics = [:]
      let loss = method.loss(z, banks, chosen, &normalizers, &metrics).item
      #expect(close(loss, expected, 2e-5), "\(m) views")
      #expect((metrics["information"] != nil) == (objective == "infonce"))
      #expect(normalizers.allSatisfy { ($0 > 0) == (objective == "nce") })
    }
  }

  @Test func negativesOfTheBatchAreTheOtherSamplesInBothDirections() throws {
    let method = try smallCMC("[rgb, rgb]", "objective: infonce, negatives: batch, shared: true")
    let z = setUp(2).z
    var (normalizers, metrics): ([Real], Metrics) = ([-1, -1], [:])
    let loss = method.loss(z, [], IndexTensor([0]), &normalizers, &metrics).item
    let (x, y) = (rows(z[0]), rows(z[1]))
    var expected = 0.0
    for (a, o) in [(x, y), (y, x)] {
      for i in a.indices {
        let h = o.indices.map { Glibc.exp(dot(a[i], o[$0]) / 0.2) }
        expected -= Glibc.log(h[i] / h.reduce(0, +)) / Double(a.count)
      }
    }
    #expect(close(loss, expected, 1e-5))
  }

  @Test func rowsAreDrawnEvenlyWithReplacementBehindTheOwn() {
    let random = RandomStream(seed: 5)
    let chosen = contrastedRows([4, 9], negatives: 4000, of: 10, random: random)
    #expect(chosen.shape == [2, 4001])
    for (i, own) in [4, 9].enumerated() {
      let drawn = Array(chosen.values[(i * 4001)..<((i + 1) * 4001)])
      #expect(drawn[0] == own)
      for row in 0..<10 {
        // 400 each with deviation 19, the own row among them.
        #expect(abs(drawn.dropFirst().count { $0 == row } - 400) < 95, "row \(row)")
      }
    }
    // What a sample draws does not depend on who else is in the batch.
    let alone = contrastedRows([4], negatives: 4000, of: 10, random: random)
    #expect(alone.values == Array(chosen.values[..<4001]))
  }

  @Test func theBankBeginsWithinItsBoundAndMovesRowByRow() {
    var stream = RandomStream(seed: 6)
    var bank = MemoryBank(count: 40, width: 12, random: stream)
    #expect(bank.rows.abs().values.allSatisfy { $0 <= 0.5 } && bank.rows.abs().values.contains { $0 > 0.45 })
    let (old, z) = (rows(bank.rows), unitRows(3, 12, &stream))
    bank.update([7, 0, 39], with: z, momentum: 0.5)
    let (new, fresh) = (rows(bank.rows), rows(z))
    for row in 0..<40 {
      guard let i = [7, 0, 39].firstIndex(of: row) else {
        #expect(new[row] == old[row])
        continue
      }
      let moved = zip(old[row], fresh[i]).map { 0.5 * $0 + 0.5 * $1 }
      let length = dot(moved, moved).squareRoot()
      for (x, y) in zip(new[row], moved) { #expect(abs(x - y / length) < 1e-6) }
    }
  }
}
