import Glibc
import ReproNN
import ReproTensor
import TestSupport
import Testing

@testable import Distillation

@Suite struct TeacherTargets {
  /// Loops over the matrix: columns to 1 / K, rows to 1 / B.
  private func sinkhornByLoops(_ logits: [[Double]], temperature: Double, iterations: Int) -> [[Double]] {
    let (b, k) = (logits.count, logits[0].count)
    var q = logits.map { $0.map { Glibc.exp($0 / temperature) } }
    let total = q.joined().reduce(0, +)
    for i in 0..<b { for j in 0..<k { q[i][j] /= total } }
    for _ in 0..<iterations {
      for j in 0..<k {
        let sum = (0..<b).reduce(0) { $0 + q[$1][j] }
        for i in 0..<b { q[i][j] /= sum * Double(k) }
      }
      for i in 0..<b {
        let sum = q[i].reduce(0, +)
        for j in 0..<k { q[i][j] /= sum * Double(b) }
      }
    }
    return q.map { $0.map { $0 * Double(b) } }
  }

  @Test(arguments: [(2, 3), (7, 5), (5, 7), (1, 4), (64, 33)], [0.04, 0.07, 1])
  func sinkhornKnoppAgreesWithLoopsInDouble(_ size: (Int, Int), temperature: Double) {
    var stream = RandomStream(seed: 1).child("logits", size.0)
    let logits = stream.normal([size.0, size.1], deviation: 0.3)
    let q = rows(sinkhornKnopp(logits, temperature: Real(temperature)))
    let expected = sinkhornByLoops(rows(logits), temperature: Double(Real(temperature)), iterations: 3)
    for (row, reference) in zip(q, expected) {
      #expect(abs(row.reduce(0, +) - 1) < 1e-5)
      for (x, y) in zip(row, reference) { #expect(abs(x - y) < 2e-5) }
    }
  }

  @Test func manyIterationsOfSinkhornUseEveryPrototypeEqually() {
    var stream = RandomStream(seed: 2)
    let usage = sinkhornKnopp(stream.normal([40, 8]), temperature: 0.5, iterations: 200).mean(0).values
    for share in usage { #expect(abs(share - 1.0 / 8) < 1e-4) }
  }

  @Test func sinkhornKnoppStaysFiniteWherePrototypesUnderflow() {
    // 100 / 0.04 is far beyond the range of exp.
    let q = sinkhornKnopp(Tensor([2, 2], [0, -100, 0, -100]), temperature: 0.04).values
    #expect(q == [1, 0, 1, 0])
  }

  @Test func centredSoftmaxSubtractsTheCentreBeforeItSharpens() {
    var stream = RandomStream(seed: 3)
    let (logits, center) = (stream.normal([6, 9]), stream.normal([1, 9]))
    let p = rows(centredSoftmax(logits, center: center, temperature: 0.05))
    for (row, z) in zip(p, rows(logits)) {
      let expected = logSoftmax(zip(z, rows(center)[0]).map { $0 - $1 }, temperature: 0.05).map { Glibc.exp($0) }
      for (x, y) in zip(row, expected) { #expect(abs(x - y) < 1e-5) }
    }
  }

  @Test func theCentreMovesATenthOfTheWayToTheMeanLogits() {
    let center = movedCenter(Tensor([1, 2], [1, -1]), towards: Tensor([2, 2], [3, 0, 5, 2]))
    for (x, y) in zip(center.values, [0.9 * 1 + 0.1 * 4, 0.9 * -1 + 0.1 * 1]) { #expect(abs(Double(x) - y) < 1e-6) }
  }

  @Test func targetsHaveNoGradientThoughLogitsHave() {
    // Without the stop of gradients the teacher's weights would be pulled by the student's loss.
    var stream = RandomStream(seed: 4)
    let teacher = stream.normal([4, 5]).tracked
    let student = stream.normal([4, 5]).tracked
    let center = Tensor.zeros([1, 5])
    for target in [
      centredSoftmax(teacher, center: center, temperature: 0.1), sinkhornKnopp(teacher, temperature: 0.1),
    ] {
      let loss = crossEntropyRows(targets: target, logits: student, temperature: 0.1).mean()
      let found = gradients(of: loss, with: [teacher, student])
      #expect(found[0].values.allSatisfy { $0 == 0 })
      #expect(found[1].values.contains { $0 != 0 })
    }
    let careless = crossEntropyRows(targets: (teacher / 0.1).softmax(), logits: student, temperature: 0.1).mean()
    #expect(gradients(of: careless, with: [teacher])[0].values.contains { $0 != 0 })
  }

  @Test func theTeachersTemperatureWarmsUpAndStays() throws {
    let t = try smallDINOv2().options.teacherTemperature
    for (progress, value) in [(0, 0.04), (0.15, 0.055), (0.3, 0.07), (0.31, 0.07), (0.99, 0.07)] {
      #expect(abs(t(progress) - value) < 1e-12)
    }
  }
}

@Suite struct KoLeo {
  @Test(arguments: [(2, 3), (5, 4), (33, 12)])
  func itsValueAgreesWithComparingAllPairs(_ size: (Int, Int)) {
    var stream = RandomStream(seed: 5).child("x", size.0)
    let x = stream.normal([size.0, size.1], deviation: 3)
    #expect(close(koleo(x).item, koleoByPairs(rows(x)), 1e-5))
  }

  @Test func itAgreesWithPyTorchInValueAndGradient() throws {
    let vectors = try Vectors()
    let x = try vectors("koleo/input").tracked
    let value = koleo(x)
    #expect(close(value.item, try vectors.number("koleo/value"), 1e-6))
    expectClose(gradients(of: value, with: [x])[0], try vectors("koleo/gradient"), tolerance: 1e-5)
  }

  @Test func theGradientFlowsIntoARowAndIntoItsNeighbour() {
    // Row 2 is nobody's neighbour and row 1 is the neighbour of both others: what it gets is more than its own term.
    let angles: [Double] = [0, 0.3, 0.9]
    func loss(_ angles: [Double]) -> Double { koleoByPairs(angles.map { [Glibc.cos($0), Glibc.sin($0)] }) }
    let x = Tensor([3, 2], angles.flatMap { [Real(Glibc.cos($0)), Real(Glibc.sin($0))] }).tracked
    let g = gradients(of: koleo(x), with: [x])[0].values
    for i in 0..<3 {
      var (up, down) = (angles, angles)
      up[i] += 1e-5
      down[i] -= 1e-5
      let expected = (loss(up) - loss(down)) / 2e-5
      let along = -Double(g[2 * i]) * Glibc.sin(angles[i]) + Double(g[2 * i + 1]) * Glibc.cos(angles[i])
      #expect(abs(along - expected) < 1e-3, "row \(i)")
    }
  }

  @Test func coincidingRowsGiveALargeFiniteLossAndAFiniteGradient() {
    let x = Tensor([3, 2], [1, 0, 1, 0, 0, 1]).tracked
    let value = koleo(x)
    #expect(value.item > 10 && value.item.isFinite)
    let slopes = gradients(of: value, with: [x])[0].values
    #expect(slopes.allSatisfy { $0.isFinite })
  }
}
