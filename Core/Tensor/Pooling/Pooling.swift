// Pooling over windows of lines, planes or volumes. The largest of a window is found with its place; the mean is a sum. Each
// op and its transpose are derivatives of each other.

extension Tensor {
  /// The largest element of each window of planes; the first of equals, row by row, gets the gradient. A NaN wins.
  ///
  /// - Parameters:
  ///   - stride: the kernel if nil.
  ///   - padding: at most half of the window; what lies outside is never chosen.
  ///   - dilation: distance of the window's places.
  /// - Returns: `[..., H', W']` of `[..., H, W]` with H' = (H + 2 p - d (k - 1) - 1) / s + 1, rounded down.
  public func maxPooled(
    _ kernel: Extent2D, stride: Extent2D? = nil, padding: Extent2D = 0, dilation: Extent2D = 1
  ) -> Tensor {
    maxOfWindows(
      poolingWindow(
        2, Extent3D(kernel, depth: 1), Extent3D(stride ?? kernel, depth: 1), Extent3D(padding, depth: 0),
        Extent3D(dilation, depth: 1)))
  }

  /// The largest element of each window of lines, `[..., L]` -> `[..., L']`; see `maxPooled`.
  public func maxPooled1d(_ kernel: Int, stride: Int? = nil, padding: Int = 0, dilation: Int = 1) -> Tensor {
    maxOfWindows(
      poolingWindow(
        1, Extent3D(columns: kernel, others: 1), Extent3D(columns: stride ?? kernel, others: 1),
        Extent3D(columns: padding, others: 0), Extent3D(columns: dilation, others: 1)))
  }

  /// The largest element of each window of volumes, `[..., D, H, W]` -> `[..., D', H', W']`; see `maxPooled`.
  public func maxPooled3d(
    _ kernel: Extent3D, stride: Extent3D? = nil, padding: Extent3D = 0, dilation: Extent3D = 1
  ) -> Tensor {
    maxOfWindows(poolingWindow(3, kernel, stride ?? kernel, padding, dilation))
  }

  /// The mean of each window of planes.
  ///
  /// - Parameters:
  ///   - stride: the kernel if nil.
  ///   - padding: zeros around the plane, at most half of the kernel.
  ///   - countsPadding: whether the padding's zeros count as elements (PyTorch's default) or the mean is of what is inside.
  /// - Returns: `[..., H', W']` of `[..., H, W]`.
  public func averagePooled(
    _ kernel: Extent2D, stride: Extent2D? = nil, padding: Extent2D = 0, countsPadding: Bool = true
  ) -> Tensor {
    meanOfWindows(
      poolingWindow(
        2, Extent3D(kernel, depth: 1), Extent3D(stride ?? kernel, depth: 1), Extent3D(padding, depth: 0), 1),
      countsPadding)
  }

  /// The mean of each window of lines, `[..., L]` -> `[..., L']`; see `averagePooled`.
  public func averagePooled1d(_ kernel: Int, stride: Int? = nil, padding: Int = 0, countsPadding: Bool = true)
    -> Tensor
  {
    meanOfWindows(
      poolingWindow(
        1, Extent3D(columns: kernel, others: 1), Extent3D(columns: stride ?? kernel, others: 1),
        Extent3D(columns: padding, others: 0), 1),
      countsPadding)
  }

  /// The mean of each window of volumes, `[..., D, H, W]` -> `[..., D', H', W']`; see `averagePooled`.
  public func averagePooled3d(
    _ kernel: Extent3D, stride: Extent3D? = nil, padding: Extent3D = 0, countsPadding: Bool = true
  ) -> Tensor {
    meanOfWindows(poolingWindow(3, kernel, stride ?? kernel, padding, 1), countsPadding)
  }

  /// The mean over the last `axes` axes: of each plane, `[..., H, W] -> [...]`, if nothing else is said.
  public func globalAveragePooled(axes: Int = 2) -> Tensor { flattenedForPooling(axes).mean(-1) }

  /// The largest element of the last `axes` axes, `[..., H, W] -> [...]`; the first of equals gets the gradient.
  public func globalMaxPooled(axes: Int = 2) -> Tensor { flattenedForPooling(axes).amax() }

  private func flattenedForPooling(_ axes: Int) -> Tensor {
    require(axes >= 1 && rank >= axes, "pooling over \(axes) axes needs as many, got \(shape)")
    return flattened(from: rank - axes)
  }

  private func poolingWindow(
    _ axes: Int, _ kernel: Extent3D, _ stride: Extent3D, _ padding: Extent3D, _ dilation: Extent3D
  ) -> Window {
    let input = poolingExtent(axes)
    let w = Window(rank: axes, input, kernel: kernel, stride: stride, padding: padding, dilation: dilation)
    func reach(_ k: Int, _ d: Int) -> Int { d * (k - 1) + 1 }
    require(
      Extent3D.zip(padding, Extent3D.zip(kernel, dilation, reach), { 2 * $0 <= $1 ? 1 : 0 }) == 1,
      "padding \(padding.text(axes)) of a pooling window \(kernel.text(axes)) is at most half of it")
    require(
      w.seesSomething,
      "a pooling window \(kernel.text(axes)) (dilation \(dilation.text(axes))) of \(shape) lies wholly in the padding")
    return w
  }

  /// The last `axes` axes.
  func poolingExtent(_ axes: Int) -> Extent3D {
    let what = ["lines [..., L]", "planes [..., H, W]", "volumes [..., D, H, W]"][axes - 1]
    require(rank >= axes, "pooling needs \(what), got \(shape)")
    return Extent3D(axes > 2 ? shape[-3] : 1, axes > 1 ? shape[-2] : 1, shape[-1])
  }

  /// This shape with other last axes.
  func pooledShape(_ axes: [Int]) -> Shape { Shape(shape.array.dropLast(axes.count) + axes) }

  /// Runs `body(plane)` for every block of the last axes, in tiles of about `elements` elements each.
  func forEachPlane(_ axes: Int, _ elements: Int, _ body: (Int) -> Void) {
    forTiles(shape.array.dropLast(axes).reduce(1, *), max(1, tileElements / max(elements, 1))) { first, n in
      for plane in first..<(first + n) { body(plane) }
    }
  }

  /// Requires that the places of a plane are exact as numbers in a pooled buffer.
  func requirePlaces(_ plane: Extent3D) {
    require(plane.count <= 1 << 24, "the largest of windows needs planes of at most 2^24 elements, got \(shape)")
  }

  private func maxOfWindows(_ w: Window) -> Tensor {
    requirePlaces(w.input)
    let x = contiguous()
    let (y, places) = (
      Tensor(uninitialized: pooledShape(w.outputAxes)), Tensor(uninitialized: pooledShape(w.outputAxes))
    )
    let (px, py, pp) = (x.base, y.base, places.base)
    forEachPlane(w.rank, w.output.count * w.kernel.count) { plane in
      let source = px + plane * w.input.count
      let (values, best) = (py + plane * w.output.count, pp + plane * w.output.count)
      // The first element of each window stands until a larger one comes.
      w.eachFirstPlace { i, first in (values[i], best[i]) = (-.infinity, Real(first)) }
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
    return y.recorded("maxPooled", self) { s in s.gradient.scatteredInPlanes(places, to: w.inputAxes) }
  }

  /// Each element added at its place of a zero plane; `places` has the shape of this tensor.
  func scatteredInPlanes(_ places: Tensor, to axes: [Int]) -> Tensor {
    let g = contiguous()
    let y = Tensor.zeros(pooledShape(axes))
    let (size, n) = (axes.reduce(1, *), shape.array.suffix(axes.count).reduce(1, *))
    let (pg, py, pp) = (g.base, y.base, places.base)
    forEachPlane(axes.count, size) { plane in
      let target = py + plane * size
      for i in (plane * n)..<((plane + 1) * n) { target[Int(pp[i])] += pg[i] }
    }
    withExtendedLifetime((g, places)) {}
    return y.recorded("scatteredInPlanes", self) { s in s.gradient.gatheredInPlanes(places, axes.count) }
  }

  /// The elements at the given places of each plane: the transpose of `scatteredInPlanes`.
  private func gatheredInPlanes(_ places: Tensor, _ axes: Int) -> Tensor {
    let x = contiguous()
    let y = Tensor(uninitialized: places.shape)
    let (size, n) = (shape.array.suffix(axes).reduce(1, *), places.shape.array.suffix(axes).reduce(1, *))
    let (px, py, pp) = (x.base, y.base, places.base)
    forEachPlane(axes, n) { plane in
      let source = px + plane * size
      for i in (plane * n)..<((plane + 1) * n) { py[i] = source[Int(pp[i])] }
    }
    withExtendedLifetime((x, places)) {}
    let extents = Array(shape.array.suffix(axes))
    return y.recorded("gatheredInPlanes", self) { s in s.gradient.scatteredInPlanes(places, to: extents) }
  }

  private func meanOfWindows(_ w: Window, _ countsPadding: Bool) -> Tensor {
    let sums = windowSums(w)
    if countsPadding || w.padding == 0 { return sums / Real(w.kernel.count) }
    return sums / Tensor.ones(Shape(w.inputAxes)).windowSums(w)
  }

  /// The sum of each window.
  private func windowSums(_ w: Window) -> Tensor {
    let x = contiguous()
    let y = Tensor.zeros(pooledShape(w.outputAxes))
    let (px, py) = (x.base, y.base)
    forEachPlane(w.rank, w.output.count * w.kernel.count) { plane in
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
    let y = Tensor.zeros(pooledShape(w.inputAxes))
    let (pg, py) = (g.base, y.base)
    forEachPlane(w.rank, w.output.count * w.kernel.count) { plane in
      w.eachRun { input, output, n, step in
        let (target, source) = (py + (plane * w.input.count + input), pg + (plane * w.output.count + output))
        for i in 0..<n { target[i &* step] += source[i] }
      }
    }
    withExtendedLifetime(g) {}
    return y.recorded("windowSpread", self) { s in s.gradient.windowSums(w) }
  }
}

extension Window {
  /// Calls `body(first input place, first output place, count, step of the input)` for each window place and output row.
  @inline(__always)
  fileprivate func eachRun(_ body: (Int, Int, Int, Int) -> Void) {
    for kd in 0..<kernel.depth {
      for ki in 0..<kernel.rows {
        for kj in 0..<kernel.columns {
          let valid = validColumns(kj)
          if valid.isEmpty { continue }
          let x = valid.lowerBound * stride.columns - padding.columns + kj * dilation.columns
          for depth in 0..<output.depth {
            guard let z = inputDepth(depth, kd) else { continue }
            for row in 0..<output.rows {
              guard let y = inputRow(row, ki) else { continue }
              body(
                (z * input.rows + y) * input.columns + x,
                (depth * output.rows + row) * output.columns + valid.lowerBound, valid.count, stride.columns)
            }
          }
        }
      }
    }
  }

  /// The first place inside that an output place sees along one axis.
  private func firstInside(_ place: Int, _ s: Int, _ p: Int, _ d: Int) -> Int {
    let start = place * s - p
    return start >= 0 ? start : start + (d - 1 - start) / d * d
  }

  /// Calls `body(output place, first input place of its window)` for each place of the output.
  fileprivate func eachFirstPlace(_ body: (Int, Int) -> Void) {
    for depth in 0..<output.depth {
      let z = firstInside(depth, stride.depth, padding.depth, dilation.depth)
      for row in 0..<output.rows {
        let y = firstInside(row, stride.rows, padding.rows, dilation.rows)
        for column in 0..<output.columns {
          let x = firstInside(column, stride.columns, padding.columns, dilation.columns)
          body((depth * output.rows + row) * output.columns + column, (z * input.rows + y) * input.columns + x)
        }
      }
    }
  }

  /// Whether every window has a place inside.
  fileprivate var seesSomething: Bool {
    func sees(_ count: Int, _ n: Int, _ s: Int, _ p: Int, _ d: Int) -> Bool {
      (0..<count).allSatisfy { firstInside($0, s, p, d) < n }
    }
    return sees(output.depth, input.depth, stride.depth, padding.depth, dilation.depth)
      && sees(output.rows, input.rows, stride.rows, padding.rows, dilation.rows)
      && sees(output.columns, input.columns, stride.columns, padding.columns, dilation.columns)
  }
}
