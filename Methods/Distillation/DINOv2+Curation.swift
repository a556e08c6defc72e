import ReproData
import ReproEngine
import ReproNN
import ReproTensor

// Section 3 of the paper: an uncurated pool is searched for what looks like a small curated set, and the network is
// trained on what was found. A first stage, `retriever`, trains the network that embeds the pool, on the pool alone.

extension DINOv2 {
  /// What was chosen of the training split.
  public struct ChosenSamples: Layer {
    /// Places in the training split, `[size]`; whole numbers below 2^24 are exact. -1 until they are chosen.
    var places: Tensor
    /// What a random choice is drawn with, `[1]`: arms of one seed with other stages choose the same.
    var draw: Tensor
    /// The part of them that is of the curated set's classes, `[1]`: reported, never used.
    var wanted: Tensor

    init(size: Int, random: RandomStream) {
      var stream = random
      (places, wanted) = (.full([size], -1), .zeros([1]))
      draw = Tensor([1], [Real(stream.integer(below: 1 << 24))])
    }

    public mutating func visit(_ v: inout some LayerVisitor) {
      v("places", &places, .buffer)
      v("draw", &draw, .buffer)
      v("wanted", &wanted, .buffer)
    }

    var indices: [Int] { places.values.map { Int($0) } }
  }

  /// The images of a step: of the whole training split, or of what was chosen of it when the stage began.
  func images(of state: inout State, _ context: StepContext) throws -> ImageBatch {
    guard context.stage != "retriever", let curation = options.curation, var chosen = state.chosen else {
      return try context.batch().images()
    }
    if chosen.places.values[0] < 0, let data = context.data {
      try choose(curation, from: data.all(), with: state.retriever, into: &chosen)
      state.chosen = chosen
    }
    return try context.batch(among: chosen.indices).images()
  }

  private func choose(
    _ curation: CurationOptions, from data: Batch, with retriever: SelfDistillationPair?,
    into chosen: inout ChosenSamples
  ) throws {
    let random = RandomStream(seed: UInt64(chosen.draw.item)).child("choice")
    let places = try curation.chosen(from: data, random: random) { images in
      retriever?.teacher.backbone(images.normalizedTensor).classToken ?? images.normalizedTensor.flattened(from: 1)
    }
    chosen.places = Tensor([places.count], places.map { Real($0) })
    if case .integers(let truth) = data["truth"] {
      chosen.wanted = Tensor([1], [Real(places.count { truth[$0] == 1 }) / Real(places.count)])
    }
  }

  /// Samples of the curated set above what was chosen for them.
  func chosenPicture(_ state: State, _ context: PictureContext) throws -> Picture? {
    guard let chosen = state.chosen, chosen.places.values[0] >= 0, context.data.spec[field: "role"] != nil,
      let size = context.data.spec.sizes[.train], size > 0
    else { return nil }
    let all = try context.data.batch(Array(0..<size), of: .train)
    let curated = all.integers("role").indices.filter { all.integers("role")[$0] == 1 }.prefix(8)
    let shown = chosen.indices.prefix(24)
    let truth = all.integers("truth")
    var sheet = TileSheet(rows: 1 + (shown.count + 7) / 8, columns: 8)
    for (i, place) in curated.enumerated() { sheet.place(all.images(), place, row: 0, column: i) }
    for (i, place) in shown.enumerated() {
      sheet.place(all.images(), place, row: 1 + i / 8, column: i % 8)
      sheet.frame(row: 1 + i / 8, column: i % 8, truth[place] == 1 ? .right : .wrong)
    }
    let right = shown.count { truth[$0] == 1 }
    return Picture(
      "chosen", title: "What was chosen of the pool",
      alternative: "A row of \(curated.count) curated pictures above \(shown.count) pictures of the pool, of which "
        + "\(right) are of the curated classes.",
      caption:
        "The first row shows samples of the curated set, the others what was chosen of the pool to train on: framed in "
        + "blue if it is of one of the curated classes, in orange if not. Nobody told the choice which classes they are.",
      .image(sheet.image, columns: []))
  }
}
