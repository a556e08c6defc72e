import ReproTensor
import TestSupport
import Testing

@testable import ReproData

@Suite(.serialized) struct AugmentationViewTests {
  private func images(_ n: Int, side: Int = 32, channels: Int = 3) -> ImageBatch {
    var stream = RandomStream(seed: 1)
    return ImageBatch(
      count: n, height: side, width: side, channels: channels,
      bytes: (0..<(n * side * side * channels)).map { _ in UInt8(truncatingIfNeeded: stream.next32()) })
  }

  /// What SimCLR does at 32 x 32.
  private var simCLR: ViewPolicy {
    var policy = ViewPolicy(size: 32, scale: 0.08...1)
    policy.jitter = .init(probability: 0.8, brightness: 0.8, contrast: 0.8, saturation: 0.8, hue: 0.2)
    policy.grey = 0.2
    policy.blur = 0.5
    return policy
  }

  @Test func viewsAreTheSameBitsForOneTwoAndThreeThreads() {
    let threads = ThreadPool.shared.threads
    defer { ThreadPool.shared.threads = threads }
    let views = [1, 2, 3].map { n in
      ThreadPool.shared.threads = n
      return simCLR.views(of: images(37), random: RandomStream(seed: 2))
    }
    #expect(sameBits(views[0], views[1]) && sameBits(views[0], views[2]))
    #expect(!sameBits(views[0], simCLR.views(of: images(37), random: RandomStream(seed: 3))))
  }

  @Test func aViewDependsOnItsImageAndItsIndexAlone() {
    let all = simCLR.views(of: images(20), random: RandomStream(seed: 2))
    let few = simCLR.views(of: images(20).prefix(11), random: RandomStream(seed: 2))
    #expect(sameBits(few, all.slice(0, 0..<11)))
    // Other images around it, the same image in its place.
    var bytes = images(20).bytes
    for i in bytes.indices where i / 3072 != 7 { bytes[i] = 255 - bytes[i] }
    let others = ImageBatch(count: 20, height: 32, width: 32, channels: 3, bytes: bytes)
    let view = simCLR.views(of: others, random: RandomStream(seed: 2))
    #expect(sameBits(view.slice(0, 7..<8), all.slice(0, 7..<8)))
    #expect(!sameBits(view.slice(0, 8..<9), all.slice(0, 8..<9)))
  }

  @Test func aPolicyThatDoesNothingGivesTheNormalisedImage() {
    var policy = ViewPolicy(size: 32, scale: 1...1)
    policy.ratio = 1...1
    policy.flip = 0
    for channels in [1, 3] {
      let batch = images(9, channels: channels)
      let views = policy.views(of: batch, random: RandomStream(seed: 2))
      expectClose(views, batch.normalizedTensor, tolerance: 1e-6)
      #expect(
        abs(Double(views.values[5 * 1024 * channels]) - (Double(batch.bytes[5 * 1024 * channels]) / 255 - 0.5) * 4)
          < 1e-5)
    }
  }

  @Test func everyChangeHappensAsOftenAsItIsAskedFor() {
    // On a left-right ramp of one colour a flip, a grey view and an inversion are recognised in the view.
    let n = 600
    var bytes: [UInt8] = []
    for _ in 0..<(n * 8) { for x in 0..<8 { bytes += [UInt8(20 * x + 60), 30, 0] } }
    let batch = ImageBatch(count: n, height: 8, width: 8, channels: 3, bytes: bytes)
    func share(_ change: (inout ViewPolicy) -> Void, _ isChanged: ([Real]) -> Bool) -> Double {
      var policy = ViewPolicy(size: 8, scale: 1...1)
      policy.ratio = 1...1
      policy.flip = 0
      change(&policy)
      let views = policy.views(of: batch, random: RandomStream(seed: 4))
      return Double((0..<n).count { isChanged(views.select(0, $0).values) }) / Double(n)
    }
    // 600 draws: deviation 0.02.
    #expect(abs(share({ $0.flip = 0.5 }) { $0[0] > $0[7] } - 0.5) < 0.07)
    #expect(abs(share({ $0.grey = 0.2 }) { $0[0] == $0[64] && $0[0] == $0[128] } - 0.2) < 0.06)
    #expect(abs(share({ $0.solarize = 0.3 }) { $0[7] < 0 } - 0.3) < 0.06)
    #expect(
      abs(
        share({
          $0.blur = 0.7; $0.blurSigma = 1...2
        }) { abs($0[0] - (60.0 / 255 - 0.5) * 4) > 0.05 } - 0.7) < 0.06)
    let jitter = ViewPolicy.Jitter(probability: 0.8, brightness: 0.4, contrast: 0, saturation: 0, hue: 0)
    #expect(abs(share({ $0.jitter = jitter }) { abs($0[0] - (60.0 / 255 - 0.5) * 4) > 1e-4 } - 0.8) < 0.06)
    #expect(share({ _ in }) { abs($0[0] - (60.0 / 255 - 0.5) * 4) > 1e-4 } == 0)
  }

  @Test func brightnessIsDrawnEvenlyFromItsRange() {
    let n = 2000
    let batch = ImageBatch(
      count: n, height: 4, width: 4, channels: 1, bytes: [UInt8](repeating: 100, count: n * 16))
    var policy = ViewPolicy(size: 4, scale: 1...1)
    policy.jitter = .init(probability: 1, brightness: 0.4, contrast: 0, saturation: 0, hue: 0)
    let values = policy.views(of: batch, random: RandomStream(seed: 5)).values
    let factors = (0..<n).map { (Double(values[$0 * 16]) / 4 + 0.5) * 255 / 100 }
    #expect(factors.allSatisfy { $0 > 0.599 && $0 < 1.401 })
    for quarter in 0..<4 {
      let (low, high) = (0.6 + 0.2 * Double(quarter), 0.8 + 0.2 * Double(quarter))
      #expect(abs(factors.count { $0 >= low && $0 < high } - 500) < 80)  // deviation 19
    }
  }

  @Test func eachChangeOfColourIsDrawnFromItsOwnRange() {
    let n = 300
    let pixel: [UInt8] = [150, 100, 60]
    let batch = ImageBatch(
      count: n, height: 4, width: 4, channels: 3, bytes: (0..<(n * 16)).flatMap { _ in pixel })
    /// The colours of views, 0 to 1, under one change alone.
    func colours(_ jitter: ViewPolicy.Jitter) -> [(r: Double, g: Double, b: Double)] {
      var policy = ViewPolicy(size: 4, scale: 1...1)
      policy.jitter = jitter
      let values = policy.views(of: batch, random: RandomStream(seed: 6)).values
      func value(_ i: Int, _ channel: Int) -> Double { Double(values[(i * 3 + channel) * 16]) / 4 + 0.5 }
      return (0..<n).map { (value($0, 0), value($0, 1), value($0, 2)) }
    }
    // Brightest and darkest channel stay; the hue of (150, 100, 60) is (100 - 60) / 90 / 6 of a turn.
    let hues = colours(.init(probability: 1, brightness: 0, contrast: 0, saturation: 0, hue: 0.05)).map { c in
      #expect(abs(max(c.r, c.g, c.b) - 150.0 / 255) < 1e-3 && abs(min(c.r, c.g, c.b) - 60.0 / 255) < 1e-3)
      return (c.g - c.b) / (c.r - c.b) / 6 - 40.0 / 540
    }
    #expect(hues.allSatisfy { abs($0) < 0.051 })
    #expect(hues.count { $0 > 0.025 } > 45 && hues.count { $0 < -0.025 } > 45, "75 each are expected")
    // On one colour, contrast and saturation both pull towards a grey: differences of channels shrink and grow.
    for (contrast, saturation) in [(0.3, 0.0), (0.0, 0.3)] {
      let jitter = ViewPolicy.Jitter(
        probability: 1, brightness: 0, contrast: contrast, saturation: saturation, hue: 0)
      let factors = colours(jitter).map { ($0.r - $0.b) * 255 / 90 }
      #expect(factors.allSatisfy { $0 > 0.69 && $0 < 1.31 })
      #expect(factors.count { $0 > 1.15 } > 45 && factors.count { $0 < 0.85 } > 45)
    }
  }

  @Test func aSimCLRLikePolicyMakesThousandsOfViewsASecond() {
    let batch = images(1024)
    let clock = ContinuousClock()
    var best = Duration.seconds(1000)
    for k in 0..<3 {
      let time = clock.measure { _ = simCLR.views(of: batch, random: RandomStream(seed: UInt64(k))) }
      best = min(best, time)
    }
    let seconds = Double(best.components.seconds) + Double(best.components.attoseconds) * 1e-18
    let rate = Int(1024 / seconds)
    print("SimCLR-like views at 32 x 32: \(rate) images per second on \(ThreadPool.shared.threads) thread(s)")
    #expect(rate > 200)
  }
}

extension ImageBatch {
  fileprivate func prefix(_ n: Int) -> ImageBatch {
    ImageBatch(
      count: n, height: height, width: width, channels: channels,
      bytes: Array(bytes[..<(n * height * width * channels)]))
  }
}
