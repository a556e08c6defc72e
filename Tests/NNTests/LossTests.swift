import Foundation
import ReproTensor
import TestSupport
import Testing

@testable import ReproNN

/// Every loss with its options; the names are those of the vectors.
enum LossTable {
  private static func classes(_ z: Tensor) -> IndexTensor {
    IndexTensor((0..<z.shape[0]).map { ($0 * 5 + 2) % z.shape[1] })
  }

  /// The classes with the last row's replaced by 1, which the loss leaves out.
  private static func someIgnored(_ z: Tensor) -> IndexTensor {
    IndexTensor(classes(z).values.dropLast() + [1])
  }

  /// 1/n, 2/n, ... 1
  private static func weights(_ n: Int) -> Tensor { Tensor([n], (1...n).map { Real($0) / Real(n) }) }

  private static func zeroOne(_ z: Tensor) -> Tensor {
    Tensor(z.shape, (0..<z.count).map { $0 % 3 == 0 ? 1 : 0 })
  }

  static let all: [String: @Sendable ([Tensor]) -> Tensor] = [
    "crossEntropy(sum)": { crossEntropy($0[0], labels: classes($0[0]), reduction: .sum) },
    "crossEntropy(none)": { crossEntropy($0[0], labels: classes($0[0]), reduction: .none) },
    "crossEntropy(weights)": { crossEntropy($0[0], labels: classes($0[0]), weights: weights($0[0].shape[1])) },
    "crossEntropy(smoothing)": { crossEntropy($0[0], labels: classes($0[0]), smoothing: 0.1) },
    "crossEntropy(weights, smoothing)": {
      crossEntropy($0[0], labels: classes($0[0]), weights: weights($0[0].shape[1]), smoothing: 0.2)
    },
    "crossEntropy(weights, smoothing, none)": {
      crossEntropy($0[0], labels: classes($0[0]), weights: weights($0[0].shape[1]), smoothing: 0.2, reduction: .none)
    },
    "crossEntropy(ignored)": { crossEntropy($0[0], labels: someIgnored($0[0]), ignored: 1) },
    "crossEntropy(ignored, smoothing)": {
      crossEntropy($0[0], labels: someIgnored($0[0]), smoothing: 0.2, ignored: 1)
    },
    "crossEntropy(ignored, none)": {
      crossEntropy($0[0], labels: someIgnored($0[0]), ignored: 1, reduction: .none)
    },
    "crossEntropy(targets)": { crossEntropy($0[0], targets: $0[1]) },
    "crossEntropy(targets, smoothing)": { crossEntropy($0[0], targets: $0[1], smoothing: 0.2) },
    "crossEntropy(targets, weights)": {
      crossEntropy($0[0], targets: $0[1], weights: weights($0[0].shape[1]), reduction: .sum)
    },
    "klDivergence": { klDivergence(targets: $0[0], logits: $0[1], temperature: 0.5) },
    "klDivergence(none)": { klDivergence(targets: $0[0], logits: $0[1], reduction: .none) },
    "binaryCrossEntropy": { binaryCrossEntropy(logits: $0[0], targets: $0[1]) },
    "binaryCrossEntropy(weights)": {
      let w = weights($0[0].shape[-1])
      return binaryCrossEntropy(logits: $0[0], targets: $0[1], weights: w, positiveWeight: w * 3, reduction: .sum)
    },
    "focalLoss(binary)": { focalLoss(logits: $0[0], targets: zeroOne($0[0])) },
    "focalLoss(binary, gamma)": { focalLoss(logits: $0[0], targets: zeroOne($0[0]), gamma: 1.5, alpha: nil) },
    "focalLoss": { focalLoss($0[0], labels: classes($0[0])) },
    "focalLoss(weights)": {
      focalLoss($0[0], labels: classes($0[0]), gamma: 0.5, weights: weights($0[0].shape[1]))
    },
    "squaredError": { squaredError($0[0], $0[1]) },
    "squaredError(sum)": { squaredError($0[0], $0[1], reduction: .sum) },
    "absoluteError": { absoluteError($0[0], $0[1]) },
    "huberLoss": { huberLoss($0[0], $0[1]) },
    "huberLoss(delta)": { huberLoss($0[0], $0[1], delta: 0.4, reduction: .none) },
    "smoothL1": { smoothL1($0[0], $0[1], beta: 0.4) },
    "cosineLoss": { cosineLoss($0[0], $0[1]) },
    "tripletLoss": { tripletLoss(anchors: $0[0], positives: $0[1], negatives: $0[2]) },
    "infoNCE": { infoNCE($0[0], keys: $0[1], temperature: 0.5) },
    "infoNCE(bank)": { infoNCE($0[0], positives: $0[1], negatives: $0[2], temperature: 0.5) },
    "ntXent": { ntXent($0[0], $0[1], temperature: 0.5) },
  ]
}

@Suite("Every loss")
struct LossTests {
  static let cases = Result { try VectorFile("training_losses.h5").cases() }

  @Test("agrees with PyTorch and has the gradients of its difference quotients", arguments: try cases.get())
  func agrees(_ c: VectorCase) throws {
    let loss = try #require(LossTable.all[c.name], "no loss is called \(c.name)")
    expectParity(c, loss)
    let first = expectGradient(of: loss, at: c.inputs)
    let second = expectSecondOrder(of: loss, at: c.inputs)
    let fused = expectFusedEqualsComposed(of: loss, at: c.inputs)
    for (check, error) in [("first order", first), ("second order", second), ("fused", fused)] {
      ProofLog.record(check, c.name, c.testDescription, error)
    }
  }

  @Test func hasVectorsAndARow() throws {
    #expect(try VectorFile("training_losses.h5").names() == LossTable.all.keys.sorted())
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Core/NN/Losses")
      .standardized
    var names: Set<String> = []
    for file in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
      let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
      names.formUnion(text.matches(of: /public func (\w+)\([^{]*?-> Tensor/).map { String($0.output.1) })
    }
    #expect(names.count >= 14, "the sources were read")
    let rows = Array(LossTable.all.keys) + Array(FunctionParityTests.losses.keys)
    let covered = Set(rows.map { String($0.prefix { $0 != "(" }) })
    for name in names { #expect(covered.contains(name), "\(name) is in no table") }
  }

  @Test func ofEqualsIsItsClosedForm() {
    let (n, c) = (4, 5)
    let logits = Tensor.zeros([n, c])
    func isClose(_ x: Tensor, _ expected: Double) -> Bool { (Double(x.item) - expected).magnitude < 1e-5 }
    #expect(isClose(crossEntropy(logits, labels: [0, 1, 2, 3]), log(5)))
    #expect(isClose(crossEntropy(logits, targets: .full([n, c], 0.2), smoothing: 0.3), log(5)))
    #expect(isClose(binaryCrossEntropy(logits: logits, targets: .full([n, c], 0.3)), log(2)))
    #expect(isClose(focalLoss(logits, labels: [0, 1, 2, 3], gamma: 2), log(5) * 0.64))
    #expect(isClose(klDivergence(targets: .full([n, c], 0.2), logits: logits), 0))
    let same = Tensor.ones([n, c])
    #expect(isClose(infoNCE(same, keys: same, temperature: 0.1), log(4)))
    #expect(isClose(infoNCE(same, positives: same, negatives: .ones([6, c]), temperature: 0.1), log(7)))
    #expect(isClose(ntXent(same, same, temperature: 0.1), log(7)))
    #expect(isClose(tripletLoss(anchors: same, positives: same, negatives: same, margin: 0.25), 0.25))
    #expect(isClose(cosineLoss(same, -same), 2))
  }

  @Test func isFiniteForLogitsThatOverflow() {
    let x = Tensor([2, 2], [1000, -1000, -1000, 1000]).tracked
    let losses = [
      binaryCrossEntropy(logits: x, targets: Tensor([2, 2], [1, 0, 1, 0])), crossEntropy(x, labels: [0, 0]),
      focalLoss(logits: x, targets: Tensor([2, 2], [1, 0, 1, 0])), focalLoss(x, labels: [0, 0]),
    ]
    // Two of four elements are wrong by 1000 nats, and one row of two; alpha is 1/4 for the wrong positive, 3/4 for the
    // wrong negative.
    #expect(losses.map { $0.item } == [500, 1000, 250, 1000])
    let rooted = focalLoss(x, labels: [0, 1], gamma: 0.5)
    for loss in losses + [rooted] { #expect(gradients(of: loss, with: [x])[0].values.allSatisfy { $0.isFinite }) }
  }

  @Test func isZeroWhereEveryLabelIsIgnoredAndIgnoresInfiniteLogits() {
    let x = Tensor([2, 2], [1, 2, -.infinity, 3]).tracked
    let none = crossEntropy(x, labels: [-1, -1], ignored: -1)
    #expect(none.item == 0)
    #expect(gradients(of: none, with: [x])[0].values == [0, 0, 0, 0])
    let one = crossEntropy(x, labels: [1, -1], smoothing: 0.1, ignored: -1)
    #expect(one.item.isFinite && gradients(of: one, with: [x])[0].values.suffix(2) == [0, 0])
  }

  @Test func takesLabelsOfAnyRank() {
    var stream = RandomStream(seed: 6)
    let z = stream.normal([2, 3, 4])
    let labels = IndexTensor([2, 3], [0, 1, 2, 3, 0, 1])
    let flat = crossEntropy(z.reshaped([6, 4]), labels: labels.reshaped(to: [6]), reduction: .none)
    #expect(sameBits(crossEntropy(z, labels: labels, reduction: .none), flat.reshaped([2, 3])))
  }
}

@Suite("A wrong use of a loss stops the program with the shapes in the message")
struct LossRequireTests {
  private static func t(_ extents: Int...) -> Tensor { .zeros(Shape(extents)) }

  static let mistakes: [(String, @Sendable () -> Any)] = [
    (
      "crossEntropy needs logits [N, C] and labels [N], got [2, 3] and [3]",
      {
        crossEntropy(t(2, 3), labels: [0, 1, 2])
      }
    ),
    (
      "crossEntropy needs weights [3] and smoothing in 0 ..< 1, got [2] and 0.0",
      {
        crossEntropy(t(2, 3), labels: [0, 1], weights: t(2))
      }
    ),
    (
      "crossEntropy needs weights [3] and smoothing in 0 ..< 1, got [3] and 1.0",
      {
        crossEntropy(t(2, 3), targets: t(2, 3), smoothing: 1)
      }
    ),
    (
      "crossEntropy needs logits and targets of one shape [..., C], got [2, 3] and [3]",
      {
        crossEntropy(t(2, 3), targets: t(3))
      }
    ),
    (
      "crossEntropyRows needs two [N, K] and temperature > 0, got [3], [2, 3], 1.0",
      {
        klDivergence(targets: t(3), logits: t(2, 3))
      }
    ),
    (
      "binaryCrossEntropy needs logits and targets of one shape, got [2] and [3]",
      {
        binaryCrossEntropy(logits: t(2), targets: t(3))
      }
    ),
    (
      "focalLoss needs logits and targets of one shape and gamma >= 0, got [2], [2], -1.0",
      {
        focalLoss(logits: t(2), targets: t(2), gamma: -1)
      }
    ),
    ("focalLoss needs gamma >= 0, got -1.0", { focalLoss(t(1, 2), labels: [0], gamma: -1) }),
    ("squaredError needs two tensors of one shape, got [2] and [3]", { squaredError(t(2), t(3)) }),
    ("absoluteError needs two tensors of one shape, got [2] and [3]", { absoluteError(t(2), t(3)) }),
    ("huberLoss needs two tensors of one shape, got [2] and [3]", { smoothL1(t(2), t(3)) }),
    ("huberLoss needs delta > 0, got 0.0", { huberLoss(t(2), t(2), delta: 0) }),
    (
      "tripletLoss needs three [N, D], got [2, 3], [2, 3] and [1, 3]",
      {
        tripletLoss(anchors: t(2, 3), positives: t(2, 3), negatives: t(1, 3))
      }
    ),
    (
      "infoNCE needs two [N, D] and temperature > 0, got [2, 3], [2, 3], 0.0",
      {
        infoNCE(t(2, 3), keys: t(2, 3), temperature: 0)
      }
    ),
    (
      "infoNCE needs queries and positives [N, D], negatives [K, D] and temperature > 0, got [2, 3], [2, 3], [4, 2], 1.0",
      {
        infoNCE(t(2, 3), positives: t(2, 3), negatives: t(4, 2), temperature: 1)
      }
    ),
    (
      "ntXent needs two [N >= 2, D] and temperature > 0, got [1, 3], [1, 3], 1.0",
      {
        ntXent(t(1, 3), t(1, 3), temperature: 1)
      }
    ),
  ]

  init() { setenv("SWIFT_BACKTRACE", "enable=no", 1) }

  @Test(arguments: mistakes.indices)
  func message(_ index: Int) async throws {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { [index] in
      _ = LossRequireTests.mistakes[index].1()
    }
    let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    #expect(text.contains("Fatal error: \(LossRequireTests.mistakes[index].0)\n"), "found: \(text)")
  }
}
