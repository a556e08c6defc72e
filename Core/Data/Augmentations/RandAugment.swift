import ReproTensor

/// A few operations of fourteen, drawn at random for each image, all of one strength.
///
/// - Source: Cubuk et al. 2019 (RandAugment, arXiv 1909.13719), Algorithm 1; strengths as in torchvision's
///   `RandAugment`, with 31 steps.
public struct RandAugment: Sendable, Equatable {
  public enum Operation: String, Sendable, CaseIterable {
    case identity
    case shearX = "shear-x"
    case shearY = "shear-y"
    case translateX = "translate-x"
    case translateY = "translate-y"
    case rotate, brightness, color, contrast, sharpness, posterize, solarize, autocontrast, equalize

    /// Whether the operation goes either way.
    var isSigned: Bool {
      switch self {
      case .shearX, .shearY, .translateX, .translateY, .rotate, .brightness, .color, .contrast, .sharpness: true
      default: false
      }
    }
  }

  /// Operations one after the other.
  public var count: Int
  /// Strength, 0 to 30.
  public var magnitude: Int
  public var operations = Operation.allCases

  public init(count: Int = 2, magnitude: Int = 9) {
    require(count >= 0 && (0...30).contains(magnitude), "RandAugment has a strength of 0 to 30, got \(magnitude)")
    (self.count, self.magnitude) = (count, magnitude)
  }

  public func callAsFunction(_ image: ByteImage, _ stream: inout RandomStream) -> ByteImage {
    var result = image
    for _ in 0..<count {
      let operation = operations[stream.integer(below: operations.count)]
      let isNegative = operation.isSigned && stream.bernoulli(0.5)
      result = Self.apply(operation, to: result, part: Double(magnitude) / 30, isNegative: isNegative)
    }
    return result
  }

  /// One operation at a part (0 to 1) of its greatest strength.
  public static func apply(
    _ operation: Operation, to image: ByteImage, part: Double, isNegative: Bool = false
  ) -> ByteImage {
    let sign: Double = isNegative ? -1 : 1
    func sheared(_ x: Double, _ y: Double) -> ByteImage {
      // About the corner, by the tangent of the angle: x' = x + s y.
      image.warped(PlaneMap([1, x, 0, y, 1, 0, 0, 0]), .nearest)
    }
    func moved(_ x: Double, _ y: Double) -> ByteImage {
      image.warped(PlaneMap([1, 0, -x, 0, 1, -y, 0, 0]), .nearest)
    }
    switch operation {
    case .identity: return image
    case .shearX: return sheared(sign * 0.3 * part, 0)
    case .shearY: return sheared(0, sign * 0.3 * part)
    case .translateX: return moved((sign * 150 / 331 * Double(image.width) * part).rounded(.towardZero), 0)
    case .translateY: return moved(0, (sign * 150 / 331 * Double(image.height) * part).rounded(.towardZero))
    case .rotate: return image.rotated(sign * 30 * part)
    case .brightness: return image.brightened(1 + sign * 0.9 * part)
    case .color: return image.saturated(1 + sign * 0.9 * part)
    case .contrast: return image.contrasted(1 + sign * 0.9 * part)
    case .sharpness: return image.sharpened(1 + sign * 0.9 * part)
    case .posterize: return image.posterized(bits: 8 - Int((4 * part).rounded(.toNearestOrEven)))
    case .solarize: return image.solarized(from: Int((255 * (1 - part)).rounded(.up)))
    case .autocontrast: return image.autocontrasted()
    case .equalize: return image.equalized()
    }
  }
}
