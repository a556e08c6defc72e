import ReproConfig
import ReproData
import ReproTensor

/// `curation-pool`: a labelled set taken apart into an uncurated pool and a small curated set of some of its classes.
///
/// What is drawn, from the run's seed:
/// - `wanted` of the classes; `seeds` training samples of each of them are the curated set;
/// - `pool` further training samples of every class are the pool, in which the wanted classes are no more frequent than
///   the others.
///
/// The training split is the pool and the curated set, shuffled; the test split is that of the set. Nobody is in two of
/// them.
///
/// Columns: `image`; `role` (pool or curated), which every method may read; `truth` (other or wanted), what a curation
/// without mistakes would know: an input, so that an arm can show the ceiling, and read by that arm alone; labels `label`
/// (class) and `group` (other or wanted).
///
/// Options (defaults): `of`, the set: tiny-imagenet, or scenes-objects (tiny-imagenet); `wanted` (10); `seeds` (20);
/// `pool` (130); and the options of the set (`size`, `train`, `test`, ...).
public struct CurationPool: DatasetProvider {
  public static let card = DatasetCard(
    id: "curation-pool", title: "An uncurated pool and a small curated set of some of its classes",
    source: "tiny-imagenet or scenes-objects, taken apart", licence: "that of the set")

  public let spec: DataSpec
  /// The classes of the curated set, ascending.
  public let wanted: [Int]
  private let base: any DatasetProvider
  /// Of each training sample: its place in the set's training split, role, class.
  private let train: [(place: Int, role: Int, label: Int)]
  private let description: String

  private static let roles = ["pool", "curated"]
  private static let groups = ["other", "wanted"]

  public init(_ options: inout Section, root: DataRoot) throws {
    let set = try options.choice("of", ["tiny-imagenet", "scenes-objects"], default: "tiny-imagenet")
    let count = try options.int("wanted", in: 1...10_000, default: 10)
    let seeds = try options.int("seeds", in: 1...1_000_000, default: 20)
    let pool = try options.int("pool", in: 1...1_000_000, default: 130)
    let base: any DatasetProvider =
      set == "scenes-objects" ? try ScenesObjects(&options, root: root) : try TinyImageNet(&options, root: root)
    guard case .category(let classes) = base.spec[field: "label"]?.kind, let image = base.spec[field: "image"] else {
      requirementFailed("\(set) has no labelled images")
    }
    guard count < classes.count else {
      throw ReproError(
        .usage, at: "\(options.node.mark)", found: "wanted: \(count) in \(options.name)",
        expected: "fewer than the \(classes.count) classes of \(set)")
    }
    let stream = RandomStream(seed: root.seed).child("curation-pool")
    var order = stream.child("wanted")
    let wanted = order.permutation(classes.count).prefix(count).sorted()
    let all = try base.batch(Array(0..<(base.spec.sizes[.train] ?? 0)), of: .train).integers()
    var members = [[Int]](repeating: [], count: classes.count)
    for (i, label) in all.enumerated() { members[label].append(i) }
    var rows: [(place: Int, role: Int, label: Int)] = []
    for (c, own) in members.enumerated() {
      let known = wanted.contains(c) ? seeds : 0
      guard own.count >= known + pool else {
        throw ReproError(
          .usage, at: "\(options.node.mark)", found: "\(own.count) training samples of class '\(classes[c])' of \(set)",
          expected: "seeds + pool = \(known + pool)", hint: "lower pool or seeds, or take more training samples")
      }
      var drawn = stream.child("class", c)
      for (k, place) in drawn.permutation(own.count).prefix(known + pool).enumerated() {
        rows.append((own[place], k < known ? 1 : 0, c))
      }
    }
    var mixing = stream.child("order")
    mixing.shuffle(&rows)
    train = rows
    spec = DataSpec(
      fields: [
        image, FieldSpec("role", .category(classes: Self.roles), isLabel: false),
        FieldSpec("truth", .category(classes: Self.groups), isLabel: false),
        FieldSpec("label", .category(classes: classes), isLabel: true),
        FieldSpec("group", .category(classes: Self.groups), isLabel: true),
      ], sizes: [.train: rows.count, .test: base.spec.sizes[.test] ?? 0])
    description =
      "curation-pool/v1 seed=\(root.seed) wanted=\(count) seeds=\(seeds) pool=\(pool) of \(base.fingerprint)"
    (self.base, self.wanted) = (base, wanted)
  }

  public var fingerprint: String { description }

  public func batch(_ indices: [Int], of split: Split) throws -> Batch {
    var places = indices
    var roles = indices.map { _ in 0 }
    if split == .train {
      for i in indices { require(i >= 0 && i < train.count, "sample \(i) of \(train.count) in curation-pool/train") }
      (places, roles) = (indices.map { train[$0].place }, indices.map { train[$0].role })
    }
    let samples = try base.batch(places, of: split)
    let groups = samples.integers().map { wanted.contains($0) ? 1 : 0 }
    return Batch(
      indices: indices,
      columns: [
        ("image", .images(samples.images())), ("role", .integers(roles)), ("truth", .integers(groups)),
        ("label", .integers(samples.integers())), ("group", .integers(groups)),
      ])
  }
}
