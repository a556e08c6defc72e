import ReproTensor
import TestSupport
import Testing

@Suite("Ops agree with PyTorch")
struct OpParityTests {
  static let file = "ops.h5"

  @Test("forward and backward", arguments: try VectorFile(file).cases())
  func agrees(_ c: VectorCase) throws {
    let op = try #require(OpTable.all.first { $0.name == c.name }, "no row of OpTable is called \(c.name)")
    expectParity(c, op.function)
  }

  @Test func everyRowHasVectors() throws {
    let names = Set(try VectorFile(Self.file).names().map { $0.replacing(":", with: "/") })
    for op in OpTable.all {
      #expect(names.contains(op.name), "\(op.name) has no line in OPS of make_vectors.py")
    }
  }
}
