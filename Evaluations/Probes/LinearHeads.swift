import ReproNN
import ReproTensor

/// Linear classifiers trained side by side on the same inputs, one for each learning rate; one product serves all.
///
/// All start from the same weights, normal with deviation 0.01, and zero bias; a head never feels its neighbours.
struct LinearHeads: Sendable {
  let rates: [Double]
  let classes: Int
  private(set) var heads: [Linear]
  private var optimizers: [Optimizer]

  init(rates: [Double], inputs: Int, classes: Int, rule: Optimizer.Rule, random: RandomStream) {
    require(!rates.isEmpty && classes >= 1, "heads need a rate and a class, got \(rates) and \(classes)")
    let head = Linear(inputs, classes, deviation: 0.01, random: random)
    self.rates = rates
    self.classes = classes
    heads = rates.map { _ in head }
    optimizers = rates.map { _ in Optimizer(rule, for: head) }
  }

  /// Logits of all heads.   [..., D] -> [..., R C]
  func callAsFunction(_ x: Tensor) -> Tensor {
    linear(x, concat(heads.map(\.weight)), concat(heads.compactMap(\.bias)))
  }

  /// One update of every head by the mean cross entropy of its own logits.
  ///
  /// - Parameters:
  ///   - x: inputs, `[..., D]`.
  ///   - labels: one for each row of the logits; rows of negative labels count for nothing.
  ///   - factor: what multiplies every learning rate now.
  ///   - map: a linear op between the heads and the loss that leaves the last axis alone (upsampling to pixels).
  mutating func step(
    _ x: Tensor, _ labels: [Int], factor: Double, decay: Double = 0, through map: (Tensor) -> Tensor = { $0 }
  ) {
    let weights = heads.map { $0.weight.tracked }
    let biases = heads.compactMap { $0.bias?.tracked }
    let logits = map(linear(x, concat(weights), concat(biases)))
    let rows = logits.count / (rates.count * classes)
    let seed = crossEntropyGradient(logits.detached.reshaped([rows, rates.count, classes]), labels)
    let parts = gradients(of: logits, seed: seed.reshaped(to: logits.shape), with: weights + biases)
    // The mean over the rows that count: cheaper here than on every logit.
    let share = 1 / Real(max(1, labels.count { $0 >= 0 }))
    for i in heads.indices {
      let own = Gradients([parts[i] * share, parts[heads.count + i] * share])
      optimizers[i].update(&heads[i], own, rate: Real(rates[i] * factor), decay: Real(decay))
    }
  }

  /// The class with the largest logit of each row and head, the first of equals.   [..., R C] -> [rows, R]
  func predictions(_ logits: Tensor) -> IndexTensor {
    logits.reshaped([logits.count / (rates.count * classes), rates.count, classes]).argmax()
  }
}

/// The gradient of the sum of cross entropies with respect to the logits, `softmax(logits) - onehot(label)`.
///
/// - Parameters:
///   - logits: `[N, R, C]`, R heads that share the labels.
///   - labels: N classes; a row whose label is negative gets zeros.
func crossEntropyGradient(_ logits: Tensor, _ labels: [Int]) -> Tensor {
  let (heads, classes) = (logits.shape[1], logits.shape[2])
  require(labels.count == logits.shape[0], "\(labels.count) labels for logits \(logits.shape)")
  for label in labels { require(label < classes, "label \(label) is outside of logits \(logits.shape)") }
  var gradient = logits.softmax()
  let tile = max(1, 16384 / (heads * classes))
  gradient.withMutableElements { g in
    ThreadPool.shared.forEach((labels.count + tile - 1) / tile) { t in
      for i in (t * tile)..<min((t + 1) * tile, labels.count) {
        for row in (i * heads)..<((i + 1) * heads) {
          if labels[i] >= 0 {
            g[row * classes + labels[i]] -= 1
          } else {
            for c in 0..<classes { g[row * classes + c] = 0 }
          }
        }
      }
    }
  }
  return gradient
}

/// Shifts and scales each feature to mean 0 and variance 1 over the samples that it was made from.
///
///     y = (x - mean) / sqrt(variance + 1e-6)
///
/// A feature that never changes becomes 0. It is batch normalisation without affine part, with the statistics of all
/// samples: as before the linear probe of He et al. 2022 (MAE, arXiv 2111.06377), Appendix A.
struct Standardizer: Sendable {
  let mean: Tensor  // [D]
  let scale: Tensor  // [D]

  /// - Parameter x: `[..., D]`, at least one row.
  init(_ x: Tensor) {
    let rows = x.reshaped([-1, x.shape[-1]])
    let n = rows.shape[0]
    mean = rows.mean(0)
    var squares = Tensor.zeros(mean.shape)
    // In pieces, so that centred copies of large maps never exist as a whole.
    for first in stride(from: 0, to: n, by: 8192) {
      squares += (rows.slice(0, first..<min(first + 8192, n)) - mean).squared().sum(0)
    }
    scale = (squares / Real(n) + 1e-6).rsqrt()
  }

  func callAsFunction(_ x: Tensor) -> Tensor { (x - mean) * scale }
}

/// The samples of each step: every epoch visits all of them once, in an order drawn from its number. What does not fill
/// a batch at the end of an epoch is left out of that epoch.
struct Epochs: Sendable {
  let count: Int
  let batch: Int
  private let random: RandomStream
  private var epoch = -1
  private var order: [Int] = []

  /// - Parameter batch: samples of a step; all of them if there are fewer.
  init(count: Int, batch: Int, random: RandomStream) {
    require(count >= 1 && batch >= 1, "epochs need samples and a batch, got \(count) and \(batch)")
    (self.count, self.batch, self.random) = (count, min(batch, count), random)
  }

  /// Steps of one epoch.
  var steps: Int { count / batch }

  mutating func samples(ofStep step: Int) -> [Int] {
    if step / steps != epoch {
      epoch = step / steps
      var stream = random.child("epoch", epoch)
      order = stream.permutation(count)
    }
    let first = step % steps * batch
    return Array(order[first..<(first + batch)])
  }
}
