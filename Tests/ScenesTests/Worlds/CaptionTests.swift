import ReproConfig
import ReproData
import ReproTensor
import Testing

@testable import ReproScenes

/// An object as the label columns tell it, with its box and middle measured on the label map.
private struct Seen {
  var shape, color, size, texture, posture: Int
  var u, depth: Float
}

private func seen(_ batch: Batch, _ sample: Int, most: Int) -> [Seen] {
  let columns = ScenesCaptions.objectColumns
  let table = batch.reals("objects").values
  func value(_ i: Int, _ name: String) -> Float {
    table[(sample * most + i) * columns.count + (columns.firstIndex(of: name) ?? 0)]
  }
  return (0..<most).filter { value($0, "shape") >= 0 }.map { i in
    Seen(
      shape: Int(value(i, "shape")), color: Int(value(i, "color")), size: Int(value(i, "size")),
      texture: Int(value(i, "texture")), posture: Int(value(i, "posture")), u: value(i, "u"), depth: value(i, "depth"))
  }
}

/// The meaning of a description, from the numbers of the table alone.
private func fits(_ said: Description, _ object: Seen) -> Bool {
  (said.shape.map { $0.rawValue == object.shape } ?? true) && (said.color.map { $0.rawValue == object.color } ?? true)
    && (said.size.map { $0.rawValue == object.size } ?? true)
    && (said.texture.map { $0.rawValue == object.texture } ?? true)
    && (said.posture.map { $0.rawValue == object.posture } ?? true)
}

private func stands(_ a: Seen, _ relation: Relation, _ b: Seen) -> Bool {
  switch relation {
  case .left: a.u < b.u
  case .right: a.u > b.u
  case .front: a.depth < b.depth
  case .behind: a.depth > b.depth
  }
}

private func isTrue(_ claim: Claim, _ objects: [Seen]) -> Bool {
  switch claim {
  case .exists(let said): return objects.contains { fits(said, $0) }
  case .count(let said, let number): return objects.count { fits(said, $0) } == number
  case .related(let a, let relation, let b):
    for (i, one) in objects.enumerated() where fits(a, one) {
      for (j, two) in objects.enumerated() where i != j && fits(b, two) && stands(one, relation, two) { return true }
    }
    return false
  }
}

/// What a noun phrase between `the` and a verb says.
private func said(_ words: some Sequence<String>) -> Description? {
  guard case .exists(let said) = CaptionParser.claims(words.joined(separator: " ")).first else { return nil }
  return said
}

@Suite(.serialized) struct CaptionTests {
  @Test func samplesAreAPureFunctionOfOptionsSplitIndexAndSeed() throws {
    let options = [("objects", "4"), ("edited", "true"), ("held_out", "12"), ("size", "32")]
    let data = try world(ScenesCaptions.self, options[0], options[1], options[2], options[3])
    let other = try world(ScenesCaptions.self, seed: 2, options[0], options[1], options[2], options[3])
    try expectsPureSamples(data, other: other, [5, 0, 77, 3, 12, 4, 9], changing: "image")
  }

  /// Captions are read back from their words and checked against numbers and pixels.
  @Test func captionsAreTrueAndNegativesFalse() throws {
    for style in CaptionStyle.allCases {
      let data = try world(ScenesCaptions.self, ("objects", "5"), ("style", style.rawValue))
      let batch = try data.batch(Array(0..<80), of: .train)
      for i in 0..<80 {
        let objects = seen(batch, i, most: 5)
        for text in [batch.texts("caption")[i], batch.texts("paraphrase")[i]] {
          let claims = CaptionParser.claims(text)
          #expect(!claims.isEmpty, "nothing understood of '\(text)'")
          for claim in claims { #expect(isTrue(claim, objects), "'\(text)' is false of sample \(i)") }
        }
        let negative = CaptionParser.claims(batch.texts("negative")[i])
        #expect(!negative.isEmpty && !negative.allSatisfy { isTrue($0, objects) }, "\(batch.texts("negative")[i])")
      }
    }
  }

  @Test func theWordsMeanWhatWasMeant() throws {
    let data = try world(ScenesCaptions.self, ("objects", "4"))
    let writer = CaptionWriter(style: .mixed, mention: 0.7, synonyms: true)
    for i in 0..<400 {
      var random = RandomStream(seed: 3).child("caption", i)
      let caption = writer.caption(data.scene(i % 40, of: .train), &random)
      let read = CaptionParser.claims(caption.text)
      #expect(read == caption.claims, "'\(caption.text)' was read as \(read)")
    }
  }

  @Test func everyWordIsInTheVocabulary() throws {
    let data = try world(ScenesCaptions.self, ("objects", "5"), ("edited", "true"), ("turns", "8"))
    let batch = try data.batch(Array(0..<300), of: .train)
    let known = SceneWords.vocabulary
    #expect(known.count > 100 && known.count < 200, "\(known.count) words")
    for name in ["caption", "paraphrase", "negative", "expression", "question", "dialogue", "change"] {
      for text in batch.texts(name) {
        let unknown = WordVocabulary.split(text).filter { known.number(of: $0) == WordVocabulary.unknown }
        #expect(unknown.isEmpty, "\(unknown) in '\(text)'")
        #expect(known.decode(known.encode(text)) == WordVocabulary.split(text).joined(separator: " "))
      }
    }
  }

  @Test func expressionsFitTheirTargetAlone() throws {
    let data = try world(ScenesCaptions.self, ("least", "2"), ("objects", "6"))
    let batch = try data.batch(Array(0..<300), of: .train)
    let extremes = ["leftmost", "rightmost", "nearest", "farthest"]
    var kinds = [0, 0, 0]
    for i in 0..<300 {
      let (objects, text) = (seen(batch, i, most: 6), batch.texts("expression")[i])
      let words = WordVocabulary.split(text)
      var fitting: [Int] = []
      if let extreme = extremes.firstIndex(where: words.contains), let said = said(words) {
        let among = objects.indices.filter { fits(said, objects[$0]) }
        let best = among.min { a, b in
          stands(objects[a], Relation.allCases[extreme], objects[b])
        }
        fitting = best.map { [$0] } ?? []
        kinds[0] += 1
      } else if case .related(let a, let relation, let b) = CaptionParser.claims(text).first {
        let others = objects.indices.filter { fits(b, objects[$0]) }
        #expect(others.count == 1, "'\(text)' leans on \(others.count) objects")
        fitting = objects.indices.filter { k in
          fits(a, objects[k]) && others.contains { $0 != k && stands(objects[k], relation, objects[$0]) }
        }
        kinds[1] += 1
      } else if let said = said(words) {
        fitting = objects.indices.filter { fits(said, objects[$0]) }
        kinds[2] += 1
      }
      #expect(fitting == [batch.integers("target")[i]], "'\(text)' fits \(fitting)")
    }
    #expect(kinds.min() ?? 0 > 20, "kinds of expressions: \(kinds)")
  }

  @Test func answersAreRightAndYesIsAsOftenAsNo() throws {
    let data = try world(ScenesCaptions.self, ("objects", "5"))
    let batch = try data.batch(Array(0..<400), of: .train)
    var (yes, no) = (0, 0)
    var kinds: Set<Int> = []
    for i in 0..<400 {
      let objects = seen(batch, i, most: 5)
      let answer = QuestionWriter.answers[batch.integers("answer")[i]]
      let words = WordVocabulary.split(batch.texts("question")[i])
      kinds.insert(batch.integers("question_kind")[i])
      var right: String?
      switch words[0] {
      case "is" where words[1] == "there":
        right = isTrue(CaptionParser.claims(words.dropFirst(2).joined(separator: " "))[0], objects) ? "yes" : "no"
      case "is":
        let claim = CaptionParser.claims(words.dropFirst().joined(separator: " "))[0]
        right = isTrue(claim, objects) ? "yes" : "no"
      case "how" where words[1] == "many":
        let singular = words.dropFirst(2).prefix { $0 != "are" }.map { word in
          word == "boxes" ? "box" : word.hasSuffix("s") ? String(word.dropLast()) : word
        }
        right = SceneWords.numbers[said(singular).map { s in objects.count { fits(s, $0) } } ?? 0]
      case "how", "what", "does":
        let target = objects.filter { object in said(words.drop { $0 != "the" }).map { fits($0, object) } ?? false }
        #expect(target.count == 1, "'\(words)' asks about \(target.count) objects")
        guard let one = target.first else { continue }
        right =
          switch (words[0], words[1]) {
          case ("how", _): CaptionSize.allCases[one.size].name
          case (_, "color"): NamedColor.allCases[one.color].name
          case (_, "shape"): CaptionShape.allCases[one.shape].name
          case (_, "pattern"): CaptionTexture.allCases[one.texture].name
          default: one.posture >= 0 ? CaptionPosture.allCases[one.posture].name : "?"
          }
      default: break
      }
      #expect(answer == right, "'\(batch.texts("question")[i])' is answered \(answer), not \(right ?? "?")")
      if answer == "yes" { yes += 1 }
      if answer == "no" { no += 1 }
    }
    #expect(kinds.count == QuestionKind.allCases.count)
    #expect(abs(yes - no) < 36, "\(yes) times yes, \(no) times no")
  }

  @Test func dialoguesLeanOnWhatWasSaidBefore() throws {
    let data = try world(ScenesCaptions.self, ("objects", "4"), ("turns", "6"))
    let batch = try data.batch(Array(0..<100), of: .train)
    for i in 0..<100 {
      let objects = seen(batch, i, most: 4)
      let turns = batch.texts("dialogue")[i].split(separator: ".").map(String.init)
      #expect(turns.count == 6)
      #expect(turns[0].hasSuffix(SceneWords.numbers[objects.count]))
      guard let topic = said(WordVocabulary.split(turns[1])) else { continue }
      let it = objects.filter { fits(topic, $0) }
      #expect(it.count == 1 && turns[1].hasSuffix("yes"))
      for turn in turns.dropFirst(2) where turn.contains(" it ") || turn.contains(" it?") {
        let answer = turn.split(separator: " ").last.map(String.init) ?? ""
        let one = it[0]
        if turn.contains("color") { #expect(answer == NamedColor.allCases[one.color].name) }
        if turn.contains("pattern") { #expect(answer == CaptionTexture.allCases[one.texture].name) }
        if turn.contains("anything to the left") {
          #expect((answer == "yes") == objects.contains { $0.u < one.u }, "'\(turn)'")
        }
      }
    }
  }

  @Test func boxesHoldTheirPixels() throws {
    let data = try world(ScenesCaptions.self, ("objects", "5"))
    let batch = try data.batch(Array(0..<60), of: .train)
    let columns = ScenesCaptions.objectColumns.count
    for i in 0..<60 {
      let map = Array(image(batch.images("instances"), i))
      for k in 0..<seen(batch, i, most: 5).count {
        let own = map.indices.filter { map[$0] == k + 1 }
        let (xs, ys) = (own.map { $0 % 48 }, own.map { $0 / 48 })
        let row = Array(batch.reals("objects").values[(i * 5 + k) * columns..<(i * 5 + k + 1) * columns])
        #expect(own.count > 15, "object \(k) of sample \(i) shows \(own.count) pixels")
        let box = [xs.min() ?? 0, ys.min() ?? 0, (xs.max() ?? 0) + 1, (ys.max() ?? 0) + 1]
        #expect(row[8..<12].map { Int($0) } == box)
        if batch.integers("target")[i] == k {
          #expect(Array(batch.reals("target_box").values[i * 4..<i * 4 + 4]).map { Int($0) } == box)
        }
      }
    }
  }

  @Test func heldOutPairsAreShownInTheTestSplitOnly() throws {
    let data = try world(ScenesCaptions.self, ("objects", "4"), ("held_out", "12"))
    let test = try data.batch(Array(0..<200), of: .test)
    let novel = Set(
      (0..<200).filter { test.integers("novel")[$0] == 1 }.map { i in
        [test.integers("label")[i], test.integers("color")[i]]
      })
    #expect(test.integers("novel").enumerated().allSatisfy { $1 == $0 % 2 })
    #expect(novel.count == 12)
    let train = try data.batch(Array(0..<300), of: .train)
    for i in 0..<300 {
      for object in seen(train, i, most: 4) { #expect(!novel.contains([object.shape, object.color])) }
    }
  }

  @Test func hallucinatedCaptionsAreMarkedAndFalse() throws {
    let data = try world(
      ScenesCaptions.self, ("objects", "4"), ("style", "full"), ("hallucinate", "0.5"), ("cooccurrence", "0.7"))
    let batch = try data.batch(Array(0..<200), of: .train)
    for i in 0..<200 {
      let objects = seen(batch, i, most: 4)
      let holds = CaptionParser.claims(batch.texts("caption")[i]).allSatisfy { isTrue($0, objects) }
      #expect(holds == (batch.integers("clean")[i] == 1), "\(batch.texts("caption")[i])")
    }
    let false_ = batch.integers("clean").count { $0 == 0 }
    #expect(false_ > 20 && false_ < 100, "\(false_) hallucinations of 200")
  }

  @Test func editsChangeThePictureAsTheyAreSaidTo() throws {
    let data = try world(ScenesCaptions.self, ("objects", "4"), ("edited", "true"))
    let batch = try data.batch(Array(0..<150), of: .train)
    var kinds: Set<Int> = []
    let verbs = ["nothing", "turned|became|now", "became|now", "became|now", "replaced", "moved", "disappeared"]
    for i in 0..<150 {
      let kind = batch.integers("change_kind")[i]
      kinds.insert(kind)
      let differs = image(batch.images(), i) != image(batch.images("edited"), i)
      #expect(differs == (kind != SceneChange.nothing.rawValue))
      let text = batch.texts("change")[i]
      #expect(verbs[kind].split(separator: "|").contains { text.contains($0) }, "\(kind): \(text)")
    }
    #expect(kinds.count == SceneChange.allCases.count)
  }

  @Test func wrongOptionsAreRefused() throws {
    for (key, value) in [("size", "8"), ("objects", "7"), ("style", "epic"), ("mention", "2"), ("held_out", "40")] {
      #expect(throws: ReproError.self) { try world(ScenesCaptions.self, (key, value)) }
    }
    #expect(throws: ReproError.self) { try world(ScenesCaptions.self, ("objects", "2"), ("least", "3")) }
  }
}
