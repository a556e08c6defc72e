import ReproNN
import ReproTensor
import TestSupport
import Testing

@Suite("Schedules")
struct ScheduleTests {
  @Test func linearAndCosineMeetTheirClosedForms() {
    let linear = Schedule(from: 1, to: 3, over: 0.5, form: .linear)
    #expect(linear(0) == 1 && linear(0.25) == 2 && linear(0.5) == 3 && linear(0.9) == 3 && linear(-1) == 1)
    let cosine = Schedule(from: 4, to: 0)
    #expect(cosine(0) == 4 && abs(cosine(0.5) - 2) < 1e-12 && abs(cosine(1)) < 1e-12)
    #expect(abs(cosine(1.0 / 3) - 3) < 1e-12)
    #expect(Schedule.constant(7)(0.3) == 7)
  }

  @Test func warmupRisesToThePeakAndTheCosineFallsToTheEnd() {
    let rate = LearningRate(peak: 2, final: 0.5, warmup: 0.2)
    #expect(rate(0) == 0 && abs(rate(0.1) - 1) < 1e-12 && abs(rate(0.2) - 2) < 1e-12)
    #expect(abs(rate(0.6) - 1.25) < 1e-12 && abs(rate(1) - 0.5) < 1e-12)
    #expect(LearningRate(peak: 2)(0) == 2, "no warm-up begins at the peak")
  }

  /// What make_training_vectors.py makes PyTorch's schedulers do.
  static let rates: [String: LearningRate] = [
    "constant": LearningRate(.constant, peak: 2),
    "linear": LearningRate(.linear, peak: 2, final: 0.5),
    "cosine": LearningRate(.cosine, peak: 2, final: 0.1),
    "step": LearningRate(.step(milestones: [0.3, 0.65], factor: 0.1), peak: 2),
    "exponential": LearningRate(.exponential, peak: 2, final: 0.02),
    // PyTorch counts steps 0 ... 23 and ends the rise at step 5.
    "one cycle": LearningRate(.oneCycle, peak: 2, final: 0.004, start: 0.2, warmup: 5.0 / 23),
    "warm-up": LearningRate(.cosine, peak: 2, start: 0.4, warmup: 0.2),
  ]

  @Test(arguments: try VectorFile("training.h5").names("rates"))
  func learningRatesAreThoseOfPyTorchsSchedulers(_ name: String) throws {
    let rate = try #require(Self.rates[name], "no rate is called \(name)")
    let expected = try VectorFile("training.h5").tensor("rates/\(name)").values
    for (step, value) in expected.enumerated() {
      let found = rate(Double(step) / Double(expected.count - 1))
      #expect(abs(found - Double(value)) < 1e-6, "\(name), step \(step): \(found), PyTorch has \(value)")
    }
  }

  @Test func everyShapeHasVectors() throws {
    #expect(try VectorFile("training.h5").names("rates") == Self.rates.keys.sorted())
  }
}

@Suite("Moving averages")
struct MovingAverageTests {
  static let rates: [String: AverageRate] = [
    "ema": .scheduled(.constant(0.9)), "mean": .uniform, "warmed up": .warmedUp(limit: 0.6),
    "byol": .scheduled(Schedule(from: 0.9, to: 1)),
  ]

  @Test(arguments: rates.keys.sorted())
  func followTheirSourceAsPyTorchsDo(_ name: String) throws {
    let file = try VectorFile("training.h5")
    let (values, expected) = (try file.tensor("averages/values"), try file.tensor("averages/\(name)"))
    var layer = Pair(weight: values.select(0, 0).copy, bias: .ones([1]))
    var average = MovingAverage(of: layer, rate: try #require(Self.rates[name]))
    // The plain mean counts the first value as an update; the others begin as it.
    for t in (name == "mean" ? 0 : 1)..<20 {
      layer.weight = values.select(0, t).copy
      average.follow(layer, progress: Double(t) / 20)
      expectClose(average.value.weight, expected.select(0, t), tolerance: 2e-6, "\(name) after \(t)")
    }
    #expect(average.updates == (name == "mean" ? 20 : 19))
    #expect(average.parameters.allSatisfy { !$0.isTrained }, "the optimizer leaves the average alone")
  }

  @Test func aPlainMeanOfManyEqualValuesStaysThatValue() {
    let layer = Pair(weight: .full([3], 0.7), bias: .ones([1]))
    var average = MovingAverage(of: layer, rate: .uniform)
    for _ in 0..<100 { average.follow(layer) }
    expectClose(average.value.weight, layer.weight, tolerance: 1e-5)
  }
}

extension Tensor {
  /// The same values in memory of their own.
  fileprivate var copy: Tensor { Tensor(shape, values) }
}
