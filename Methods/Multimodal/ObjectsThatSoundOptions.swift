import ReproConfig
import ReproData
import ReproTensor

/// Every ingredient of the audio-visual correspondence networks that a recipe can change.
struct ObjectsThatSoundOptions: Sendable {
  enum Network: String, Sendable, CaseIterable {
    /// The score is a function of the Euclidean distance of two embeddings (Figure 2c of the paper).
    case aveNet = "ave-net"
    /// The score is a network over both features, side by side (Figure 2a).
    case l3Net = "l3-net"
    /// The score is the largest of those of all places (Figure 5).
    case avolNet = "avol-net"
  }
  /// How the scores of places become one: the paper's maximum, or the mean as a rival.
  enum Pooling: String, Sendable, CaseIterable { case max, mean }

  enum Map: String, Sendable, CaseIterable { case learnt, centre, salient }

  let network: Network
  let widths: [Int]
  let convolutions: Int
  let strides: (picture: Int, sound: Int)
  /// After how many of the first stages the map is pooled; the paper pools after all but the last.
  let pools: (picture: Int, sound: Int)
  /// Width of the hidden layer and of the embedding.
  let hidden, embedding: Int
  /// Whether embeddings have length 1 (AVE-Net).
  let normalizes: Bool
  let pooling: Pooling
  /// Whether a ReLU stands between the two 1x1 convolutions of AVOL-Net; the unofficial code has none.
  let isNonlinear: Bool
  /// Slope and offset with which the score of a distance starts.
  let decision: (slope: Real, offset: Real)
  /// Closed-form alignment of L3-Net's features in the stage `align`.
  let cca: (dimensions: Int, regularization: Real, power: Real)
  /// Columns from which sounds of pairs that belong together, and of pairs that do not, are taken while training.
  let positives, negatives: String
  /// Whose map is shown: the network's, or that of a rival that neither learns nor listens.
  let map: Map
  let spectrogram: LogMel
  private let scale: ClosedRange<Double>
  private let flip, brightness, saturation: Double

  init(_ s: inout Section) throws(ReproError) {
    let word = try s.choice("network", Network.allCases.map(\.rawValue), default: Network.aveNet.rawValue)
    network = Network(rawValue: word) ?? .aveNet
    widths = try s.ints("widths", in: 1...4096, default: [64, 128, 256, 512])
    convolutions = try s.int("convolutions", in: 1...8, default: 2)
    let steps = try s.ints("strides", in: 1...4, default: [2, 2])
    guard !widths.isEmpty, widths.count <= 8, steps.count == 2 else {
      throw ReproError(
        .usage, at: "\(s.node.mark)", found: "\(s.name) has \(widths.count) widths and \(steps.count) strides",
        expected: "1 to 8 widths, a stride for pictures and one for sounds")
    }
    strides = (steps[0], steps[1])
    let most = widths.count - 1
    let halves = try s.ints("pools", in: 0...most, default: [most, most])
    guard halves.count == 2 else {
      throw ReproError(
        .usage, at: "\(s.node.mark)", found: "\(s.name).pools is \(halves)", expected: "pictures' and sounds'")
    }
    pools = (halves[0], halves[1])
    hidden = try s.int("hidden", in: 1...4096, default: 128)
    embedding = try s.int("embedding", in: 1...4096, default: 128)
    normalizes = try s.bool("normalize", default: true)
    pooling = Pooling(rawValue: try s.choice("pooling", Pooling.allCases.map(\.rawValue), default: "max")) ?? .max
    isNonlinear = try s.bool("nonlinear", default: true)
    let start = try s.doubles("decision", count: 2, in: -100...100, default: [-1.4, 2.4])
    decision = (Real(start[0]), Real(start[1]))
    cca =
      try s.section("cca") { inner throws(ReproError) in
        (
          try inner.int("dimensions", in: 1...4096, default: 16),
          Real(try inner.double("regularization", in: 1e-8...10, default: 0.01)),
          Real(try inner.double("power", in: 0...8, default: 1))
        )
      } ?? (16, 0.01, 1)
    positives = try s.string("positives", default: "sound")
    negatives = try s.string("negatives", default: "sound")
    map = Map(rawValue: try s.choice("map", Map.allCases.map(\.rawValue), default: "learnt")) ?? .learnt
    var sound: LogMel?
    sound = try s.section("spectrogram") { inner throws(ReproError) in try LogMel(&inner) }
    if sound == nil {
      var empty = try Section(YAMLNode(.mapping([]), at: s.node.mark), name: "\(s.name).spectrogram")
      sound = try LogMel(&empty)
    }
    guard let sound else { requirementFailed("a spectrogram has defaults") }
    spectrogram = sound
    let changes =
      try s.section("augment") { inner throws(ReproError) in
        (
          try inner.doubles("scale", count: 2, in: 0.01...1, default: [0.75, 1]),
          try inner.double("flip", in: 0...1, default: 0.5),
          try inner.double("brightness", in: 0...1, default: 0.2),
          try inner.double("saturation", in: 0...1, default: 0.2)
        )
      } ?? ([0.75, 1], 0.5, 0.2, 0.2)
    guard changes.0[0] <= changes.0[1] else {
      throw ReproError(
        .usage, at: "\(s.node.mark)", found: "\(s.name).augment.scale is \(changes.0)", expected: "from low to high")
    }
    scale = changes.0[0]...changes.0[1]
    (flip, brightness, saturation) = (changes.1, changes.2, changes.3)
  }

  /// How a picture of a side is changed for training.
  func views(_ side: Int) -> ViewPolicy {
    var policy = ViewPolicy(size: side, scale: scale)
    policy.ratio = 1...1
    policy.flip = flip
    policy.jitter = ViewPolicy.Jitter(
      probability: 1, brightness: brightness, contrast: 0, saturation: saturation, hue: 0)
    return policy
  }
}

/// What the networks need to know about clips with sound.
struct SoundingClips: Sendable {
  let side, channels, samples: Int

  /// The columns `video` (square pictures) and `sound`, and the sounds that training names.
  init(_ data: DataSpec, _ options: ObjectsThatSoundOptions) throws(ReproError) {
    guard case .frames(_, let height, let width, let channels) = data[field: "video"]?.kind, height == width else {
      throw ReproError(
        .usage,
        found: "the data set has no clips of square pictures, only \(data.fields.map(\.name).joined(separator: ", "))",
        expected: "a column 'video'")
    }
    var lengths: [Int] = []
    for name in ["sound", options.positives, options.negatives] {
      guard let field = data[field: name], case .real(let shape, _) = field.kind, shape.rank == 1, !field.isLabel else {
        throw ReproError(
          .usage, found: "the data set has no sound '\(name)', only \(data.fields.map(\.name).joined(separator: ", "))",
          expected: "a column of waveforms [S] that methods may see")
      }
      lengths.append(shape[0])
    }
    guard lengths.allSatisfy({ $0 == lengths[0] && $0 >= options.spectrogram.window }) else {
      throw ReproError(
        .usage, at: "method.spectrogram", found: "sounds of \(lengths) samples",
        expected: "one length, of a window of \(options.spectrogram.window) or more")
    }
    (side, self.channels, samples) = (height, channels, lengths[0])
    let shrinks = options.strides.picture << options.pools.picture
    guard side >= shrinks else {
      throw ReproError(
        .usage, at: "method.widths", found: "pictures of \(side) pixels shrink by \(shrinks)", hint: "use fewer stages")
    }
    let heard = options.strides.sound << options.pools.sound
    guard min(options.spectrogram.rows, options.spectrogram.columns(of: samples)) >= heard else {
      throw ReproError(
        .usage, at: "method.spectrogram",
        found:
          "spectrograms of \(options.spectrogram.rows) rows and \(options.spectrogram.columns(of: samples)) columns "
          + "shrink by \(heard)",
        hint: "use fewer stages")
    }
  }
}
