import TestSupport
import Testing

@testable import ReproTensor

@Suite("Picking and scattering by index")
struct PickingTests {
  @Test func emptyRowsOfSegmentsGetTheirValueAndNoGradient() {
    let x = Tensor([3, 2], [1, 8, 3, 4, -5, -6]).tracked
    let rows: IndexTensor = [2, 2, 0]
    #expect(x.scattered(rows, rows: 4).values == [-5, -6, 0, 0, 4, 12, 0, 0])
    #expect(x.scatteredMean(rows, rows: 4).values == [-5, -6, 0, 0, 2, 6, 0, 0])
    let top = x.scatteredMax(rows, rows: 4, empty: 9)
    #expect(top.values == [-5, -6, 9, 9, 3, 8, 9, 9])
    #expect(gradients(of: top.sum(), with: [x])[0].values == [0, 1, 1, 0, 1, 1])
    #expect(Tensor.zeros([0, 2]).scatteredMax([], rows: 2, empty: -1).values == [-1, -1, -1, -1])
  }

  @Test func theFirstOfEqualsTakesTheGradientOfAMaximum() {
    let x = Tensor([4], [2, 5, 5, 1]).tracked
    #expect(gradients(of: x.scatteredMax([0, 0, 0, 0], rows: 1).sum(), with: [x])[0].values == [0, 1, 0, 0])
  }

  @Test func aNaNStaysInTheMaximumOfItsRow() {
    let top = Tensor([5], [1, .nan, 3, 7, 2]).scatteredMax([0, 0, 0, 1, 1], rows: 2).values
    #expect(top[0].isNaN && top[1] == 7)
  }

  @Test func aSoftmaxOfSegmentsSumsToOneForLargeLogitsToo() {
    let x = Tensor([4], [1000, 1000, -1000, 3])
    #expect(x.scatteredSoftmax([1, 1, 0, 0], rows: 3).values == [0.5, 0.5, 0, 1])
  }

  @Test func sumsOfSegmentsAreAddedInTheOrderOfTheIndices() {
    // 1e8 + 1 - 1e8 is 0 in single precision from the left, and the order of additions is part of the promise.
    let x = Tensor([3], isDouble ? [1e17, 1, -1e17] : [1e8, 1, -1e8])
    #expect(x.scattered([0, 0, 0], rows: 1).values == [0])
    #expect(x.gathered([0, 2, 1]).scattered([0, 0, 0], rows: 1).values == [1])
  }

  @Test func oneHotVectorsAndMasksAreWhatTheirDefinitionsSay() {
    #expect(IndexTensor([2, 1], [2, 0]).oneHot(3).values == [0, 0, 1, 1, 0, 0])
    #expect(IndexTensor([2, 1], [2, 0]).oneHot(3).shape == [2, 1, 3])
    #expect(Tensor.triangular(2, 3).values == [1, 0, 0, 1, 1, 0])
    #expect(Tensor.triangular(2, 3, diagonal: 1).values == [1, 1, 0, 1, 1, 1])
    #expect(Tensor.causalMask(2).values == [0, -.infinity, 0, 0])
    #expect(Tensor([2, 2], [1, .infinity, 3, 4]).lowerTriangular().values == [1, 0, 3, 4], "no 0 times infinity")
    #expect(IndexTensor([1, 2, 3]).reshaped(to: [3, 1]).shape == [3, 1])
  }

  @Test func rollingByAMultipleOfTheExtentChangesNothing() {
    let x = Tensor([3], [1, 2, 3])
    #expect(x.rolled(0, by: 6).values == [1, 2, 3] && x.rolled(0, by: -2).values == [3, 1, 2])
    #expect(Tensor.zeros([0]).rolled(0, by: 1).shape == [0])
  }
}

@Suite("Sparse matrices")
struct SparseMatrixTests {
  static let a = SparseMatrix(
    rows: 3, columns: 4, triplets: [(2, 3, 5), (0, 1, 1), (2, 0, 2), (0, 1, 10), (0, 0, 3)])

  @Test func elementsAreSortedAndThoseOfOnePlaceCountAsTheirSum() {
    let a = Self.a
    #expect(a.rowIndices.values == [0, 0, 0, 2, 2] && a.columnIndices.values == [0, 1, 1, 0, 3])
    #expect(a.values.values == [3, 1, 10, 2, 5], "elements of one place keep their order")
    #expect(a.dense().values == [3, 11, 0, 0, 0, 0, 0, 0, 2, 0, 0, 5])
    #expect(a.rowSums().values == [14, 0, 7])
    #expect(matmul(a, Tensor([4], [1, 2, 3, 4])).values == [25, 0, 22])
  }

  @Test func transposingTwiceGivesTheMatrixBack() {
    let a = Self.a
    #expect(a.transposed.rows == 4 && a.transposed.columns == 3)
    #expect(sameBits(a.transposed.dense(), a.dense().transposed().contiguous()))
    let twice = a.transposed.transposed
    #expect(twice.rowIndices == a.rowIndices && twice.columnIndices == a.columnIndices)
    #expect(sameBits(twice.values, a.values))
  }

  @Test func withoutValuesAllElementsAreOne() {
    let a = SparseMatrix(rows: 2, columns: 2, rowIndices: [1, 0], columnIndices: [1, 1])
    #expect(a.dense().values == [0, 1, 0, 1])
    #expect(a.with(values: Tensor([2], [2, 3])).dense().values == [0, 2, 0, 3])
  }

  /// A graph of a path a - b - c with loops: degrees 2, 3, 2, normalised by D^(-1/2) A D^(-1/2).
  @Test func anAdjacencyIsNormalisedByItsDegrees() {
    let path = SparseMatrix(
      rows: 3, columns: 3, rowIndices: [0, 1, 2, 0, 1, 1, 2], columnIndices: [0, 1, 2, 1, 0, 2, 1])
    let factors = path.rowSums().rsqrt()
    let r: Real = 1 / Real(6).squareRoot()
    let expected = Tensor([3, 3], [0.5, r, 0, r, Real(1) / 3, r, 0, r, 0.5])
    expectClose(path.scaled(rows: factors, columns: factors).dense(), expected, tolerance: 1e-6)
  }
}
