import Glibc
import ReproTensor

/// The six kinds of questions.
public enum AngleTask: Int, Sendable, CaseIterable {
  case counting, attribute, distance, direction, manipulation, camera

  public var name: String { "\(self)" }
}

/// A question with three options of which one is right, in two wordings.
public struct AngleQuestion: Sendable, Equatable {
  public var task: AngleTask
  public var text: String
  /// The same question in other words about the views in another order; `views[k]` is now called view k + 1.
  public var paired: String
  public var views: [Int]
  /// The right option first.
  public var options: [String]
  /// Whether everything that it is about is seen in all views.
  public var isComplete: Bool
}

extension AngleScene {
  /// A question of a kind; nil if the scene does not give one.
  ///
  /// - Parameter random: of the question.
  func question(_ task: AngleTask, _ random: inout RandomStream) -> AngleQuestion? {
    let order = random.permutation(3)
    /// The new name of a view.
    func renamed(_ view: Int) -> Int { (order.firstIndex(of: view) ?? 0) + 1 }
    func made(_ text: String, _ paired: String, _ options: [String], _ about: [AngleThing]) -> AngleQuestion? {
      guard Set(options).count == 3 else { return nil }
      return AngleQuestion(
        task: task, text: text, paired: paired, views: order, options: options,
        isComplete: about.allSatisfy { $0.views.count == 3 })
    }
    let known = things.filter { !$0.views.isEmpty }
    guard known.count > 3 else { return nil }
    switch task {
    case .counting:
      // What is in no view is not counted; the rivals are the most that one view shows, and one more or less.
      let shapes = Self.shapes.filter { shape in known.contains { $0.shape == shape } }
      let shape = shapes.isEmpty || random.bernoulli(0.5) ? nil : random.pick(shapes)
      let people = known.contains { $0.shape == nil } && random.bernoulli(0.4)
      let counted = known.filter { thing in
        people ? thing.shape == nil : thing.shape != nil && (shape == nil || thing.shape == shape)
      }
      let word = people ? "people" : shape.map { SceneWords.plural($0.name) } ?? "objects"
      guard !counted.isEmpty else { return nil }
      let single = (0..<3).map { view in counted.count { $0.views.contains(view) } }.max() ?? 0
      var rivals = [single, counted.count + 1, counted.count - 1, counted.count + 2].filter {
        $0 != counted.count && $0 >= 0
      }
      rivals = [rivals[0], rivals.dropFirst().first { $0 != rivals[0] } ?? counted.count + 3]
      return made(
        "how many \(word) are there in all?", "counting nothing twice, what is the number of \(word) in the scene?",
        ([counted.count] + rivals).map { "\($0)" }, counted)
    case .attribute:
      if random.bernoulli(0.5) {
        let shapes = Self.shapes.filter { shape in
          known.count { $0.shape == shape } == 1 && things.count { $0.shape == shape } == 1
        }
        guard !shapes.isEmpty else { return nil }
        let shape = random.pick(shapes)
        guard let thing = known.first(where: { $0.shape == shape }) else { return nil }
        return made(
          "what color is the \(shape.name)?", "there is one \(shape.name): which color does it have?",
          colors(thing.color, &random), [thing])
      }
      let people = known.filter { $0.shape == nil }
      guard people.count == 1, things.count(where: { $0.shape == nil }) == 1, let person = people.first else {
        return nil
      }
      return made(
        "what color does the person wear?", "the shirt of the person is of which color?", colors(person.color, &random),
        [person])
    case .distance:
      let base = random.pick(known)
      var rest = known.filter { $0.name != base.name }
      random.shuffle(&rest)
      let three = rest.prefix(3).sorted { ($0.place - base.place).length < ($1.place - base.place).length }
      guard three.count == 3, (three[1].place - base.place).length > 1.3 * (three[0].place - base.place).length
      else { return nil }
      return made(
        "which of these is nearest to the \(base.name)?", "the \(base.name) has which of these as its nearest?",
        three.map { "the \($0.name)" }, three + [base])
    case .direction:
      let people = known.filter { $0.shape == nil }
      guard !people.isEmpty else { return nil }
      let person = random.pick(people)
      let view = random.integer(below: 3)
      guard let way = way(person.facing, from: view) else { return nil }
      return made(
        "seen from view \(view + 1), which way does the \(person.name) face?",
        "in view \(renamed(view)), the \(person.name) looks in which direction?", ways(way, &random), [person])
    case .manipulation:
      let thing = random.pick(known)
      let pair = random.permutation(3)
      let (from, seen) = (pair[0], pair[1])
      let towards = cameras[from].eye - thing.place
      guard let way = way(Vec3(towards.x, 0, towards.z).normalized, from: seen) else { return nil }
      return made(
        "if the \(thing.name) is moved towards the camera of view \(from + 1), which way does it go as seen from view \(seen + 1)?",
        "push the \(thing.name) to the camera of view \(renamed(from)): in view \(renamed(seen)) it goes which way?",
        ways(way, &random), [thing])
    case .camera:
      let pair = random.permutation(3)
      let turn = turn(from: pair[0], to: pair[1])
      let side: String
      switch abs(turn) {
      case 0.4..<2.2: side = turn > 0 ? "on the left" : "on the right"
      case 2.6...: side = "opposite"
      default: return nil
      }
      return made(
        "as seen from the camera of view \(pair[0] + 1), where is the camera of view \(pair[1] + 1)?",
        "somebody who looks through view \(renamed(pair[0])) finds the camera of view \(renamed(pair[1])) where?",
        [side] + ["on the left", "on the right", "opposite"].filter { $0 != side }, [])
    }
  }

  private func colors(_ right: NamedColor, _ random: inout RandomStream) -> [String] {
    var wrong = Self.colors.filter { $0 != right }
    random.shuffle(&wrong)
    return ([right] + wrong.prefix(2)).map(\.name)
  }

  private func ways(_ right: Way, _ random: inout RandomStream) -> [String] {
    var wrong = Way.allCases.filter { $0 != right }
    random.shuffle(&wrong)
    return ([right] + wrong.prefix(2)).map { way in
      switch way {
      case .left, .right: "to the \(way.rawValue)"
      case .away: "away from the camera"
      case .towards: "towards the camera"
      }
    }
  }
}
