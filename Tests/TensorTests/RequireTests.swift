import Foundation
import TestSupport
import Testing

@testable import ReproTensor

typealias Mistake = TestSupport.Mistake

extension Mistake {
  static let all: [Mistake] = [
    shapes, graphs, nesting, elementwise, viewing, products, convolutions, indexing, state,
    picking, mathematics, distances,
    analysis, spatial,
  ].flatMap { $0 }

  static let shapes: [Mistake] = [
    Mistake("a shape has at most 8 axes, got [1, 2, 3, 4, 5, 6, 7, 8, 9]") { Shape([1, 2, 3, 4, 5, 6, 7, 8, 9]) },
    Mistake("an extent is from 0 to 2^31 - 1, got [2, -3]") { Shape([2, -3]) },
    Mistake("an extent is from 0 to 2^31 - 1, got [2147483648]") { Shape([1 << 31]) },
    Mistake("2147483648 is no extent or stride: these are below 2^31") {
      Shape([1, 1 << 16, 1 << 15]).rowMajorStrides
    },
    Mistake("-1 is no extent or stride: these are below 2^31") { Shape([2, 3]).inserting(-1, at: 0) },
    Mistake("axis 2 is outside of shape [3, 4]") { Shape([3, 4])[2] },
    Mistake("axis -3 is outside of shape [3, 4]") { t(3, 4).sum(-3) },
    Mistake("cannot insert axis 4 into [3, 4]") { t(3, 4).expandedAxis(4) },
    Mistake("a tensor [2, 2] needs 4 values, got 3") { Tensor([2, 2], [1, 2, 3]) },
    Mistake("an index tensor [2] needs 2 values, got 3") { IndexTensor([2], [1, 2, 3]) },
    Mistake("item needs one element, got shape [2]") { t(2).item },
  ]

  static let graphs: [Mistake] = [
    Mistake("a tracked tensor [2] cannot be changed in place") {
      var x = t(2).tracked
      x.withMutableElements { $0[0] = 1 }
      return x
    },
    Mistake("gradients(of:) needs a scalar or a seed, got shape [2]") {
      let x = t(2).tracked
      return gradients(of: x.exp(), with: [x])
    },
    Mistake("the seed [3] has not the shape of [2]") {
      let x = t(2).tracked
      return gradients(of: x.exp(), seed: t(3), with: [x])
    },
    Mistake("gradients need tracked variables, got a constant [2]") { gradients(of: t(2).tracked.sum(), with: [t(2)]) },
    Mistake("the graph of sum was already consumed; pass keepGraph: true to the first pass") {
      let x = t(2).tracked
      let y = x.exp().sum()
      return [gradients(of: y, with: [x]), gradients(of: y, with: [x])]
    },
  ]

  static let nesting: [Mistake] = [
    Mistake("the derivative of broken gives [\"[3]\", \"nil\"] for inputs [[2], [3]]") {
      let (x, y) = (t(2).tracked, t(3).tracked)
      let z = Tensor.custom("broken", [x, y], forward: { $0[1] }) { g, _, _ in [g, nil] }
      return gradients(of: z.sum(), with: [x, y])
    },
    Mistake("gradients by [2] inside of a derivative whose pass visits it: make it a variable of its own by tracked") {
      let x = t(2).tracked
      let y = Tensor.custom("nested", [x.exp()], forward: { $0[0] }) { g, inputs, _ in
        gradients(of: (inputs[0] * g).sum(), with: [inputs[0]])
      }
      return gradients(of: y.sum(), with: [x], createGraph: true)
    },
    Mistake("gradients inside of a derivative through exp, which its pass visits: make its result a variable") {
      let (older, x) = (t(2).tracked, t(2).tracked)
      let z = x.exp()
      let y = Tensor.custom("nested", [z], forward: { $0[0] }) { g, _, _ in
        gradients(of: (z * older * g).sum(), with: [older])
      }
      return gradients(of: y.sum(), with: [x])
    },
  ]

  static let elementwise: [Mistake] = [
    Mistake("+: [2, 3] and [4] do not broadcast") { t(2, 3) + t(4) },
    Mistake("-: [2, 3] and [2] do not broadcast") { t(2, 3) - t(2) },
    Mistake("*: [2] and [0] do not broadcast") { t(2) * t(0) },
    Mistake("/: [2, 3] and [3, 2] do not broadcast") { t(2, 3) / t(3, 2) },
    Mistake("maximum: [2] and [3] do not broadcast") { maximum(t(2), t(3)) },
    Mistake("isLess: [2] and [3] do not broadcast") { t(2).isLess(t(3)) },
    Mistake("isEqual: [2] and [3] do not broadcast") { t(2).isEqual(t(3)) },
    Mistake("select: [2], [3] and [1] do not broadcast") { select(t(2), t(3), t(1)) },
    Mistake("average(with:) needs equal shapes, got [2] and [1]") {
      var x = t(2)
      x.average(with: t(1), rate: 0.5)
      return x
    },
  ]

  static let viewing: [Mistake] = [
    Mistake("[2, 3] cannot be reshaped to [4, -1]") { t(2, 3).reshaped([4, -1]) },
    Mistake("[2, 3] has 6 elements and cannot be reshaped to [5]") { t(2, 3).reshaped([5]) },
    Mistake("cannot flatten axes 1 through 0 of [2, 3]") { t(2, 3).flattened(from: 1, through: 0) },
    Mistake("[0, 0] is not an order of the axes of [2, 3]") { t(2, 3).permuted([0, 0]) },
    Mistake("slice 1..<4 of axis 1 is outside of [2, 3]") { t(2, 3).slice(1, 1..<4) },
    Mistake("slice 2..<3 of axis 0 is outside of [2, 3]") { t(2, 3).select(0, 2) },
    Mistake("split: [3, 2] cannot be cut into 2 equal parts") { t(3, 2).split(2) },
    Mistake("axis 1 of [2, 3] is not 1 and cannot be squeezed") { t(2, 3).squeezed(1) },
    Mistake("[2, 3] does not broadcast to [3]") { t(2, 3).broadcast(to: [3]) },
  ]

  static let products: [Mistake] = [
    Mistake(
      "feedForward needs x [..., D], weights [H, D] and [E, H], biases [H] and [E], "
        + "got [2, 3], [4, 3], [5, 3], [4], [5]"
    ) { feedForward(t(2, 3), t(4, 3), t(4), t(5, 3), t(5)) },
    Mistake("argmax of [2, 0] has nothing to choose from") { t(2, 0).amax() },
    Mistake("matmul needs [..., M, K] and [..., K, N], got [2, 3] and [4, 5]") { matmul(t(2, 3), t(4, 5)) },
    Mistake("matmul needs [..., M, K] and [..., K, N], got [3] and [3, 2]") { matmul(t(3), t(3, 2)) },
    Mistake("matmul: the leading axes of [2, 3, 4] and [3, 4, 5] do not broadcast") { matmul(t(2, 3, 4), t(3, 4, 5)) },
    Mistake("linear needs x [..., in], weight [out, in], bias [out], got [2, 3], [4, 5], [4]") {
      linear(t(2, 3), t(4, 5), t(4))
    },
    Mistake("linear needs x [..., in], weight [out, in], bias [out], got [2, 3], [3], none") {
      linear(t(2, 3), t(3), nil)
    },
    Mistake("layerNormalized of [2, 3] needs gain and bias [3], got [2] and [3]") {
      t(2, 3).layerNormalized(gain: t(2), bias: t(3))
    },
    Mistake("selfAttention needs [B, N, 3 * heads * d] for 4 heads, got [2, 5, 18]") {
      selfAttention(t(2, 5, 18), heads: 4)
    },
  ]

  static let convolutions: [Mistake] = [
    Mistake(
      "conv2d of 2 groups needs x [B, C, H, W], weight [O, C / groups, kH, kW] and bias [O], got [1, 4, 5, 5], "
        + "[3, 2, 3, 3], [3]"
    ) { conv2d(t(1, 4, 5, 5), t(3, 2, 3, 3), t(3), groups: 2) },
    Mistake(
      "convTranspose2d of 1 groups needs x [B, C, H, W], weight [C, O / groups, kH, kW] and bias [O], got [1, 4, 5, 5], "
        + "[3, 2, 3, 3], none"
    ) { convTranspose2d(t(1, 4, 5, 5), t(3, 2, 3, 3)) },
    Mistake("outputPadding 1 x 2 is less than stride 2 x 2 or dilation 1 x 1") {
      convTranspose2d(t(1, 3, 5, 5), t(3, 2, 3, 3), stride: 2, outputPadding: [1, 2])
    },
    Mistake("rows and columns are two numbers, got [1, 2, 3]") { Extent2D(arrayLiteral: 1, 2, 3) },
    Mistake("kernel 3 x 3, stride 0 x 1 and dilation 1 x 1 are positive and padding 0 x 0 is not negative") {
      conv2d(t(1, 3, 5, 5), t(3, 3, 3, 3), stride: [0, 1])
    },
    Mistake("a window of 3 x 3 (dilation 2 x 2) does not fit into 5 x 4 padded by 0 x 0") {
      conv2d(t(1, 3, 5, 4), t(3, 3, 3, 3), dilation: 2)
    },
    Mistake("pooling needs planes [..., H, W], got [5]") { t(5).maxPooled(2) },
    Mistake("padding 2 x 0 of a pooling window 3 x 3 is at most half of it") {
      t(5, 5).averagePooled(3, padding: [2, 0])
    },
    Mistake("the largest of windows needs planes of at most 2^24 elements, got [4097, 4096]") {
      t(4097, 4096).maxPooled(2)
    },
    Mistake("batchNormalized needs x [B, C, ...], gain and bias [C], got [2, 3], [2] and [3]") {
      t(2, 3).batchNormalized(gain: t(2), bias: t(3))
    },
    Mistake("a batch [0, 3] without elements has no statistics") { t(0, 3).batchNormalized(gain: t(3), bias: t(3)) },
    Mistake("axis -1 of [2, 3] cannot be resized to 0") { t(2, 3).resizedLinearly(-1, to: 0) },
    Mistake("a recomputed computation uses a tracked tensor that is not among its 1 inputs") {
      let x = t(2).tracked
      return recomputed([x.detached], first: { $0[0] * x }, again: { $0[0] * x })
    },
  ]

  static let indexing: [Mistake] = [
    Mistake("concat needs at least one tensor") { concat([]) },
    Mistake("concat: ranks of [[2, 3], [2]] differ") { concat([t(2, 3), t(2)]) },
    Mistake("concat along axis 0: shapes [[2, 3], [2, 4]] do not agree") { concat([t(2, 3), t(2, 4)]) },
    Mistake("padding of [2] is not negative, got -1 and 0") { t(2).padded(0, before: -1, after: 0) },
    Mistake("gathered: index 2 is outside of [2, 3]") { t(2, 3).gathered([0, 2]) },
    Mistake("scattered: [2, 3] needs 2 indices, got [1]") { t(2, 3).scattered([0], rows: 4) },
    Mistake("scattered: index 4 is outside of 0..<4") { t(2, 3).scattered([0, 4], rows: 4) },
    Mistake("picked: [2, 3] needs indices [2], got [3]") { t(2, 3).picked([0, 1, 2]) },
    Mistake("picked: index 3 is outside of the last axis of [2, 3]") { t(2, 3).picked([0, 3]) },
    Mistake("placed: [2] needs indices of its shape, got [3]") { t(2).placed([0, 1, 2], of: 4) },
    Mistake("placed: index -1 is outside of 0..<4") { t(2).placed([0, -1], of: 4) },
    Mistake("fillingDiagonal needs [..., N, N], got [2, 3]") { t(2, 3).fillingDiagonal(1) },
  ]

  static let state: [Mistake] = [
    Mistake("a parameter [2] cannot take a gradient [3]") {
      var (w, m, v) = (t(2), t(2), t(2))
      w.stepAdamW(t(3), &m, &v, step: 1, rate: 1, decay: 0, beta1: 0.9, beta2: 0.9, epsilon: 1)
      return w
    },
    Mistake("a parameter [2] cannot be updated with a state of [[2], [1]]") {
      var (w, m, v) = (t(2), t(2), t(1))
      w.stepAdamW(t(2), &m, &v, step: 1, rate: 1, decay: 0, beta1: 0.9, beta2: 0.9, epsilon: 1)
      return w
    },
    Mistake("a parameter [2] cannot take a gradient [1]") {
      var (w, v) = (t(2), t(2))
      w.stepSGD(t(1), &v, rate: 1, decay: 0, momentum: 0, nesterov: false)
      return w
    },
    Mistake("rows [3, 2] do not fit into [4, 2] from row 2 on") {
      var x = t(4, 2)
      x.replaceRows(from: 2, by: t(3, 2))
      return x
    },
    Mistake("integer(below:) needs 1...2^32-1, got 0") {
      var stream = RandomStream(seed: 1)
      return stream.integer(below: 0)
    },
    Mistake("threads must be 1 to 256, got 0") {
      ThreadPool.shared.threads = 0
      return 0
    },
  ]
}

@Suite("A programmer's mistake stops the program with the shapes in the message")
struct RequireTests {
  init() { setenv("SWIFT_BACKTRACE", "enable=no", 1) }

  @Test(arguments: Mistake.all.indices)
  func message(_ index: Int) async throws {
    let mistake = Mistake.all[index]
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { [index] in
      _ = Mistake.all[index].body()
    }
    let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    #expect(text.contains("Fatal error: \(mistake.message)\n"), "found: \(text)")
  }

  /// Messages that no test can reach from outside.
  static let unreachable = [
    "out of memory: ",  // the system gives no more
    " bytes for a tensor",  // the same
    " did not save its output",  // a mistake inside of Core/Tensor
    "cannot start thread ",  // the system gives no more
  ]

  @Test func everyMessageOfTheSourcesIsTested() throws {
    let found = try Mistake.untested(in: "Core/Tensor", by: Mistake.all, unreachable: Self.unreachable)
    #expect(found.missing.isEmpty, "no exit test for \(found.missing)")
    #expect(found.messages > 45, "the sources were read")
  }
}
