import Glibc
import ReproConfig

/// Where the program speaks: lines on stdout, errors and progress on stderr, colour only where a person looks.
enum Terminal {
  /// Whether somebody watches the progress on a terminal that can move its cursor.
  static let isInteractive = isatty(STDERR_FILENO) == 1 && !isDumb
  static let hasColour = isatty(STDOUT_FILENO) == 1 && !isDumb && (variable("NO_COLOR") ?? "").isEmpty

  private static let isDumb = variable("TERM") == "dumb"
  private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

  static func line(_ text: String = "") { send(text + "\n", to: STDOUT_FILENO) }

  /// Text on stdout, as it is.
  static func output(_ text: String) { send(text, to: STDOUT_FILENO) }

  /// The same, told whether anybody still listens.
  static func reaches(_ text: String) -> Bool { send(text + "\n", to: STDOUT_FILENO) }

  static func error(_ text: String) { write("repro: \(text)\n") }

  /// Text on stderr, as it is.
  static func write(_ text: String) { send(text, to: STDERR_FILENO) }

  /// Straight to the descriptor: nothing waits in a buffer when a worker is killed.
  @discardableResult
  private static func send(_ text: String, to descriptor: Int32) -> Bool {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 { rest = rest.dropFirst(count) } else if errno != EINTR { return false }
    }
    return true
  }

  /// Columns of the terminal that shows the progress, 80 where there is none.
  static var width: Int { columns(STDERR_FILENO) ?? 80 }

  /// Columns that a table may have; nil where nobody counts them, as in a pipe.
  static var tableWidth: Int? { columns(STDOUT_FILENO) }

  private static func columns(_ descriptor: Int32) -> Int? {
    var size = winsize()
    return ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : nil
  }

  /// Asks a question that wants yes or no; no without a person to answer.
  static func confirms(_ question: String) -> Bool {
    guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else { return false }
    write("\(question) [y/N] ")
    let answer = readLine(strippingNewline: true)?.lowercased() ?? ""
    return answer == "y" || answer == "yes"
  }

  static func bold(_ text: String) -> String { hasColour ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
  static func dim(_ text: String) -> String { hasColour ? "\u{1B}[2m\(text)\u{1B}[0m" : text }
  static func red(_ text: String) -> String { hasColour ? "\u{1B}[31m\(text)\u{1B}[0m" : text }
  static func green(_ text: String) -> String { hasColour ? "\u{1B}[32m\(text)\u{1B}[0m" : text }
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
  guard seconds.isFinite, seconds < 1e9 else { return "?" }
  let s = Int(max(0, seconds).rounded())
  if s < 60 { return "\(s) s" }
  if s < 3600 { return "\(s / 60) min \(s % 60) s" }
  return "\(s / 3600) h \(s % 3600 / 60) min"
}

/// A size as people say it: 812 bytes, 3.1 KiB, 162.2 MiB.
func fileSize(_ bytes: Int) -> String {
  if bytes < 1024 { return "\(bytes) bytes" }
  var value = Double(bytes) / 1024
  for unit in ["KiB", "MiB", "GiB"] {
    if value < 1000 || unit == "GiB" { return "\(decimals(value, 1)) \(unit)" }
    value /= 1024
  }
  return "\(bytes) bytes"
}

/// `1 run`, `2 runs`.
func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)" + (count == 1 ? "" : "s") }
