import Glibc
import ReproNN
import ReproTensor
import TestSupport
import Testing

@testable import Distillation

@Suite struct ProjectionHeadTests {
  private let configuration = ProjectionHead.Configuration(hidden: 16, bottleneck: 6, layers: 3, prototypes: 11)

  @Test func itAgreesWithPyTorchsWeightNormInValueAndAllGradients() throws {
    let vectors = try Vectors()
    var head = ProjectionHead(12, configuration, random: RandomStream(seed: 1))
    var missing: [String] = []
    head = head.rewritten { path, _ in
      let value = try? vectors("head/weights/\(path)")
      if value == nil { missing.append(path) }
      return value
    }
    #expect(missing == [])
    var tracked = head.tracked()
    let x = try vectors("head/input").tracked
    let y = tracked.layer(x)
    expectClose(y, try vectors("head/output"), tolerance: 1e-6, "output")
    let seed = try vectors("head/seed")
    expectClose(
      gradients(of: y, seed: seed, with: [x])[0], try vectors("head/input_gradient"), tolerance: 1e-5, "input")
    tracked = head.tracked()
    let found = tracked.gradients(of: tracked.layer(x.detached), seed: seed)
    for (p, gradient) in zip(head.parameters, found.values) {
      expectClose(gradient, try vectors("head/gradient/\(p.path)"), tolerance: 1e-5, p.path)
    }
  }

  @Test func gainsAreTrainedAndStartAtOne() {
    let head = ProjectionHead(12, configuration, random: RandomStream(seed: 1))
    let gain = head.parameters.first { $0.path == "last_layer.weight_g" }
    #expect(gain?.isTrained == true && gain?.shape == [11, 1])
    #expect(head.gain.values.allSatisfy { $0 == 1 })
  }

  @Test func directionsStartAsPyTorchsLinearMapsDo() {
    // Uniform within 1 / sqrt(64) = 0.125: deviation 0.125 / sqrt(3).
    let wide = ProjectionHead.Configuration(hidden: 8, bottleneck: 64, layers: 2, prototypes: 500)
    let v = ProjectionHead(8, wide, random: RandomStream(seed: 2)).direction.values.map(Double.init)
    #expect(v.allSatisfy { abs($0) <= 0.125 } && v.contains { $0 > 0.12 } && v.contains { $0 < -0.12 })
    let deviation = (v.reduce(0) { $0 + $1 * $1 } / Double(v.count)).squareRoot()
    #expect(abs(deviation - 0.125 / 3.0.squareRoot()) < 0.001)
  }

  @Test func logitsAreCosinesTimesGainsWhateverTheLengthOfDirections() {
    var stream = RandomStream(seed: 3)
    var head = ProjectionHead(12, configuration, random: stream.child("head"))
    let x = stream.normal([4, 12])
    let logits = head(x)
    #expect(logits.values.allSatisfy { abs($0) <= 1.00001 })
    head.direction = head.direction * 7
    expectClose(head(x), logits, tolerance: 1e-5)
    head.gain = head.gain * 3
    expectClose(head(x), logits * 3, tolerance: 1e-5)
  }
}
