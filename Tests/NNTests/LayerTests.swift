import Foundation
import ReproNN
import ReproTensor
import TestSupport
import Testing

/// One value of every layer type of Core/NN, with all optional parts.
enum LayerTable {
  static let random = RandomStream(seed: 11)

  static var transformer: VisionTransformer {
    var c = ViTConfiguration(imageSize: 8, patch: 4, channels: 2, width: 6, depth: 2, heads: 2)
    (c.registers, c.layerScale, c.hasMaskToken, c.dropPath) = (1, 0.1, true, 0.3)
    return VisionTransformer(c, random: random)
  }

  /// What appears inside of others only.
  static var parts: [any Layer] {
    let detector = DETRDecoder(
      TransformerConfiguration(width: 4, heads: 2, hidden: 4), depth: 1, queries: 2, classes: 2, random: random)
    let video = ResNet3D(blocks: [1, 1, 1, 1], width: 2, random: random)
    return [
      detector.decoder, LayerRows.convNeXt().stages[1], LayerRows.pointNet().feat, LayerRows.unet().up[0], video.stem,
      video.layer2[0],
    ]
  }

  static var all: [any Layer] {
    let linear = Linear(3, 2, random: random)
    var distance = SDFConfiguration()
    (distance.width, distance.layers, distance.skips) = (8, 3, [1])
    var small = ResNetConfiguration.resnet18
    small.width = 2
    let residual = ResNet(small, random: random)
    return [
      linear, Linear(3, 2, bias: false, random: random), LayerNorm(4), MLP(4, hidden: 6, random: random),
      SelfAttention(4, heads: 2, random: random), LayerScale(4, initial: 0.1),
      TransformerBlock(transformer.configuration, random: random),
      PatchEmbedding(transformer.configuration, random: random),
      transformer, Optimizer(.adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8), for: linear),
      Optimizer(.sgd(momentum: 0.9, nesterov: true), for: transformer),
      FeatureQueue(capacity: 6, width: 2, random: random), SDFNetwork(distance, random: random),
      MovingAverage(of: linear, rate: .uniform),
      Conv2d(2, 3, kernel: 3, random: random), ConvTranspose2d(2, 3, kernel: 2, random: random), BatchNorm(3),
      residual, residual.layer2[0], residual.layer2[0].downsample ?? BatchNorm(1), Dropout(0.5), PReLU(),
    ] + LayerParityTests.rows.flatMap { $0.rows.map { $0.make() } } + parts + published
  }
}

@Suite("Layers")
struct LayerTests {
  @Test(arguments: LayerTable.all.indices)
  func visitsEveryTensorThatItStores(_ i: Int) {
    let layer = LayerTable.all[i]
    expectEveryTensorIsVisited(layer)
    // A plain instance norm has neither gain nor bias.
    let mayBeEmpty = layer is Dropout || layer is NoParameters || layer is InstanceNorm
    #expect(layer.tensors.count > 0 || mayBeEmpty, "\(type(of: layer)) stores nothing")
  }

  @Test func everyLayerTypeOfTheSourcesIsInTheTable() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Core/NN").standardized
    let covered = Set(LayerTable.all.map { "\(type(of: $0))".prefix { $0 != "<" } }.map(String.init))
    var names: [String] = []
    for file in try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted() where file.hasSuffix(".swift")
    {
      let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
      names += text.matches(of: /struct (\w+)(?:<[^>]*>)?: Layer\b/).map { String($0.output.1) }
    }
    #expect(names.count >= 11, "the sources were read")
    for name in names { #expect(covered.contains(name), "\(name) is not in LayerTable") }
  }

  /// He et al. 2015, Eq. 1 and 8 to 10: below 0 the slope is a, and a gets what comes in there.
  @Test func aLearntRectifierBendsAtZero() {
    var layer = PReLU()
    layer.weight = Tensor([1], [0.25]).tracked
    let x = Tensor([4], [-2, -0.5, 1, 3]).tracked
    let y = layer(x)
    #expect(y.values == [-0.5, -0.125, 1, 3])
    let found = gradients(of: (y * Tensor([4], [1, 2, 3, 4])).sum(), with: [x, layer.weight])
    #expect(found[0].values == [0.25, 0.5, 3, 4])
    #expect(found[1].values == [-3], "-2 x 1 - 0.5 x 2")
  }

  @Test func aForgottenFieldIsFound() {
    struct Forgetful: Layer {
      var weight = Tensor.ones([2])
      var forgotten: [Tensor?] = [Tensor.ones([3])]
      mutating func visit(_ v: inout some LayerVisitor) { v("weight", &weight) }
    }
    withKnownIssue { expectEveryTensorIsVisited(Forgetful()) }
  }

  @Test func parametersAreNamedByTheirPlaceAndRole() {
    let parameters = LayerTable.transformer.parameters
    func info(_ path: String) -> ParameterInfo? { parameters.first { $0.path == path } }
    let qkv = info("blocks.1.attn.qkv.weight")
    #expect(qkv?.role == .weight && qkv?.shape == [18, 6] && qkv?.isTrained == true)
    #expect(info("blocks.0.norm1.weight")?.role == .gain && info("blocks.0.ls2.gamma")?.role == .gain)
    #expect(info("blocks.0.mlp.fc1.bias")?.role == .bias && info("cls_token")?.role == .bias)
    // Hand count: tokens 6 + 5 * 6 + 6 + 6, patches 6 * 2 * 16 + 6, norm 12, and two blocks of
    // norms 24, scales 12, attention 18 * 6 + 18 + 36 + 6, MLP 24 * 6 + 24 + 6 * 24 + 6.
    #expect(LayerTable.transformer.parameterCount == 48 + 198 + 12 + 2 * (24 + 12 + 168 + 318))
  }

  @Test func initialisationDependsOnTheStreamAndThePlaceOnly() {
    let (a, b) = (LayerTable.transformer, LayerTable.transformer)
    #expect(zip(a.tensors, b.tensors).allSatisfy { sameBits($0, $1) })
    #expect(!sameBits(a.blocks[0].attn.qkv.weight, a.blocks[1].attn.qkv.weight))
    #expect(!sameBits(a.blocks[0].mlp.fc1.weight, a.blocks[0].mlp.fc2.weight.transposed().contiguous()))
  }

  @Test func averageIsTheMovingAverageAndCopiesBuffers() {
    struct Norm: Layer {
      var gain: Tensor
      var running: Tensor
      mutating func visit(_ v: inout some LayerVisitor) {
        v("gain", &gain, .gain)
        v("running", &running, .buffer)
      }
    }
    let start = Norm(gain: .full([3], 2), running: .full([3], 5))
    let student = Norm(gain: Tensor([3], [1, 4, 8]), running: Tensor([3], [6, 7, 8]))
    var teacher = start
    for _ in 0..<3 { teacher.average(with: student, rate: 0.5) }
    // own_3 = own_0 / 8 + student * 7 / 8
    #expect(teacher.gain.values == [1.125, 3.75, 7.25])
    #expect(teacher.running.values == [6, 7, 8])
    #expect(
      start.gain.values == [2, 2, 2] && student.gain.values == [1, 4, 8], "neither the copy nor the source changes")
    var same = student
    same.average(with: student, rate: 0.25)
    #expect(same.gain.values == [1, 4, 8])
  }

  @Test func aCopyIsIndependent() {
    let original = LayerTable.transformer
    let before = original.tensors.map(\.values)
    var copy = original
    for i in copy.blocks.indices { copy.blocks[i].attn.qkv.weight = .zeros(copy.blocks[i].attn.qkv.weight.shape) }
    copy.norm.weight.withMutableElements { $0[0] = 42 }
    copy.average(with: original, rate: 0.5)
    #expect(original.tensors.map(\.values) == before)
    #expect(copy.norm.weight.values[0] == 21.5)
  }

  @Test func buffersOfShardsAreAveragedInTheLayer() {
    var queue = FeatureQueue(capacity: 4, width: 2, random: LayerTable.random)
    var (a, b) = (queue, queue)
    a.push(Tensor([2, 2], [1, 2, 3, 4]))
    b.push(Tensor([2, 2], [3, 4, 5, 6]))
    queue.takeBuffers(meanOf: [a, b])
    #expect(Array(queue.rows.values.prefix(4)) == [2, 3, 4, 5])
    #expect(queue.head == 2)
  }

  @Test func aQueueReplacesItsOldestRowsAndWrapsAround() {
    var queue = FeatureQueue(capacity: 4, width: 1, random: LayerTable.random)
    for k in 0..<3 { queue.push(Tensor([2, 1], [Real(10 * k), Real(10 * k + 1)])) }
    #expect(queue.rows.values == [20, 21, 10, 11] && queue.head == 2)
    let copy = queue
    queue.push(Tensor([1, 1], [99]))
    #expect(copy.rows.values == [20, 21, 10, 11] && queue.rows.values == [20, 21, 99, 11] && queue.head == 3)
  }
}
