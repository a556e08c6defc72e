import ReproTensor

/// The types of numbers that files of weights hold, by the names that safetensors gives them.
public enum WeightElement: String, Sendable, CaseIterable {
  case bool = "BOOL"
  case uint8 = "U8"
  case int8 = "I8"
  case float8E5M2 = "F8_E5M2"
  case float8E4M3 = "F8_E4M3"
  case uint16 = "U16"
  case int16 = "I16"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case uint32 = "U32"
  case int32 = "I32"
  case float32 = "F32"
  case uint64 = "U64"
  case int64 = "I64"
  case float64 = "F64"

  /// Bytes of one number.
  public var size: Int {
    switch self {
    case .bool, .uint8, .int8, .float8E5M2, .float8E4M3: 1
    case .uint16, .int16, .float16, .bfloat16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    }
  }

  public var isFloatingPoint: Bool {
    switch self {
    case .float8E5M2, .float8E4M3, .float16, .bfloat16, .float32, .float64: true
    default: false
    }
  }

  /// Little-endian numbers as reals; wide integers and doubles are rounded to the nearest.
  ///
  /// - Parameters:
  ///   - raw: exactly `target.count` numbers, at any alignment.
  func decode(_ raw: UnsafeRawBufferPointer, into target: UnsafeMutableBufferPointer<Real>) {
    require(raw.count == target.count * size, "\(raw.count) bytes are not \(target.count) numbers of type \(rawValue)")
    func each<T: BitwiseCopyable>(_ type: T.Type, _ convert: (T) -> Real) {
      for i in 0..<target.count {
        target[i] = convert(raw.loadUnaligned(fromByteOffset: i * MemoryLayout<T>.stride, as: T.self))
      }
    }
    switch self {
    case .bool: each(UInt8.self) { $0 == 0 ? 0 : 1 }
    case .uint8: each(UInt8.self) { Real($0) }
    case .int8: each(Int8.self) { Real($0) }
    case .float8E5M2: each(UInt8.self) { Real(smallFloat($0, exponentBits: 5)) }
    case .float8E4M3: each(UInt8.self) { Real(smallFloat($0, exponentBits: 4)) }
    case .uint16: each(UInt16.self) { Real($0) }
    case .int16: each(Int16.self) { Real($0) }
    case .float16: each(UInt16.self) { Real(halfFloat($0)) }
    case .bfloat16: each(UInt16.self) { Real(Float(bitPattern: UInt32($0) << 16)) }
    case .uint32: each(UInt32.self) { Real($0) }
    case .int32: each(Int32.self) { Real($0) }
    case .float32: each(Float.self) { Real($0) }
    case .uint64: each(UInt64.self) { Real($0) }
    case .int64: each(Int64.self) { Real($0) }
    case .float64: each(Double.self) { Real($0) }
    }
  }
}

/// IEEE 754 binary16: one sign, five exponent and ten fraction bits.
func halfFloat(_ bits: UInt16) -> Float {
  let sign = UInt32(bits >> 15) << 31
  let exponent = UInt32(bits >> 10 & 31)
  let fraction = UInt32(bits & 1023)
  if exponent == 31 { return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13) }
  if exponent == 0 {
    let magnitude = Float(fraction) * 0x1p-24
    return sign == 0 ? magnitude : -magnitude
  }
  return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
}

/// Eight-bit floats: E5M2 is a half cut off; E4M3 (the "fn" variant) has no infinities and one NaN of each sign.
///
/// - Source: Micikevicius et al. 2022 (arXiv 2209.05433), Table 1.
func smallFloat(_ bits: UInt8, exponentBits: Int) -> Float {
  if exponentBits == 5 { return halfFloat(UInt16(bits) << 8) }
  let (exponent, fraction) = (Int(bits >> 3 & 15), Float(bits & 7))
  if bits & 127 == 127 { return .nan }
  let magnitude =
    exponent == 0
    ? fraction * 0x1p-9 : (1 + fraction / 8) * Float(sign: .plus, exponent: exponent - 7, significand: 1)
  return bits >> 7 == 0 ? magnitude : -magnitude
}
