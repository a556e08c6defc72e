import ReproData
import ReproEngine
import ReproTensor

extension DINOv2: PictureSource {
  /// What the student is given: two large crops with hidden patches, and small crops. The teacher sees the large
  /// crops whole.
  public func pictures(of state: State, _ context: PictureContext) throws -> [Picture] {
    let images = try context.inputs(5).images()
    let views = options.crops(at: "pretrain")
    let crops = views.crops(of: images, random: context.random.child("crops"))
    let side = crops.globals[0].shape[2] / options.patch
    let masks = BlockMasks(
      images: 2 * crops.count, rows: side, columns: side, probability: options.maskProbability,
      ratio: options.maskRatio, random: context.random.child("masks"))
    let locals = crops.locals.prefix(4)
    var sheet = TileSheet(rows: crops.count, columns: 3 + locals.count)
    // All crops at one zoom, so that a small crop is seen to be small.
    let zoom = max(1, 96 / max(views.globalSize, images.width, images.height))
    for row in 0..<crops.count {
      sheet.place(images, row, row: row, column: 0, zoom: zoom)
      for (view, crop) in crops.globals.enumerated() {
        let hidden = [masks.bits[view * crops.count + row]]
        let seen = ImageBatch(views: crop)[row].hiding(hidden, rows: side, columns: side)
        sheet.place(seen, 0, row: row, column: 1 + view, zoom: zoom)
      }
      for (i, crop) in locals.enumerated() {
        sheet.place(ImageBatch(views: crop), row, row: row, column: 3 + i, zoom: zoom)
      }
    }
    let masked = masks.bits.count { $0.contains(true) }
    let chosen = try chosenPicture(state, context)
    return [
      Picture(
        "crops", title: "What the student sees",
        alternative: "\(crops.count) pictures; beside each two large crops, \(masked) of these \(2 * crops.count) with "
          + "patches hidden in grey, and \(locals.count) small crops.",
        caption:
          "Each row is one picture and its crops. Grey patches are hidden from the student, which has to say there "
          + "what the teacher says who sees the whole crop. Small crops have to say the same as the large ones.",
        .image(
          sheet.image,
          columns: ["picture", "1st large", "2nd large"] + locals.indices.map { "small \($0 + 1)" }))
    ] + (chosen.map { [$0] } ?? [])
  }
}
