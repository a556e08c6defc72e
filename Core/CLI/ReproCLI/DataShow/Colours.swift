import Glibc

/// How numbers become colours on sheets.
enum Colours {
  /// Class 0 is dark grey; the others are far apart for colour-blind people too: the eight of Okabe and Ito, then the
  /// muted scheme of Paul Tol, then both again, darker.
  static func label(_ value: Int) -> SIMD3<UInt8> {
    guard value > 0 else { return SIMD3(52, 52, 56) }
    let hex = palette[(value - 1) % palette.count]
    let round = (value - 1) / palette.count
    let color = SIMD3(UInt8(hex >> 16 & 255), UInt8(hex >> 8 & 255), UInt8(hex & 255))
    return round % 2 == 0 ? color : SIMD3(color.x / 2, color.y / 2, color.z / 2)
  }

  private static let palette = [
    0xE69F00, 0x56B4E9, 0x009E73, 0xF0E442, 0x0072B2, 0xD55E00, 0xCC79A7, 0xDDDDDD, 0x332288, 0x88CCEE, 0x44AA99,
    0x117733, 0x999933, 0xDDCC77, 0xCC6677, 0x882255, 0xAA4499,
  ]

  /// From dark blue over green to yellow, even in lightness: the shape of matplotlib's viridis by nine of its colours.
  static func scale(_ amount: Float) -> SIMD3<UInt8> {
    let stops: [SIMD3<Float>] = [
      SIMD3(68, 1, 84), SIMD3(72, 40, 120), SIMD3(62, 74, 137), SIMD3(49, 104, 142), SIMD3(38, 130, 142),
      SIMD3(31, 158, 137), SIMD3(53, 183, 121), SIMD3(110, 206, 88), SIMD3(253, 231, 37),
    ]
    let x = max(0, min(1, amount.isFinite ? amount : 0)) * Float(stops.count - 1)
    let i = min(Int(x), stops.count - 2)
    return bytes(stops[i] + (stops[i + 1] - stops[i]) * (x - Float(i)))
  }

  /// A normal in the camera's frame (x right, y down, z away): red right, green up, blue towards the camera.
  static func normal(_ n: SIMD3<Float>) -> SIMD3<UInt8> {
    n == .zero ? SIMD3(0, 0, 0) : bytes(SIMD3(1 + n.x, 1 - n.y, 1 - n.z) * 127.5)
  }

  /// The hue is the direction, the strength the share of the largest flow; nothing moves where it is white.
  static func flow(_ f: SIMD2<Float>, largest: Float) -> SIMD3<UInt8> {
    let strength = min(1, (f * f).sum().squareRoot() / max(largest, 1e-6))
    let hue = (atan2f(f.y, f.x) / (2 * .pi) + 1).truncatingRemainder(dividingBy: 1) * 6
    func channel(_ shift: Float) -> Float {
      let k = (shift + hue).truncatingRemainder(dividingBy: 6)
      return 1 - strength * max(0, min(1, min(k, 4 - k)))
    }
    return bytes(SIMD3(channel(5), channel(3), channel(1)) * 255)
  }

  static func bytes(_ c: SIMD3<Float>) -> SIMD3<UInt8> {
    let clamped = c.clamped(lowerBound: .zero, upperBound: SIMD3(repeating: 255))
    return SIMD3(UInt8(clamped.x.rounded()), UInt8(clamped.y.rounded()), UInt8(clamped.z.rounded()))
  }
}
