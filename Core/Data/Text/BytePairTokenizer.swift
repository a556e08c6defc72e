import ReproConfig
@_spi(_Unicode) import Swift

/// The byte-level byte pair encoding of CLIP: every text has tokens, none is unknown.
///
///     clean (composed form, character references resolved, single spaces), lower case
///     cut into 's 't 're 've 'm 'll 'd | letters | one digit | anything else but spaces
///     each piece: bytes, the last with an end-of-word mark; then, while a known pair of neighbours exists,
///     all occurrences of the pair that was learnt first are merged
///
/// Numbers: the 256 bytes, the 256 bytes at the end of a word, the merges in their order, `<|startoftext|>`,
/// `<|endoftext|>`. The end has the largest number, by which CLIP's text tower finds it.
/// - Source: Sennrich et al. 2016 (arXiv 1508.07909), Algorithm 1; Radford et al. 2021 (CLIP, arXiv 2103.00020), Section 2.4
///   and the authors' `SimpleTokenizer`, which moreover repairs texts of a wrong encoding (ftfy) and knows more names of
///   characters than `amp`, `lt`, `gt`, `quot`, `apos` and `nbsp`.
public struct BytePairTokenizer: TextTokenizer, Equatable {
  /// Merges that CLIP's own tokenizer takes from its file, which holds more.
  public static let merges = 49152 - 256 - 2
  static let start = "<|startoftext|>"
  static let end = "<|endoftext|>"

  /// All tokens, spelled as vocabulary files spell them; the position is the number.
  public let tokens: [String]
  private let numbers: [String: Int]
  /// The rank of a pair of neighbours, and what they become.
  private let pairs: [Pair: Merge]
  public var count: Int { tokens.count }
  public let padding = 0
  public var startToken: Int { tokens.count - 2 }
  public var endToken: Int { tokens.count - 1 }

  private struct Pair: Hashable { let left, right: Int }
  private struct Merge: Equatable { let rank, result: Int }

  /// A tokenizer with these merges, the first learnt first; each half is spelled as vocabulary files spell it.
  public init(merges: [(left: String, right: String)]) {
    let bytes = ByteSpelling.order.map { String(ByteSpelling.letters[Int($0)]) }
    tokens = bytes + bytes.map { $0 + "</w>" } + merges.map { $0.left + $0.right } + [Self.start, Self.end]
    var numbers: [String: Int] = [:]
    for (number, token) in tokens.enumerated() { numbers[token] = number }  // the last of equals, as the authors
    var pairs: [Pair: Merge] = [:]
    for (rank, merge) in merges.enumerated() {
      guard let a = numbers[merge.left], let b = numbers[merge.right], let result = numbers[merge.left + merge.right]
      else { continue }
      pairs[Pair(left: a, right: b)] = Merge(rank: rank, result: result)
    }
    (self.numbers, self.pairs) = (numbers, pairs)
  }

  /// Reads merges as they are published: `bpe_simple_vocab_16e6.txt.gz` of OpenAI, or a `merges.txt`: a headline, then two
  /// tokens a line.
  ///
  /// - Parameter limit: lines after the headline that are read; CLIP's own number by default.
  public init(path: String, limit: Int = BytePairTokenizer.merges) throws {
    var merges: [(left: String, right: String)] = []
    for (i, line) in try vocabularyLines(path).enumerated().dropFirst().prefix(limit) where !line.isEmpty {
      let parts = line.split(separator: " ")
      guard parts.count == 2 else {
        throw ReproError.data(
          "\(path), line \(i + 1)", "'\(clipped(String(line)))' is no merge",
          expected: "two tokens with a space between")
      }
      merges.append((String(parts[0]), String(parts[1])))
    }
    guard !merges.isEmpty else { throw ReproError.data(path, "the file has no merges", expected: "two tokens a line") }
    self.init(merges: merges)
  }

  public func framed(_ tokens: [Int]) -> [Int] { [startToken] + tokens + [endToken] }

  public func tokens(of text: String) -> [Int] { Self.pieces(of: Self.clean(text)).flatMap(tokens(ofPiece:)) }

  /// The text of some tokens; marks are left out, and every end of a word becomes a space.
  public func decode(_ tokens: some Sequence<Int>) -> String {
    var bytes: [UInt8] = []
    for token in tokens where token >= 0 && token < startToken {
      var letters = self.tokens[token]
      let isEnd = letters.hasSuffix("</w>")
      if isEnd { letters.removeLast(4) }
      bytes += letters.unicodeScalars.compactMap { ByteSpelling.bytes[$0] }
      if isEnd { bytes.append(UInt8(ascii: " ")) }
    }
    return String(decoding: bytes.last == UInt8(ascii: " ") ? bytes.dropLast() : bytes[...], as: UTF8.self)
  }

  /// The merges of one piece.
  private func tokens(ofPiece piece: String) -> [Int] {
    if piece == Self.start { return [startToken] }
    if piece == Self.end { return [endToken] }
    var word = piece.utf8.map { ByteSpelling.number[Int($0)] }
    guard let last = word.popLast() else { return [] }
    word.append(last + 256)
    while word.count > 1 {
      var best: (pair: Pair, merge: Merge)?
      for i in 1..<word.count {
        let pair = Pair(left: word[i - 1], right: word[i])
        if let merge = pairs[pair], merge.rank < best?.merge.rank ?? .max { best = (pair, merge) }
      }
      guard let (pair, merge) = best else { break }
      var merged: [Int] = []
      var i = 0
      while i < word.count {
        let isPair = i + 1 < word.count && word[i] == pair.left && word[i + 1] == pair.right
        merged.append(isPair ? merge.result : word[i])
        i += isPair ? 2 : 1
      }
      word = merged
    }
    return word
  }

  /// Composed, without character references, with single spaces, in lower case.
  static func clean(_ text: String) -> String {
    var composed = String.UnicodeScalarView()
    for scalar in text._nfc { composed.append(scalar) }
    let plain = CharacterReferences.resolved(CharacterReferences.resolved(String(composed)))
    var result = String.UnicodeScalarView()
    var isSpaced = true
    for scalar in plain.unicodeScalars {
      if scalar.properties.isWhitespace {
        if !isSpaced { result.append(" ") }
        isSpaced = true
      } else {
        result.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
        isSpaced = false
      }
    }
    if isSpaced, !result.isEmpty { result.removeLast() }
    return String(result)
  }

  private static let contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].map { Array($0.unicodeScalars) }
  private static let marks = [start, end].map { Array($0.unicodeScalars) }

  /// The pieces between which nothing is merged.
  static func pieces(of text: String) -> [String] {
    let letters = Array(text.unicodeScalars)
    var pieces: [String] = []
    var i = 0
    func run(from start: Int, while holds: (Unicode.Scalar) -> Bool) -> Int {
      var end = start
      while end < letters.count, holds(letters[end]) { end += 1 }
      return end
    }
    while i < letters.count {
      let first = letters[i]
      var end = i + 1
      if first.properties.isWhitespace {
        i = end
        continue
      }
      if let known = (marks + contractions).first(where: { letters[i...].starts(with: $0) }) {
        end = i + known.count
      } else if first.isLetter {
        end = run(from: i) { $0.isLetter }
      } else if !first.isNumber {
        end = run(from: i) { !$0.properties.isWhitespace && !$0.isLetter && !$0.isNumber }
      }
      var piece = String.UnicodeScalarView()
      piece.append(contentsOf: letters[i..<end])
      pieces.append(String(piece))
      i = end
    }
    return pieces
  }
}

/// How vocabulary files spell bytes: printable ones as their Latin-1 letters, the others as letters from U+0100 on.
///
/// - Source: Radford et al. 2019 (GPT-2), the authors' `bytes_to_unicode`.
enum ByteSpelling {
  /// The bytes in the order of their numbers.
  static let order: [UInt8] = {
    let printable = Array(33...126) + Array(161...172) + Array(174...255)
    return (printable + (0..<256).filter { !printable.contains($0) }).map { UInt8($0) }
  }()
  /// The number of each byte.
  static let number: [Int] = {
    var numbers = [Int](repeating: 0, count: 256)
    for (number, byte) in order.enumerated() { numbers[Int(byte)] = number }
    return numbers
  }()
  /// The letter of each byte.
  static let letters: [Unicode.Scalar] = {
    var letters = [Unicode.Scalar](repeating: " ", count: 256)
    for (number, byte) in order.enumerated() {
      // 188 bytes are printable; the first of the others is spelled U+0100.
      letters[Int(byte)] = number < 188 ? Unicode.Scalar(byte) : Unicode.Scalar(UInt8(number - 188)).moved(by: 256)
    }
    return letters
  }()
  static let bytes: [Unicode.Scalar: UInt8] = {
    var bytes: [Unicode.Scalar: UInt8] = [:]
    for byte in order { bytes[letters[Int(byte)]] = byte }
    return bytes
  }()
}

extension Unicode.Scalar {
  fileprivate func moved(by distance: UInt32) -> Unicode.Scalar { Unicode.Scalar(value + distance) ?? self }
}

/// Character references of HTML: `&amp;`, `&#233;`, `&#xE9;`; browsers read them without the semicolon, too.
enum CharacterReferences {
  /// The longest names first; `apos` alone needs its semicolon.
  private static let names: [(name: String, scalar: Unicode.Scalar)] = [
    ("apos;", "'"), ("quot", "\""), ("nbsp", "\u{A0}"), ("amp", "&"), ("lt", "<"), ("gt", ">"),
  ]

  static func resolved(_ text: String) -> String {
    guard text.contains("&") else { return text }
    var result = ""
    var rest = text[...]
    while let start = rest.firstIndex(of: "&") {
      result += rest[..<start]
      rest = rest[start...].dropFirst()
      if let (scalar, length) = reference(rest) {
        result.unicodeScalars.append(scalar)
        rest = rest.dropFirst(length)
        if rest.first == ";" { rest = rest.dropFirst() }
      } else {
        result.append("&")
      }
    }
    return result + rest
  }

  /// What the text behind an ampersand refers to, and how many characters say so.
  private static func reference(_ text: Substring) -> (Unicode.Scalar, Int)? {
    if let (name, scalar) = names.first(where: { text.hasPrefix($0.name) }) { return (scalar, name.count) }
    guard text.first == "#" else { return nil }
    let isHexadecimal = text.dropFirst().first == "x" || text.dropFirst().first == "X"
    let mark = isHexadecimal ? 2 : 1
    // Seven digits are enough for every character.
    let digits = text.dropFirst(mark).prefix(8).prefix { isHexadecimal ? $0.isHexDigit : $0.isNumber && $0.isASCII }
    guard let value = UInt32(digits, radix: isHexadecimal ? 16 : 10), value > 0, let scalar = Unicode.Scalar(value)
    else {
      return nil  // what is no character stays as it is written
    }
    return (scalar, mark + digits.count)
  }
}
