import ReproConfig
import ReproTensor

/// A value of a Planetoid file: Python 2 pickles (protocol 2) of numpy arrays, sparse matrices and lists of neighbours.
///
/// Nothing is executed: of all that a pickle can name, four types of numpy and scipy and two of Python's containers are
/// known, and they become the cases below; anything else is refused.
enum PlanetoidValue {
  case nothing
  case bool(Bool)
  case integer(Int)
  case bytes(ArraySlice<UInt8>)
  /// A tuple, a list or another object, by its place among those of the file: nothing nests, so nothing recurses.
  case object(Int)
  case type(String)
}

/// The objects of one pickle.
struct PlanetoidPickle {
  /// What an object holds: attributes or entries, items, or the state of an array.
  struct Object {
    var type: String
    var items: [PlanetoidValue] = []
    var entries: [(key: PlanetoidValue, value: PlanetoidValue)] = []
    var state: PlanetoidValue = .nothing
    /// What it was made of.
    var arguments: [PlanetoidValue] = []
  }

  private(set) var objects: [Object] = []
  private(set) var root: PlanetoidValue = .nothing
  private let file: String

  private static let types: Set<String> = [
    "numpy ndarray", "numpy dtype", "numpy.core.multiarray _reconstruct", "scipy.sparse.csr csr_matrix",
    "collections defaultdict", "__builtin__ list",
  ]

  /// - Throws: `ReproError` with the byte offset of an instruction or type that is not known, or that finds too little
  ///   on the stack; or of the end of the file before the pickle's.
  init(_ bytes: [UInt8], file: String) throws {
    self.file = file
    try bytes.withUnsafeBytes { raw in
      var reader = try ByteReader(raw, file: file)
      try run(&reader, bytes)
    }
  }

  private mutating func run(_ reader: inout ByteReader, _ bytes: [UInt8]) throws {
    var stack: [PlanetoidValue] = []
    var marks: [Int] = []
    var memo: [Int: PlanetoidValue] = [:]
    func line(_ reader: inout ByteReader) throws -> String {
      var text: [UInt8] = []
      while true {
        let byte = try reader.take(1, "a name")[0]
        if byte == 0x0A { return String(decoding: text, as: UTF8.self) }
        text.append(byte)
      }
    }
    while true {
      let at = reader.offset
      func pop() throws -> PlanetoidValue {
        guard let value = stack.popLast(), stack.count >= marks.last ?? 0 else {
          throw reader.error("the pickle takes more than it has put", at: at)
        }
        return value
      }
      func popMark() throws -> [PlanetoidValue] {
        guard let mark = marks.popLast(), mark <= stack.count else { throw reader.error("a mark is missing", at: at) }
        defer { stack.removeLast(stack.count - mark) }
        return Array(stack[mark...])
      }
      func top() throws -> Int {
        guard case .object(let place)? = stack.last else { throw reader.error("an object is missing", at: at) }
        return place
      }
      func bytesOf(_ count: Int) throws -> PlanetoidValue {
        let start = reader.offset
        _ = try reader.take(count, "text")
        return .bytes(bytes[start..<start + count])
      }
      let code = try reader.take(1, "an instruction")[0]
      switch code {
      case 0x80:
        guard try reader.little(1, "the protocol") <= 2 else {
          throw reader.error("a newer pickle", expected: "protocol 2", at: at)
        }
      case UInt8(ascii: "c"):
        let name = "\(try line(&reader)) \(try line(&reader))"
        guard Self.types.contains(name) else {
          throw reader.error("the pickle names '\(clipped(name))'", expected: "arrays and lists alone", at: at)
        }
        stack.append(.type(name))
      case UInt8(ascii: "q"): memo[Int(try reader.little(1, "a place"))] = stack.last ?? .nothing
      case UInt8(ascii: "r"): memo[Int(try reader.little(4, "a place"))] = stack.last ?? .nothing
      case UInt8(ascii: "h"), UInt8(ascii: "j"):
        guard let value = memo[Int(try reader.little(code == UInt8(ascii: "h") ? 1 : 4, "a place"))] else {
          throw reader.error("the pickle asks for what it has not kept", at: at)
        }
        stack.append(value)
      case UInt8(ascii: "("): marks.append(stack.count)
      case UInt8(ascii: ")"): stack.append(make("tuple", items: []))
      case UInt8(ascii: "]"): stack.append(make("list"))
      case UInt8(ascii: "}"): stack.append(make("dict"))
      case UInt8(ascii: "t"): stack.append(make("tuple", items: try popMark()))
      case 0x85...0x87:
        var items: [PlanetoidValue] = []
        for _ in 0..<Int(code) - 0x84 { items.insert(try pop(), at: 0) }
        stack.append(make("tuple", items: items))
      case UInt8(ascii: "K"): stack.append(.integer(Int(try reader.little(1, "a number"))))
      case UInt8(ascii: "M"): stack.append(.integer(Int(try reader.little(2, "a number"))))
      case UInt8(ascii: "J"):
        stack.append(.integer(Int(Int32(truncatingIfNeeded: try reader.little(4, "a number")))))
      case UInt8(ascii: "U"): stack.append(try bytesOf(Int(try reader.little(1, "a length"))))
      case UInt8(ascii: "T"): stack.append(try bytesOf(Int(try reader.little(4, "a length"))))
      case UInt8(ascii: "N"): stack.append(.nothing)
      case 0x88: stack.append(.bool(true))
      case 0x89: stack.append(.bool(false))
      case UInt8(ascii: "R"), 0x81:
        let arguments = try pop()
        guard let items = tuple(arguments), case .type(let name) = try pop() else {
          throw reader.error("an object of no type", at: at)
        }
        stack.append(make(name, arguments: items))
      case UInt8(ascii: "b"):
        let state = try pop()
        objects[try top()].state = state
      case UInt8(ascii: "a"):
        let item = try pop()
        objects[try top()].items.append(item)
      case UInt8(ascii: "e"):
        let items = try popMark()
        objects[try top()].items += items
      case UInt8(ascii: "s"):
        let value = try pop()
        let key = try pop()
        objects[try top()].entries.append((key, value))
      case UInt8(ascii: "u"):
        let items = try popMark()
        guard items.count % 2 == 0 else { throw reader.error("a key without a value", at: at) }
        let place = try top()
        for k in stride(from: 0, to: items.count, by: 2) { objects[place].entries.append((items[k], items[k + 1])) }
      case UInt8(ascii: "."):
        root = try pop()
        return
      default: throw reader.error("instruction \(code) of a pickle", expected: "those of arrays and lists", at: at)
      }
    }
  }

  private mutating func make(
    _ type: String, items: [PlanetoidValue] = [], arguments: [PlanetoidValue] = []
  ) -> PlanetoidValue {
    objects.append(Object(type: type, items: items, arguments: arguments))
    return .object(objects.count - 1)
  }

  /// The items of a tuple; nil for anything else.
  private func tuple(_ value: PlanetoidValue) -> [PlanetoidValue]? {
    guard case .object(let place) = value, objects[place].type == "tuple" else { return nil }
    return objects[place].items
  }

  private func wrong(_ what: String) -> ReproError { ReproError.data(file, "the pickle holds no \(what)") }

  private func object(_ value: PlanetoidValue, _ what: String) throws -> Object {
    guard case .object(let place) = value else { throw wrong(what) }
    return objects[place]
  }

  /// An array: its extents and its numbers.
  func array(_ value: PlanetoidValue) throws -> (extents: [Int], values: [Double]) {
    let array = try object(value, "array")
    // (version, shape, dtype, is Fortran, bytes)
    guard array.type == "numpy.core.multiarray _reconstruct", let state = tuple(array.state),
      state.count == 5, let shape = tuple(state[1]), case .bool(false) = state[3], case .bytes(let bytes) = state[4]
    else { throw wrong("array in C order") }
    let extents = shape.map { if case .integer(let extent) = $0 { extent } else { -1 } }
    let dtype = try object(state[2], "type of numbers")
    guard case .bytes(let name)? = dtype.arguments.first, let count = checkedCount(extents) else {
      throw wrong("array of a known type")
    }
    let kind = String(decoding: name, as: UTF8.self)
    guard let size = ["i4": 4, "i8": 8, "f4": 4, "f8": 8][kind], count == bytes.count / size, bytes.count % size == 0
    else {
      throw ReproError.data(file, "\(bytes.count) bytes of '\(clipped(kind))' \(extents)", expected: "i4, i8, f4 or f8")
    }
    let values = bytes.withUnsafeBytes { raw in
      (0..<count).map { i -> Double in
        switch kind {
        case "i4": Double(raw.loadUnaligned(fromByteOffset: 4 * i, as: Int32.self))
        case "i8": Double(raw.loadUnaligned(fromByteOffset: 8 * i, as: Int64.self))
        case "f4": Double(raw.loadUnaligned(fromByteOffset: 4 * i, as: Float.self))
        default: raw.loadUnaligned(fromByteOffset: 8 * i, as: Double.self)
        }
      }
    }
    return (extents, values)
  }

  /// The sparse matrix of the file, by rows.
  func matrix() throws -> SparseRows {
    let matrix = try object(root, "sparse matrix")
    guard matrix.type == "scipy.sparse.csr csr_matrix" else { throw wrong("sparse matrix") }
    let state = try object(matrix.state, "sparse matrix")
    func attribute(_ name: String) throws -> PlanetoidValue {
      for entry in state.entries {
        if case .bytes(let key) = entry.key, key.elementsEqual(name.utf8) { return entry.value }
      }
      throw wrong("'\(name)' of a sparse matrix")
    }
    guard let shape = tuple(try attribute("_shape")), shape.count == 2, case .integer(let rows) = shape[0],
      case .integer(let width) = shape[1], rows >= 0, width >= 0
    else { throw wrong("shape of a sparse matrix") }
    func integers(_ name: String) throws -> [Int] {
      try array(attribute(name)).values.map { Int(exactly: $0) ?? -1 }
    }
    let result = SparseRows(
      offsets: try integers("indptr"), columns: try integers("indices"),
      values: try array(attribute("data")).values.map { Float($0) }, width: width)
    guard result.offsets.count == rows + 1 else { throw wrong("offset of each of \(rows) rows") }
    try result.check(file)
    return result
  }

  /// The classes of one-hot rows; -1 for a row of zeros.
  func classes() throws -> (labels: [Int], count: Int) {
    let (extents, values) = try array(root)
    guard extents.count == 2, extents[1] > 0 else { throw wrong("one-hot rows") }
    let width = extents[1]
    return ((0..<extents[0]).map { i in (0..<width).first { values[i * width + $0] == 1 } ?? -1 }, width)
  }

  /// The neighbours of each node, as the file lists them.
  func neighbours() throws -> [(node: Int, neighbours: [Int])] {
    let graph = try object(root, "graph")
    guard graph.type == "collections defaultdict" else { throw wrong("graph") }
    return try graph.entries.map { entry in
      guard case .integer(let node) = entry.key else { throw wrong("node number") }
      return (
        node,
        try object(entry.value, "list of neighbours").items.map {
          guard case .integer(let other) = $0 else { throw wrong("node number") }
          return other
        }
      )
    }
  }
}
