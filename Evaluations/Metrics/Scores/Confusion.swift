import Glibc
import ReproTensor

/// How often each class was taken for which, and what follows from it.
public struct Confusion: Sendable, Equatable {
  public let classes: Int
  /// `counts[truth * classes + predicted]`
  public private(set) var counts: [Int]

  public init(classes: Int) {
    require(classes >= 1, "a confusion matrix has at least one class")
    self.classes = classes
    counts = [Int](repeating: 0, count: classes * classes)
  }

  public init(truth: [Int], predicted: [Int], classes: Int) {
    require(truth.count == predicted.count, "\(predicted.count) predictions for \(truth.count) samples")
    self.init(classes: classes)
    for (t, p) in zip(truth, predicted) { count(truth: t, predicted: p) }
  }

  public static func += (a: inout Confusion, b: Confusion) {
    require(a.classes == b.classes, "confusions of \(a.classes) and \(b.classes) classes cannot be added")
    for i in a.counts.indices { a.counts[i] += b.counts[i] }
  }

  /// - Parameters: truth, predicted: 0 ..< classes.
  public mutating func count(truth: Int, predicted: Int) { counts[truth * classes + predicted] += 1 }

  /// How often the two classes met.
  public subscript(truth: Int, predicted: Int) -> Int { counts[truth * classes + predicted] }

  /// Samples of a class.
  public func shown(_ c: Int) -> Int { (0..<classes).reduce(0) { $0 + self[c, $1] } }
  /// Samples taken for a class.
  public func predicted(_ c: Int) -> Int { (0..<classes).reduce(0) { $0 + self[$1, c] } }
  public var total: Int { counts.reduce(0, +) }

  /// The same counts with the predicted classes renamed: `names[p]` is the new class of p.
  public func renamingPredictions(_ names: [Int]) -> Confusion {
    require(names.count == classes, "\(names.count) names for \(classes) classes")
    var result = Confusion(classes: classes)
    for t in 0..<classes { for p in 0..<classes { result.counts[t * classes + names[p]] += self[t, p] } }
    return result
  }

  /// Jaccard's index, TP / (TP + FP + FN), 0 to 1; nil for a class that is neither shown nor predicted.
  public func intersectionOverUnion(_ c: Int) -> Double? {
    let union = shown(c) + predicted(c) - self[c, c]
    return union > 0 ? Double(self[c, c]) / Double(union) : nil
  }

  /// The mean IoU over those of the given classes (all without `chosen`) that have one; 0 if none has.
  public func meanIntersectionOverUnion(of chosen: [Int]? = nil) -> Double {
    let values = (chosen ?? Array(0..<classes)).compactMap(intersectionOverUnion)
    return values.reduce(0, +) / Double(max(values.count, 1))
  }

  /// The fraction that is right, 0 to 1.
  public var pixelAccuracy: Double {
    let right = (0..<classes).reduce(0) { $0 + self[$1, $1] }
    return Double(right) / Double(max(total, 1))
  }

  /// The mean over classes that are shown of the fraction of each that is right (balanced accuracy, mean class
  /// accuracy); 0 if none is.
  public var meanClassAccuracy: Double {
    let values = (0..<classes).filter { shown($0) > 0 }.map { Double(self[$0, $0]) / Double(shown($0)) }
    return values.reduce(0, +) / Double(max(values.count, 1))
  }

  /// F1 (Dice) of a class, 2 TP / (2 TP + FP + FN); nil for a class that is neither shown nor predicted.
  public func f1(_ c: Int) -> Double? {
    let sum = shown(c) + predicted(c)
    return sum > 0 ? 2 * Double(self[c, c]) / Double(sum) : nil
  }

  /// The mean F1 over those of the given classes (all without `chosen`) that have one; 0 if none has.
  public func meanF1(of chosen: [Int]? = nil) -> Double {
    let values = (chosen ?? Array(0..<classes)).compactMap(f1)
    return values.reduce(0, +) / Double(max(values.count, 1))
  }

  /// Matthews' correlation of truth and prediction for any number of classes.
  ///
  ///     MCC = (c s - sum_k p_k t_k) / sqrt((s^2 - sum p_k^2) (s^2 - sum t_k^2))
  ///
  /// with c right ones of s samples, t_k shown and p_k predicted ones of class k.
  /// - Returns: -1 to 1; 0 by chance and where either is constant.
  /// - Source: Gorodkin 2004; for two classes Matthews 1975, the measure of GLUE's CoLA.
  public var matthews: Double {
    let s = Double(total)
    let t = (0..<classes).map { Double(shown($0)) }
    let p = (0..<classes).map { Double(predicted($0)) }
    let right = (0..<classes).reduce(0.0) { $0 + Double(self[$1, $1]) }
    let both = zip(t, p).reduce(0.0) { $0 + $1.0 * $1.1 }
    let spread = (s * s - p.reduce(0) { $0 + $1 * $1 }) * (s * s - t.reduce(0) { $0 + $1 * $1 })
    return spread > 0 ? (right * s - both) / spread.squareRoot() : 0
  }

  /// Cohen's kappa, the agreement beyond chance, (a - e) / (1 - e); at most 1, 0 by chance or where e is 1.
  public var kappa: Double {
    let s = Double(max(total, 1))
    let expected = (0..<classes).reduce(0.0) { $0 + Double(shown($1)) * Double(predicted($1)) } / (s * s)
    return expected < 1 ? (pixelAccuracy - expected) / (1 - expected) : 0
  }
}

/// The fraction of predictions that are right.
public func accuracy(_ predictions: [Int], _ truth: [Int]) -> Double {
  require(predictions.count == truth.count, "\(predictions.count) predictions for \(truth.count) samples")
  return Double(zip(predictions, truth).count { $0 == $1 }) / Double(max(truth.count, 1))
}

/// The fraction of rows whose class is among the k largest scores; of equal scores the smaller class ranks first.
///
/// - Parameter scores: `[N, C]`.
public func topAccuracy(_ scores: Tensor, _ truth: [Int], k: Int) -> Double {
  require(scores.rank == 2 && scores.shape[0] == truth.count, "\(truth.count) classes for scores \(scores.shape)")
  let classes = scores.shape[1]
  let hits = scores.withElements { s in
    truth.indices.count { i in
      let own = s[i * classes + truth[i]]
      let before = (0..<classes).count { c in
        s[i * classes + c] > own || (s[i * classes + c] == own && c < truth[i])
      }
      return before < k
    }
  }
  return Double(hits) / Double(max(truth.count, 1))
}
