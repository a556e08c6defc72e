import ReproTensor

/// Changes of texts, given as numbers of tokens.
public enum TextChange {
  /// What a masked text looks like and what is to be guessed.
  public struct Masked: Sendable, Equatable {
    public var tokens: [Int]
    /// The token that stood there; nil where nothing is to be guessed.
    public var targets: [Int?]
  }

  /// Each token is chosen with the given probability; of those, 8 in 10 become the mask, 1 in 10 any token, 1 in 10 stays.
  ///
  /// - Parameters:
  ///   - special: tokens that are never chosen.
  ///   - vocabulary: numbers 0 ..< vocabulary.
  /// - Source: Devlin et al. 2018 (BERT, arXiv 1810.04805), Section 3.1.
  public static func masked(
    _ tokens: [Int], probability: Double = 0.15, mask: Int, vocabulary: Int, special: Set<Int> = [],
    random: RandomStream
  ) -> Masked {
    require((0...1).contains(probability) && vocabulary > 0, "tokens are masked with probability 0 to 1")
    var result = Masked(tokens: tokens, targets: [Int?](repeating: nil, count: tokens.count))
    for (i, token) in tokens.enumerated() where !special.contains(token) {
      var stream = random.child("token", i)
      guard stream.bernoulli(probability) else { continue }
      result.targets[i] = token
      let kind = stream.uniform()
      if kind < 0.8 {
        result.tokens[i] = mask
      } else if kind < 0.9 {
        result.tokens[i] = stream.integer(below: vocabulary)
      }
    }
    return result
  }

  /// Each token is left out with the given probability; one is always left.
  ///
  /// - Source: Wei and Zou 2019 (EDA, arXiv 1901.11196), Section 2: random deletion.
  public static func deleted(_ tokens: [Int], probability: Double, random: RandomStream) -> [Int] {
    require((0...1).contains(probability), "tokens are left out with probability 0 to 1, got \(probability)")
    var stream = random
    let kept = tokens.filter { _ in !stream.bernoulli(probability) }
    return kept.isEmpty && !tokens.isEmpty ? [tokens[stream.integer(below: tokens.count)]] : kept
  }

  /// Two tokens change places, `count` times.
  ///
  /// - Source: Wei and Zou 2019 (EDA, arXiv 1901.11196), Section 2: random swap.
  public static func swapped(_ tokens: [Int], count: Int, random: RandomStream) -> [Int] {
    guard tokens.count > 1 else { return tokens }
    var stream = random
    var result = tokens
    for _ in 0..<count {
      let a = stream.integer(below: tokens.count)
      let b = stream.integer(below: tokens.count - 1)
      result.swapAt(a, b < a ? b : b + 1)
    }
    return result
  }

  /// A part of the text, of a length drawn from the range and at least 1.
  ///
  /// - Source: Giorgi et al. 2020 (DeCLUTR, arXiv 2006.03659): spans of a text as its views.
  public static func span(_ tokens: [Int], part: ClosedRange<Double>, random: RandomStream) -> [Int] {
    require(part.lowerBound >= 0 && part.upperBound <= 1, "a span is 0 to 1 of its text, got \(part)")
    guard !tokens.isEmpty else { return [] }
    var stream = random
    let length = min(
      tokens.count, max(1, Int((stream.uniform(part.lowerBound, part.upperBound) * Double(tokens.count)).rounded())))
    let first = stream.integer(below: tokens.count - length + 1)
    return Array(tokens[first..<(first + length)])
  }
}
