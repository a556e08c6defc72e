import ReproData
import ReproEngine
import ReproTensor

extension CMC: PictureSource {
  /// The views of some scenes as the encoders get them, and what each view finds similar.
  public func pictures(of state: State, _ context: PictureContext) throws -> [Picture] {
    let batch = try context.inputs(200)
    let views = try options.views.whole(batch)
    let sheets = options.views.kinds.indices.map { shown(options.views.kinds[$0], views[$0], batch) }
    var pictures = [try viewSheet(sheets, context)]
    guard options.isContrastive, batch.count >= 4 else { return pictures }
    let outputs = try embed(state, batch).outputs
    let z = options.views.names.compactMap { outputs[$0] }
    pictures.append(neighbourSheet(z, sheets, batch))
    return pictures
  }

  /// A view as people can look at it.
  private func shown(_ kind: SceneView, _ view: Tensor, _ batch: Batch) -> ImageBatch {
    switch kind {
    case .rgb: return batch.images()
    case .l, .y: return ImageBatch(views: view * 2)
    case .ab, .dbdr:
      // What is left of the colours at one luma.
      let colours = batch.images().planes
      let luma = colours.sRGBToYDbDr().slice(1, 0..<1)
      return ImageBatch(views: (colours - luma) * 4)
    case .depth: return ColourMap.images(view.squeezed(1), range: -3...3)
    case .normals: return ColourMap.directions(view)
    }
  }

  private func viewSheet(_ sheets: [ImageBatch], _ context: PictureContext) throws -> Picture {
    let crops = try options.views.crops(of: context.inputs(6), random: context.random.child("crops"))
    let count = min(6, crops[0].shape[0])
    var sheet = TileSheet(rows: count, columns: sheets.count, tile: 96)
    for row in 0..<count {
      for (column, images) in sheets.enumerated() { sheet.place(images, row, row: row, column: column) }
    }
    let names = options.views.names
    return Picture(
      "views", title: "The views of a scene",
      alternative: "\(count) test pictures, each in \(names.count) views: \(names.joined(separator: ", ")).",
      caption:
        "Each row is one scene, each column what one encoder is given of it (in training a random crop of \(options.views.size) "
        + "pixels, the same for all views). Colour differences are shown at one lightness, nearness from blue (far) to "
        + "yellow (near), normals as colours.",
      .image(sheet.image, columns: names))
  }

  /// For two scenes: what each view, asked by itself, finds most similar.
  private func neighbourSheet(_ z: [Tensor], _ sheets: [ImageBatch], _ batch: Batch) -> Picture {
    let (queries, found, n) = (2, 5, batch.count)
    let images = batch["image"].map { _ in batch.images() } ?? sheets[0]
    var sheet = TileSheet(rows: queries * z.count, columns: found + 2, tile: 96)
    for query in 0..<queries {
      for (m, features) in z.enumerated() {
        let row = query * z.count + m
        sheet.place(images, query, row: row, column: 0)
        sheet.place(sheets[m], query, row: row, column: 1)
        let similarity = matmul(features, features.slice(0, query..<(query + 1)).transposed()).values
        let others = (0..<n).filter { $0 != query }.sorted { (similarity[$1], $0) < (similarity[$0], $1) }
        for (k, other) in others.prefix(found).enumerated() { sheet.place(images, other, row: row, column: 2 + k) }
      }
    }
    let names = options.views.names.joined(separator: ", ")
    return Picture(
      "view-neighbours", title: "What each view finds similar",
      alternative:
        "\(queries) test pictures; for each of the views \(names) a row with the \(found) test pictures whose "
        + "features of that view are most similar.",
      caption:
        "Rows go through the views (\(names)) of two test pictures. Left the picture and the view that is asked, "
        + "then the most similar of \(n) test pictures by the cosine of that view's z alone. Where training worked, "
        + "views that share no pixel value find the same scenes.",
      .image(sheet.image, columns: ["picture", "view"] + (1...found).map { "\($0)." }))
  }
}
