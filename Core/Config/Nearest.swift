/// The candidate with the smallest edit distance to a word, if it is near enough to be a slip of the finger.
public func nearest(to word: String, among candidates: [String]) -> String? {
  // Nobody types a hundred wrong letters, and the distance costs the product of the lengths.
  guard word.count <= 100 else { return nil }
  let ranked = candidates.map { (editDistance(word, $0), $0) }.sorted { $0 < $1 }
  guard let best = ranked.first, best.0 <= max(1, word.count / 3) else { return nil }
  return best.1
}

/// `did you mean 'temperature'?`, or nil if no candidate is near enough.
public func suggestion(for word: String, among candidates: [String]) -> String? {
  nearest(to: word, among: candidates).map { "did you mean '\($0)'?" }
}

/// Up to three names that somebody may have meant: those near enough to be a slip of the finger, or, without any, those
/// that begin with the word. For names that people type from memory, such as recipes.
///
/// - Returns: `did you mean 'a', 'b' or 'c'?`, or nil.
public func suggestions(for word: String, among candidates: [String]) -> String? {
  guard word.count <= 100 else { return nil }
  let limit = max(1, word.count / 3)
  var names = candidates.map { (editDistance(word, $0), $0) }.filter { $0.0 <= limit }.sorted { $0 < $1 }.map(\.1)
  if names.isEmpty { names = candidates.filter { $0.hasPrefix(word) && !word.isEmpty }.sorted() }
  return names.isEmpty ? nil : "did you mean \(alternatives(Array(names.prefix(3))))?"
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
