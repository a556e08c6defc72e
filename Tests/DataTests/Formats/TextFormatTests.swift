import ReproConfig
import ReproTensor
import TestSupport
import Testing

@testable import ReproData

@Suite struct NumeralTests {
  @Test("Numbers are the nearest Double, by the short way and by the long way")
  func numbersAreTheNearestDouble() {
    for text in [
      "0", "-0", "1", "+1.5", ".5", "5.", "-12.5e-3", "1e22", "1e-22", "123456789012345", "0.1", "0.000123456789",
      "1234567890123456789012", "1.7976931348623157e308", "4.9e-324", "179769313486231570000", "3.14159265358979323846",
      "00000000000000000000001.5", "0.00000000000000000000000000015",
    ] { #expect(Numeral.double(text)?.bitPattern == Double(text)?.bitPattern, "\(text)") }
    var stream = RandomStream(seed: 3).child("numbers")
    for _ in 0..<2000 {
      let value = Double(bitPattern: stream.next64())
      guard value.isFinite else { continue }
      #expect(Numeral.double("\(value)") == value)
      let short = Double(stream.integer(below: 2_000_000) - 1_000_000) / 1000
      #expect(Numeral.double("\(short)") == short)
    }
    for text in [
      "", "-", ".", "e5", "1e", "1e+", "nan", "inf", "0x10", "1 ", "1_000", "--1", "1.2.3", "1e999", "1e999999999999",
    ] {
      #expect(Numeral.double(text) == nil, "\(text)")
    }
    let digits = Array("-123456789012345678".utf8)
    #expect(Numeral.integer(digits, 0..<digits.count) == -123_456_789_012_345_678)
    let long = Array("1234567890123456789".utf8)
    #expect(Numeral.integer(long, 0..<long.count) == nil)
  }
}

@Suite struct DelimitedTextTests {
  @Test("A table of Python's csv module is read with its quotes and lines")
  func pythonsTableIsRead() throws {
    let table = try DelimitedText(foreignFile("csv"), .csvWithHeader, file: "a.csv")
    #expect(table.names == ["id", "text", "x"])
    #expect(table.rows.map { $0[1] } == ["she said \"no\", twice", "two\nlines", "über"])
    #expect(table.lines == [2, 3, 5])
    #expect(try table.number(0, 2) == 2.5)
    #expect(try table.number(1, 2) == nil)
    #expect(try table.number(2, 2) == -1e-3)
    #expect(try table.column("x") == 2)
  }

  @Test("Dialects: blanks, tabs, quotes as letters, rows of different lengths")
  func dialectsAreFollowed() throws {
    let trimmed = try DelimitedText(
      Array("39, State-gov,  <=50K \n\n 40,?, >50K".utf8), .init(trims: true), file: "a")
    #expect(trimmed.rows == [["39", "State-gov", "<=50K"], ["40", "?", ">50K"]])
    let tabs = try DelimitedText(Array("a\t\"b\"\t\r\nc\td\te\n".utf8), .tsv, file: "a")
    #expect(tabs.rows == [["a", "\"b\"", ""], ["c", "d", "e"]])
    let ragged = try DelimitedText(Array("a,b,c\nd\n".utf8), .init(isRagged: true), file: "a")
    #expect(ragged.rows == [["a", "b", "c"], ["d", "", ""]] && ragged.columns == 3)
    let empty = try DelimitedText([], .csv, file: "a")
    #expect(empty.rows.isEmpty && empty.columns == 0)
  }

  @Test("Wrong tables say the line, what was found and what was expected")
  func wrongTablesSayWhere() {
    func message(_ text: String, _ dialect: DelimitedText.Dialect = .csv) -> String? {
      reproError { _ = try DelimitedText(Array(text.utf8), dialect, file: "a.csv") }?.description
    }
    #expect(message("1,2\n3\n") == "a.csv:2: 1 fields, expected 2")
    #expect(message("1,2\n\"3,4\n5") == "a.csv:2: a quote is not closed")
    #expect(message("\"1\" 2,3") == "a.csv:1: text after a closing quote")
    #expect(
      reproError { _ = try DelimitedText([0x61, 0x2C, 0xFF], file: "a.csv") }?.description
        == "a.csv:1: the text is not UTF-8")
    let table = try? DelimitedText(Array("age,name\n7,ann\nseven,bob\n".utf8), .csvWithHeader, file: "a.csv")
    #expect(
      reproError { _ = try table?.number(1, 0) }?.description
        == "a.csv:3: column 1 (age) is 'seven', expected a number")
    #expect(
      reproError { _ = try table?.column("sex") }?.description
        == "a.csv:1: there is no column 'sex', expected one of age, name")
    #expect(
      reproError { _ = try table?.choice(0, 1, ["bob"]) }?.description
        == "a.csv:2: column 2 (name) is 'ann', expected one of bob")
  }

  @Test("Damaged tables are refused or read, never more")
  func damagedTablesAreRefused() throws {
    let good = try foreignFile("csv")
    damage(good) { _ = try DelimitedText($0, .csvWithHeader, file: "a.csv") }
    damage(Array("{\"a\": 1}\n[2]\n".utf8)) { _ = try JSONLines.read($0, file: "a.jsonl") }
  }
}

@Suite struct PlainTextTests {
  @Test("Lines are cut before they are decoded")
  func linesAreCut() throws {
    #expect(try PlainText.lines(Array("a\r\nb\n\nc".utf8), file: "a") == ["a", "b", "", "c"])
    #expect(try PlainText.lines([0x61, 0xE9, 0x0A, 0x85], .latin1, file: "a") == ["aé", "\u{85}"])
    #expect(try PlainText.decode([0xEF, 0xBB, 0xBF, 0x61], file: "a") == "a")
    #expect(
      reproError { _ = try PlainText.decode([0x61, 0x62, 0xC3], file: "a.txt") }?.description
        == "a.txt at byte 2: the text is not UTF-8")
    #expect(
      reproError { _ = try PlainText.lines([0x61, 0x0A, 0xFF, 0x0A], file: "a.txt") }?.description
        == "a.txt:2: the line is not UTF-8")
  }

  @Test("JSON lines keep their numbers, and a wrong one says its line and column")
  func jsonLines() throws {
    let lines = try JSONLines.read(Array("{\"a\": 1}\n\n[2]\n".utf8), file: "a.jsonl")
    #expect(lines.map(\.line) == [1, 3] && lines.map(\.value) == [["a": 1], [2]])
    let error = reproError { _ = try JSONLines.read(Array("1\n2\n{\"a\" 1}\n".utf8), file: "a.jsonl") }
    #expect(error?.location == "a.jsonl:3:6")
  }
}

@Suite struct TimeSeriesTextTests {
  private let good = "#c\n@problemName toy\n@classLabel true a b\n@data\n1,2:3,4:a\n5:6,7:b\n"

  @Test("Channels, unequal lengths and classes are read")
  func seriesAreRead() throws {
    let file = try TimeSeriesText(Array(good.utf8), file: "a.ts")
    #expect(file.classes == ["a", "b"] && file.labels == [0, 1])
    #expect(file.series == [[[1, 2], [3, 4]], [[5], [6, 7]]])
  }

  @Test("Wrong series say their line")
  func wrongSeriesSayWhere() {
    func message(_ old: String, _ new: String) -> String? {
      reproError { _ = try TimeSeriesText(Array(good.replacing(old, with: new).utf8), file: "a.ts") }?.description
    }
    #expect(message("5:6,7:b", "5:6,7:c") == "a.ts:6: class 'c', expected one of a, b")
    #expect(message("5:6,7:b", "6,7:b") == "a.ts:6: 1 channels, expected 2 as in the first series")
    #expect(message("3,4", "3,NaN") == "a.ts:5: 'NaN', expected a number")
    #expect(message("@data", "@date") == "a.ts:5: a line without @ before @data")
    #expect(message("true a b", "false") == "a.ts:3: series without classes, expected @classLabel true")
    damage(Array(good.utf8)) { _ = try TimeSeriesText($0, file: "a.ts") }
  }
}
