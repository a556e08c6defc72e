/// The extents of a tensor, `[B, N, D]`: at most eight axes, stored inline so that making one never allocates.
///
/// Axes may be counted from the end: `shape[-1]` is the last. An extent is less than 2^31: half of the size of `Int`, since
/// every tensor, and every derivative that keeps one, carries two of these.
public struct Shape: Sendable, Equatable, Hashable, ExpressibleByArrayLiteral, CustomStringConvertible {
  /// The largest rank.
  public static let maxRank = 8
  /// The largest extent.
  public static let maxExtent = Int(Int32.max)

  /// The shape that a file claims; nil for one that no tensor can have: too many axes, an extent that is negative or too
  /// large, or more elements than can be counted.
  public init?(claimed extents: some Collection<Int>) {
    guard extents.count <= Shape.maxRank, extents.allSatisfy({ (0...Shape.maxExtent).contains($0) }) else { return nil }
    var count = 1
    for extent in extents {
      let (product, overflow) = count.multipliedReportingOverflow(by: max(extent, 1))
      guard !overflow else { return nil }
      count = product
    }
    self.init(extents)
  }

  private var extents: InlineArray<8, Int32>
  private var axes: Int32

  /// A shape with these extents, from the slowest axis to the fastest: at most eight, each at least 0 and below 2^31.
  public init(_ extents: some Collection<Int>) {
    require(extents.count <= Shape.maxRank, "a shape has at most \(Shape.maxRank) axes, got \(Array(extents))")
    self.extents = InlineArray(repeating: 0)
    axes = 0
    for extent in extents {
      require(
        extent >= 0 && extent <= Shape.maxExtent, "an extent is from 0 to 2^31 - 1, got \(Array(extents))")
      self.extents[Int(axes)] = Int32(truncatingIfNeeded: extent)
      axes += 1
    }
  }

  /// The number of axes.
  public var rank: Int { Int(axes) }

  public init(arrayLiteral elements: Int...) { self.init(elements) }

  public static func == (a: Shape, b: Shape) -> Bool {
    guard a.rank == b.rank else { return false }
    for i in 0..<a.rank where a.extents[i] != b.extents[i] { return false }
    return true
  }

  public func hash(into hasher: inout Hasher) { for i in 0..<rank { hasher.combine(extents[i]) } }

  /// The shape of a scalar, `[]`.
  public static let scalar = Shape([])

  /// The number of elements; 1 for a scalar.
  public var count: Int {
    var n = 1
    for i in 0..<rank { n *= Int(extents[i]) }
    return n
  }

  /// The extent of an axis, which may be counted from the end.
  public subscript(axis: Int) -> Int {
    get { Int(extents[resolved(axis)]) }
    set {
      require(newValue >= 0 && newValue <= Shape.maxExtent, "\(newValue) is no extent or stride: these are below 2^31")
      extents[resolved(axis)] = Int32(truncatingIfNeeded: newValue)
    }
  }

  /// The axis counted from the front, `0..<rank`, for one that may be counted from the end.
  public func resolved(_ axis: Int) -> Int {
    let a = axis < 0 ? axis + rank : axis
    require(a >= 0 && a < rank, "axis \(axis) is outside of shape \(self)")
    return a
  }

  /// The extents as an array.
  public var array: [Int] { (0..<rank).map { Int(extents[$0]) } }
  public var description: String { "[" + array.map(String.init).joined(separator: ", ") + "]" }

  /// This shape without the given axis.
  public func dropping(_ axis: Int) -> Shape {
    let a = resolved(axis)
    var s = self
    for i in a..<(rank - 1) { s.extents[i] = extents[i + 1] }
    s.extents[rank - 1] = 0
    s.axes -= 1
    return s
  }

  /// This shape with an axis of the given extent inserted before `axis` (`axis == rank` appends).
  public func inserting(_ extent: Int, at axis: Int) -> Shape {
    let a = axis < 0 ? axis + rank + 1 : axis
    require(a >= 0 && a <= rank && rank < Shape.maxRank, "cannot insert axis \(axis) into \(self)")
    var s = self
    for i in stride(from: rank, to: a, by: -1) { s.extents[i] = extents[i - 1] }
    s.axes += 1
    s[a] = extent
    return s
  }

  /// This shape with one more axis at the end.
  public func appending(_ extent: Int) -> Shape { inserting(extent, at: rank) }

  /// The distance in elements between neighbours along each axis of a row-major tensor of this shape.
  var rowMajorStrides: Shape {
    var s = self
    var step = 1
    for i in stride(from: rank - 1, through: 0, by: -1) {
      s[i] = step
      step *= Int(extents[i])
    }
    return s
  }

  /// The shape to which two shapes broadcast by numpy's rule, or nil if they do not.
  static func broadcast(_ a: Shape, _ b: Shape) -> Shape? {
    if a == b { return a }
    var s = a.rank >= b.rank ? a : b
    for i in 1...max(s.rank, 1) where i <= s.rank {
      let x = i <= a.rank ? a.extents[a.rank - i] : 1
      let y = i <= b.rank ? b.extents[b.rank - i] : 1
      guard x == y || x == 1 || y == 1 else { return nil }
      s.extents[s.rank - i] = x == 1 ? y : x
    }
    return s
  }
}
