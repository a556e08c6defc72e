import Testing

@testable import ReproTensor

@Suite("Shapes that files claim") struct ClaimedShapeTests {
  @Test("are taken if a tensor can have them")
  func possible() {
    #expect(Shape(claimed: [2, 3]) == [2, 3])
    #expect(Shape(claimed: []) == .scalar)
    #expect(Shape(claimed: [0, Shape.maxExtent])?.count == 0)
  }

  @Test(
    "are refused, and stop nothing, if no tensor can",
    arguments: [
      [-1], [1 << 31], [3, 1 << 40, 0], [Int.max], [1 << 30, 1 << 30, 1 << 30], [1, 1, 1, 1, 1, 1, 1, 1, 1],
    ])
  func impossible(_ extents: [Int]) {
    #expect(Shape(claimed: extents) == nil)
  }
}
