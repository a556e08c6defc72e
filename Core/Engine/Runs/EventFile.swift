import ReproConfig
import ReproData

/// A run's metrics as TensorBoard reads them: `tensorboard --logdir runs` shows every run.
///
/// Records of TensorFlow's event format: protocol buffers between masked CRC-32C checksums. The wall time of an event
/// is its step in seconds, so that equal runs have equal files.
/// - Source: tensorflow/core/util/event.proto, framework/summary.proto and lib/io/record_writer.
public struct EventFile: Sendable {
  public static let name = "events.out.tfevents.0.repro"

  /// Numbers of one name at some steps, as many as there are.
  public struct Curve: Sendable, Equatable {
    public var tag: String
    public var steps: [Int]
    public var values: [Double]
    public init(tag: String, steps: [Int], values: [Double]) {
      (self.tag, self.steps, self.values) = (tag, steps, values)
    }
  }

  public private(set) var curves: [Curve]

  public init(_ curves: [Curve]) { self.curves = curves }

  /// All metrics of a run, `stage/metric`, and its measurements at the last step, `measurement/knn.top1`.
  init(_ record: RunRecord, _ log: MetricLog) { self.init(log.curves, record.measurements) }

  /// A run's thinned curves and its measurements.
  public init(_ record: RunRecord) {
    let curves = record.curves.map { Curve(tag: "\($0.stage)/\($0.metric)", steps: $0.steps, values: $0.values) }
    self.init(curves, record.measurements)
  }

  private init(_ curves: [Curve], _ measurements: [RunRecord.Measurement]) {
    let last = curves.compactMap { $0.steps.max() }.max() ?? 0
    self.curves = curves + measurements.map { Curve(tag: "measurement/\($0.name)", steps: [last], values: [$0.value]) }
  }

  /// Hands on the file record by record: of a long run never more than one is in memory.
  func write(to append: ([UInt8]) throws -> Void) rethrows {
    var version = ProtocolBuffer()
    version.double(1, 0)
    version.text(3, "brain.Event:2")
    try append(EventFile.framed(version.bytes))
    for curve in curves {
      for (step, number) in zip(curve.steps, curve.values) {
        var value = ProtocolBuffer()
        value.text(1, curve.tag)
        value.float(2, Float(number))
        var summary = ProtocolBuffer()
        summary.message(1, value)
        var event = ProtocolBuffer()
        event.double(1, Double(step))
        event.integer(2, step)
        event.message(5, summary)
        try append(EventFile.framed(event.bytes))
      }
    }
  }

  public func write(_ path: String) throws { try SafeFile.writeInParts(path) { try write(to: $0) } }

  /// Length, its checksum, the data, its checksum; little-endian.
  static func framed(_ data: [UInt8]) -> [UInt8] {
    let length = littleEndian(UInt64(data.count))
    return length + littleEndian(CRC32C.masked(length)) + data + littleEndian(CRC32C.masked(data))
  }
}

/// The bytes of a whole number, the lowest first.
private func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
  (0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

/// The few wire types that events need.
struct ProtocolBuffer {
  private(set) var bytes: [UInt8] = []

  /// Seven bits a byte, the lowest first; the top bit says that more follow.
  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func key(_ field: Int, _ wireType: UInt64) { varint(UInt64(field) << 3 | wireType) }

  mutating func integer(_ field: Int, _ value: Int) {
    key(field, 0)
    varint(UInt64(bitPattern: Int64(value)))
  }

  mutating func double(_ field: Int, _ value: Double) {
    key(field, 1)
    bytes += littleEndian(value.bitPattern)
  }

  mutating func float(_ field: Int, _ value: Float) {
    key(field, 5)
    bytes += littleEndian(value.bitPattern)
  }

  mutating func text(_ field: Int, _ value: String) { data(field, Array(value.utf8)) }
  mutating func message(_ field: Int, _ value: ProtocolBuffer) { data(field, value.bytes) }

  private mutating func data(_ field: Int, _ value: [UInt8]) {
    key(field, 2)
    varint(UInt64(value.count))
    bytes += value
  }
}

/// CRC-32C, the Castagnoli polynomial, as TensorFlow's records use it.
///
/// - Source: RFC 3720, appendix B.4 (the polynomial and its test vectors).
enum CRC32C {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
  }

  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~UInt32(0)) { crc, byte in table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] ^ crc >> 8 }
  }

  /// Turned and shifted, so that a checksum of data that hold checksums is no accident.
  static func masked(_ bytes: [UInt8]) -> UInt32 {
    let crc = checksum(bytes)
    return (crc >> 15 | crc << 17) &+ 0xA282_EAD8
  }
}
