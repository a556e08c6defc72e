/// The candidate with the smallest edit distance to a word, if it is near enough to be a slip of the finger.
public func nearest(to word: String, among candidates: [String]) -> String? {
  let ranked = candidates.map { (editDistance(word, $0), $0) }.sorted { $0 < $1 }
  guard let best = ranked.first, best.0 <= max(1, word.count / 3) else { return nil }
  return best.1
}

/// Levenshtein distance: insertions, deletions and substitutions cost 1, and so does swapping two neighbours.
public func editDistance(_ a: String, _ b: String) -> Int {
  let a = Array(a)
  let b = Array(b)
  var beforeLast = [Int](repeating: 0, count: b.count + 1)
  var last = Array(0...b.count)
  for i in 0..<a.count {
    var row = [i + 1] + [Int](repeating: 0, count: b.count)
    for j in 0..<b.count {
      row[j + 1] = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { row[j + 1] = min(row[j + 1], beforeLast[j - 1] + 1) }
    }
    beforeLast = last
    last = row
  }
  return last[b.count]
}
