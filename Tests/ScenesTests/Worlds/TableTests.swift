import Glibc
import ReproConfig
import ReproData
import ReproTensor
import Testing

@testable import ReproScenes

@Suite(.serialized) struct TableTests {
  @Test func samplesAreAPureFunctionOfOptionsSplitIndexAndSeed() throws {
    func ego(_ seed: UInt64) throws -> ScenesEgoExo {
      try world(ScenesEgoExo.self, seed: seed, ("size", "16"), ("frames", "3"), ("exo", "2"))
    }
    try expectsPureSamples(try ego(1), other: try ego(2), [3, 0, 9, 1, 4], changing: "ego")
    func web(_ seed: UInt64) throws -> ScenesWebVideo {
      try world(ScenesWebVideo.self, seed: seed, ("size", "16"), ("steps", "2"), ("length", "3"))
    }
    try expectsPureSamples(try web(1), other: try web(2), [3, 0, 9, 1, 4], changing: "video")
  }

  /// The acting hand comes to the thing, and carries it as one.
  @Test func handsReachWhatTheyHandle() {
    var random = RandomStream(seed: 3).child("scripts")
    var (near, asked) = (0, 0)
    for verb in TableVerb.allCases where verb != .wave && verb != .walk {
      for number in 0..<6 {
        let own = RandomStream(seed: 3).child(verb.name, number)
        let table = TableWorld(person: own.child("person"), own, count: 4, rarity: 0, first: verb.nouns)
        let script = TableScript(
          verb, target: 0, other: 1, isLeft: table.things[0].rest.translation.x > 0, skill: 3, &random)
        let rest = table.snapshot(script, 0, seconds: 2).body
        var closest = Float.infinity
        var held: [Vec3] = []
        for step in 0...30 {
          let now = table.snapshot(script, Float(step) / 30, seconds: 2)
          let wrist = now.body[script.isLeft ? .leftWrist : .rightWrist]
          let thing = now.moment.thing.translation
          closest = min(closest, (wrist - thing - Vec3(0, table.things[0].height / 2, 0)).length)
          if now.moment.isHolding { held.append(wrist - thing) }
          for i in 0..<17 {
            let joint = BodyJoint.allCases[i]
            guard let parent = joint.parent, joint != .spine else { continue }
            let (now, then) = ((now.body[joint] - now.body[parent]).length, (rest[joint] - rest[parent]).length)
            #expect(abs(now - then) < 1e-3, "\(joint)")
          }
        }
        asked += 1
        if closest < (verb == .point ? 0.45 : 0.24) { near += 1 }
        if verb == .move || verb == .pour || verb == .lift {
          #expect(held.count > 4)
          #expect(held.allSatisfy { ($0 - held[0]).length < 0.2 }, "\(verb)")
        }
      }
    }
    #expect(near * 10 >= asked * 9, "the hand comes near in \(near) of \(asked) clips")
  }

  @Test func thingsEndWhereTheVerbsSay() {
    for number in 0..<10 {
      let own = RandomStream(seed: 5).child("clip", number)
      let table = TableWorld(person: own.child("person"), own, count: 5, rarity: 0, first: TableNoun.allCases)
      func end(_ verb: TableVerb, at time: Float = 1) -> Pose {
        var random = own.child("script")
        return TableScript(verb, target: 0, other: 1, isLeft: false, skill: 3, &random)
          .moment(time, table.things, home: Vec3(0, 0.95, -0.3)).thing
      }
      let (rest, other) = (table.things[0].rest, table.things[1].rest)
      #expect((end(.reach).translation - rest.translation).length < 1e-5)
      #expect(abs(end(.lift).translation.y - rest.translation.y - 0.2) < 1e-4)
      #expect((end(.put).translation - rest.translation).length < 1e-5)
      #expect(abs((end(.move).translation - other.translation).length - 0.15) < 1e-4)
      #expect((end(.pour).translation - rest.translation).length < 1e-4)
      #expect(abs(end(.push).translation.z - rest.translation.z - 0.17) < 1e-4)
      // Turned over: its up is down, and it stands on the table.
      let flipped = end(.turn)
      #expect((flipped.rotation * Vec3(0, 1, 0)).y < -0.999)
      #expect(abs(flipped.translation.y - TableWorld.table - table.things[0].height) < 1e-3)
    }
  }

  /// Less skill, more jerk and slower progress; at the best the path is the smooth one.
  @Test func skillShowsInTheMovement() {
    func jerk(_ skill: Int) -> Float {
      var total: Float = 0
      for number in 0..<8 {
        let own = RandomStream(seed: 6).child("clip", number)
        let table = TableWorld(person: own.child("person"), own, count: 3, rarity: 0, first: TableNoun.allCases)
        var random = own.child("script")
        let script = TableScript(.move, target: 0, other: 1, isLeft: false, skill: skill, &random)
        let path = (0...200).map { step in
          script.moment(Float(step) / 200, table.things, home: Vec3(0, 0.95, -0.3)).wrist ?? .zero
        }
        for i in 3..<path.count { total += (path[i] - 3 * path[i - 1] + 3 * path[i - 2] - path[i - 3]).length }
      }
      return total
    }
    let jerks = (0..<4).map(jerk)
    #expect(jerks[0] > 1.3 * jerks[1] && jerks[1] > 1.3 * jerks[2] && jerks[2] > 1.3 * jerks[3], "\(jerks)")
    var random = RandomStream(seed: 1)
    let script = TableScript(.lift, target: 0, other: 1, isLeft: true, skill: 0, &random)
    let progress = (0...100).map { script.progress(Float($0) / 100) }
    #expect(zip(progress, progress.dropFirst()).allSatisfy { $0 <= $1 } && progress[0] == 0)
    #expect(abs(progress[100] - 1) < 1e-5)
  }

  @Test func narrationsNameWhatHappens() throws {
    let data = try world(ScenesEgoExo.self, ("size", "16"), ("frames", "1"))
    let batch = try data.batch(Array(0..<240), of: .train)
    let known = ScenesEgoExo.vocabulary
    var slips = 0
    for n in 0..<240 {
      let verb = TableVerb.allCases[batch.integers("verb")[n]]
      let noun = TableNoun.allCases[batch.integers("noun")[n]]
      let color = NamedColor.allCases[batch.integers("color")[n]]
      let (narration, transcript) = (batch.texts("narration")[n], batch.texts("transcript")[n])
      #expect(narration.hasPrefix("C \(verb.sentence("", "").split(separator: " ")[0])"))
      if verb != .wave, verb != .walk { #expect(narration.contains("\(color.name) \(noun.name)"), "\(narration)") }
      let isVerb = transcript.contains(verb.colloquial)
      let isNoun = verb == .wave || verb == .walk || transcript.contains(noun.name) || transcript.contains(noun.alias)
      #expect((isVerb && isNoun) == (batch.integers("slip")[n] == 0), "\(verb) \(noun): \(transcript)")
      slips += batch.integers("slip")[n]
      for text in [narration, transcript] {
        #expect(WordVocabulary.split(text).allSatisfy { known.number(of: $0) != WordVocabulary.unknown }, "\(text)")
      }
      #expect(verb.nouns.contains(noun))
      if verb == .pour || verb == .stir {
        #expect(verb.others.contains { narration.contains($0.name) }, "\(narration)")
      }
    }
    #expect(abs(slips - 48) < 22, "\(slips) of 240 transcripts are wrong")
    #expect((0..<12).allSatisfy { verb in batch.integers("verb").count { $0 == verb } == 20 })
  }

  @Test func bothCamerasSeeTheSameMoment() throws {
    let data = try world(ScenesEgoExo.self, ("size", "48"), ("frames", "4"), ("exo", "2"))
    let batch = try data.batch(Array(0..<12), of: .train)
    let (joints, wrists) = (batch.reals("joints").values, batch.reals("wrist").values)
    let k = Array(batch.reals("intrinsics").values[..<18])
    var (seen, hand) = (0, 0)
    for n in 0..<12 {
      for t in 0..<4 {
        // The wrist is one of the two wrists.
        let at = (n * 4 + t) * 17
        let wrist = Array(wrists[(n * 4 + t) * 3..<(n * 4 + t) * 3 + 3])
        let both = [BodyJoint.leftWrist, .rightWrist].map {
          Array(joints[(at + $0.rawValue) * 3..<(at + $0.rawValue) * 3 + 3])
        }
        #expect(both.contains(wrist))
        // The static camera sees a person around the joints.
        for e in 0..<2 {
          let pose = Array(batch.reals("exo_pose").values[(n * 2 + e) * 12..<(n * 2 + e + 1) * 12])
          let neck = (0..<3).map { Double(joints[(at + BodyJoint.neck.rawValue) * 3 + $0]) }
          let p = projected(D3(neck[0], neck[1], neck[2]), k[9..<18], pose[0..<12])
          let map = Array(image(batch.images("exo_masks"), n, frame: t * 2 + e))
          let (x, y) = (Int(p.u.rounded()), Int(p.v.rounded()))
          guard (0..<48).contains(x), (0..<48).contains(y) else { continue }
          if map[y * 48 + x] == 1 { seen += 1 }
        }
        if image(batch.images("ego_masks"), n, frame: t).contains(1) { hand += 1 }
      }
    }
    #expect(seen > 80, "the neck is on the person in \(seen) of 96 views")
    #expect(hand > 24, "the worn camera sees the arms in \(hand) of 48 moments")
  }

  @Test func participantsBelongToOneSplit() throws {
    let data = try world(ScenesEgoExo.self, ("participants", "4"))
    let people = Split.allCases.map { split in Set((0..<100).map { data.participant($0, of: split) }) }
    #expect(
      people.allSatisfy { $0.count == 4 } && people[0].isDisjoint(with: people[1])
        && people[1].isDisjoint(with: people[2]))
  }

  /// Offsets, alignment and order are what the labels say; their distribution is what the options say.
  @Test func narrationIsShiftedAsStated() throws {
    let data = try world(
      ScenesWebVideo.self, ("size", "16"), ("steps", "4"), ("length", "3"), ("bias", "0.5"), ("spread", "0.8"),
      ("intro", "1"))
    let batch = try data.batch(Array(0..<100), of: .train)
    func row(_ name: String, _ n: Int, _ width: Int = 4) -> [Float] {
      Array(batch.reals(name).values[n * width..<(n + 1) * width])
    }
    var (offsets, chatter, told) = ([Float](), 0, 0)
    for n in 0..<100 {
      let (said, belongs, offset, right) = (row("said", n), row("belongs", n), row("offset", n), row("right", n))
      let spans = row("spans", n, 8)
      let (verbs, nouns) = (row("verbs", n), row("nouns", n))
      let spoken = said.filter { $0 >= 0 }
      #expect(spoken == spoken.sorted())
      #expect((0..<3).allSatisfy { spans[2 * $0 + 1] <= spans[2 * $0 + 2] })
      for k in 0..<4 {
        let text = batch.texts("sentence_\(k)")[n]
        #expect(text.isEmpty == (said[k] < 0))
        guard !text.isEmpty else { continue }
        told += 1
        guard belongs[k] >= 0 else {
          chatter += 1
          #expect(TableSpeech.chatter.contains(text) && offset[k] == 0)
          continue
        }
        let action = Int(belongs[k])
        let middle = (spans[2 * action] + spans[2 * action + 1]) / 2
        #expect(abs(said[k] - middle - offset[k]) < 1e-4)
        let (verb, noun) = (TableVerb.allCases[Int(verbs[action])], TableNoun.allCases[Int(nouns[action])])
        let isRight =
          text.contains(verb.colloquial) && (verb == .wave || text.contains(noun.name) || text.contains(noun.alias))
        #expect(isRight == (right[k] == 1), "\(verb) \(noun): \(text)")
        if said[k] > 0, said[k] < Float(data.frames) / 4 { offsets.append(offset[k]) }
      }
      let most = batch.integers("topic")[n]
      let counts = nouns.map { noun in nouns.count { $0 == noun } }
      #expect(nouns.count { Int($0) == most } == counts.max())
    }
    let mean = offsets.reduce(0, +) / Float(offsets.count)
    let deviation = (offsets.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(offsets.count)).squareRoot()
    #expect(abs(mean - 0.5) < 0.12 && abs(deviation - 0.8) < 0.12, "\(mean) +- \(deviation)")
    #expect(abs(Double(chatter) / Double(told) - 0.2) < 0.06 && abs(Double(told) / 400 - 0.8) < 0.06)
  }

  @Test func aTitleCardComesFirst() throws {
    let options = [("size", "16"), ("steps", "2"), ("length", "4"), ("noise", "0")]
    let with = try world(ScenesWebVideo.self, ("intro", "1"), options[0], options[1], options[2], options[3])
    let batch = try with.batch(Array(0..<10), of: .train)
    for n in 0..<10 {
      let card = Array(image(batch.images("video"), n, frame: 0))
      #expect((0..<256).allSatisfy { card[3 * $0] == card[0] && card[3 * $0 + 1] == card[1] })
      let begin = Int((batch.reals("spans").values[n * 4] * 4).rounded())
      #expect((1...4).contains(begin))
      #expect(image(batch.images("video"), n, frame: begin - 1).elementsEqual(card))
      #expect(!image(batch.images("video"), n, frame: begin).elementsEqual(card))
    }
  }
}
