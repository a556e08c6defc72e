import ReproData
import ReproTensor
import Testing

@Suite struct WordVocabularyTests {
  @Test func wordsAreCutAtSpacesAndPunctuation() {
    #expect(WordVocabulary.split("A red cube, left of it!") == ["a", "red", "cube", ",", "left", "of", "it", "!"])
    #expect(
      WordVocabulary.split("  don't re-read -- 'quoted'\n") == ["don't", "re-read", "-", "-", "'", "quoted", "'"])
    #expect(WordVocabulary.split("Größe 3.5") == ["größe", "3", ".", "5"])
    #expect(WordVocabulary.split("").isEmpty)
  }

  @Test func frequentWordsComeFirstAndEqualOnesByTheirBytes() {
    let texts = ["b a b", "c a", "d d d e"]
    let known = WordVocabulary(counting: texts)
    #expect(known.words == WordVocabulary.marks + ["d", "a", "b", "c", "e"])
    #expect(WordVocabulary(counting: texts.reversed()) == known)
    #expect(WordVocabulary(counting: texts, limit: 2).words == WordVocabulary.marks + ["d", "a"])
    #expect(WordVocabulary(counting: texts, least: 2).words == WordVocabulary.marks + ["d", "a", "b"])
  }

  @Test func textsBecomeRowsOfEqualLength() {
    let known = WordVocabulary(words: ["the", "cube", "is", "red", "cube"])
    #expect(known.count == 9)
    let rows = known.encode(["The cube is red", "green cube"], length: 6)
    #expect(rows.shape == [2, 6])
    #expect(rows.values == [2, 5, 6, 7, 8, 3, 2, 1, 6, 3, 0, 0])
    #expect(WordVocabulary.presence(rows).values == [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0])
    // A text that is too long keeps its end mark.
    #expect(known.encode(["the cube is red"], length: 4).values == [2, 5, 6, 3])
    #expect(known.encode(["the cube is red"], length: 3, framed: false).values == [5, 6, 7])
  }

  @Test func numbersBecomeWordsAgain() {
    let known = WordVocabulary(words: ["the", "cube"])
    #expect(known.decode([2, 5, 6, 3, 5, 0]) == "the cube")
    #expect(known.decode([5, 99, -1, 1]) == "the <unk> <unk> <unk>")
    #expect(known.decode([]) == "")
  }
}
