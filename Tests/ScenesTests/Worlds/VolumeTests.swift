import ReproConfig
import ReproData
import ReproTensor
import Testing

@testable import ReproScenes

@Suite(.serialized) struct VolumeTests {
  @Test func samplesAreAPureFunctionOfOptionsSplitIndexAndSeed() throws {
    for anatomy in ["brain", "abdomen"] {
      func data(_ seed: UInt64) throws -> ScenesVolume {
        try world(ScenesVolume.self, seed: seed, ("anatomy", anatomy), ("size", "12"), ("deform", "0.1"))
      }
      try expectsPureSamples(try data(1), other: try data(2), [3, 0, 9, 1, 4], changing: "volume")
    }
  }

  @Test func lesionsLieInTheirOrgans() throws {
    var random = RandomStream(seed: 9).child("bodies")
    var cells = 0
    func check(_ body: some Phantom) {
      for lesion in body.lesions {
        #expect(type(of: body).hosts.contains(body.healthy(lesion.center)))
        #expect(body.tissue(lesion.center).number == type(of: body).lesion)
      }
      for _ in 0..<3000 {
        let p = random.cube()
        let tissue = body.tissue(p).number
        guard tissue == type(of: body).lesion else {
          #expect(tissue == body.healthy(p))
          continue
        }
        cells += 1
        #expect(type(of: body).hosts.contains(body.healthy(p)))
        #expect(body.lesions.contains { ($0.center - p).length < $0.radius * (1 + $0.bumps) })
      }
    }
    for number in 0..<12 {
      var own = RandomStream(seed: 9).child("body", number)
      var brain = BrainPhantom(&own)
      brain.grow(3, radius: 0.1...0.2, &own)
      #expect(brain.lesions.count == 3)
      check(brain)
      var abdomen = AbdomenPhantom(&own)
      abdomen.grow(3, radius: 0.1...0.2, &own)
      check(abdomen)
    }
    #expect(cells > 60)
  }

  @Test func everyTissueIsThereAndHasItsLevel() throws {
    for anatomy in ["brain", "abdomen"] {
      let data = try world(
        ScenesVolume.self, ("anatomy", anatomy), ("lesions", "2"), ("noise", "0.02"), ("bias", "0"), ("shift", "0"),
        ("artefacts", "false"))
      let batch = try data.batch(Array(0..<6), of: .train)
      let labels = batch.images("labels").bytes
      let levels = batch.reals("volume").values
      let (cells, tissues) = (32 * 32 * 32, data.tissues.count)
      let around = [-1, 1, -32, 32, -1024, 1024]
      for modality in 0..<data.modalities {
        var (sum, count) = ([Float](repeating: 0, count: tissues), [Float](repeating: 0, count: tissues))
        for n in 0..<6 {
          for i in 0..<cells {
            let tissue = Int(labels[n * cells + i])
            // Away from other tissues, where a voxel is pure.
            let inner = [i % 32, i / 32 % 32, i / 1024].allSatisfy { (1...30).contains($0) }
            let at = n * cells + i
            let isPure = inner && around.allSatisfy { (step: Int) -> Bool in labels[at + step] == labels[at] }
            guard isPure else { continue }
            sum[tissue] += levels[(n * data.modalities + modality) * cells + i]
            count[tissue] += 1
          }
        }
        for tissue in 0..<tissues where count[tissue] > 25 {
          let level =
            data.isBrain
            ? BrainPhantom.intensity(modality, UInt8(tissue)) : AbdomenPhantom.intensity(modality, UInt8(tissue))
          let isRing = data.isBrain && modality == 3 && tissue == 6
          if !isRing { #expect(abs(sum[tissue] / count[tissue] - level) < 0.06, "\(anatomy), \(modality), \(tissue)") }
        }
        #expect(count.filter { $0 > 25 }.count >= tissues - 2, "\(count)")
      }
    }
  }

  /// The moved labels are the first ones looked up where the displacement points, wherever all voxels around that place
  /// agree.
  @Test func theDisplacementMapsOneVolumeOntoTheOther() throws {
    let data = try world(
      ScenesVolume.self, ("anatomy", "abdomen"), ("deform", "0.2"), ("modalities", "1"), ("lesions", "0"))
    let batch = try data.batch(Array(0..<3), of: .train)
    let s = 32
    let cells = s * s * s
    let field = batch.reals("displacement").values
    let (fixed, moved) = (batch.images("labels").bytes, batch.images("moved_labels").bytes)
    for n in 0..<3 {
      var (same, still, total, longest) = (0, 0, 0, Float(0))
      for i in 0..<cells {
        let u: [Float] = (0..<3).map { field[(n * 3 + $0) * cells + i] }
        longest = max(longest, u.map(abs).max() ?? 0)
        let place = [Float(i % s), Float(i / s % s), Float(i / (s * s))]
        let low: [Int] = (0..<3).map { Int((place[$0] + u[$0]).rounded(.down)) }
        guard low.allSatisfy({ (0..<s - 1).contains($0) }) else { continue }
        var around: Set<UInt8> = []
        for corner in 0..<8 {
          let (x, y, z) = (low[0] + (corner & 1), low[1] + (corner >> 1 & 1), low[2] + (corner >> 2))
          around.insert(fixed[n * cells + (z * s + y) * s + x])
        }
        guard around.count == 1, around != [0] else { continue }
        total += 1
        if around.contains(moved[n * cells + i]) { same += 1 }
        if moved[n * cells + i] == fixed[n * cells + i] { still += 1 }
      }
      #expect(total > 3000 && same * 1000 >= total * 997, "\(same) of \(total) labels agree")
      #expect(total - still > 100, "\(total - still) labels move")
      #expect(longest > 0.5 && longest <= 0.2 * 16)
    }
  }

  @Test func noiseAndBiasDoWhatTheySay() throws {
    func first(_ options: (String, String)...) throws -> [Float] {
      var all = [("artefacts", "false"), ("modalities", "1"), ("shift", "0")] + options
      while all.count < 6 { all.append(("lesions", "0")) }
      return try world(ScenesVolume.self, all[0], all[1], all[2], all[3], all[4], all[5]).batch([0], of: .train).reals(
        "volume"
      ).values
    }
    let quiet = try first(("noise", "0"), ("bias", "0"))
    let loud = try first(("noise", "0.1"), ("bias", "0"))
    let difference: [Float] = zip(loud, quiet).map { $0 - $1 }
    let variance: Float = difference.reduce(Float(0)) { $0 + $1 * $1 } / Float(difference.count)
    let expected: Float = 0.1 * Float(1.25).squareRoot()
    #expect(abs(variance.squareRoot() - expected) < 0.01, "\(variance.squareRoot())")
    let biased = try first(("noise", "0"), ("bias", "0.4"))
    let ratios: [Float] = zip(biased, quiet).filter { $1 > 0.3 }.map { $0 / $1 }
    let (low, high) = (ratios.min() ?? 1, ratios.max() ?? 1)
    #expect(high > 1.04 && high < 1.41 && low < 0.99)
  }
}
