/// A dense array of `Real` of up to eight axes, with value semantics.
///
/// A tensor is a view, `element(i...) = storage[offset + sum_k i_k * strides_k]`, of a reference-counted buffer; ops give new
/// tensors and never write into old ones. A tensor that is `tracked`, or was computed from one, remembers how it was made,
/// and `gradients(of:with:)` walks back along that memory.
public struct Tensor: Sendable {
  private(set) var storage: Storage
  let offset: Int
  /// The extents of its axes.
  public let shape: Shape
  let strides: Shape
  /// Whether the elements lie row by row without gaps.
  let isContiguous: Bool
  /// How the tensor was made; nil for a constant.
  var node: Node?

  /// Uninitialised memory of a shape: every op writes all of it before anyone reads.
  init(uninitialized shape: Shape) {
    storage = Storage(count: shape.count)
    offset = 0
    self.shape = shape
    strides = shape.rowMajorStrides
    isContiguous = true
  }

  /// A view of the storage of another tensor, with no history.
  init(viewing other: Tensor, shape: Shape, strides: Shape, offset: Int) {
    storage = other.storage
    self.offset = offset
    self.shape = shape
    self.strides = strides
    var dense = true
    var step = 1
    for i in stride(from: shape.rank - 1, through: 0, by: -1) where shape[i] != 1 {
      if strides[i] != step { dense = false }
      step *= shape[i]
    }
    isContiguous = dense
  }

  /// A tensor with these elements in row-major order.
  public init(_ shape: Shape, _ values: [Real]) {
    require(values.count == shape.count, "a tensor \(shape) needs \(shape.count) values, got \(values.count)")
    self.init(uninitialized: shape)
    values.withUnsafeBufferPointer { source in
      if let from = source.baseAddress { storage.base.update(from: from, count: source.count) }
    }
  }

  /// A tensor whose memory `body` fills, row by row; it must write every element.
  public init(_ shape: Shape, filling body: (UnsafeMutableBufferPointer<Real>) throws -> Void) rethrows {
    self.init(uninitialized: shape)
    try body(UnsafeMutableBufferPointer(start: storage.base, count: shape.count))
  }

  /// A scalar, `[]`.
  public init(_ value: Real) {
    self.init(uninitialized: .scalar)
    storage.base[0] = value
  }

  /// A tensor all of whose elements are one value.
  public static func full(_ shape: Shape, _ value: Real) -> Tensor {
    let y = Tensor(uninitialized: shape)
    kernels.fill(shape.count, value, y.base)
    return y
  }

  /// A tensor of zeros.
  public static func zeros(_ shape: Shape) -> Tensor { full(shape, 0) }
  /// A tensor of ones.
  public static func ones(_ shape: Shape) -> Tensor { full(shape, 1) }

  /// The number of axes.
  public var rank: Int { shape.rank }
  /// The number of elements.
  public var count: Int { shape.count }

  /// The first element. The caller keeps the tensor alive while it uses the pointer.
  var base: UnsafeMutablePointer<Real> { storage.base + offset }

  /// The elements in row-major order.
  public var values: [Real] {
    let x = contiguous()
    return withExtendedLifetime(x) { Array(UnsafeBufferPointer(start: x.base, count: x.count)) }
  }

  /// The only element.
  public var item: Real {
    require(count == 1, "item needs one element, got shape \(shape)")
    return withExtendedLifetime(self) { base[0] }
  }

  /// Lends the elements in row-major order.
  public func withElements<R>(_ body: (UnsafeBufferPointer<Real>) throws -> R) rethrows -> R {
    let x = contiguous()
    return try withExtendedLifetime(x) { try body(UnsafeBufferPointer(start: x.base, count: x.count)) }
  }

  /// Changes the elements of a constant in place, in row-major order; copies first if anyone else sees the buffer.
  ///
  /// For optimizers, moving averages and memory banks; refused on a tensor with a history.
  public mutating func withMutableElements<R>(_ body: (UnsafeMutableBufferPointer<Real>) throws -> R) rethrows -> R {
    require(node == nil, "a tracked tensor \(shape) cannot be changed in place")
    makeUnique()
    return try withExtendedLifetime(storage) { try body(UnsafeMutableBufferPointer(start: base, count: count)) }
  }

  private mutating func makeUnique() {
    if !isKnownUniquelyReferenced(&storage) || !isContiguous { self = copied() }
  }

  /// Whether no other tensor looks at this one's buffer.
  mutating func hasBufferOfItsOwn() -> Bool { isKnownUniquelyReferenced(&storage) }

  /// A contiguous copy with a buffer of its own and no history.
  func copied() -> Tensor {
    let y = Tensor(uninitialized: shape)
    copyElements(of: self, to: y.base)
    return y
  }
}
