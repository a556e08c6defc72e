import Foundation
import TestSupport
import Testing

@testable import ReproTensor

@Suite("Every differentiable op")
struct OpTableTests {
  @Test("has the gradient of its difference quotients", arguments: OpTable.cases)
  func firstOrder(_ c: OpCase) {
    let error = expectGradient(of: c.function, at: c.inputs, seedLayout: c.layout)
    ProofLog.record("first order", c.op.name, c.testDescription, error)
  }

  @Test("has a gradient whose gradient is that of its difference quotients", arguments: OpTable.cases)
  func secondOrder(_ c: OpCase) {
    let error = expectSecondOrder(of: c.function, at: c.inputs, seedLayout: c.layout)
    ProofLog.record("second order", c.op.name, c.testDescription, error)
  }

  @Test("has a fused backward pass that equals the composed one", arguments: OpTable.cases)
  func fusedEqualsComposed(_ c: OpCase) {
    let error = expectFusedEqualsComposed(of: c.function, at: c.inputs, seedLayout: c.layout)
    ProofLog.record("fused", c.op.name, c.testDescription, error)
  }

  @Test("gives the same values however its inputs lie in memory", arguments: OpTable.cases)
  func layoutsAgree(_ c: OpCase) {
    let plain = zip(c.inputs, c.shapes).map { x, shape in
      (c.layout.applies(to: shape) ? c.layout.view(x, as: shape) : x).copied()
    }
    // BLAS may sum a transposed matrix in another order; everything else is the same arithmetic.
    expectClose(c.function(c.inputs), c.op.function(plain), tolerance: isDouble ? 1e-14 : 1e-6, c.testDescription)
  }
}

@Suite("Every differentiable op gives the same bits", .serialized)
struct OpBitsTests {
  /// Forward, fused gradients and recorded gradients of one case.
  private func results(_ c: OpCase) -> [Tensor] {
    let variables = c.inputs.map(\.tracked)
    let y = c.function(variables)
    var stream = RandomStream(seed: 5)
    let w = stream.normal(y.shape)
    return [y.detached] + gradients(of: y, seed: w, with: variables, keepGraph: true)
      + gradients(of: y, seed: w, with: variables, createGraph: true).map(\.detached)
  }

  @Test("for 1, 2, 3, 4 and 8 threads", arguments: OpTable.largeCases)
  func anyNumberOfThreads(_ c: OpCase) {
    let before = ThreadPool.shared.threads
    defer { ThreadPool.shared.threads = before }
    ThreadPool.shared.threads = 1
    let expected = results(c)
    for threads in [2, 3, 4, 8, 1] {
      ThreadPool.shared.threads = threads
      for (k, (a, b)) in zip(results(c), expected).enumerated() {
        #expect(sameBits(a, b), "result \(k) with \(threads) threads")
      }
    }
  }

  @Test func theLargeCasesAreLargerThanOneTile() {
    for c in OpTable.largeCases where c.layout == .rows {
      #expect(
        c.shapes.map(\.count).max() ?? 0 > tileElements || c.function(c.inputs).count > tileElements,
        "\(c.testDescription)")
    }
  }

  @Test func updatesInPlaceAndDrawsDoNotDependOnThreads() {
    let before = ThreadPool.shared.threads
    defer { ThreadPool.shared.threads = before }
    func run() -> [Tensor] {
      var stream = RandomStream(seed: 3).child("bits")
      let g = stream.normal([3, 20011])
      var (a, b, c) = (stream.uniform([3, 20011], -1, 2), g, stream.truncatedNormal([3, 20011], deviation: 2))
      var (m, v, s) = (Tensor.zeros(g.shape), Tensor.zeros(g.shape), Tensor.zeros(g.shape))
      for step in 1...3 {
        a.stepAdamW(g, &m, &v, step: step, rate: 0.1, decay: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8)
        b.stepSGD(g * a, &s, rate: 0.1, decay: 0.1, momentum: 0.9, nesterov: step == 2)
        c.average(with: a, rate: 0.9)
      }
      return [a, b, c, m, v, s]
    }
    ThreadPool.shared.threads = 1
    let expected = run()
    for threads in [2, 3, 4, 8] {
      ThreadPool.shared.threads = threads
      for (x, y) in zip(run(), expected) { #expect(sameBits(x, y), "\(threads) threads") }
    }
  }
}

@Suite("The table of ops")
struct OpTableCompletenessTests {
  /// Public functions that give a tensor but have no derivative, and why.
  static let withoutDerivative: [String: String] = [
    "isLess": "a comparison", "isEqual": "a comparison", "full": "a constant", "zeros": "a constant",
    "ones": "a constant", "gradients": "differentiation itself",
    "sign": "a step", "floor": "a step", "rounded": "a step",
    "straightThrough": "a gradient that is not that of the value", "gradientReversed": "the same",
    "dynamicallyCall": "rearranged, as it is written", "oneHot": "a constant", "triangular": "a constant",
    "causalMask": "a constant",
    "uniform": "random numbers", "normal": "random numbers", "truncatedNormal": "random numbers",
    "hannWindow": "a constant", "hammingWindow": "a constant", "melFilterbank": "a constant",
    "exponential": "random numbers", "gumbel": "random numbers",
  ]

  /// The text of every source file of Core/Tensor.
  private static func sources() throws -> [(file: String, text: String)] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Core/Tensor").standardized
    return try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".swift") }.sorted()
      .map { ($0, try String(contentsOf: folder.appending(path: $0), encoding: .utf8)) }
  }

  /// The names of all ops in the graph below a tensor.
  private static func recordedNames(_ y: Tensor) -> Set<String> {
    var names: Set<String> = []
    var waiting = [y.node]
    var seen: Set<Int> = []
    while let next = waiting.popLast() {
      guard let node = next, seen.insert(node.serial).inserted else { continue }
      if !node.isLeaf { names.insert("\(node.name)") }
      waiting += node.parents
    }
    return names
  }

  @Test func everyRecordedOpIsReachedByARow() throws {
    let expression = /(?:recorded|activation)\(\s*"([^"]+)"/
    let inSources = Set(try Self.sources().flatMap { $0.text.matches(of: expression).map { String($0.output.1) } })
    #expect(inSources.count > 40, "the sources were read")
    var reached: Set<String> = []
    for c in OpTable.cases { reached.formUnion(Self.recordedNames(c.function(c.inputs.map(\.tracked)))) }
    for name in inSources.sorted() where !reached.contains(name) {
      Issue.record("the op \(name) is recorded in Core/Tensor but no row of OpTable reaches it")
    }
  }

  @Test func everyPublicFunctionThatGivesATensorHasARow() throws {
    let expression = /public (?:mutating |static |prefix )*func ([^\s(<]+)[^{]*?-> \[?Tensor\b/
    var names: Set<String> = []
    for (_, text) in try Self.sources() {
      for match in text.matches(of: expression) where !match.output.0.contains("\n\n") {
        names.insert(String(match.output.1))
      }
    }
    #expect(names.count > 45, "the sources were read")
    for name in names.sorted() where Self.withoutDerivative[name] == nil {
      #expect(OpTable.all.contains { $0.isNamed(name) }, "\(name) has no row in OpTable")
    }
  }

  @Test func namesOfRowsAreDifferent() {
    #expect(Set(OpTable.all.map(\.name)).count == OpTable.all.count)
  }
}
