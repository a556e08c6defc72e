// Sorting, the best k, and what is different. Equal elements keep their order and NaN comes last, whatever the direction.

/// An element and where it was.
private struct Placed {
  var key: Real
  var place: Int

  static func isBefore(_ a: Placed, _ b: Placed) -> Bool { a.key < b.key || (a.key == b.key && a.place < b.place) }
}

extension Tensor {
  /// The places of the first k along an axis in ascending (descending) order, `[..., k, ...]`.
  private func rankedPlaces(_ axis: Int, _ k: Int, descending: Bool) -> IndexTensor {
    let a = shape.resolved(axis)
    let (outer, n, inner) = shape.around(a)
    let x = detached.contiguous()
    let source = x.base
    let places = [Int](unsafeUninitializedCapacity: outer * k * inner) { buffer, count in
      count = outer * k * inner
      guard count > 0, let target = buffer.baseAddress else { return }
      forTiles(outer * inner, max(1, tileElements / (16 * n))) { first, lines in
        for line in first..<(first + lines) {
          let (o, i) = line.quotientAndRemainder(dividingBy: inner)
          let from = source + o * n * inner + i
          let best = ranked(n, k) { descending ? -from[$0 * inner] : from[$0 * inner] }
          for j in 0..<k { target[(o * k + j) * inner + i] = best[j] }
        }
      }
    }
    withExtendedLifetime(x) {}
    return IndexTensor(shape.with(a, k), places)
  }

  /// The order that sorts an axis, the last by default: place j of the result says where the j-th element was.
  ///
  /// Equal elements keep their order; NaN comes last, in both directions.
  public func argsort(_ axis: Int = -1, descending: Bool = false) -> IndexTensor {
    rankedPlaces(axis, shape[axis], descending: descending)
  }

  /// The elements sorted along an axis, the last by default, and where they were; see `argsort`.
  public func sorted(
    _ axis: Int = -1, descending: Bool = false
  ) -> (values: Tensor, indices: IndexTensor) {
    let places = argsort(axis, descending: descending)
    return (takenAlong(axis, places), places)
  }

  /// The k largest (or smallest) along an axis, the best first, and where they were; the first of equals comes first.
  ///
  /// - Parameter k: 0 ... extent of the axis.
  public func topK(
    _ k: Int, axis: Int = -1, largest: Bool = true
  ) -> (values: Tensor, indices: IndexTensor) {
    require(k >= 0 && k <= shape[axis], "topK cannot take \(k) along axis \(axis) of \(shape)")
    let places = rankedPlaces(axis, k, descending: largest)
    return (takenAlong(axis, places), places)
  }

  /// The different values of all elements, ascending: which they are (a constant), for each element the place of its value,
  /// and how often each comes. All NaN count as one value, the last.
  public func unique() -> (values: Tensor, inverse: IndexTensor, counts: [Int]) {
    let order = ranked(count, count) { [x = values] in x[$0] }
    var (found, counts, inverse) = ([Real](), [Int](), [Int](repeating: 0, count: count))
    withElements { x in
      for place in order {
        let isKnown = found.last.map { $0 == x[place] || ($0.isNaN && x[place].isNaN) } ?? false
        if !isKnown {
          found.append(x[place])
          counts.append(0)
        }
        counts[counts.count - 1] += 1
        inverse[place] = found.count - 1
      }
    }
    return (Tensor([found.count], found), IndexTensor(shape, inverse), counts)
  }
}

extension IndexTensor {
  /// The different indices, ascending; for each index the place of its value; and how often each comes.
  public func unique() -> (values: IndexTensor, inverse: IndexTensor, counts: [Int]) {
    let found = Set(values).sorted()
    let place = Dictionary(uniqueKeysWithValues: found.enumerated().map { ($1, $0) })
    let inverse = values.map { place[$0] ?? 0 }
    var counts = [Int](repeating: 0, count: found.count)
    for i in inverse { counts[i] += 1 }
    return (IndexTensor(found), IndexTensor(shape, inverse), counts)
  }
}

/// The places of the k smallest of n keys, in ascending order; equal keys in the order of their places, NaN last.
private func ranked(_ n: Int, _ k: Int, _ key: (Int) -> Real) -> [Int] {
  var best: [Placed] = []
  var undefined: [Int] = []
  if k * 8 <= n && k <= 128 {
    // A short sorted list: most keys are not better than its last.
    best.reserveCapacity(k + 1)
    for place in 0..<n {
      let value = key(place)
      if value.isNaN {
        undefined.append(place)
      } else if best.count < k || (k > 0 && value < best[k - 1].key) {
        if best.count == k { best.removeLast() }
        var at = best.count
        best.append(Placed(key: value, place: place))
        while at > 0, value < best[at - 1].key {
          best[at] = best[at - 1]
          at -= 1
        }
        best[at] = Placed(key: value, place: place)
      }
    }
  } else {
    best.reserveCapacity(n)
    for place in 0..<n {
      let value = key(place)
      if value.isNaN { undefined.append(place) } else { best.append(Placed(key: value, place: place)) }
    }
    best.sort(by: Placed.isBefore)
  }
  return Array((best.map(\.place) + undefined).prefix(k))
}
