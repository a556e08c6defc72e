import ReproConfig
import Testing

private func json(_ text: String) throws(ReproError) -> JSONValue { try JSONValue(parsing: text, file: "r.json") }

@Suite struct JSONTests {
  @Test func everyKindOfValueIsRead() throws {
    let value = try json(
      " {\"n\": null, \"t\": true, \"i\": -12, \"d\": 1.5e3, \"s\": \"a\", \"l\": [1, []], \"o\": {}} ")
    let expected: JSONValue = [
      "n": nil, "t": true, "i": -12, "d": 1500.0, "s": "a", "l": [1, []], "o": [:],
    ]
    #expect(value == expected)
    #expect(value["d"]?.int == nil)
    #expect(value["i"]?.double == -12)
    #expect(value["l"]?.array?.count == 2)
    #expect(value["missing"] == nil)
  }

  @Test func escapesAreReadAndWritten() throws {
    let text = "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u4e2d\\ud83d\\ude42\""
    let value = try json(text)
    #expect(value == .string("\"\\/\u{8}\u{C}\n\r\té中🙂"))
    #expect(try value.text() == "\"\\\"\\\\/\\u0008\\u000C\\n\\r\\té中🙂\"")
    #expect(try json(value.text()) == value)
  }

  @Test(arguments: [
    ("", "r.json:1:1: the end of the text, expected a JSON value"),
    ("{\"a\": 1,}", "r.json:1:9: '}', expected a name in quotes"),
    ("[1, ]", "r.json:1:5: ']', expected a JSON value"),
    ("[1 2]", "r.json:1:4: '2', expected ',' or ']'"),
    ("{\"a\" 1}", "r.json:1:6: '1', expected ':'"),
    ("{\"a\": 1\n \"b\": 2}", "r.json:2:2: '\"', expected ',' or '}'"),
    ("{\"a\": 1, \"b\": 2, \"a\": 3}", "r.json:1:18: 'a' stands twice"),
    ("1 x", "r.json:1:3: text after the document"),
    ("01", "r.json:1:1: a number with a leading zero"),
    ("-", "r.json:1:2: the end of the text, expected a digit"),
    ("1.", "r.json:1:3: the end of the text, expected a digit"),
    ("1e+", "r.json:1:4: the end of the text, expected a digit"),
    ("9223372036854775808", "r.json:1:1: 9223372036854775808 does not fit 64 bits"),
    ("1e999", "r.json:1:1: 1e999 is too large"),
    ("NaN", "r.json:1:1: 'N', expected a JSON value"),
    ("nul", "r.json:1:1: 'n', expected a JSON value"),
    ("\"a", "r.json:1:1: a string without its closing quote"),
    ("\"a\\", "r.json:1:1: a string without its closing quote"),
    ("\"a\nb\"", "r.json:1:3: control character 0x0A in a string, expected an escape"),
    ("\"\\x\"", "r.json:1:2: an unknown escape"),
    ("\"\\u12g4\"", "r.json:1:2: an escape without four hexadecimal digits"),
    ("\"\\ud83d\"", "r.json:1:2: half of a surrogate pair"),
    ("\"\\ud83d\\u0041\"", "r.json:1:2: half of a surrogate pair"),
    ("\"\\ude42\"", "r.json:1:2: half of a surrogate pair"),
    ("\u{FEFF}1", "r.json:1:1: '\u{FEFF}', expected a JSON value"),
  ])
  func badTextIsRefusedWithItsPlace(_ text: String, _ message: String) {
    #expect(failure { () throws(ReproError) in try json(text) } == message)
  }

  @Test func nestingIsLimited() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    _ = try json(nested(64))
    #expect(
      failure { () throws(ReproError) in try json(nested(65)) } == "r.json:1:65: nesting is deeper than 64 levels")
    #expect(failure { () throws(ReproError) in try json(nested(1_000_000)) } != nil)
  }

  @Test func bytesThatAreNotUTF8AreRefused() {
    let message = failure { () throws(ReproError) in
      try JSONValue(parsing: [0x22, 0xC3, 0x28, 0x22], file: "r.json")
    }
    #expect(message == "r.json:1:2: byte 0xC3 is not UTF-8")
  }

  @Test func doublesKeepEveryBitAndTheirKind() throws {
    let values: [Double] = [
      0, -0.0, 1, -1, 0.1, 1 / 3, 1e16, 1e300, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .leastNormalMagnitude,
      .pi, 123456789.125,
      Double(Float(0.1)),
    ]
    for value in values {
      let text = try JSONValue.double(value).text()
      let back = try json(text)
      guard case .double(let read) = back else {
        Issue.record("\(text) was read as \(back)")
        continue
      }
      #expect(read.bitPattern == value.bitPattern)
    }
    #expect(try JSONValue.int(.min).text() == "-9223372036854775808")
    #expect(try json("-9223372036854775808") == .int(.min))
  }

  @Test func whatIsNotFiniteIsRefusedWithItsPath() {
    let value: JSONValue = ["results": [["value": 1.0], ["value": .double(.nan)]]]
    #expect(
      failure { () throws(ReproError) in try value.text() }
        == "results[1].value: nan cannot be written as JSON, expected a finite number")
    #expect(
      failure { () throws(ReproError) in try JSONValue.double(-.infinity).text(pretty: true) }
        == "-inf cannot be written as JSON, expected a finite number")
    let twice: JSONValue = ["a": ["b": 1, "b": 2]]
    #expect(failure { () throws(ReproError) in try twice.text() } == "a.b: the name stands twice in one JSON object")
  }

  @Test func membersKeepTheirOrder() throws {
    var record: JSONValue = ["zebra": 1, "apple": [1, 2]]
    record["middle"] = "x"
    record["apple"] = nil
    record["zebra"] = 2
    #expect(try record.text() == "{\"zebra\":2,\"middle\":\"x\"}")
  }

  @Test func prettyTextIsStable() throws {
    let long = JSONValue.array((0..<60).map { .int($0) })
    let value: JSONValue = [
      "recipe": "dinov2", "loss": [1.5, 2.0], "empty": [:], "rows": [["a": 1], ["a": 2]], "long": long,
    ]
    let text = try value.text(pretty: true)
    #expect(
      text.hasPrefix(
        """
        {
          "recipe": "dinov2",
          "loss": [1.5, 2.0],
          "empty": {},
          "rows": [
            {
              "a": 1
            },
            {
              "a": 2
            }
          ],
          "long": [
            0,
            1,
        """))
    #expect(text.hasSuffix("    59\n  ]\n}\n"))
    #expect(try json(text) == value)
  }

  @Test func requiredMembersExplainThemselves() throws {
    let record: JSONValue = ["steps": 3, "arm": 7]
    #expect(try record.required("steps", as: \.int, at: "r.json") == 3)
    #expect(
      failure { () throws(ReproError) in try record.required("seed", as: \.int, at: "r.json") }
        == "r.json: 'seed' is missing")
    #expect(
      failure { () throws(ReproError) in try record.required("arm", as: \.string, at: "r.json") }
        == "r.json: 'arm' is 7, expected String")
  }

  @Test func hexFloatsKeepEveryBit() {
    let values: [Double] = [
      0, -0.0, 1, 3, -0.1, 1e300, .leastNonzeroMagnitude, -.leastNormalMagnitude / 3, .leastNormalMagnitude,
      .greatestFiniteMagnitude, .infinity, -.infinity,
    ]
    for value in values { #expect(Double(hexFloat(value))?.bitPattern == value.bitPattern, "\(hexFloat(value))") }
    #expect(Double(hexFloat(.nan))?.isNaN == true)
    #expect(hexFloat(3) == "0x1.8p+1")
    #expect(hexFloat(-0.1) == "-0x1.999999999999ap-4")
    #expect(hexFloat(.leastNonzeroMagnitude) == "0x1p-1074")
    #expect(hexFloat(-0.0) == "-0x0p+0")
    #expect(hexFloat(Double(Float(0.1))) == "0x1.99999ap-4")
  }
}
