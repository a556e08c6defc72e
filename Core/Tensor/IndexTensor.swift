/// Whole numbers with a shape: labels, indices, permutations. Never differentiated.
public struct IndexTensor: Sendable, Equatable, ExpressibleByArrayLiteral {
  /// The extents of its axes.
  public let shape: Shape
  /// The elements in row-major order.
  public let values: [Int]

  /// An index tensor with these elements in row-major order.
  public init(_ shape: Shape, _ values: [Int]) {
    require(values.count == shape.count, "an index tensor \(shape) needs \(shape.count) values, got \(values.count)")
    self.shape = shape
    self.values = values
  }

  /// A vector of indices.
  public init(_ values: [Int]) { self.init([values.count], values) }
  public init(arrayLiteral elements: Int...) { self.init(elements) }

  /// The number of elements.
  public var count: Int { values.count }
}
