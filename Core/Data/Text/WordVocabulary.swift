import ReproConfig
import ReproTensor

/// The words that a text model knows, each with a number; everything else is the unknown word.
///
/// Numbers 0 to 4 are the marks `<pad>`, `<unk>`, `<bos>`, `<eos>` and `<mask>`; the words follow in the order in which
/// they were given. Nothing depends on the order of a set or dictionary, so the same texts give the same numbers.
public struct WordVocabulary: Sendable, Equatable {
  public static let padding = 0
  public static let unknown = 1
  public static let begin = 2
  public static let end = 3
  public static let mask = 4
  /// The names of the first numbers.
  public static let marks = ["<pad>", "<unk>", "<bos>", "<eos>", "<mask>"]

  /// All words, marks first; the position is the number.
  public let words: [String]
  private let numbers: [String: Int]

  /// A vocabulary of these words in this order; a word said twice keeps its first place.
  public init(words: [String]) {
    var all = Self.marks
    var numbers: [String: Int] = [:]
    for (number, mark) in all.enumerated() { numbers[mark] = number }
    for word in words where numbers[word] == nil {
      numbers[word] = all.count
      all.append(word)
    }
    self.words = all
    self.numbers = numbers
  }

  /// The words of some texts, the most frequent first and equally frequent ones by their bytes.
  ///
  /// - Parameters:
  ///   - texts: the training texts; never the test texts.
  ///   - limit: the most words to keep, marks not counted.
  ///   - least: a word must occur this often to be kept.
  public init(counting texts: some Sequence<String>, limit: Int = .max, least: Int = 1) {
    var counts: [String: Int] = [:]
    for text in texts { for word in Self.split(text) { counts[word, default: 0] += 1 } }
    let kept = counts.filter { $0.value >= least }.sorted { a, b in
      a.value != b.value ? a.value > b.value : a.key.utf8.lexicographicallyPrecedes(b.key.utf8)
    }
    self.init(words: kept.prefix(limit).map(\.key))
  }

  public var count: Int { words.count }

  /// The number of a word; `unknown` if it is not in the vocabulary.
  public func number(of word: String) -> Int { numbers[word] ?? Self.unknown }

  /// The words of a text: lower case, cut at white space; every mark of punctuation but an apostrophe or a hyphen within
  /// a word is a word of its own.
  public static func split(_ text: String) -> [String] {
    var words: [String] = []
    var word = ""
    let letters = Array(text.lowercased().unicodeScalars)
    func isWordly(_ i: Int) -> Bool {
      guard letters.indices.contains(i) else { return false }
      let properties = letters[i].properties
      return properties.isAlphabetic || properties.numericType != nil
    }
    func finish() {
      if !word.isEmpty { words.append(word) }
      word = ""
    }
    for (i, letter) in letters.enumerated() {
      let joins = (letter == "'" || letter == "-") && isWordly(i - 1) && isWordly(i + 1)
      if isWordly(i) || joins {
        word.unicodeScalars.append(letter)
      } else {
        finish()
        if !letter.properties.isWhitespace { words.append(String(letter)) }
      }
    }
    finish()
    return words
  }

  /// The numbers of a text, without padding.
  ///
  /// - Parameter framed: whether `<bos>` and `<eos>` stand around them.
  public func encode(_ text: String, framed: Bool = true) -> [Int] {
    let inner = Self.split(text).map(number(of:))
    return framed ? [Self.begin] + inner + [Self.end] : inner
  }

  /// Texts as rows of equal length: cut at `length` (the end mark stays), filled up with `<pad>`.
  ///
  /// - Returns: `[N, length]`.
  public func encode(_ texts: [String], length: Int, framed: Bool = true) -> IndexTensor {
    require(length >= (framed ? 2 : 1), "texts of \(length) words have no room")
    var values: [Int] = []
    values.reserveCapacity(texts.count * length)
    for text in texts {
      var row = encode(text, framed: framed)
      if row.count > length {
        row.removeLast(row.count - length)
        if framed { row[length - 1] = Self.end }
      }
      values += row
      values += [Int](repeating: Self.padding, count: length - row.count)
    }
    return IndexTensor([texts.count, length], values)
  }

  /// The words of some numbers up to `<eos>`, with single spaces; `<pad>` and `<bos>` are left out.
  public func decode(_ numbers: some Sequence<Int>) -> String {
    var said: [String] = []
    for number in numbers {
      if number == Self.end { break }
      guard number != Self.padding, number != Self.begin else { continue }
      said.append(words.indices.contains(number) ? words[number] : Self.marks[Self.unknown])
    }
    return said.joined(separator: " ")
  }

  /// Numbers below which nothing is a word: 1 where a row holds a word or a mark, 0 where it is padding.
  ///
  /// - Parameter rows: `[N, L]`.
  /// - Returns: `[N, L]`.
  public static func presence(_ rows: IndexTensor) -> Tensor {
    Tensor(rows.shape, rows.values.map { $0 == padding ? 0 : 1 })
  }
}
