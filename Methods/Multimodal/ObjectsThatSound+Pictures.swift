import ReproData
import ReproEngine
import ReproScenes
import ReproTensor

extension ObjectsThatSound: PictureSource {
  /// Where the network looks when one thing is heard and when the other is, and who finds whom.
  public func pictures(of state: State, _ context: PictureContext) throws -> [Picture] {
    let batch = try context.samples(240)
    let all = try embed(state, batch)
    guard let visual = all.outputs["visual"], let audio = all.outputs["audio"] else { return [] }
    let frames = batch.images("video").lastFrames
    let sounds = tiles(options.spectrogram(batch.reals("sound")))
    let classes: [Int]? = if case .integers(let kinds) = batch["kind"] { kinds } else { nil }
    return [
      try heat(state, batch, frames),
      found(
        visual, audio, frames, sounds, classes, "image-to-sound", "Sounds that a picture finds", "picture", "sounds"),
      found(
        audio, visual, sounds, frames, classes, "sound-to-image", "Pictures that a sound finds", "sound", "pictures"),
    ]
  }

  /// Spectrograms as images: low frequencies below, time to the right.
  private func tiles(_ spectrograms: Tensor) -> ImageBatch {
    ColourMap.images(spectrograms.select(1, 0).flipped(1), range: -1...1)
  }

  private func heat(_ state: State, _ batch: Batch, _ frames: ImageBatch) throws -> Picture {
    let rows = Array(0..<min(8, batch.count))
    func part(hearing name: String) -> Batch {
      let columns = batch.columns.map { column in
        (name: column.name, values: (column.name == "sound" ? batch[name] ?? column.values : column.values).rows(rows))
      }
      return Batch(indices: rows, columns: columns)
    }
    // Without a second sound the neighbour's is played.
    let second = batch["rival"] == nil ? part(hearing: "sound").rolled("sound") : part(hearing: "rival")
    let heard = [part(hearing: "sound"), second]
    var sheet = TileSheet(rows: rows.count, columns: 5)
    let (h, w) = (frames.height, frames.width)
    for (k, clip) in heard.enumerated() {
      let map = try embed(state, clip).outputs["map"] ?? .zeros([rows.count, 1, 1])
      let spectrograms = tiles(options.spectrogram(clip.reals("sound")))
      let peaks = map.reshaped([rows.count, -1]).argmax().values
      for row in rows {
        let own = map.select(0, row).resized(to: [h, w]).expandedAxis(0)
        let marked = frames.rows([row]).lit(
          by: own, peak: (peaks[row] / map.shape[2], peaks[row] % map.shape[2]), of: map)
        sheet.place(spectrograms, row, row: row, column: 1 + 2 * k)
        sheet.place(marked, 0, row: row, column: 2 + 2 * k)
      }
    }
    for row in rows { sheet.place(frames, row, row: row, column: 0) }
    return Picture(
      "heat", title: "Where the sound comes from",
      alternative: "\(rows.count) pictures of two things; beside each two sounds and, for each sound, the picture lit "
        + "where the network says that it comes from.",
      caption: "Each row: a test picture; the sound of the thing that was struck, and the picture in the light of the "
        + "network's map, its maximum framed; then the sound that the other thing would have made, and the map under "
        + "that sound. Nothing but the sound differs.",
      .image(sheet.image, columns: ["picture", "its sound", "map", "the other's sound", "map"]))
  }

  private func found(
    _ queries: Tensor, _ gallery: Tensor, _ asked: ImageBatch, _ shown: ImageBatch, _ classes: [Int]?, _ name: String,
    _ title: String, _ what: String, _ others: String
  ) -> Picture {
    let n = gallery.shape[0]
    let (count, width) = (min(6, n), min(6, n))
    var sheet = TileSheet(rows: count, columns: width + 1)
    var right = 0
    matmul(queries.l2Normalized(), gallery.l2Normalized().transposed()).withElements { s in
      for row in 0..<count {
        sheet.place(asked, row, row: row, column: 0)
        let order = (0..<n).sorted { (s[row * n + $1], $0) < (s[row * n + $0], $1) }
        for (k, other) in order.prefix(width).enumerated() {
          sheet.place(shown, other, row: row, column: k + 1)
          guard let classes else { continue }
          let agrees = classes[row] == classes[other]
          right += agrees ? 1 : 0
          sheet.frame(row: row, column: k + 1, agrees ? .right : .wrong, dash: agrees ? 0 : 6)
        }
      }
    }
    let score = classes == nil ? "" : " \(right) of \(count * width) are of the kind that sounds in the query."
    return Picture(
      name, title: title,
      alternative:
        "\(count) queries, each a \(what), with the \(width) \(others) of other clips that are nearest.\(score)",
      caption:
        "Left: a \(what). Beside it the nearest of \(n) \(others), best first. A solid blue frame: the same kind "
        + "of thing sounds; a broken orange one: another kind.",
      .image(sheet.image, columns: [what] + (1...width).map { "\($0)." }))
  }
}

extension Batch {
  /// One column moved on by a sample.
  fileprivate func rolled(_ name: String) -> Batch {
    let order = (0..<count).map { ($0 + 1) % count }
    return Batch(
      indices: indices, columns: columns.map { ($0.name, $0.name == name ? $0.values.rows(order) : $0.values) })
  }
}

extension ImageBatch {
  /// One picture, dark where a map `[1, H, W]` is low, with a frame around the cell of the largest value.
  fileprivate func lit(by map: Tensor, peak: (row: Int, column: Int), of cells: Tensor) -> ImageBatch {
    var result = self
    let values = map.values
    let (low, high) = (values.min() ?? 0, values.max() ?? 1)
    for (i, value) in values.enumerated() {
      let light = 0.15 + 0.85 * Double(high > low ? (value - low) / (high - low) : 1)
      for c in 0..<channels {
        result.bytes[i * channels + c] = UInt8((Double(bytes[i * channels + c]) * light).rounded())
      }
    }
    let (top, left) = (peak.row * height / cells.shape[1], peak.column * width / cells.shape[2])
    let (bottom, right) = ((peak.row + 1) * height / cells.shape[1] - 1, (peak.column + 1) * width / cells.shape[2] - 1)
    for y in top...max(top, bottom) {
      for x in left...max(left, right) where y == top || y == bottom || x == left || x == right {
        for (c, value) in [UInt8(255), 240, 80].enumerated() where c < channels {
          result.bytes[(y * width + x) * channels + c] = value
        }
      }
    }
    return result
  }
}
