import ReproTensor

// Windows of 3 x 3 whose pictures go on mirrored at the border, `c b | a b c d | c b`: padding, and means. Both are linear, and
// each with its transpose is the derivative of the other, to any order.

/// Planes with one mirrored row or column on each side.   [B, C, H, W] -> [B, C, H + 2, W + 2]; H, W > 1
func mirrored(_ x: Tensor) -> Tensor {
  requirePlanes(x)
  return Tensor.custom("mirrored", [x]) {
    padded($0[0])
  } vjp: { g, _, _ in
    [folded(g)]
  }
}

/// The transpose of `mirrored`.   [B, C, H + 2, W + 2] -> [B, C, H, W]
private func folded(_ x: Tensor) -> Tensor {
  Tensor.custom("mirroredTranspose", [x]) {
    folding($0[0])
  } vjp: { g, _, _ in
    [mirrored(g)]
  }
}

/// Means over windows of 3 x 3, mirrored at the border.   [B, C, H, W] -> [B, C, H, W]; H, W > 1
func windowMeans(_ x: Tensor) -> Tensor {
  requirePlanes(x)
  return Tensor.custom("windowMeans", [x]) {
    means($0[0])
  } vjp: { g, _, _ in
    [spread(g)]
  }
}

/// The transpose of `windowMeans`: the inside is the same, the border gets back what it gave twice.
private func spread(_ x: Tensor) -> Tensor {
  Tensor.custom("windowMeansTranspose", [x]) {
    spreading($0[0])
  } vjp: { g, _, _ in
    [windowMeans(g)]
  }
}

private func requirePlanes(_ x: Tensor) {
  require(
    x.rank == 4 && x.shape[2] > 1 && x.shape[3] > 1, "mirrored windows need planes [B, C, H > 1, W > 1], got \(x.shape)"
  )
}

/// New planes from old ones, each by itself.
private func eachPlane(
  _ x: Tensor, rows: Int, columns: Int, _ body: (UnsafePointer<Real>, UnsafeMutablePointer<Real>) -> Void
) -> Tensor {
  let (count, area, result) = (x.shape[0] * x.shape[1], x.shape[2] * x.shape[3], rows * columns)
  return x.detached.withElements { source in
    Tensor([x.shape[0], x.shape[1], rows, columns]) { target in
      guard let input = source.baseAddress, let output = target.baseAddress else { return }
      nonisolated(unsafe) let (from, to) = (input, output)
      ThreadPool.shared.forEach(count) { body(from + $0 * area, to + $0 * result) }
    }
  }
}

private func padded(_ x: Tensor) -> Tensor {
  let (h, w) = (x.shape[2], x.shape[3])
  return eachPlane(x, rows: h + 2, columns: w + 2) { from, to in
    for y in 0..<(h + 2) {
      let source = from + (y == 0 ? 1 : y == h + 1 ? h - 2 : y - 1) * w
      let row = to + y * (w + 2)
      (row[0], row[w + 1]) = (source[1], source[w - 2])
      for i in 0..<w { row[i + 1] = source[i] }
    }
  }
}

private func folding(_ x: Tensor) -> Tensor {
  let (h, w) = (x.shape[2] - 2, x.shape[3] - 2)
  return eachPlane(x, rows: h, columns: w) { from, to in
    for i in 0..<(h * w) { to[i] = 0 }
    for y in 0..<(h + 2) {
      let row = to + (y == 0 ? 1 : y == h + 1 ? h - 2 : y - 1) * w
      let source = from + y * (w + 2)
      for i in 0..<w { row[i] += source[i + 1] }
      row[1] += source[0]
      row[w - 2] += source[w + 1]
    }
  }
}

private func means(_ x: Tensor) -> Tensor {
  let (h, w) = (x.shape[2], x.shape[3])
  return eachPlane(x, rows: h, columns: w) { from, to in
    withUnsafeTemporaryAllocation(of: Real.self, capacity: w) { sums in
      for y in 0..<h {
        let (above, own, below) = (
          from + (y == 0 ? 1 : y - 1) * w, from + y * w, from + (y == h - 1 ? h - 2 : y + 1) * w
        )
        for i in 0..<w { sums[i] = (above[i] + own[i] + below[i]) * (1 / 9) }
        let row = to + y * w
        for i in 1..<(w - 1) { row[i] = sums[i - 1] + sums[i] + sums[i + 1] }
        row[0] = sums[0] + 2 * sums[1]
        row[w - 1] = sums[w - 1] + 2 * sums[w - 2]
      }
    }
  }
}

private func spreading(_ x: Tensor) -> Tensor {
  let (h, w) = (x.shape[2], x.shape[3])
  return eachPlane(x, rows: h, columns: w) { from, to in
    withUnsafeTemporaryAllocation(of: Real.self, capacity: w) { sums in
      for y in 0..<h {
        // Rows 1 and h - 2 were also the mirrored neighbours of the outermost ones.
        let (above, below) = (y == 0 ? -1 : y - 1, y == h - 1 ? -1 : y + 1)
        let (a, b): (Real, Real) = (y == 1 ? 2 : 1, y == h - 2 ? 2 : 1)
        for i in 0..<w { sums[i] = from[y * w + i] }
        if above >= 0 { for i in 0..<w { sums[i] += a * from[above * w + i] } }
        if below >= 0 { for i in 0..<w { sums[i] += b * from[below * w + i] } }
        let row = to + y * w
        for i in 1..<(w - 1) { row[i] = (sums[i - 1] + sums[i] + sums[i + 1]) * (1 / 9) }
        row[0] = (sums[0] + sums[1]) * (1 / 9)
        row[w - 1] = (sums[w - 1] + sums[w - 2]) * (1 / 9)
        // Columns 1 and w - 2 likewise.
        row[1] += sums[0] * (1 / 9)
        row[w - 2] += sums[w - 1] * (1 / 9)
      }
    }
  }
}
