import Glibc
import ReproTensor

/// An answer as questions are scored: words in small letters without articles.
public func normalizedAnswer(_ text: String) -> [String] {
  words(of: text).filter { !["a", "an", "the"].contains($0) }
}

/// Whether an answer equals one of the references after normalising; 0 or 1.
///
/// - Source: Rajpurkar et al. 2016 (SQuAD, arXiv 1606.05250), Section 6.1.
public func exactMatch(_ answer: String, _ references: [String]) -> Bool {
  references.contains { normalizedAnswer($0) == normalizedAnswer(answer) }
}

/// The largest F1 of the bags of words of an answer and a reference, 0 to 1; two empty ones agree.
///
/// - Source: Rajpurkar et al. 2016 (SQuAD, arXiv 1606.05250), Section 6.1.
public func answerF1(_ answer: String, _ references: [String]) -> Double {
  let own = normalizedAnswer(answer)
  return references.map { reference -> Double in
    let other = normalizedAnswer(reference)
    if own.isEmpty || other.isEmpty { return own.isEmpty && other.isEmpty ? 1 : 0 }
    let counts = ngrams(other, 1)
    let common = ngrams(own, 1).reduce(0) { $0 + min($1.value, counts[$1.key] ?? 0) }
    return 2 * Double(common) / Double(own.count + other.count)
  }.max() ?? 0
}

/// VQA's accuracy of an answer against several people's, min(agreeing people / 3, 1), averaged over leaving out each of them.
///
/// - Source: Antol et al. 2015 (VQA, arXiv 1505.00468), Section 4; the average as in the authors' evaluation. With one
///   reference it is exact match.
public func vqaAccuracy(_ answer: String, _ people: [String]) -> Double {
  let agrees = people.map { normalizedAnswer($0) == normalizedAnswer(answer) }
  let all = agrees.count { $0 }
  guard people.count > 1 else { return all == people.count && all > 0 ? 1 : 0 }
  return agrees.reduce(0.0) { $0 + min(Double(all - ($1 ? 1 : 0)) / 3, 1) } / Double(people.count)
}

/// Objects that texts mention although the pictures do not show them, in the manner of CHAIR with our own vocabulary.
public struct HallucinatedObjects: Sendable, Equatable {
  /// Share of mentioned objects that are not shown (CHAIR_i), and share of texts with such a mention (CHAIR_s); lower is better.
  public var perMention, perText: Double
  /// Share of shown objects that are mentioned.
  public var coverage: Double

  /// - Parameters:
  ///   - texts: generated descriptions.
  ///   - shown: the objects that each picture shows, by name.
  ///   - vocabulary: names of objects, each with the words (or runs of words) that mean it; all others are no objects.
  /// - Source: Rohrbach et al. 2018 (CHAIR, arXiv 1809.02156), Eq. 1 and 2. Each object counts once a text.
  public init(texts: [String], shown: [Set<String>], vocabulary: [(name: String, synonyms: [String])]) {
    require(texts.count == shown.count, "\(texts.count) texts for \(shown.count) pictures")
    let entries = vocabulary.map { (name: $0.name, runs: ([$0.name] + $0.synonyms).map { words(of: $0) }) }
    var (mentions, wrong, badTexts, objects, found) = (0, 0, 0, 0, 0)
    for (text, truth) in zip(texts, shown) {
      let said = words(of: text)
      let named = entries.filter { entry in entry.runs.contains { contains(said, $0) } }.map(\.name)
      let invented = named.count { !truth.contains($0) }
      mentions += named.count
      wrong += invented
      if invented > 0 { badTexts += 1 }
      objects += truth.count
      found += named.count - invented
    }
    perMention = Double(wrong) / Double(max(mentions, 1))
    perText = Double(badTexts) / Double(max(texts.count, 1))
    coverage = Double(found) / Double(max(objects, 1))
  }
}

/// Whether a run of words, or its plural in -s or -es, occurs in a text.
private func contains(_ text: [String], _ run: [String]) -> Bool {
  guard !run.isEmpty, text.count >= run.count else { return false }
  return (0...(text.count - run.count)).contains { start in
    run.indices.allSatisfy { k in
      let (said, meant) = (text[start + k], run[k])
      return said == meant || (k == run.count - 1 && (said == meant + "s" || said == meant + "es"))
    }
  }
}

/// Yes-or-no questions about objects, in the manner of POPE: precision and recall of "yes", and how often it is said.
public struct ObjectPolling: Sendable, Equatable {
  public var accuracy, precision, recall, f1, yesShare: Double

  /// - Parameters: answers: whether "yes" was said; truth: whether the object is there; at least one.
  /// - Source: Li et al. 2023 (POPE, arXiv 2305.10355), Section 5.1.
  public init(answers: [Bool], truth: [Bool]) {
    let c = Confusion(truth: truth.map { $0 ? 1 : 0 }, predicted: answers.map { $0 ? 1 : 0 }, classes: 2)
    accuracy = c.pixelAccuracy
    precision = Double(c[1, 1]) / Double(max(c.predicted(1), 1))
    recall = Double(c[1, 1]) / Double(max(c.shown(1), 1))
    f1 = c.f1(1) ?? 0
    yesShare = Double(c.predicted(1)) / Double(max(c.total, 1))
  }
}

/// The perplexity of a language model, exp of the mean negative log likelihood of tokens; 1 or more, lower is better.
///
/// - Parameter logLikelihoods: of each token given those before, nats; at least one.
public func perplexity(_ logLikelihoods: [Double]) -> Double {
  exp(-logLikelihoods.reduce(0, +) / Double(max(logLikelihoods.count, 1)))
}

/// The perplexity under logits `[N, V]` of the tokens that came; tokens below 0 are left out. See `perplexity`.
public func perplexity(logits: Tensor, tokens: [Int]) -> Double {
  let kept = tokens.indices.filter { tokens[$0] >= 0 }
  let rows = logits.gathered(IndexTensor(kept))
  return exp(negativeLogLikelihood(rows, kept.map { tokens[$0] }))
}
