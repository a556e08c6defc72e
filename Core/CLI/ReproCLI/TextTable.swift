/// Columns of text, aligned: words to the left, numbers to the right.
struct TextTable {
  private let groups: [String]
  private let header: [String]
  private var rows: [[String]] = []
  private let rightAligned: Set<Int>

  /// - Parameters:
  ///   - groups: what stands above neighbouring columns that belong together, once for each column; empty without groups.
  init(_ header: [String], groups: [String] = [], rightAligned: Set<Int> = []) {
    (self.header, self.groups, self.rightAligned) = (header, groups, rightAligned)
  }

  mutating func add(_ row: [String]) { rows.append(row) }

  /// The lines of the table, its header in bold.
  ///
  /// - Parameters:
  ///   - width: columns of the terminal; nil for no limit.
  ///   - dropped: columns that a table that is too wide goes without, the first ones first.
  ///   - clipped: columns that are then clipped, the first ones first, none below 8 characters.
  ///   - repeated: how many leading columns stand again in each block, if a table that is still too wide may be cut into
  ///     blocks; nil to leave it too wide.
  func lines(
    width: Int? = nil, dropping dropped: [Int] = [], clipping clipped: [Int] = [], blocksRepeating repeated: Int? = nil
  ) -> [String] {
    var widths = header.indices.map { c in
      ([header] + rows).map { c < $0.count ? $0[c].count : 0 }.max() ?? 0
    }
    var columns = Array(header.indices)
    guard let width else { return block(columns, widths) }
    for column in dropped where total(columns, widths) > width { columns.removeAll { $0 == column } }
    for column in clipped where columns.contains(column) {
      let excess = total(columns, widths) - width
      if excess > 0 { widths[column] = max(min(8, widths[column]), widths[column] - excess) }
    }
    guard let repeated, total(columns, widths) > width else { return block(columns, widths) }
    var lines: [String] = []
    var rest = Array(columns.dropFirst(repeated))
    while !rest.isEmpty {
      var part = Array(columns.prefix(repeated))
      repeat { part.append(rest.removeFirst()) } while rest.first.map { total(part + [$0], widths) <= width } ?? false
      lines += (lines.isEmpty ? [] : [""]) + block(part, widths)
    }
    return lines
  }

  /// Neighbouring columns of one group.
  private func spans(_ columns: [Int]) -> [[Int]] {
    var spans: [[Int]] = []
    for c in columns {
      if let last = spans.last?.last, !groups.isEmpty, !groups[c].isEmpty, groups[last] == groups[c] {
        spans[spans.count - 1].append(c)
      } else {
        spans.append([c])
      }
    }
    return spans
  }

  /// The widths with room for the groups' names.
  private func widened(_ columns: [Int], _ widths: [Int]) -> [Int] {
    guard !groups.isEmpty else { return widths }
    var widths = widths
    for span in spans(columns) {
      let missing = groups[span[0]].count - sum(span, widths)
      if missing > 0 { widths[span[span.count - 1]] += missing }
    }
    return widths
  }

  private func sum(_ columns: [Int], _ widths: [Int]) -> Int {
    columns.reduce(0) { $0 + widths[$1] } + 2 * max(0, columns.count - 1)
  }

  private func total(_ columns: [Int], _ widths: [Int]) -> Int { sum(columns, widened(columns, widths)) }

  private func block(_ columns: [Int], _ widths: [Int]) -> [String] {
    let widths = widened(columns, widths)
    func joined(_ cells: [String]) -> String {
      var text = cells.joined(separator: "  ")
      while text.hasSuffix(" ") { text.removeLast() }
      return text
    }
    func line(_ row: [String]) -> String {
      joined(
        columns.map { c in
          let cell = TextTable.clipped(c < row.count ? row[c] : "", to: widths[c])
          return padded(cell, widths[c], right: rightAligned.contains(c))
        })
    }
    var lines: [String] = []
    if !groups.isEmpty {
      let names = spans(columns).map { span in
        let (name, width) = (groups[span[0]], sum(span, widths))
        // Dashes show how far the group goes.
        if span.count > 1 { return name + " " + String(repeating: "-", count: max(0, width - name.count - 1)) }
        return padded(name, width, right: rightAligned.contains(span[0]))
      }
      lines.append(Terminal.bold(joined(names)))
    }
    return lines + [Terminal.bold(line(header))] + rows.map(line)
  }

  private func padded(_ text: String, _ width: Int, right: Bool) -> String {
    let pad = String(repeating: " ", count: max(0, width - text.count))
    return right ? pad + text : text + pad
  }

  /// A text of at most so many characters; dots say that something is missing.
  static func clipped(_ text: String, to width: Int) -> String {
    text.count <= width ? text : String(text.prefix(max(0, width - 2))) + ".."
  }
}
