import ReproTensor
import TestSupport

/// The rows of further functions, reductions along any axis, scans, products by name and sorting.
extension OpTable {
  private static let distinct: [Layout] = [.rows, .turned, .window]
  private static let withRows: [[Shape]] = [[[1]], [[4]], [[3, 2]], [[2, 1, 3]], [[3, 0]]]
  private static let blocks: [[Shape]] = [[[2, 3, 4]], [[1, 5, 1]], [[2, 1, 3]], [[0, 3, 2]]]
  private static let largeBlocks: [[Shape]] = [[[30, 41, 33]], [[2, 7, 2003]]]
  private static let long: [[Shape]] = [[[20011]], [[3, 20011]]]

  /// 0, 1, 1, 0, 1, 1, ...: factors of which some are 0.
  private static func holes(_ shape: Shape) -> Tensor { 1 - pattern(shape) }

  static let mathematics: [Op] = moreFunctions + moreReductions + scans + namedProducts + ordering

  private static let moreFunctions: [Op] = [
    Op("expm1", oneSmall, large: oneLarge) { $0[0].expm1() },
    Op("pow(tensor)", twoSmall, large: twoLarge, .positive, .normal) { $0[0].pow($0[1]) },
    Op("pow(itself)", oneSmall, large: oneLarge, .positive) { $0[0].pow($0[0]) },
    Op("atan2", twoSmall, large: twoLarge, .positive, .normal) { atan2($0[0], $0[1]) },
    Op("atan2(left)", twoSmall, large: twoLarge, .normal, .positive) { atan2($0[0], -$0[1]) },
    Op("atan", oneSmall, large: oneLarge) { $0[0].atan() },
    Op("asin", oneSmall, large: oneLarge) { ($0[0].sin() * 0.9).asin() },
    Op("acos", oneSmall, large: oneLarge) { ($0[0].sin() * 0.9).acos() },
    Op("leakyRelu", oneSmall, large: oneLarge, .apart(0.1)) { $0[0].leakyRelu(slope: 0.2) },
    Op("elu", oneSmall, large: oneLarge, .apart(0.1)) { $0[0].elu(alpha: 1.5) },
    Op("geluTanh", oneSmall, large: oneLarge) { $0[0].geluTanh() },
    Op("logSigmoid", oneSmall, large: oneLarge) { $0[0].logSigmoid() },
  ]

  private static let moreReductions: [Op] = [
    Op("amax(middle)", blocks, large: largeBlocks, .apart(0.1), layouts: distinct) { $0[0].amax(1, keepsAxis: true) },
    Op("amin(first)", [[[4]], [[3, 2]], [[2, 1, 3]]], large: largeBlocks, .apart(0.1), layouts: distinct) {
      $0[0].amin(0)
    },
    Op("maxWithIndices", blocks, large: largeBlocks, .apart(0.1), layouts: distinct) {
      $0[0].maxWithIndices(-2).values
    },
    Op("minWithIndices", blocks, large: largeBlocks, .apart(0.1), layouts: distinct) {
      $0[0].minWithIndices(1, keepsAxis: true).values
    },
    Op("logSumExp(middle)", blocks, large: largeBlocks) { $0[0].logSumExp(1) },
    Op("logSumExp(first, kept)", [[[4]], [[3, 2]]], large: largeBlocks) { $0[0].logSumExp(0, keepsAxis: true) },
    Op("softmax(middle)", blocks, large: largeBlocks) { $0[0].softmax(1) },
    Op("softmax(first, scale)", [[[4]], [[3, 2]], [[2, 1, 3]]], large: largeBlocks) { $0[0].softmax(0, scale: 2.5) },
    Op("logSoftmax(middle)", blocks, large: largeBlocks) { $0[0].logSoftmax(1) },
    Op("l2Normalized(middle)", blocks, large: largeBlocks, .positive) { $0[0].l2Normalized(1) },
    Op("variance(axes)", blocks.dropLast() + [[[3, 4]]], large: largeBlocks) { $0[0].variance(axes: [0, -1]) },
    Op("standardDeviation", [[[3, 2]], [[2, 1, 3]], [[7, 4]]], large: largeBlocks) {
      $0[0].standardDeviation(0, epsilon: 0.1)
    },
    Op("standardDeviation(unbiased)", [[[3]], [[4, 7]]], large: largeBlocks, .apart(0.1), layouts: distinct) {
      $0[0].standardDeviation(-1, keepsAxis: true, unbiased: true)
    },
  ]

  private static let scans: [Op] = [
    Op("cumulativeSum", withRows + [[[0, 2]]], large: long) { $0[0].cumulativeSum(0) },
    Op("cumulativeSum(reversed)", blocks, large: largeBlocks) { $0[0].cumulativeSum(-2, reversed: true) },
    Op("cumulativeProduct", withRows + [[[0, 2]]], large: [[[5, 20011]]]) { $0[0].cumulativeProduct(0) },
    Op("cumulativeProduct(zeros)", blocks, large: largeBlocks) {
      ($0[0] * holes($0[0].shape)).cumulativeProduct(1)
    },
    Op("product", withRows + [[[0, 2]]], large: [[[5, 20011]]]) { $0[0].product(0) },
    Op("product(zeros)", blocks, large: largeBlocks) { ($0[0] * holes($0[0].shape)).product(-1, keepsAxis: true) },
    Op("linearRecurrence", [[[1], [1]], [[5], [5]], [[3, 2], [3, 2]]], large: [[[20, 2003], [20, 2003]]]) {
      linearRecurrence($0[0], $0[1], axis: 0)
    },
    Op(
      "linearRecurrence(reversed)", [[[2, 3, 2], [2, 3, 2]], [[1, 4, 1], [1, 4, 1]]],
      large: [[[20, 7, 303], [20, 7, 303]]]
    ) {
      linearRecurrence($0[0], $0[1], axis: 1, reversed: true)
    },
  ]

  private static let namedProducts: [Op] = [
    Op("outer", [[[3], [2]], [[2, 1], [2, 4]], [[4], [3, 2]], [[0], [2]]], large: [[[301], [133]]]) {
      outer($0[0], $0[1])
    },
    Op(
      "einsum(attention)", [[[2, 3, 2, 4], [2, 5, 2, 4]], [[1, 1, 1, 1], [1, 2, 1, 1]]],
      large: [[[2, 70, 3, 64], [2, 65, 3, 64]]]
    ) { einsum("bihd,bjhd->bhij", $0[0], $0[1]) },
    Op(
      "einsum(several axes)", [[[2, 3, 4], [3, 4, 5]], [[1, 2, 1], [2, 1, 1]]],
      large: [[[30, 40, 20], [40, 20, 50]]]
    ) { einsum("nab, abk -> kn", $0[0], $0[1]) },
    Op(
      "einsum(bilinear)", [[[3, 2], [2, 4], [3, 4]], [[1, 1], [1, 2], [1, 2]]],
      large: [[[301, 70], [70, 60], [301, 60]]]
    ) { einsum("nd,de,ne->n", $0[0], $0[1], $0[2]) },
    Op("einsum(outer)", [[[2, 3], [2, 4]], [[1, 1], [1, 2]]], large: [[[20, 40], [20, 50]]]) {
      einsum("bi,bj->bji", $0[0], $0[1])
    },
    Op("einsum(dot)", [[[2, 3], [2, 3]], [[1, 4], [1, 4]]], large: [[[301, 133], [301, 133]]]) {
      einsum("bi,bi->b", $0[0], $0[1])
    },
    Op("einsum(sums of one)", [[[2, 3, 4]], [[1, 5, 2]]], large: largeBlocks) { einsum("abc->ca", $0[0]) },
    Op("einsum(lone axes)", [[[2, 3], [4, 2]], [[1, 4], [3, 1]]], large: [[[301, 133], [20, 301]]]) {
      einsum("ab,ca->", $0[0], $0[1])
    },
    Op("rearranged", [[[2, 3, 4]], [[1, 1, 2]], [[0, 3, 6]]], large: [[[30, 41, 34]]]) {
      $0[0].rearranged("b n (h d) -> b h n d", h: 2)
    },
    Op("rearranged(patches)", [[[3, 4, 6]], [[1, 2, 2]]], large: [[[20, 32, 34]]]) {
      $0[0].rearranged("c (r p) (s q) -> 1 (r s) (c p q)", p: 2, q: 2)
    },
    Op("rearranged(one axis out)", [[[3, 1, 4]], [[1, 1, 2]]], large: [[[300, 1, 134]]]) {
      $0[0].rearranged("a 1 b -> b a")
    },
  ]

  private static let ordering: [Op] = [
    Op("sorted", [[[1]], [[7]], [[3, 5]], [[0, 3]]], large: long, .apart(0.1), layouts: distinct) {
      $0[0].sorted().values
    },
    Op("sorted(descending)", blocks, large: largeBlocks, .apart(0.1), layouts: distinct) {
      $0[0].sorted(1, descending: true).values
    },
    Op("topK", [[[3]], [[2, 17]], [[3, 5]]], large: long, .apart(0.1), layouts: distinct) { $0[0].topK(2).values },
    Op(
      "topK(smallest)", [[[2, 3, 4]], [[1, 5, 1]]], large: [[[3, 901, 20]]], .apart(0.1),
      layouts: distinct
    ) { $0[0].topK(2, axis: 1, largest: false).values },
  ]
}
