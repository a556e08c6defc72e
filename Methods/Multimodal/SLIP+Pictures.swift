import ReproData
import ReproEngine
import ReproScenes
import ReproTensor

extension SLIP: PictureSource {
  public func pictures(of state: State, _ context: PictureContext) throws -> [Picture] {
    var pictures = [try views(context)]
    if let found = try matches(state, context) { pictures.insert(found, at: 0) }
    return pictures
  }

  /// Captions with the test pictures that lie nearest to them.
  private func matches(_ state: State, _ context: PictureContext) throws -> Picture? {
    guard options.weights.clip > 0, let split = context.split else { return nil }
    let count = min(256, context.data.spec.sizes[split] ?? 0)
    let batch = try context.samples(count)
    guard case .texts(let captions) = batch[options.captions[0]], count >= 5 else { return nil }
    let shown = 6
    let queries = Array(captions.prefix(shown))
    let features = try context.subject.labelled(split, limit: count).features
    guard let images = features.outputs["image"] else { return nil }
    let words = try embed(state, texts: queries).l2Normalized()
    let cosines = matmul(words, images.l2Normalized().transposed())  // [shown, count]
    let best = 5
    var sheet = TileSheet(rows: queries.count, columns: best + 1)
    var right = 0
    for row in queries.indices {
      let scores = cosines.select(0, row).values
      let near = scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }.prefix(best)
      sheet.place(batch.images(), row, row: row, column: 0)
      for (k, i) in near.enumerated() {
        sheet.place(batch.images(), i, row: row, column: k + 1)
        let fits = isTrue(queries[row], of: i, split, context.data) ?? (i == row)
        right += fits ? 1 : 0
        sheet.frame(row: row, column: k + 1, fits ? .right : .wrong, dash: fits ? 0 : 6)
      }
    }
    let said = queries.enumerated().map { "\($0.offset + 1): \"\($0.element)\"" }.joined(separator: "; ")
    let knows = isTrue(queries[0], of: 0, split, context.data) != nil
    return Picture(
      "captions", title: "Captions and the pictures nearest to them",
      alternative:
        "\(queries.count) captions of test pictures, each with its own picture and the \(best) pictures nearest "
        + "to it. \(right) of these \(best * queries.count) \(knows ? "fit their caption" : "are the caption's own").",
      caption:
        "Each row is a caption. Left: the picture that it was written for; beside it the nearest of \(count) test "
        + "pictures, best first. A solid blue frame: \(knows ? "the caption is true of the picture" : "its own picture"); a "
        + "broken orange one: \(knows ? "it is false" : "another"). The captions are \(said).",
      .image(sheet.image, columns: ["its picture"] + (1...best).map { "\($0)." }))
  }

  /// Whether a caption is true of a picture; nil where the data cannot tell.
  private func isTrue(_ caption: String, of index: Int, _ split: Split, _ data: any DatasetProvider) -> Bool? {
    guard let scenes = data as? ScenesCaptions else { return nil }
    let scene = scenes.scene(index, of: split)
    return CaptionParser.claims(caption).allSatisfy { scene.isTrue($0, slack: 0) }
  }

  /// What the image encoder is given in a step.
  private func views(_ context: PictureContext) throws -> Picture {
    let images = try context.inputs(5).images()
    let views = options.views(of: images, random: context.random.child("views"))
    let columns = views.lights + views.strong
    var sheet = TileSheet(rows: images.count, columns: 1 + columns.count)
    for row in 0..<images.count {
      sheet.place(images, row, row: row, column: 0)
      for (k, view) in columns.enumerated() {
        sheet.place(ImageBatch(views: view), row, row: row, column: k + 1)
      }
    }
    let (lights, strong) = (views.lights.count, views.strong.count)
    return Picture(
      "views", title: "What the image encoder is given",
      alternative: "\(images.count) pictures, beside each \(lights) light and \(strong) strong views.",
      caption:
        "Each row is one picture and its views in one step. Light views are compared with captions; strong ones, with "
        + "their colours changed, with each other.",
      .image(
        sheet.image,
        columns: ["picture"] + (0..<lights).map { "light \($0 + 1)" } + (0..<strong).map { "strong \($0 + 1)" }))
  }
}
