import ReproTensor

/// How captions are worded.
public enum CaptionStyle: String, Sendable, CaseIterable {
  /// Any of the others but `basic`.
  case mixed
  /// `a photo of a red cube and a small ring`.
  case list
  /// `there is a cone behind the blue ball`; a list if no relation is clear.
  case relation
  /// `the cube is large and red`; a list if no shape is alone of its kind.
  case statement
  /// `three objects: a cone, a ring and a red ball`.
  case count
  /// Names every object with size, colour, texture and shape.
  case full
  /// Colours and shapes only: never size, texture, posture, number or place.
  case basic
}

/// A caption with its meaning.
public struct Caption: Sendable, Equatable {
  public var text: String
  public var claims: [Claim]
}

/// Writes captions that are true of a scene, and captions that are false by one fact.
struct CaptionWriter {
  var style: CaptionStyle
  /// The chance that an attribute other than the shape is said.
  var mention: Float
  var synonyms: Bool

  /// Sentences around the descriptions; `#` is the place of a list, `@` of a number.
  static let lists = [
    "#", "a photo of #", "there @ #", "this picture shows #", "# on the floor", "we see #", "an image with #",
    "a scene with #", "in this picture there @ #", "a rendering of #", "you can see # here", "a view of #",
  ]
  /// Sentences around a relation; `#` is the relation.
  static let relations = ["#", "a photo of #", "there is #", "this picture shows #", "we see #"]
  /// Every fixed word of the captions.
  static let frames =
    lists + relations + ["is are and , : . a an the it", "exactly one object"]

  /// The attributes of an object that happen to be said; the shape always is.
  func describe(_ object: CaptionObject, _ random: inout RandomStream) -> Description {
    let chance = Double(mention)
    var said = Description(shape: object.shape)
    if random.bernoulli(chance) { said.color = object.color }
    if random.bernoulli(chance) { said.size = object.size }
    if random.bernoulli(chance), object.texture != .plain || random.bernoulli(0.3) { said.texture = object.texture }
    if random.bernoulli(chance * 0.5) { said.posture = object.posture }
    switch style {
    case .basic: return Description(shape: object.shape, color: object.color)
    case .full:
      said = Description(object)
      if object.texture == .plain { said.texture = nil }
      return said
    default: return said
    }
  }

  /// A caption that is true of the scene.
  func caption(_ scene: CaptionScene, _ random: inout RandomStream) -> Caption {
    var kind = style
    if style == .mixed { kind = random.pick([.list, .list, .relation, .relation, .statement, .count, .full]) }
    var writer = self
    writer.style = kind
    return writer.verbalised(writer.claims(kind, scene, &random), &random)
  }

  /// What a caption of some kind says.
  private func claims(_ kind: CaptionStyle, _ scene: CaptionScene, _ random: inout RandomStream) -> [Claim] {
    let order = random.permutation(scene.objects.count)
    switch kind {
    case .relation:
      let pairs = order.flatMap { i in order.filter { $0 != i }.map { (i, $0) } }
      for (i, j) in pairs {
        let relations = Relation.allCases.filter { scene.holds($0, scene.objects[i], scene.objects[j]) }
        guard !relations.isEmpty else { continue }
        let relation = random.pick(relations)
        return [.related(describe(scene.objects[i], &random), relation, describe(scene.objects[j], &random))]
      }
    case .statement:
      for i in order where scene.objects.filter({ $0.shape == scene.objects[i].shape }).count == 1 {
        var said = Description(shape: scene.objects[i].shape, color: scene.objects[i].color)
        if random.bernoulli(0.5) { said.size = scene.objects[i].size }
        return [.exists(said)]
      }
    case .count:
      let number = scene.objects.count
      return [.count(Description(), number)] + order.map { .exists(describe(scene.objects[$0], &random)) }
    case .full: return order.map { .exists(describe(scene.objects[$0], &random)) }
    case .list, .basic, .mixed: break
    }
    let number = kind == .basic ? order.count : random.integer(in: 1...order.count)
    var said: [Claim] = []
    for i in order.prefix(number) {
      let claim = Claim.exists(describe(scene.objects[i], &random))
      // Naming the same thing twice would say that there are two.
      if !said.contains(claim) { said.append(claim) }
    }
    return said
  }

  /// The words for some claims.
  func verbalised(_ claims: [Claim], _ random: inout RandomStream) -> Caption {
    var head = ""
    var items: [String] = []
    for claim in claims {
      switch claim {
      case .exists(let said): items.append(SceneWords.some(said, synonyms: synonyms, &random))
      case .count(_, let number):
        head = number == 1 ? "exactly one object: " : SceneWords.numbers[number] + " objects: "
      case .related(let a, let relation, let b):
        let phrase = synonyms ? random.pick(SceneWords.phrases(relation)) : SceneWords.phrases(relation)[0]
        let other = SceneWords.some(b, synonyms: synonyms, &random)
        let text = "\(SceneWords.some(a, synonyms: synonyms, &random)) \(phrase) \(other)"
        return Caption(text: filled(random.pick(Self.relations), text), claims: claims)
      }
    }
    if style == .statement, case .exists(let said) = claims.first, claims.count == 1, let shape = said.shape,
      said.texture == nil, said.posture == nil
    {
      let noun = synonyms ? random.pick(SceneWords.nouns(shape)) : SceneWords.nouns(shape)[0]
      let size = said.size.map { synonyms ? random.pick(SceneWords.adjectives($0)) : $0.name }
      let words = [size, said.color?.name].compactMap { $0 }
      if !words.isEmpty { return Caption(text: "the \(noun) is \(SceneWords.list(words))", claims: claims) }
    }
    let list = SceneWords.list(items)
    if !head.isEmpty { return Caption(text: head + list, claims: claims) }
    // `there are a cube and a ring` is no English: the first of a list decides.
    return Caption(text: filled(random.pick(Self.lists), list), claims: claims)
  }

  private func filled(_ frame: String, _ text: String) -> String {
    var result = ""
    for letter in frame {
      switch letter {
      case "#": result += text
      case "@": result += "is"
      default: result.append(letter)
      }
    }
    return result
  }

  /// The caption with one fact changed so that it is false of the scene; nil if nothing was found.
  func falsified(_ caption: Caption, _ scene: CaptionScene, _ random: inout RandomStream) -> Caption? {
    for _ in 0..<40 {
      var claims = caption.claims
      let place = random.integer(below: claims.count)
      switch claims[place] {
      case .exists(let said): claims[place] = .exists(changed(said, &random))
      case .count(let said, let number):
        let other = random.pick([number - 1, number + 1])
        guard (1..<SceneWords.numbers.count).contains(other), claims.count == 1 else { continue }
        claims[place] = .count(said, other)
      case .related(let a, let relation, let b):
        switch random.integer(below: 4) {
        case 0: claims[place] = .related(changed(a, &random), relation, b)
        case 1: claims[place] = .related(a, relation, changed(b, &random))
        default: claims[place] = .related(a, relation.opposite, b)
        }
      }
      // Without margins: what is nearly true is no false caption.
      if claims != caption.claims, !scene.isTrue(claims[place], slack: 0) {
        var writer = self
        if case .exists = claims[0], claims.count == 1, caption.text.hasPrefix("the ") { writer.style = .statement }
        return writer.verbalised(claims, &random)
      }
    }
    return nil
  }

  /// A description with one attribute changed, one that is said.
  func changed(_ said: Description, _ random: inout RandomStream) -> Description {
    var changed = said
    var ways = [0]
    if said.color != nil { ways += [1, 1] }
    if said.size != nil { ways.append(2) }
    if said.texture != nil { ways.append(3) }
    if said.posture != nil { ways.append(4) }
    switch random.pick(ways) {
    case 0:
      // A ball cannot lie, so a posture admits only shapes that have one.
      let shapes = CaptionShape.allCases.filter { $0 != said.shape && (said.posture == nil || $0.hasPosture) }
      changed.shape = random.pick(shapes)
    case 1: changed.color = random.pick(NamedColor.allCases.filter { $0 != said.color })
    case 2: changed.size = said.size == .small ? .large : .small
    case 3: changed.texture = random.pick(CaptionTexture.allCases.filter { $0 != said.texture })
    default: changed.posture = said.posture == .standing ? .lying : .standing
    }
    return changed
  }
}
