// Pooling over windows of planes, `[..., H, W] -> [..., H', W']`. Each op and its transpose are derivatives of each other.

extension Tensor {
  private func window(_ kernel: Extent2D, _ stride: Extent2D?, _ padding: Extent2D) -> Window {
    require(rank >= 2, "pooling needs planes [..., H, W], got \(shape)")
    require(
      2 * padding.rows <= kernel.rows && 2 * padding.columns <= kernel.columns,
      "padding \(padding) of a pooling window \(kernel) is at most half of it")
    return Window(Extent2D(shape[-2], shape[-1]), kernel: kernel, stride: stride ?? kernel, padding: padding)
  }

  /// This shape with other planes.
  private func planes(_ extent: Extent2D) -> Shape {
    Shape(shape.array.dropLast(2) + [extent.rows, extent.columns])
  }

  /// Runs `body(plane)` for every plane, in tiles of about `elements` elements each.
  private func forEachPlane(_ elements: Int, _ body: (Int) -> Void) {
    forTiles(shape.array.dropLast(2).reduce(1, *), max(1, tileElements / max(elements, 1))) { first, n in
      for plane in first..<(first + n) { body(plane) }
    }
  }

  /// The largest element of each window; the first of equals, row by row, gets the gradient. A NaN wins.
  ///
  /// - Parameters:
  ///   - stride: the kernel if nil.
  ///   - padding: at most half of the kernel; what lies outside is never chosen.
  /// - Returns: `[..., H', W']` with H' = (H + 2 p - k) / s + 1, rounded down.
  public func maxPooled(_ kernel: Extent2D, stride: Extent2D? = nil, padding: Extent2D = 0) -> Tensor {
    let w = window(kernel, stride, padding)
    // Places are kept as numbers in a pooled buffer: exact up to 2^24.
    require(w.input.count <= 1 << 24, "maxPooled needs planes of at most 2^24 elements, got \(shape)")
    let x = contiguous()
    let (y, places) = (Tensor(uninitialized: planes(w.output)), Tensor(uninitialized: planes(w.output)))
    let (px, py, pp) = (x.base, y.base, places.base)
    forEachPlane(w.output.count * kernel.count) { plane in
      let source = px + plane * w.input.count
      let (values, best) = (py + plane * w.output.count, pp + plane * w.output.count)
      // The first element of each window stands until a larger one comes.
      for i in 0..<w.output.count {
        let top = max(i / w.output.columns * w.stride.rows - padding.rows, 0)
        let left = max(i % w.output.columns * w.stride.columns - padding.columns, 0)
        (values[i], best[i]) = (-.infinity, Real(top * w.input.columns + left))
      }
      w.eachRun { input, output, n, step in
        let (values, best) = (values + output, best + output)
        for i in 0..<n {
          let at = input &+ i &* step
          let candidate = source[at]
          // No branch, so that several windows are compared at once.
          let isTaken = (candidate > values[i]) != (candidate != candidate)
          values[i] = isTaken ? candidate : values[i]
          best[i] = isTaken ? Real(at) : best[i]
        }
      }
    }
    withExtendedLifetime(x) {}
    return y.recorded("maxPooled", self) { s in s.gradient.scatteredInPlanes(places, to: w.input) }
  }

  /// Each element added at its place of a zero plane; `places` has the shape of this tensor.
  private func scatteredInPlanes(_ places: Tensor, to extent: Extent2D) -> Tensor {
    let g = contiguous()
    let y = Tensor.zeros(planes(extent))
    let (pg, py, pp, n) = (g.base, y.base, places.base, shape[-2] * shape[-1])
    forEachPlane(extent.count) { plane in
      let target = py + plane * extent.count
      for i in (plane * n)..<((plane + 1) * n) { target[Int(pp[i])] += pg[i] }
    }
    withExtendedLifetime((g, places)) {}
    return y.recorded("scatteredInPlanes", self) { s in s.gradient.gatheredInPlanes(places) }
  }

  /// The elements at the given places of each plane: the transpose of `scatteredInPlanes`.
  private func gatheredInPlanes(_ places: Tensor) -> Tensor {
    let x = contiguous()
    let extent = Extent2D(shape[-2], shape[-1])
    let y = Tensor(uninitialized: places.shape)
    let (px, py, pp, n) = (x.base, y.base, places.base, places.shape[-2] * places.shape[-1])
    forEachPlane(n) { plane in
      let source = px + plane * extent.count
      for i in (plane * n)..<((plane + 1) * n) { py[i] = source[Int(pp[i])] }
    }
    withExtendedLifetime((x, places)) {}
    return y.recorded("gatheredInPlanes", self) { s in s.gradient.scatteredInPlanes(places, to: extent) }
  }

  /// The mean of each window.
  ///
  /// - Parameters:
  ///   - stride: the kernel if nil.
  ///   - padding: zeros around the plane, at most half of the kernel.
  ///   - countsPadding: whether the padding's zeros count as elements (PyTorch's default) or the mean is of what is inside.
  public func averagePooled(
    _ kernel: Extent2D, stride: Extent2D? = nil, padding: Extent2D = 0, countsPadding: Bool = true
  ) -> Tensor {
    let w = window(kernel, stride, padding)
    let sums = windowSums(w)
    if countsPadding || padding == 0 { return sums / Real(kernel.count) }
    return sums / Tensor.ones([w.input.rows, w.input.columns]).windowSums(w)
  }

  /// The sum of each window.
  private func windowSums(_ w: Window) -> Tensor {
    let x = contiguous()
    let y = Tensor.zeros(planes(w.output))
    let (px, py) = (x.base, y.base)
    forEachPlane(w.output.count * w.kernel.count) { plane in
      w.eachRun { input, output, n, step in
        let (source, target) = (px + (plane * w.input.count + input), py + (plane * w.output.count + output))
        for i in 0..<n { target[i] += source[i &* step] }
      }
    }
    withExtendedLifetime(x) {}
    return y.recorded("windowSums", self) { s in s.gradient.windowSpread(w) }
  }

  /// Each element added to every place of its window: the transpose of `windowSums`.
  private func windowSpread(_ w: Window) -> Tensor {
    let g = contiguous()
    let y = Tensor.zeros(planes(w.input))
    let (pg, py) = (g.base, y.base)
    forEachPlane(w.output.count * w.kernel.count) { plane in
      w.eachRun { input, output, n, step in
        let (target, source) = (py + (plane * w.input.count + input), pg + (plane * w.output.count + output))
        for i in 0..<n { target[i &* step] += source[i] }
      }
    }
    withExtendedLifetime(g) {}
    return y.recorded("windowSpread", self) { s in s.gradient.windowSums(w) }
  }

  /// The mean of each plane, `[..., H, W] -> [...]`.
  public func globalAveragePooled() -> Tensor {
    require(rank >= 2, "pooling needs planes [..., H, W], got \(shape)")
    return flattened(from: rank - 2).mean(-1)
  }
}

extension Window {
  /// Calls `body(first input place, first output place, count, step of the input)` for each window place and output row.
  @inline(__always)
  fileprivate func eachRun(_ body: (Int, Int, Int, Int) -> Void) {
    for ki in 0..<kernel.rows {
      for kj in 0..<kernel.columns {
        let valid = validColumns(kj)
        for row in 0..<output.rows {
          let y = row * stride.rows - padding.rows + ki * dilation.rows
          guard y >= 0 && y < input.rows && !valid.isEmpty else { continue }
          let x = valid.lowerBound * stride.columns - padding.columns + kj * dilation.columns
          body(y * input.columns + x, row * output.columns + valid.lowerBound, valid.count, stride.columns)
        }
      }
    }
  }
}
