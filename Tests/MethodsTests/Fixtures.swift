import Glibc
import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor
import Testing

@testable import Distillation

/// Images of random rectangles, with labels; a pure function of the index.
struct Rectangles: DatasetProvider {
  static let card = DatasetCard(id: "rectangles", title: "Rectangles", source: "this test", licence: "Apache-2.0")
  var side = 16
  var channels = 3
  var count = 64

  init(side: Int = 16, channels: Int = 3, count: Int = 64) {
    (self.side, self.channels, self.count) = (side, channels, count)
  }
  init(_ options: inout Section, root: DataRoot) throws { side = try options.int("size", in: 8...64, default: 16) }

  var spec: DataSpec { imageSpec(side: side, channels: channels, count: count) }
  var fingerprint: String { "rectangles/1" }

  func batch(_ indices: [Int], of split: Split) throws -> Batch {
    var bytes: [UInt8] = []
    for index in indices {
      var stream = RandomStream(seed: 5).child(split.rawValue, index)
      let (back, front) = (
        (0..<3).map { _ in stream.integer(below: 256) }, (0..<3).map { _ in stream.integer(below: 256) }
      )
      let (top, left) = (stream.integer(below: side / 2), stream.integer(below: side / 2))
      let (height, width) = (2 + stream.integer(below: side / 2), 2 + stream.integer(below: side / 2))
      for y in 0..<side {
        for x in 0..<side {
          let inside = y >= top && y < top + height && x >= left && x < left + width
          for c in 0..<channels { bytes.append(UInt8((inside ? front : back)[c])) }
        }
      }
    }
    return Batch(
      indices: indices,
      columns: [
        (
          "image",
          .images(ImageBatch(count: indices.count, height: side, width: side, channels: channels, bytes: bytes))
        ),
        ("label", .integers(indices.map { $0 % 10 })),
      ])
  }
}

/// The columns of a labelled image set.
func imageSpec(side: Int, channels: Int = 3, count: Int = 64) -> DataSpec {
  DataSpec(
    fields: [
      FieldSpec("image", .image(height: side, width: side, channels: channels), isLabel: false),
      FieldSpec("label", .category(classes: (0..<10).map { "class \($0)" }), isLabel: true),
      FieldSpec("mask", .labelMap(height: side, width: side, classes: ["background", "thing"]), isLabel: true),
    ], sizes: [.train: count, .test: count])
}

/// A method made of options as a recipe writes them.
func make<M: MethodPlugin>(_ type: M.Type, _ yaml: String) throws -> M {
  var options = try Section(YAMLNode(parsing: yaml, file: "test.yaml"), name: "method")
  let method = try M(&options)
  try options.finish()
  return method
}

/// Options of a DINOv2 that trains in milliseconds on images of 16 x 16; `more` is added, `crops` replaces the crops.
func smallDINOv2(
  _ more: String = "", weights: String = "{dino: 1, ibot: 1, koleo: 0.1}",
  crops: String = "{global: {size: 16}, local: {size: 8, count: 3}}"
) throws -> DINOv2 {
  try make(
    DINOv2.self,
    """
    {patch: 4, width: 12, depth: 2, heads: 3, prototypes: 11, layer_scale: 0.5, weights: \(weights),
     head: {hidden: 16, bottleneck: 6}, crops: \(crops), init_deviation: 0.2\(more.isEmpty ? "" : ", " + more)}
    """)
}

/// A step's context over `Rectangles`.
func context(
  stage: String = "pretrain", step: Int = 0, steps: Int = 10, batch: Int = 8, shards: Int = 1, recomputes: Bool = false,
  plan: OptimizerPlan = .constant(rate: 1e-3)
) throws -> StepContext {
  StepContext(
    stage: stage, step: step, steps: steps, random: RandomStream(seed: 9).child("step", step),
    data: try TrainingData(Rectangles(), labelled: false, random: RandomStream(seed: 1)), batchSize: batch,
    shards: shards,
    recomputes: recomputes, plan: plan)
}

/// The bits of everything that a layer would save.
func bits(_ layer: some Layer) -> [[Real]] { layer.tensors.map(\.values) }

/// Writes new values into the parameters of a layer: `body` is given each path and the old value.
struct Rewriter: LayerVisitor {
  var place = PathTracker()
  let body: (String, Tensor) -> Tensor?
  init(_ body: @escaping (String, Tensor) -> Tensor?) { self.body = body }
  mutating func tensor(_ name: StaticString, _ role: Role, _ t: inout Tensor) {
    if let new = body(place.path(name), t) { t = new }
  }
  mutating func enter(_ name: StaticString, _ index: Int?, frozen: Bool) { place.enter(name, index, frozen: frozen) }
  mutating func leave() { place.leave() }
}

extension Layer {
  func rewritten(_ body: @escaping (String, Tensor) -> Tensor?) -> Self {
    var (copy, rewriter) = (self, Rewriter(body))
    copy.visit(&rewriter)
    return copy
  }

  /// The parameters by name.
  var named: [(name: String, value: Tensor)] { zip(parameters, tensors).map { ($0.path, $1) } }

  func tensor(_ path: String) -> Tensor? { named.first { $0.name == path }?.value }
}

// MARK: obvious arithmetic in Double

/// The rows of a matrix as Doubles.
func rows(_ x: Tensor) -> [[Double]] {
  let (n, values) = (x.shape[-1], x.values)
  return (0..<(values.count / n)).map { r in (0..<n).map { Double(values[r * n + $0]) } }
}

/// log softmax of z / temperature.
func logSoftmax(_ z: [Double], temperature: Double) -> [Double] {
  let top = z.max() ?? 0
  let total = z.reduce(0) { $0 + Glibc.exp(($1 - top) / temperature) }
  return z.map { ($0 - top) / temperature - Glibc.log(total) }
}

/// H(p, s) = -sum_k p_k log softmax(s / 0.1)_k
func crossEntropy(_ p: [Double], _ s: [Double]) -> Double {
  -zip(p, logSoftmax(s, temperature: 0.1)).reduce(0) { $0 + $1.0 * $1.1 }
}

/// KoLeo of the rows, by comparing every pair.
func koleoByPairs(_ x: [[Double]]) -> Double {
  let z = x.map { row -> [Double] in
    let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return row.map { $0 / max(length, 1e-8) }
  }
  func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
  var sum = 0.0
  for i in z.indices {
    let others = z.indices.filter { $0 != i }
    let nearest = others.max { dot(z[i], z[$0]) < dot(z[i], z[$1]) } ?? i
    let distance = zip(z[i], z[nearest]).reduce(0) { $0 + ($1.0 - $1.1 + 1e-8) * ($1.0 - $1.1 + 1e-8) }.squareRoot()
    sum -= Glibc.log(distance + 1e-8)
  }
  return sum / Double(z.count)
}

/// Random distributions, `[n, k]`.
func distributions(_ n: Int, _ k: Int, _ stream: inout RandomStream) -> Tensor {
  stream.normal([n, k], deviation: 2).softmax()
}

func close(_ a: Double, _ b: Double, _ tolerance: Double) -> Bool { abs(a - b) <= tolerance * max(1, abs(b)) }
func close(_ a: Real?, _ b: Double, _ tolerance: Double) -> Bool { a.map { close(Double($0), b, tolerance) } ?? false }

// MARK: vectors

/// Numbers that PyTorch made; see Tests/Vectors/make_dinov2_vectors.py.
struct Vectors {
  private let file: HDF5File

  init(_ name: String = "dinov2.h5") throws {
    let tests = Substring(#filePath).split(separator: "/").dropLast(2).joined(separator: "/")
    file = try HDF5File.open("/\(tests)/Vectors/\(name)", seal: .ifPresent)
  }

  func callAsFunction(_ path: String) throws -> Tensor {
    let (values, shape) = try file.read(path, as: Float.self)
    return Tensor(shape, values.map { Real($0) })
  }

  func number(_ path: String) throws -> Double { try file.read(path, as: Double.self).values[0] }
  func contains(_ path: String) throws -> Bool { try file.contains(path) }
}
