import Glibc
import ReproConfig
import ReproData
import ReproTensor

/// `scenes-table`: rows of a table whose columns depend on each other through a few hidden factors.
///
/// What is drawn:
/// - factors: five standard normal numbers a row.
/// - columns of numbers: a random network of two layers of the factors, plus noise of deviation `noise`, squashed
///   into 0...1.
/// - columns of words: the same, cut into `levels` words of equal width.
/// - columns of chance: numbers in 0...1 that depend on nothing.
/// - label: whether `f1 f2 + sin(2 f3)`, of the first three factors, is above 0.
///
/// Options (defaults): `numbers` 0...100 (8); `words` 0...100 (6); `chance` 0...100 (6); `levels` 2...50 (4); `noise`
/// 0...5 (0.1); `train` (8000), `validation` (0), `test` (2000).
///
/// Columns: `features` (all columns of numbers, standardised, and for each word 1 or 0), `column-1`, ... (numbers,
/// words, chance), label `label`. The networks are drawn from `DataRoot.seed`.
public struct ScenesTable: DatasetProvider {
  public static let card = DatasetCard(
    id: "scenes-table", title: "Procedural table with hidden factors", source: "drawn by Core/Scenes",
    licence: "Apache-2.0")

  static let version = 1
  static let factors = 5
  private static let hidden = 8

  public let spec: DataSpec
  private let numbers, words, chance, levels: Int
  private let noise: Float
  private let stream: RandomStream
  /// Of each column that depends on the factors: weights of the first layer `[hidden][factors]`, then of the second.
  private let networks: [(first: [Float], second: [Float])]
  private let description: String

  public init(_ options: inout Section, root: DataRoot) throws {
    numbers = try options.int("numbers", in: 0...100, default: 8)
    words = try options.int("words", in: 0...100, default: 6)
    chance = try options.int("chance", in: 0...100, default: 6)
    levels = try options.int("levels", in: 2...50, default: 4)
    noise = Float(try options.double("noise", in: 0...5, default: 0.1))
    guard numbers + words > 0 else {
      throw ReproError(.usage, at: "\(options.node.mark)", found: "a table without columns of numbers or words")
    }
    let sizes = try splitSizes(&options, train: 8000, validation: 0, test: 2000)
    stream = RandomStream(seed: root.seed).child("scenes-table")
    let stream = stream
    networks = (0..<(numbers + words)).map { column in
      var own = stream.child("network", column)
      func weights(_ count: Int, _ size: Float) -> [Float] { (0..<count).map { _ in own.float(-size, size) } }
      return (weights(Self.hidden * Self.factors, 1.2), weights(Self.hidden, 1.2))
    }
    description = "seed=\(root.seed) numbers=\(numbers) words=\(words) chance=\(chance) levels=\(levels) noise=\(noise)"
    let (numbers, words, levels) = (numbers, words, levels)
    let columns = (0..<(numbers + words + chance)).map { column in
      let isWord = column >= numbers && column < numbers + words
      return FieldSpec(
        "column-\(column + 1)",
        isWord ? .category(classes: (0..<levels).map { "word \($0)" }) : .real(shape: [], unit: "1"), isLabel: false)
    }
    let width = numbers + words * levels + chance
    spec = DataSpec(
      fields: [FieldSpec("features", .real(shape: [width], unit: "1"), isLabel: false)] + columns
        + [FieldSpec("label", .category(classes: ["no", "yes"]), isLabel: true)], sizes: sizes)
  }

  public var fingerprint: String { "scenes-table/v\(Self.version) \(description)" }

  public func batch(_ indices: [Int], of split: Split) throws -> Batch {
    spec.batch(indices, of: split, Self.card.id) { index, _ in values(index, of: split) }
  }

  private func values(_ index: Int, of split: Split) -> [SampleValue] {
    var random = stream.child(split.rawValue, index)
    let f = (0..<Self.factors).map { _ in normal(&random) }
    var (features, columns): ([Float], [SampleValue]) = ([], [])
    for (column, network) in networks.enumerated() {
      var sum = noise * normal(&random)
      for h in 0..<Self.hidden {
        let inner = (0..<Self.factors).reduce(Float(0)) { $0 + network.first[h * Self.factors + $1] * f[$1] }
        sum += network.second[h] * tanhf(inner)
      }
      let level = 0.5 + 0.5 * tanhf(sum)  // in 0...1
      if column < numbers {
        columns.append(.reals([level]))
        features.append((level - 0.5) / 0.3)
      } else {
        let word = min(levels - 1, Int(level * Float(levels)))
        columns.append(.integer(word))
        features += (0..<levels).map { $0 == word ? 1 : 0 }
      }
    }
    for _ in 0..<chance {
      let value = random.float(0, 1)
      columns.append(.reals([value]))
      features.append((value - 0.5) / 0.3)
    }
    let label = f[0] * f[1] + sinf(2 * f[2]) > 0 ? 1 : 0
    return [.reals(features)] + columns + [.integer(label)]
  }

  /// A standard normal number (Box and Muller 1958).
  private func normal(_ random: inout RandomStream) -> Float {
    let (a, b) = (1 - random.uniform(), random.uniform())
    return Float((-2 * log(a)).squareRoot() * cos(2 * .pi * b))
  }
}
