import Evaluations
import ReproConfig
import ReproData
import ReproTensor
import TestSupport
import Testing

@testable import ReproEngine

/// Photographs in folders, `<path>/<split>/<class>/*.png`, brought to size as published networks are evaluated.
private struct PhotoFolders: DatasetProvider {
  static let card = DatasetCard(id: "photo-folders", title: "Folders", source: "this test", licence: "none")
  private let files: [Split: [(path: String, label: Int)]]
  let spec: DataSpec
  var fingerprint: String { "photo-folders/1" }

  init(_ options: inout Section, root: DataRoot) throws {
    let path = try options.string("path")
    let classes = SafeFile.list("\(path)/train")
    var files: [Split: [(path: String, label: Int)]] = [:]
    for split in [Split.train, .test] {
      files[split] = classes.enumerated().flatMap { label, name in
        SafeFile.list("\(path)/\(split.rawValue)/\(name)").map { ("\(path)/\(split.rawValue)/\(name)/\($0)", label) }
      }
    }
    self.files = files
    spec = DataSpec(
      fields: [
        FieldSpec("image", .image(height: 12, width: 12, channels: 3), isLabel: false),
        FieldSpec("label", .category(classes: classes), isLabel: true),
      ], sizes: files.mapValues(\.count))
  }

  func batch(_ indices: [Int], of split: Split) throws -> Batch {
    let chosen = indices.compactMap { files[split]?[$0] }
    let images = try chosen.map { try PNG.read($0.path).evaluated(resize: 16, crop: 12).image(0) }
    return Batch(
      indices: indices, columns: [("image", .images(ImageBatch(images))), ("label", .integers(chosen.map(\.label)))])
  }
}

extension EvaluationsTests {
  /// Published weights instead of a method: what `repro run RECIPE --scale paper --weights FILE` does.
  @Suite("Published weights are evaluated") struct PublishedWeightsTests {
    private static let weights: String = {
      let tests = "/" + Substring(#filePath).split(separator: "/").dropLast(2).joined(separator: "/")
      return "\(tests)/Support/vectors/published_dinov2.pth"
    }()

    /// Two kinds of pictures: dark and light stripes, of any direction and place.
    private func makePhotos(_ folder: String) throws {
      var stream = RandomStream(seed: 1)
      for (split, count) in [("train", 20), ("test", 6)] {
        for (kind, name) in ["dark", "light"].enumerated() {
          try SafeFile.makeFolder("\(folder)/\(split)/\(name)")
          for i in 0..<count {
            let (h, w) = (20 + stream.integer(below: 6), 18 + stream.integer(below: 9))
            let (phase, light) = (stream.integer(below: 4), 120 * kind + stream.integer(below: 40))
            var image = ByteImage(
              height: h, width: w, channels: 3, bytes: [UInt8](repeating: UInt8(light), count: h * w * 3))
            for y in 0..<h {
              for x in 0..<w where ((i % 2 == 0 ? y : x) + phase) % 6 < 3 {
                for c in 0..<3 { image[y, x, c] = UInt8(light + 60) }
              }
            }
            try PNG.write("\(folder)/\(split)/\(name)/\(i).png", ImageBatch([image]))
          }
        }
      }
    }

    private func recipe(_ path: String) throws -> Recipe {
      try Recipe(
        YAMLNode(
          parsing: """
            recipe: probe
            paper: dinov2
            method: {type: nothing}
            data: {provider: photo-folders, path: \(path)}
            stages:
              - {name: first, steps: 10, batch: 8, optimizer: {type: adamw, lr: 0.01}}
            scales: {tiny: {seeds: 1}, paper: {seeds: 1}}
            arms: {method: {}}
            evaluate:
              - {type: knn/v1, k: 5}
              - {type: linear-probe/v1, epochs: 60}
              - {type: linear-segmentation/v1}
            """, file: "probe.yaml"))
    }

    private func runner(_ folder: String) throws -> CellRunner {
      var runner = CellRunner(
        plugins: Plugins(methods: [], datasets: [PhotoFolders.self], evaluations: Evaluations.evaluations),
        recipe: try recipe("\(folder)/photos").resolve(scale: .paper, arm: "method"), seed: 0, planSHA256: "",
        folder: "\(folder)/run", commit: "commit", dataCache: folder, mirror: nil, notices: .silent)
      runner.initialWeights = Self.weights
      return runner
    }

    @Test func byNeighboursAndByALinearProbeWithoutTraining() throws {
      try withTemporaryFolder { folder in
        try makePhotos("\(folder)/photos")
        let record = try runner(folder).run { _ in }
        #expect(record.status == .finished && record.curves.isEmpty)
        // The data has no maps of classes: segmentation is left out.
        #expect(record.measurements.map(\.name) == ["knn.top1", "linear-probe.top1"])
        // Even a random network tells dark from light; half of them right is chance.
        #expect(record.measurements.allSatisfy { $0.value >= 0.75 && $0.value <= 1 }, "\(record.measurements)")
        let encoder = try PublishedEncoder(WeightFile(Self.weights), .dinov2)
        #expect(record.weightsSHA256 == encoder.weightsSHA256)
        #expect(encoder.description == "dinov2: width 8, 2 blocks, patches of 4")
        // Found again, and the same bytes in another folder.
        let text = try SafeFile.read("\(folder)/run/record.json")
        #expect(try runner(folder).run { _ in } == record)
        var again = try runner(folder)
        again = CellRunner(
          plugins: again.plugins, recipe: again.recipe, seed: 0, planSHA256: "", folder: "\(folder)/again",
          commit: "commit", dataCache: folder, mirror: nil, notices: .silent)
        again.initialWeights = Self.weights
        _ = try again.run { _ in }
        let second = try SafeFile.read("\(folder)/again/record.json")
        #expect(second == text)
      }
    }

    @Test func imagesThatAreNoWholePatchesAndTextsAreRefused() throws {
      let file = try WeightFile(Self.weights)
      let images = ImageBatch(count: 1, height: 10, width: 12, channels: 3, bytes: [UInt8](repeating: 0, count: 360))
      let batch = Batch(indices: [0], columns: [("image", .images(images))])
      let error = reproError { _ = try PublishedEncoder(file, .dinov2).features(of: batch) }
      #expect(error?.description == "data.size: images of 10 x 12 are not whole patches of 4; choose a multiple of 4")
      let bert = Self.weights.replacing("dinov2", with: "bert")
      let text = reproError { _ = try PublishedEncoder(WeightFile(bert), .bert) }
      #expect(text?.found == "the weights are those of a text encoder")
    }

    @Test func aCheckpointOfOursIsNoPublishedFile() throws {
      try withTemporaryFolder { folder in
        try HDF5File.write("\(folder)/a.h5") { try $0.write("state/x", [Float(1)], shape: [1]) }
        try HDF5File.write("\(folder)/b.h5") { try $0.write("conv1.weight", [Float(1)], shape: [1]) }
        #expect(try !StartingWeights.arePublished("\(folder)/a.h5"))
        #expect(try StartingWeights.arePublished("\(folder)/b.h5"))
        #expect(try StartingWeights.arePublished(Self.weights))
        #expect(PublishedModel.detected(in: try WeightFile("\(folder)/b.h5")) == nil)
      }
    }

    @Test func pixelsAreNormalisedAsTheAuthorsDo() {
      let images = ImageBatch(count: 1, height: 1, width: 2, channels: 3, bytes: [0, 128, 255, 10, 20, 30])
      let x = images.tensor(.imageNet)
      let mean = [0.485, 0.456, 0.406], deviation = [0.229, 0.224, 0.225]
      let bytes: [[Double]] = [[0, 10], [128, 20], [255, 30]]
      for c in 0..<3 {
        for p in 0..<2 {
          #expect(abs(Double(x.values[c * 2 + p]) - (bytes[c][p] / 255 - mean[c]) / deviation[c]) < 1e-6)
        }
      }
      let grey = ImageBatch(count: 1, height: 1, width: 1, channels: 1, bytes: [255]).tensor(.half)
      #expect(grey.values == [1, 1, 1])
    }
  }
}
