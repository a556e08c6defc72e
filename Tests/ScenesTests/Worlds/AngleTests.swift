import Glibc
import ReproConfig
import ReproData
import ReproTensor
import Testing

@testable import ReproScenes

/// One sample, in plain numbers.
private struct Asked {
  var text, pair: String
  var right, pairRight: String
  var order: [Int]
  /// Shape (-1 for a person), color, x, z, facing x, facing z, views.
  var things: [[Double]]
  /// Right, down and forward axis, and the eye, of every camera.
  var cameras: [(right: D3, ahead: D3, eye: D3)]

  init(_ batch: Batch, _ n: Int) {
    let options = ["a", "b", "c"]
    text = batch.texts("question")[n]
    pair = batch.texts("pair_question")[n]
    right = batch.texts("option_" + options[batch.integers("answer")[n]])[n]
    pairRight = batch.texts("pair_option_" + options[batch.integers("pair_answer")[n]])[n]
    order = batch.reals("order").values[n * 3..<n * 3 + 3].map { Int($0) }
    let table = batch.reals("things").values[n * 72..<(n + 1) * 72].map(Double.init)
    things = (0..<9).map { Array(table[8 * $0..<8 * $0 + 8]) }.filter { $0[7] == 1 }
    let rig = batch.reals("extrinsics").values[n * 36..<(n + 1) * 36].map(Double.init)
    cameras = (0..<3).map { v in
      let m = Array(rig[v * 12..<v * 12 + 12])
      let rows = (0..<3).map { D3(m[4 * $0], m[4 * $0 + 1], m[4 * $0 + 2]) }
      let eye = -(rows[0] * m[3] + rows[1] * m[7] + rows[2] * m[11])
      return (rows[0], rows[2], eye)
    }
  }

  func name(_ thing: [Double]) -> String {
    let color = NamedColor.allCases[Int(thing[1])].name
    return thing[0] < 0 ? "person in \(color)" : "\(color) \(CaptionShape.allCases[Int(thing[0])].name)"
  }

  /// The numbers of the views in a text, from 0.
  func views(_ text: String) -> [Int] {
    let words = WordVocabulary.split(text)
    return words.indices.dropFirst().compactMap { words[$0 - 1] == "view" ? Int(words[$0]).map { $0 - 1 } : nil }
  }

  func way(_ direction: D3, _ view: Int) -> String {
    let (side, ahead) = ((cameras[view].right * direction).sum(), (cameras[view].ahead * direction).sum())
    if abs(side) > abs(ahead) { return side < 0 ? "to the left" : "to the right" }
    return ahead < 0 ? "towards the camera" : "away from the camera"
  }
}

@Suite(.serialized) struct AngleTests {
  @Test func samplesAreAPureFunctionOfOptionsSplitIndexAndSeed() throws {
    func data(_ seed: UInt64) throws -> ScenesAngles { try world(ScenesAngles.self, seed: seed, ("size", "24")) }
    try expectsPureSamples(try data(1), other: try data(2), [3, 0, 9, 1, 4], changing: "image")
  }

  /// An oracle answers every question from the columns alone.
  @Test func theAnswersAreRight() throws {
    let batch = try world(ScenesAngles.self).batch(Array(0..<180), of: .train)
    var (tasks, letters) = ([Int](repeating: 0, count: 6), [Int](repeating: 0, count: 3))
    for n in 0..<180 {
      let asked = Asked(batch, n)
      let task = AngleTask.allCases[batch.integers("task")[n]]
      tasks[task.rawValue] += 1
      letters[batch.integers("answer")[n]] += 1
      let seen = asked.things.filter { $0[6] > 0 }
      let views = asked.views(asked.text)
      var right = ""
      switch task {
      case .counting:
        let words = WordVocabulary.split(asked.text)
        let counted = seen.filter { (thing: [Double]) -> Bool in
          if thing[0] < 0 { return words[2] == "people" }
          let plural = CaptionShape.allCases[Int(thing[0])].name + "s"
          return words[2] == "objects" || words[2] == plural
        }
        right = "\(counted.count)"
      case .attribute:
        let isPerson = asked.text.contains("wear")
        let about = asked.things.filter { (thing: [Double]) -> Bool in
          if thing[0] < 0 { return isPerson }
          let shape = CaptionShape.allCases[Int(thing[0])].name
          return !isPerson && asked.text.contains(shape)
        }
        #expect(about.count == 1, "'\(asked.text)' is about \(about.count) things")
        right = NamedColor.allCases[Int(about[0][1])].name
      case .distance:
        let base = asked.things.first { asked.text.contains(asked.name($0)) } ?? []
        let options = ["a", "b", "c"].map { batch.texts("option_\($0)")[n] }
        let near = options.min { a, b in
          func distance(_ name: String) -> Double {
            let thing = asked.things.first { "the " + asked.name($0) == name } ?? base
            return hypot(thing[2] - base[2], thing[3] - base[3])
          }
          return distance(a) < distance(b)
        }
        right = near ?? ""
      case .direction:
        let person = asked.things.first { asked.text.contains(asked.name($0)) } ?? []
        right = asked.way(D3(person[4], 0, person[5]), views[0])
      case .manipulation:
        let thing = asked.things.first { asked.text.contains(asked.name($0)) } ?? []
        let eye = asked.cameras[views[0]].eye
        right = asked.way(D3(eye.x - thing[2], 0, eye.z - thing[3]), views[1])
      case .camera:
        let (a, b) = (asked.cameras[views[0]].eye, asked.cameras[views[1]].eye)
        // Right of the line from the camera to the middle, or left of it, or behind the middle.
        let angle = atan2(a.x * b.z - a.z * b.x, a.x * b.x + a.z * b.z)
        right = abs(angle) > 2.4 ? "opposite" : angle > 0 ? "on the left" : "on the right"
      }
      #expect(asked.right == right && asked.pairRight == right, "\(asked.text) \(asked.right), not \(right)")
      #expect(asked.views(asked.pair).map { asked.order[$0] } == views, "\(asked.text) | \(asked.pair)")
      let options = Set(["a", "b", "c"].map { batch.texts("option_\($0)")[n] })
      #expect(options.count == 3 && options == Set(["a", "b", "c"].map { batch.texts("pair_option_\($0)")[n] }))
    }
    #expect((tasks.min() ?? 0) > 20, "\(tasks)")
    #expect((letters.min() ?? 0) > 40, "\(letters)")
  }

  /// Counting needs more than one view in most cases.
  @Test func noSingleViewShowsAll() throws {
    let batch = try world(ScenesAngles.self).batch((0..<40).map { 6 * $0 }, of: .test)
    var beyond = 0
    for n in 0..<40 {
      let things = Asked(batch, n).things
      let maps = (0..<3).map { Array(image(batch.images("instances"), n, frame: $0)) }
      /// Whether a map shows enough of a thing.
      func shows(_ map: [UInt8], _ thing: Int) -> Bool {
        let pixels = map.count { $0 == UInt8(thing + 1) }
        return pixels * 400 >= 32 * 32
      }
      for (i, thing) in things.enumerated() {
        let views = maps.count { shows($0, i) }
        #expect(views == Int(thing[6]))
      }
      let each: [Int] = maps.map { map in things.indices.count { shows(map, $0) } }
      let all = things.count { $0[6] > 0 }
      if (each.max() ?? 0) < all { beyond += 1 }
    }
    #expect(beyond > 12, "in \(beyond) of 40 scenes no view shows everything")
  }
}
