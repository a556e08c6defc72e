/// Elements that one tile of a parallel loop handles.
let tileElements = 16384

/// Runs `body(first, count)` over `0..<n` in tiles whose boundaries depend on n only.
@inline(__always)
func forTiles(_ n: Int, _ tile: Int = tileElements, _ body: (Int, Int) -> Void) {
  if n <= tile {
    body(0, n)
  } else {
    ThreadPool.shared.forEach((n + tile - 1) / tile) { i in body(i * tile, min(tile, n - i * tile)) }
  }
}

/// The axes of several operands seen together: neighbours that are one axis in memory for all of them are merged.
///
/// The last axis comes first. A size-1 axis disappears; an element-wise loop then needs as few levels as possible.
struct MergedAxes<let operands: Int> {
  private(set) var extents: [Int] = []
  /// For each axis, the stride of each operand.
  private(set) var strides: [InlineArray<operands, Int>] = []

  init(_ shape: Shape, _ operandStrides: InlineArray<operands, Shape>) {
    for axis in stride(from: shape.rank - 1, through: 0, by: -1) where shape[axis] != 1 {
      var step = InlineArray<operands, Int>(repeating: 0)
      var merges = !extents.isEmpty
      for k in 0..<operands {
        step[k] = operandStrides[k][axis]
        if merges, let last = extents.last, let inner = strides.last { merges = step[k] == inner[k] * last }
      }
      if merges {
        extents[extents.count - 1] *= shape[axis]
      } else {
        extents.append(shape[axis])
        strides.append(step)
      }
    }
    if extents.isEmpty {
      extents = [1]
      strides = [InlineArray(repeating: 0)]
    }
  }

  /// Number of runs of the innermost axis.
  var outerCount: Int { extents.dropFirst().reduce(1, *) }

  /// Offsets of each operand at the given run.
  func offsets(_ run: Int) -> InlineArray<operands, Int> {
    var at = InlineArray<operands, Int>(repeating: 0)
    var rest = run
    for axis in 1..<max(extents.count, 1) where axis < extents.count {
      let i = rest % extents[axis]
      rest /= extents[axis]
      for k in 0..<operands { at[k] += i * strides[axis][k] }
    }
    return at
  }
}

/// Writes the elements of `x`, in row-major order, to `target`.
func copyElements(of x: Tensor, to target: UnsafeMutablePointer<Real>) {
  if x.count == 0 { return }
  let source = x.base
  if x.isContiguous {
    forTiles(x.count) { first, n in (target + first).update(from: source + first, count: n) }
    withExtendedLifetime(x) {}
    return
  }
  let axes = MergedAxes<2>(x.shape, [x.strides, x.shape.rowMajorStrides])
  let n = axes.extents[0]
  let step = axes.strides[0][0]
  let outer = axes.outerCount
  // A matrix whose source is column-major is turned block by block.
  if axes.extents.count >= 2, step != 1, axes.strides[1][0] == 1, axes.strides[0][1] == 1 {
    let rows = axes.extents[1]
    let rowStep = axes.strides[1][1]
    forTiles(outer / rows, max(1, tileElements / (n * rows))) { first, count in
      for plane in first..<(first + count) {
        let at = axes.offsets(plane * rows)
        // target[r, c] = source[c, r]: the kernel reads [n, rows] and writes [rows, n].
        kernels.transpose(n, rows, source + at[0], step, target + at[1], rowStep)
      }
    }
  } else {
    forTiles(outer, max(1, tileElements / n)) { first, count in
      for run in first..<(first + count) {
        let at = axes.offsets(run)
        if step == 1 {
          (target + at[1]).update(from: source + at[0], count: n)
        } else {
          kernels.gatherStrided(n, source + at[0], step, target + at[1])
        }
      }
    }
  }
  withExtendedLifetime(x) {}
}

extension Tensor {
  /// The same elements without gaps: itself if they already are, else a copy.
  public func contiguous() -> Tensor {
    if isContiguous { return self }
    return copied().recorded("contiguous", self) { s in s.gradient }
  }
}
