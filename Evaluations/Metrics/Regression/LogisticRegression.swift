import Glibc
import ReproTensor

/// Multinomial logistic regression to its optimum, by L-BFGS: no learning rate, no randomness.
///
///     L(W, b) = 1/N sum_i -log softmax(W x_i + b)_{y_i} + 1/(2 c N) |W|^2
///
/// The intercept is not penalised. Products are made in `Real`, sums over samples and all steps of the optimiser in Double,
/// in a fixed order.
/// - Source: objective as scikit-learn's LogisticRegression; Liu and Nocedal 1989 (L-BFGS, ten pairs).
public struct LogisticRegression: Sendable {
  public let model: LinearModel
  /// The objective at the end, nats.
  public let loss: Double
  public let iterations: Int
  /// Whether the largest gradient fell below the tolerance.
  public let hasConverged: Bool

  /// - Parameters:
  ///   - x: inputs, `[N, D]`, best standardised.
  ///   - labels: 0 ..< classes.
  ///   - strength: c > 0, the inverse of the penalty; larger means a weaker penalty.
  ///   - iterations: the limit.
  ///   - tolerance: the largest entry of the gradient at which to stop.
  ///   - start: from which to begin, all zeros without it.
  public init(
    _ x: Tensor, _ labels: [Int], classes: Int, strength: Double = 1, iterations limit: Int = 1000,
    tolerance: Double = 1e-5, start: LinearModel? = nil
  ) {
    require(
      x.rank == 2 && labels.count == x.shape[0] && !labels.isEmpty && strength > 0,
      "logistic regression needs [N, D], N labels and a strength > 0, got \(x.shape), \(labels.count), \(strength)")
    for label in labels { require(label >= 0 && label < classes, "label \(label) is outside of \(classes) classes") }
    let problem = SoftmaxProblem(x: x, labels: labels, classes: classes, decay: 1 / (strength * Double(labels.count)))
    let first = start.map { $0.weight.values.map { Double($0) } + $0.bias.values.map { Double($0) } }
    var search = LBFGS(start: first ?? [Double](repeating: 0, count: classes * (x.shape[1] + 1)))
    search.minimize(iterations: limit, tolerance: tolerance, problem.valueAndGradient)
    model = problem.model(search.point)
    (loss, iterations, hasConverged) = (search.value, search.iterations, search.hasConverged)
  }
}

/// The objective as a function of one vector: weights row by row, then biases.
private struct SoftmaxProblem {
  let x: Tensor
  let labels: [Int]
  let classes: Int
  let decay: Double

  func model(_ point: [Double]) -> LinearModel {
    let cut = classes * x.shape[1]
    return LinearModel(
      weight: Tensor([classes, x.shape[1]], point[..<cut].map { Real($0) }),
      bias: Tensor([classes], point[cut...].map { Real($0) }))
  }

  func valueAndGradient(_ point: [Double]) -> (Double, [Double]) {
    let (n, d) = (x.shape[0], x.shape[1])
    var residual = model(point)(x)  // logits, then softmax minus one-hot
    let tile = 256
    let tiles = (n + tile - 1) / tile
    var losses = [Double](repeating: 0, count: tiles)
    var sums = [Double](repeating: 0, count: tiles * classes)
    residual.withMutableElements { z in
      losses.withUnsafeMutableBufferPointer { losses in
        sums.withUnsafeMutableBufferPointer { sums in
          let (z, losses, sums) = (z, losses, sums)
          ThreadPool.shared.forEach(tiles) { t in
            for i in (t * tile)..<min((t + 1) * tile, n) {
              let row = UnsafeMutableBufferPointer(rebasing: z[(i * classes)..<((i + 1) * classes)])
              let top = row.max() ?? 0
              var total = 0.0
              for c in 0..<classes { total += exp(Double(row[c] - top)) }
              losses[t] += log(total) - Double(row[labels[i]] - top)
              for c in 0..<classes {
                let p = exp(Double(row[c] - top)) / total - (c == labels[i] ? 1 : 0)
                sums[t * classes + c] += p
                row[c] = Real(p)
              }
            }
          }
        }
      }
    }
    let share = 1 / Double(n)
    let product = matmul(residual.transposed(), x)  // [C, D]
    var gradient = [Double](repeating: 0, count: point.count)
    var penalty = 0.0
    product.withElements { g in
      for j in 0..<(classes * d) {
        gradient[j] = Double(g[j]) * share + decay * point[j]
        penalty += point[j] * point[j]
      }
    }
    for t in 0..<tiles { for c in 0..<classes { gradient[classes * d + c] += sums[t * classes + c] * share } }
    return (losses.reduce(0, +) * share + decay / 2 * penalty, gradient)
  }
}

/// Limited-memory BFGS with a line search that halves until the value falls enough, in Double, all on one thread.
///
/// - Source: Nocedal and Wright 2006, Algorithms 7.4 and 7.5; sufficient decrease 1e-4 (Eq. 3.4).
struct LBFGS {
  private(set) var point: [Double]
  private(set) var value = Double.infinity
  private(set) var iterations = 0
  private(set) var hasConverged = false
  private var pairs: [(step: [Double], change: [Double], curvature: Double)] = []
  private let memory = 10

  init(start: [Double]) { point = start }

  private func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for i in a.indices { sum += a[i] * b[i] }
    return sum
  }

  mutating func minimize(iterations limit: Int, tolerance: Double, _ function: ([Double]) -> (Double, [Double])) {
    var gradient: [Double]
    var stalls = 0
    (value, gradient) = function(point)
    while iterations < limit {
      hasConverged = (gradient.map(abs).max() ?? 0) <= tolerance
      if hasConverged { return }
      var direction = self.direction(gradient)
      var slope = dot(direction, gradient)
      if slope >= 0 {
        pairs = []
        direction = gradient.map { -$0 }
        slope = -dot(gradient, gradient)
      }
      var length = pairs.isEmpty ? min(1, 1 / (-slope).squareRoot()) : 1.0
      var next: (point: [Double], value: Double, gradient: [Double])?
      for _ in 0..<40 {
        var candidate = point
        for i in candidate.indices { candidate[i] += length * direction[i] }
        let (f, g) = function(candidate)
        if f <= value + 1e-4 * length * slope {
          next = (candidate, f, g)
          break
        }
        length /= 2
      }
      iterations += 1
      guard let next else {
        // No descent within the precision of the function: start again from the steepest direction, or this is the end.
        if pairs.isEmpty { return }
        pairs = []
        continue
      }
      var (step, change) = (next.point, next.gradient)
      for i in step.indices { (step[i], change[i]) = (step[i] - point[i], change[i] - gradient[i]) }
      let curvature = dot(step, change)
      if curvature > 1e-12 * dot(change, change) {
        if pairs.count == memory { pairs.removeFirst() }
        pairs.append((step, change, curvature))
      }
      // Below this the function's own rounding decides.
      stalls = value - next.value < 1e-9 * max(1, abs(value)) ? stalls + 1 : 0
      (point, value, gradient) = next
      if stalls == 5 { return }
    }
  }

  /// -H g by the two loops over the last pairs.
  private func direction(_ gradient: [Double]) -> [Double] {
    var q = gradient.map { -$0 }
    var alphas = [Double](repeating: 0, count: pairs.count)
    for k in pairs.indices.reversed() {
      alphas[k] = dot(pairs[k].step, q) / pairs[k].curvature
      for i in q.indices { q[i] -= alphas[k] * pairs[k].change[i] }
    }
    if let last = pairs.last {
      let scale = last.curvature / dot(last.change, last.change)
      for i in q.indices { q[i] *= scale }
    }
    for k in pairs.indices {
      let beta = dot(pairs[k].change, q) / pairs[k].curvature
      for i in q.indices { q[i] += (alphas[k] - beta) * pairs[k].step[i] }
    }
    return q
  }
}
