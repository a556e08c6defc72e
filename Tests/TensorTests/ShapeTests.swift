import TestSupport
import Testing

@testable import ReproTensor

@Suite("Shapes")
struct ShapeTests {
  /// a, b, and what numpy.broadcast_shapes gives; nil where it refuses.
  static let broadcasts: [(Shape, Shape, Shape?)] = [
    ([], [], []), ([], [3], [3]), ([1], [3], [3]), ([3], [3], [3]), ([2], [3], nil), ([2, 3], [3], [2, 3]),
    ([2, 3], [2, 1], [2, 3]), ([2, 3], [2], nil), ([2, 1], [1, 3], [2, 3]), ([4, 1, 3], [2, 1], [4, 2, 3]),
    ([1, 1, 1], [2], [1, 1, 2]), ([0], [1], [0]), ([0], [2], nil), ([0], [0], [0]), ([0, 3], [1, 3], [0, 3]),
    ([2, 0], [2, 1], [2, 0]), ([3, 1], [0], [3, 0]), ([8, 1, 6, 1], [7, 1, 5], [8, 7, 6, 5]), ([5, 4], [1], [5, 4]),
    ([15, 3, 5], [15, 1, 5], [15, 3, 5]), ([2, 1], [8, 4, 3], nil), ([3], [4], nil),
    ([1, 1, 1, 1, 1, 1, 1, 2], [2], [1, 1, 1, 1, 1, 1, 1, 2]),
  ]

  @Test(arguments: broadcasts)
  func broadcastAsNumpyDoes(_ a: Shape, _ b: Shape, _ expected: Shape?) {
    #expect(Shape.broadcast(a, b) == expected)
    #expect(Shape.broadcast(b, a) == expected)
  }

  /// Every element of a broadcast sum, by indices in loops.
  @Test(arguments: broadcasts.filter { $0.2 != nil })
  func addElementByElement(_ a: Shape, _ b: Shape, _ expected: Shape?) throws {
    let shape = try #require(expected)
    let x = Tensor(a, (0..<a.count).map { Real($0 + 1) })
    let y = Tensor(b, (0..<b.count).map { Real(100 * ($0 + 1)) })
    func element(_ t: Tensor, _ index: [Int]) -> Real {
      var at = 0
      for axis in 0..<t.rank {
        let i = index[index.count - t.rank + axis]
        at = at * t.shape[axis] + (t.shape[axis] == 1 ? 0 : i)
      }
      return t.values[at]
    }
    let sums = (0..<shape.count).map { flat in
      var (rest, index) = (flat, [Int](repeating: 0, count: shape.rank))
      for axis in (0..<shape.rank).reversed() {
        index[axis] = rest % shape[axis]
        rest /= shape[axis]
      }
      return element(x, index) + element(y, index)
    }
    #expect((x + y).shape == shape && (x + y).values == sums)
  }

  @Test func axesCountFromBothEnds() {
    let shape: Shape = [2, 3, 4]
    #expect(shape[0] == 2 && shape[-1] == 4 && shape[-3] == 2 && shape.resolved(-2) == 1)
    #expect(shape.count == 24 && shape.rank == 3 && Shape.scalar.count == 1 && Shape([2, 0]).count == 0)
    #expect(shape.dropping(-1) == [2, 3] && shape.dropping(0) == [3, 4] && Shape([5]).dropping(0) == [])
    #expect(shape.inserting(1, at: 0) == [1, 2, 3, 4] && shape.inserting(7, at: -1) == [2, 3, 4, 7])
    #expect(shape.inserting(7, at: 3) == [2, 3, 4, 7] && shape.inserting(7, at: -2) == [2, 3, 7, 4])
    #expect(shape.appending(9) == [2, 3, 4, 9] && shape.description == "[2, 3, 4]" && Shape.scalar.description == "[]")
    #expect(shape.rowMajorStrides == [12, 4, 1] && Shape([2, 0, 3]).rowMajorStrides == [0, 3, 1])
  }

  @Test func equalityAndHashingSeeTheExtentsOnly() {
    let a = Shape([2, 3, 4]).dropping(2)
    #expect(a == [2, 3] && a.hashValue == Shape([2, 3]).hashValue)
    #expect(Shape([2]) != Shape([2, 1]) && Shape([]) != Shape([1]))
  }
}

@Suite("Views")
struct ViewTests {
  private let x = Tensor([2, 3, 4], (0..<24).map { Real($0) })

  @Test func showTheSameMemoryWithoutACopy() {
    #expect(x.permuted([2, 0, 1]).storage === x.storage && x.slice(1, 1..<3).storage === x.storage)
    #expect(x.reshaped([4, -1]).storage === x.storage && x.select(0, 1).storage === x.storage)
    #expect(x.expandedAxis(1).squeezed(1).storage === x.storage)
    #expect(x.select(0, 1).broadcast(to: [5, 3, 4]).storage === x.storage)
    #expect(x.split(2)[1].storage === x.storage && x.transposed().transposed().sharesMemory(with: x))
    #expect(x.transposed().reshaped([24]).storage !== x.storage, "a reshape of gaps copies")
  }

  @Test func knowWhetherTheyHaveGaps() {
    #expect(x.isContiguous && x.slice(0, 1..<2).isContiguous && x.select(0, 1).isContiguous)
    #expect(!x.transposed().isContiguous && !x.slice(2, 0..<2).isContiguous && !x.slice(1, 0..<2).isContiguous)
    #expect(x.slice(0, 0..<1).slice(1, 1..<3).isContiguous, "an axis of extent 1 has no stride")
    #expect(!x.select(0, 0).broadcast(to: [2, 3, 4]).isContiguous)
  }

  @Test func moveElementsToTheirPlaces() {
    let turned = x.permuted([2, 0, 1])  // [4, 2, 3]
    for i in 0..<4 {
      for j in 0..<2 {
        for k in 0..<3 {
          #expect(turned.values[i * 6 + j * 3 + k] == Real(j * 12 + k * 4 + i))
        }
      }
    }
    #expect(x.transposed(0, 1).select(0, 2).values == [8, 9, 10, 11, 20, 21, 22, 23])
    #expect(x.slice(1, 1..<2).slice(2, 2..<4).values == [6, 7, 18, 19])
    #expect(x.flattened(from: 1, through: 2).shape == [2, 12] && x.flattened(from: 0, through: 1).shape == [6, 4])
    #expect(x.select(2, 3).values == [3, 7, 11, 15, 19, 23])
    #expect(Tensor([2, 1], [1, 2]).broadcast(to: [2, 3]).values == [1, 1, 1, 2, 2, 2])
    #expect(x.split(2).map(\.shape) == [[1, 3, 4], [1, 3, 4]] && x.split(2)[1].values.first == 12)
  }

  /// Every order of four axes of awkward extents, copied to rows: the blocked transposition among them.
  @Test func everyOrderOfFourAxesIsCopiedRight() {
    let shape: Shape = [3, 1, 5, 17]
    let y = Tensor(shape, (0..<shape.count).map { Real($0) })
    var orders: [[Int]] = [[]]
    for _ in 0..<4 { orders = orders.flatMap { o in (0..<4).filter { !o.contains($0) }.map { o + [$0] } } }
    #expect(orders.count == 24)
    for order in orders {
      let p = y.permuted(order)
      let expected = (0..<shape.count).map { flat in
        var (rest, at) = (flat, 0)
        for axis in (0..<4).reversed() {
          at += rest % p.shape[axis] * shape.rowMajorStrides[order[axis]]
          rest /= p.shape[axis]
        }
        return Real(at)
      }
      #expect(p.values == expected, "\(order)")
    }
  }

  @Test func changesInPlaceNeverReachAnotherTensor() {
    var a = Tensor([2, 2], [1, 2, 3, 4])
    let (copy, row, turned) = (a, a.select(0, 1), a.transposed())
    a.withMutableElements { $0[3] = 9 }
    #expect(a.values == [1, 2, 3, 9] && copy.values == [1, 2, 3, 4])
    #expect(row.values == [3, 4] && turned.values == [1, 3, 2, 4])
    var view = copy.transposed()
    view.withMutableElements { $0[1] = 7 }
    #expect(view.values == [1, 7, 2, 4] && copy.values == [1, 2, 3, 4])
    var bank = Tensor([3, 2], [1, 2, 3, 4, 5, 6])
    let old = bank
    bank.replaceRows(from: 1, by: bank.slice(0, 0..<2))
    #expect(bank.values == [1, 2, 1, 2, 3, 4] && old.values == [1, 2, 3, 4, 5, 6])
  }
}
