import ReproData
import ReproEngine
import ReproTensor

extension GMML: PictureSource {
  /// Pictures that were not trained on, corrupted in each of the ways that the recipe has, and what is restored.
  public func pictures(of state: State, _ context: PictureContext) throws -> [Picture] {
    let images = try context.inputs(6).images()
    let clean = images.normalizedTensor
    var ways: [(name: String, corruption: GroupCorruption)] = []
    for (name, probability) in [(corruption.fill.rawValue, 0.0), ("strangers", 1.0)] {
      var way = corruption
      way.replace = probability
      let isUsed = probability == 0 ? corruption.replace < 1 : corruption.replace > 0
      if isUsed { ways.append((name, way)) }
    }
    var sheet = TileSheet(rows: images.count, columns: 1 + 3 * ways.count)
    for row in 0..<images.count { sheet.place(images, row, row: row, column: 0) }
    for (i, way) in ways.enumerated() {
      let corrupted = way.corruption(clean, random: context.random.child("corruption", i))
      let restored = restore(corrupted.images, state, nil)
      let inserted = clean * (1 - corrupted.mask) + restored * corrupted.mask
      for (k, tensor) in [corrupted.images, restored, inserted].enumerated() {
        let shown = ImageBatch(views: tensor)
        for row in 0..<images.count { sheet.place(shown, row, row: row, column: 1 + 3 * i + k) }
      }
    }
    let what = ways.map(\.name).joined(separator: " and ")
    return [
      Picture(
        "restored", title: "What is corrupted, and what is restored",
        alternative:
          "\(images.count) pictures; beside each the same with rectangles of \(what), the whole picture as it is "
          + "restored, and the restored pixels put into the places that were corrupted.",
        caption:
          "Each row is one picture of the test part. The network sees the corrupted picture without being told where it "
          + "is corrupted; the loss looks at the corrupted places alone, so the rest of the second column is free.",
        .image(
          sheet.image,
          columns: ["picture"] + ways.flatMap { [$0.name, "restored", "put together"] }))
    ]
  }
}
