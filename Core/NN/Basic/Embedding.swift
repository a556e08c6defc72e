import ReproTensor

/// A table of vectors that are looked up by number.   [...] -> [..., D]
public struct Embedding: Layer {
  public var weight: Tensor  // [V, D]
  /// The number whose vector is 0 at first and never trained.
  public let padding: Int?

  /// - Parameters:
  ///   - count: numbers 0 ..< count.
  ///   - deviation: of the initial normal; 1 is PyTorch's.
  ///   - padding: a number that stands for nothing.
  public init(_ count: Int, _ width: Int, padding: Int? = nil, deviation: Real = 1, random: RandomStream) {
    require(count > 0 && width > 0, "an embedding needs positive sizes, got \(count) of \(width)")
    require(padding.map { $0 >= 0 && $0 < count } ?? true, "padding \(padding ?? 0) is outside of 0..<\(count)")
    var stream = random.child("weight")
    weight = stream.normal([count, width], deviation: deviation)
    if let padding { weight.replaceRows(from: padding, by: .zeros([1, width])) }
    self.padding = padding
  }

  public mutating func visit(_ v: inout some LayerVisitor) { v("weight", &weight) }

  public func callAsFunction(_ indices: IndexTensor) -> Tensor {
    let rows = weight.gathered(IndexTensor(indices.values))
    let width = weight.shape[1]
    guard let padding else { return rows.reshaped(to: indices.shape.appending(width)) }
    let isPadding = Tensor([indices.count, 1], indices.values.map { $0 == padding ? 1 : 0 })
    return select(isPadding, rows.detached, rows).reshaped(to: indices.shape.appending(width))
  }
}
