import Glibc

/// Round numbers along an axis: a step of 1, 2 or 5 times a power of ten.
struct Ticks: Equatable {
  /// Ascending, inside `range`.
  let values: [Double]
  let step: Double
  /// What the axis covers: the asked-for range, extended to whole steps if wanted.
  let range: ClosedRange<Double>

  /// - Parameters:
  ///   - low, high: what has to be shown, in any order; equal numbers get room around them.
  ///   - count: the most intervals that the range is cut into; at least two fifths of it.
  ///   - extends: whether the axis ends at ticks.
  init(_ low: Double, _ high: Double, count: Int = 5, extends: Bool = true) {
    var (a, b) = (min(low, high), max(low, high))
    if !(a.isFinite && b.isFinite) { (a, b) = (0, 1) }
    if a == b {
      let room = a == 0 ? 1 : abs(a) * 0.1
      (a, b) = (a - room, b + room)
    }
    let raw = (b - a) / Double(max(count, 1))
    let power = pow(10, floor(log10(raw)))
    let factor = raw / power
    // Never more intervals than asked for, before the ends are rounded outwards.
    let step = power * (factor < 1.0001 ? 1 : factor < 2.0001 ? 2 : factor < 5.0001 ? 5 : 10)
    // A hair of tolerance, so that 0.30000000000000004 / 0.1 counts as three steps.
    let first = extends ? floor(a / step + 1e-9) : ceil(a / step - 1e-9)
    let last = extends ? ceil(b / step - 1e-9) : floor(b / step + 1e-9)
    self.step = step
    values = first <= last ? stride(from: first, through: last, by: 1).map { $0 * step } : []
    range = extends ? (first * step)...(last * step) : a...b
  }

  /// Decimals that tell neighbours apart.
  var decimals: Int { max(0, Int((-log10(step) - 1e-9).rounded(.up))) }

  /// A tick's label: with thousands as k, M, G where numbers are large.
  func label(_ value: Double) -> String {
    for (size, letter) in [(1e9, "G"), (1e6, "M"), (1e4, "k")] where step >= size / 10 && range.upperBound >= size {
      let unit = letter == "k" ? 1e3 : size
      return signed(Ticks.decimals(value / unit, of: step / unit)) + letter
    }
    return signed(Ticks.decimals(value, of: step))
  }

  private static func decimals(_ value: Double, of step: Double) -> String {
    let places = max(0, Int((-log10(step) - 1e-9).rounded(.up)))
    if places > 6 || abs(value) >= 1e9 { return "\(value)" }
    return ReproCLI.decimals(value, places)
  }

  /// With a real minus sign.
  private func signed(_ text: String) -> String { typographic(text) }
}

/// A number's text with the minus sign that printers use.
func typographic(_ text: String) -> String { text.hasPrefix("-") ? "\u{2212}" + text.dropFirst() : text }

/// A number so that a difference of a hundredth of it is seen: 0.0413, 12.3, 1204; with a sign if wanted.
func readable(_ value: Double, digits: Int = 3, sign: Bool = false) -> String {
  guard value.isFinite else { return value.isNaN ? "not a number" : value > 0 ? "\u{221E}" : "\u{2212}\u{221E}" }
  let magnitude = value == 0 ? 0 : Int(floor(log10(abs(value))))
  let text: String
  if value != 0 && (magnitude < -5 || magnitude > 8) {
    let scaled = value / pow(10, Double(magnitude))
    text = decimals(scaled, digits - 1) + "\u{00D7}10" + superscript(magnitude)
  } else {
    // Shares and accuracies are compared with each other: at least three decimals below one.
    text = decimals(value, max(0, min(8, max(digits - 1 - magnitude, abs(value) < 1 ? 3 : 0))))
  }
  return (sign && value > 0 ? "+" : "") + typographic(text)
}

/// Decimals with which numbers that stand together are shown, so that the largest has three digits.
func commonDecimals(_ values: [Double]) -> Int {
  let largest = values.filter(\.isFinite).map(\.magnitude).max() ?? 0
  if largest == 0 { return 3 }
  return max(0, min(8, max(2 - Int(floor(log10(largest))), largest < 1 ? 3 : 0)))
}

/// A number with so many decimals, a real minus, and a plus if wanted; words for what is no number.
func aligned(_ value: Double, _ places: Int, sign: Bool = false) -> String {
  guard value.isFinite, abs(value) < 1e9 else { return readable(value, sign: sign) }
  return (sign && value > 0 ? "+" : "") + typographic(decimals(value, places))
}

private func superscript(_ number: Int) -> String {
  let digits: [Character] = ["⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"]
  return (number < 0 ? "⁻" : "") + String(String(abs(number)).map { digits[$0.wholeNumberValue ?? 0] })
}
