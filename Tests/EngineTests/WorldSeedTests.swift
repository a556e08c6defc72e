import ReproConfig
import ReproData
import TestSupport
import Testing

@testable import ReproEngine

/// A world that says which seed drew it.
private struct SeededData: DatasetProvider {
  static let card = ToyData.card
  private let toy: ToyData
  init(_ options: inout Section, root: DataRoot) throws { toy = try ToyData(&options, root: root) }
  var spec: DataSpec { toy.spec }
  var fingerprint: String { "toy/1 seed=\(toy.seed)" }
  func batch(_ indices: [Int], of split: Split) throws -> Batch { try toy.batch(indices, of: split) }
}

@Suite struct WorldSeedTests {
  @Test func theSeedOfARunDrawsItsWorld() throws {
    let plugins = Plugins(methods: [ToyMethod.self], datasets: [SeededData.self], evaluations: [ToyEvaluation.self])
    let recipe = try runnableRecipe(steps: 1).resolve(scale: .tiny, arm: "method")
    try withTemporaryFolder { (folder: String) throws -> Void in
      for seed in [3, 4, 1000] as [UInt64] {
        let runner = CellRunner(
          plugins: plugins, recipe: recipe, seed: seed, planSHA256: "plan", folder: "\(folder)/\(seed)",
          commit: "commit", dataCache: folder, mirror: nil, notices: .silent)
        let record = try runner.run { _ in }
        #expect(record.data == "toy/1 seed=\(seed)")
      }
    }
  }
}
