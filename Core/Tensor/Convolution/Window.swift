/// A window that slides over volumes, planes or lines: which input places meet which output places.
///
///     input row = output row * stride - padding + window row * dilation,   columns and depth alike
///
/// A plane is a volume of depth 1; a line is a plane of one row.
struct Window: Sendable, Equatable {
  /// Axes that the user sees: 1, 2 or 3.
  let rank: Int
  let input, output: Extent3D
  let kernel, stride, padding, dilation: Extent3D

  /// - Parameter limit: how many places the output has at most, where the last ones that fit are not wanted.
  init(
    rank: Int, _ input: Extent3D, kernel: Extent3D, stride: Extent3D, padding: Extent3D, dilation: Extent3D = 1,
    limit: Extent3D = Extent3D(.max)
  ) {
    require(
      min(kernel.smallest, stride.smallest, dilation.smallest) > 0 && padding.smallest >= 0,
      "kernel \(kernel.text(rank)), stride \(stride.text(rank)) and dilation \(dilation.text(rank)) are positive and "
        + "padding \(padding.text(rank)) is not negative")
    func places(_ n: Int, _ k: Int, _ s: Int, _ p: Int, _ d: Int) -> Int {
      let room = n + 2 * p - d * (k - 1) - 1
      return room < 0 ? 0 : room / s + 1
    }
    let fitting = Extent3D(
      places(input.depth, kernel.depth, stride.depth, padding.depth, dilation.depth),
      places(input.rows, kernel.rows, stride.rows, padding.rows, dilation.rows),
      places(input.columns, kernel.columns, stride.columns, padding.columns, dilation.columns))
    output = Extent3D.zip(fitting, limit, min)
    require(
      output.count > 0,
      "a window of \(kernel.text(rank)) (dilation \(dilation.text(rank))) does not fit into \(input.text(rank)) padded "
        + "by \(padding.text(rank))")
    (self.rank, self.input, self.kernel, self.stride) = (rank, input, kernel, stride)
    (self.padding, self.dilation) = (padding, dilation)
  }

  /// A window over planes.
  init(_ input: Extent2D, kernel: Extent2D, stride: Extent2D, padding: Extent2D, dilation: Extent2D = 1) {
    self.init(
      rank: 2, Extent3D(input, depth: 1), kernel: Extent3D(kernel, depth: 1), stride: Extent3D(stride, depth: 1),
      padding: Extent3D(padding, depth: 0), dilation: Extent3D(dilation, depth: 1))
  }

  /// A window over lines.
  init(_ input: Int, kernel: Int, stride: Int, padding: Int, dilation: Int = 1) {
    self.init(
      rank: 1, Extent3D(columns: input, others: 1), kernel: Extent3D(columns: kernel, others: 1),
      stride: Extent3D(columns: stride, others: 1), padding: Extent3D(columns: padding, others: 0),
      dilation: Extent3D(columns: dilation, others: 1))
  }

  /// The last `rank` axes of the input, of the output and of the window.
  var inputAxes: [Int] { axes(input) }
  var outputAxes: [Int] { axes(output) }
  var kernelAxes: [Int] { axes(kernel) }
  private func axes(_ e: Extent3D) -> [Int] { [e.depth, e.rows, e.columns].suffix(rank) }

  /// Whether the window is one place that visits every place: unfolding changes nothing. The places are compared, too: an
  /// output with a limit leaves out the last ones.
  var isPointwise: Bool { kernel == 1 && stride == 1 && padding == 0 && input == output }

  /// Rows of all depths of the output, one after the other.
  var outputLines: Int { output.depth * output.rows }

  /// The output columns whose input column lies inside, for one window column.
  @inline(__always)
  func validColumns(_ kj: Int) -> Range<Int> {
    let shift = padding.columns - kj * dilation.columns  // input column = output column * stride - shift
    let first = shift <= 0 ? 0 : min(output.columns, (shift + stride.columns - 1) / stride.columns)
    let room = input.columns - 1 + shift
    let end = room < 0 ? 0 : min(output.columns, room / stride.columns + 1)
    return first..<max(first, end)
  }

  /// The input depth that a window depth sees, or nil outside.
  @inline(__always)
  func inputDepth(_ depth: Int, _ kd: Int) -> Int? {
    let z = depth * stride.depth - padding.depth + kd * dilation.depth
    return z >= 0 && z < input.depth ? z : nil
  }

  /// The input row that a window row sees, or nil outside.
  @inline(__always)
  func inputRow(_ row: Int, _ ki: Int) -> Int? {
    let y = row * stride.rows - padding.rows + ki * dilation.rows
    return y >= 0 && y < input.rows ? y : nil
  }
}
