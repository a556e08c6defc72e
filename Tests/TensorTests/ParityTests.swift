import ReproTensor
import TestSupport
import Testing

@Suite("Ops agree with PyTorch")
struct OpParityTests {
  static let files =
    [
      "ops.h5",
      "convolutions.h5", "winograd.h5", "feed_forward.h5",
      "picking.h5", "mathematics.h5", "distances.h5",
      "spatial.h5", "sampling.h5",
    ] + OpTable.analysisFiles

  @Test("forward and backward", arguments: try files.flatMap { try VectorFile($0).cases() })
  func agrees(_ c: VectorCase) throws {
    let op = try #require(OpTable.all.first { $0.name == c.name }, "no row of OpTable is called \(c.name)")
    expectParity(c, op.function)
  }

  @Test func everyRowHasVectors() throws {
    let names = Set(try Self.files.flatMap { try VectorFile($0).names() }.map { $0.replacing(":", with: "/") })
    for op in OpTable.all {
      #expect(names.contains(op.name), "\(op.name) has no line in the tables of the make_*vectors.py")
    }
  }
}
