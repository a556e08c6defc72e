import Foundation
import ReproConfig
import Testing

/// The message that reading a text fails with, or nil.
func failure<T>(_ body: () throws(ReproError) -> T) -> String? {
  do {
    _ = try body()
    return nil
  } catch {
    return "\(error)"
  }
}

func yaml(_ text: String) throws(ReproError) -> YAMLNode { try YAMLNode(parsing: text, file: "r.yaml") }

@Suite struct YAMLReaderTests {
  @Test func everyNodeKnowsItsLineAndColumn() throws {
    let root = try yaml("a: 1\nb:\n  - x\n  - {c: 'y', d: }\n")
    #expect("\(root.mark)" == "r.yaml:1:1")
    #expect(root.entries.map(\.key) == ["a", "b"])
    #expect(root.entries.map { "\($0.keyMark)" } == ["r.yaml:1:1", "r.yaml:2:1"])
    let items = try #require(root["b"]).items(named: "b")
    #expect(items.map { "\($0.mark)" } == ["r.yaml:3:5", "r.yaml:4:5"])
    #expect(items[0].content == .scalar("x", quoted: false))
    #expect(items[1]["c"]?.content == .scalar("y", quoted: true))
    #expect(items[1]["d"]?.isNull == true)
    #expect("\(try #require(items[1]["c"]).mark)" == "r.yaml:4:9")
  }

  @Test func columnsCountCharactersNotBytes() throws {
    let root = try yaml("{ü: 1, b: 2}")
    #expect("\(root.entries[1].keyMark)" == "r.yaml:1:8")
  }

  @Test func allStylesOfScalarsAreRead() throws {
    let root = try yaml(
      "plain: a b\nsingle: 'it''s'\ndouble: \"t\\tx\"\nliteral: |\n  l1\n  l2\nfolded: >\n  f1\n  f2\n")
    let texts = root.entries.map { entry in
      if case .scalar(let text, let quoted) = entry.value.content { "\(quoted) \(text)" } else { "" }
    }
    #expect(texts == ["false a b", "true it's", "true t\tx", "true l1\nl2\n", "true f1 f2\n"])
  }

  @Test func anAliasStandsForItsAnchor() throws {
    let root = try yaml("a: &x {k: 1}\nb: *x\n")
    #expect(root["b"] == root["a"])
    #expect(root["b"]?["k"]?.mark.line == 1)
  }

  @Test(arguments: [
    ("", "r.yaml: the file is empty, expected a YAML document"),
    ("# nothing\n", "r.yaml: the file is empty, expected a YAML document"),
    ("a: 1\nb: 2\na: 3\n", "r.yaml:3:1: key 'a' stands twice, first in line 1; remove one"),
    ("{a: {x: 1, x: 2}}", "r.yaml:1:12: key 'x' stands twice, first in line 1; remove one"),
    ("a: 1\n---\nb: 2\n", "r.yaml:2:1: a second document, expected one document in a file"),
    ("a: !!int 1\n", "r.yaml:1:4: the tag 'tag:yaml.org,2002:int'; tags are not supported; remove it"),
    ("a: ! 1\n", "r.yaml:1:4: the tag '!'; tags are not supported; remove it"),
    ("!x {a: 1}\n", "r.yaml:1:1: the tag '!x'; tags are not supported; remove it"),
    ("%TAG ! tag:x,2000:\n---\na: 1\n", "r.yaml:1:1: a %TAG directive; tags are not supported; remove it"),
    ("? [a, b]\n: 1\n", "r.yaml:1:3: a key that is not plain text, expected key: value"),
    ("{a: 1}: 2\n", "r.yaml:1:1: a key that is not plain text, expected key: value"),
    ("a: &x 1\n*x : 2\n", "r.yaml:2:1: a key that is not plain text, expected key: value"),
    ("&x a: 1\n", "r.yaml:1:1: a key that is not plain text, expected key: value"),
    ("'': 1\n", "r.yaml:1:1: an empty key, expected key: value"),
    ("a: &m {x: 1}\nb:\n  <<: *m\n", "r.yaml:3:3: the merge key '<<'; there is no inheritance; write the keys out"),
    ("a: *x\n", "r.yaml:1:4: alias '*x' has no anchor '&x' before it"),
    ("a: &x [1, *x]\n", "r.yaml:1:11: alias '*x' stands inside its own anchor"),
    ("a: &x 1\nb: &x 2\n", "r.yaml:2:4: anchor 'x' is defined twice, first in line 1"),
    ("a: [1, 2\nb: 3\n", "r.yaml:2:2: not YAML: did not find expected ',' or ']' while parsing a flow sequence"),
    (
      "a:\n\tb: 1\n",
      "r.yaml:2:1: not YAML: found character that cannot start any token while scanning for the next token"
    ),
    ("a: \"x\n", "r.yaml:2:1: not YAML: found unexpected end of stream while scanning a quoted scalar"),
    ("a: b\u{1}c\n", "r.yaml:1:5: not YAML: control characters are not allowed"),
  ])
  func badTextIsRefusedWithItsPlace(_ text: String, _ message: String) {
    #expect(failure { () throws(ReproError) in try yaml(text) } == message)
  }

  @Test func bytesThatAreNotUTF8AreRefusedWithTheirPlace() {
    let message = failure { () throws(ReproError) in
      try YAMLNode(parsing: Array("a: ü\nbc: ".utf8) + [0xFF, 0x0A], file: "r.yaml")
    }
    #expect(message == "r.yaml:2:5: byte 0xFF is not UTF-8; save the file as UTF-8")
    let wide = failure { () throws(ReproError) in
      try YAMLNode(parsing: [0xFF, 0xFE, 0x61, 0x00], file: "r.yaml")
    }
    #expect(wide == "r.yaml:1:1: byte 0xFF is not UTF-8; save the file as UTF-8")
  }

  @Test func oneMebibyteIsReadAndOneByteMoreIsRefused() throws {
    let line = "# " + String(repeating: "x", count: 61) + "\n"
    let full = "a: 1\n" + String(repeating: line, count: (1 << 20) / 64)
    let fits = String(full.prefix(1 << 20))
    #expect(try yaml(fits)["a"] != nil)
    #expect(
      failure { () throws(ReproError) in try yaml(fits + "\n") }
        == "r.yaml: the file has 1048577 bytes, expected at most 1048576")
  }

  @Test func aLargeFileIsRefusedBeforeItIsRead() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/large.yaml"
    let file = open(path, O_CREAT | O_WRONLY, 0o600)
    #expect(ftruncate(file, 1 << 40) == 0)  // sparse: reading it would take minutes and a terabyte
    close(file)
    #expect(
      failure { () throws(ReproError) in try YAMLNode(path: path) }
        == "\(path): the file has 1099511627776 bytes, expected at most 1048576")
    #expect(
      failure { () throws(ReproError) in try YAMLNode(path: folder.path) }
        == "\(folder.path): is a folder, expected a file")
    #expect(failure { () throws(ReproError) in try YAMLNode(path: path + "x") } == "\(path)x: no such file")
    #expect(mkfifo(folder.path + "/pipe", 0o600) == 0)
    #expect(
      failure { () throws(ReproError) in try YAMLNode(path: folder.path + "/pipe") }
        == "\(folder.path)/pipe: is not a regular file, expected a file")
  }

  @Test func nestingOf64IsReadAnd65IsRefused() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + "1" + String(repeating: "]", count: depth)
    }
    _ = try yaml(nested(64))
    #expect(
      failure { () throws(ReproError) in try yaml(nested(65)) } == "r.yaml:1:65: nesting is deeper than 64 levels")
    #expect(
      failure { () throws(ReproError) in try yaml(String(repeating: "[", count: 500_000)) }?
        .hasPrefix("r.yaml:1:") == true)
    // Aliases may not smuggle in what brackets may not build.
    let hidden = "a: &x \(nested(40))\nb: \(String(repeating: "[", count: 30))*x\(String(repeating: "]", count: 30))\n"
    #expect(failure { () throws(ReproError) in try yaml(hidden) } == "r.yaml:2:34: nesting is deeper than 64 levels")
  }

  @Test func anAliasBombIsDefused() {
    var bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for (last, next) in zip("abcdefgh", "bcdefghi") {
      bomb += "\(next): &\(next) [*\(last), *\(last), *\(last), *\(last), *\(last), *\(last), *\(last)]\n"
    }
    #expect(
      failure { () throws(ReproError) in try yaml(bomb) }
        == "r.yaml:5:12: aliases stand for more than 10000 nodes; write the values out")
  }

  @Test func manyAliasesAreRefused() throws {
    func aliases(_ count: Int) -> String {
      "a: &x 1\nb: [" + Array(repeating: "*x", count: count).joined(separator: ",") + "]"
    }
    #expect(try yaml(aliases(32))["b"]?.items(named: "b").count == 32)
    #expect(
      failure { () throws(ReproError) in try yaml(aliases(33)) }
        == "r.yaml:2:101: more than 32 aliases; write the values out")
  }

  @Test func damagedTextNeverCrashes() throws {
    // Every single-byte change of a document that uses the whole grammar is read or refused with a place in it.
    let document = Array("a: &x {k: [1, 'two', \"th\\u0072ee\"]}\nb: *x # note\nc: |\n  text\n? d\n: ~\n".utf8)
    #expect(failure { () throws(ReproError) in try YAMLNode(parsing: document, file: "r.yaml") } == nil)
    for index in document.indices {
      for byte in Array("\0\t\n !\"#%&'*,-:>?@[]{|}~\u{7F}".utf8) + [0x80, 0xC3, 0xFF] {
        var damaged = document
        damaged[index] = byte
        if let message = failure({ () throws(ReproError) in try YAMLNode(parsing: damaged, file: "r.yaml") }) {
          #expect(message.hasPrefix("r.yaml"))
        }
      }
      _ = failure { () throws(ReproError) in try YAMLNode(parsing: Array(document[..<index]), file: "r.yaml") }
    }
  }
}

/// A folder that disappears with the test.
final class TemporaryFolder: Sendable {
  let path = NSTemporaryDirectory() + "repro-config-" + UUID().uuidString

  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
