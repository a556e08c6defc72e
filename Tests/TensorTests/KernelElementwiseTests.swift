import Glibc
import ReproKernels
import Testing

@testable import ReproTensor

/// A kernel, the function that it stands for, and how many units in the last place it may be off.
private struct UnaryCase: Sendable {
  let name: String
  let single: Double
  let double: Double
  let function: @Sendable (Double) -> Double

  init(_ name: String, _ single: Double, _ double: Double, _ function: @escaping @Sendable (Double) -> Double) {
    (self.name, self.single, self.double, self.function) = (name, single, double, function)
  }
}

private func cdf(_ x: Double) -> Double { 0.5 * erfc(-x * 0.5.squareRoot()) }
private func bell(_ x: Double) -> Double { exp(-x * x / 2) / (2 * Double.pi).squareRoot() }
private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
private func geluTanhInner(_ x: Double) -> Double { 2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x) }
/// x times a factor that has reached zero far below.
private func gated(_ x: Double, _ gate: (Double) -> Double) -> Double { x < -800 ? -0.0 : x * gate(x) }

private let unaryCases: [UnaryCase] = [
  UnaryCase("negate", 0, 0) { -$0 },
  UnaryCase("absolute", 0, 0) { abs($0) },
  UnaryCase("reciprocal", 0.51, 0) { 1 / $0 },
  UnaryCase("square", 0.51, 0) { $0 * $0 },
  UnaryCase("squareRoot", 0.51, 0) { $0.squareRoot() },
  UnaryCase("rsqrt", 1.6, 0) { 1 / $0.squareRoot() },
  UnaryCase("exp", 1.1, 0) { exp($0) },
  UnaryCase("log", 1, 0) { log($0) },
  UnaryCase("log1p", 1, 0) { log1p($0) },
  UnaryCase("expm1", 1.6, 0) { expm1($0) },
  UnaryCase("sin", 1.7, 0) { sin($0) },
  UnaryCase("cos", 1.7, 0) { cos($0) },
  UnaryCase("tanh", 2.8, 0) { tanh($0) },
  UnaryCase("erf", 2.8, 0) { erf($0) },
  UnaryCase("sigmoid", 2.8, 4) { sigmoid($0) },
  UnaryCase("softplus", 1.8, 4) { max($0, 0) + log1p(exp(-abs($0))) + ($0.isNaN ? .nan : 0) },
  UnaryCase("silu", 3.5, 4) { gated($0, sigmoid) },
  UnaryCase("relu", 0, 0) { $0.isNaN ? .nan : max($0, 0) },
  UnaryCase("gelu", 7, 8) { gated($0, cdf) },
  UnaryCase("geluTanh", 4, 8) { gated($0) { sigmoid(geluTanhInner($0)) } },
  UnaryCase("sign", 0, 0) { $0.isNaN ? .nan : $0 > 0 ? 1 : $0 < 0 ? -1 : 0 },
  UnaryCase("floor", 0, 0) { $0.rounded(.down) },
  UnaryCase("round", 0, 0) { $0.rounded(.toNearestOrEven) },
]

/// Products with a factor in the denormal range lose digits that the type does not have: about one denormal per unit of x.
private func slack<S: KernelScalar>(_ x: S, _: S.Type) -> Double {
  x.isFinite ? (abs(Double(x)) + 2) * Double(S.leastNonzeroMagnitude) : 0
}

private func checkUnary<S: KernelScalar>(_ test: UnaryCase, _ x: [S]) throws {
  let kernel = try #require(S.kernels(repro_best_isa()).unary[test.name])
  let y = filled(x.count) { kernel(x.count, x + [0], $0) }
  let allowed = S.isSingle ? test.single : test.double
  for (x, y) in zip(x, y) {
    let want = test.function(Double(x))
    let near = want.isFinite && y.isFinite && abs(Double(y) - want) <= slack(x, S.self) && want != 0
    // In double precision the exponent 2 u of the tanh form is rounded to within |2 u| units.
    let exponent = test.name == "geluTanh" && !S.isSingle && x.isFinite ? 3 * abs(geluTanhInner(Double(x))) : 0
    #expect(near || ulps(y, want) <= allowed + exponent, "\(test.name)(\(x)) of \(S.self): \(y), not \(want)")
  }
}

@Suite struct KernelElementwiseTests {
  @Test func everyUnaryKernelAgreesWithItsFunctionOnAwkwardLengths() throws {
    for test in unaryCases {
      for n in awkwardLengths {
        try checkUnary(test, normals(n, 3) as [Float])
        try checkUnary(test, normals(n, 3) as [Double])
      }
    }
  }

  @Test func everyUnaryKernelIsRightAtZerosInfinitiesNaNAndTheEdgesOfItsRange() throws {
    for test in unaryCases {
      try checkUnary(test, specialValues() as [Float])
      try checkUnary(test, specialValues() as [Double])
    }
  }

  @Test func everySingleFunctionKeepsItsErrorBoundOverAllMagnitudes() throws {
    let everyKind = stride(from: UInt64(0), to: 1 << 32, by: 65521).map { Float(bits: $0) }
    let useful = (0..<40000).map { Float($0 - 20000) * 0.00102 }
    for test in unaryCases {
      try checkUnary(test, everyKind)
      try checkUnary(test, useful)
    }
  }

  @Test func unaryKernelsWorkInPlace() throws {
    let x: [Float] = normals(1003, 2)
    for (name, kernel) in Float.kernels(repro_best_isa()).unary {
      let apart = filled(x.count) { kernel(x.count, x, $0) }
      var y = x
      y.withUnsafeMutableBufferPointer { if let p = $0.baseAddress { kernel(x.count, p, p) } }
      #expect(zip(y, apart).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN }, "\(name) in place")
    }
  }

  @Test func everyBinaryKernelAgreesWithItsFunctionForAllStrides() throws {
    try checkBinary(Float.self)
    try checkBinary(Double.self)
  }

  private func checkBinary<S: KernelScalar>(_: S.Type) throws {
    // Slopes pass through zero, where only the absolute error is small: `scale` is what it is small against.
    let unit = Double(S.ulpOfOne)
    let cases: [(String, (Double, Double) -> Double, scale: (Double, Double) -> Double)] = [
      ("add", { $0 + $1 }, { abs($0 + $1) }), ("subtract", { $0 - $1 }, { abs($0 - $1) }),
      ("multiply", { $0 * $1 }, { abs($0 * $1) }), ("divide", { $0 / $1 }, { abs($0 / $1) }),
      ("maximum", { max($0, $1) }, { _, _ in 0 }), ("minimum", { min($0, $1) }, { _, _ in 0 }),
      ("power", { pow($0, $1) }, { pow($0, $1) }), ("atan2", { atan2($0, $1) }, { abs(atan2($0, $1)) }),
      ("less", { $0 < $1 ? 1 : 0 }, { _, _ in 0 }), ("lessEqual", { $0 <= $1 ? 1 : 0 }, { _, _ in 0 }),
      ("equal", { $0 == $1 ? 1 : 0 }, { _, _ in 0 }),
      ("geluBackward", { $0 * (cdf($1) + $1 * bell($1)) }, { g, _ in 5 * abs(g) }),
      (
        "geluTanhBackward", { g, x in g * slope(x) { $0 * sigmoid(geluTanhInner($0)) } },
        { g, _ in 1e-8 / unit + 9 * abs(g) }
      ),
      ("reluBackward", { $1 > 0 ? $0 : 0 }, { _, _ in 0 }),
      ("siluBackward", { $0 * (sigmoid($1) + $1 * sigmoid($1) * sigmoid(-$1)) }, { g, _ in 5 * abs(g) }),
      ("tanhBackward", { $0 * (1 - $1 * $1) }, { g, y in 3 * abs(g) * (1 + y * y) }),
      ("sigmoidBackward", { $0 * $1 * (1 - $1) }, { g, y in 3 * abs(g) * (abs(y) + y * y) }),
    ]
    let kernels = S.kernels(repro_best_isa()).binary
    #expect(Set(kernels.keys) == Set(cases.map(\.0)))
    for (name, function, scale) in cases {
      let kernel = try #require(kernels[name])
      for n in awkwardLengths {
        var a: [S] = normals(n + 1, 2, seed: 3)
        var b: [S] = normals(n + 1, 2, seed: 4)
        if name == "power" { a = a.map { abs($0) } }
        for i in stride(from: 0, to: n, by: 3) where name.hasSuffix("qual") { b[i] = a[i] }
        if n > 2 { b[1] = 0 }
        for (sa, sb) in [(1, 1), (1, 0), (0, 1), (0, 0)] {
          let y = filled(n) { kernel(n, a, sa, b, sb, $0) }
          for i in 0..<n {
            let (u, v) = (Double(a[i * sa]), Double(b[i * sb]))
            let want = function(u, v)
            let good = want.isFinite ? abs(Double(y[i]) - want) <= unit * scale(u, v) : ulps(y[i], want) == 0
            #expect(good, "\(name)(\(u), \(v)) of \(S.self), strides \(sa) \(sb): \(y[i]), not \(want)")
          }
        }
      }
      #expect(
        a(kernel, S.nan, 1).isNaN || name.hasPrefix("less") || name == "equal" || name == "reluBackward", "\(name)")
    }
  }

  /// Derivative by a central difference of fourth order.
  private func slope(_ x: Double, _ f: (Double) -> Double) -> Double {
    let h = 1e-3
    return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h)
  }

  /// One element.
  private func a<S: KernelScalar>(_ kernel: KernelSet<S>.Binary, _ a: S, _ b: S) -> S {
    filled(1) { kernel(1, [a], 1, [b], 1, $0) }[0]
  }

  @Test func slopesAreTheDerivativesOfTheForwardKernelsInDouble() throws {
    let k = Double.kernels(repro_best_isa())
    for name in ["gelu", "geluTanh", "silu"] {
      let forward = try #require(k.unary[name])
      let backward = try #require(k.binary[name + "Backward"])
      for x in stride(from: -9.0, through: 9, by: 0.37) {
        let numeric = slope(x) { x in filled(1) { forward(1, [x], $0) }[0] }
        #expect(abs(a(backward, 1, x) - numeric) < 1e-10, "\(name) at \(x)")
      }
    }
  }

  @Test func slopesReachTheirLimitsAtTheInfinities() throws {
    for isa in availableISAs {
      let k = Float.kernels(isa).binary
      for name in ["geluBackward", "geluTanhBackward", "siluBackward"] {
        let kernel = try #require(k[name])
        #expect(a(kernel, 3, .infinity) == 3, "\(name)")
        #expect(a(kernel, 3, -.infinity) == 0, "\(name)")
        #expect(a(kernel, 3, .nan).isNaN, "\(name)")
      }
    }
  }

  @Test func maximumAndMinimumKeepNaNFromEitherSide() throws {
    for isa in availableISAs {
      let k = Float.kernels(isa).binary
      for name in ["maximum", "minimum"] {
        let kernel = try #require(k[name])
        #expect(a(kernel, .nan, 1).isNaN && a(kernel, 1, .nan).isNaN && a(kernel, .nan, .nan).isNaN, "\(name)")
      }
    }
  }

  @Test func comparisonsWithNaNAreFalseAndZerosAreEqual() throws {
    for isa in availableISAs {
      let k = Double.kernels(isa).binary
      let (less, lessEqual, equal) = try (#require(k["less"]), #require(k["lessEqual"]), #require(k["equal"]))
      #expect(a(less, .nan, 1) == 0 && a(lessEqual, .nan, .nan) == 0 && a(equal, .nan, .nan) == 0)
      #expect(a(less, -0.0, 0) == 0 && a(lessEqual, 0, -0.0) == 1 && a(equal, 0, -0.0) == 1)
    }
  }

  @Test func selectTakesFromTheFirstWhereTheConditionIsNotZero() {
    let k = Float.kernels(repro_best_isa())
    for n in awkwardLengths {
      let c = (0..<n + 1).map { Float($0 % 3 == 0 ? 0 : $0 % 3 == 1 ? 0.5 : -1) }
      let (a, b): ([Float], [Float]) = (normals(n + 1, seed: 5), normals(n + 1, seed: 6))
      for (sc, sa, sb) in [(1, 1, 1), (0, 1, 1), (1, 0, 1), (1, 1, 0), (1, 0, 0)] {
        let y = filled(n) { k.select(n, c, sc, a, sa, b, sb, $0) }
        #expect(y == (0..<n).map { c[$0 * sc] != 0 ? a[$0 * sa] : b[$0 * sb] })
      }
    }
    #expect(filled(1) { k.select(1, [Float.nan], 1, [Float(2)], 1, [Float(3)], 1, $0) } == [2])
  }

  @Test func affineAxpyBlendAndFillRoundAsTheirFormulasSay() {
    for isa in availableISAs {
      let k = Float.kernels(isa)
      for n in awkwardLengths {
        let (a, b): ([Float], [Float]) = (normals(n + 1, seed: 7), normals(n + 1, seed: 8))
        #expect(filled(n) { k.affine(n, 1.1, a, 0.3, $0) } == (0..<n).map { Float(0.3).addingProduct(1.1, a[$0]) })
        #expect(
          filled(n) { k.blend(n, 0.9, a, 0.1, b, $0) } == (0..<n).map { (0.1 * b[$0]).addingProduct(0.9, a[$0]) })
        #expect(
          filled(n) { y in
            y.update(from: b, count: n)
            k.axpy(n, -0.7, a, y)
          } == (0..<n).map { b[$0].addingProduct(-0.7, a[$0]) })
        #expect(filled(n) { k.fill(n, 2.5, $0) } == [Float](repeating: 2.5, count: n))
      }
    }
  }

  /// The portable kernels work out the fused multiply-add by themselves; sums that lie next to the middle between two
  /// singles and denormal results are where a plain detour through double goes wrong.
  @Test func fusedMultiplyAddRoundsOnceOnEveryInstructionSet() {
    // A denormal sum just below the middle, infinity times zero, overflow of the product alone.
    var a: [Float] = [0x1.000002p-75, .infinity, 0x1p100]
    var b: [Float] = [0x1.fffffcp-76, 0, 0x1p100]
    var c: [Float] = [0x1p-127 + .leastNonzeroMagnitude, 1, -0x1p127]
    // (1 + i / 4096) (1 + j / 4096) lies in the middle between two singles where i j is odd; c decides.
    for i in stride(from: 1, to: 2000, by: 62) {
      for j in stride(from: 1, to: 2000, by: 62) {
        a.append((i + j) % 4 == 0 ? -1 - Float(i) / 4096 : 1 + Float(i) / 4096)
        b.append(1 + Float(j) / 4096)
        c.append(i % 4 == 1 ? 0x1p-60 : -0x1p-70)
      }
    }
    var stream = RandomStream(seed: 9)
    for _ in 0..<20000 {
      a.append(Float(bitPattern: stream.next32()))
      b.append(Float(bitPattern: stream.next32()))
      c.append(Float(bitPattern: stream.next32()))
    }
    for isa in availableISAs {
      let k = Float.kernels(isa)
      for i in a.indices {
        let got = filled(1) { y in
          y[0] = c[i]
          k.axpy(1, a[i], [b[i]], y)
        }[0]
        let want = c[i].addingProduct(a[i], b[i])
        #expect(got == want || got.isNaN && want.isNaN, "\(a[i]) * \(b[i]) + \(c[i]) on \(isa): \(got), not \(want)")
      }
    }
  }
}
