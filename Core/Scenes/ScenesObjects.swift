import ReproConfig
import ReproData
import ReproTensor

/// The data sets of the procedural world.
public let sceneProviders: [any DatasetProvider.Type] = [
  ScenesObjects.self, ScenesMulti.self, ScenesOrbit.self, ScenesDrive.self, ScenesRooms.self, ScenesVideo.self,
  ScenesRobot.self, ScenesNavigation.self, ScenesCartoon.self,
]

/// `scenes-objects`: pictures of one posed object each, in ten classes that differ by shape alone.
///
/// What is drawn:
/// - class: ball, cube, cylinder, cone, ring (torus), pill (capsule), table, dumbbell, lamp, jack (three crossed bars);
///   sample i shows class i mod 10, so every split is balanced.
/// - individual: `instances` per class. It fixes proportions (within a class they vary by about +-25 %) and the look:
///   one or two materials with one of seven procedural patterns, two colours of any hue, grain and gloss. Looks are
///   drawn from the same distribution for every class: colour says nothing about the class as long as individuals are
///   not met again.
/// - pose: turned by any angle, tilted up to 26 degrees, in 3 of 10 cases toppled by up to 109 degrees, standing on the
///   ground; sides from which a person could not tell the class (a cylinder end-on) are drawn again.
/// - camera: field of view 40 degrees, 11 to 49 degrees above the horizon, rolled up to 9 degrees; the object's ball
///   fills 55 to 95 % of the picture (70 % of that with companions) and is off the middle by what is left.
/// - light: a warm or cold key light up to 110 degrees to the side, 32 to 72 degrees high, with soft shadows; a weak fill
///   light, ambient light, a contact shadow.
/// - background: textured ground; in 7 of 10 pictures a textured wall; else a sky. Neither has the object's mean colour.
///   `clutter` scales the number of distractors (small primitives, 4 to 12 at 1) and the contrast of the background.
/// - companions: with `objects` > 1, that many minus one more objects of any class, smaller, elsewhere; the label stays
///   the first one's, the mask shows all. Distractors are background in the mask.
/// - a scene whose object is hidden by more than 30 % or covers less than 4 % of the picture is drawn again.
///
/// Options (defaults): `size` 16...128 (32); `train` (8000), `validation` (1000), `test` (2000); `objects` 1...4 (1);
/// `instances` (10000); `test_views` (1), pictures of each individual in the test split; `clutter` 0...1 (0.5);
/// `shortcut` (none).
///
/// Splits never share a picture. The pool of individuals is common to them, because retrieval compares new views of known
/// things; walking through it starts at 0 for train, at half of it for validation and at three quarters for test, so
/// with the default pool no individual of the test split is ever trained on, and with `instances: 20` all are.
/// The walk takes ten samples (one of every class) to a step, in the test split `test_views` times ten, and starts again after
/// all individuals. Companions are any individuals.
///
/// Shortcuts (a cheap cue that names the class in train and validation and lies, at random, in test): `mark` puts a
/// small square of two tones at one of ten places of the upper edge; `ground` gives the ground one of ten hues;
/// `texture` gives the object one of ten patterns (seven kinds, three of them twice as fine again); `colour` gives it
/// one of ten hues.
///
/// How hard it is (defaults, seed 1, 8000 to train, 2000 to test; chance 10 %): colour histograms 12 to 14 %, ridge
/// regression on pixels 26 %, on histograms of gradients 57 %, a four-layer convnet after 14 epochs 70 %.
///
/// Every sample is a pure function of the options, `DataRoot.seed`, the split and the index.
public struct ScenesObjects: DatasetProvider {
  public static let card = DatasetCard(
    id: "scenes-objects", title: "Procedural objects: ten shapes, any colour, any pose",
    source: "rendered by Core/Scenes",
    licence: "Apache-2.0")

  /// Whether a cheap cue gives the class away in train and validation.
  public enum Shortcut: String, Sendable, CaseIterable { case none, mark, ground, texture, colour }

  /// The classes of the column `label`; the mask has `background` before them.
  public static let classes = ObjectClass.allCases.map(\.name)

  /// The version of the generator: it changes whenever the bytes of any sample do.
  static let version = 1

  public let spec: DataSpec
  public let size: Int
  public let objects: Int
  public let instances: Int
  public let testViews: Int
  public let clutter: Double
  public let shortcut: Shortcut
  private let seed: UInt64
  private let world: ObjectWorld

  public init(_ options: inout Section, root: DataRoot) throws {
    size = try options.int("size", in: 16...128, default: 32)
    let largest = 100_000_000
    let train = try options.int("train", in: 0...largest, default: 8000)
    let validation = try options.int("validation", in: 0...largest, default: 1000)
    let test = try options.int("test", in: 0...largest, default: 2000)
    objects = try options.int("objects", in: 1...4, default: 1)
    instances = try options.int("instances", in: 1...10_000_000, default: 10_000)
    testViews = try options.int("test_views", in: 1...10_000, default: 1)
    clutter = try options.double("clutter", in: 0...1, default: 0.5)
    let word = try options.choice("shortcut", Shortcut.allCases.map(\.rawValue), default: "none")
    shortcut = Shortcut(rawValue: word) ?? .none
    seed = root.seed
    world = ObjectWorld(
      size: size, objects: objects, clutter: Float(clutter), individuals: instances,
      stream: RandomStream(seed: root.seed).child("scenes-objects"))
    spec = DataSpec(
      fields: [
        FieldSpec("image", .image(height: size, width: size, channels: 3), isLabel: false),
        FieldSpec("label", .category(classes: Self.classes), isLabel: true),
        FieldSpec("instance", .identity(count: instances * Self.classes.count), isLabel: true),
        FieldSpec("mask", .labelMap(height: size, width: size, classes: ["background"] + Self.classes), isLabel: true),
      ], sizes: [.train: train, .validation: validation, .test: test])
  }

  public var fingerprint: String {
    "scenes-objects/v\(Self.version) seed=\(seed) size=\(size) objects=\(objects) instances=\(instances) "
      + "test_views=\(testViews) clutter=\(clutter) shortcut=\(shortcut.rawValue)"
  }

  /// The class of a sample.
  public func label(_ index: Int) -> Int { index % Self.classes.count }

  /// The individual of a sample: class + 10 * its number within the class.
  public func instance(_ index: Int, of split: Split) -> Int {
    let start =
      switch split {
      case .train: 0
      case .validation: instances / 2
      case .test: instances / 4 * 3
      }
    let turn = index / Self.classes.count / (split == .test ? testViews : 1)
    return label(index) + Self.classes.count * ((start + turn) % instances)
  }

  public func batch(_ indices: [Int], of split: Split) throws -> Batch {
    let limit = spec.sizes[split] ?? 0
    for index in indices {
      require(index >= 0 && index < limit, "sample \(index) of \(limit) in scenes-objects/\(split.rawValue)")
    }
    let pixels = size * size
    var images = [UInt8](repeating: 0, count: indices.count * pixels * 3)
    var masks = [UInt8](repeating: 0, count: indices.count * pixels)
    images.withUnsafeMutableBufferPointer { images in
      masks.withUnsafeMutableBufferPointer { masks in
        guard let image = images.baseAddress, let mask = masks.baseAddress else { return }
        let tile = 4
        ThreadPool.shared.forEach((indices.count + tile - 1) / tile) { number in
          let renderer = Renderer(width: size, height: size)
          for i in number * tile..<min((number + 1) * tile, indices.count) {
            write(indices[i], of: split, renderer, image: image + i * pixels * 3, mask: mask + i * pixels)
          }
        }
      }
    }
    return Batch(
      indices: indices,
      columns: [
        ("image", .images(ImageBatch(count: indices.count, height: size, width: size, channels: 3, bytes: images))),
        ("label", .integers(indices.map(label))),
        ("instance", .integers(indices.map { instance($0, of: split) })),
        ("mask", .images(ImageBatch(count: indices.count, height: size, width: size, channels: 1, bytes: masks))),
      ])
  }

  /// A whole split.
  public func renderAll(_ split: Split) throws -> Batch { try batch(Array(0..<(spec.sizes[split] ?? 0)), of: split) }

  /// One sample with everything that the renderer knows of it; `rgb` is the picture of the column `image` before any
  /// mark, and `classes` its mask.
  public func view(_ index: Int, of split: Split) -> View {
    let renderer = Renderer(width: size, height: size)
    let (scene, _, camera) = place(index, of: split, renderer)
    return renderer.render(scene, from: camera)
  }

  /// The scene of a sample, the labelled object first.
  public func scene(_ index: Int, of split: Split) -> Scene {
    place(index, of: split, Renderer(width: size, height: size)).0
  }

  private func sample(_ index: Int, of split: Split) -> RandomStream { world.stream.child(split.rawValue, index) }

  /// The scene of a sample: the first draw in which the object is seen well.
  private func place(_ index: Int, of split: Split, _ renderer: Renderer) -> (Scene, CompiledScene, Camera) {
    let kind = ObjectClass.allCases[label(index)]
    let number = instance(index, of: split) / Self.classes.count
    let own = sample(index, of: split)
    let hue = shortcut == .ground ? Float(cue(index, of: split)) / 10 : nil
    var attempt = 0
    while true {
      var drawn = world.compose((kind, number), own, attempt: attempt, groundHue: hue)
      disguise(&drawn.scene.bodies[0], cue: cue(index, of: split))
      let compiled = CompiledScene(drawn.scene)
      let (alone, seen) = renderer.visiblePixels(of: 0, in: compiled, drawn.camera)
      let isSeen = seen * 25 >= size * size && seen * 10 >= alone * 7
      if isSeen || attempt == ObjectWorld.attempts - 1 { return (drawn.scene, compiled, drawn.camera) }
      attempt += 1
    }
  }

  private func write(
    _ index: Int, of split: Split, _ renderer: Renderer, image: UnsafeMutablePointer<UInt8>,
    mask: UnsafeMutablePointer<UInt8>
  ) {
    let (_, compiled, camera) = place(index, of: split, renderer)
    renderer.writeClasses(compiled, to: mask)  // `place` has looked from this camera
    renderer.paint(compiled, camera, to: image)
    if shortcut == .mark { drawMark(cue(index, of: split), image) }
  }

  /// The class that the shortcut tells of: the true one, but any in the test split.
  private func cue(_ index: Int, of split: Split) -> Int {
    guard split == .test else { return label(index) }
    var random = sample(index, of: split).child("shortcut")
    return random.integer(below: Self.classes.count)
  }

  /// Gives the labelled body the look that tells of a class.
  private func disguise(_ body: inout Body, cue: Int) {
    let patterns = Material.Pattern.allCases
    for i in body.materials.indices {
      switch shortcut {
      case .none, .mark, .ground: return
      case .texture:
        body.materials[i].pattern = patterns[cue % patterns.count]
        if cue >= patterns.count { body.materials[i].frame = 2 * body.materials[i].frame }
      case .colour:
        let hue = Float(cue) / Float(Self.classes.count)
        body.materials[i].first = SRGB.linear(Look.color(hue: hue, saturation: 0.75, value: 0.85))
        body.materials[i].second = SRGB.linear(Look.color(hue: hue, saturation: 0.55, value: 0.5))
      }
    }
  }

  /// A square of two tones at place `cue` of the upper edge.
  private func drawMark(_ cue: Int, _ image: UnsafeMutablePointer<UInt8>) {
    let side = max(1, size / 12)
    let left = (2 * cue + 1) * size / 20 - side / 2
    for y in 0..<side {
      for x in 0..<side where left + x >= 0 && left + x < size {
        let tone: UInt8 = (x + y) % 2 == 0 ? 255 : 0
        for channel in 0..<3 { image[(y * size + left + x) * 3 + channel] = tone }
      }
    }
  }
}
