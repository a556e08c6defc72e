import Glibc
import ReproConfig
import ReproData
import ReproTensor
import Testing

@testable import ReproScenes

@Suite(.serialized) struct VoiceTests {
  @Test func samplesAreAPureFunctionOfOptionsSplitIndexAndSeed() throws {
    func data(_ seed: UInt64) throws -> ScenesVoices {
      try world(ScenesVoices.self, seed: seed, ("size", "24"), ("frames", "3"), ("babble", "2"))
    }
    try expectsPureSamples(try data(1), other: try data(2), [3, 0, 9, 1, 4], changing: "sound")
  }

  /// Frame by frame, the louder the voice the wider the mouth.
  @Test func theMouthOpensWithTheVoice() throws {
    let batch = try world(ScenesVoices.self, ("size", "24"), ("hiss", "0")).batch(Array(0..<40), of: .train)
    var correlations: [Float] = []
    for n in 0..<40 {
      let wave = Array(batch.reals("sound").values[n * 8000..<(n + 1) * 8000])
      let loud = (0..<10).map { frame in
        (wave[frame * 800..<(frame + 1) * 800].reduce(Float(0)) { $0 + $1 * $1 } / 800).squareRoot()
      }
      let open = (0..<10).map { batch.reals("face").values[(n * 10 + $0) * 3] }
      let (a, b) = (loud.reduce(0, +) / 10, open.reduce(0, +) / 10)
      var (ab, aa, bb) = (Float(0), Float(0), Float(0))
      for i in 0..<10 {
        ab += (loud[i] - a) * (open[i] - b)
        aa += (loud[i] - a) * (loud[i] - a)
        bb += (open[i] - b) * (open[i] - b)
      }
      correlations.append(ab / (aa * bb).squareRoot())
    }
    let mean = correlations.reduce(0, +) / 40
    #expect(mean > 0.6, "loudness and mouth correlate by \(mean)")
  }

  /// The pitch of the sound, by its autocorrelation, is the pitch of the label.
  @Test func thePitchIsTheLabel() throws {
    let batch = try world(ScenesVoices.self, ("size", "24"), ("hiss", "0")).batch(Array(0..<40), of: .train)
    var (right, asked) = (0, 0)
    for n in 0..<40 {
      let wave = Array(batch.reals("sound").values[n * 8000..<(n + 1) * 8000])
      for frame in 0..<10 where batch.reals("face").values[(n * 10 + frame) * 3] > 0.35 {
        let part = Array(wave[frame * 800..<(frame + 1) * 800])
        let told = batch.reals("pitch").values[n * 10 + frame]
        var (best, lag) = (-Float.infinity, 0)
        for shift in 20..<130 {
          var (sum, energy) = (Float(0), Float(1e-9))
          for i in 0..<600 {
            sum += part[i] * part[i + shift]
            energy += part[i + shift] * part[i + shift]
          }
          let score = sum / energy.squareRoot() * (1 - 0.0015 * Float(shift))
          if score > best { (best, lag) = (score, shift) }
        }
        asked += 1
        if abs(8000 / Float(lag) / told - 1) < 0.12 { right += 1 }
      }
    }
    #expect(asked > 60 && right * 10 > asked * 7, "\(right) of \(asked) pitches agree")
  }

  @Test func sexAndSizeMoveTheVoice() {
    let people = (0..<300).map { number in
      var random = RandomStream(seed: 8).child("person", number)
      return VoicePerson(&random)
    }
    func mean(_ sex: Int) -> Float {
      let some = people.filter { $0.sex == sex }.map(\.pitch)
      return some.reduce(0, +) / Float(some.count)
    }
    #expect(mean(0) > 1.4 * mean(1))
    func tract(_ isWanted: (VoicePerson) -> Bool) -> Float {
      let some: [Float] = people.filter(isWanted).map(\.tract)
      return some.reduce(0, +) / Float(some.count)
    }
    #expect(tract { $0.size > 0.5 && $0.sex == 1 } < tract { $0.size < -0.5 && $0.sex == 1 })
  }

  @Test func emotionsAndWordsAreIndependentOfThePerson() throws {
    let data = try world(
      ScenesVoices.self, ("size", "24"), ("frames", "2"), ("identities", "10"), ("clips", "5"), ("shared", "false"))
    let batch = try data.batch(Array(0..<200), of: .test)
    #expect((0..<10).allSatisfy { who in batch.integers("identity").count { $0 == 20 + who } == 20 })
    for emotion in 0..<6 {
      let count = batch.integers("emotion").count { $0 == emotion }
      #expect(count > 15 && count < 55)
    }
    let train = Set((0..<200).map { data.identity($0, of: .train) })
    #expect(train.isDisjoint(with: Set(batch.integers("identity"))))
    // Happy corners go up, sad ones down.
    for n in 0..<200 {
      let corners = batch.reals("face").values[(n * 2 + 1) * 3 + 1]
      let emotion = VoiceEmotion.allCases[batch.integers("emotion")[n]]
      #expect((corners > 0.2) == (emotion == .happy))
    }
  }

  /// With babble the noise is as strong as asked for.
  @Test func babbleHasItsLevel() throws {
    func sound(_ babble: String) throws -> [Float] {
      try world(ScenesVoices.self, ("size", "24"), ("hiss", "0"), ("babble", babble), ("snr", "5")).batch(
        [0, 1, 2], of: .train
      )
      .reals("sound").values
    }
    let (clean, noisy) = (try sound("0"), try sound("4"))
    for n in 0..<3 {
      let range = n * 8000..<(n + 1) * 8000
      let signal = clean[range].reduce(0) { $0 + $1 * $1 }
      let noise = zip(clean[range], noisy[range]).reduce(Float(0)) { $0 + ($1.1 - $1.0) * ($1.1 - $1.0) }
      #expect(abs(10 * log10f(signal / noise) - 5) < 0.3)
    }
  }
}
