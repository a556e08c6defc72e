import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor
import Testing

@testable import Masked

/// GMML (arXiv 2205.14986): what is corrupted, and what the loss looks at.
@Suite("GMML") struct GMMLTests {
  private func noise(_ shape: Shape, _ seed: UInt64) -> Tensor {
    var stream = RandomStream(seed: seed)
    return stream.normal(shape)
  }

  /// Whether each pixel differs in any channel.
  private func changed(_ a: Tensor, _ b: Tensor) -> [Real] {
    let (x, y) = (a.values, b.values)
    let (n, c, area) = (a.shape[0], a.shape[1], a.shape[2] * a.shape[3])
    return (0..<n * area).map { p in
      let (i, k) = (p / area, p % area)
      return (0..<c).contains { x[(i * c + $0) * area + k] != y[(i * c + $0) * area + k] } ? 1 : 0
    }
  }

  @Test("the mask is 1 exactly where pixels were changed", arguments: [1, 4], GroupCorruption.Shape.allCases)
  func maskIsTrue(_ align: Int, _ shape: GroupCorruption.Shape) {
    var corruption = GroupCorruption()
    (corruption.align, corruption.shape, corruption.replace) = (align, shape, 0)
    let clean = noise([6, 3, 32, 32], 1)
    let found = corruption(clean, random: RandomStream(seed: 2))
    #expect(found.mask.shape == [6, 1, 32, 32])
    #expect(found.mask.values == changed(found.images, clean))
  }

  @Test("at least the wanted part is covered, and less than one more rectangle")
  func coveredPart() {
    var corruption = GroupCorruption()
    (corruption.ratio, corruption.replace) = (0.6...0.6, 0)
    let found = corruption(noise([20, 1, 40, 40], 3), random: RandomStream(seed: 4))
    for pixels in found.mask.sum(axes: [1, 2, 3]).values {
      // The largest rectangle has sides of 0.3 * 40 - 1 pixels.
      #expect(pixels >= 960 && pixels < 960 + 11 * 11, "\(pixels)")
    }
  }

  @Test("single patches cover as many pixels of every image as groups do, elsewhere", arguments: [0.0, 0.5, 1.0])
  func patchesMatchGroups(_ replace: Double) {
    var groups = GroupCorruption()
    (groups.align, groups.limit, groups.replace) = (4, 0.5, replace)
    var patches = groups
    patches.shape = .patches
    let clean = noise([40, 1, 32, 32], 5)
    let a = groups(clean, random: RandomStream(seed: 6)).mask
    let b = patches(clean, random: RandomStream(seed: 6)).mask
    #expect(a.sum(axes: [1, 2, 3]).values == b.sum(axes: [1, 2, 3]).values)
    #expect(neighbours(a) > neighbours(b) + 0.1, "groups are connected: \(neighbours(a)) against \(neighbours(b))")
    // Whole patches of 4 x 4 are corrupted or not.
    let cells = b.reshaped([40, 8, 4, 8, 4]).mean(axes: [2, 4]).values
    #expect(cells.allSatisfy { $0 == 0 || $0 == 1 })
  }

  /// The part of corrupted pixels whose right neighbour four pixels on is corrupted, too.
  private func neighbours(_ mask: Tensor) -> Real {
    (mask.slice(3, 0..<28) * mask.slice(3, 4..<32)).sum().item / mask.slice(3, 0..<28).sum().item
  }

  @Test("replaced images show another image of the clean batch at the same places")
  func replacedFromTheSamePlace() {
    var corruption = GroupCorruption()
    (corruption.replace, corruption.replaceRatio) = (1, 0.3)
    // Image i has the value i everywhere: what it was replaced with tells where it came from.
    let clean = stack((0..<8).map { Tensor.full([2, 24, 24], Real($0)) })
    let found = corruption(clean, random: RandomStream(seed: 8))
    var strangers = 0
    for i in 0..<8 {
      let mask = found.mask.select(0, i).values
      let pixels = found.images.select(0, i).select(0, 0).values
      let inside = Set(zip(mask, pixels).filter { $0.0 == 1 }.map(\.1))
      #expect(inside.count == 1, "one source an image")
      #expect(zip(mask, pixels).allSatisfy { $0 == 1 || $1 == Real(i) }, "the rest is the image itself")
      #expect(mask.reduce(0, +) >= 0.3 * 24 * 24)
      if inside != [Real(i)] { strangers += 1 }
    }
    #expect(strangers >= 5)
  }

  @Test("noise has mean 0 and deviation 1")
  func noiseIsNormal() {
    var corruption = GroupCorruption()
    corruption.replace = 0
    let found = corruption(.full([16, 3, 32, 32], 9), random: RandomStream(seed: 10))
    let values = zip(found.images.values, found.mask.broadcast(to: [16, 3, 32, 32]).values).filter { $1 == 1 }.map(\.0)
    let mean = values.reduce(0, +) / Real(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Real(values.count)
    #expect(values.count > 20_000)
    #expect(abs(mean) < 0.03 && abs(variance - 1) < 0.05)
  }

  private let options = "{patch: 4, width: 12, depth: 4, heads: 3, drop_path: 0, init_deviation: 0.2}"

  @Test("the loss is one mean over all corrupted values of the batch")
  func lossOfLoops() throws {
    let method = try make(GMML.self, options)
    let (clean, restored) = (noise([3, 2, 8, 8], 11), noise([3, 2, 8, 8], 12))
    let mask = Tensor([3, 1, 8, 8], (0..<192).map { $0 % 5 < $0 / 64 ? 1 : 0 })
    var (sum, count) = (0.0, 0.0)
    let (c, r, m) = (clean.values, restored.values, mask.values)
    for i in 0..<3 {
      for channel in 0..<2 {
        for p in 0..<64 where m[i * 64 + p] == 1 {
          sum += abs(Double(r[(i * 2 + channel) * 64 + p]) - Double(c[(i * 2 + channel) * 64 + p]))
          count += 1
        }
      }
    }
    let loss = method.error(of: restored, clean: clean, mask: mask)
    #expect(abs(Double(loss.item) - sum / count) < 1e-6)
    // The classic mistake: what was not corrupted must not count.
    let outside = restored + (1 - mask) * 100
    #expect(abs(Double(method.error(of: outside, clean: clean, mask: mask).item) - sum / count) < 1e-5)
  }

  @Test("blocks 6, 8, 10 and 12 of 12 are averaged by default")
  func averagedBlocks() throws {
    #expect(try make(GMML.self, "{patch: 4, width: 12, depth: 12, heads: 3}").blocks == [6, 8, 10, 12])
    #expect(try make(GMML.self, "{patch: 4, width: 12, depth: 6, heads: 3, blocks: [3, 4]}").blocks == [3, 4])
  }

  @Test("the decoder puts the pixels of a token into its own patch")
  func decoderIsLocal() throws {
    let method = try make(GMML.self, options)
    let state = try method.makeState(for: imageSpec(side: 16), random: RandomStream(seed: 13))
    var tokens = noise([1, 16, 12], 14)
    let before = state.decoder(tokens, rows: 4, columns: 4)
    #expect(before.shape == [1, 3, 16, 16])
    tokens.withMutableElements { for k in 0..<12 { $0[6 * 12 + k] += 1 } }  // the token of row 1, column 2
    let moved = changed(state.decoder(tokens, rows: 4, columns: 4), before)
    for p in 0..<256 { #expect((moved[p] == 1) == (p / 16 / 4 == 1 && p % 16 / 4 == 2)) }
  }

  @Test("fine-tuning sees the class token beside the mean of the patches, and reaches every block")
  func fineTunedFeatures() throws {
    let method = try make(GMML.self, options)
    let state = try method.makeState(for: imageSpec(side: 16), random: RandomStream(seed: 16))
    let batch = try Rectangles().batch([0, 1, 2], of: .train)
    var network = method.network(of: state)
    let x = try method.embedding(&network, of: batch, context: nil)
    let frozen = try method.embed(state, batch)
    #expect(x.shape == [3, 24])
    #expect(x.slice(1, 12..<24).values == frozen.global.values)
    #expect(x.slice(1, 0..<12).values == frozen.outputs["class-token"]?.values)
    let weights = noise([3, 24], 17)  // a plain sum would be constant behind the last norm
    let (_, gradients) = try valueAndGradients(of: &network) { network in
      (try method.embedding(&network, of: batch, context: nil) * weights).sum()
    }
    #expect(gradients.norm > 0 && gradients.firstNonFinite(of: network) == nil)
  }

  @Test("restored pictures of both kinds of corruption are drawn beside the pictures")
  func picturesOfBothKinds() throws {
    let method = try make(GMML.self, options)
    let state = try method.makeState(for: imageSpec(side: 16), random: RandomStream(seed: 18))
    let data = Rectangles()
    struct Still: Encoder {
      func features(of batch: Batch) throws -> Features { Features(global: .zeros([batch.count, 1])) }
    }
    let context = PictureContext(
      data: data, subject: EvaluationSubject(encoder: Still(), data: data), random: RandomStream(seed: 19))
    let found = try method.pictures(of: state, context)
    guard case .image(let sheet, let columns) = found[0].content else { throw ReproError(.usage, found: "a matrix") }
    #expect(columns == ["picture", "noise", "restored", "put together", "strangers", "restored", "put together"])
    #expect(sheet.width == 7 * 102 - 6 && sheet.height == 6 * 102 - 6)
  }

  @Test(
    "an option out of range is named",
    arguments: [
      ("{patch: 4, width: 12, depth: 4, heads: 5}", "width 12, heads 5"),
      ("{patch: 4, width: 12, depth: 4, heads: 3, corruption: {ratio: [0.7, 0.5]}}", "corruption.ratio"),
      ("{patch: 4, width: 12, depth: 4, heads: 3, blocks: []}", "blocks []"),
    ])
  func badOptions(_ yaml: String, _ expected: String) throws {
    let error = #expect(throws: ReproError.self) { _ = try make(GMML.self, yaml) }
    #expect(error.map { "\($0)".contains(expected) } == true, "\(String(describing: error))")
  }

  @Test("a few steps restore rectangles better than the best constant")
  func learns() throws {
    let method = try make(
      GMML.self,
      """
      {patch: 4, width: 24, depth: 2, heads: 3, drop_path: 0, init_deviation: 0.2, views: 1, scale: [0.5, 1],
       corruption: {align: 4, limit: 0.5}}
      """)
    let world = Rectangles(side: 16, count: 64)
    let random = RandomStream(seed: 15)
    var state = try method.makeState(for: world.spec, random: random.child("init"))
    let data = try TrainingData(world, labelled: false, random: random.child("order"))
    var context = StepContext(
      step: 0, steps: 150, random: random, data: data, batchSize: 16, plan: .constant(rate: 3e-3))
    var losses: [Real] = []
    for step in 0..<150 {
      losses.append(try method.step(&state, &context)["loss"] ?? .nan)
      context = context.next(random: random.child("step", step + 1))
    }
    let last = losses.suffix(20).reduce(0, +) / 20
    #expect(last < 0.8 * losses[0], "from \(losses[0]) to \(last)")
  }
}
