import Glibc
import ReproData
import ReproTensor

/// A sheet of everything of one sample that can be seen.
struct SampleSheet {
  let spec: DataSpec
  let batch: Batch
  /// Frames of a column at most.
  let frames: Int

  init(_ spec: DataSpec, _ batch: Batch, frames: Int) { (self.spec, self.batch, self.frames) = (spec, batch, frames) }

  /// The pictures of one column.
  private struct Strip {
    var name: String
    var tiles: [Canvas]
  }

  private static let gap = 8
  /// Where single pictures of several columns go to a new line.
  private static let lineWidth = 1240

  /// The sheet; nil if the sample has nothing to be seen.
  func draw(title: String) -> Canvas? {
    let strips = spec.fields.flatMap(strips).map(enlarged)
    guard !strips.isEmpty else { return nil }
    let (gap, letters) = (Self.gap, TinyFont.height + 5)
    // Columns of one picture stand side by side, strips of several have their own line.
    var lines: [[Strip]] = []
    for strip in strips {
      let isSingle = strip.tiles.count == 1
      if isSingle, let last = lines.last, last.allSatisfy({ $0.tiles.count == 1 }),
        last.reduce(0, { $0 + width($1) + gap }) + width(strip) <= Self.lineWidth
      {
        lines[lines.count - 1].append(strip)
      } else {
        lines.append([strip])
      }
    }
    let sheetWidth = (lines.map { $0.reduce(gap) { $0 + width($1) + gap } }.max() ?? 0)
    let heights = lines.map { line in (line.flatMap(\.tiles).map(\.height).max() ?? 0) + letters + gap }
    var sheet = Canvas(
      width: max(sheetWidth, title.count * TinyFont.advance + 2 * gap),
      height: heights.reduce(letters + 2 * gap, +))
    sheet.write(title, x: gap, y: gap, SIMD3(0, 0, 0))
    var y = gap + letters + gap / 2
    for (line, height) in zip(lines, heights) {
      var x = gap
      for strip in line {
        sheet.write(strip.name, x: x, y: y)
        var left = x
        for tile in strip.tiles {
          sheet.lay(tile, x: left, y: y + letters)
          left += tile.width + 2
        }
        x += width(strip) + gap
      }
      y += height
    }
    return sheet
  }

  private func width(_ strip: Strip) -> Int {
    max(strip.tiles.reduce(-2) { $0 + $1.width + 2 }, strip.name.count * TinyFont.advance)
  }

  /// Small pictures grow until they can be seen.
  private func enlarged(_ strip: Strip) -> Strip {
    guard let first = strip.tiles.first else { return strip }
    let wanted = strip.tiles.count > 4 ? 128 : 192
    let factor = max(1, wanted / max(first.width, first.height))
    return Strip(name: strip.name, tiles: strip.tiles.map { $0.enlarged(factor) })
  }

  /// At most `frames` of so many, spread over all.
  private func chosen(_ count: Int) -> [Int] {
    count <= frames ? Array(0..<count) : (0..<frames).map { $0 * (count - 1) / max(frames - 1, 1) }
  }

  // MARK: Columns

  private func strips(_ field: FieldSpec) -> [Strip] {
    switch (field.kind, batch[field.name]) {
    case (.image, .images(let images)), (.frames, .images(let images)), (.labelMap, .images(let images)):
      return self.images(field, images)
    case (.real(let shape, let unit), .reals(let values)):
      let numbers = values.values.map { Float($0) }
      return reals(field.name, (0..<shape.rank).map { shape[$0] }, unit, numbers)
    default: return []
    }
  }

  private func images(_ field: FieldSpec, _ images: ImageBatch) -> [Strip] {
    let isLabels: Bool
    if case .labelMap = field.kind { isLabels = true } else { isLabels = images.channels == 1 && field.isLabel }
    let size = images.height * images.width * images.channels
    let tiles = chosen(images.frames).map { frame -> Canvas in
      var tile = Canvas(width: images.width, height: images.height)
      for i in 0..<images.width * images.height {
        let at = frame * size + i * images.channels
        let color =
          isLabels
          ? Colours.label(Int(images.bytes[at]))
          : images.channels >= 3
            ? SIMD3(images.bytes[at], images.bytes[at + 1], images.bytes[at + 2])
            : SIMD3(repeating: images.bytes[at])
        tile[i % images.width, i / images.width] = color
      }
      return tile
    }
    var strips = [Strip(name: field.name, tiles: tiles)]
    let isFirst = spec.fields.first { if case .images? = batch[$0.name] { true } else { false } }?.name == field.name
    if !isLabels, isFirst, let boxed = boxed(tiles, images) {
      strips.append(Strip(name: field.name + " + boxes", tiles: boxed))
    }
    return strips
  }

  /// The same pictures with the boxes of a column `boxes`, `[M, 4]` or `[F, M, 4]`, in pixels.
  private func boxed(_ tiles: [Canvas], _ images: ImageBatch) -> [Canvas]? {
    guard case .real(let shape, "px")? = spec[field: "boxes"]?.kind, case .reals(let values)? = batch["boxes"],
      shape.rank >= 2, shape[-1] == 4
    else { return nil }
    let perFrame = shape[-2] * 4
    guard shape.rank == 2 ? images.frames == 1 : shape[0] == images.frames else { return nil }
    let numbers = values.values
    let zoom = max(1, (tiles.count > 4 ? 128 : 192) / max(images.width, images.height))
    return zip(tiles, chosen(images.frames)).map { tile, frame in
      var large = tile.enlarged(zoom)
      for m in 0..<shape[-2] {
        let at = frame * perFrame + m * 4
        let box = (0..<4).map { Float(numbers[at + $0]) * Float(zoom) }
        guard box[2] > box[0] else { continue }
        large.outline(
          left: Int(box[0]), top: Int(box[1]), right: Int(box[2]) - 1, bottom: Int(box[3]) - 1, Colours.label(m + 1))
      }
      return large
    }
  }

  private func reals(_ name: String, _ shape: [Int], _ unit: String, _ x: [Float]) -> [Strip] {
    let isMap = shape.count >= 2 && x.count >= 64
    if shape.count == 1, unit == "audio" || shape[0] >= 400 { return audio(name, x) }
    if isMap, shape.count <= 2, [3, 4, 6, 8].contains(shape.last ?? 0), unit == "m", shape[0] >= 64 {
      return [Strip(name: name, tiles: points(x, width: shape[1]))]
    }
    guard isMap else { return [] }
    if shape.last == 3, shape.count >= 3, shape[shape.count - 2] >= 8 {
      return maps(name, shape.dropLast(), 3, x) { x, at, _ in Colours.normal(SIMD3(x[at], x[at + 1], x[at + 2])) }
    }
    if shape.last == 2, shape.count >= 3, shape[shape.count - 2] >= 8, unit == "px" {
      let largest = (0..<x.count / 2).map { i -> Float in hypotf(x[2 * i], x[2 * i + 1]) }
      // A few wild pixels (the sky at a pole) must not pale the rest.
      let top = largest.sorted()[largest.count * 98 / 100]
      return maps(name, shape.dropLast(), 2, x) { x, at, _ in Colours.flow(SIMD2(x[at], x[at + 1]), largest: top) }
    }
    guard shape.count <= 3, shape[shape.count - 1] >= 14, shape[shape.count - 2] >= 14 else { return [] }
    if unit == "m" {
      let near = x.filter { $0 > 0 }
      let (low, high) = (near.min() ?? 0, near.max() ?? 1)
      // Inverse depth: what is near has most of the colours.
      return maps(name, shape[...], 1, x) { x, at, _ in
        x[at] <= 0 ? SIMD3(0, 0, 0) : Colours.scale((1 / x[at] - 1 / high) / max(1 / low - 1 / high, 1e-9))
      }
    }
    // A table is no picture.
    guard shape[shape.count - 2] <= 8 * shape[shape.count - 1] else { return [] }
    let (low, high) = (x.min() ?? 0, x.max() ?? 1)
    return maps(name, shape[...], 1, x) { x, at, _ in Colours.scale((x[at] - low) / max(high - low, 1e-9)) }
  }

  /// Maps `[H, W]` or `[F, H, W]` of some numbers per pixel.
  private func maps(
    _ name: String, _ shape: ArraySlice<Int>, _ channels: Int, _ x: [Float],
    _ color: ([Float], Int, Int) -> SIMD3<UInt8>
  ) -> [Strip] {
    let dims = Array(shape)
    guard dims.count == 2 || dims.count == 3 else { return [] }
    let (count, height, width) = dims.count == 3 ? (dims[0], dims[1], dims[2]) : (1, dims[0], dims[1])
    let tiles = chosen(count).map { frame -> Canvas in
      var tile = Canvas(width: width, height: height)
      for i in 0..<width * height {
        tile[i % width, i / width] = color(x, (frame * width * height + i) * channels, i)
      }
      return tile
    }
    return [Strip(name: name, tiles: tiles)]
  }

  /// Points from the side and from above; with normals they are shaded, with colours (8 numbers) they have them, else
  /// they are coloured by the third axis.
  private func points(_ x: [Float], width: Int) -> [Canvas] {
    let count = x.count / width
    var (low, high) = (SIMD3<Float>(repeating: .infinity), SIMD3<Float>(repeating: -.infinity))
    let all = (0..<count).map { SIMD3(x[$0 * width], x[$0 * width + 1], x[$0 * width + 2]) }
    for p in all {
      low.replace(with: p, where: p .< low)
      high.replace(with: p, where: p .> high)
    }
    let middle = (low + high) / 2
    let reach = max((high - low).max() / 2, 1e-6) * 1.05
    let side = 192
    // Right, up and towards the viewer for a look along -z and for one from above.
    let looks: [(SIMD3<Float>, SIMD3<Float>, SIMD3<Float>)] = [
      (SIMD3(1, 0, 0), SIMD3(0, 1, 0), SIMD3(0, 0, 1)), (SIMD3(1, 0, 0), SIMD3(0, 0, -1), SIMD3(0, 1, 0)),
    ]
    return looks.map { right, up, towards in
      var tile = Canvas(width: side, height: side, background: SIMD3(24, 24, 28))
      func along(_ i: Int, _ axis: SIMD3<Float>) -> Float { ((all[i] - middle) * axis).sum() / reach }
      for i in (0..<count).sorted(by: { (along($0, towards), $0) < (along($1, towards), $1) }) {
        let shade: SIMD3<UInt8>
        if width == 6 {
          let n = SIMD3(x[i * 6 + 3], x[i * 6 + 4], x[i * 6 + 5])
          let facing = (n * towards).sum()
          // What looks away lies behind the surface.
          guard facing > -0.05 else { continue }
          shade = Colours.scale(0.15 + 0.8 * facing)
        } else if width == 8 {
          shade = Colours.bytes(SIMD3(x[i * 8 + 3], x[i * 8 + 4], x[i * 8 + 5]) * 255)
        } else {
          shade = Colours.scale(0.5 + 0.5 * (width == 4 ? x[i * 4 + 3] : along(i, towards)))
        }
        let (u, v) = (along(i, right), along(i, up))
        tile.dot(x: Int((u + 1) / 2 * Float(side)), y: Int((1 - v) / 2 * Float(side)), reach: 1, shade)
      }
      return tile
    }
  }

  /// A wave and its spectrogram.
  private func audio(_ name: String, _ x: [Float]) -> [Strip] {
    let (width, height) = (320, 96)
    var wave = Canvas(width: width, height: height, background: SIMD3(24, 24, 28))
    let loudest = max(x.map(abs).max() ?? 0, 1e-9)
    for column in 0..<width {
      let part = x[column * x.count / width..<max((column + 1) * x.count / width, column * x.count / width + 1)]
      let (low, high) = ((part.min() ?? 0) / loudest, (part.max() ?? 0) / loudest)
      for y in Int(
        (1 - high) / 2 * Float(height - 1))...max(
          Int((1 - high) / 2 * Float(height - 1)), Int((1 - low) / 2 * Float(height - 1)))
      {
        wave[column, y] = Colours.label(2)
      }
    }
    let size = max(32, min(512, 1 << Int(log2f(Float(x.count) / 24))))
    guard x.count > 2 * size else { return [Strip(name: name, tiles: [wave])] }
    let signal = Tensor([x.count], x.map { Real($0) })
    let spectrum = signal.stft(ShortTimeOptions(size: size, hop: size / 4, window: hannWindow(size)))
    let power = spectrum.complexMagnitude().values.map { 20 * log10f(Float($0) + 1e-6) }
    let (rows, columns) = (size / 2 + 1, spectrum.shape[1])
    let top = power.max() ?? 0
    var picture = Canvas(width: width, height: height)
    for y in 0..<height {
      for column in 0..<width {
        let f = (height - 1 - y) * rows / height
        picture[column, y] = Colours.scale((power[f * columns + column * columns / width] - top + 70) / 70)
      }
    }
    return [Strip(name: name, tiles: [wave]), Strip(name: name + " spectrogram", tiles: [picture])]
  }
}
