import ReproConfig
import ReproTensor

/// A grid of filled and empty cells, run-length coded, as binvox writes it.
///
/// - Source: Min, "binvox 3D mesh voxelizer", description of the .binvox format.
public struct BinvoxGrid: Sendable, Equatable {
  /// Cells along each edge of the cube.
  public var side: Int
  /// 1 filled, 0 empty: `[x, y, z]`, z fastest.
  public var cells: [UInt8]
  /// A cell (i, j, k) covers the cube of edge `scale / side` at `translation + scale * (i, j, k) / side`.
  public var translation: SIMD3<Float>
  public var scale: Float

  public init(side: Int, cells: [UInt8], translation: SIMD3<Float> = .zero, scale: Float = 1) {
    require(cells.count == side * side * side, "\(cells.count) cells of a cube of side \(side)")
    (self.side, self.cells, self.translation, self.scale) = (side, cells, translation, scale)
  }

  /// - Throws: `ReproError` with line or byte of what is wrong: the header, a grid that is no cube or larger than the
  ///   file can hold, cells that are neither 0 nor 1, too few or too many of them.
  public init(_ bytes: [UInt8], file: String) throws {
    var cursor = TextCursor(bytes, file: file)
    guard cursor.advance(), cursor.skip("#binvox"), cursor.skip("1") else {
      throw ReproError(.data, at: file, found: "this is not a binvox file", expected: "#binvox 1 in line 1")
    }
    (side, cells, translation, scale) = (0, [], .zero, 1)
    while true {
      guard cursor.advanceToWords(comment: nil), let key = cursor.word() else {
        throw cursor.error("the header ends", expected: "data")
      }
      switch cursor.text(key) {
      case "dim":
        let extents = try (0..<3).map { _ in try cursor.integer("an extent", in: 1...4096) }
        guard Set(extents).count == 1 else { throw cursor.error("a grid of \(extents)", expected: "a cube") }
        side = extents[0]
      case "translate":
        for axis in 0..<3 { translation[axis] = try cursor.float("the translation") }
      case "scale": scale = try cursor.float("the scale")
      case "data":
        guard side > 0 else { throw cursor.error("data before dim") }
        cells = try BinvoxGrid.unpack(bytes, from: cursor.nextLineOffset, side, file)
        return
      default:
        throw cursor.error("'\(clipped(cursor.text(key)))' in the header", expected: "dim, translate, scale, data")
      }
    }
  }

  /// Runs of (value, length); x slowest, then z, y fastest in the file.
  private static func unpack(_ bytes: [UInt8], from start: Int, _ side: Int, _ file: String) throws -> [UInt8] {
    let count = side * side * side
    // A run covers at most 255 cells.
    guard count <= (bytes.count - start) / 2 * 255 else {
      throw ReproError.data(file, byte: start, "\(bytes.count - start) bytes of runs", expected: "\(count) cells")
    }
    var cells = [UInt8](repeating: 0, count: count)
    var (done, p) = (0, start)
    while p + 1 < bytes.count, done < count {
      let (value, length) = (bytes[p], Int(bytes[p + 1]))
      guard value <= 1, length > 0, length <= count - done else {
        throw ReproError.data(
          file, byte: p, "a run of \(length) cells of value \(value)", expected: "0 or 1, within the grid")
      }
      if value == 1 {
        for i in done..<done + length {
          let (x, z, y) = (i / (side * side), i / side % side, i % side)
          cells[(x * side + y) * side + z] = 1
        }
      }
      done += length
      p += 2
    }
    guard done == count, p == bytes.count else {
      throw ReproError.data(file, byte: p, "\(done) cells, \(bytes.count - p) bytes left", expected: "\(count) cells")
    }
    return cells
  }

  /// The bytes of a file.
  public var bytes: [UInt8] {
    let words = "#binvox 1\ndim \(side) \(side) \(side)\ntranslate \(translation.x) \(translation.y) \(translation.z)\n"
    var bytes = Array("\(words)scale \(scale)\ndata\n".utf8)
    let count = cells.count
    var i = 0
    func cell(_ i: Int) -> UInt8 {
      let (x, z, y) = (i / (side * side), i / side % side, i % side)
      return cells[(x * side + y) * side + z]
    }
    while i < count {
      var length = 1
      while length < 255, i + length < count, cell(i + length) == cell(i) { length += 1 }
      bytes += [cell(i), UInt8(length)]
      i += length
    }
    return bytes
  }
}
