// Linear maps of one axis of which each result needs few samples: resampling, pooling into bins.

/// A sparse matrix, `[rows, columns]`, row by row.
struct AxisMap: Sendable {
  let rows, columns: Int
  /// Where the entries of each row begin; one more for the end.
  private let starts: [Int]
  private let places: [Int]
  private let weights: [Real]

  /// The map of `columns` samples to `rows` samples, each a sum of some of them with weights.
  init(from columns: Int, to rows: Int, _ entries: (Int) -> [(place: Int, weight: Double)]) {
    (self.rows, self.columns) = (rows, columns)
    let all = (0..<rows).map(entries)
    starts = all.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
    places = all.flatMap { $0.map(\.place) }
    weights = all.flatMap { $0.map { Real($0.weight) } }
  }

  private init(rows: Int, columns: Int, starts: [Int], places: [Int], weights: [Real]) {
    (self.rows, self.columns) = (rows, columns)
    (self.starts, self.places, self.weights) = (starts, places, weights)
  }

  /// The transposed matrix; the entries of a row keep the order of the rows from which they come.
  var transposed: AxisMap {
    var next = [Int](repeating: 0, count: columns + 1)
    for place in places { next[place + 1] += 1 }
    for i in 0..<columns { next[i + 1] += next[i] }
    let begins = next
    var (to, factors) = (places, weights)
    for row in 0..<rows {
      for entry in starts[row]..<starts[row + 1] {
        let place = places[entry]
        (to[next[place]], factors[next[place]]) = (row, weights[entry])
        next[place] += 1
      }
    }
    return AxisMap(rows: columns, columns: rows, starts: begins, places: to, weights: factors)
  }

  /// y[o, i, :] = sum_j matrix[i, j] x[o, j, :] for `outer` blocks of rows of `inner` elements.
  func apply(_ x: UnsafePointer<Real>, outer: Int, inner: Int, into y: UnsafeMutablePointer<Real>) {
    starts.withUnsafeBufferPointer { starts in
      places.withUnsafeBufferPointer { places in
        weights.withUnsafeBufferPointer { weights in
          if inner == 1 {
            forTiles(outer, max(1, tileElements / max(places.count, 1))) { first, count in
              for o in first..<(first + count) {
                let (source, target) = (x + o * columns, y + o * rows)
                for i in 0..<rows {
                  var sum: Real = 0
                  for entry in starts[i]..<starts[i + 1] { sum += weights[entry] * source[places[entry]] }
                  target[i] = sum
                }
              }
            }
          } else {
            forTiles(outer * rows, max(1, tileElements / max(inner, 1))) { first, count in
              for line in first..<(first + count) {
                let (i, source, target) = (line % rows, x + line / rows * columns * inner, y + line * inner)
                if starts[i] == starts[i + 1] { kernels.fill(inner, 0, target) }
                for entry in starts[i]..<starts[i + 1] {
                  let from = source + places[entry] * inner
                  if entry == starts[i] {
                    kernels.affine(inner, weights[entry], from, 0, target)
                  } else {
                    kernels.axpy(inner, weights[entry], from, target)
                  }
                }
              }
            }
          }
        }
      }
    }
  }
}

extension Tensor {
  /// One axis mapped by a sparse matrix.
  func resampled(_ axis: Int, _ map: AxisMap) -> Tensor {
    let a = shape.resolved(axis)
    require(shape[a] == map.columns, "axis \(axis) of \(shape) has not the \(map.columns) samples of a map")
    let x = contiguous()
    let y = Tensor(uninitialized: shape.with(a, map.rows))
    let (outer, _, inner) = shape.around(a)
    if y.count > 0 { map.apply(x.base, outer: outer, inner: inner, into: y.base) }
    withExtendedLifetime(x) {}
    return y.recorded("resampled", self) { s in s.gradient.resampled(a, map.transposed) }
  }
}
