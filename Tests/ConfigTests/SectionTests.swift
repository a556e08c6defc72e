import ReproConfig
import Testing

/// Reads a section as a plugin would, and returns the message of its failure.
private func reading(
  _ text: String, _ body: (inout Section) throws(ReproError) -> Void
) -> String? {
  failure { () throws(ReproError) in
    var section = try Section(yaml(text), name: "method")
    try body(&section)
    try section.finish()
  }
}

@Suite struct SectionTests {
  @Test func valuesArriveTypedAndDefaultsFillGaps() throws {
    let text = "{i: 3, d: 1e-3, whole: 2, b: true, s: 07, c: adam, n: [1, 2.5], k: [3, 4], t: [a, b], in: {x: 1}}"
    var section = try Section(yaml(text), name: "method")
    #expect(try section.int("i", in: 0...10) == 3)
    #expect(try section.int("j", in: 0...10, default: 7) == 7)
    #expect(try section.double("d", in: 0...1) == 0.001)
    #expect(try section.double("whole", in: 0...2) == 2)
    #expect(try section.bool("b"))
    #expect(try section.string("s") == "07")
    #expect(try section.choice("c", ["sgd", "adam"]) == "adam")
    #expect(try section.doubles("n", count: 2, in: 0...3) == [1, 2.5])
    #expect(try section.ints("k", in: 0...9) == [3, 4])
    #expect(try section.strings("t") == ["a", "b"])
    #expect(try section.section("in") { inner throws(ReproError) in try inner.int("x", in: 0...1) } == 1)
    #expect(try section.section("out") { inner throws(ReproError) in try inner.int("x", in: 0...1) } == nil)
    #expect(try section.sections("none") { inner throws(ReproError) in try inner.int("x", in: 0...1) } == [])
    #expect(try section.ifPresent("z") { node, name throws(ReproError) in try node.string(named: name) } == nil)
    try section.finish()
  }

  @Test func aMistypedKeyIsNamedWithItsPlaceAndTheNearestKey() {
    let message = reading("type: x\ntemprature: 0.1\n") { section throws(ReproError) in
      _ = try section.string("type")
      _ = try section.double("temperature", in: 0.01...10, default: 0.5)
    }
    #expect(message == "r.yaml:2:1: unknown key 'temprature' in method; did you mean 'temperature'?")
  }

  @Test func anUnknownKeyWithoutANeighbourListsTheKnownOnes() {
    let message = reading("{zzzzzz: 1}") { section throws(ReproError) in
      _ = try section.int("patch", in: 1...9, default: 1)
      _ = try section.int("depth", in: 1...9, default: 1)
    }
    #expect(message == "r.yaml:1:2: unknown key 'zzzzzz' in method; known keys are depth, patch")
    #expect(reading("{a: 1}") { _ in } == "r.yaml:1:2: unknown key 'a' in method; no keys are known here")
  }

  @Test func nestedSectionsAndListsSpellTheirPath() {
    let message = reading("weights: {dnio: 1}\n") { section throws(ReproError) in
      _ = try section.section("weights") { inner throws(ReproError) in try inner.double("dino", in: 0...1, default: 0) }
    }
    #expect(message == "r.yaml:1:11: unknown key 'dnio' in method.weights; did you mean 'dino'?")
    let inList = reading("layers: [{w: 1}, {w: 2, v: 3}]\n") { section throws(ReproError) in
      _ = try section.sections("layers") { inner throws(ReproError) in try inner.int("w", in: 0...9) }
    }
    #expect(inList == "r.yaml:1:25: unknown key 'v' in method.layers[1]; did you mean 'w'?")
  }

  @Test func aMissingKeyIsNamedAndItsMisspellingFound() {
    let missing = reading("{a: 1}") { section throws(ReproError) in _ = try section.int("width", in: 1...9) }
    #expect(missing == "r.yaml:1:1: method has no 'width'; add 'width: ...'")
    let slip = reading("a: 1\nwidht: 3\n") { section throws(ReproError) in _ = try section.int("width", in: 1...9) }
    #expect(slip == "r.yaml:1:1: method has no 'width'; did you mean it by 'widht' in line 2?")
  }

  @Test(arguments: [
    ("abc", "method.k is 'abc', expected an integer"),
    ("1.5", "method.k is '1.5', expected an integer"),
    ("'3'", "method.k is '3', expected an integer"),
    ("99999999999999999999", "method.k is '99999999999999999999', expected an integer"),
    ("[1]", "method.k is a list, expected an integer"),
    ("{a: 1}", "method.k is a mapping, expected an integer"),
    ("", "method.k is empty, expected an integer"),
    ("0", "method.k is '0', expected 1 to 9"),
    ("10", "method.k is '10', expected 1 to 9"),
  ])
  func aWrongIntegerIsExplained(_ value: String, _ message: String) {
    let found = reading("{k: \(value)}") { section throws(ReproError) in _ = try section.int("k", in: 1...9) }
    #expect(found == "r.yaml:1:5: \(message)")
  }

  @Test(arguments: [
    ("nan", "a finite number"), ("inf", "a finite number"), ("1e999", "a finite number"), ("x", "a finite number"),
    ("'1'", "a finite number"), ("-0.1", "0 to 1"), ("1.5", "0 to 1"),
  ])
  func aWrongNumberIsExplained(_ value: String, _ expected: String) {
    let found = reading("{k: \(value)}") { section throws(ReproError) in _ = try section.double("k", in: 0...1) }
    let shown = value == "'1'" ? "1" : value
    #expect(found == "r.yaml:1:5: method.k is '\(shown)', expected \(expected)")
  }

  @Test func openRangesAreSpelledInWords() {
    func integer(_ range: ClosedRange<Int>) -> String? {
      reading("{k: -5}") { section throws(ReproError) in _ = try section.int("k", in: range) }
    }
    #expect(integer(1...Int.max) == "r.yaml:1:5: method.k is '-5', expected at least 1")
    #expect(integer(Int.min ... -6) == "r.yaml:1:5: method.k is '-5', expected at most -6")
    func number(_ range: ClosedRange<Double>) -> String? {
      reading("{k: -5}") { section throws(ReproError) in _ = try section.double("k", in: range) }
    }
    let most = Double.greatestFiniteMagnitude
    #expect(number(Double.leastNonzeroMagnitude...most) == "r.yaml:1:5: method.k is '-5', expected more than 0")
    #expect(
      number(Double.leastNonzeroMagnitude...1) == "r.yaml:1:5: method.k is '-5', expected more than 0 and at most 1")
    #expect(number(0.5...Double.infinity) == "r.yaml:1:5: method.k is '-5', expected at least 0.5")
    #expect(number(-most ... -6) == "r.yaml:1:5: method.k is '-5', expected at most -6")
  }

  @Test func wordsTruthValuesListsAndTextsAreChecked() {
    func reads(_ text: String, _ body: (inout Section) throws(ReproError) -> Void) -> String? { reading(text, body) }
    #expect(
      reads("{k: sinkhrn}") { s throws(ReproError) in _ = try s.choice("k", ["softmax", "sinkhorn"]) }
        == "r.yaml:1:5: method.k is 'sinkhrn', expected one of softmax, sinkhorn; did you mean 'sinkhorn'?")
    #expect(
      reads("{k: yes}") { s throws(ReproError) in _ = try s.bool("k") }
        == "r.yaml:1:5: method.k is 'yes', expected true or false")
    #expect(
      reads("{k: 1}") { s throws(ReproError) in _ = try s.doubles("k", in: 0...1) }
        == "r.yaml:1:5: method.k is '1', expected a list")
    #expect(
      reads("{k: [0, 2]}") { s throws(ReproError) in _ = try s.doubles("k", in: 0...1) }
        == "r.yaml:1:9: method.k[1] is '2', expected 0 to 1")
    #expect(
      reads("{k: [0]}") { s throws(ReproError) in _ = try s.doubles("k", count: 2, in: 0...1) }
        == "r.yaml:1:5: method.k has 1 items, expected 2")
    #expect(
      reads("{k: }") { s throws(ReproError) in _ = try s.string("k") } == "r.yaml:1:5: method.k is empty, expected text"
    )
    #expect(
      failure { () throws(ReproError) in _ = try Section(yaml("[1]"), name: "data") }
        == "r.yaml:1:1: data is a list, expected a mapping")
  }

  @Test func messagesStayOnOneShortLine() {
    let long = String(repeating: "x", count: 5000)
    let message = reading("{k: \"\(long)\\n\\t\\0\"}") { s throws(ReproError) in _ = try s.int("k", in: 0...1) }
    #expect(message == "r.yaml:1:5: method.k is '\(String(repeating: "x", count: 60))...', expected an integer")
    #expect(clipped("a\nb\tc\u{1}") == "a\\nb\\tc?")
  }

  @Test func keysWrittenForAnotherTypeMayStayUnread() throws {
    let mark = YAMLNode.Mark(file: "r.yaml", line: 1, column: 1)
    let value = YAMLNode(.scalar("1", quoted: false), at: mark)
    let node = YAMLNode(.mapping([.init(key: "old", keyMark: mark, value: value, mayGoUnread: true)]), at: mark)
    try Section(node, name: "method").finish()
  }

  @Test func aPlaceWithoutLinesPrintsItsNameAlone() {
    #expect("\(YAMLNode.Mark(file: "--set a=1", line: 0, column: 0))" == "--set a=1")
  }
}

@Suite struct NearestTests {
  /// The definition, without a table: all ways to edit the first characters.
  private func distance(_ a: ArraySlice<Character>, _ b: ArraySlice<Character>) -> Int {
    guard let x = a.first else { return b.count }
    guard let y = b.first else { return a.count }
    var best = min(
      distance(a.dropFirst(), b) + 1, distance(a, b.dropFirst()) + 1,
      distance(a.dropFirst(), b.dropFirst()) + (x == y ? 0 : 1))
    if a.count > 1, b.count > 1, x == b[b.startIndex + 1], y == a[a.startIndex + 1] {
      best = min(best, distance(a.dropFirst(2), b.dropFirst(2)) + 1)
    }
    return best
  }

  @Test func theDistanceIsTheSmallestNumberOfSlips() {
    let words = ["", "a", "ab", "ba", "abc", "acb", "cab", "koleo", "kloeo", "olek", "width", "widht", "depth"]
    for a in words {
      for b in words { #expect(editDistance(a, b) == distance(Array(a)[...], Array(b)[...]), "\(a) \(b)") }
    }
  }

  @Test func onlyNearNamesAreSuggested() {
    let names = ["dinov2-small", "dinov2-cifar10", "dinov2-fashion", "cmc-small"]
    #expect(suggestions(for: "dinov2-smal", among: names) == "did you mean 'dinov2-small'?")
    #expect(suggestions(for: "dinov3-small", among: names) == "did you mean 'dinov2-small'?")
    #expect(
      suggestions(for: "dinov2", among: names)
        == "did you mean 'dinov2-cifar10', 'dinov2-fashion' or 'dinov2-small'?")
    #expect(suggestions(for: "neus", among: names) == nil)
    #expect(suggestions(for: "", among: names) == nil)
    #expect(nearest(to: "temprature", among: ["type", "temperature"]) == "temperature")
    #expect(nearest(to: "x", among: ["type", "temperature"]) == nil)
    #expect(nearest(to: String(repeating: "a", count: 1000), among: ["type"]) == nil)
  }
}
