import ReproConfig
import ReproData
import ReproTensor
import TestSupport
import Testing

@testable import ReproData

/// Texts with the numbers that Hugging Face's tokenizers give them (Tests/Support/vectors/make_tokenizer_vectors.py).
private struct TokenCases {
  static let folder =
    "/" + Substring(#filePath).split(separator: "/").dropLast(2).joined(separator: "/") + "/Support/vectors"
  let count: Int
  let cases: [(text: String, tokens: [Int])]

  init(_ name: String) throws {
    let path = Self.folder + "/tokenizers.json"
    let group = try #require(JSONValue(path: path)[name])
    count = try group.required("count", as: \.int, at: path)
    cases = try group.required("cases", as: \.array, at: path).map { item in
      let tokens = try item.required("tokens", as: \.array, at: path)
      return (
        try item.required("text", as: \.string, at: path), try tokens.map { try #require($0.int) }
      )
    }
  }
}

private func message(_ body: () throws -> Void) -> String {
  do { try body() } catch { return "\(error)" }
  return "no error"
}

@Suite struct BytePairTokenizerTests {
  private func small(_ ending: String = "") throws -> BytePairTokenizer {
    try BytePairTokenizer(path: TokenCases.folder + "/clip_merges.txt" + ending)
  }

  @Test func everyTextHasTheNumbersOfTheOtherImplementation() throws {
    let (known, expected) = (try small(), try TokenCases("clip"))
    #expect(known.count == expected.count && expected.cases.count == 40)
    for (text, tokens) in expected.cases { #expect(known.tokens(of: text) == tokens, "\(text.debugDescription)") }
  }

  @Test func thePackedFileIsTheSameVocabulary() throws { #expect(try small(".gz") == small()) }

  @Test func aMergeThatWasLearntFirstIsMadeFirst() {
    // `a b` before `b c`: abc is ab + c, although bc is known.
    let known = BytePairTokenizer(merges: [("a", "b"), ("b", "c</w>"), ("ab", "c</w>")])
    #expect(known.count == 517 && known.startToken == 515 && known.endToken == 516)
    #expect(known.tokens(of: "abc") == [514])
    // The second b of abab ends the word, so that it is another token than the first: a is 64, b at the end 256 + 65.
    #expect(known.tokens(of: "bc abab") == [513, 512, 64, 321])
  }

  @Test func wordsComeBackAsTheyWereCleaned() throws {
    let known = try small()
    for text in ["a photo of a small red cube", "crème brûlée", "日本語 テスト", "emoji 😀👍🏽"] {
      #expect(known.decode(known.framed(known.tokens(of: text))) == text)
    }
    #expect(known.decode([known.startToken, -1, known.endToken]) == "")
  }

  @Test func rowsKeepTheEndThatHasTheLargestNumber() throws {
    let known = try small()
    let rows = known.rows(["cube", "a photo of a small red cube", ""], length: 6)
    #expect(rows.shape == [3, 6])
    let (end, start) = (known.endToken, known.startToken)
    let short = known.tokens(of: "cube")
    #expect(Array(rows.values[..<6]) == [start] + short + [end] + [Int](repeating: 0, count: 4 - short.count))
    #expect(rows.values[11] == end && rows.values[6] == start)
    #expect(Array(rows.values[12...]) == [start, end, 0, 0, 0, 0])
    #expect(rows.values.max() == end)
  }

  @Test func damagedFilesAreRefusedWithTheirLine() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/merges.txt"
      try SafeFile.write(path, text: "#version\na b\nabc\n")
      #expect(message { _ = try BytePairTokenizer(path: path) }.contains("merges.txt, line 3: 'abc' is no merge"))
      try SafeFile.write(path, text: "#version\n")
      #expect(message { _ = try BytePairTokenizer(path: path) }.contains("the file has no merges"))
      try SafeFile.write(path, bytes: [0x61, 0xFF, 0x0A])
      #expect(message { _ = try BytePairTokenizer(path: path) }.contains("the file is no UTF-8"))
      try SafeFile.write(path, bytes: [0x1F, 0x8B, 8, 0])
      #expect(message { _ = try BytePairTokenizer(path: path) }.contains("merges.txt"))
    }
    #expect(message { _ = try BytePairTokenizer(path: "/nowhere/merges.txt") }.contains("/nowhere/merges.txt"))
  }
}

@Suite struct WordPieceTokenizerTests {
  @Test(arguments: [true, false]) func everyTextHasTheNumbersOfTheOtherImplementation(_ isUncased: Bool) throws {
    let name = isUncased ? "uncased" : "cased"
    let expected = try TokenCases(name)
    let known = try WordPieceTokenizer(path: TokenCases.folder + "/bert_vocab_\(name).txt", isUncased: isUncased)
    #expect(known.count == expected.count && expected.cases.count == 33)
    for (text, tokens) in expected.cases { #expect(known.tokens(of: text) == tokens, "\(text.debugDescription)") }
  }

  @Test func theLongestBeginningIsTakenAndOneUnknownPieceMakesTheWordUnknown() throws {
    let tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "un", "una", "##aff", "##ff", "##able", "!"]
    let known = try WordPieceTokenizer(tokens: tokens)
    #expect(known.tokens(of: "unaffable") == [6, 8, 9])
    #expect(known.tokens(of: "unaffablez un!") == [1, 5, 10])
    #expect(known.rows(["un"], length: 5).values == [2, 5, 3, 0, 0])
    #expect(known.rows(["un un un un"], length: 4).values == [2, 5, 5, 3])
    #expect(known.decode([2, 6, 8, 9, 10, 3, 5]) == "unaffable !")
  }

  @Test func badVocabulariesAreRefused() {
    #expect(
      message { _ = try WordPieceTokenizer(tokens: ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]) }.contains(
        "the vocabulary has no [MASK]"))
    #expect(
      message { _ = try WordPieceTokenizer(tokens: ["[PAD]", "a", "a"]) }.contains("line 3: 'a' stands here again"))
  }
}
