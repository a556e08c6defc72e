import Foundation
import ReproTensor
import TestSupport
import Testing

@testable import ReproNN

/// A case of a file of layers.
struct LayerCase: Sendable, CustomTestStringConvertible {
  let file, name, label: String
  var testDescription: String { "\(name) \(label.prefix { $0 != "#" })" }
}

@Suite("Layers agree with PyTorch")
struct LayerParityTests {
  /// The rows of each file of vectors.
  static let rows: [(file: String, rows: [LayerRow])] = [
    ("layers.h5", LayerRows.basic + LayerRows.recurrent + LayerRows.convNeXt + LayerRows.generative),
    ("attention.h5", LayerRows.attention + LayerRows.transformers + LayerRows.detr + LayerRows.swin),
    ("graphs.h5", LayerRows.graphs + LayerRows.points), ("networks.h5", LayerRows.images + LayerRows.fields),
    ("spatial_layers.h5", LayerRows.convolutions), ("scattering.h5", LayerRows.scattering),
  ]

  static func cases() throws -> [LayerCase] {
    try rows.flatMap { file, _ in
      let vectors = try VectorFile(file)
      return try vectors.names().flatMap { name in
        try vectors.names(name).map { LayerCase(file: file, name: name, label: $0) }
      }
    }
  }

  @Test("in outputs, every gradient and buffers", arguments: try cases())
  func agree(_ c: LayerCase) throws {
    let row = try #require(Self.rows.first { $0.file == c.file }?.rows.first { $0.name == c.name }, "no row \(c.name)")
    try row.check(try VectorFile(c.file), c.label)
  }

  @Test func everyRowHasVectors() throws {
    for (file, rows) in Self.rows {
      #expect(Set(rows.map(\.name)).count == rows.count, "two rows of \(file) have one name")
      #expect(Set(rows.map(\.name)) == Set(try VectorFile(file).names()), "\(file)")
    }
  }

  /// Layers that are compared elsewhere, and where.
  static let elsewhere: [String: String] = [
    "Dropout": "DropoutTests: random", "PatchEmbedding": "VisionTransformerTests: as a part of it",
    "VisionTransformer": "VisionTransformerTests", "SDFNetwork": "DistanceFieldParityTests",
    "ResNet": "ResNetParityTests", "ResidualBlock": "ResNetParityTests: as a part of it",
    "Downsample": "ResNetParityTests: as a part of it", "BatchNorm": "BatchNormTests, and ResNetParityTests",
    "Conv2d": "ConvTests: loops in Double", "ConvTranspose2d": "ConvTests: loops in Double",
    "Optimizer": "OptimizerTests", "MovingAverage": "MovingAverageTests", "FeatureQueue": "LayerTests: by hand",
    "PReLU": "LayerTests: by hand",
    "ConvNeXtStage": "as a part of ConvNeXt", "DETRDecoderStack": "as a part of DETRDecoder",
    "PointNetFeatures": "as a part of PointNet", "UNetUp": "as a part of UNet",
    "NormalizedConv3d": "as a part of ResNet3D",
    "ResidualBlock3d": "as a part of ResNet3D",
    "SwiGLU": "PublishedModelTests: as a part of PretrainedViT", "PretrainedViT": "PublishedModelTests",
    "PretrainedViTBlock": "PublishedModelTests: as a part of PretrainedViT", "CLIP": "PublishedModelTests",
    "CLIPImageTower": "PublishedModelTests: as a part of CLIP", "BERT": "PublishedModelTests",
    "CLIPTextTower": "PublishedModelTests: as a part of CLIP", "CIFARResNet": "CIFARWeightTests",
    "CIFARBlock": "CIFARWeightTests: as a part of CIFARResNet",
  ]

  /// The names of all public layer types of Core/NN.
  static func publicLayers() throws -> [String] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Core/NN").standardized
    return try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".swift") }
      .flatMap { file in
        try String(contentsOf: folder.appending(path: file), encoding: .utf8)
          .matches(of: /public struct (\w+)(?:<[^>]*>)?: Layer\b/).map { String($0.output.1) }
      }
  }

  @Test func everyPublicLayerIsComparedWithSomethingThatWeDidNotWrite() throws {
    let names = try Self.publicLayers()
    #expect(names.count > 30, "the sources were read")
    let types = Set(Self.rows.flatMap { $0.rows.map(\.type) })
    for name in names {
      #expect(types.contains(name) != (Self.elsewhere[name] != nil), "\(name) has no row, or a row and an excuse")
    }
    for name in Self.elsewhere.keys { #expect(names.contains(name), "\(name) is no layer any more") }
  }
}

@Suite("Fixed positions")
struct FixedPositionTests {
  @Test func areThoseOfTheirPapers() throws {
    let file = try VectorFile("layer_positions.h5")
    expectClose(
      sinCosPositions(rows: 3, columns: 4, width: 8), try file.tensor("positions/grid 3 4 of 8"), tolerance: 1e-6)
    expectClose(sinusoidalPositions(7, width: 6), try file.tensor("positions/sequence 7 of 6"), tolerance: 1e-6)
  }

  @Test func ofAVisionTransformerAreNotTrainedAndGrowWithTheGrid() {
    var c = ViTConfiguration(imageSize: 8, patch: 4, channels: 1, width: 8, depth: 0, heads: 2)
    c.positions = .sinCos
    let vit = VisionTransformer(c, random: RandomStream(seed: 1))
    #expect(vit.parameters.first { $0.path == "pos_embed" }?.role == .buffer)
    let positions = concat([.zeros([1, 8]), sinCosPositions(rows: 2, columns: 2, width: 8)])
    #expect(sameBits(vit.posEmbed.squeezed(0), positions))
    // Equal patches differ by their positions only.
    let (small, wide) = (vit(.ones([1, 1, 8, 8])), vit(.ones([1, 1, 8, 12])))
    #expect(small.patches.shape == [1, 4, 8] && wide.patches.shape == [1, 6, 8])
    expectClose(wide.patches.slice(1, 0..<2), small.patches.slice(1, 0..<2), tolerance: 1e-6)
    expectClose(wide.patches.slice(1, 3..<5), small.patches.slice(1, 2..<4), tolerance: 1e-6)
  }
}
