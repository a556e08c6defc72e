import ReproConfig
import ReproData
import ReproTensor

/// What can be shown of every encoder of images: its features of places as colours, and what it takes for similar.
public enum StandardPictures {
  /// Samples among which neighbours are looked for.
  private static let gallery = 512

  /// The images of a data set that has one image a sample; nil for others.
  private static func hasImages(_ context: PictureContext) -> Bool {
    guard case .image(_, _, let channels) = context.data.spec[field: "image"]?.kind else { return false }
    return channels == 1 || channels == 3
  }

  /// Features of places in the colours of their three main directions; nothing for encoders without places.
  public static func features(_ context: PictureContext) throws -> [Picture] {
    guard let split = context.split, hasImages(context), try context.subject.hasDenseFeatures() else { return [] }
    let images = try context.samples(8).images()
    // The directions come from more samples than are shown: eight of them would decide too much.
    let features = try context.subject.labelled(split, dense: true, limit: 64).features
    guard let dense = features.dense, dense.shape[1] * dense.shape[2] > 1 else { return [] }
    let colours = principalColours(of: dense)
    var sheet = TileSheet(rows: 2, columns: images.count)
    for i in 0..<images.count {
      sheet.place(images, i, row: 0, column: i)
      sheet.place(colours, i, row: 1, column: i)
    }
    let grid = "\(dense.shape[1]) x \(dense.shape[2])"
    return [
      Picture(
        "feature-map", title: "Features of places",
        alternative: "\(images.count) test pictures, and below each a grid of \(grid) coloured squares.",
        caption:
          "Above: test pictures. Below: the frozen features of their \(grid) places, the three directions in which "
          + "they differ most as red, green and blue. Places of one colour look alike to the network; which colour it "
          + "is means nothing.",
        .image(sheet.image, columns: []))
    ]
  }

  /// Test pictures with the test pictures that are most similar to them; and, where there are classes, which class is
  /// taken for which.
  public static func neighbours(_ context: PictureContext) throws -> [Picture] {
    guard let split = context.split, hasImages(context) else { return [] }
    let spec = context.data.spec
    let count = min(spec.sizes[split] ?? 0, gallery)
    guard count >= 2 else { return [] }
    let batch = try context.samples(count)
    let z = try context.subject.labelled(split, limit: count).features.global.l2Normalized()
    let near = nearest(z, count: min(6, count - 1))
    var pictures: [Picture] = []
    let label = spec.fields.first { field in
      if case .category = field.kind { return field.isLabel && batch[field.name] != nil }
      return false
    }
    let classes = label.map { batch.integers($0.name) }
    pictures.append(sheet(batch.images(), near, classes))
    if let label, let classes, case .category(let names) = label.kind, names.count <= 20 {
      pictures.append(confusion(near.map { $0[0] }, classes, names, column: label.name))
    }
    return pictures
  }

  /// For each sample the most similar others, by cosine; of equals the earlier one.
  private static func nearest(_ z: Tensor, count: Int) -> [[Int]] {
    let n = z.shape[0]
    return matmul(z, z.transposed()).withElements { s in
      (0..<n).map { i in
        let others = (0..<n).filter { $0 != i }
        return Array(others.sorted { (s[i * n + $1], $0) < (s[i * n + $0], $1) }.prefix(count))
      }
    }
  }

  private static func sheet(_ images: ImageBatch, _ near: [[Int]], _ classes: [Int]?) -> Picture {
    let queries = Array(0..<min(6, images.count))
    let width = near[0].count
    var sheet = TileSheet(rows: queries.count, columns: width + 1)
    var right = 0
    for (row, query) in queries.enumerated() {
      sheet.place(images, query, row: row, column: 0)
      for (k, other) in near[query].enumerated() {
        sheet.place(images, other, row: row, column: k + 1)
        guard let classes else { continue }
        let agrees = classes[query] == classes[other]
        right += agrees ? 1 : 0
        sheet.frame(row: row, column: k + 1, agrees ? .right : .wrong, dash: agrees ? 0 : 6)
      }
    }
    let total = queries.count * width
    let frames =
      classes == nil ? "" : " A solid blue frame: of the same class; a broken orange one: of another."
    let score = classes == nil ? "" : " \(right) of these \(total) neighbours are of the class of their query."
    return Picture(
      "neighbours", title: "Nearest neighbours",
      alternative: "\(queries.count) test pictures, each with the \(width) test pictures most similar to it.\(score)",
      caption:
        "Left: test pictures. Beside each the most similar of \(images.count) test pictures, by the cosine of frozen "
        + "features, best first.\(frames)",
      .image(sheet.image, columns: ["query"] + (1...width).map { "\($0)." }))
  }

  private static func confusion(_ nearest: [Int], _ classes: [Int], _ names: [String], column: String) -> Picture {
    var counts = [[Double]](repeating: [Double](repeating: 0, count: names.count), count: names.count)
    for (i, other) in nearest.enumerated() { counts[classes[i]][classes[other]] += 1 }
    let shares = counts.map { row in
      let total = row.reduce(0, +)
      return row.map { total > 0 ? $0 / total : 0 }
    }
    let agreeing = zip(nearest, classes).count { classes[$0] == $1 }
    return Picture(
      "confusion", title: "Which class is taken for which",
      alternative: "A matrix of \(names.count) classes: of \(classes.count) test pictures, \(agreeing) have a nearest "
        + "neighbour of their own class.",
      caption:
        "Each row: of the test pictures of this class, the share whose single nearest neighbour is of the class of "
        + "the column. A perfect encoder fills the diagonal.",
      .matrix(
        Picture.Matrix(
          rowAxis: column, columnAxis: "\(column) of the nearest neighbour", rows: names, columns: names,
          values: shares, unit: "share of the row")))
  }
}
