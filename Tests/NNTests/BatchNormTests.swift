import ReproTensor
import TestSupport
import Testing

@testable import ReproNN

@Suite("Batch normalisation")
struct BatchNormTests {
  private let context = ForwardContext(random: RandomStream(seed: 0))

  /// Mean and sum of squared deviations of each channel of `[B, C, ...]`, by hand and in Double.
  private func statistics(_ x: Tensor) -> (mean: [Double], squares: [Double], elements: Double) {
    let (channels, values) = (x.shape[1], x.values)
    let plane = x.shape.array.dropFirst(2).reduce(1, *)
    var (mean, squares) = ([Double](repeating: 0, count: channels), [Double](repeating: 0, count: channels))
    let n = Double(x.count / channels)
    for (i, v) in values.enumerated() { mean[i / plane % channels] += Double(v) / n }
    for (i, v) in values.enumerated() {
      let d = Double(v) - mean[i / plane % channels]
      squares[i / plane % channels] += d * d
    }
    return (mean, squares, n)
  }

  @Test(arguments: [[6, 3], [4, 3, 5], [2, 3, 4, 5], [1, 3, 2]])
  func trainingNormalisesByTheBatchAndRunningStatisticsFollowUnbiased(_ extents: [Int]) {
    var stream = RandomStream(seed: 1)
    var norm = BatchNorm2d(3)
    norm.weight = stream.normal([3])
    norm.bias = stream.normal([3])
    let (gain, bias) = (norm.weight?.values ?? [], norm.bias?.values ?? [])
    var (runningMean, runningVariance) = ([0.0, 0, 0], [1.0, 1, 1])
    let plane = extents.dropFirst(2).reduce(1, *)
    for update in 1...3 {
      let x = stream.normal(Shape(extents), deviation: 2, mean: 1)
      let y = norm(x, context)
      let (mean, squares, n) = statistics(x)
      let expected = x.values.enumerated().map { i, v in
        let c = i / plane % 3
        return Real((Double(v) - mean[c]) / (squares[c] / n + 1e-5).squareRoot() * Double(gain[c]) + Double(bias[c]))
      }
      expectClose(y, Tensor(x.shape, expected), tolerance: 3e-6)
      for c in 0..<3 {
        runningMean[c] = 0.9 * runningMean[c] + 0.1 * mean[c]
        runningVariance[c] = 0.9 * runningVariance[c] + 0.1 * squares[c] / (n - 1)
      }
      expectClose(norm.runningMean, Tensor([3], runningMean.map { Real($0) }), tolerance: 3e-6)
      expectClose(norm.runningVariance, Tensor([3], runningVariance.map { Real($0) }), tolerance: 3e-6)
      #expect(norm.batches == update)
    }
    let frozen = norm
    let x = stream.normal(Shape(extents))
    let expected = x.values.enumerated().map { i, v in
      let c = i / plane % 3
      let normal = (Double(v) - runningMean[c]) / (runningVariance[c] + 1e-5).squareRoot()
      return Real(normal * Double(gain[c]) + Double(bias[c]))
    }
    expectClose(frozen(x), Tensor(x.shape, expected), tolerance: 5e-6)
  }

  @Test func withoutAffineMapTheOutputHasMeanZeroAndVarianceOne() {
    var stream = RandomStream(seed: 2)
    var norm = BatchNorm1d(4, affine: false)
    #expect(norm.parameters.map(\.path) == ["running_mean", "running_var"] && norm.parameterCount == 0)
    let (mean, squares, n) = statistics(norm(stream.normal([50, 4], deviation: 3, mean: -2), context))
    for c in 0..<4 { #expect(abs(mean[c]) < 1e-6 && abs(squares[c] / n - 1) < 1e-5) }
  }

  @Test func aLargeMeanDoesNotSpoilTheVariance() {
    // The difference of the mean of squares and the square of the mean would lose all digits here.
    var stream = RandomStream(seed: 3)
    let small = stream.normal([8, 2, 16], deviation: 1)
    let (_, _, variance) = (small + 4096).batchNormalized(gain: .ones([2]), bias: .zeros([2]))
    let (_, squares, n) = statistics(small + 4096)
    for c in 0..<2 { #expect(abs(Double(variance.values[c]) - squares[c] / n) < 1e-4) }
  }

  @Test func shardsHaveStatisticsOfTheirOwnAndRunningOnesBecomeTheirMean() {
    var stream = RandomStream(seed: 4)
    let x = stream.normal([8, 2, 3])
    func train(recomputes: Bool) -> BatchNorm {
      var norm = BatchNorm(2)
      _ = shardedValueAndGradients(of: &norm, shards: 2, recomputes: recomputes) { norm, shard in
        [norm(x.slice(0, shard * 4..<(shard * 4 + 4)), context)]
      } loss: {
        $0[0].squared().sum()
      }
      return norm
    }
    let norm = train(recomputes: false)
    let (a, b) = (statistics(x.slice(0, 0..<4)), statistics(x.slice(0, 4..<8)))
    for c in 0..<2 {
      #expect(abs(Double(norm.runningMean.values[c]) - 0.1 * (a.mean[c] + b.mean[c]) / 2) < 1e-6)
      let variance = 0.9 + 0.1 * (a.squares[c] + b.squares[c]) / 2 / (a.elements - 1)
      #expect(abs(Double(norm.runningVariance.values[c]) - variance) < 1e-6)
    }
    #expect(norm.batches == 1)
    let again = train(recomputes: true)
    #expect(sameBits(norm.runningMean, again.runningMean) && sameBits(norm.runningVariance, again.runningVariance))
  }

  @Test func aTeacherFollowsTheParametersAndCopiesTheStatistics() {
    var stream = RandomStream(seed: 5)
    var student = BatchNorm(2)
    var teacher = student
    _ = student(stream.normal([4, 2]), context)
    student.bias = .full([2], 1)
    teacher.average(with: student, rate: 0.75)
    #expect(teacher.bias?.values == [0.25, 0.25] && teacher.batches == 1)
    #expect(sameBits(teacher.runningMean, student.runningMean))
    #expect(sameBits(teacher.runningVariance, student.runningVariance))
  }

  @Test func oneElementOfAChannelCannotTrain() async {
    await #expect(processExitsWith: .failure) {
      var norm = BatchNorm(2)
      _ = norm(Tensor([1, 2], [1, 2]), ForwardContext(random: RandomStream(seed: 0)))
    }
  }
}
