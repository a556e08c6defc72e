// Sampling of images and volumes at arbitrary places, and the grids of affine maps.

/// What lies outside of an image.
public enum Outside: Sendable, CaseIterable {
  /// Zeros.
  case zeros
  /// The nearest sample of the border.
  case border
  /// The image mirrored at its border (through the middles of the outermost samples if corners are aligned).
  case reflection
}

extension Tensor {
  /// Images sampled at the places of a grid.
  ///
  ///     y[b, c, i, j] = image_bc(column, row),   column = ((x + 1) W - 1) / 2 or (x + 1) (W - 1) / 2,   row alike
  ///
  /// - Parameters:
  ///   - grid: `[B, H', W', 2]`, the last axis (x, y): -1 is the left (upper) end of the image and 1 the right (lower) end.
  ///   - mode: `.linear` (bilinear) or `.nearest`, whose ties go to the even sample and which has no gradient by the grid.
  ///   - outside: what lies outside of the image.
  ///   - alignsCorners: whether -1 and 1 are the middles of the outermost samples, or the ends of their cells.
  /// - Returns: `[B, C, H', W']` of `[B, C, H, W]`. A place that is not a number lies outside.
  /// - Source: Jaderberg et al. 2015 (arXiv 1506.02025), Eq. 3 to 7; places as in PyTorch's `grid_sample`.
  public func gridSampled(
    _ grid: Tensor, _ mode: Interpolation = .linear, outside: Outside = .zeros, alignsCorners: Bool = false
  ) -> Tensor {
    sampled(grid, 2, mode, outside, alignsCorners)
  }

  /// Volumes sampled at the places of a grid; see `gridSampled`.
  ///
  /// - Parameter grid: `[B, D', H', W', 3]`, the last axis (x, y, z): along columns, rows and depth.
  /// - Returns: `[B, C, D', H', W']` of `[B, C, D, H, W]`.
  public func gridSampled3d(
    _ grid: Tensor, _ mode: Interpolation = .linear, outside: Outside = .zeros, alignsCorners: Bool = false
  ) -> Tensor {
    sampled(grid, 3, mode, outside, alignsCorners)
  }

  private func sampled(
    _ grid: Tensor, _ axes: Int, _ mode: Interpolation, _ outside: Outside, _ alignsCorners: Bool
  ) -> Tensor {
    require(
      rank == axes + 2 && grid.rank == axes + 2 && grid.shape[0] == shape[0] && grid.shape[-1] == axes,
      "sampling \(axes) axes needs [B, C, \(axes == 2 ? "H, W" : "D, H, W")] and a grid [B, ..., \(axes)], got "
        + "\(shape) and \(grid.shape)")
    require(mode != .cubic, "a grid is sampled by the nearest neighbour or linearly")
    let extents = shape.array.suffix(axes)
    require(
      extents.allSatisfy { $0 > 0 } && extents.reduce(1, *) < Int(Int32.max),
      "sampling needs images of 1 to 2^31 - 1 samples, got \(shape)")
    let (batch, channels) = (shape[0], shape[1])
    let results = grid.shape.array.dropFirst().dropLast().reduce(1, *)
    let flat = grid.reshaped(to: [batch, results, axes])
    // The last axis of the grid names columns first.
    let lines = extents.reversed().enumerated().map { k, n in
      GridAxis(flat.select(2, k), n, isLinear: mode == .linear, outside, alignsCorners)
    }
    let corners = mode == .linear ? 1 << axes : 1
    func isUpper(_ corner: Int, _ k: Int) -> Bool { corner >> k & 1 == 1 }
    var places = [Int32](repeating: 0, count: batch * corners * results)
    places.withUnsafeMutableBufferPointer { places in
      var step = 1
      for (k, line) in lines.enumerated() {
        let sides = [line.places(isUpper: false, step: step), line.places(isUpper: true, step: step)]
        for i in 0..<(batch * corners) {
          let side = isUpper(i % corners, k) ? sides[1] : sides[0]
          for q in 0..<results { places[i * results + q] += side[i / corners * results + q] }
        }
        step *= line.count
      }
    }
    let weights = (0..<corners).map { corner in
      let factors = (0..<axes).map { isUpper(corner, $0) ? lines[$0].upper : lines[$0].lower }
      return factors.dropFirst().reduce(factors[0]) { $0 * $1 }
    }
    let plan = GatherPlan(
      batch: batch, channels: channels, samples: extents.reduce(1, *), results: results, terms: corners,
      places: places)
    return weightedGather(flattened(from: 2), stack(weights, axis: 1), plan)
      .reshaped(to: Shape([batch, channels] + grid.shape.array.dropFirst().dropLast()))
  }
}

/// One axis of a grid: between which two samples each place lies, and their weights.
private struct GridAxis {
  /// Samples of the axis.
  let count: Int
  private let low: [Int]
  /// Weights of the lower and of the upper sample, `[B, Q]`; 0 for a sample that does not exist.
  let lower, upper: Tensor

  /// The lower or upper samples of all places, times `step`.
  func places(isUpper: Bool, step: Int) -> [Int32] {
    low.map { Int32(min(max($0 + (isUpper ? 1 : 0), 0), count - 1) * step) }
  }

  init(_ x: Tensor, _ n: Int, isLinear: Bool, _ outside: Outside, _ alignsCorners: Bool) {
    count = n
    // place = (x + 1) stretch - shift
    let stretch = alignsCorners ? Double(n - 1) / 2 : Double(n) / 2
    let shift = alignsCorners ? 0 : 0.5
    var low: [Int] = []
    low.reserveCapacity(x.count)
    // Within its piece the fraction is slope x + offset; both samples have a flag that says whether they exist.
    var (slopes, offsets, below, above) = ([Real](), [Real](), [Real](), [Real]())
    x.withElements { p in
      for value in p {
        let (place, sign) = Self.folded((Double(value) + 1) * stretch - shift, n, outside, alignsCorners)
        let first = isLinear ? place.rounded(.down) : place.rounded(.toNearestOrEven)
        low.append(Int(first))
        let slope = sign * stretch
        slopes.append(Real(slope))
        offsets.append(Real(slope == 0 ? place - first : place - first - slope * Double(value)))
        below.append(first >= 0 && first < Double(n) ? 1 : 0)
        above.append(first >= -1 && first + 1 < Double(n) ? 1 : 0)
      }
    }
    self.low = low
    let inside = Tensor(x.shape, below)
    guard isLinear else {
      (lower, upper) = (inside, inside)
      return
    }
    // A place that is not a number has the slope 0, but 0 times it is not 0.
    let known = select(Tensor(x.shape, slopes), x, Tensor(0))
    let fraction: Tensor = known * Tensor(x.shape, slopes) + Tensor(x.shape, offsets)
    (lower, upper) = ((1 - fraction) * inside, fraction * Tensor(x.shape, above))
  }

  /// The place inside (up to one sample away, where zeros begin), and the derivative by the place: 1, -1 or 0.
  private static func folded(_ place: Double, _ n: Int, _ outside: Outside, _ alignsCorners: Bool) -> (Double, Double) {
    let last = Double(n - 1)
    if place.isNaN { return (outside == .zeros ? -2 : 0, 0) }
    switch outside {
    case .zeros:
      // Beyond one sample all is zero.
      return place < -1 ? (-2, 0) : place > last + 1 ? (last + 2, 0) : (place, 1)
    case .border: return clipped(place, 1, last)
    case .reflection:
      let (begin, span) = alignsCorners ? (0, last) : (-0.5, Double(n))
      if span == 0 || !place.isFinite { return (0, 0) }
      let distance = (place - begin).magnitude
      let turns = (distance / span).rounded(.down)
      let rest = distance - turns * span
      let isMirrored = turns.truncatingRemainder(dividingBy: 2) != 0
      let sign: Double = (place < begin ? -1 : 1) * (isMirrored ? -1 : 1)
      return clipped(begin + (isMirrored ? span - rest : rest), sign, last)
    }
  }

  private static func clipped(_ place: Double, _ sign: Double, _ last: Double) -> (Double, Double) {
    place <= 0 ? (0, 0) : place >= last ? (last, 0) : (place, sign)
  }
}

/// The grid of an affine map of the plane, for `gridSampled`.
///
///     (x, y)_out = theta (x, y, 1)
///
/// - Parameters:
///   - theta: `[B, 2, 3]`: from places of the result to places of the image that is sampled.
///   - rows, columns: extents of the result, at least 1.
///   - alignsCorners: as in `gridSampled`.
/// - Returns: `[B, rows, columns, 2]`.
/// - Source: Jaderberg et al. 2015 (arXiv 1506.02025), Eq. 1.
public func affineGrid(_ theta: Tensor, rows: Int, columns: Int, alignsCorners: Bool = false) -> Tensor {
  affineGrid(theta, [rows, columns], alignsCorners)
}

/// The grid of an affine map of space, for `gridSampled3d`; see `affineGrid`.
///
/// - Parameter theta: `[B, 3, 4]`.
/// - Returns: `[B, depth, rows, columns, 3]`.
public func affineGrid3d(_ theta: Tensor, depth: Int, rows: Int, columns: Int, alignsCorners: Bool = false) -> Tensor {
  affineGrid(theta, [depth, rows, columns], alignsCorners)
}

private func affineGrid(_ theta: Tensor, _ extents: [Int], _ alignsCorners: Bool) -> Tensor {
  let axes = extents.count
  require(
    theta.rank == 3 && theta.shape[1] == axes && theta.shape[2] == axes + 1 && extents.allSatisfy { $0 > 0 },
    "affineGrid of \(extents) needs theta [B, \(axes), \(axes + 1)] and positive sizes, got \(theta.shape)")
  // Middles of cells in [-1, 1], or from end to end.
  func middle(_ i: Int, _ n: Int) -> Real {
    if alignsCorners { return n > 1 ? Real(2 * Double(i) / Double(n - 1) - 1) : 0 }
    return Real((2 * Double(i) + 1) / Double(n) - 1)
  }
  let count = extents.reduce(1, *)
  let base = Tensor([count, axes + 1]) { p in
    for i in 0..<count {
      var rest = i
      for k in 0..<axes {
        let n = extents[axes - 1 - k]
        p[i * (axes + 1) + k] = middle(rest % n, n)
        rest /= n
      }
      p[i * (axes + 1) + axes] = 1
    }
  }
  return matmul(base, theta.transposed()).reshaped(to: Shape([theta.shape[0]] + extents + [axes]))
}
