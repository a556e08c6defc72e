import ReproConfig
import ReproTensor
import TestSupport
import Testing

@testable import ReproData

/// Writes the pickles of Planetoid's files as Python 2 did (protocol 2, byte strings).
private enum Pickle {
  static func join(_ parts: [UInt8]...) -> [UInt8] { Array(parts.joined()) }
  static func code(_ letters: String) -> [UInt8] { Array(letters.utf8) }
  static func text(_ value: String) -> [UInt8] { join([0x55, UInt8(value.utf8.count)], code(value)) }
  static func long(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
  static func integer(_ value: Int) -> [UInt8] { value < 0 ? join([0x4A], long(value)) : [0x4B, UInt8(value)] }
  static func integers(_ values: [Int]) -> [UInt8] { Array(values.map(integer).joined()) }
  static func type(_ module: String, _ name: String) -> [UInt8] { code("c\(module)\n\(name)\n") }

  /// An array of i4 or f8.
  static func array(_ kind: String, _ extents: [Int], _ raw: [UInt8]) -> [UInt8] {
    let made = join(
      type("numpy.core.multiarray", "_reconstruct"), type("numpy", "ndarray"), integer(0), [0x85], text("b"),
      [0x87, 0x52])
    let order = join(code("("), integer(3), text("<"), code("NNN"), integers([-1, -1, 0]), code("tb"))
    let dtype = join(type("numpy", "dtype"), text(kind), integers([0, 1]), [0x87, 0x52], order)
    let state = join(code("("), integer(1), code("("), integers(extents), code("t"), dtype, [0x89, 0x54])
    return join(made, state, long(raw.count), raw, code("tb"))
  }

  static func int32(_ values: [Int32]) -> [UInt8] {
    array("i4", [values.count], Array(values.map { long(Int($0)) }.joined()))
  }

  static func doubles(_ values: [Double], _ extents: [Int]) -> [UInt8] {
    let raw = values.map { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
    return array("f8", extents, Array(raw.joined()))
  }

  static func matrix(_ offsets: [Int32], _ columns: [Int32], _ values: [Double], _ shape: [Int]) -> [UInt8] {
    let head = join([0x80, 2], type("scipy.sparse.csr", "csr_matrix"), [0x29, 0x81, 0x7D, 0x71, 0, 0x28])
    let body = join(text("_shape"), integers(shape), [0x86], text("indptr"), int32(offsets))
    let rest = join(text("indices"), int32(columns), text("data"), doubles(values, [values.count]))
    return join(head, body, rest, text("maxprint"), integer(50), code("ub."))
  }

  static func oneHot(_ labels: [Int], _ width: Int) -> [UInt8] {
    var values: [Double] = []
    for label in labels { for k in 0..<width { values.append(k == label ? 1 : 0) } }
    return join([0x80, 2], doubles(values, [labels.count, width]), code("."))
  }

  static func graph(_ lists: [(Int, [Int])]) -> [UInt8] {
    var items: [UInt8] = []
    for (node, others) in lists {
      items += join(integer(node), code("]"))
      items += others.count == 1 ? join(integer(others[0]), code("a")) : join(code("("), integers(others), code("e"))
    }
    let made = join([0x80, 2], type("collections", "defaultdict"), type("__builtin__", "list"), [0x85, 0x52, 0x28])
    return join(made, items, code("u."))
  }
}

@Suite struct PlanetoidFileTests {
  /// Six nodes of `allx`, of which one trains and two validate; test nodes 8 and 6, in this order; 7 is in no list.
  private func write(_ folder: String) throws {
    let files: [(String, [UInt8])] = [
      ("x", Pickle.matrix([0, 1], [0], [1], [1, 3])), ("y", Pickle.oneHot([1], 2)),
      ("allx", Pickle.matrix([0, 1, 2, 2, 3, 4, 5], [0, 1, 2, 0, 1], [1, 0.5, 1, 1, 1], [6, 3])),
      ("ally", Pickle.oneHot([1, 0, 1, 0, 1, 0], 2)),
      ("tx", Pickle.matrix([0, 1, 3], [2, 0, 1], [8, 6, 6], [2, 3])),
      ("ty", Pickle.oneHot([0, 1], 2)),
      ("graph", Pickle.graph([(0, [1, 2, 1]), (1, [0]), (2, [0, 2]), (6, [8]), (8, [6, 3])])),
    ]
    for (ending, bytes) in files { try put("\(folder)/ind.toy.\(ending)", bytes) }
    try put("\(folder)/ind.toy.test.index", text: "8\n6\n")
  }

  @Test("The published pickles are put together as their authors do: test rows by their index, gaps without label")
  func filesArePutTogether() throws {
    try withTemporaryFolder { folder in
      try write(folder)
      let (graph, labels) = try PlanetoidFiles.read(folder: folder, name: "toy", validation: 2)
      #expect(graph.nodes == 9 && labels == [1, 0, 1, 0, 1, 0, 1, -1, 0])
      #expect(graph.train == [0] && graph.validation == [1, 2] && graph.test == [6, 8] && graph.trainLabels == [1])
      #expect(graph.features.dense([6, 7, 8]).values == [6, 6, 0, 0, 0, 0, 0, 0, 8])
      // Each edge once, none to itself.
      #expect(graph.edges == 4 && graph.neighbours == [1, 2, 0, 0, 8, 8, 3, 6])
    }
  }

  @Test("A pickle that names anything else is refused, executed is nothing, and damage is found")
  func otherPicklesAreRefused() throws {
    let evil = Pickle.join([0x80, 2], Pickle.type("os", "system"), Pickle.text("true"), [0x85, 0x52, 0x2E])
    #expect(
      reproError { _ = try PlanetoidPickle(evil, file: "p") }?.description
        == "p at byte 2: the pickle names 'os system', expected arrays and lists alone")
    #expect(
      reproError { _ = try PlanetoidPickle([0x80, 2, 0x85], file: "p") }?.description
        == "p at byte 2: the pickle takes more than it has put")
    #expect(
      reproError { _ = try PlanetoidPickle([0x80, 2, 0x69], file: "p") }?.description
        == "p at byte 2: instruction 105 of a pickle, expected those of arrays and lists")
    // A million tuples, each in the next.
    let deep = Pickle.join([0x80, 2, 0x29], [UInt8](repeating: 0x85, count: 1 << 20), [0x2E])
    #expect(
      reproError { _ = try PlanetoidPickle(deep, file: "p").matrix() }?.found == "the pickle holds no sparse matrix")
    let matrix = Pickle.matrix([0, 1, 2], [0, 1], [1, 0.5], [2, 3])
    #expect(try PlanetoidPickle(matrix, file: "p").matrix().dense([1]).values == [0, 0.5, 0])
    damage(matrix, samples: 800) { _ = try PlanetoidPickle($0, file: "p").matrix() }
    damage(Pickle.oneHot([1, 0], 2), samples: 800) { _ = try PlanetoidPickle($0, file: "p").classes() }
    damage(Pickle.graph([(0, [1, 2]), (1, [0])])) { _ = try PlanetoidPickle($0, file: "p").neighbours() }
  }
}
