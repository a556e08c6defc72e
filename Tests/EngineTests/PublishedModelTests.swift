import ReproConfig
import ReproData
import ReproNN
import ReproTensor
import TestSupport
import Testing

@testable import ReproEngine

/// A file beside the vectors of PyTorch.
func vectorPath(_ name: String) -> String {
  let tests = "/" + Substring(#filePath).split(separator: "/").dropLast(2).joined(separator: "/")
  return "\(tests)/Support/vectors/\(name)"
}

/// Networks in the layouts that their authors publish, against features that PyTorch computed (make_published_models.py).
@Suite("Published models") struct PublishedModelTests {
  private let vectors: VectorFile
  private let ints: HDF5File

  init() throws {
    vectors = try VectorFile("published_features.h5")
    ints = try HDF5File.open(vectorPath("published_features.h5"), seal: .ifPresent)
  }

  private func plan(_ name: String, _ model: PublishedModel, heads: Int = 2) throws -> PublishedModel.Plan {
    let file = try WeightFile(vectorPath("published_\(name).pth"))
    #expect(PublishedModel.detected(in: file) == model)
    var choices = PublishedModel.Choices()
    choices.heads = heads
    return try model.plan(file, choices)
  }

  private func numbers(_ path: String) throws -> IndexTensor {
    let tensor = try vectors.tensor(path)
    return IndexTensor(tensor.shape, tensor.values.map { Int($0) })
  }

  @discardableResult
  private func expect(_ found: Tensor, _ path: String) throws -> Double {
    let error = expectClose(found, try vectors.tensor(path), tolerance: 1e-4, path)
    ProofLog.record("published weights", path, "\(found.shape)", error)
    return error
  }

  @Test(arguments: [
    ("dinov2", PublishedModel.dinov2), ("dinov2_registers", .dinov2), ("dinov2_gated", .dinov2), ("dinov3", .dinov3),
    ("dinov3_gated", .dinov3), ("timm_vit", .timmViT),
  ])
  func visionTransformersGivePyTorchsFeaturesAtEverySize(_ name: String, _ model: PublishedModel) throws {
    let plan = try plan(name, model)
    #expect(plan.difference.isEmpty, "\(plan.difference.summary)")
    let vit = try plan.loaded(as: PretrainedViT.self)
    expectEveryTensorIsVisited(vit)
    // The size of the learnt grid, a larger one that is not square, and a smaller one.
    for size in ["learnt", "wide", "small"] {
      let images = try vectors.tensor("\(name)/\(size)/images")
      let y = vit(images)
      try expect(y.classToken, "\(name)/\(size)/token")
      try expect(y.patches, "\(name)/\(size)/patches")
      if model == .timmViT { try expect(vit.logits(images), "\(name)/\(size)/logits") }
    }
  }

  @Test(arguments: ["resnet", "resnet_bottleneck"])
  func residualNetworksGivePyTorchsFeaturesAndLogits(_ name: String) throws {
    let network = try plan(name, .resnet).loaded(as: ResNet.self)
    let images = try vectors.tensor("\(name)/images")
    try expect(network.features(images).pooled, "\(name)/features")
    try expect(network(images), "\(name)/logits")
  }

  @Test(arguments: ["clip", "open_clip"])
  func bothTowersOfCLIPGivePyTorchsFeatures(_ name: String) throws {
    let clip = try plan(name, .clip).loaded(as: CLIP.self)
    expectEveryTensorIsVisited(clip)
    for size in ["learnt", "wide"] {
      try expect(clip.visual(try vectors.tensor("\(name)/\(size)/images")), "\(name)/\(size)/image")
    }
    try expect(clip.text(try numbers("\(name)/tokens")), "\(name)/text")
    #expect(clip.logitScale.item == Real(Float(2.7)))
  }

  @Test(arguments: ["bert", "bert_old"])
  func encodersOfTextGivePyTorchsVectors(_ name: String) throws {
    let bert = try plan(name, .bert).loaded(as: BERT.self)
    expectEveryTensorIsVisited(bert)
    let (tokens, padding) = (try numbers("\(name)/tokens"), try vectors.tensor("\(name)/padding"))
    let states = bert(tokens, padding: padding, types: try numbers("\(name)/types"))
    try expect(states * (1 - padding).expandedAxis(-1), "\(name)/states")
    try expect(bert.pooled(states), "\(name)/pooled")
    try expect(bert.sentences(tokens, padding: padding), "\(name)/sentences")
  }

  @Test func containersWithSeveralNetworksAreSearchedForTheOneThatIsMeant() throws {
    #expect(try plan("dinov2_registers", .dinov2).view.prefix == "teacher.backbone.")
    #expect(try plan("timm_vit", .timmViT).view.prefix == "state_dict.module.")
    #expect(try plan("bert_old", .bert).view.prefix == "bert.")
    try withTemporaryFolder { folder in
      let file = try WeightFile(vectorPath("published_dinov2.pth"))
      let both = ["student.", "teacher."].flatMap { part in
        file.entries.map { WeightToWrite($0, of: file, name: part + $0.name) }
      }
      try WeightWriter.safetensors("\(folder)/both.safetensors", both)
      let pair = try WeightFile("\(folder)/both.safetensors")
      var choices = PublishedModel.Choices()
      choices.heads = 2
      #expect(try PublishedModel.dinov2.plan(pair, choices).view.prefix == "teacher.")
      choices.part = "student"
      let student = try PublishedModel.dinov2.plan(pair, choices)
      #expect(student.view.prefix == "student." && student.difference.isEmpty)
    }
  }

  @Test func chunkedBlocksOfTrainingRunsAreRead() throws {
    try withTemporaryFolder { folder in
      let file = try WeightFile(vectorPath("published_dinov2.pth"))
      let chunked = file.entries.map { entry in
        WeightToWrite(
          entry, of: file,
          name: entry.name.replacing("blocks.1.", with: "blocks.1.1.").replacing(
            "blocks.0.", with: "blocks.0.0."))
      }
      try WeightWriter.safetensors("\(folder)/a.safetensors", chunked)
      var choices = PublishedModel.Choices()
      choices.heads = 2
      let plan = try PublishedModel.dinov2.plan(try WeightFile("\(folder)/a.safetensors"), choices)
      #expect(plan.difference.isEmpty, "\(plan.difference.summary)")
    }
  }

  @Test func everyDifferenceIsPrintedAndNothingIsLoaded() throws {
    try withTemporaryFolder { folder in
      let file = try WeightFile(vectorPath("published_dinov2.pth"))
      var arrays = file.entries.filter { $0.name != "blocks.1.ls2.gamma" && $0.name != "norm.bias" }
        .map { WeightToWrite($0, of: file) }
      arrays.append(WeightToWrite("norm.bias", .zeros([9])))
      arrays.append(WeightToWrite("extra.weight", .zeros([2, 3])))
      let path = "\(folder)/a.safetensors"
      try WeightWriter.safetensors(path, arrays)
      var choices = PublishedModel.Choices()
      choices.heads = 2
      let plan = try PublishedModel.dinov2.plan(try WeightFile(path), choices)
      #expect(
        Set(plan.difference.lines.map(\.description)) == [
          "missing blocks.1.ls2.gamma [8]", "mismatched norm.bias [9], expected [8]", "unexpected extra.weight [2, 3]",
        ])
      let error = reproError { _ = try plan.loaded(as: PretrainedViT.self) }
      #expect(error?.domain == .data && error?.location == path)
      #expect(error?.found.hasPrefix("the weights do not fit: 1 missing, 1 unexpected, 1 mismatched beside ") == true)
      // Half of a projection that is split, and a network of another kind.
      let other = reproError { _ = try PublishedModel.clip.plan(file) }
      #expect(other?.found == "there is no array 'visual.conv1.weight'")
      choices.heads = 3
      let heads = reproError { _ = try PublishedModel.dinov2.plan(file, choices) }
      #expect(heads?.found == "a width of 8 cannot have 3 heads")
    }
  }

  @Test func numbersThatAreNotFiniteAreNotLoaded() throws {
    try withTemporaryFolder { folder in
      let file = try WeightFile(vectorPath("published_dinov2.pth"))
      var arrays = file.entries.filter { $0.name != "norm.bias" }.map { WeightToWrite($0, of: file) }
      arrays.append(WeightToWrite("norm.bias", .full([8], .nan)))
      try WeightWriter.safetensors("\(folder)/a.safetensors", arrays)
      var choices = PublishedModel.Choices()
      choices.heads = 2
      let plan = try PublishedModel.dinov2.plan(try WeightFile("\(folder)/a.safetensors"), choices)
      #expect(
        reproError { _ = try plan.loaded(as: PretrainedViT.self) }?.found
          == "'norm.bias' holds numbers that are not finite")
    }
  }
}

/// Real weights: the ResNet-20 of the mirror, in its three containers.
@Suite("The CIFAR networks of the mirror", .enabled(if: realMirror() != nil, "no mirror")) struct CIFARWeightTests {
  private func mirror(_ name: String) throws -> String { "\(try #require(realMirror()))/\(name)" }

  private func images(_ pixels: [UInt8], count: Int) -> Tensor {
    ImageBatch(count: count, height: 32, width: 32, channels: 3, bytes: pixels).tensor(.imageNet)
  }

  @Test(arguments: ["resnet20-12fca82f.th", "resnet20_zip.pth", "resnet20.safetensors"])
  func featuresAndLogitsOfEveryContainerAreThePublishedOnes(_ name: String) throws {
    let file = try WeightFile(mirror("cifar10-resnet/\(name)"))
    #expect(PublishedModel.detected(in: file) == .cifarResNet)
    let plan = try PublishedModel.cifarResNet.plan(file)
    #expect(plan.view.prefix == (name.hasSuffix(".th") ? "state_dict.module." : ""))
    let network = try plan.loaded(as: CIFARResNet.self)
    #expect(network.layer1.count == 3)
    #expect(network.parameters.reduce(0) { $0 + $1.shape.count } == 271_098)
    let expected = try NPZArchive(path: mirror("cifar10-resnet/expected.npz"))
    let pixels = try expected.bytes("pixels", rank: 4).values
    for (array, found) in [
      ("resnet20_features", network.features(images(pixels, count: 32))),
      ("resnet20_logits", network(images(pixels, count: 32))),
    ] {
      guard case .float32(let values) = try expected.array(array).values else { throw ReproError(.data, found: array) }
      let error = expectClose(found, Tensor(found.shape, values.map { Real($0) }), tolerance: 1e-4, array)
      ProofLog.record("published weights", name, array, error)
    }
  }

  @Test func theAccuracyOnTheTestImagesIsThePublishedOneImageByImage() throws {
    let network = try PublishedModel.cifarResNet.plan(WeightFile(mirror("cifar10-resnet/resnet20.safetensors")))
      .loaded(as: CIFARResNet.self)
    let expected = try NPZArchive(path: mirror("cifar10-resnet/expected.npz")).integers("resnet20_predictions_test")
    let test = try NPZArchive(path: mirror("cifar10-jpeg/cifar10_test.npz"))
    let labels = try test.integers("labels")
    let jpegs = try test.ragged("jpeg", offsets: "offsets")
    let pixels = try JPEGDecoder.decodeAll(
      jpegs.values, items: jpegs.items, height: 32, width: 32, name: "cifar10_test.npz")
    var found: [Int] = []
    for first in stride(from: 0, to: labels.count, by: 500) {
      let part = Array(pixels[(first * 3072)..<((first + 500) * 3072)])
      found += network(images(part, count: 500)).argmax().values
    }
    #expect(zip(found, labels).count { $0 == $1 } == 8103)
    let differing = zip(found, expected).count { $0 != $1 }
    #expect(differing == 0)
  }
}
