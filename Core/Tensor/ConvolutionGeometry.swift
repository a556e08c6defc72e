/// Rows and columns of a window, a step or a border: `3` for both, `[1, 7]` for each.
public struct Extent2D: Sendable, Equatable, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral,
  CustomStringConvertible
{
  public var rows: Int
  public var columns: Int

  public init(_ rows: Int, _ columns: Int) { (self.rows, self.columns) = (rows, columns) }
  public init(_ both: Int) { self.init(both, both) }
  public init(integerLiteral value: Int) { self.init(value) }
  public init(arrayLiteral elements: Int...) {
    require(elements.count == 2, "rows and columns are two numbers, got \(elements)")
    self.init(elements[0], elements[1])
  }

  public var count: Int { rows * columns }
  public var description: String { "\(rows) x \(columns)" }
}

/// A window that slides over planes: which input places meet which output places.
///
///     input row = output row * stride - padding + window row * dilation,   columns alike
struct Window: Sendable, Equatable {
  let input, output: Extent2D
  let kernel, stride, padding, dilation: Extent2D

  init(_ input: Extent2D, kernel: Extent2D, stride: Extent2D, padding: Extent2D, dilation: Extent2D = 1) {
    require(
      min(kernel.rows, kernel.columns, stride.rows, stride.columns, dilation.rows, dilation.columns) > 0
        && padding.rows >= 0 && padding.columns >= 0,
      "kernel \(kernel), stride \(stride) and dilation \(dilation) are positive and padding \(padding) is not negative")
    func places(_ n: Int, _ k: Int, _ s: Int, _ p: Int, _ d: Int) -> Int {
      let room = n + 2 * p - d * (k - 1) - 1
      return room < 0 ? 0 : room / s + 1
    }
    output = Extent2D(
      places(input.rows, kernel.rows, stride.rows, padding.rows, dilation.rows),
      places(input.columns, kernel.columns, stride.columns, padding.columns, dilation.columns))
    require(
      output.count > 0, "a window of \(kernel) (dilation \(dilation)) does not fit into \(input) padded by \(padding)")
    (self.input, self.kernel, self.stride) = (input, kernel, stride)
    (self.padding, self.dilation) = (padding, dilation)
  }

  /// Whether the window is one place that visits every place: unfolding changes nothing.
  var isPointwise: Bool { kernel == 1 && stride == 1 && padding == 0 }

  /// The output columns whose input column lies inside of the plane, for one window column.
  @inline(__always)
  func validColumns(_ kj: Int) -> Range<Int> {
    let shift = padding.columns - kj * dilation.columns  // input column = output column * stride - shift
    let first = shift <= 0 ? 0 : min(output.columns, (shift + stride.columns - 1) / stride.columns)
    let room = input.columns - 1 + shift
    let end = room < 0 ? 0 : min(output.columns, room / stride.columns + 1)
    return first..<max(first, end)
  }

  /// The offset between input and output places where both planes lie alike in memory: window places are then shifts.
  @inline(__always)
  private func shift(_ ki: Int, _ kj: Int) -> (rows: Int, columns: Int)? {
    guard stride == 1, output.columns == input.columns else { return nil }
    let columns = kj * dilation.columns - padding.columns
    guard abs(columns) < input.columns else { return nil }
    return (ki * dilation.rows - padding.rows, columns)
  }

  /// Copies what each window place sees: `col[(c, ki, kj), (row, column)]` for some rows of the output.
  ///
  /// - Parameters:
  ///   - x: the first of `channels` neighbouring planes.
  ///   - col: rows of `leading` elements; places outside of the plane become 0.
  func unfold(
    _ x: UnsafePointer<Real>, channels: Int, rows: Range<Int>, into col: UnsafeMutablePointer<Real>, leading: Int
  ) {
    let width = output.columns
    var target = col
    for c in 0..<channels {
      let plane = x + c * input.count
      for ki in 0..<kernel.rows {
        for kj in 0..<kernel.columns {
          if let shift = shift(ki, kj) {
            copyShifted(plane, shift, rows, target)
          } else {
            let valid = validColumns(kj)
            for row in rows {
              copyRow(plane, row, ki, kj, valid, target + (row - rows.lowerBound) * width)
            }
          }
          target += leading
        }
      }
    }
  }

  @inline(__always)
  private func copyRow(
    _ plane: UnsafePointer<Real>, _ row: Int, _ ki: Int, _ kj: Int, _ valid: Range<Int>,
    _ target: UnsafeMutablePointer<Real>
  ) {
    let y = row * stride.rows - padding.rows + ki * dilation.rows
    guard y >= 0 && y < input.rows && !valid.isEmpty else {
      return target.update(repeating: 0, count: output.columns)
    }
    let source = plane + y * input.columns + (kj * dilation.columns - padding.columns)
    for i in 0..<valid.lowerBound { target[i] = 0 }
    if stride.columns == 1 {
      (target + valid.lowerBound).update(from: source + valid.lowerBound, count: valid.count)
    } else {
      for i in valid { target[i] = source[i &* stride.columns] }
    }
    for i in valid.upperBound..<output.columns { target[i] = 0 }
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
    let count = min((last - first) * width, input.count - from)
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
    _ col: UnsafeMutablePointer<Real>, leading: Int, channels: Int, rows: Range<Int>,
    addingTo x: UnsafeMutablePointer<Real>
  ) {
    let width = output.columns
    var source = col
    for c in 0..<channels {
      let plane = x + c * input.count
      for ki in 0..<kernel.rows {
        for kj in 0..<kernel.columns {
          if let shift = shift(ki, kj) {
            addShifted(source, shift, rows, plane)
          } else {
            let valid = validColumns(kj)
            for row in rows {
              let y = row * stride.rows - padding.rows + ki * dilation.rows
              guard y >= 0 && y < input.rows else { continue }
              let to = plane + y * input.columns + (kj * dilation.columns - padding.columns)
              let from = source + (row - rows.lowerBound) * width
              for i in valid { to[i &* stride.columns] += from[i] }
            }
          }
          source += leading
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
    let count = min((last - first) * width, input.count - to)
    kernels.axpy(count - skip, 1, from + skip, plane + (to + skip))
  }
}
