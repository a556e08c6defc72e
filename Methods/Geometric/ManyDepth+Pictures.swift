import ReproData
import ReproEngine
import ReproTensor

extension ManyDepth: PictureSource {
  /// For some test clips: the frame before, the frame, true depth, depth of least cost, both networks' depths, where the
  /// volume is trusted, and what moves.
  public func pictures(of state: State, _ context: PictureContext) throws -> [Picture] {
    let samples = try context.samples(5)
    let clip = ClipSample(middleOf: samples, offsets: -options.lookups...0, unit: options.unit)
    let outputs = try embed(state, context.inputs(5)).outputs
    let (count, image) = (samples.count, clip.frame(0))
    let shape: Shape = [count, image.shape[2], image.shape[3]]
    let single = outputs["single-depth"] ?? .ones(shape)
    var columns: [(name: String, images: ImageBatch)] = [
      ("frame before", ImageBatch(views: clip.frame(-1) * 4 - 2)), ("frame", ImageBatch(views: image * 4 - 2)),
    ]
    var parts = ["the frame before, the frame"]
    if case .reals(let truth) = samples["middle-depth"], truth.shape == shape {
      columns.append(("true depth", nearness(truth)))
      parts.append("its true depth")
    }
    columns.append(("one frame", nearness(single)))
    parts.append("the depth from one frame")
    if let multi = state.multi {
      let volume = frozenOutput(state, multi, clip, isStatic: false).volume
      let lowest = volume.lowest.resized(to: [shape[1], shape[2]], .nearest)
      let trusted = reliability(
        lowest: volume.lowest, observed: volume.isObserved, single.expandedAxis(1), .zeros([count, 1, 1, 1]))
      columns.append(("least cost", nearness(lowest.squeezed(1), like: single)))
      columns.append(("several frames", nearness(outputs["depth"] ?? single)))
      columns.append(("trusted", ColourMap.images(trusted.squeezed(1), range: 0...1)))
      parts += ["the depth of least cost", "the depth from two frames", "where the volume is trusted"]
    }
    if case .images(let moving) = samples["middle-motion"] {
      columns.append(("moves", ColourMap.classes(moving)))
      parts.append("what moves by itself")
    }
    var sheet = TileSheet(rows: count, columns: columns.count)
    for row in 0..<count {
      for (k, column) in columns.enumerated() { sheet.place(column.images, row, row: row, column: k) }
    }
    return [
      Picture(
        "depths", title: "From frames to depth",
        alternative: "\(count) test clips, each a row of pictures: \(parts.joined(separator: ", ")).",
        caption:
          "Light is near, dark is far, each map by its own scale (only ratios are known). The depth of least cost is "
          + "what the cost volume says alone; it is trusted (light) where it is within a factor of two of the depth from "
          + "one frame. On things that move it should not be trusted.",
        .image(sheet.image, columns: columns.map(\.name)))
    ]
  }

  /// Nearness in colours: the median of `reference` over depth, from 0 (far) to 2.5 times as near.
  private func nearness(_ depth: Tensor, like reference: Tensor? = nil) -> ImageBatch {
    let (n, area) = (depth.shape[0], depth.shape[1] * depth.shape[2])
    let (values, scales) = (depth.values, (reference ?? depth).values)
    let maps = Tensor(depth.shape) { p in
      for i in 0..<n {
        // Where nothing stands the truth is 0: infinitely far.
        let valid = scales[(i * area)..<((i + 1) * area)].filter { $0 > 0 }.sorted()
        let middle = valid.isEmpty ? 1 : valid[valid.count / 2]
        for k in (i * area)..<((i + 1) * area) { p[k] = values[k] > 0 ? middle / values[k] : 0 }
      }
    }
    return ColourMap.images(maps, range: 0...2.5)
  }
}
