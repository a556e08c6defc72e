import Glibc
import ReproConfig
import ReproTensor
import TestSupport
import Testing

@testable import ReproData

/// How long the sets take to load and how fast they give samples: a table, printed where `REPRO_RATES` is set.
@Suite(.serialized) struct RealRatesTests {
  private static let sets: [(any DatasetProvider.Type, KeyValuePairs<String, String>)] = [
    (FashionMNIST.self, [:]), (MNIST.self, [:]), (CIFAR10.self, ["variant": "jpeg"]), (TinyImageNet.self, [:]),
    (Omniglot.self, [:]), (OmniglotRuns.self, [:]), (ORLFaces.self, [:]), (NeRFLego.self, [:]),
    (SceauxCastle.self, [:]), (MiddleburyStereo.self, ["test": "both"]), (KITTIObjectSample.self, [:]),
    (CommonMeshes.self, [:]), (ModelNet10Voxels.self, [:]), (SpokenDigits.self, [:]), (AReM.self, [:]),
    (UCRSeries.self, ["set": "basic-motions"]), (MotionCapture.self, [:]),
    (MultiViewFeatures.self, ["set": "scene15"]), (TabularData.self, ["table": "adult"]),
    (SentenceClassification.self, ["task": "sst5"]), (ShortTextTopics.self, ["set": "stack-overflow"]),
    (MovieReviewDocuments.self, [:]), (STSBenchmark.self, [:]), (Multi30k.self, [:]), (WikiText2.self, [:]),
    (TinyShakespeare.self, [:]), (Planetoid.self, ["graph": "cora"]), (LastFM.self, [:]),
  ]

  private func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  @Test("Every set of the mirror gives batches at a rate", .enabled(if: getenv("REPRO_RATES") != nil))
  func rates() throws {
    try withRealMirror { root in
      for (type, pairs) in Self.sets {
        var times: [Double] = []
        // Decoded anew, then from the cache where there is one.
        for _ in 0..<2 {
          let start = seconds()
          _ = try load(type, pairs, root)
          times.append(seconds() - start)
        }
        let set = try load(type, pairs, root)
        let start = seconds()
        var given = 0
        for split in Split.allCases {
          let count = set.spec.sizes[split] ?? 0
          for first in stride(from: 0, to: count, by: 64) {
            given += try set.batch(Array(first..<min(first + 64, count)), of: split).count
          }
        }
        let rate = Double(given) / max(seconds() - start, 1e-9)
        #expect(given == set.sizes.reduce(0, +) && given > 0)
        print("| \(type.card.id) | \(given) | \(rounded(times[0])) | \(rounded(times[1])) | \(Int(rate)) |")
      }
    }
  }

  private func load<D: DatasetProvider>(
    _ type: D.Type, _ pairs: KeyValuePairs<String, String>, _ root: DataRoot
  ) throws -> any DatasetProvider { try open(type, pairs, root) }

  private func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
