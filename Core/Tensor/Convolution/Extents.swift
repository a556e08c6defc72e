/// Rows and columns of a window, a step or a border: `3` for both, `[1, 7]` for each.
public struct Extent2D: Sendable, Equatable, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral,
  CustomStringConvertible
{
  public var rows: Int
  public var columns: Int

  public init(_ rows: Int, _ columns: Int) { (self.rows, self.columns) = (rows, columns) }
  public init(_ both: Int) { self.init(both, both) }
  public init(integerLiteral value: Int) { self.init(value) }
  public init(arrayLiteral elements: Int...) {
    require(elements.count == 2, "rows and columns are two numbers, got \(elements)")
    self.init(elements[0], elements[1])
  }

  public var count: Int { rows * columns }
  public var description: String { "\(rows) x \(columns)" }
}

/// Depth, rows and columns of a window, a step or a border: `3` for all, `[1, 3, 3]` for each.
public struct Extent3D: Sendable, Equatable, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral,
  CustomStringConvertible
{
  public var depth: Int
  public var rows: Int
  public var columns: Int

  public init(_ depth: Int, _ rows: Int, _ columns: Int) {
    (self.depth, self.rows, self.columns) = (depth, rows, columns)
  }
  public init(_ all: Int) { self.init(all, all, all) }
  public init(integerLiteral value: Int) { self.init(value) }
  public init(arrayLiteral elements: Int...) {
    require(elements.count == 3, "depth, rows and columns are three numbers, got \(elements)")
    self.init(elements[0], elements[1], elements[2])
  }

  public var count: Int { depth * rows * columns }
  public var description: String { "\(depth) x \(rows) x \(columns)" }

  /// Of an image: one deep.
  init(_ e: Extent2D, depth: Int) { self.init(depth, e.rows, e.columns) }

  /// Of a line: its columns, and what stands for the depth and the rows that it does not have.
  init(columns: Int, others: Int) { self.init(others, others, columns) }

  /// Rows and columns alone.
  var plane: Extent2D { Extent2D(rows, columns) }

  var smallest: Int { min(depth, rows, columns) }

  /// Axis by axis.
  static func zip(_ a: Extent3D, _ b: Extent3D, _ f: (Int, Int) -> Int) -> Extent3D {
    Extent3D(f(a.depth, b.depth), f(a.rows, b.rows), f(a.columns, b.columns))
  }

  /// The last `rank` of them, for messages.
  func text(_ rank: Int) -> String {
    [depth, rows, columns].suffix(rank).map(String.init).joined(separator: " x ")
  }
}
