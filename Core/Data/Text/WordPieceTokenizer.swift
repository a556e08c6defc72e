import ReproConfig
@_spi(_Unicode) import Swift

/// BERT's words and pieces of words.
///
///     clean (control characters dropped, spaces around ideographs); lower case and without accents (uncased models)
///     cut at spaces and around punctuation
///     each word: the longest known beginning, then the longest known `##` continuation, ...; `[UNK]` if none fits
///
/// Numbers are the lines of the published `vocab.txt`.
/// - Source: Devlin et al. 2018 (arXiv 1810.04805), Section 3 and the authors' `tokenization.py`.
public struct WordPieceTokenizer: TextTokenizer, Equatable {
  /// All tokens; the position is the number.
  public let tokens: [String]
  /// Whether case and accents are dropped, as uncased models expect.
  public let isUncased: Bool
  /// By bytes: two spellings of one letter are two tokens, which are equal as texts.
  private let numbers: [[UInt8]: Int]
  private let unknown, begin, end: Int
  public let padding: Int
  /// `[MASK]`.
  public let mask: Int
  /// Longer words are unknown, letters.
  static let longest = 100

  public var count: Int { tokens.count }

  /// A tokenizer with these tokens in this order, `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]` and `[MASK]` among them.
  ///
  /// - Parameter origin: where the vocabulary comes from, for messages.
  public init(tokens: [String], isUncased: Bool = true, origin: String = "the vocabulary") throws {
    var numbers: [[UInt8]: Int] = [:]
    for (number, token) in tokens.enumerated() {
      guard numbers.updateValue(number, forKey: Array(token.utf8)) == nil else {
        throw ReproError.data(
          "\(origin), line \(number + 1)", "'\(clipped(token))' stands here again", expected: "each token once")
      }
    }
    func mark(_ name: String) throws -> Int {
      guard let number = numbers[Array(name.utf8)] else {
        throw ReproError.data(origin, "the vocabulary has no \(name)", expected: "BERT's vocab.txt, a token a line")
      }
      return number
    }
    (padding, unknown, mask) = (try mark("[PAD]"), try mark("[UNK]"), try mark("[MASK]"))
    (begin, end) = (try mark("[CLS]"), try mark("[SEP]"))
    (self.tokens, self.isUncased, self.numbers) = (tokens, isUncased, numbers)
  }

  /// Reads a published `vocab.txt`, plain or gzipped: a token a line.
  public init(path: String, isUncased: Bool = true) throws {
    var lines = try vocabularyLines(path).map(String.init)
    while lines.last?.isEmpty == true { lines.removeLast() }
    try self.init(tokens: lines, isUncased: isUncased, origin: path)
  }

  public func framed(_ tokens: [Int]) -> [Int] { [begin] + tokens + [end] }

  public func tokens(of text: String) -> [Int] { Self.words(of: text, isUncased: isUncased).flatMap(pieces(of:)) }

  /// The text of some tokens up to `[SEP]`: pieces joined, spaces between words; other marks are left out.
  public func decode(_ numbers: some Sequence<Int>) -> String {
    var said = ""
    for number in numbers {
      if number == end { break }
      guard tokens.indices.contains(number), ![padding, begin, mask].contains(number) else { continue }
      let token = tokens[number]
      said += token.hasPrefix("##") ? String(token.dropFirst(2)) : (said.isEmpty ? "" : " ") + token
    }
    return said
  }

  /// The longest known pieces of a word from the left.
  private func pieces(of word: String) -> [Int] {
    let letters = word.unicodeScalars.map { Array(String($0).utf8) }
    guard letters.count <= Self.longest else { return [unknown] }
    var found: [Int] = []
    var start = 0
    while start < letters.count {
      var end = letters.count
      var number: Int?
      while end > start {
        number = numbers[(start == 0 ? [] : Array("##".utf8)) + letters[start..<end].joined()]
        if number != nil { break }
        end -= 1
      }
      guard let number else { return [unknown] }  // one piece that is unknown makes the word unknown
      found.append(number)
      start = end
    }
    return found
  }

  /// The words of a text, every mark of punctuation and every ideograph by itself.
  static func words(of text: String, isUncased: Bool) -> [String] {
    var words: [String] = []
    var word = String.UnicodeScalarView()
    func finish() {
      if !word.isEmpty { words.append(String(word)) }
      word = String.UnicodeScalarView()
    }
    func take(_ scalar: Unicode.Scalar) {
      if isSpace(scalar) { return finish() }
      if isControl(scalar) { return }
      guard isPunctuation(scalar) || isIdeograph(scalar) else { return word.append(scalar) }
      finish()
      words.append(String(scalar))
    }
    for scalar in text.unicodeScalars {
      guard isUncased, !isSpace(scalar), !isControl(scalar) else {
        take(scalar)
        continue
      }
      // Lower case first and then apart, as the authors do: accents become marks of their own and are dropped.
      for part in scalar.properties.lowercaseMapping._nfd where part.properties.generalCategory != .nonspacingMark {
        take(part)
      }
    }
    finish()
    return words
  }

  private static func isSpace(_ s: Unicode.Scalar) -> Bool {
    s == " " || s == "\t" || s == "\n" || s == "\r" || s.properties.generalCategory == .spaceSeparator
  }

  private static func isControl(_ s: Unicode.Scalar) -> Bool {
    if s.value == 0 || s.value == 0xFFFD { return true }
    switch s.properties.generalCategory {
    case .control, .format, .privateUse, .surrogate, .unassigned: return true
    default: return false
    }
  }

  /// ASCII that is neither letter nor digit counts, `$` and `^` among it.
  private static func isPunctuation(_ s: Unicode.Scalar) -> Bool {
    switch s.value {
    case 33...47, 58...64, 91...96, 123...126: true
    default: s.isPunctuation
    }
  }

  /// Han characters, which are words of their own; not the syllables of Japanese and Korean.
  private static func isIdeograph(_ s: Unicode.Scalar) -> Bool {
    switch s.value {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F, 0x2B820...0x2CEAF,
      0xF900...0xFAFF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }
}
