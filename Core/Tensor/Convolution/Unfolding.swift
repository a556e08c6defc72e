// Unfolding copies what each place of a window sees into the rows of a matrix; folding adds it back.

/// Some places of the output of one sample: all, or some whole lines, or a part of the only line.
struct OutputRange: Sendable {
  /// Lines, counted through all depths.
  let lines: Range<Int>
  let columns: Range<Int>

  init(_ window: Window, _ places: Range<Int>) {
    let width = window.output.columns
    if window.outputLines == 1 {
      (lines, columns) = (0..<1, places)
    } else {
      (lines, columns) = (places.lowerBound / width..<places.upperBound / width, 0..<width)
    }
  }

  /// Calls `body(depth, rows, lines before)` for each depth that the lines touch.
  @inline(__always)
  func eachDepth(_ rows: Int, _ body: (Int, Range<Int>, Int) -> Void) {
    var line = lines.lowerBound
    while line < lines.upperBound {
      let depth = line / rows
      let end = min(lines.upperBound, (depth + 1) * rows)
      body(depth, line - depth * rows..<end - depth * rows, line - lines.lowerBound)
      line = end
    }
  }
}

extension Window {
  /// The offset between input and output places where both planes lie alike in memory: window places are then shifts.
  @inline(__always)
  private func shift(_ ki: Int, _ kj: Int, _ columns: Range<Int>) -> (rows: Int, columns: Int)? {
    guard stride.rows == 1, stride.columns == 1, output.columns == input.columns, columns.count == output.columns
    else { return nil }
    let columns = kj * dilation.columns - padding.columns
    guard abs(columns) < input.columns else { return nil }
    return (ki * dilation.rows - padding.rows, columns)
  }

  /// Elements of one depth of the input.
  private var plane: Int { input.rows * input.columns }

  /// Copies what each window place sees: `col[(c, window place), output place]` for some places of the output.
  ///
  /// - Parameters:
  ///   - x: the first of `channels` neighbouring volumes.
  ///   - col: rows of `leading` elements; places outside of the input become 0.
  func unfold(
    _ x: UnsafePointer<Real>, channels: Int, _ places: Range<Int>, into col: UnsafeMutablePointer<Real>, leading: Int
  ) {
    let range = OutputRange(self, places)
    let width = range.columns.count
    var target = col
    for c in 0..<channels {
      for kd in 0..<kernel.depth {
        for ki in 0..<kernel.rows {
          for kj in 0..<kernel.columns {
            range.eachDepth(output.rows) { depth, rows, before in
              let to = target + before * width
              guard let z = inputDepth(depth, kd) else { return to.update(repeating: 0, count: rows.count * width) }
              let from = x + (c * input.depth + z) * plane
              if let shift = shift(ki, kj, range.columns) {
                copyShifted(from, shift, rows, to)
              } else {
                let valid = validColumns(kj).clamped(to: range.columns)
                for row in rows {
                  copyRow(from, row, ki, kj, range.columns, valid, to + (row - rows.lowerBound) * width)
                }
              }
            }
            target += leading
          }
        }
      }
    }
  }

  @inline(__always)
  private func copyRow(
    _ plane: UnsafePointer<Real>, _ row: Int, _ ki: Int, _ kj: Int, _ columns: Range<Int>, _ valid: Range<Int>,
    _ target: UnsafeMutablePointer<Real>
  ) {
    guard let y = inputRow(row, ki), !valid.isEmpty else { return target.update(repeating: 0, count: columns.count) }
    let source = plane + y * input.columns + (kj * dilation.columns - padding.columns)
    let target = target - columns.lowerBound
    for i in columns.lowerBound..<valid.lowerBound { target[i] = 0 }
    if stride.columns == 1 {
      (target + valid.lowerBound).update(from: source + valid.lowerBound, count: valid.count)
    } else {
      for i in valid { target[i] = source[i &* stride.columns] }
    }
    for i in valid.upperBound..<columns.upperBound { target[i] = 0 }
  }

  /// One long copy, then zeros where the shift has wrapped around the sides.
  @inline(__always)
  private func copyShifted(
    _ plane: UnsafePointer<Real>, _ shift: (rows: Int, columns: Int), _ rows: Range<Int>,
    _ target: UnsafeMutablePointer<Real>
  ) {
    let width = input.columns
    let first = min(max(rows.lowerBound, -shift.rows), rows.upperBound)
    let last = max(min(rows.upperBound, input.rows - shift.rows), first)
    if first > rows.lowerBound { target.update(repeating: 0, count: (first - rows.lowerBound) * width) }
    if last < rows.upperBound {
      (target + (last - rows.lowerBound) * width).update(repeating: 0, count: (rows.upperBound - last) * width)
    }
    guard first < last else { return }
    let to = target + (first - rows.lowerBound) * width
    let from = (first + shift.rows) * width + shift.columns
    // The ends of the run may lie outside of the plane; those elements are zeroed below.
    let skip = max(0, -from)
    let count = min((last - first) * width, self.plane - from)
    (to + skip).update(from: plane + (from + skip), count: count - skip)
    zeroSides(to, rows: last - first, shift: shift.columns)
  }

  /// Zeros in the columns that a shift has brought in from the neighbouring row.
  @inline(__always)
  private func zeroSides(_ col: UnsafeMutablePointer<Real>, rows: Int, shift: Int) {
    let width = input.columns
    let zeros = shift < 0 ? 0..<(-shift) : (width - shift)..<width
    for row in 0..<rows { for i in zeros { col[row &* width &+ i] = 0 } }
  }

  /// Adds back what `unfold` copied: its transpose. Destroys `col`.
  func fold(
    _ col: UnsafeMutablePointer<Real>, leading: Int, channels: Int, _ places: Range<Int>,
    addingTo x: UnsafeMutablePointer<Real>
  ) {
    let range = OutputRange(self, places)
    let width = range.columns.count
    var source = col
    for c in 0..<channels {
      for kd in 0..<kernel.depth {
        for ki in 0..<kernel.rows {
          for kj in 0..<kernel.columns {
            range.eachDepth(output.rows) { depth, rows, before in
              guard let z = inputDepth(depth, kd) else { return }
              let to = x + (c * input.depth + z) * plane
              let from = source + before * width
              if let shift = shift(ki, kj, range.columns) {
                addShifted(from, shift, rows, to)
              } else {
                let valid = validColumns(kj).clamped(to: range.columns)
                for row in rows {
                  guard let y = inputRow(row, ki) else { continue }
                  let target = to + y * input.columns + (kj * dilation.columns - padding.columns)
                  let line = from + (row - rows.lowerBound) * width - range.columns.lowerBound
                  for i in valid { target[i &* stride.columns] += line[i] }
                }
              }
            }
            source += leading
          }
        }
      }
    }
  }

  @inline(__always)
  private func addShifted(
    _ col: UnsafeMutablePointer<Real>, _ shift: (rows: Int, columns: Int), _ rows: Range<Int>,
    _ plane: UnsafeMutablePointer<Real>
  ) {
    let width = input.columns
    let first = min(max(rows.lowerBound, -shift.rows), rows.upperBound)
    let last = max(min(rows.upperBound, input.rows - shift.rows), first)
    guard first < last else { return }
    let from = col + (first - rows.lowerBound) * width
    zeroSides(from, rows: last - first, shift: shift.columns)
    let to = (first + shift.rows) * width + shift.columns
    let skip = max(0, -to)
    let count = min((last - first) * width, self.plane - to)
    kernels.axpy(count - skip, 1, from + skip, plane + (to + skip))
  }
}
