import Glibc

/// The transfer curve between linear light and sRGB bytes.
///
/// - Source: IEC 61966-2-1.
enum SRGB {
  /// The number of equal steps of linear light that are told apart.
  static let steps = 8191

  /// The byte of every step.
  static let encoded: [UInt8] = (0...steps).map { step in
    let linear = Double(step) / Double(steps)
    let value = linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055
    return UInt8((value * 255).rounded())
  }

  /// Linear light of an sRGB value, both 0...1.
  static func linear(_ value: Float) -> Float {
    value <= 0.04045 ? value / 12.92 : powf((value + 0.055) / 1.055, 2.4)
  }

  static func linear(_ color: Vec3) -> Vec3 { Vec3(linear(color.x), linear(color.y), linear(color.z)) }
}
