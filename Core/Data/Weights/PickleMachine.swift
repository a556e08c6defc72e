import ReproConfig

/// Interprets a pickle of weights: opcodes of protocols 0 to 5 that make numbers, text, containers and tensors.
///
/// Python's own machine calls what the pickle names; this one has no such instruction. A name that is not in
/// `PickleGlobal` ends the reading with an error that says which and where. Memory is limited by a budget that every
/// value is charged to.
/// - Source: the opcodes as documented in CPython's `pickletools`.
struct PickleMachine {
  private var reader: ByteReader
  private let records: Bool
  private var stack: [PickleValue] = []
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]
  private var contents = PickleContents(top: .none, lists: [], tuples: [], dicts: [], storages: [], tensors: [])
  private var budget: Int
  /// What all tensors together may claim, bytes.
  private var claims: Int
  private let limit: Int
  private var highest = 0
  /// Where the opcode stands that is being carried out.
  private var at = 0

  /// - Parameters:
  ///   - reader: stands at the first opcode.
  ///   - fileSize: bytes of the whole file, storages included.
  ///   - records: whether classes of a TorchScript archive are read as objects with attributes.
  private init(_ reader: ByteReader, fileSize: Int, records: Bool) {
    self.reader = reader
    self.records = records
    limit = 8 * fileSize + 64 << 20
    budget = limit
    claims = limit
  }

  /// Reads one pickle and leaves the reader behind its last opcode.
  ///
  /// - Throws: `ReproError` with the byte of the opcode that is damaged, unknown, or names what is not read.
  static func read(_ reader: inout ByteReader, fileSize: Int, records: Bool = false) throws -> PickleContents {
    var machine = PickleMachine(reader, fileSize: fileSize, records: records)
    machine.contents.top = try machine.run()
    reader = machine.reader
    return machine.contents
  }

  private func error(_ found: String, expected: String? = nil) -> ReproError {
    reader.error(found, expected: expected, at: at)
  }

  private mutating func charge(_ bytes: Int) throws {
    budget -= bytes
    if budget < 0 { throw error("the pickle asks for more than \(limit) bytes of memory") }
  }

  // MARK: stack

  private mutating func push(_ value: PickleValue) throws {
    stack.append(value)
    if stack.count > highest {
      highest = stack.count
      try charge(2 * MemoryLayout<PickleValue>.stride)
    }
  }

  private mutating func pop() throws -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.popLast() else {
      throw error("the pickle takes a value from an empty stack")
    }
    return value
  }

  private func peek() throws -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.last else {
      throw error("the pickle looks at an empty stack")
    }
    return value
  }

  private mutating func popToMark() throws -> [PickleValue] {
    guard let mark = marks.popLast() else { throw error("the pickle has no mark here") }
    let items = Array(stack[mark...])
    stack.removeLast(items.count)
    return items
  }

  private mutating func chargeItems(_ count: Int) throws {
    try charge(64 + 2 * count * MemoryLayout<PickleValue>.stride)
  }

  private mutating func tuple(_ items: [PickleValue]) throws -> PickleValue {
    try chargeItems(items.count)
    contents.tuples.append(items)
    return .tuple(contents.tuples.count - 1)
  }

  private mutating func list(_ items: [PickleValue]) throws -> PickleValue {
    try chargeItems(items.count)
    contents.lists.append(items)
    return .list(contents.lists.count - 1)
  }

  private mutating func dict(_ items: [PickleValue]) throws -> PickleValue {
    try chargeItems(0)
    contents.dicts.append([])
    let place = contents.dicts.count - 1
    try set(items, in: place)
    return .dict(place)
  }

  /// Adds keys and values in turn.
  private mutating func set(_ items: [PickleValue], in place: Int) throws {
    guard items.count % 2 == 0 else { throw error("a key without a value") }
    try chargeItems(items.count)
    for i in stride(from: 0, to: items.count, by: 2) {
      contents.dicts[place].append(PickleContents.Item(key: items[i], value: items[i + 1]))
    }
  }

  // MARK: opcodes

  private mutating func run() throws -> PickleValue {
    while true {
      at = reader.offset
      let opcode = UInt8(try reader.little(1, "the pickle"))
      if opcode == UInt8(ascii: ".") {
        let result = try pop()
        guard stack.isEmpty, marks.isEmpty else { throw error("\(stack.count) values are left when the pickle stops") }
        return result
      }
      if try scalar(opcode) { continue }
      if try container(opcode) { continue }
      if try memory(opcode) { continue }
      try object(opcode)
    }
  }

  private mutating func signed(_ bytes: Int) throws -> Int {
    let value = try reader.little(bytes, "a number")
    let shift = UInt64(64 - 8 * bytes)
    return Int(Int64(bitPattern: value << shift) >> Int64(shift))
  }

  private mutating func count(_ bytes: Int) throws -> Int {
    let value = try reader.little(bytes, "a length")
    guard value <= UInt64(reader.remaining) else {
      throw error("a value claims \(value) bytes", expected: "at most \(reader.remaining)")
    }
    return Int(value)
  }

  private mutating func text(_ length: Int) throws -> PickleValue {
    try charge(32 + 3 * length)
    return .text(String(decoding: try reader.take(length, "a text"), as: UTF8.self))
  }

  private mutating func bytes(_ length: Int) throws -> PickleValue {
    try charge(32 + length)
    return .bytes(Array(try reader.take(length, "bytes")))
  }

  private mutating func long(_ length: Int) throws -> PickleValue {
    let raw = Array(try reader.take(length, "an integer"))
    if length > 8 {
      try charge(32 + length)
      return .long(raw)
    }
    var value: UInt64 = 0
    for byte in raw.reversed() { value = value << 8 | UInt64(byte) }
    if length < 8, let top = raw.last, top >= 0x80 { value |= ~0 << UInt64(8 * length) }
    return .int(Int(Int64(bitPattern: value)))
  }

  /// The rest of a line, for the opcodes of protocol 0.
  private mutating func line() throws -> String {
    var rest = reader
    var length = 0
    while try rest.little(1, "the end of a line") != 10 {
      length += 1
      guard length <= 1 << 16 else { throw error("a line without end") }
    }
    let text = String(decoding: try reader.take(length, "a line"), as: UTF8.self)
    _ = try reader.take(1, "the end of a line")
    return text
  }

  /// Numbers, text, bytes, and what has no effect.
  private mutating func scalar(_ opcode: UInt8) throws -> Bool {
    switch opcode {
    case 0x80:  // PROTO
      let version = try reader.little(1, "the protocol")
      guard version <= 5 else { throw error("pickle protocol \(version)", expected: "0 to 5") }
    case 0x95: _ = try reader.take(8, "a frame's length")  // FRAME: where buffers end is no matter here
    case UInt8(ascii: "N"): try push(.none)
    case 0x88: try push(.bool(true))
    case 0x89: try push(.bool(false))
    case UInt8(ascii: "J"): try push(.int(try signed(4)))
    case UInt8(ascii: "K"): try push(.int(Int(try reader.little(1, "a number"))))
    case UInt8(ascii: "M"): try push(.int(Int(try reader.little(2, "a number"))))
    case 0x8A: try push(try long(try count(1)))
    case 0x8B: try push(try long(try count(4)))
    case UInt8(ascii: "G"): try push(.float(Double(bitPattern: try reader.big(8, "a number"))))
    case UInt8(ascii: "X"), UInt8(ascii: "T"): try push(try text(try count(4)))
    case UInt8(ascii: "U"), 0x8C: try push(try text(try count(1)))
    case 0x8D: try push(try text(try count(8)))
    case UInt8(ascii: "C"): try push(try bytes(try count(1)))
    case UInt8(ascii: "B"): try push(try bytes(try count(4)))
    case 0x8E, 0x96: try push(try bytes(try count(8)))
    case UInt8(ascii: "I"), UInt8(ascii: "L"):
      let word = try line()
      if opcode == UInt8(ascii: "I"), word == "00" || word == "01" {
        try push(.bool(word == "01"))
      } else {
        guard let value = Int(word.hasSuffix("L") ? String(word.dropLast()) : word) else {
          throw error("'\(clipped(word))' is no whole number")
        }
        try push(.int(value))
      }
    case UInt8(ascii: "F"):
      let word = try line()
      guard let value = Double(word) else { throw error("'\(clipped(word))' is no number") }
      try push(.float(value))
    case UInt8(ascii: "V"):
      let word = try line()
      try charge(32 + 3 * word.utf8.count)
      try push(.text(word))
    default: return false
    }
    return true
  }

  private mutating func container(_ opcode: UInt8) throws -> Bool {
    switch opcode {
    case UInt8(ascii: "("):
      try charge(16)
      marks.append(stack.count)
    case UInt8(ascii: "0"):
      if stack.count == marks.last { marks.removeLast() } else { _ = try pop() }
    case UInt8(ascii: "1"): _ = try popToMark()
    case UInt8(ascii: "2"): try push(try peek())
    case UInt8(ascii: ")"): try push(try tuple([]))
    case UInt8(ascii: "t"): try push(try tuple(try popToMark()))
    case 0x85, 0x86, 0x87:
      var items: [PickleValue] = []
      for _ in 0..<(Int(opcode) - 0x84) { items.append(try pop()) }
      try push(try tuple(items.reversed()))
    case UInt8(ascii: "]"): try push(try list([]))
    case UInt8(ascii: "l"): try push(try list(try popToMark()))
    case UInt8(ascii: "a"): try append([try pop()])
    case UInt8(ascii: "e"): try append(try popToMark())
    case UInt8(ascii: "}"): try push(try dict([]))
    case UInt8(ascii: "d"): try push(try dict(try popToMark()))
    case UInt8(ascii: "s"):
      let (value, key) = (try pop(), try pop())
      try setOnTop([key, value])
    case UInt8(ascii: "u"): try setOnTop(try popToMark())
    default: return false
    }
    return true
  }

  private mutating func append(_ items: [PickleValue]) throws {
    guard case .list(let place) = try peek() else { throw error("the pickle appends to what is no list") }
    try chargeItems(items.count)
    contents.lists[place] += items
  }

  private mutating func setOnTop(_ items: [PickleValue]) throws {
    guard case .dict(let place) = try peek() else { throw error("the pickle sets items of what is no dict") }
    try set(items, in: place)
  }

  private mutating func memory(_ opcode: UInt8) throws -> Bool {
    func number(_ word: String) throws -> Int {
      guard let value = Int(word), value >= 0 else { throw error("'\(clipped(word))' is no place of the memo") }
      return value
    }
    switch opcode {
    case UInt8(ascii: "p"): try store(try number(try line()))
    case UInt8(ascii: "q"): try store(Int(try reader.little(1, "a place of the memo")))
    case UInt8(ascii: "r"): try store(Int(try reader.little(4, "a place of the memo")))
    case 0x94: try store(memo.count)
    case UInt8(ascii: "g"): try recall(try number(try line()))
    case UInt8(ascii: "h"): try recall(Int(try reader.little(1, "a place of the memo")))
    case UInt8(ascii: "j"): try recall(Int(try reader.little(4, "a place of the memo")))
    default: return false
    }
    return true
  }

  private mutating func store(_ place: Int) throws {
    if memo[place] == nil { try charge(128) }
    memo[place] = try peek()
  }

  private mutating func recall(_ place: Int) throws {
    guard let value = memo[place] else { throw error("the memo has nothing at \(place)") }
    try push(value)
  }

  // MARK: objects

  private mutating func object(_ opcode: UInt8) throws {
    switch opcode {
    case UInt8(ascii: "c"):
      let (module, name) = (try line(), try line())
      try push(.global(try global(module, name)))
    case 0x93:
      let (name, module) = (try pop(), try pop())
      guard case .text(let name) = name, case .text(let module) = module else {
        throw error("the pickle names something by what is no text")
      }
      try push(.global(try global(module, name)))
    case UInt8(ascii: "i"): _ = try global(try line(), try line())
    case UInt8(ascii: "Q"): try push(try storage(try pop()))
    case UInt8(ascii: "R"), 0x81:
      let (arguments, callable) = (try pop(), try pop())
      guard case .global(let global) = callable, case .tuple(let place) = arguments else {
        throw error("the pickle calls what is no name", expected: "a name and a tuple")
      }
      try push(try build(global, contents.tuples[place]))
    case UInt8(ascii: "b"): try setState()
    default:
      throw error(
        "the pickle has the opcode \(opcode), which is not read",
        expected: "numbers, text, containers and tensors only")
    }
  }

  private func global(_ module: String, _ name: String) throws -> PickleGlobal {
    if let known = PickleGlobal.named(module, name, records: records) { return known }
    throw error(
      "the pickle names '\(clipped(module)).\(clipped(name))', which is not read (nothing was executed)",
      expected: "numbers, text, containers and tensors only")
  }

  /// BUILD: attributes of a TorchScript object become its items; those of a dict (`_metadata`) are passed over.
  private mutating func setState() throws {
    let state = try pop()
    guard case .dict(let place) = try peek() else { throw error("the pickle gives attributes to what has none") }
    if records, case .dict(let attributes) = state {
      try chargeItems(2 * contents.dicts[attributes].count)
      contents.dicts[place] += contents.dicts[attributes]
    }
  }

  private mutating func build(_ global: PickleGlobal, _ arguments: [PickleValue]) throws -> PickleValue {
    switch global {
    case .orderedDict: return try orderedDict(arguments)
    case .record:
      guard arguments.isEmpty else { throw error("an object is made with arguments") }
      return try dict([])
    case .passedThrough, .rebuildParameter, .size:
      guard let first = arguments.first else { throw error("a value is made of nothing") }
      return first
    case .device:
      guard case .text(let name)? = arguments.first else { throw error("a device without a name") }
      return .text(name)
    case .rebuildTensor, .rebuildTensorV2, .rebuildTensorV3: return try tensor(global, arguments)
    case .type, .storage: throw error("the pickle calls a type of numbers")
    }
  }

  private mutating func orderedDict(_ arguments: [PickleValue]) throws -> PickleValue {
    guard let first = arguments.first else { return try dict([]) }
    guard arguments.count == 1, case .list(let place) = first else {
      throw error("an OrderedDict is made of what is no list")
    }
    var items: [PickleValue] = []
    for pair in contents.lists[place] {
      let two: [PickleValue] =
        switch pair {
        case .tuple(let p): contents.tuples[p]
        case .list(let p): contents.lists[p]
        default: []
        }
      guard two.count == 2 else { throw error("an OrderedDict is made of what are no pairs") }
      items += two
    }
    return try dict(items)
  }

  /// A persistent id: `("storage", type, key, location, count[, (view key, offset, count)])`.
  private mutating func storage(_ id: PickleValue) throws -> PickleValue {
    guard case .tuple(let place) = id else { throw error("a reference to what is no storage") }
    let parts = contents.tuples[place]
    guard parts.count >= 5, parts[0] == .text("storage"), case .global(.storage(let element)) = parts[1],
      case .text(let key) = parts[2], case .int(let count) = parts[4], count >= 0
    else { throw error("a reference to what is no storage") }
    guard !count.multipliedReportingOverflow(by: element?.size ?? 1).overflow else {
      throw error("a storage claims \(count) elements")
    }
    var storage = PickleStorage(key: key, element: element, count: count)
    if parts.count > 5, parts[5] != .none {
      guard case .tuple(let place) = parts[5], contents.tuples[place].count == 3,
        case .int(let start) = contents.tuples[place][1], case .int(let size) = contents.tuples[place][2], start >= 0,
        size >= 0, start <= count, size <= count - start
      else { throw error("a part of a storage that is not inside of it") }
      (storage.start, storage.count) = (start, size)
    }
    try charge(96 + key.utf8.count)
    contents.storages.append(storage)
    return .storage(contents.storages.count - 1)
  }

  private func integers(_ value: PickleValue, _ what: String) throws -> [Int] {
    let items: [PickleValue]
    switch value {
    case .tuple(let place): items = contents.tuples[place]
    case .list(let place): items = contents.lists[place]
    default: throw error("the \(what) of a tensor is no tuple")
    }
    return try items.map { item in
      guard case .int(let number) = item, number >= 0 else {
        throw error("the \(what) of a tensor holds what is no whole number from 0 on")
      }
      return number
    }
  }

  private mutating func tensor(_ global: PickleGlobal, _ arguments: [PickleValue]) throws -> PickleValue {
    guard arguments.count >= 4, case .storage(let place) = arguments[0], case .int(let offset) = arguments[1],
      offset >= 0
    else { throw error("a tensor is made of what is no storage with an offset") }
    let storage = contents.storages[place]
    var element = storage.element
    if global == .rebuildTensorV3, arguments.count >= 7, case .global(.type(let type)) = arguments[6] {
      element = type
    }
    guard let element else { throw error("a tensor without a type of numbers") }
    let extents = try integers(arguments[2], "shape")
    let strides = try integers(arguments[3], "strides")
    guard extents.count == strides.count else {
      throw error("a tensor of \(extents.count) axes has \(strides.count) strides")
    }
    guard let count = checkedCount(extents), !count.multipliedReportingOverflow(by: element.size).overflow else {
      throw error("a tensor claims the shape \(extents)")
    }
    var last = offset
    if count > 0 {
      for (extent, step) in zip(extents, strides) {
        let (way, overflow) = (extent - 1).multipliedReportingOverflow(by: step)
        let (sum, carry) = last.addingReportingOverflow(way)
        guard !overflow, !carry else { throw error("a tensor reaches beyond any storage") }
        last = sum
      }
      guard last < storage.byteCount / element.size else {
        throw error(
          "a tensor \(extents) with strides \(strides) reaches element \(last) of a storage",
          expected: "less than \(storage.byteCount / element.size)")
      }
    }
    claims -= count * element.size
    guard claims >= 0 else { throw error("the tensors claim more than \(limit) bytes") }
    try charge(160)
    contents.tensors.append(
      PickleTensor(storage: place, element: element, offset: offset, extents: extents, strides: strides))
    return .tensor(contents.tensors.count - 1)
  }
}
