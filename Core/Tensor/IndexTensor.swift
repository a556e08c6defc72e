/// Whole numbers with a shape: labels, indices, permutations. Never differentiated.
public struct IndexTensor: Sendable, Equatable, ExpressibleByArrayLiteral {
  public let shape: Shape
  /// The elements in row-major order.
  public let values: [Int]

  public init(_ shape: Shape, _ values: [Int]) {
    require(values.count == shape.count, "an index tensor \(shape) needs \(shape.count) values, got \(values.count)")
    self.shape = shape
    self.values = values
  }

  /// A vector of indices.
  public init(_ values: [Int]) { self.init([values.count], values) }
  public init(arrayLiteral elements: Int...) { self.init(elements) }

  public var count: Int { values.count }
}
