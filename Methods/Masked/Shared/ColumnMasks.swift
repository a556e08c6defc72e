import ReproTensor

/// Which columns of each row are seen, and which sets of columns are to be predicted from them; sizes are equal in a
/// batch. Places are those of tokens.
struct ColumnMasks: Sendable, Equatable {
  /// What the sizes are drawn from, as shares of all columns.
  struct Shares: Sendable, Equatable {
    var context, target: ClosedRange<Double>
  }

  /// The tokens that each row's context has, registers first.
  let context: [[Int]]
  /// For each row its sets of tokens to predict.
  let targets: [[[Int]]]

  /// - Parameters:
  ///   - columns: at least two.
  ///   - registers: tokens before those of the columns, in every context and in no target.
  ///   - sets: targets of a row; each is drawn by itself from the columns outside of the context.
  ///   - isAsReleased: as the authors' code does: one set counts for all, and masks are drawn over the first tokens, so
  ///     that a register may be hidden or predicted and the last columns never are.
  init(
    rows: Int, columns: Int, registers: Int, shares: Shares, sets: Int, isAsReleased: Bool = false, random: RandomStream
  ) {
    require(columns >= 2 && sets >= 1, "masks need two columns and a set of targets, got \(columns) and \(sets)")
    var sizes = random.child("sizes")
    func size(_ range: ClosedRange<Double>) -> Int {
      let low = (range.lowerBound * Double(columns)).rounded()
      let high = (range.upperBound * Double(columns)).rounded()
      return max(1, Int(low + ((high - low) * sizes.uniform()).rounded()))
    }
    var (seen, predicted) = (size(shares.context), size(shares.target))
    for _ in 0..<100 where seen + predicted > columns {
      (seen, predicted) = (size(shares.context), size(shares.target))
    }
    // Tables of few columns may have room for no draw at all.
    seen = min(seen, columns - 1)
    predicted = min(predicted, columns - seen)
    let first = isAsReleased ? 0 : registers
    let always = isAsReleased ? [] : Array(0..<registers)
    var (context, targets): ([[Int]], [[[Int]]]) = ([], [])
    for row in 0..<rows {
      var stream = random.child("row", row)
      let order = stream.permutation(columns).map { $0 + first }
      context.append(always + order.prefix(seen))
      let rest = Array(order.dropFirst(seen))
      var own = (0..<(isAsReleased ? 1 : sets)).map { _ in
        stream.permutation(rest.count).prefix(predicted).map { rest[$0] }
      }
      while own.count < sets { own.append(own[0]) }
      targets.append(own)
    }
    (self.context, self.targets) = (context, targets)
  }

  /// The context of some rows, `[b, n]`.
  func context(_ rows: Range<Int>) -> IndexTensor {
    IndexTensor([rows.count, context[0].count], rows.flatMap { context[$0] })
  }

  /// The sets of some rows one after the other, `[b, sets, m]`.
  func targets(_ rows: Range<Int>) -> IndexTensor {
    IndexTensor([rows.count, targets[0].count, targets[0][0].count], rows.flatMap { targets[$0].flatMap { $0 } })
  }
}

extension Tensor {
  /// Tokens of each row, `[B, N, D]` with indices `[B, ...]` below N -> `[B, ..., D]`.
  func tokens(_ places: IndexTensor) -> Tensor {
    let (b, n) = (shape[0], shape[1])
    require(places.shape[0] == b, "tokens of \(b) rows, places of \(places.shape[0])")
    let each = places.count / max(1, b)
    let flat = places.values.enumerated().map { $0.offset / each * n + $0.element }
    return reshaped([b * n, shape[2]]).gathered(IndexTensor(places.shape, flat))
  }
}
