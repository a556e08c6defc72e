import Glibc
import ReproConfig
import ReproData
import ReproTensor
import Testing

@testable import ReproScenes

/// What one sentence of a report claims.
private struct Said: Equatable {
  var finding: StudyFinding
  var isThere: Bool
  var severity: Int?
  var isLeft: Bool?
  var zone: Int?
  var change: FindingChange?
}

/// Reads a sentence by its words alone.
private func read(_ sentence: String) -> Said? {
  let words = Set(WordVocabulary.split(sentence))
  let names: [(word: String, finding: StudyFinding)] = [
    ("nodule", .nodule), ("opacity", .opacity), ("fluid", .fluid), ("rod", .device), ("shift", .shift),
    ("heart", .heart),
  ]
  guard let finding = names.first(where: { words.contains($0.word) })?.finding else { return nil }
  var said = Said(finding: finding, isThere: true)
  let changes: [(FindingChange, [String])] = [
    (.new, ["new", "newly", "before"]), (.worse, ["increased", "worsened", "progressed", "larger"]),
    (.same, ["unchanged", "stable", "change", "as"]), (.better, ["decreased", "improved", "smaller", "less"]),
    (.resolved, ["resolved", "disappeared", "longer", "cleared", "removed"]),
  ]
  let hasSize = !words.isDisjoint(with: ["small", "moderate", "large", "mildly", "moderately", "severely"])
  if !hasSize, !words.contains("evidence"), !words.contains("normal") {
    // `larger than before` and `as before` are no `not seen before`.
    said.change = changes.dropFirst().first { !words.isDisjoint(with: $0.1) }?.0
    if said.change == nil, !words.isDisjoint(with: changes[0].1) { said.change = .new }
    if said.change != nil {
      said.isThere = said.change != .resolved
      return said
    }
  }
  if words.contains("no") || words.contains("free") || words.contains("normal") || words.contains("not") {
    if !(words.contains("cannot")) { said.isThere = false }
  }
  for (i, names) in [["small", "mildly"], ["moderate", "moderately"], ["large", "severely"]].enumerated()
  where !words.isDisjoint(with: names) {
    said.severity = i + 1
  }
  if words.contains("left") || words.contains("right") { said.isLeft = words.contains("left") }
  for (i, name) in ["lower", "middle", "upper"].enumerated() where words.contains(name) { said.zone = i }
  return said
}

@Suite(.serialized) struct StudyTests {
  @Test func samplesAreAPureFunctionOfOptionsSplitIndexAndSeed() throws {
    try expectsPureSamples(
      try world(ScenesStudies.self, ("size", "32")), other: try world(ScenesStudies.self, seed: 2, ("size", "32")),
      [3, 0, 9, 1, 4], changing: "frontal")
    try expectsPureSamples(
      try world(ScenesMammography.self, ("size", "32")),
      other: try world(ScenesMammography.self, seed: 2, ("size", "32")),
      [3, 0, 9, 1, 4], changing: "cc")
  }

  /// Every sentence is read back and compared with the labels; every mentioned finding is in the report.
  @Test func reportsSayWhatIsThere() throws {
    let batch = try world(ScenesStudies.self, ("size", "24")).batch(Array(0..<300), of: .train)
    func value(_ name: String, _ n: Int, _ f: StudyFinding) -> Int { Int(batch.reals(name).values[n * 6 + f.rawValue]) }
    var changes: Set<FindingChange> = []
    for n in 0..<300 {
      let sentences = batch.texts("report")[n].split(separator: ".").map { $0.trimmingSpaces }
      #expect(sentences.count >= 2)
      var mentioned: Set<Int> = []
      for sentence in sentences {
        guard let said = read(sentence) else {
          Issue.record("nothing understood of '\(sentence)'")
          continue
        }
        mentioned.insert(said.finding.rawValue)
        let severity = value("severity", n, said.finding)
        if let change = said.change {
          changes.insert(change)
          #expect(change.rawValue == value("change", n, said.finding), "'\(sentence)' in study \(n)")
          continue
        }
        #expect(said.isThere == (severity > 0), "'\(sentence)', but the severity is \(severity)")
        if let told = said.severity { #expect(told == severity, "'\(sentence)'") }
        if let isLeft = said.isLeft { #expect(isLeft == (value("side", n, said.finding) == 1), "'\(sentence)'") }
      }
      for finding in StudyFinding.allCases {
        #expect((value("mention", n, finding) > 0) == mentioned.contains(finding.rawValue))
        let (now, before) = (value("severity", n, finding), value("prior_severity", n, finding))
        #expect(value("findings", n, finding) == min(now, 1))
        if before >= 0 {
          let changed: FindingChange =
            if before == 0 {
              now == 0 ? .absent : .new
            } else if now == 0 {
              .resolved
            } else {
              now > before ? .worse : now == before ? .same : .better
            }
          #expect(value("change", n, finding) == changed.rawValue)
        } else {
          #expect(batch.reals("has_prior").values[n] == 0 && image(batch.images("prior"), n).allSatisfy { $0 == 0 })
        }
      }
      let unknown = WordVocabulary.split(batch.texts("report")[n]).filter {
        ScenesStudies.vocabulary.number(of: $0) == WordVocabulary.unknown
      }
      #expect(unknown.isEmpty, "\(unknown)")
    }
    #expect(changes.count == 5)
    let share = Double(batch.reals("has_prior").values.reduce(0, +)) / 300
    #expect(abs(share - 0.7) < 0.08)
    let silent = Double(batch.reals("mention").values.count { $0 == 0 }) / 1800
    #expect(abs(silent - 0.2) < 0.04)
  }

  /// The chord through a ball, against sums along the rays.
  @Test func absorptionIsTheIntegralAlongTheRays() {
    var body = StudyBody(
      RandomStream(seed: 1), StudyFinding.allCases.map { _ in FindingState(severity: 0, isLeft: true, zone: 1) })
    body.absorbers = [
      Absorber(center: Vec3(0.1, 0.2, -0.1), radii: Vec3(0.3, 0.2, 0.4), density: 1.5, finding: .nodule),
      Absorber(center: Vec3(-0.2, 0, 0.2), radii: Vec3(0.2, 0.5, 0.25), density: -0.4),
    ]
    var random = RandomStream(seed: 2)
    var pose = StudyPose(&random)
    (pose.turn, pose.shift, pose.zoom) = (0, SIMD2(0.03, -0.02), 1.05)
    for isLateral in [false, true] {
      let (picture, findings) = body.projected(isLateral: isLateral, pose, size: 40)
      for (x, y) in [(20, 20), (22, 15), (12, 22), (25, 17), (17, 19), (2, 3)] {
        let scale = 2.1 / (40 * pose.zoom)
        let u = (Float(x) - 19.5) * scale - pose.shift.x
        let v = (19.5 - Float(y)) * scale - pose.shift.y
        var sums = [Float(0), 0]
        for step in 0..<4000 {
          let t = Float(step) / 2000 - 1
          let p = isLateral ? Vec3(t, v, u) : Vec3(u, v, t)
          for (i, a) in body.absorbers.enumerated() where ((p - a.center) / a.radii).length < 1 {
            sums[i] += a.density / 2000
          }
        }
        #expect(abs(picture[y * 40 + x] - sums[0] - sums[1]) < 3e-3)
        #expect((findings[y * 40 + x] & 1 == 1) == (sums[0] > 0))
      }
    }
  }

  /// A finding darkens or brightens its own region: the same patient with and without it.
  @Test func findingsShowWhereTheRegionsAre() {
    for finding in StudyFinding.allCases {
      let none = StudyFinding.allCases.map { _ in FindingState(severity: 0, isLeft: true, zone: 1) }
      var some = none
      some[finding.rawValue].severity = finding.most
      var random = RandomStream(seed: 3)
      let pose = StudyPose(&random)
      let patient = RandomStream(seed: 4).child("patient")
      var changed = 0
      for isLateral in [false, true] {
        let before = StudyBody(patient, none).projected(isLateral: isLateral, pose, size: 64)
        let after = StudyBody(patient, some).projected(isLateral: isLateral, pose, size: 64)
        #expect(before.findings.allSatisfy { $0 == 0 })
        let region = after.findings.indices.filter { after.findings[$0] & (1 << UInt8(finding.rawValue)) != 0 }
        #expect(!region.isEmpty)
        let inside = region.map { abs(after.absorption[$0] - before.absorption[$0]) }.reduce(0, +) / Float(region.count)
        let rest = Set(region)
        let outside =
          after.absorption.indices.filter { !rest.contains($0) }
          .map { abs(after.absorption[$0] - before.absorption[$0]) }.reduce(0, +) / Float(64 * 64 - region.count)
        if inside > 0.03, inside > 3 * outside { changed += 1 }
      }
      #expect(changed >= 1, "\(finding)")
    }
  }

  @Test func breastReportsTellTheFacts() throws {
    let data = try world(ScenesMammography.self, ("size", "24"))
    let batch = try data.batch(Array(0..<300), of: .train)
    var lengths: [Int] = []
    for n in 0..<300 {
      let (text, facts) = (batch.texts("report")[n], data.facts(n, of: .train))
      let words = WordVocabulary.split(text)
      lengths.append(words.count)
      #expect(words.allSatisfy { ScenesMammography.vocabulary.number(of: $0) != WordVocabulary.unknown }, "\(text)")
      #expect(BreastReport.densities[facts.density].contains { text.contains($0) })
      let hasLesion = facts.lesion != .none
      #expect(words.contains("quadrant") == hasLesion)
      #expect(batch.integers("lesion")[n] == facts.lesion.rawValue)
      guard hasLesion else { continue }
      #expect(words.contains("upper") == facts.isUpper && words.contains("outer") == facts.isOuter)
      #expect(BreastReport.sizes[facts.size].contains { words.contains($0) })
      if facts.lesion == .mass {
        #expect(BreastReport.margins[facts.margin.rawValue].contains { words.contains($0) }, "\(text)")
      } else {
        #expect((words.contains("linear") || words.contains("line")) == facts.isLinear)
      }
    }
    #expect(ScenesMammography.vocabulary.count < 100)
    #expect((lengths.min() ?? 0) >= 10 && (lengths.max() ?? 99) <= 32)
  }

  @Test func malignancyFollowsItsChance() throws {
    let data = try world(ScenesMammography.self, ("size", "24"))
    let batch = try data.batch(Array(0..<600), of: .train)
    var (expected, seen, risk, risky) = (0.0, 0, 0.0, 0)
    for n in 0..<600 {
      let facts = data.facts(n, of: .train)
      expected += facts.malignancy
      risk += facts.risk
      seen += batch.integers("malignant")[n]
      risky += batch.integers("risk")[n]
      if facts.lesion == .none { #expect(batch.integers("malignant")[n] == 0) }
    }
    #expect(abs(expected - Double(seen)) < 40 && abs(risk - Double(risky)) < 45)
    #expect(expected > 120 && expected < 300, "\(expected) malignant of 600")
  }

  @Test func lesionsAreSeenInBothViewsWithinTheBody() throws {
    let batch = try world(ScenesMammography.self, ("lesion", "1"), ("photons", "100000")).batch(
      Array(0..<40), of: .test)
    for n in 0..<40 {
      for (v, name) in ["cc", "mlo"].enumerated() {
        let (region, picture) = (
          Array(image(batch.images("regions"), n, frame: v)), Array(image(batch.images(name), n))
        )
        let own = region.indices.filter { region[$0] == 1 }
        #expect(own.count > 3, "view \(name) of \(n)")
        let lit = own.filter { picture[$0] > 20 }
        #expect(lit.count * 10 > own.count * 8, "\(lit.count) of \(own.count) pixels of a lesion are in the body")
      }
    }
  }
}

extension StringProtocol {
  fileprivate var trimmingSpaces: String {
    var text = Substring(self)
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
