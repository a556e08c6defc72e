/// Columns of text, aligned: words to the left, numbers to the right.
struct TextTable {
  private let headers: [[String]]
  private var rows: [[String]] = []
  private let rightAligned: Set<Int>

  init(_ header: [String], rightAligned: Set<Int> = []) { self.init(headers: [header], rightAligned: rightAligned) }

  /// - Parameter headers: the lines of the header, all of one length.
  init(headers: [[String]], rightAligned: Set<Int> = []) { (self.headers, self.rightAligned) = (headers, rightAligned) }

  mutating func add(_ row: [String]) { rows.append(row) }

  /// The lines of the table, its header in bold.
  ///
  /// - Parameters:
  ///   - width: columns of the terminal; nil for no limit.
  ///   - flexible: columns that may be clipped to fit, the first ones first, none below 8 characters.
  ///   - repeated: how many leading columns stand again in each block of a table that is still too wide and may be cut
  ///     into blocks; nil to leave it too wide.
  func lines(width: Int? = nil, clipping flexible: [Int] = [], blocksRepeating repeated: Int? = nil) -> [String] {
    var widths = (0..<(headers.first?.count ?? 0)).map { c in
      (headers + rows).map { c < $0.count ? $0[c].count : 0 }.max() ?? 0
    }
    guard let width else { return block(Array(widths.indices), widths) }
    for column in flexible {
      let excess = total(widths) - width
      if excess > 0 { widths[column] = max(min(8, widths[column]), widths[column] - excess) }
    }
    guard let repeated, total(widths) > width else { return block(Array(widths.indices), widths) }
    var lines: [String] = []
    var rest = Array(widths.indices.dropFirst(repeated))
    while !rest.isEmpty {
      var columns = Array(0..<repeated)
      repeat {
        columns.append(rest.removeFirst())
      } while rest.first.map {
        total((columns + [$0]).map { widths[$0] }) <= width
      } ?? false
      lines += (lines.isEmpty ? [] : [""]) + block(columns, widths)
    }
    return lines
  }

  private func total(_ widths: [Int]) -> Int { widths.reduce(0, +) + 2 * max(0, widths.count - 1) }

  private func block(_ columns: [Int], _ widths: [Int]) -> [String] {
    func line(_ row: [String]) -> String {
      var text = ""
      for c in columns {
        let cell = TextTable.clipped(c < row.count ? row[c] : "", to: widths[c])
        let pad = String(repeating: " ", count: widths[c] - cell.count)
        text += (c == columns[0] ? "" : "  ") + (rightAligned.contains(c) ? pad + cell : cell + pad)
      }
      while text.hasSuffix(" ") { text.removeLast() }
      return text
    }
    return headers.map { Terminal.bold(line($0)) } + rows.map(line)
  }

  /// A text of at most so many characters; dots say that something is missing.
  static func clipped(_ text: String, to width: Int) -> String {
    text.count <= width ? text : String(text.prefix(max(0, width - 2))) + ".."
  }
}
