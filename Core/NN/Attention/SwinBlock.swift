import ReproTensor

/// Attention within the windows of an image, with a learnt bias for each offset of two places.   [W, M M, C] -> [W, M M, C]
///
/// - Source: Liu et al. 2021 (Swin, arXiv 2103.14030), Eq. 4; names are timm's.
public struct WindowAttention: Layer {
  public var qkv, proj: Linear
  public var relativePositionBiasTable: Tensor  // [(2 M - 1)^2, H]
  let window, heads: Int

  public init(_ width: Int, window: Int, heads: Int, random: RandomStream) {
    require(heads > 0 && width % heads == 0 && window > 0, "windows of \(window) with \(heads) heads of \(width)")
    qkv = Linear(width, 3 * width, random: random.child("qkv"))
    proj = Linear(width, width, random: random.child("proj"))
    var stream = random.child("relative_position_bias_table")
    relativePositionBiasTable = stream.truncatedNormal([(2 * window - 1) * (2 * window - 1), heads], deviation: 0.02)
    (self.window, self.heads) = (window, heads)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("relative_position_bias_table", &relativePositionBiasTable, .bias)
    v("qkv", &qkv)
    v("proj", &proj)
  }

  /// - Parameters:
  ///   - x: windows of all images, `[B W, M M, C]`, those of an image together.
  ///   - mask: added to the scores of each window of an image, `[W, M M, M M]`.
  public func callAsFunction(_ x: Tensor, mask: Tensor? = nil) -> Tensor {
    let (n, count, c) = (x.shape[0], x.shape[1], x.shape[2])
    require(count == window * window, "windows of \(window) x \(window) hold \(window * window) places, got \(x.shape)")
    let parts = qkv(x).reshaped(to: [n, count, 3, heads, c / heads]).permuted([2, 0, 3, 1, 4])  // [3, B W, H, M M, d]
    let m = window
    let places = (0..<count).flatMap { i in
      (0..<count).map { j in (i / m - j / m + m - 1) * (2 * m - 1) + i % m - j % m + m - 1 }
    }
    var bias = relativePositionBiasTable.gathered(IndexTensor(places)).reshaped(to: [count, count, heads])
      .permuted([2, 0, 1]).expandedAxis(0)  // [1, H, M M, M M]
    if let mask {
      let windows = mask.shape[0]
      require(n % windows == 0, "\(n) windows are not whole images of \(windows)")
      let every = mask.expandedAxis(1).expandedAxis(0)  // [1, W, 1, M M, M M]
      bias = (bias.expandedAxis(0) + every).broadcast(to: [n / windows, windows, heads, count, count])
        .reshaped(to: [n, heads, count, count])
    }
    let y = attended(parts.select(0, 0), parts.select(0, 1), parts.select(0, 2), AttentionContext(bias: bias))
    return proj(y.permuted([0, 2, 1, 3]).reshaped(to: x.shape))
  }
}

/// A transformer block of an image whose attention sees windows, every second time shifted by half.   [B, H, W, C] -> [B, H, W, C]
///
///     x := x + attention(norm1(x));  x := x + mlp(norm2(x))
///
/// Shifted windows wrap around; what lies at opposite borders does not see each other. An image that windows do not tile is
/// padded with zeros below and to the right, which are part of the windows, as in the authors' code.
/// - Source: Liu et al. 2021 (arXiv 2103.14030), Section 3.2; names are timm's.
public struct SwinBlock: Layer {
  public var norm1, norm2: LayerNorm
  public var attn: WindowAttention
  public var mlp: MLP
  let window, shift: Int
  let dropPath: Real

  /// - Parameters:
  ///   - window: side of a window, M.
  ///   - isShifted: whether windows are shifted by M / 2.
  public init(
    _ width: Int, window: Int, heads: Int, isShifted: Bool, mlpRatio: Int = 4, dropPath: Real = 0,
    random: RandomStream
  ) {
    norm1 = LayerNorm(width, epsilon: 1e-5)
    norm2 = LayerNorm(width, epsilon: 1e-5)
    attn = WindowAttention(width, window: window, heads: heads, random: random.child("attn"))
    mlp = MLP(width, hidden: mlpRatio * width, random: random.child("mlp"))
    (self.window, shift, self.dropPath) = (window, isShifted ? window / 2 : 0, dropPath)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("norm1", &norm1)
    v("attn", &attn)
    v("norm2", &norm2)
    v("mlp", &mlp)
  }

  public func callAsFunction(_ x: Tensor, _ context: ForwardContext? = nil) -> Tensor {
    let y = residual(x, rate: dropPath, context?.child("attn")) { attended($0) }
    return residual(y, rate: dropPath, context?.child("mlp")) { mlp(norm2($0)) }
  }

  private func attended(_ x: Tensor) -> Tensor {
    require(x.rank == 4, "windows are cut from [B, H, W, C], got \(x.shape)")
    let (h, w, m) = (x.shape[1], x.shape[2], window)
    let (rows, columns) = ((h + m - 1) / m * m, (w + m - 1) / m * m)
    // A side of one window is not shifted: it would only meet itself.
    let (down, right) = (rows > m ? shift : 0, columns > m ? shift : 0)
    var y = norm1(x).padded(1, before: 0, after: rows - h).padded(2, before: 0, after: columns - w)
    y = y.rolled(1, by: -down).rolled(2, by: -right)
    let (b, c) = (x.shape[0], x.shape[3])
    let cut: Shape = [b, rows / m, m, columns / m, m, c]
    let windows = y.reshaped(to: cut).permuted([0, 1, 3, 2, 4, 5]).reshaped(to: [b * rows * columns / m / m, m * m, c])
    let attended = attn(windows, mask: down + right == 0 ? nil : mask(rows, columns, down, right))
    y = attended.reshaped(to: [b, rows / m, columns / m, m, m, c]).permuted([0, 1, 3, 2, 4, 5])
      .reshaped(to: [b, rows, columns, c])
    return y.rolled(1, by: down).rolled(2, by: right).slice(1, 0..<h).slice(2, 0..<w)
  }

  /// -infinity between places of a window that are no neighbours in the image, else 0, `[W, M M, M M]`.
  private func mask(_ rows: Int, _ columns: Int, _ down: Int, _ right: Int) -> Tensor {
    let m = window
    /// The parts of an axis that stay together: what was not wrapped, and in the last window what was not and what was.
    func part(_ i: Int, _ n: Int, _ shift: Int) -> Int { shift == 0 || i < n - m ? 0 : i < n - shift ? 1 : 2 }
    let (across, count) = (columns / m, m * m)
    return Tensor([rows / m * across, count, count]) { p in
      for window in 0..<(rows / m * across) {
        let parts = (0..<count).map { k in
          part(window / across * m + k / m, rows, down) * 3 + part(window % across * m + k % m, columns, right)
        }
        for i in 0..<count {
          for j in 0..<count { p[(window * count + i) * count + j] = parts[i] == parts[j] ? 0 : -.infinity }
        }
      }
    }
  }
}

/// Neighbourhoods of 2 x 2 places joined to one, with half of their channels.   [B, H, W, C] -> [B, H / 2, W / 2, 2 C]
///
/// - Source: Liu et al. 2021 (arXiv 2103.14030), Section 3.1; names are timm's.
public struct PatchMerging: Layer {
  public var norm: LayerNorm
  public var reduction: Linear

  public init(_ width: Int, random: RandomStream) {
    norm = LayerNorm(4 * width, epsilon: 1e-5)
    reduction = Linear(4 * width, 2 * width, bias: false, random: random.child("reduction"))
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("norm", &norm)
    v("reduction", &reduction)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    require(
      x.rank == 4 && x.shape[1] % 2 == 0 && x.shape[2] % 2 == 0, "merging needs [B, 2 h, 2 w, C], got \(x.shape)")
    let (b, h, w, c) = (x.shape[0], x.shape[1] / 2, x.shape[2] / 2, x.shape[3])
    // Columns before rows: the authors' order of the four.
    let joined = x.reshaped(to: [b, h, 2, w, 2, c]).permuted([0, 1, 3, 4, 2, 5]).reshaped(to: [b, h, w, 4 * c])
    return reduction(norm(joined))
  }
}
