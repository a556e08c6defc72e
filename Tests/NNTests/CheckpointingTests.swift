import ReproTensor
import TestSupport
import Testing

@testable import ReproNN

@Suite("Activation checkpointing")
struct CheckpointingTests {
  /// Two convolutions with a norm and stochastic depth, and one more use of the input.
  private struct Segment: Layer {
    var conv1, conv2: Conv2d
    var norm: BatchNorm2d
    init(_ random: RandomStream) {
      conv1 = Conv2d(3, 4, kernel: 3, padding: 1, random: random.child("conv1"))
      conv2 = Conv2d(4, 4, kernel: 1, random: random.child("conv2"))
      norm = BatchNorm2d(4)
    }
    mutating func visit(_ v: inout some LayerVisitor) {
      v("conv1", &conv1)
      v("norm", &norm)
      v("conv2", &conv2)
    }
    mutating func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
      let h = norm(conv1(x), context).gelu()
      return residual(h, rate: 0.4, context) { conv2($0).tanh() } + x.mean(1, keepsAxis: true)
    }
    func callAsFunction(_ x: Tensor) -> Tensor {
      let h = norm(conv1(x)).gelu()
      return h + conv2(h).tanh() + x.mean(1, keepsAxis: true)
    }
  }

  private let context = ForwardContext(random: RandomStream(seed: 9))

  private func input() -> Tensor {
    var stream = RandomStream(seed: 1)
    return stream.normal([4, 3, 5, 6])
  }

  /// Output, gradients of the input and of all parameters, and the layer afterwards.
  private func train(_ run: (inout Segment, Tensor) -> Tensor) -> (tensors: [Tensor], layer: Segment) {
    var tracked = Segment(RandomStream(seed: 2)).tracked()
    let x = input().tracked
    let y = run(&tracked.layer, x)
    let found = gradients(of: y.squared().sum(), with: [x] + tracked.variables)
    return ([y.detached] + found, tracked.released)
  }

  @Test func valueGradientsAndBuffersAreThoseOfThePlainCallToTheBit() {
    let plain = train { layer, x in layer(x, context) }
    let checkpoint = train { layer, x in checkpointed(&layer, x) { [context] layer, x in layer(x, context) } }
    #expect(plain.tensors.count == 8)
    for (a, b) in zip(plain.tensors, checkpoint.tensors) { #expect(sameBits(a, b)) }
    for (a, b) in zip(plain.layer.tensors, checkpoint.layer.tensors) { #expect(sameBits(a, b)) }
    #expect(checkpoint.layer.norm.batches == 1 && !sameBits(checkpoint.layer.norm.runningMean, .zeros([4])))
  }

  @Test func checkpointsMayBeNested() {
    let plain = train { layer, x in layer(x, context) }
    let nested = train { layer, x in
      checkpointed(&layer, x) { [context] layer, x in
        checkpointed(&layer, x) { layer, x in layer(x, context) }
      }
    }
    for (a, b) in zip(plain.tensors, nested.tensors) { #expect(sameBits(a, b)) }
    #expect(nested.layer.norm.batches == 1)
  }

  @Test func aFrozenLayerIsRecomputedToo() {
    let layer = Segment(RandomStream(seed: 2))
    let x = input().tracked
    let (plain, checkpoint) = (layer(x), checkpointed(layer, x) { layer, x in layer(x) })
    #expect(sameBits(plain, checkpoint))
    let (a, b) = (gradients(of: plain.sum(), with: [x])[0], gradients(of: checkpoint.sum(), with: [x])[0])
    #expect(sameBits(a, b))
  }

  @Test func derivativesOfDerivativesPassThrough() {
    let f: TensorFunction = { inputs in
      var layer = Segment(RandomStream(seed: 2))
      layer.conv1.weight = inputs[1]
      return checkpointed(layer, inputs[0]) { layer, x in layer(x) }
    }
    let weight = Segment(RandomStream(seed: 2)).conv1.weight
    expectGradient(of: f, at: [input(), weight])
    expectSecondOrder(of: f, at: [input(), weight])
    expectFusedEqualsComposed(of: f, at: [input(), weight])
  }

  @Test func theSegmentRunsOnceForwardAndOnceBackwardAndNeverRecordsForward() {
    final class Log { var recorded: [Bool] = [] }
    let log = Log()
    let x = input().tracked
    var tracked = Segment(RandomStream(seed: 2)).tracked()
    let y = checkpointed(&tracked.layer, x) { [context] layer, x in
      let y = layer(x, context)
      log.recorded.append(y.isTracked)
      return y
    }
    #expect(log.recorded == [false])
    _ = gradients(of: y.sum(), with: [x])
    #expect(log.recorded == [false, true])
  }

  @Test func aTrackedTensorThatIsNoArgumentIsRefused() async {
    await #expect(processExitsWith: .failure) {
      let (x, stray) = (Tensor.ones([2, 2]).tracked, Tensor.ones([2, 2]).tracked)
      _ = checkpointed(Linear(2, 2, random: RandomStream(seed: 1)), x) { layer, x in layer(x) + stray }
    }
  }
}
