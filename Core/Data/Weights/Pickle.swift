import ReproConfig

/// A value of a pickle of weights; containers are places in the arena of the machine that read it, so that no nesting,
/// however deep, and no cycle can harm whoever holds one.
enum PickleValue: Sendable, Equatable {
  case none
  case bool(Bool)
  case int(Int)
  /// An integer beyond 64 bits, little-endian two's complement.
  case long([UInt8])
  case float(Double)
  case text(String)
  case bytes([UInt8])
  case tuple(Int)
  case list(Int)
  case dict(Int)
  case global(PickleGlobal)
  case storage(Int)
  case tensor(Int)
}

/// The names that a pickle of weights may mention. None of them is a function of ours that runs anything: the machine
/// knows what each means.
enum PickleGlobal: Sendable, Equatable {
  case orderedDict
  case rebuildTensor, rebuildTensorV2, rebuildTensorV3
  case rebuildParameter
  case size, device
  /// TorchScript's lists and tags: their first argument is what they stand for.
  case passedThrough
  /// A type of numbers, `torch.float32`.
  case type(WeightElement)
  /// A storage class; nil for bytes without a type.
  case storage(WeightElement?)
  /// A class of a TorchScript archive: an object with attributes.
  case record

  /// What a name means; nil for all that is not read.
  ///
  /// - Parameter records: whether the classes of a TorchScript archive are known.
  static func named(_ module: String, _ name: String, records: Bool) -> PickleGlobal? {
    switch (module, name) {
    case ("collections", "OrderedDict"): return .orderedDict
    case ("torch._utils", "_rebuild_tensor"): return .rebuildTensor
    case ("torch._utils", "_rebuild_tensor_v2"): return .rebuildTensorV2
    case ("torch._utils", "_rebuild_tensor_v3"): return .rebuildTensorV3
    case ("torch._utils", "_rebuild_parameter"): return .rebuildParameter
    case ("torch", "Size"): return .size
    case ("torch", "device"): return .device
    case ("torch", "UntypedStorage"), ("torch.storage", "UntypedStorage"): return .storage(nil)
    case ("torch.jit._pickle", "build_intlist"), ("torch.jit._pickle", "build_tensorlist"),
      ("torch.jit._pickle", "build_doublelist"), ("torch.jit._pickle", "build_boollist"),
      ("torch.jit._pickle", "restore_type_tag"):
      return records ? .passedThrough : nil
    case ("torch", _):
      if let element = storages.first(where: { $0.0 == name })?.1 { return .storage(element) }
      return types.first { $0.0 == name }.map { .type($0.1) }
    default:
      return records && module.hasPrefix("__torch__") ? .record : nil
    }
  }

  private static let storages: [(String, WeightElement)] = [
    ("DoubleStorage", .float64), ("FloatStorage", .float32), ("HalfStorage", .float16),
    ("BFloat16Storage", .bfloat16), ("LongStorage", .int64), ("IntStorage", .int32), ("ShortStorage", .int16),
    ("CharStorage", .int8), ("ByteStorage", .uint8), ("BoolStorage", .bool),
  ]

  private static let types: [(String, WeightElement)] = [
    ("float64", .float64), ("float32", .float32), ("float16", .float16), ("bfloat16", .bfloat16), ("int64", .int64),
    ("int32", .int32), ("int16", .int16), ("int8", .int8), ("uint8", .uint8), ("bool", .bool), ("uint16", .uint16),
    ("uint32", .uint32), ("uint64", .uint64), ("float8_e4m3fn", .float8E4M3), ("float8_e5m2", .float8E5M2),
  ]
}

/// Memory that a tensor is a view of, as a pickle names it.
struct PickleStorage: Sendable, Equatable {
  var key: String
  /// nil for bytes without a type.
  var element: WeightElement?
  /// Elements; bytes where there is no type.
  var count: Int
  /// Where it begins in the stored memory, elements: old files have storages that are parts of others.
  var start = 0
  var byteCount: Int { count * (element?.size ?? 1) }
}

/// A strided view of a storage: element i is `storage[offset + sum_k i_k strides_k]`.
struct PickleTensor: Sendable, Equatable {
  var storage: Int
  var element: WeightElement
  var offset: Int
  var extents: [Int]
  var strides: [Int]
}

/// What a pickle said.
struct PickleContents: Sendable {
  var top: PickleValue
  var lists: [[PickleValue]]
  var tuples: [[PickleValue]]
  var dicts: [[PickleContents.Item]]
  var storages: [PickleStorage]
  var tensors: [PickleTensor]

  struct Item: Sendable {
    var key: PickleValue
    var value: PickleValue
  }

  /// The value of a text key.
  func value(_ name: String, of dict: PickleValue) -> PickleValue? {
    guard case .dict(let place) = dict else { return nil }
    return dicts[place].last { $0.key == .text(name) }?.value
  }
}

extension PickleContents {
  /// Nested containers that are followed.
  static let deepest = 64
  /// Values that are looked at: a few containers that hold each other many times would otherwise never end.
  static let mostValues = 4_000_000

  /// Every tensor with its dotted name, and every other value as a note.
  ///
  /// - Parameter at: the file, for messages.
  func flattened(
    _ at: String
  ) throws -> (tensors: [(name: String, tensor: PickleTensor)], notes: [WeightFile.Note]) {
    var tensors: [(String, PickleTensor)] = []
    var notes: [WeightFile.Note] = []
    var left = Self.mostValues
    func visit(_ value: PickleValue, _ name: String, _ depth: Int) throws {
      left -= 1
      guard depth < Self.deepest, left > 0 else {
        throw ReproError.data(
          at, "'\(name.prefix(80))' nests deeper, or holds more values, than a file of weights does")
      }
      func child(_ part: String) -> String { name.isEmpty ? part : "\(name).\(part)" }
      func note(_ text: String) { notes.append(WeightFile.Note(name: name, text: text)) }
      switch value {
      case .tensor(let place): tensors.append((name.isEmpty ? "tensor" : name, self.tensors[place]))
      case .dict(let place):
        for item in dicts[place] {
          switch item.key {
          case .text(let key): try visit(item.value, child(key), depth + 1)
          case .int(let key): try visit(item.value, child("\(key)"), depth + 1)
          default: throw ReproError.data(at, "a key below '\(name)' is neither text nor a whole number")
          }
        }
      case .list(let place): for (i, x) in lists[place].enumerated() { try visit(x, child("\(i)"), depth + 1) }
      case .tuple(let place): for (i, x) in tuples[place].enumerated() { try visit(x, child("\(i)"), depth + 1) }
      case .none: note("None")
      case .bool(let x): note("\(x)")
      case .int(let x): note("\(x)")
      case .float(let x): note("\(x)")
      case .text(let x): note(x)
      case .long(let x): note("an integer of \(x.count) bytes")
      case .bytes(let x): note("\(x.count) bytes")
      case .storage: note("a storage")
      case .global: note("a type")
      }
    }
    try visit(top, "", 0)
    return (tensors, notes)
  }
}
