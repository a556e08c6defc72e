import ReproTensor

/// The last rows that were pushed, the oldest replaced first: the memory bank of contrastive methods.
///
/// - Source: He et al. 2019, "Momentum contrast", arXiv 1911.05722, Section 3.2. Rows are stored as rows, `[K, D]`; the
///   authors store columns.
public struct FeatureQueue: Layer {
  public var rows: Tensor  // [K, D]
  /// The oldest row, which the next push replaces.
  public private(set) var head = 0

  /// - Parameters:
  ///   - capacity: rows kept, a multiple of the rows of every push.
  ///   - width: D.
  ///   - random: draws the first rows, uniform on the unit sphere.
  public init(capacity: Int, width: Int, random: RandomStream) {
    var stream = random.child("queue")
    rows = stream.normal([capacity, width]).l2Normalized()
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("rows", &rows, .buffer)
    v.integer("head", &head)
  }

  /// Replaces the oldest rows by these, `[N, D]`, as constants.
  public mutating func push(_ new: Tensor) {
    let (n, width) = (rows.shape[0], rows.shape[1])
    require(
      new.rank == 2 && new.shape[1] == width && new.shape[0] > 0 && n % new.shape[0] == 0,
      "a queue \(rows.shape) takes rows [N, \(width)] with N a divisor of \(n), got \(new.shape)")
    rows.replaceRows(from: head, by: new)
    head = (head + new.shape[0]) % n
  }
}
