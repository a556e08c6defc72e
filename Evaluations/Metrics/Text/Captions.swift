import Glibc
import ReproTensor

/// A generated text with the references that people wrote, as words.
public struct CaptionPair: Sendable {
  public var candidate: [String]
  public var references: [[String]]

  /// - Parameter references: at least one.
  public init(candidate: [String], references: [[String]]) {
    require(!references.isEmpty, "a caption is compared with at least one reference")
    (self.candidate, self.references) = (candidate, references)
  }

  public init(_ candidate: String, _ references: [String]) {
    self.init(candidate: words(of: candidate), references: references.map(words(of:)))
  }
}

/// BLEU of a corpus: the geometric mean of clipped n-gram precisions, times a penalty for brevity.
///
///     BLEU = BP exp(1/N sum_n log p_n),   p_n = sum clipped counts / sum counts,   BP = min(1, exp(1 - r / c))
///
/// r sums the reference lengths nearest to each candidate's (of equally near ones the shorter).
/// - Parameter order: N, 4 by default.
/// - Returns: 0 to 1; 0 if a precision is 0 (no smoothing).
/// - Source: Papineni et al. 2002, Section 2.3.
public func bleu(_ corpus: [CaptionPair], order: Int = 4) -> Double {
  var (candidateLength, referenceLength) = (0, 0)
  var (clipped, total) = ([Int](repeating: 0, count: order), [Int](repeating: 0, count: order))
  for pair in corpus {
    let length = pair.candidate.count
    candidateLength += length
    referenceLength +=
      pair.references.map(\.count).min { a, b in
        (abs(a - length), a) < (abs(b - length), b)
      } ?? 0
    for n in 1...order {
      let references = pair.references.map { ngrams($0, n) }
      for (gram, count) in ngrams(pair.candidate, n) {
        clipped[n - 1] += min(count, references.map { $0[gram] ?? 0 }.max() ?? 0)
        total[n - 1] += count
      }
    }
  }
  guard candidateLength > 0, !clipped.contains(0) else { return 0 }
  let logs = zip(clipped, total).reduce(0.0) { $0 + log(Double($1.0) / Double($1.1)) }
  return exp(logs / Double(order) + min(0, 1 - Double(referenceLength) / Double(candidateLength)))
}

/// ROUGE-L, the F-measure of the longest common subsequence; the best reference counts.
///
///     P = LCS / |candidate|,  R = LCS / |reference|,  F = (1 + beta^2) P R / (R + beta^2 P)
///
/// - Parameter beta: 1.2 as COCO's caption evaluation, 1 for the plain F1. P and R are each the largest over references, as
///   there.
/// - Returns: 0 to 1.
/// - Source: Lin 2004, Eq. 2 to 4.
public func rougeL(_ pair: CaptionPair, beta: Double = 1.2) -> Double {
  guard !pair.candidate.isEmpty else { return 0 }
  var (p, r) = (0.0, 0.0)
  for reference in pair.references where !reference.isEmpty {
    let common = Double(commonSubsequence(pair.candidate, reference))
    p = max(p, common / Double(pair.candidate.count))
    r = max(r, common / Double(reference.count))
  }
  return p > 0 && r > 0 ? (1 + beta * beta) * p * r / (r + beta * beta * p) : 0
}

/// A measure in the manner of METEOR with exact words only: no stems, synonyms or tuned weights, so its numbers compare with
/// no published METEOR.
///
///     F = 10 P R / (R + 9 P);   score = F (1 - 0.5 (chunks / matches)^3)
///
/// Words are matched one to one, those that continue a match of neighbours first; chunks are runs of matches that are
/// neighbours in both texts. The best reference counts.
/// - Returns: 0 to 1; 0 without a match.
/// - Source: Banerjee and Lavie 2005, Section 2, with the exact module alone; matching is greedy from the left.
public func meteorLike(_ pair: CaptionPair) -> Double {
  pair.references.map { meteorLike(pair.candidate, $0) }.max() ?? 0
}

private func meteorLike(_ candidate: [String], _ reference: [String]) -> Double {
  var isUsed = [Bool](repeating: false, count: reference.count)
  var (matches, chunks, last) = (0, 0, -2)
  for word in candidate {
    let next = last + 1
    var place: Int?
    if next >= 0, next < reference.count, !isUsed[next], reference[next] == word {
      place = next
    } else {
      place = reference.indices.first { !isUsed[$0] && reference[$0] == word }
    }
    guard let place else {
      last = -2
      continue
    }
    isUsed[place] = true
    matches += 1
    if place != last + 1 || last < 0 { chunks += 1 }
    last = place
  }
  guard matches > 0 else { return 0 }
  let (p, r) = (Double(matches) / Double(candidate.count), Double(matches) / Double(reference.count))
  let penalty = 0.5 * pow(Double(chunks) / Double(matches), 3)
  return 10 * p * r / (r + 9 * p) * (1 - penalty)
}

/// CIDEr-D: the cosine of TF-IDF vectors of n-grams, clipped, with a penalty for lengths that differ; mean over pairs.
///
///     CIDEr-D_n = 10 / m sum_j exp(-(l_c - l_j)^2 / (2 sigma^2)) min(g(c), g(s_j)) . g(s_j) / (|g(c)| |g(s_j)|)
///     score = mean over n = 1 ... 4,   g = count log(N / documents with the n-gram)
///
/// Documents are the reference sets of the corpus itself; a word that is in all of them weighs nothing, so a corpus of one
/// pair scores 0.
/// - Parameter sigma: 6 in the authors' code.
/// - Returns: the mean, 0 to 10.
/// - Source: Vedantam et al. 2015 (arXiv 1411.5726), Section 5 and Eq. 4; counts are not divided by their sum, as in the
///   authors' code.
public func ciderD(_ corpus: [CaptionPair], sigma: Double = 6) -> Double {
  guard !corpus.isEmpty else { return 0 }
  var documents: [[String]: Int] = [:]
  for pair in corpus {
    var seen: Set<[String]> = []
    for reference in pair.references { for n in 1...4 { seen.formUnion(ngrams(reference, n).keys) } }
    for gram in seen { documents[gram, default: 0] += 1 }
  }
  let all = log(Double(corpus.count))
  /// Weights in the order of the n-grams, so that sums do not depend on a dictionary.
  func vector(_ words: [String], _ n: Int) -> [(gram: [String], weight: Double)] {
    ngrams(words, n).sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { gram, count in
      (gram, Double(count) * (all - log(Double(max(1, documents[gram] ?? 0)))))
    }
  }
  func length(_ v: [(gram: [String], weight: Double)]) -> Double {
    v.reduce(0) { $0 + $1.weight * $1.weight }.squareRoot()
  }
  var total = 0.0
  for pair in corpus {
    var score = 0.0
    for n in 1...4 {
      let candidate = vector(pair.candidate, n)
      for reference in pair.references {
        let other = vector(reference, n)
        let weights = Dictionary(uniqueKeysWithValues: other.map { ($0.gram, $0.weight) })
        var product = 0.0
        for (gram, weight) in candidate {
          if let own = weights[gram] { product += min(weight, own) * own }
        }
        let (a, b) = (length(candidate), length(other))
        if a > 0 && b > 0 { product /= a * b }
        let difference = Double(pair.candidate.count - reference.count)
        score += product * exp(-difference * difference / (2 * sigma * sigma)) / Double(pair.references.count)
      }
    }
    total += score / 4 * 10
  }
  return total / Double(corpus.count)
}
