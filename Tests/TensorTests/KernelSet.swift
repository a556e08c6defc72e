import ReproKernels
import Testing

@testable import ReproTensor

/// The kernels of one instruction set with the same Swift types for both scalars, so that one test serves both.
struct KernelSet<S: KernelScalar> {
  typealias Input = UnsafePointer<S>
  typealias Output = UnsafeMutablePointer<S>
  typealias Unary = (Int, Input, Output) -> Void
  typealias Binary = (Int, Input, Int, Input, Int, Output) -> Void

  let unary: [String: Unary]
  let binary: [String: Binary]
  let select: (Int, Input, Int, Input, Int, Input, Int, Output) -> Void
  let affine: (Int, S, Input, S, Output) -> Void
  let axpy: (Int, S, Input, Output) -> Void
  let blend: (Int, S, Input, S, Input, Output) -> Void
  let fill: (Int, S, Output) -> Void
  let sum: (Int, Input) -> S
  let sumSquares: (Int, Input) -> S
  let dot: (Int, Input, Input) -> S
  let max: (Int, Input) -> S
  let min: (Int, Input) -> S
  let sumRows: (Int, Int, Input, Output, Int32) -> Void
  let softmax: (Int, Int, S, Input, Output) -> Void
  let softmaxBackward: (Int, Int, S, Input, Input, Output) -> Void
  let logSoftmax: (Int, Int, Input, Output) -> Void
  let logSoftmaxBackward: (Int, Int, Input, Input, Output) -> Void
  let layerNorm: (Int, Int, S, Input, Input?, Input?, Output, Output, Output) -> Void
  let layerNormBackward: (Int, Int, Input, Input?, Input, Input, Input, Output, Output?, Output?) -> Void
  let biasAdd: (Int, Int, Input, Input, Output) -> Void
  let biasGelu: (Int, Int, Input, Input, Output, Output) -> Void
  let geluBoth: (Int, Input, Input, Output, Output) -> Void
  let adamw: (Int, Output, Input, Output, Output, S, S, S, S, S, S, S) -> Void
  let nonFinite: (Int, Input) -> Int
  let transpose: (Int, Int, Input, Int, Output, Int) -> Void
  let gatherStrided: (Int, Input, Int, Output) -> Void
  let uniform: (UInt64, UInt64, UInt64, Int, Output) -> Void
  let normal: (UInt64, UInt64, UInt64, Int, Output) -> Void
  let fromBytes: (Int, S, UnsafePointer<UInt8>, S, Output) -> Void
  let multiplyPanel: (Int, Int, Input, Int, Int, Input, Int, Output, Int, Int32) -> Void
  let winogradInput: (Int, UnsafePointer<Input>, Output, Int) -> Void
  let winogradOutput: (Int, Input, Int, UnsafePointer<Output>) -> Void
  let winogradGradient: (Int, UnsafePointer<Input>, Output, Int, Int, Int) -> Void
  let winogradWeight: (Input, Int, Output, Int) -> Void
  let winogradWeightGradient: (Input, Int, Output, Int) -> Void
}

/// Float and Double with their kernels.
protocol KernelScalar: BinaryFloatingPoint & Sendable {
  static func kernels(_ isa: repro_isa) -> KernelSet<Self>
  static var isSingle: Bool { get }
  var bits: UInt64 { get }
  init(bits: UInt64)
}

extension Float: KernelScalar {
  static var isSingle: Bool { true }
  var bits: UInt64 { UInt64(bitPattern) }
  init(bits: UInt64) { self.init(bitPattern: UInt32(truncatingIfNeeded: bits)) }

  static func kernels(_ isa: repro_isa) -> KernelSet<Float> {
    let k = repro_kernels_for_f32(isa).pointee
    return KernelSet(
      unary: [
        "negate": k.negate, "absolute": k.absolute, "reciprocal": k.reciprocal, "square": k.square,
        "squareRoot": k.squareRoot, "rsqrt": k.rsqrt, "exp": k.exp, "log": k.log, "log1p": k.log1p, "expm1": k.expm1,
        "sin": k.sin, "cos": k.cos, "tanh": k.tanh, "sigmoid": k.sigmoid, "softplus": k.softplus, "silu": k.silu,
        "relu": k.relu, "gelu": k.gelu, "geluTanh": k.geluTanh, "erf": k.erf, "sign": k.sign, "floor": k.floor,
        "round": k.round,
      ],
      binary: [
        "add": k.add, "subtract": k.subtract, "multiply": k.multiply, "divide": k.divide, "maximum": k.maximum,
        "minimum": k.minimum, "power": k.power, "atan2": k.atan2, "less": k.less, "lessEqual": k.lessEqual,
        "equal": k.equal, "geluBackward": k.geluBackward, "geluTanhBackward": k.geluTanhBackward,
        "reluBackward": k.reluBackward, "siluBackward": k.siluBackward, "tanhBackward": k.tanhBackward,
        "sigmoidBackward": k.sigmoidBackward,
      ],
      select: k.select, affine: k.affine, axpy: k.axpy, blend: k.blend, fill: k.fill, sum: k.sum,
      sumSquares: k.sumSquares, dot: k.dot, max: k.max, min: k.min, sumRows: k.sumRows, softmax: k.softmax,
      softmaxBackward: k.softmaxBackward,
      logSoftmax: k.logSoftmax, logSoftmaxBackward: k.logSoftmaxBackward, layerNorm: k.layerNorm,
      layerNormBackward: k.layerNormBackward, biasAdd: k.biasAdd, biasGelu: k.biasGelu, geluBoth: k.geluBoth,
      adamw: k.adamw,
      nonFinite: k.nonFinite, transpose: k.transpose, gatherStrided: k.gatherStrided, uniform: k.uniform,
      normal: k.normal, fromBytes: k.fromBytes, multiplyPanel: k.multiplyPanel, winogradInput: k.winogradInput,
      winogradOutput: k.winogradOutput, winogradGradient: k.winogradGradient, winogradWeight: k.winogradWeight,
      winogradWeightGradient: k.winogradWeightGradient)
  }
}

extension Double: KernelScalar {
  static var isSingle: Bool { false }
  var bits: UInt64 { UInt64(bitPattern) }
  init(bits: UInt64) { self.init(bitPattern: bits) }

  static func kernels(_ isa: repro_isa) -> KernelSet<Double> {
    let k = repro_kernels_for_f64(isa).pointee
    return KernelSet(
      unary: [
        "negate": k.negate, "absolute": k.absolute, "reciprocal": k.reciprocal, "square": k.square,
        "squareRoot": k.squareRoot, "rsqrt": k.rsqrt, "exp": k.exp, "log": k.log, "log1p": k.log1p, "expm1": k.expm1,
        "sin": k.sin, "cos": k.cos, "tanh": k.tanh, "sigmoid": k.sigmoid, "softplus": k.softplus, "silu": k.silu,
        "relu": k.relu, "gelu": k.gelu, "geluTanh": k.geluTanh, "erf": k.erf, "sign": k.sign, "floor": k.floor,
        "round": k.round,
      ],
      binary: [
        "add": k.add, "subtract": k.subtract, "multiply": k.multiply, "divide": k.divide, "maximum": k.maximum,
        "minimum": k.minimum, "power": k.power, "atan2": k.atan2, "less": k.less, "lessEqual": k.lessEqual,
        "equal": k.equal, "geluBackward": k.geluBackward, "geluTanhBackward": k.geluTanhBackward,
        "reluBackward": k.reluBackward, "siluBackward": k.siluBackward, "tanhBackward": k.tanhBackward,
        "sigmoidBackward": k.sigmoidBackward,
      ],
      select: k.select, affine: k.affine, axpy: k.axpy, blend: k.blend, fill: k.fill, sum: k.sum,
      sumSquares: k.sumSquares, dot: k.dot, max: k.max, min: k.min, sumRows: k.sumRows, softmax: k.softmax,
      softmaxBackward: k.softmaxBackward,
      logSoftmax: k.logSoftmax, logSoftmaxBackward: k.logSoftmaxBackward, layerNorm: k.layerNorm,
      layerNormBackward: k.layerNormBackward, biasAdd: k.biasAdd, biasGelu: k.biasGelu, geluBoth: k.geluBoth,
      adamw: k.adamw,
      nonFinite: k.nonFinite, transpose: k.transpose, gatherStrided: k.gatherStrided, uniform: k.uniform,
      normal: k.normal, fromBytes: k.fromBytes, multiplyPanel: k.multiplyPanel, winogradInput: k.winogradInput,
      winogradOutput: k.winogradOutput, winogradGradient: k.winogradGradient, winogradWeight: k.winogradWeight,
      winogradWeightGradient: k.winogradWeightGradient)
  }
}

/// The instruction sets that this processor has, the plainest first.
let availableISAs = [REPRO_ISA_PORTABLE, REPRO_ISA_AVX2, REPRO_ISA_AVX512].filter {
  $0.rawValue <= repro_best_isa().rawValue
}

/// Lengths around the sixteen lanes and the sixty-four of an unrolled reduction.
let awkwardLengths = [0, 1, 15, 16, 17, 63, 64, 65, 1000]

/// Runs a kernel that fills n numbers between two guards, which it must leave alone.
func filled<S: KernelScalar>(_ n: Int, by kernel: (UnsafeMutablePointer<S>) -> Void) -> [S] {
  let guardNumber: S = -12345
  var y = [S](repeating: guardNumber, count: n + 2)
  y.withUnsafeMutableBufferPointer { y in
    if let start = y.baseAddress { kernel(start + 1) }
  }
  #expect(y[0] == guardNumber && y[n + 1] == guardNumber, "a kernel wrote outside its n = \(n) numbers")
  return Array(y[1..<n + 1])
}

/// Standard normals times a scale.
func normals<S: KernelScalar>(_ n: Int, _ scale: Double = 1, seed: UInt64 = 1) -> [S] {
  var stream = RandomStream(seed: seed)
  return (0..<n).map { _ in
    let sum = (0..<12).reduce(-6.0) { total, _ in total + stream.uniform() }  // near enough to a normal for inputs
    return S(sum * scale)
  }
}

/// How far a number lies from the exact value, in units of the last place of its type; NaN and infinities must agree.
func ulps<S: KernelScalar>(_ got: S, _ want: Double) -> Double {
  let rounded = S(want)
  if want.isNaN { return got.isNaN ? 0 : .infinity }
  if rounded.isInfinite { return got == rounded ? 0 : .infinity }
  if !got.isFinite { return .infinity }
  if want == 0 && got == 0 { return got.sign == want.sign ? 0 : .infinity }
  return abs(Double(got) - want) / Double(rounded.ulp)
}

/// Numbers at the edges of the type and of the formulas.
func specialValues<S: KernelScalar>() -> [S] {
  let positive: [S] = [
    0, .leastNonzeroMagnitude, .leastNormalMagnitude, .leastNormalMagnitude / 2, .ulpOfOne, 1e-6, 0.25, 0.35, 0.5, 0.7,
    0.75, 1, 1.5, 2, 2.5, 3.5, 9, 10, 11, 14.5, 15, 30, 87.5, 88.7, 88.8, 89, 103.9, 104, 709, 745.2, 1e4, 99999, 1e5,
    1e6, 1e20, .greatestFiniteMagnitude, .infinity,
  ]
  return positive + positive.map { -$0 } + [.nan]
}
