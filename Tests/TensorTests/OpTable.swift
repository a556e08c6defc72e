import ReproTensor
import TestSupport
import Testing

/// What the elements of an input are drawn from, so that an op is checked where it has a derivative.
enum Domain: Sendable {
  /// Standard normal.
  case normal
  /// Uniform in [0.5, 2].
  case positive
  /// Multiples of 0.2 plus an offset, all different (up to 64 of them): away from kinks at the multiples in between.
  case apart(Real)

  func tensor(_ shape: Shape, _ random: RandomStream) -> Tensor {
    var stream = random
    switch self {
    case .normal: return stream.normal(shape)
    case .positive: return stream.uniform(shape, 0.5, 2)
    case .apart(let offset):
      let order = stream.permutation(shape.count)
      return Tensor(shape, order.map { Real(0.2) * Real($0 % 64 - min(32, shape.count / 2)) + offset })
    }
  }
}

/// One row of the table: a differentiable op, what it takes, and the shapes on which it is proven.
struct Op: Sendable {
  let name: String
  /// Of each input; the last one holds for all that follow.
  var domains: [Domain]
  /// Small and awkward: the shapes of all inputs, once for each case.
  var shapes: [[Shape]]
  /// Larger than a tile, for the comparison of bits between thread counts.
  var large: [[Shape]]
  var layouts: [Layout]
  let function: @Sendable ([Tensor]) -> Tensor

  init(
    _ name: String, _ shapes: [[Shape]], large: [[Shape]], _ domains: Domain..., layouts: [Layout] = Layout.allCases,
    _ function: @escaping @Sendable ([Tensor]) -> Tensor
  ) {
    (self.name, self.shapes, self.large, self.layouts, self.function) = (name, shapes, large, layouts, function)
    self.domains = domains.isEmpty ? [.normal] : domains
  }

  /// Whether the row's name is this one, up to a remark in brackets.
  func isNamed(_ function: String) -> Bool { name.prefix { $0 != "(" } == function }

  func cases(_ shapes: [[Shape]]) -> [OpCase] {
    shapes.flatMap { inputs in
      layouts.filter { layout in inputs.contains { layout.applies(to: $0) } }
        .map { OpCase(op: self, shapes: inputs, layout: $0) }
    }
  }
}

/// An op on inputs of given shapes that lie in memory in a given way.
struct OpCase: Sendable, CustomTestStringConvertible {
  let op: Op
  let shapes: [Shape]
  let layout: Layout

  var testDescription: String {
    "\(op.name) \(shapes.map(\.description).joined(separator: " ")) \(layout.rawValue)"
  }

  /// The tensors whose views are the op's inputs.
  var inputs: [Tensor] {
    shapes.enumerated().map { i, shape in
      let domain = op.domains[min(i, op.domains.count - 1)]
      let stored = layout.applies(to: shape) ? layout.stored(shape) : shape
      return domain.tensor(stored, RandomStream(seed: 7).child(op.name).child("input", i))
    }
  }

  /// The op as a function of `inputs`, views included.
  var function: TensorFunction {
    { leaves in
      op.function(zip(leaves, shapes).map { x, shape in layout.applies(to: shape) ? layout.view(x, as: shape) : x })
    }
  }
}

/// Every differentiable op of Core/Tensor. Adding a case is one line; `OpTableTests` fails if an op has no row.
enum OpTable {
  static let all: [Op] = [
    arithmetic, functions, views, reductions, products, rows, indexing,
    convolutions, winograd, feedForwards,
    picking, mathematics, distances,
    analysis,
    spatial,
  ].flatMap { $0 }
  static let cases: [OpCase] = all.flatMap { $0.cases($0.shapes) }
  static let largeCases: [OpCase] = all.flatMap { $0.cases($0.large) }

  static let oneSmall: [[Shape]] = [
    [[]], [[1]], [[7]], [[3, 5]], [[2, 1, 3]], [[1, 1, 17]], [[0, 3]], [[2, 3, 0]], [[1, 2, 1, 2, 1, 1, 2]],
  ]
  static let oneLarge: [[Shape]] = [[[3, 20011]]]
  static let twoSmall: [[Shape]] = [
    [[], []], [[1], [7]], [[2, 3], [2, 3]], [[3, 5], [5]], [[3, 5], [3, 1]], [[2, 1, 3], [4, 1]], [[5], [2, 3, 1]],
    [[0, 3], [1, 3]], [[1, 1, 1], [4]], [[2, 1, 3, 1], [1, 2, 1, 5]],
  ]
  static let twoLarge: [[Shape]] = [[[3, 20011], [3, 20011]], [[301, 1, 67], [5, 1]]]

  /// 1, 0, 0, 1, 0, 0, ... as a condition.
  static func pattern(_ shape: Shape) -> Tensor { Tensor(shape, (0..<shape.count).map { $0 % 3 == 0 ? 1 : 0 }) }

  /// `count` places in 0..<n, some of them more than once, not in order.
  static func places(_ count: Int, below n: Int) -> IndexTensor { IndexTensor((0..<count).map { ($0 * 5 + 2) % n }) }

  static let arithmetic: [Op] = [
    Op("+", twoSmall, large: twoLarge) { $0[0] + $0[1] },
    Op("+(itself)", oneSmall, large: oneLarge) { $0[0] + $0[0] },
    Op("+=", twoSmall, large: twoLarge) {
      var x = $0[0]
      x += $0[1]
      return x
    },
    Op("-", twoSmall, large: twoLarge) { $0[0] - $0[1] },
    Op("*", twoSmall, large: twoLarge) { $0[0] * $0[1] },
    Op("*(itself)", oneSmall, large: oneLarge) { $0[0] * $0[0] },
    Op("/", twoSmall, large: twoLarge, .normal, .positive) { $0[0] / $0[1] },
    Op("-(prefix)", oneSmall, large: oneLarge) { -$0[0] },
    Op("+(number)", oneSmall, large: oneLarge) { $0[0] + 1.5 },
    Op("+(number first)", oneSmall, large: oneLarge) { 1.5 + $0[0] },
    Op("-(number)", oneSmall, large: oneLarge) { $0[0] - 1.5 },
    Op("-(number first)", oneSmall, large: oneLarge) { 1.5 - $0[0] },
    Op("*(number)", oneSmall, large: oneLarge) { $0[0] * 1.5 },
    Op("*(number first)", oneSmall, large: oneLarge) { 1.5 * $0[0] },
    Op("/(number)", oneSmall, large: oneLarge) { $0[0] / 1.5 },
    Op("/(number first)", oneSmall, large: oneLarge, .positive) { 1.5 / $0[0] },
    Op("maximum", twoSmall, large: twoLarge, .apart(0.1), .apart(0)) { maximum($0[0], $0[1]) },
    Op("minimum", twoSmall, large: twoLarge, .apart(0.1), .apart(0)) { minimum($0[0], $0[1]) },
    Op("select(condition)", twoSmall, large: twoLarge) { select(pattern($0[1].shape), $0[0], $0[1]) },
    Op("custom", twoSmall, large: twoLarge) { x in
      Tensor.custom("a b^2", x, forward: { $0[0] * $0[1] * $0[1] }) { g, x, _ in
        [(g * x[1] * x[1]).summed(like: x[0]), (g * x[0] * x[1] * 2).summed(like: x[1])]
      }
    },
  ]

  static let functions: [Op] = [
    Op("reciprocal", oneSmall, large: oneLarge, .positive) { $0[0].reciprocal() },
    Op("squared", oneSmall, large: oneLarge) { $0[0].squared() },
    Op("sqrt", oneSmall, large: oneLarge, .positive) { $0[0].sqrt() },
    Op("rsqrt", oneSmall, large: oneLarge, .positive) { $0[0].rsqrt() },
    Op("exp", oneSmall, large: oneLarge) { $0[0].exp() },
    Op("log", oneSmall, large: oneLarge, .positive) { $0[0].log() },
    Op("log1p", oneSmall, large: oneLarge, .positive) { $0[0].log1p() },
    Op("sin", oneSmall, large: oneLarge) { $0[0].sin() },
    Op("cos", oneSmall, large: oneLarge) { $0[0].cos() },
    Op("abs", oneSmall, large: oneLarge, .apart(0.1)) { $0[0].abs() },
    Op("pow(2.5)", oneSmall, large: oneLarge, .positive) { $0[0].pow(2.5) },
    Op("pow(-1)", oneSmall, large: oneLarge, .positive) { $0[0].pow(-1) },
    Op("pow(3) of any sign", oneSmall, large: oneLarge, .normal) { $0[0].pow(3) },
    Op("pow(1)", oneSmall, large: oneLarge, .normal) { $0[0].pow(1) },
    Op("pow(0)", oneSmall, large: oneLarge, .normal) { $0[0].pow(0) },
    Op("clamped", oneSmall, large: oneLarge, .apart(0.1)) { $0[0].clamped(-0.6, 0.8) },
    Op("relu", oneSmall, large: oneLarge, .apart(0.1)) { $0[0].relu() },
    Op("gelu", oneSmall, large: oneLarge) { $0[0].gelu() },
    Op("silu", oneSmall, large: oneLarge) { $0[0].silu() },
    Op("tanh", oneSmall, large: oneLarge) { $0[0].tanh() },
    Op("sigmoid", oneSmall, large: oneLarge) { $0[0].sigmoid() },
    Op("softplus", oneSmall, large: oneLarge) { $0[0].softplus() },
    Op("softplus(beta)", oneSmall, large: oneLarge) { $0[0].softplus(beta: 3) },
    Op("erf", oneSmall, large: oneLarge) { $0[0].erf() },
  ]

  static let views: [Op] = [
    Op("contiguous", oneSmall, large: oneLarge) { $0[0].contiguous() },
    Op("reshaped", [[[4]], [[2, 6]], [[3, 2, 2]], [[4, 0]]], large: [[[4, 20011]]]) {
      $0[0].reshaped([2, $0[0].count / 2])
    },
    Op("reshaped(-1)", [[[4]], [[2, 6]], [[3, 2, 2]]], large: [[[4, 20011]]]) { $0[0].reshaped([-1, 2]) },
    Op("flattened", [[[4]], [[2, 6]], [[3, 1, 2, 2]], [[3, 0, 2]]], large: [[[3, 20, 1001]]]) { $0[0].flattened() },
    Op("flattened(middle)", [[[2, 3, 5, 1]], [[1, 1, 4, 2]]], large: [[[3, 20, 31, 33]]]) {
      $0[0].flattened(from: 1, through: -2)
    },
    Op("permuted", [[[2, 3, 4]], [[1, 5, 1]], [[2, 0, 3]]], large: [[[30, 41, 33]]]) { $0[0].permuted([1, -1, 0]) },
    Op("transposed", [[[2, 3]], [[1, 5]], [[2, 3, 4]], [[0, 2]]], large: [[[301, 133]]]) { $0[0].transposed() },
    Op("transposed(axes)", [[[2, 3, 4]], [[5, 1, 2]]], large: [[[30, 41, 33]]]) { $0[0].transposed(0, -1) },
    Op("slice", [[[5, 4]], [[4, 3, 2]], [[4, 0]]], large: [[[301, 133]]]) { $0[0].slice(0, 1..<3) },
    Op("slice(last)", [[[3, 4]], [[2, 1, 5]]], large: [[[301, 133]]]) { $0[0].slice(-1, 1..<4) },
    Op("slice(empty)", [[[3, 4]], [[2, 1, 5]]], large: [[[301, 133]]]) { $0[0].slice(-1, 2..<2) },
    Op("select(axis)", [[[3]], [[3, 4]], [[2, 3, 1]]], large: [[[3, 20011]]]) { $0[0].select(0, 1) },
    Op("split", [[[4]], [[2, 3]], [[6, 1, 2]], [[0, 2]]], large: [[[4, 20011]]]) { $0[0].split(2)[1] },
    Op("split(all parts)", [[[4]], [[2, 3]], [[6, 1, 2]]], large: [[[4, 20011]]]) { x in
      let parts = x[0].split(2)
      return parts[0] * parts[1]
    },
    Op("squeezed", [[[1]], [[3, 1]], [[2, 3, 1]], [[0, 1]]], large: [[[40000, 1]]]) { $0[0].squeezed(-1) },
    Op("expandedAxis", oneSmall, large: oneLarge) { $0[0].expandedAxis(0) },
    Op("expandedAxis(last)", oneSmall, large: oneLarge) { $0[0].expandedAxis(-1) },
    Op("broadcast", [[[]], [[1]], [[3]], [[4, 1]], [[1, 1, 3]]], large: [[[20011, 1]]]) {
      let shape = $0[0].shape.array
      return $0[0].broadcast(
        to: Shape([2] + (shape.isEmpty ? [3] : shape.dropLast() + [max(shape[shape.count - 1], 3)])))
    },
  ]

  static let reductions: [Op] = [
    Op("sum", oneSmall, large: oneLarge) { $0[0].sum() },
    Op("sum(first)", oneSmall.filter { $0[0].rank > 0 }, large: [[[1000, 71]], [[10000, 3]]]) { $0[0].sum(0) },
    Op("sum(last)", oneSmall.filter { $0[0].rank > 0 }, large: [[[1000, 71]], [[3, 20011]]]) {
      $0[0].sum(-1, keepsAxis: true)
    },
    Op("sum(middle)", [[[2, 3, 4]], [[1, 5, 1]], [[2, 0, 3]], [[2, 300, 2]]], large: [[[90, 31, 17]]]) { $0[0].sum(1) },
    Op("sum(axes)", [[[2, 3, 4]], [[1, 5, 1]]], large: [[[90, 31, 17]]]) { $0[0].sum(axes: [0, -1]) },
    Op("sum(axes) kept", [[[2, 3, 4]], [[1, 5, 1]]], large: [[[90, 31, 17]]]) {
      $0[0].sum(axes: [-1, 1], keepsAxes: true)
    },
    Op("mean", oneSmall.filter { $0[0].count > 0 }, large: oneLarge) { $0[0].mean() },
    Op("mean(axis)", [[[1]], [[7]], [[3, 5]], [[2, 1, 3]]], large: [[[1000, 71]]]) { $0[0].mean(0, keepsAxis: true) },
    Op("mean(axes)", [[[2, 3, 4]], [[1, 5, 1]]], large: [[[90, 31, 17]]]) { $0[0].mean(axes: [0, 2]) },
    Op("variance", [[[1]], [[7]], [[3, 5]], [[2, 1, 3]]], large: [[[1000, 71]]]) { $0[0].variance(-1) },
    Op("variance(unbiased)", [[[7]], [[3, 5]], [[2, 1, 3]]], large: [[[1000, 71]]]) {
      $0[0].variance(0, keepsAxis: true, unbiased: true)
    },
    Op(
      "amax", [[[1]], [[7]], [[3, 5]], [[2, 1, 3]]], large: [[[1000, 71]]], .apart(0.1),
      layouts: [.rows, .turned, .window]
    ) {
      $0[0].amax()
    },
    Op(
      "amin", [[[1]], [[7]], [[3, 5]], [[2, 1, 3]]], large: [[[1000, 71]]], .apart(0.1),
      layouts: [.rows, .turned, .window]
    ) {
      $0[0].amin()
    },
    Op("logSumExp", [[[1]], [[7]], [[3, 5]], [[2, 1, 3]], [[0, 3]]], large: [[[1000, 71]]]) { $0[0].logSumExp() },
  ]

  static let products: [Op] = [
    Op(
      "matmul",
      [
        [[1, 1], [1, 1]], [[2, 3], [3, 5]], [[1, 4], [4, 1]], [[5, 1], [1, 3]], [[4, 2, 3], [4, 3, 2]],
        [[0, 3], [3, 2]],
        [[2, 0], [0, 3]], [[3, 2], [2, 0]], [[2, 2, 0], [0, 3]], [[0, 2, 3], [3, 2]],
      ],
      large: [[[300, 200], [200, 310]], [[40, 600], [600, 310]], [[9, 130, 120], [9, 120, 125]]]
    ) { matmul($0[0], $0[1]) },
    Op(
      "matmul(broadcast)",
      [[[2, 3], [4, 3, 2]], [[4, 2, 3], [3, 2]], [[2, 1, 2, 3], [3, 3, 1]], [[1, 2, 3], [2, 3, 1]]],
      large: [[[300, 200], [3, 200, 31]], [[3, 100, 200], [200, 310]]]
    ) { matmul($0[0], $0[1]) },
    Op("matmul(transposed)", [[[3, 2], [5, 3]], [[2, 3, 1], [2, 4, 3]]], large: [[[200, 300], [310, 200]]]) {
      matmul($0[0].transposed(), $0[1].transposed())
    },
    Op("matmul(itself)", [[[3, 3]], [[1, 1]], [[2, 4, 4]]], large: [[[220, 220]]]) { matmul($0[0], $0[0]) },
    Op(
      "linear",
      [
        [[2, 3], [5, 3], [5]], [[3], [2, 3], [2]], [[2, 1, 4], [1, 4], [1]], [[0, 3], [2, 3], [2]],
        [[2, 0], [3, 0], [3]],
        [[1, 1], [1, 1], [1]],
      ], large: [[[301, 200], [310, 200], [310]]]
    ) { linear($0[0], $0[1], $0[2]) },
    Op(
      "linear(no bias)", [[[2, 3], [5, 3]], [[3], [2, 3]], [[2, 1, 4], [1, 4]]], large: [[[7, 43, 200], [310, 200]]]
    ) {
      linear($0[0], $0[1], nil)
    },
    Op(
      "selfAttention", [[[1, 1, 3]], [[2, 3, 12]], [[1, 5, 18]], [[0, 3, 6]], [[2, 0, 6]]], large: [[[5, 81, 144]]]
    ) {
      selfAttention($0[0], heads: 1)
    },
    Op("selfAttention(heads)", [[[1, 1, 6]], [[2, 3, 12]], [[1, 5, 18]]], large: [[[5, 81, 144]]]) {
      selfAttention($0[0], heads: $0[0].shape[2] % 9 == 0 ? 3 : 2)
    },
    Op("resizedLinearly", [[[1]], [[3]], [[2, 4]], [[2, 3, 1]], [[0, 2]]], large: [[[301, 133]]]) {
      $0[0].resizedLinearly(-1, to: 3)
    },
    Op("resizedLinearly(first)", [[[1]], [[4, 2]], [[2, 1, 3]], [[3, 0]]], large: [[[301, 133]]]) {
      $0[0].resizedLinearly(0, to: 5)
    },
    Op("resizedBilinearly", [[[2, 3]], [[1, 2, 1]], [[2, 1, 3, 4]]], large: [[[3, 2, 61, 133]]]) {
      $0[0].resizedBilinearly(rows: 4, columns: 2)
    },
    Op("resizedBilinearly(channels last)", [[[2, 2, 3, 2]], [[1, 1, 4, 3]]], large: [[[3, 61, 133, 2]]]) {
      $0[0].resizedBilinearly(rows: 3, columns: 5, axes: (1, 2))
    },
  ]

  static let matrices: [[Shape]] = [[[1]], [[7]], [[3, 5]], [[2, 1, 3]], [[4, 1]], [[0, 3]], [[2, 33]]]

  static let rows: [Op] = [
    Op("softmax", matrices, large: [[[1000, 71]], [[3, 20011]]]) { $0[0].softmax() },
    Op("softmax(scale)", matrices, large: [[[1000, 71]]]) { $0[0].softmax(scale: 2.5) },
    Op("logSoftmax", matrices, large: [[[1000, 71]], [[3, 20011]]]) { $0[0].logSoftmax() },
    Op("l2Normalized", matrices, large: [[[1000, 71]]], .positive) { $0[0].l2Normalized() },
    Op(
      "layerNormalized",
      [[[3, 5], [5], [5]], [[7], [7], [7]], [[2, 1, 4], [4], [4]], [[0, 3], [3], [3]], [[2, 33], [33], [33]]],
      large: [[[701, 65], [65], [65]], [[3, 20011], [20011], [20011]]], layouts: [.rows, .turned, .window]
    ) { $0[0].layerNormalized(gain: $0[1], bias: $0[2], epsilon: 0.1) },
  ]

  static let indexing: [Op] = [
    Op(
      "concat", [[[2], [1], [0]], [[2, 3], [1, 3]], [[0, 3], [2, 3]], [[1, 2, 2]]], large: [[[301, 133], [20, 133]]]
    ) { concat($0) },
    Op(
      "concat(last)", [[[2, 3], [2, 1]], [[2, 1, 3], [2, 1, 2], [2, 1, 1]]], large: [[[301, 133], [301, 7]]]
    ) {
      concat($0, axis: -1)
    },
    Op(
      "stack", [[[2], [2]], [[2, 3], [2, 3], [2, 3]], [[], []], [[0], [0]]], large: [[[301, 133], [301, 133]]]
    ) {
      stack($0)
    },
    Op("stack(last)", [[[2], [2]], [[2, 3], [2, 3]]], large: [[[301, 133], [301, 133]]]) { stack($0, axis: -1) },
    Op("padded", [[[1]], [[3, 2]], [[2, 1, 3]], [[0, 2]]], large: [[[301, 133]]]) {
      $0[0].padded(0, before: 2, after: 1)
    },
    Op("padded(last)", [[[1]], [[3, 2]], [[2, 1, 3]], [[2, 0]]], large: [[[301, 133]]]) {
      $0[0].padded(-1, before: 0, after: 2)
    },
    Op("gathered", [[[1]], [[4]], [[3, 2]], [[2, 1, 3]]], large: [[[301, 133]]]) {
      $0[0].gathered(places($0[0].shape[0] + 2, below: $0[0].shape[0]))
    },
    Op("gathered(nothing)", [[[4]], [[3, 2]], [[0, 2]]], large: [[[301, 133]]]) { $0[0].gathered(IndexTensor([])) },
    Op("scattered", [[[1]], [[4]], [[3, 2]], [[2, 1, 3]], [[0, 2]]], large: [[[301, 133]]]) {
      $0[0].scattered(places($0[0].shape[0], below: 3), rows: 4)
    },
    Op("picked", [[[3]], [[4, 1]], [[3, 5]], [[2, 1, 3]], [[0, 3]]], large: [[[301, 133]]]) { x in
      let shape = x[0].shape
      return x[0].picked(
        IndexTensor(shape.dropping(-1), (0..<shape.dropping(-1).count).map { ($0 * 2 + 1) % shape[-1] }))
    },
    Op("placed", oneSmall, large: oneLarge) { x in
      x[0].placed(IndexTensor(x[0].shape, (0..<x[0].count).map { $0 % 3 }), of: 4)
    },
    Op("fillingDiagonal", [[[1, 1]], [[4, 4]], [[2, 3, 3]], [[2, 0, 0]]], large: [[[181, 181]]]) {
      $0[0].fillingDiagonal(3)
    },
  ]
}

extension Tensor {
  /// The sum over the axes along which `other` was broadcast to this shape.
  fileprivate func summed(like other: Tensor) -> Tensor {
    var x = self
    while x.rank > other.rank { x = x.sum(0) }
    for axis in 0..<x.rank where other.shape[axis] == 1 && x.shape[axis] != 1 { x = x.sum(axis, keepsAxis: true) }
    return x
  }
}
