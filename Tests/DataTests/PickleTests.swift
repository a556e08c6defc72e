import ReproConfig
import TestSupport
import Testing

@testable import ReproData

@Suite("Pickles of weights") struct PickleTests {
  private func read(_ bytes: [UInt8], fileSize: Int? = nil, records: Bool = false) throws -> PickleContents {
    try bytes.withUnsafeBytes { raw in
      var reader = try ByteReader(raw, file: "a.pth")
      return try PickleMachine.read(&reader, fileSize: fileSize ?? bytes.count, records: records)
    }
  }

  private func message(_ bytes: [UInt8], fileSize: Int? = nil) -> String {
    do {
      _ = try read(bytes, fileSize: fileSize)
      return "none"
    } catch { return "\(error)" }
  }

  private func text(_ word: String) -> [UInt8] { [0x8C, UInt8(word.utf8.count)] + Array(word.utf8) }

  private func global(_ module: String, _ name: String) -> [UInt8] {
    [UInt8(ascii: "c")] + Array("\(module)\n\(name)\n".utf8)
  }

  @Test func aNamedCommandIsRefusedAndNothingRuns() {
    // What pickle.dumps makes of an object whose __reduce__ is os.system("true"), in protocols 0 and 4.
    let old = global("os", "system") + Array("(S'true'\ntR.".utf8)
    #expect(
      message(old)
        == "a.pth at byte 0: the pickle names 'os.system', which is not read (nothing was executed), expected numbers, "
        + "text, containers and tensors only")
    let new = [0x80, 4] + text("posix") + text("system") + [0x93] + text("true") + [0x85, 0x52, 0x2E]
    #expect(message(new).hasPrefix("a.pth at byte 17: the pickle names 'posix.system'"))
    for (module, name) in [
      ("builtins", "eval"), ("__builtin__", "exec"), ("subprocess", "Popen"), ("torch", "load"),
      ("torch.storage", "_load_from_bytes"), ("collections", "defaultdict"), ("__torch__", "Anything"),
      ("numpy.core.multiarray", "_reconstruct"), ("torch._utils", "_rebuild_qtensor"), ("torch", "ComplexFloatStorage"),
    ] {
      #expect(message(global(module, name) + [0x2E]).contains("names '\(module).\(name)'"), "\(module).\(name)")
    }
    // The opcodes that make objects of classes, and registered extensions.
    #expect(message(Array("(ios\nsystem\n.".utf8)).contains("'os.system'"))
    for opcode: UInt8 in [0x82, 0x83, 0x84, UInt8(ascii: "o"), 0x92, 0x97, 0x98, 0x8F, UInt8(ascii: "P"), 0xFF] {
      #expect(message([0x4E, opcode, 0, 0, 0, 0, 0x2E]).contains("the pickle has the opcode \(opcode)"))
    }
  }

  @Test func numbersAndContainersOfAllProtocolsAreRead() throws {
    func value(_ bytes: [UInt8]) throws -> PickleValue { try read(bytes + [0x2E]).top }
    #expect(try value(Array("I42\n".utf8)) == .int(42))
    #expect(try value(Array("I01\n".utf8)) == .bool(true))
    #expect(try value(Array("L-7L\n".utf8)) == .int(-7))
    #expect(try value(Array("F2.5\n".utf8)) == .float(2.5))
    #expect(try value(Array("Vword\n".utf8)) == .text("word"))
    #expect(try value([UInt8(ascii: "J"), 0xFE, 0xFF, 0xFF, 0xFF]) == .int(-2))
    #expect(try value([0x8A, 1, 0x80]) == .int(-128))
    #expect(try value([0x8A, 2, 0x80, 0]) == .int(128))
    #expect(try value([0x8A, 0]) == .int(0))
    #expect(try value([UInt8(ascii: "G"), 0x3F, 0xF8, 0, 0, 0, 0, 0, 0]) == .float(1.5))
    let contents = try read([0x80, 4, 0x95, 0, 0, 0, 0, 0, 0, 0, 0, 0x5D, 0x94, 0x28, 0x4B, 1, 0x68, 0, 0x65, 0x2E])
    // A list that holds itself: read, and refused as weights.
    #expect(contents.lists == [[.int(1), .list(0)]])
    #expect(reproError { _ = try contents.flattened("a.pth") }?.found.contains("nests deeper") == true)
  }

  @Test func brokenPicklesAreRefused() {
    for (bytes, words) in [
      ([0x2E], "takes a value from an empty stack"), ([0x4E, 0x4E, 0x2E], "1 values are left"),
      ([0x80, 6, 0x4E, 0x2E], "pickle protocol 6"), ([0x68, 3, 0x2E], "the memo has nothing at 3"),
      ([0x71, 0], "looks at an empty stack"), ([0x4E, 0x74, 0x2E], "no mark here"), ([0x4E, 0x4E, 0x61], "no list"),
      ([0x4E, 0x4E, 0x4E, 0x73], "no dict"), ([0x7D, 0x28, 0x4E, 0x75], "a key without a value"),
      ([0x4E, 0x51], "a reference to what is no storage"), ([0x4E, 0x29, 0x52], "calls what is no name"),
      ([0x28, 0x4E, 0x30, 0x30, 0x30], "empty stack"),
      ([0x58, 0xFF, 0xFF, 0xFF, 0x7F, 0x41], "claims 2147483647 bytes"),
      ([0x8E, 0, 0, 0, 0, 0, 0, 0, 0x40], "a value claims 4611686018427387904 bytes"), ([0x4E], "the file ends"),
      ([0x58, 0xFF], "the file ends"),
    ] as [([UInt8], String)] {
      #expect(message(bytes).contains(words), "\(bytes): \(message(bytes))")
    }
  }

  @Test func memoryIsLimited() {
    // Each byte makes an empty tuple and keeps it on the stack.
    let many = [UInt8](repeating: 0x29, count: 3 << 20)
    #expect(message(many).contains("asks for more than \(8 * many.count + 64 << 20) bytes of memory"))
    let lists = [UInt8](repeating: 0x5D, count: 3 << 20)
    #expect(message(lists).contains("bytes of memory"))
    // Nesting needs no stack of ours: a million tuples, each inside of the next.
    let deep = [0x29] + [UInt8](repeating: 0x85, count: 500_000) + [0x2E]
    #expect(message(deep) == "none")
    #expect(throws: ReproError.self) { _ = try read(deep).flattened("a") }
    // A list of ten lists of ten lists ...: small to say, without end to look through.
    var bomb: [UInt8] = [0x5D, 0x94]
    for level in 0..<9 {
      bomb += [0x5D, 0x94, 0x28] + (0..<10).flatMap { _ in [0x68, UInt8(level)] } + [0x65]
    }
    bomb += [0x68, 9, 0x85]
    let whole = [UInt8](repeating: 0x28, count: 1) + bomb + [0x74, 0x2E]
    #expect(throws: ReproError.self) { _ = try read(whole).flattened("a") }
  }

  /// torch._utils._rebuild_tensor_v2(storage of `count` floats, offset, extents, strides)
  private func tensor(count: Int32, offset: Int32, _ extents: [Int32], _ strides: [Int32]) -> [UInt8] {
    func int(_ value: Int32) -> [UInt8] {
      [UInt8(ascii: "J")] + (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    var bytes = global("torch._utils", "_rebuild_tensor_v2") + [0x28, 0x28] + text("storage")
    bytes += global("torch", "FloatStorage") + text("0") + text("cpu") + int(count) + [0x74, 0x51] + int(offset)
    bytes +=
      [0x28] + extents.flatMap(int) + [0x74, 0x28] + strides.flatMap(int) + [0x74, 0x89, 0x4E, 0x74, 0x52, 0x2E]
    return bytes
  }

  @Test func tensorsStayInsideOfTheirStorage() throws {
    #expect(message(tensor(count: 6, offset: 0, [2, 3], [3, 1])) == "none")
    #expect(
      message(tensor(count: 6, offset: 1, [2, 3], [3, 1]))
        .contains("a tensor [2, 3] with strides [3, 1] reaches element 6 of a storage, expected less than 6"))
    #expect(message(tensor(count: 6, offset: -1, [2], [1])).contains("no storage with an offset"))
    #expect(message(tensor(count: 6, offset: 0, [-2], [1])).contains("no whole number from 0 on"))
    #expect(message(tensor(count: 6, offset: 0, [2], [-1])).contains("no whole number from 0 on"))
    #expect(message(tensor(count: 6, offset: 0, [2], [1, 1])).contains("1 axes has 2 strides"))
    #expect(message(tensor(count: -6, offset: 0, [2], [1])).contains("no storage"))
    #expect(message(tensor(count: 1, offset: 0, [.max, .max, .max], [0, 0, 0])).contains("claims the shape"))
    #expect(message(tensor(count: 1, offset: 0, [.max], [0])).contains("the tensors claim more than"))
    #expect(message(tensor(count: 1, offset: 0, [.max, 2], [.max, .max])).contains("reaches element"))
    #expect(message(tensor(count: 0, offset: 0, [0, .max], [1, 1])) == "none")
  }

  @Test func damageIsRefusedOrReadAsOtherValues() {
    let good = tensor(count: 6, offset: 1, [2, 2], [3, 1])
    let refused = damage(good, samples: 1 << 20) { _ = try read($0) }
    #expect(refused.cuts == good.count && refused.flips > 4 * good.count)
  }
}
