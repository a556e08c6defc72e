import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// Every ingredient of CMC that a recipe can change.
struct CMCOptions: Sendable {
  enum Objective: String, CaseIterable {
    /// Noise-contrastive estimation (Eq. 12 and the authors' code), or the softmax among k + 1.
    case nce, infonce
    /// The rival: the core view predicts the others.
    case predict
  }
  /// Where negatives come from: old features of other samples, or fresh ones of the batch.
  enum Negatives: String, CaseIterable { case bank, batch }
  enum ViewGraph: String, CaseIterable { case core, full }
  enum PairScale: String, CaseIterable { case sum, mean }
  enum Representation: String, CaseIterable { case concat, core }
  enum Distance: String, CaseIterable { case l1, l2 }

  let views: SceneViews
  let encoder: ViewEncoderSize
  let objective: Objective
  let negatives: Negatives
  /// k, rows drawn from the bank for each sample.
  let drawn: Int
  let temperature, momentum: Real
  let graph: ViewGraph
  let pairScale: PairScale
  /// One encoder for all views.
  let isShared: Bool
  let representation: Representation
  /// The predictive rival: its distance, the width of its decoders, and their learning rate as a factor of the encoder's.
  let prediction: (distance: Distance, width: Int, rate: Double)

  init(_ s: inout Section) throws(ReproError) {
    views = try SceneViews(&s)
    encoder = try ViewEncoderSize(&s)
    objective = try s.word("objective", default: .nce)
    negatives = try s.word("negatives", default: .bank)
    drawn = try s.int("k", in: 1...1_000_000, default: 4096)
    temperature = Real(try s.double("temperature", in: 0.001...10, default: 0.07))
    momentum = Real(try s.double("momentum", in: 0...1, default: 0.5))
    graph = try s.word("graph", default: .core)
    pairScale = try s.word("pair_scale", default: .sum)
    isShared = try s.bool("shared", default: false)
    representation = try s.word("representation", default: .concat)
    prediction =
      try s.section("prediction") { inner throws(ReproError) in
        (
          try inner.word("distance", default: .l1), try inner.int("width", in: 1...4096, default: 32),
          try inner.double("rate", in: 0...1000, default: 1)
        )
      } ?? (.l1, 32, 1)
    let place = "\(s.node.mark)"
    func refuse(_ found: String, _ expected: String) -> ReproError {
      ReproError(.usage, at: place, found: found, expected: expected)
    }
    if objective == .predict && views.kinds.count < 2 {
      throw refuse("objective: predict with one view", "a second view that is predicted")
    }
    if negatives == .batch && objective == .nce {
      throw refuse("negatives: batch with objective: \(objective.rawValue)", "objective: infonce")
    }
    if negatives == .batch && isContrastive && views.kinds.count < 2 {
      throw refuse("negatives: batch with one view", "a second view, which may be another crop: views: [rgb, rgb]")
    }
    if isShared && Set(views.kinds.map(\.channels)).count > 1 {
      throw refuse("shared: true for views of \(views.kinds.map(\.channels)) channels", "views of one kind")
    }
  }

  /// Whether features are contrasted at all.
  var isContrastive: Bool { objective != .predict }

  /// The pairs (i, j), i <= j, of which both directions are contrasted; a single view is contrasted with its own past.
  var pairs: [(Int, Int)] {
    let m = views.kinds.count
    if m == 1 { return [(0, 0)] }
    switch graph {
    case .core: return (1..<m).map { (0, $0) }
    case .full: return (0..<m).flatMap { i in ((i + 1)..<m).map { (i, $0) } }
    }
  }

  /// Who is the anchor in which view, and in which view are positive and negatives: the terms of the loss.
  var directions: [(anchor: Int, other: Int)] {
    pairs.flatMap { i, j in i == j ? [(i, j)] : [(i, j), (j, i)] }
  }

  /// Which encoder a view has.
  func encoder(of view: Int) -> Int { isShared ? 0 : view }

  /// Decoders may have another rate than the encoder; weights decay, biases and gains do not.
  var scaling: ParameterScaling {
    let rate = Real(prediction.rate)
    return ParameterScaling { p in (p.path.hasPrefix("decoders") ? rate : 1, p.role == .weight ? 1 : 0) }
  }
}

extension Section {
  /// One of the words of an enumeration.
  fileprivate mutating func word<E: RawRepresentable & CaseIterable>(
    _ key: String, default fallback: E
  ) throws(ReproError) -> E where E.RawValue == String {
    let word = try choice(key, E.allCases.map(\.rawValue), default: fallback.rawValue)
    return E(rawValue: word) ?? fallback
  }
}
