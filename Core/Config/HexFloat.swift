/// A number with all its bits, as C's `%a` writes it: `0x1.8p+1` for 3. `Double(_:)` and `Float(_:)` read it back.
///
/// - Returns: for finite numbers `[-]0x1.<fraction>p<exponent>` with the shortest fraction, subnormal ones normalised too;
///   otherwise `inf`, `-inf` or `nan`.
public func hexFloat(_ value: Double) -> String {
  if value.isNaN { return "nan" }
  let sign = value.sign == .minus ? "-" : ""
  if value.isInfinite { return sign + "inf" }
  if value == 0 { return sign + "0x0p+0" }
  let significand = value.significand.magnitude  // in 1 ..< 2, also of subnormal numbers
  var fraction = String(significand.bitPattern & (1 << 52 - 1), radix: 16)
  fraction = String(repeating: "0", count: 13 - fraction.count) + fraction
  while fraction.last == "0" { fraction.removeLast() }
  let exponent = Int(value.exponent)
  return "\(sign)0x1\(fraction.isEmpty ? "" : ".")\(fraction)p\(exponent < 0 ? "" : "+")\(exponent)"
}
