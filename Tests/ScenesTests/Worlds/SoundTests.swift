import Glibc
import ReproConfig
import ReproData
import ReproTensor
import Testing

@testable import ReproScenes

/// `scenes-sound` with a list of actions.
private func sounds(seed: UInt64 = 1, actions: [String] = ["fall"], _ options: (String, String)...) throws
  -> ScenesSound
{
  try sounds(seed: seed, actions: actions, options)
}

private func sounds(seed: UInt64 = 1, actions: [String] = ["fall"], _ options: [(String, String)]) throws -> ScenesSound
{
  let mark = YAMLNode.Mark(file: "test.yaml", line: 1, column: 1)
  func scalar(_ text: String) -> YAMLNode { YAMLNode(.scalar(text, quoted: false), at: mark) }
  var entries = options.map { YAMLNode.Entry(key: $0.0, keyMark: mark, value: scalar($0.1)) }
  entries.append(
    YAMLNode.Entry(key: "actions", keyMark: mark, value: YAMLNode(.sequence(actions.map(scalar)), at: mark)))
  var section = try Section(YAMLNode(.mapping(entries), at: mark), name: "data")
  let provider = try ScenesSound(&section, root: DataRoot(cache: "", mirror: nil, seed: seed))
  try section.finish()
  return provider
}

private let everything = SoundAction.allCases.map(\.name)

@Suite(.serialized) struct SoundTests {
  @Test func samplesAreAPureFunctionOfOptionsSplitIndexAndSeed() throws {
    func data(_ seed: UInt64) throws -> ScenesSound {
      try sounds(seed: seed, actions: everything, ("size", "16"), ("shortcut", "dither"), ("offscreen", "0.3"))
    }
    try expectsPureSamples(try data(1), other: try data(2), [3, 0, 9, 1, 4], changing: "sound")
  }

  /// The sound is silent before the contact and loud right after it, and the picture shows the contact at that frame.
  @Test func theSoundBeginsWithTheFrameOfTheContact() throws {
    for voice in ["impact", "tone"] {
      let data = try sounds(actions: everything, ("hiss", "0"), ("voice", voice), ("size", "16"))
      let batch = try data.batch(Array(0..<48), of: .train)
      let waves = batch.reals("sound").values
      for n in 0..<48 {
        let wave = Array(waves[n * 8000..<(n + 1) * 8000])
        let onset = batch.integers("onset")[n]
        let first = wave.firstIndex { abs($0) > 1e-4 } ?? -1
        #expect(
          first >= onset * 1000 && first < onset * 1000 + 16, "sample \(n) begins at \(first), not \(onset * 1000)")
        #expect(abs(batch.reals("events").values[n * 8] - Float(onset) / 8) < 1e-6)
        let energy = (0..<8).map { frame in wave[frame * 1000..<(frame + 1) * 1000].reduce(0) { $0 + $1 * $1 } }
        #expect(energy[onset] > 0.01 && energy[..<onset].allSatisfy { $0 == 0 })
      }
    }
  }

  /// The lowest pixel of a falling thing comes down until the contact and stays down after it.
  @Test func fallingThingsLandInThatFrame() throws {
    let data = try sounds(("size", "48"), ("silent", "0"))
    let batch = try data.batch(Array(0..<40), of: .train)
    var moved = 0
    for n in 0..<40 {
      let bottom = (0..<8).map { frame in
        let map = Array(image(batch.images("masks"), n, frame: frame))
        return map.lastIndex(of: 1).map { $0 / 48 } ?? -1
      }
      let onset = batch.integers("onset")[n]
      #expect(bottom[onset...].allSatisfy { $0 == bottom[onset] }, "sample \(n): \(bottom), contact \(onset)")
      #expect((0..<onset).allSatisfy { bottom[$0] <= bottom[$0 + 1] })
      if bottom[onset - 1] < bottom[onset] { moved += 1 }
    }
    #expect(moved > 36, "\(moved) of 40 are seen to land")
  }

  @Test func movementBeginsOrEndsAtTheOnset() throws {
    for action in ["roll", "slide", "spin", "collide"] {
      let data = try sounds(actions: [action], ("size", "32"), ("silent", "0"))
      let batch = try data.batch(Array(0..<12), of: .train)
      var seen = 0  // the spin of a plain ball is not
      for n in 0..<12 {
        let onset = batch.integers("onset")[n]
        let masks = (0..<8).map { Array(image(batch.images("video"), n, frame: $0)) }
        if action != "collide" {
          #expect((0..<onset).allSatisfy { masks[$0] == masks[onset] }, "\(action) moves before it sounds")
          if masks[7] != masks[onset] { seen += 1 }
        } else {
          #expect(masks[onset - 1] != masks[onset])
        }
      }
      if action != "collide" { #expect(seen > 8, "\(action) is seen in \(seen) of 12 clips") }
    }
  }

  @Test func voicesDifferByShapeSizeAndMaterial() {
    func wave(_ shape: SoundShape, _ material: SoundMaterial, _ scale: Float, _ number: Int = 0) -> [Float] {
      var random = RandomStream(seed: 1).child("voice", number)
      let voice = SoundVoice(shape, material, scale: scale, rate: 8000, &random)
      var wave = [Float](repeating: 0, count: 4000)
      voice.strike(SoundEvent(time: 0, strength: 1), into: &wave, rate: 8000, &random)
      return wave
    }
    /// The strength of a tone, by correlation with a sine and a cosine.
    func power(_ wave: [Float], _ hertz: Float) -> Float {
      var (a, b) = (Float(0), Float(0))
      for (i, y) in wave.prefix(1600).enumerated() {
        let angle = 2 * Float.pi * hertz * Float(i) / 8000
        a += y * cosf(angle)
        b += y * sinf(angle)
      }
      return a * a + b * b
    }
    /// The lowest mode: between 3 % below and above the nominal pitch.
    for shape in SoundShape.allCases {
      for scale in [Float(0.8), 1.2] {
        let w = wave(shape, .metal, scale)
        let nominal = shape.pitch / scale
        let near = stride(from: Float(0.96), to: 1.04, by: 0.01).map { power(w, nominal * $0) }.max() ?? 0
        let off = power(w, nominal * 1.3)
        #expect(near > 4 * off, "\(shape) at size \(scale)")
      }
    }
    // Metal rings on, wood does not.
    func tail(_ wave: [Float]) -> Float { wave[2400...].reduce(0) { $0 + $1 * $1 } / wave.reduce(0) { $0 + $1 * $1 } }
    let tails = SoundMaterial.allCases.map { tail(wave(.ball, $0, 1)) }
    #expect(tails[0] < 1e-3 && tails[1] > 0.1 && tails[2] < tails[1], "\(tails)")
  }

  /// A strike follows the formula: the damped sum of sines.
  @Test func aStrikeIsADampedSumOfSines() {
    var random = RandomStream(seed: 1).child("voice")
    let voice = SoundVoice(.cone, .glass, scale: 1, rate: 8000, &random)
    var wave = [Float](repeating: 0, count: 2000)
    voice.strike(SoundEvent(time: 0.05, strength: 0.7), into: &wave, rate: 8000, &random)
    for i in 0..<2000 where i < 400 || i > 424 {
      let t = Double(i - 400) / 8000
      let expected =
        t < 0
        ? 0
        : voice.modes.reduce(0.0) { sum, mode in
          sum + 0.7 * Double(mode.amplitude) * exp(-t / Double(mode.decay)) * sin(2 * .pi * Double(mode.frequency) * t)
        }
      #expect(abs(Double(wave[i]) - expected) < 1e-4)
    }
  }

  @Test func theShortcutIsInTheMarkedSoundAlone() throws {
    let data = try sounds(("shortcut", "dither"))
    let batch = try data.batch([0, 1], of: .train)
    let clean = try sounds().batch([0, 1], of: .train)
    #expect(batch.reals("sound").values == clean.reals("sound").values)
    let difference = zip(batch.reals("marked").values, batch.reals("sound").values).map { $0 - $1 }
    for i in difference.indices {
      #expect(abs(abs(difference[i]) - 0.004) < 1e-4)
      #expect(abs(difference[i] - difference[i % 1000]) < 1e-4)
    }
    #expect(clean["marked"] == nil)
  }

  /// The rival's sound is that of the first silent thing, at the same moment, and changes nothing else.
  @Test func theRivalIsTheFirstSilentThingHeardInstead() throws {
    func data(_ rival: String) throws -> Batch {
      try sounds(
        ("frames", "1"), ("fps", "2"), ("silent", "1"), ("size", "48"), ("hiss", "0"), ("rival", rival)
      ).batch(Array(0..<96), of: .test)
    }
    let (batch, plain) = (try data("true"), try data("false"))
    #expect(plain["rival"] == nil && batch.columns.count == plain.columns.count + 2)
    #expect(batch.reals("sound").values == plain.reals("sound").values)
    #expect(batch.images("video") == plain.images("video") && batch.images("masks") == plain.images("masks"))
    let (waves, kinds, own) = (batch.reals("rival").values, batch.integers("rival-kind"), batch.integers("kind"))
    // How much is left after 0.25 s tells the material, the colour of the picture shows it.
    var tails = [[Float]](repeating: [], count: 3)
    var redder = [[Double]](repeating: [], count: 3)
    for n in 0..<96 {
      #expect(kinds[n] != own[n])
      let wave = Array(waves[n * 4000..<(n + 1) * 4000])
      #expect(abs(wave[..<16].map(abs).max() ?? 0) > 1e-4, "it begins with the same contact")
      let total = wave.reduce(0) { $0 + $1 * $1 }
      tails[kinds[n] % 3].append(wave[2000...].reduce(0) { $0 + $1 * $1 } / total)
      let (mask, rgb) = (Array(image(batch.images("masks"), n)), Array(image(batch.images("video"), n)))
      let pixels = mask.indices.filter { mask[$0] == 2 }
      guard pixels.count > 8 else { continue }
      let (red, blue) = (
        pixels.reduce(0.0) { $0 + Double(rgb[$1 * 3]) }, pixels.reduce(0.0) { $0 + Double(rgb[$1 * 3 + 2]) }
      )
      redder[kinds[n] % 3].append(red / max(blue, 1))
    }
    func mean(_ x: [Double]) -> Double { x.reduce(0, +) / Double(x.count) }
    #expect((tails[0].max() ?? 1) < (tails[1].min() ?? 0), "wood is silent when metal still rings")
    #expect(mean(redder[0]) > 1.3 * mean(redder[1]) && mean(redder[1]) > 1.1 * mean(redder[2]), "\(redder.map(mean))")
    #expect(throws: ReproError.self) { try sounds(("rival", "true"), ("silent", "0")) }
  }

  @Test func placesAndKindsAreBalanced() throws {
    let data = try sounds(("silent", "3"), ("offscreen", "0.25"), ("size", "24"))
    let batch = try data.batch(Array(0..<240), of: .test)
    #expect((0..<12).allSatisfy { kind in batch.integers("kind").count { $0 == kind } == 20 })
    #expect(
      (0..<240).allSatisfy {
        batch.integers("kind")[$0] == batch.integers("shape")[$0] * 3 + batch.integers("material")[$0]
      })
    let shown = batch.integers("shown")
    #expect(abs(Double(shown.count { $0 == 0 }) / 240 - 0.25) < 0.09)
    var left = 0
    for n in 0..<240 {
      let last = Array(image(batch.images("masks"), n, frame: 7))
      #expect(last.contains(1) == (shown[n] == 1))
      #expect(last.allSatisfy { $0 <= 4 })
      if batch.reals("place").values[(n * 8 + 7) * 2] < 12 { left += 1 }
    }
    #expect(abs(left - 120) < 32, "\(left) of 240 sources are on the left")
  }

  /// Areas fall with the square of the distance; what is heard and where things stand does not change.
  @Test func aNearerCameraSeesTheSameThingsLarger() throws {
    func batch(_ options: (String, String)...) throws -> Batch {
      let plain = [("size", "64"), ("frames", "1"), ("fps", "2"), ("silent", "1")]
      return try sounds(plain + options).batch(Array(0..<60), of: .test)
    }
    func area(_ batch: Batch) -> Double { Double(batch.images("masks").bytes.count { $0 == 1 || $0 == 2 }) }
    let (far, near) = (try batch(), try batch(("distance", "3.6")))
    #expect(abs(area(near) / area(far) / (5.6 * 5.6 / (3.6 * 3.6)) - 1) < 0.15)
    #expect(far.reals("sound").values == near.reals("sound").values)
    #expect(far.integers("kind") == near.integers("kind"))
  }

  /// Brightness changes from pixel to pixel of ground and wall come from their patterns.
  @Test func withoutClutterTheGroundAndTheWallArePlain() throws {
    func roughness(_ clutter: String) throws -> Double {
      let batch = try sounds([("size", "32"), ("frames", "1"), ("fps", "2"), ("clutter", clutter)]).batch(
        Array(0..<40), of: .test)
      var (sum, count) = (0.0, 0)
      for n in 0..<40 {
        let (picture, masks) = (Array(image(batch.images("video"), n)), Array(image(batch.images("masks"), n)))
        for i in 1..<masks.count where i % 32 != 0 && masks[i] == 0 && masks[i - 1] == 0 {
          sum += abs(Double(picture[3 * i]) - Double(picture[3 * i - 3]))
          count += 1
        }
      }
      return sum / Double(count)
    }
    #expect(try roughness("0") < 0.5 * roughness("0.7"))
  }

  @Test func narrationsErrAsOftenAsTheySay() throws {
    let batch = try sounds(actions: everything, ("size", "16"), ("frames", "1"), ("mishap", "0.4")).batch(
      Array(0..<400), of: .train)
    var right = 0
    for n in 0..<400 {
      let (caption, narration) = (batch.texts("caption")[n], batch.texts("narration")[n])
      let words = caption.split(separator: " ").map(String.init)
      let thing = "\(words[1]) \(words[2])"
      let action = SoundAction.allCases[batch.integers("action")[n]]
      #expect(words[3] == action.verb)
      let count = (narration.contains(thing) ? 1 : 0) + (narration.contains(action.doing) ? 1 : 0)
      #expect(batch.integers("mention")[n] == count, "\(caption) | \(narration)")
      right += count
    }
    #expect(abs(Double(right) / 800 - 0.6) < 0.05, "\(right) of 800 mentions are right")
  }

  @Test func wrongOptionsAreRefused() throws {
    #expect(throws: ReproError.self) { try sounds(("rate", "8000"), ("fps", "7")) }
    #expect(throws: ReproError.self) { try sounds(actions: ["fly"]) }
    #expect(throws: ReproError.self) { try sounds(actions: []) }
    #expect(throws: ReproError.self) { try sounds(("shapes", "9")) }
  }
}
