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

@Suite struct ViewAgreementTests {
  @Test func equalProjectionsCostTheLogarithmOfTheirNumber() {
    let z = Tensor.ones([6, 4])
    expectClose(ViewAgreement.loss(z, z, temperature: 0.2), Tensor(Real(log(6.0))), tolerance: 1e-6)
  }

  @Test func theLossEqualsALoopInDouble() {
    var stream = RandomStream(seed: 1)
    let (a, b) = (stream.normal([5, 3]), stream.normal([5, 3]))
    let loss = ViewAgreement.loss(a, b, temperature: 0.3)
    expectClose(loss, Tensor(Real(loop(a, b, temperature: 0.3))), tolerance: 1e-5)
  }

  @Test func theGradientIsTheSlopeOfTheLoss() {
    var stream = RandomStream(seed: 2)
    let inputs = [stream.normal([4, 3]), stream.normal([4, 3])]
    expectGradient(of: { ViewAgreement.loss($0[0], $0[1], temperature: 0.5) }, at: inputs)
  }

  @Test func aStepMovesEveryParameter() throws {
    let (method, data) = try small()
    let before = try method.makeState(for: data.spec, random: RandomStream(seed: 3))
    var after = before
    var context = StepContext(
      step: 0, steps: 10, random: RandomStream(seed: 4),
      data: try TrainingData(data, labelled: false, random: RandomStream(seed: 5)), batchSize: 16)
    _ = try method.step(&after, &context)
    for (name, (old, new)) in zip(before.parameters.map(\.path), zip(before.tensors, after.tensors)) {
      #expect(!sameBits(old, new), "\(name) stayed as it was")
    }
  }

  @Test func shardsGiveTheLossOfTheWholeBatch() throws {
    let (method, data) = try small()
    let losses = try [1, 4].map { shards in
      var state = try method.makeState(for: data.spec, random: RandomStream(seed: 3))
      var context = StepContext(
        step: 0, steps: 10, random: RandomStream(seed: 4),
        data: try TrainingData(data, labelled: false, random: RandomStream(seed: 5)), batchSize: 16, shards: shards)
      return try #require(try method.step(&state, &context)["loss"])
    }
    #expect(abs(losses[0] - losses[1]) < 1e-5)
  }

  /// A network of a few thousand parameters and a few small pictures.
  private func small() throws -> (ViewAgreement, ScenesObjects) {
    var options = try Section(
      YAMLNode(parsing: "{patch: 8, width: 16, depth: 1, heads: 2, projection: 8}", file: "test"), name: "method")
    let method = try ViewAgreement(&options)
    try options.finish()
    var data = try Section(YAMLNode(parsing: "{size: 16, train: 32, test: 8}", file: "test"), name: "data")
    return (method, try ScenesObjects(&data, root: DataRoot(cache: "/tmp", mirror: nil, seed: 0)))
  }

  /// The formula of the loss, term by term.
  private func loop(_ a: Tensor, _ b: Tensor, temperature: Double) -> Double {
    let (n, width) = (a.shape[0], a.shape[1])
    func rows(_ x: Tensor) -> [[Double]] {
      x.withElements { p in
        (0..<n).map { i in
          let row = (0..<width).map { Double(p[i * width + $0]) }
          let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
          return row.map { $0 / length }
        }
      }
    }
    let (u, v) = (rows(a), rows(b))
    var total = 0.0
    for i in 0..<n {
      let scores = v.map { other in zip(u[i], other).reduce(0) { $0 + $1.0 * $1.1 } / temperature }
      total += log(scores.reduce(0) { $0 + exp($1) }) - scores[i]
    }
    return total / Double(n)
  }
}
