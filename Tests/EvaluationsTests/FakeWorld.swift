import Glibc
import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor
import Synchronization
import Testing

@testable import Evaluations

/// All tests of this target, one after the other: some change the number of threads.
@Suite(.serialized) enum EvaluationsTests {}

/// What was asked for, in order.
final class Log<Entry: Sendable>: Sendable {
  private let entries = Mutex<[Entry]>([])
  func add(_ entry: Entry) { entries.withLock { $0.append(entry) } }
  var all: [Entry] { entries.withLock { $0 } }
}

/// A data set made of given columns. Its "images" are the columns `x` (a feature vector) and `places` (a map of them).
struct FakeData: DatasetProvider {
  static let card = DatasetCard(id: "fake", title: "Given columns", source: "tests", licence: "none")
  var spec: DataSpec
  private var content: [Split: Batch]
  /// The splits that were read.
  let reads = Log<Split>()

  init(_ fields: [FieldSpec], _ columns: [Split: [(name: String, values: Column)]]) {
    content = columns.mapValues { columns in
      Batch(indices: Array(0..<(columns.map { $0.values.count }.min() ?? 0)), columns: columns)
    }
    spec = DataSpec(fields: fields, sizes: content.mapValues(\.count))
  }

  init(_ options: inout Section, root: DataRoot) throws {
    throw ReproError(.usage, found: "a fake data set in a recipe")
  }

  var fingerprint: String { "fake" }

  func batch(_ indices: [Int], of split: Split) throws -> Batch {
    reads.add(split)
    let all = try #require(content[split])
    return Batch(indices: indices, columns: all.columns.map { ($0.name, $0.values.rows(indices)) })
  }
}

extension Column {
  fileprivate var count: Int {
    switch self {
    case .images(let images): images.count
    case .integers(let values): values.count
    case .reals(let values): values.shape[0]
    case .texts(let values): values.count
    }
  }
}

/// Hands the columns `x` and `places` through, and every column `out-NAME` as output NAME; `change` may spoil the global
/// features.
struct FakeEncoder: Encoder {
  var change: @Sendable (Tensor) -> Tensor = { $0 }
  /// Sample counts and column names of the batches that it was given.
  let batches = Log<(count: Int, columns: [String])>()
  var samples: Int { batches.all.reduce(0) { $0 + $1.count } }

  func features(of batch: Batch) throws -> Features {
    batches.add((batch.count, batch.columns.map(\.name)))
    guard case .reals(let x) = batch["x"] else { requirementFailed("the fake encoder needs a column x") }
    var places: Tensor?
    if case .reals(let map) = batch["places"] { places = map }
    var outputs: [String: Tensor] = [:]
    for (name, values) in batch.columns where name.hasPrefix("out-") {
      if case .reals(let output) = values { outputs[String(name.dropFirst(4))] = output }
    }
    return Features(global: change(x), dense: places, outputs: outputs)
  }
}

/// An encoder that can do all that protocols may ask for: a linear network that goes on training, and a text tower that
/// turns the last digit d of a text into the unit vector d (of a text without one into the last).
struct AbleEncoder: TrainableEncoder, TextEncoder, TextGenerator {
  var base = FakeEncoder()
  /// What it writes about a sample.
  var write: @Sendable (Int) -> String = { "a class\($0 % 3)" }
  var network: Linear
  /// Texts that were read.
  let texts = Log<String>()

  init(width: Int) { network = Linear(weight: IndexTensor(Array(0..<width)).oneHot(width), bias: .zeros([width])) }

  func features(of batch: Batch) throws -> Features { try base.features(of: batch) }

  func embedding(_ network: inout Linear, of batch: Batch, context: ForwardContext?) throws -> Tensor {
    network(try base.features(of: batch).global)
  }

  func texts(for batch: Batch) throws -> [String] { batch.indices.map(write) }

  func features(of texts: [String]) throws -> Tensor {
    for text in texts { self.texts.add(text) }
    let width = network.weight.shape[0]
    return IndexTensor(texts.map { min(width - 1, $0.last { $0.isNumber }?.wholeNumberValue ?? width - 1) }).oneHot(
      width)
  }
}

/// A data set of given input columns, outputs that the fake encoder hands through, and labels; as many samples in both splits
/// as the columns have.
func table(
  inputs: [(String, Tensor)] = [], outputs: [(String, Tensor)] = [],
  labels: [(name: String, kind: FieldKind, values: Column)] = [], train: Bool = true
) -> FakeData {
  let count = (inputs + outputs).first.map { $0.1.shape[0] } ?? 0
  let known = inputs.contains { $0.0 == "x" } ? inputs : [("x", .ones([count, 2]))] + inputs
  let given = known + outputs.map { ("out-" + $0.0, $0.1) }
  let columns: [(name: String, values: Column)] =
    given.map { ($0.0, .reals($0.1)) } + labels.map { ($0.name, $0.values) }
  return FakeData(
    given.map { FieldSpec($0.0, .real(shape: $0.1.shape.dropping(0), unit: "1"), isLabel: false) }
      + labels.map { FieldSpec($0.name, $0.kind, isLabel: true) },
    train ? [.train: columns, .test: columns] : [.test: columns])
}

extension Evaluation {
  /// Its measurements by name.
  func values(_ data: FakeData, encoder: any Encoder = FakeEncoder()) throws -> [String: Double] {
    let found = try measure(EvaluationSubject(encoder: encoder, data: data), random: RandomStream(seed: 7))
    #expect(found.map(\.name) == measurements.map(\.name))
    return Dictionary(uniqueKeysWithValues: found.map { ($0.name, $0.value) })
  }
}

/// A section of options; values are plain scalars, or lists written `[1, 2]`.
func options<T>(_ values: [(String, String)], _ read: (inout Section) throws(ReproError) -> T) throws -> T {
  let mark = YAMLNode.Mark(file: "test.yaml", line: 1, column: 1)
  func scalar(_ text: String) -> YAMLNode { YAMLNode(.scalar(text, quoted: false), at: mark) }
  let entries = values.map { key, text in
    let items = text.dropFirst().dropLast().split(separator: ",").map { scalar($0.filter { $0 != " " }) }
    return YAMLNode.Entry(
      key: key, keyMark: mark, value: text.hasPrefix("[") ? YAMLNode(.sequence(items), at: mark) : scalar(text))
  }
  var section = try Section(YAMLNode(.mapping(entries), at: mark), name: "evaluate[0]")
  let result = try read(&section)
  try section.finish()
  return result
}

func make<E: Evaluation>(_ type: E.Type, _ values: [(String, String)] = []) throws -> E {
  try options(values) { section throws(ReproError) in try E(&section) }
}

/// The message of the error that `body` throws.
func message(_ body: () throws -> Void) -> String {
  do { try body() } catch { return "\(error)" }
  return "no error"
}

let classNames = (0..<10).map { "class\($0)" }

/// Samples of balanced classes with features `signal * onehot(class) + noise * normal`; nothing else tells the class.
func classWorld(
  train: Int, test: Int, classes: Int = 10, width: Int = 16, signal: Real = 1, noise: Real = 1, seed: UInt64 = 1,
  testLabels: (([Int]) -> [Int])? = nil
) -> FakeData {
  func columns(_ split: Split, _ n: Int) -> [(name: String, values: Column)] {
    var stream = RandomStream(seed: seed).child(split.rawValue)
    let labels = (0..<n).map { $0 % classes }
    let x =
      stream.normal([n, width]) * noise + Tensor.full([n], signal).placed(IndexTensor(labels), of: width)
    let shown = split == .test ? testLabels?(labels) ?? labels : labels
    return [("x", .reals(x)), ("label", .integers(shown)), ("instance", .integers(labels))]
  }
  return FakeData(
    [
      FieldSpec("x", .real(shape: [width], unit: "1"), isLabel: false),
      FieldSpec("label", .category(classes: Array(classNames.prefix(classes))), isLabel: true),
      FieldSpec("instance", .identity(count: classes), isLabel: true),
    ], [.train: columns(.train, train), .test: columns(.test, test)])
}

/// Evaluates with 1, 2 and 3 threads and demands equal bits.
func expectSameBits(_ values: () throws -> [Double]) rethrows {
  let before = ThreadPool.shared.threads
  defer { ThreadPool.shared.threads = before }
  var bits: [[UInt64]] = []
  for threads in 1...3 {
    ThreadPool.shared.threads = threads
    bits.append(try values().map(\.bitPattern))
  }
  #expect(!bits[0].isEmpty && bits[0] == bits[1] && bits[0] == bits[2])
}

/// The formulas of Tests/Vectors/evaluations.py.
enum Formula {
  static func features(_ first: Int, _ count: Int, _ width: Int) -> Tensor {
    var values: [Real] = []
    for i in first..<(first + count) {
      for d in 0..<width {
        let n: Int = i * i * 31 + i * (d + 3) * 17 + d * 29
        values.append(Real(n % 101) / 101 - 0.5)
      }
    }
    return Tensor([count, width], values)
  }

  static func labels(_ first: Int, _ count: Int, _ classes: Int) -> [Int] {
    (first..<(first + count)).map { ($0 * $0 * 7 + $0 * 3) % 53 % classes }
  }
}

/// Rows of a matrix in Double.
func rows(_ x: Tensor) -> [[Double]] {
  let (values, width) = (x.values, x.shape[-1])
  return (0..<(x.count / width)).map { i in values[(i * width)..<((i + 1) * width)].map { Double($0) } }
}

/// Cosine similarity by its formula.
func cosine(_ a: [Double], _ b: [Double]) -> Double {
  var (ab, aa, bb) = (0.0, 0.0, 0.0)
  for i in a.indices {
    ab += a[i] * b[i]
    aa += a[i] * a[i]
    bb += b[i] * b[i]
  }
  return ab / (sqrt(aa) * sqrt(bb))
}
