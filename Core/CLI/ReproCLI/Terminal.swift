import Glibc
import ReproConfig

/// Where the program speaks: lines on stdout, errors and progress on stderr, colour only where a person looks.
enum Terminal {
  static let isInteractive = isatty(STDERR_FILENO) == 1
  static let hasColour =
    isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == nil
    && getenv("TERM").map { String(cString: $0) } != "dumb"

  static func line(_ text: String = "") { send(text + "\n", to: STDOUT_FILENO) }

  static func error(_ text: String) { write("repro: \(text)\n") }

  /// Text on stderr, as it is.
  static func write(_ text: String) { send(text, to: STDERR_FILENO) }

  /// Straight to the descriptor: nothing waits in a buffer when a worker is killed.
  private static func send(_ text: String, to descriptor: Int32) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 { rest = rest.dropFirst(count) } else if errno != EINTR { return }
    }
  }

  /// Columns of the terminal, 80 where there is none.
  static var width: Int {
    var size = winsize()
    return ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
  }

  static func bold(_ text: String) -> String { hasColour ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
  static func dim(_ text: String) -> String { hasColour ? "\u{1B}[2m\(text)\u{1B}[0m" : text }
  static func red(_ text: String) -> String { hasColour ? "\u{1B}[31m\(text)\u{1B}[0m" : text }
  static func green(_ text: String) -> String { hasColour ? "\u{1B}[32m\(text)\u{1B}[0m" : text }
}

/// Columns of text, aligned: words to the left, numbers to the right.
struct TextTable {
  private var rows: [[String]] = []
  private let rightAligned: Set<Int>

  init(_ header: [String], rightAligned: Set<Int> = []) {
    rows = [header]
    self.rightAligned = rightAligned
  }

  mutating func add(_ row: [String]) { rows.append(row) }

  /// The lines of the table, its header in bold.
  var lines: [String] {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { c in rows.map { c < $0.count ? $0[c].count : 0 }.max() ?? 0 }
    return rows.enumerated().map { r, row in
      let cells = row.enumerated().map { c, text -> String in
        let pad = String(repeating: " ", count: max(0, widths[c] - text.count))
        return rightAligned.contains(c) ? pad + text : c == row.count - 1 ? text : text + pad
      }
      let line = cells.joined(separator: "  ")
      return r == 0 ? Terminal.bold(line) : line
    }
  }
}

/// A number with so many decimals, without Foundation.
func decimals(_ x: Double, _ places: Int) -> String {
  guard x.isFinite else { return "\(x)" }
  var scale = 1.0
  for _ in 0..<places { scale *= 10 }
  let scaled = (x.magnitude * scale).rounded()
  guard scaled < 9e15 else { return "\(x)" }
  let whole = Int(scaled)
  let sign = x < 0 && whole > 0 ? "-" : ""
  if places == 0 { return sign + "\(whole)" }
  let (units, rest) = (whole / Int(scale), "\(whole % Int(scale))")
  return "\(sign)\(units)." + String(repeating: "0", count: places - rest.count) + rest
}

/// Seconds as people say them: 48 s, 3 min 5 s, 2 h 10 min.
func duration(_ seconds: Double) -> String {
  guard seconds.isFinite else { return "?" }
  let s = Int(seconds.rounded())
  if s < 60 { return "\(s) s" }
  if s < 3600 { return "\(s / 60) min \(s % 60) s" }
  return "\(s / 3600) h \(s % 3600 / 60) min"
}
