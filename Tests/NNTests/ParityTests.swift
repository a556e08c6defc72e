import ReproTensor
import TestSupport
import Testing

@testable import ReproNN

@Suite("Losses and interpolation agree with PyTorch")
struct FunctionParityTests {
  static let losses: [String: @Sendable ([Tensor]) -> Tensor] = [
    "crossEntropy": { crossEntropy($0[0], labels: classes($0[0].shape)) },
    "crossEntropyRows": { crossEntropyRows(targets: $0[0], logits: $0[1], temperature: 0.07) },
    "entropyRows": { entropyRows($0[0]) },
  ]

  static func classes(_ shape: Shape) -> IndexTensor { IndexTensor((0..<shape[0]).map { ($0 * 5 + 2) % shape[1] }) }

  @Test(arguments: try VectorFile("losses.h5").cases())
  func lossesAgree(_ c: VectorCase) throws {
    expectParity(c, try #require(Self.losses[c.name], "no loss is called \(c.name)"))
  }

  @Test func everyLossHasVectors() throws {
    #expect(try VectorFile("losses.h5").names() == Self.losses.keys.sorted())
  }

  /// The name of a case is "<side> to <rows> <columns>".
  @Test(arguments: try VectorFile("positions.h5").cases())
  func positionsAreInterpolatedAsByDINOv2(_ c: VectorCase) throws {
    let numbers = c.name.split(separator: " ").compactMap { Int($0) }
    try #require(numbers.count == 3)
    let matrix = resizeMatrix(from: numbers[0], to: numbers[1], columns: numbers[2])
    expectParity(c) { matmul(matrix, $0[0]) }
    // Each row of the matrix is a weighted mean.
    expectClose(matrix.sum(1), .ones([numbers[1] * numbers[2]]), tolerance: 1e-5, c.name)
  }
}
