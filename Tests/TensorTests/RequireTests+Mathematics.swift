@testable import ReproTensor

extension Mistake {
  static let mathematics: [Mistake] = [
    Mistake("a sum over axes [1, -1] of [2, 3] names one of them twice") { t(2, 3).mean(axes: [1, -1]) },
    Mistake("argmax of [0, 3] has nothing to choose from") { t(0, 3).argmin(0) },
    Mistake("pow: [2] and [3] do not broadcast") { t(2).pow(t(3)) },
    Mistake("atan2: [2] and [3] do not broadcast") { atan2(t(2), t(3)) },
    Mistake("straightThrough needs two tensors of one shape, got [2] and [1]") { t(2).straightThrough(to: t(1)) },
    Mistake("linearRecurrence needs factors and terms of one shape, got [2] and [3]") {
      linearRecurrence(t(2), t(3), axis: 0)
    },
    Mistake("outer needs [..., M] and [..., N], got [] and [3]") { outer(t(), t(3)) },
    Mistake("einsum ab,bc is not of a form such as ab,bc->ac for 2 operands") { einsum("ab,bc", t(2, 3), t(3, 4)) },
    Mistake("einsum ab->a is not of a form such as ab,bc->ac for 2 operands") { einsum("ab->a", t(2, 3), t(3, 4)) },
    Mistake("einsum a...->a is not of a form such as ab,bc->ac for 1 operands") { einsum("a...->a", t(2, 3)) },
    Mistake("einsum abc->a: abc does not name each axis of [2, 3] once") { einsum("abc->a", t(2, 3)) },
    Mistake("einsum aa->a: aa does not name each axis of [3, 3] once") { einsum("aa->a", t(3, 3)) },
    Mistake("einsum ab,bc->ac: b stands for 3 and 4 in [[2, 3], [4, 5]]") {
      einsum("ab,bc->ac", t(2, 3), t(4, 5))
    },
    Mistake("einsum ab->ac: the result names each of its axes once, after those of the operands") {
      einsum("ab->ac", t(2, 3))
    },
    Mistake("rearranged: the pattern a b c -> c does not fit [2, 3]") { t(2, 3).rearranged("a b c -> c") },
    Mistake("rearranged: the pattern (a b) ( -> c does not fit [2, 3]") { t(2, 3).rearranged("(a b) ( -> c") },
    Mistake("rearranged: the pattern a b does not fit [2, 3]") { t(2, 3).rearranged("a b") },
    Mistake("rearranged: the pattern a b -> a and the extents of [] have not the same names on both sides") {
      t(2, 3).rearranged("a b -> a")
    },
    Mistake("rearranged: the pattern a b -> b a and the extents of [\"c\"] have not the same names on both sides") {
      t(2, 3).rearranged("a b -> b a", c: 2)
    },
    Mistake("rearranged: axis 1 of [2, 3] cannot be split as a (b c) -> a b c says with 2 known") {
      t(2, 3).rearranged("a (b c) -> a b c", b: 2)
    },
    Mistake("rearranged: axis 1 of [2, 3] cannot be split as a (b c) -> a b c says with 1 known") {
      t(2, 3).rearranged("a (b c) -> a b c", sizes: [:])
    },
    Mistake("rearranged takes a pattern and then extents by name, got [\"h\": 3]") { t(2, 3).rearranged(h: 3) },
    Mistake("topK cannot take 4 along axis -1 of [2, 3]") { t(2, 3).topK(4) },
  ]
}
