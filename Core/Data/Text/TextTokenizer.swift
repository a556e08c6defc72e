import ReproConfig
import ReproTensor

/// Something that turns texts into numbers of a fixed vocabulary, and back.
public protocol TextTokenizer: Sendable {
  /// Known tokens: all numbers are below.
  var count: Int { get }
  /// What stands where a row has no more tokens.
  var padding: Int { get }
  /// The numbers of a text, without marks around them.
  func tokens(of text: String) -> [Int]
  /// The same with the marks that the published models expect around a text.
  func framed(_ tokens: [Int]) -> [Int]
}

extension TextTokenizer {
  /// Texts as rows of equal length with their marks: what is too long is cut behind the first mark so that the last one
  /// stays, what is too short is filled with `padding`.
  ///
  /// - Returns: `[N, length]`.
  public func rows(_ texts: [String], length: Int) -> IndexTensor {
    let marks = framed([]).count
    require(length >= marks, "rows of \(length) tokens have no room for \(marks) marks")
    var values: [Int] = []
    values.reserveCapacity(texts.count * length)
    for text in texts {
      let row = framed(Array(tokens(of: text).prefix(length - marks)))
      values += row
      values += [Int](repeating: padding, count: length - row.count)
    }
    return IndexTensor([texts.count, length], values)
  }
}

/// The lines of a vocabulary file, plain or gzipped, as UTF-8.
///
/// - Throws: `ReproError`, domain data, for a file that is missing, larger than 64 MiB unpacked, or no UTF-8.
func vocabularyLines(_ path: String) throws -> [Substring] {
  let limit = 64 << 20
  var bytes = try SafeFile.read(path, limit: limit)
  if bytes.starts(with: [0x1F, 0x8B]) { bytes = try Deflate.gunzip(bytes, limit: limit, file: path) }
  guard let text = String(validating: bytes, as: UTF8.self) else {
    throw ReproError.data(path, "the file is no UTF-8", expected: "a vocabulary, a token or a pair a line")
  }
  return text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
}

extension Unicode.Scalar {
  /// Categories L*; combining marks are none of them.
  var isLetter: Bool {
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }

  /// Categories N*.
  var isNumber: Bool {
    switch properties.generalCategory {
    case .decimalNumber, .letterNumber, .otherNumber: true
    default: false
    }
  }

  /// Categories P*.
  var isPunctuation: Bool {
    switch properties.generalCategory {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
      .finalPunctuation, .otherPunctuation:
      true
    default: false
    }
  }
}
