import ReproEngine
import ReproNN
import ReproTensor
import Testing

@testable import Distillation

/// The loss over random outputs, against loops in Double written from the equations.
@Suite struct DINOv2Losses {
  /// Outputs of a student and targets of a teacher, of B images and L local crops.
  private struct Case {
    let b: Int
    let l: Int
    let k = 7
    let targets: [Tensor]
    let student: [Tensor]  // logits of both globals
    let tokens: [Tensor]
    let locals: [Tensor]  // L x [B, K]
    let masks: BlockMasks
    let patches: [Int: (target: [Double], logits: [Double])]  // by image * N + patch

    init(b: Int, l: Int, seed: UInt64) {
      (self.b, self.l) = (b, l)
      var stream = RandomStream(seed: seed)
      targets = (0..<2).map { _ in distributions(b, 7, &stream) }
      student = (0..<2).map { _ in stream.normal([b, 7], deviation: 0.3) }
      tokens = (0..<2).map { _ in stream.normal([b, 5]) }
      locals = (0..<l).map { _ in stream.normal([b, 7], deviation: 0.3) }
      var bits = (0..<(2 * b)).map { _ in (0..<9).map { _ in stream.bernoulli(0.4) } }
      bits[1] = [Bool](repeating: false, count: 9)  // an image without a mask
      masks = BlockMasks(bits: bits)
      var patches: [Int: (target: [Double], logits: [Double])] = [:]
      for i in bits.indices {
        for p in 0..<9 where bits[i][p] {
          let (target, logits) = (distributions(1, 7, &stream), stream.normal([1, 7], deviation: 0.3))
          patches[i * 9 + p] = (rows(target)[0], rows(logits)[0])
        }
      }
      self.patches = patches
    }

    /// What `loss` is given when the batch is cut into shards.
    func inputs(shards: Int) -> (z: [Tensor], patchTarget: Tensor, parts: [CropShard]) {
      let image = Tensor.zeros([b, 1, 3, 3])
      let crops = MultiCrop.Crops(globals: [image, image], locals: locals.map { _ in image })
      let n = b / shards
      let parts = (0..<shards).map { CropShard(crops, masks, $0 * n..<($0 + 1) * n) }
      var order: [Int] = []
      for part in parts {
        for image in Array(part.rows) + part.rows.map({ $0 + b }) {
          order += (0..<9).filter { masks.bits[image][$0] }.map { image * 9 + $0 }
        }
      }
      func matrix(_ pick: (Int) -> [Double]) -> Tensor {
        Tensor([order.count, k], order.flatMap(pick).map { Real($0) })
      }
      let z =
        [tokens[0], tokens[1], student[0], student[1], matrix { patches[$0]?.logits ?? [] }]
        + (locals.isEmpty ? [] : [concat(parts.flatMap { part in locals.map { $0.slice(0, part.rows) } })])
      return (z, matrix { patches[$0]?.target ?? [] }, parts)
    }

    var dino: Double {
      let (p, s) = (targets.map(rows), student.map(rows))
      var sum = 0.0
      for i in 0..<b {
        sum += crossEntropy(p[1][i], s[0][i]) + crossEntropy(p[0][i], s[1][i])
        for local in locals { sum += crossEntropy(p[0][i], rows(local)[i]) + crossEntropy(p[1][i], rows(local)[i]) }
      }
      return sum / Double(b) / Double(2 * l + 2)
    }

    var ibot: Double {
      var sum = 0.0
      for (i, bits) in masks.bits.enumerated() {
        let masked = (0..<9).filter { bits[$0] }
        for p in masked {
          guard let patch = patches[i * 9 + p] else { continue }
          sum += crossEntropy(patch.target, patch.logits) / Double(masked.count)
        }
      }
      return sum / Double(2 * b)
    }

    var koleo: Double { koleoByPairs(rows(tokens[0])) + koleoByPairs(rows(tokens[1])) }
  }

  private func metrics(
    _ c: Case, shards: Int = 1, weights: String = "{dino: 1, ibot: 1, koleo: 0.1}", swapping: Bool = false
  ) throws -> (total: Double, metrics: Metrics) {
    let method = try smallDINOv2(weights: weights)
    let (z, patchTarget, parts) = c.inputs(shards: shards)
    var metrics: Metrics = [:]
    let targets = swapping ? [c.targets[1], c.targets[0]] : c.targets
    let total = method.loss(StudentOutputs(z), targets, patchTarget, parts, &metrics)
    return (Double(total.item), metrics)
  }

  @Test(arguments: [(6, 3, 1), (6, 3, 2), (6, 3, 3), (4, 0, 1), (8, 8, 4), (2, 1, 1)])
  func allTermsAgreeWithLoops(_ size: (b: Int, l: Int, shards: Int)) throws {
    let c = Case(b: size.b, l: size.l, seed: UInt64(size.b))
    let found = try metrics(c, shards: size.shards)
    #expect(close(found.metrics["dino"], c.dino, 1e-5))
    #expect(close(found.metrics["ibot"], c.ibot, 1e-5))
    #expect(close(found.metrics["koleo"], c.koleo, 1e-5))
    #expect(close(found.total, c.dino + c.ibot + 0.1 * c.koleo, 1e-5))
  }

  @Test func weightsScaleTheTermsAndZeroLeavesThemOut() throws {
    let c = Case(b: 6, l: 2, seed: 8)
    #expect(
      close(
        try metrics(c, weights: "{dino: 2, ibot: 0.5, koleo: 3}").total, 2 * c.dino + 0.5 * c.ibot + 3 * c.koleo, 1e-5))
    #expect(close(try metrics(c, weights: "{dino: 1, ibot: 1, koleo: 0}").total, c.dino + c.ibot, 1e-5))
  }

  @Test func swappingTheGlobalCropsChangesTheLoss() throws {
    // A crop that predicts its own teacher instead of the other crop's: the classic mistake.
    let c = Case(b: 6, l: 2, seed: 9)
    let (right, wrong) = (try metrics(c).metrics["dino"], try metrics(c, swapping: true).metrics["dino"])
    #expect(abs(try #require(right) - #require(wrong)) > 0.01)
  }

  @Test func koleoNeverComparesTwoViewsOfAnImage() throws {
    // Equal class tokens in both views: between views the nearest neighbour would lie at distance 0.
    let c = Case(b: 6, l: 0, seed: 10)
    let (z, patchTarget, parts) = c.inputs(shards: 1)
    var metrics: Metrics = [:]
    _ = try smallDINOv2().loss(StudentOutputs([z[0], z[0]] + z[2...]), c.targets, patchTarget, parts, &metrics)
    #expect(close(metrics["koleo"], 2 * koleoByPairs(rows(z[0])), 1e-5))
  }

  @Test func imagesWithoutMasksCountInTheMeanOfThePatchTerm() throws {
    // Half of the images masked, all with one cross entropy: the term is half of it.
    let bits = (0..<8).map { i in (0..<9).map { $0 == i && i < 4 } }
    let image = Tensor.zeros([4, 1, 3, 3])
    let crops = MultiCrop.Crops(globals: [image, image], locals: [])
    let parts = [CropShard(crops, BlockMasks(bits: bits), 0..<4)]
    var stream = RandomStream(seed: 11)
    let (target, logits) = (distributions(1, 7, &stream), stream.normal([1, 7]))
    let four = IndexTensor([0, 0, 0, 0])
    let z = [
      stream.normal([4, 5]), stream.normal([4, 5]), stream.normal([4, 7]), stream.normal([4, 7]), logits.gathered(four),
    ]
    let p = distributions(4, 7, &stream)
    var metrics: Metrics = [:]
    _ = try smallDINOv2().loss(StudentOutputs(z), [p, p], target.gathered(four), parts, &metrics)
    #expect(close(metrics["ibot"], crossEntropy(rows(target)[0], rows(logits)[0]) / 2, 1e-5))
  }
}
