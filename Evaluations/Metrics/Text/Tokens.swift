/// Words as metrics of text count them: small letters and digits, everything else parts words.
///
/// Accents and other scripts stay as they are; an apostrophe inside of a word stays with it ("don't").
public func words(of text: String) -> [String] {
  var result: [String] = []
  var word = ""
  for character in text.lowercased() {
    if character.isLetter || character.isNumber || (character == "'" && !word.isEmpty) {
      word.append(character)
    } else if !word.isEmpty {
      result.append(word)
      word = ""
    }
  }
  if !word.isEmpty { result.append(word) }
  return result.map { $0.last == "'" ? String($0.dropLast()) : $0 }
}

/// How often each run of n words occurs.
func ngrams(_ words: [String], _ n: Int) -> [[String]: Int] {
  var counts: [[String]: Int] = [:]
  guard words.count >= n else { return counts }
  for i in 0...(words.count - n) { counts[Array(words[i..<(i + n)]), default: 0] += 1 }
  return counts
}

/// The length of the longest common subsequence.
func commonSubsequence<T: Equatable>(_ a: [T], _ b: [T]) -> Int {
  var row = [Int](repeating: 0, count: b.count + 1)
  for x in a {
    var diagonal = 0
    for (j, y) in b.enumerated() {
      let above = row[j + 1]
      row[j + 1] = x == y ? diagonal + 1 : max(above, row[j])
      diagonal = above
    }
  }
  return row[b.count]
}

/// The least number of insertions, deletions, replacements and (with `swaps`) exchanges of neighbours that turn one sequence
/// into another: Levenshtein's distance, or Damerau's restricted one.
///
/// - Source: Levenshtein 1966; with exchanges Damerau 1964, each place edited once, as for the edit distance of long-term
///   anticipation (Ego4D, Grauman et al. 2022, arXiv 2110.07058), there divided by the length.
public func levenshtein<T: Equatable>(_ a: [T], _ b: [T], swaps: Bool = false) -> Int {
  var before = [Int](repeating: 0, count: b.count + 1)
  var last = Array(0...b.count)
  for i in a.indices {
    var row = [Int](repeating: i + 1, count: b.count + 1)
    for j in b.indices {
      row[j + 1] = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
      if swaps, i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { row[j + 1] = min(row[j + 1], before[j - 1] + 1) }
    }
    (before, last) = (last, row)
  }
  return last[b.count]
}
