import Glibc
import ReproData
import ReproEngine
import ReproTensor

extension NeuS: PictureSource {
  /// Test views rendered beside the truth, the mesh from four sides, and what two formulas make of one ray.
  public func pictures(of state: State, _ context: PictureContext) throws -> [Picture] {
    let isScene = context.data.spec[field: "views"] != nil
    let capture = try Capture(context.inputs(isScene ? 1 : 3), sample: 0, radius: options.radius)
    return [views(state.model, capture), mesh(state.model)] + ray(state.model, capture)
  }

  private func views(_ model: SceneModel, _ capture: Capture) -> Picture {
    let (h, w) = (capture.images.height, capture.images.width)
    let shown = evenly(min(3, capture.views), of: capture.views)
    let tile = max(150, min(200, max(h, w)))
    var sheet = TileSheet(rows: shown.count, columns: 4, tile: tile)
    for (row, view) in shown.enumerated() {
      let seen = options.renderer.seen(model, capture.rays(ofView: view))
      // Views span 4 from black to white.
      let colour = ImageBatch(
        views: (seen.colour.clamped(0, 1).reshaped([1, h, w, 3]).permuted([0, 3, 1, 2]) - 0.5) * 4)
      // Red, green, blue are the axes of the world; grey is where nothing is.
      let normals = ColourMap.directions(seen.normals.reshaped([1, h, w, 3]).permuted([0, 3, 1, 2]).clamped(-1, 1))
      // Nothing is as far away as the back of the ball.
      let back = capture.rays(ofView: view).middles.reshaped([h * w]) + 1
      let depth = seen.depth * seen.opacity + back * (1 - seen.opacity)
      sheet.place(capture.images, view, row: row, column: 0)
      sheet.place(colour, 0, row: row, column: 1)
      sheet.place(normals, 0, row: row, column: 2)
      sheet.place(ColourMap.images(-depth.reshaped([1, h, w])), 0, row: row, column: 3)
    }
    return Picture(
      "views", title: "Views that training did not see",
      alternative: "\(shown.count) rows: a true view, the rendered one, normals as colours, depth as brightness.",
      caption:
        "The scene from cameras that were not used for training. Normals are gradients of the distance, in colours; "
        + "lighter depth is nearer.",
      .image(sheet.image, columns: ["truth", "rendered", "normals", "depth"]))
  }

  private func mesh(_ model: SceneModel) -> Picture {
    let mesh = surface(model, options.level).meshes(side: options.grid)[0]
    let pictures = mesh.pictures(size: 190)
    var sheet = TileSheet(rows: 1, columns: pictures.count, tile: 190)
    for i in 0..<pictures.count { sheet.place(pictures, i, row: 0, column: i) }
    let triangles = mesh.faces.count / 3
    let what = options.rendering == .density ? "density \(options.level)" : "distance 0"
    return Picture(
      "mesh", title: "The surface",
      alternative: "A mesh of \(triangles) triangles from four sides.",
      caption: "Marching cubes at \(what) on a grid of \(options.grid) samples a side, \(triangles) triangles.",
      .image(sheet.image, columns: ["30°", "120°", "210°", "300°"]))
  }

  /// The weights that two formulas give to the same distances along one ray that meets the surface.
  private func ray(_ model: SceneModel, _ capture: Capture) -> [Picture] {
    guard options.rendering != .density else { return [] }
    let field = surface(model, options.level)
    let rays = capture.rays(probes(256, of: capture.pixels))
    let crossings = field.firstCrossings(rays)
    // The most frontal entry says most about the formulas: on a grazing ray f is no line.
    let entryDepths = Tensor([crossings.count, 1], crossings.map { Real($0 ?? 0) })
    let normals = field.valueAndGradient(rays.places(at: entryDepths)).gradient.l2Normalized()
    let cosines = (normals * rays.directions).sum(1).values
    let entries = crossings.indices.filter { crossings[$0] != nil }
    guard let place = entries.min(by: { cosines[$0] < cosines[$1] }), let zero = crossings[place] else { return [] }
    let ray = rays.rows(place..<(place + 1))
    let (count, width, height) = (400, 800, 200)
    let step = 0.6 / Double(count)
    let depths = (0...count).map { zero - 0.3 + step * Double($0) }
    let values = field.value(ray.places(at: Tensor([1, count + 1], depths.map { Real($0) }))).values
    var line = RayLine(depths: depths, values: values.map { Double($0) })
    let (o, d) = (ray.origins.values.map { Double($0) }, ray.directions.values.map { Double($0) })
    line.nearest = (o[0] * o[0] + o[1] * o[1] + o[2] * o[2], o[0] * d[0] + o[1] * d[1] + o[2] * d[2])
    let s = Double(model.sharpness.item)
    var canvas = Canvas(width: width, height: height)
    canvas.fill(0, 0, width, height, Colour(255, 255, 255))
    var peaks: [Double] = []
    for (rendering, colour) in [(Rendering.naive, Colour.wrong), (.unbiased, Colour.right)] {
      let weights = line.weights(rendering, sharpness: s)
      let most = max(weights.max() ?? 1, 1e-12)
      peaks.append(depths[weights.firstIndex(of: most) ?? 0] + step / 2 - zero)
      let heights = weights.map { height - 1 - Int($0 / most * Double(height - 12)) }
      for (i, y) in heights.enumerated() {
        // From the sample before to this one: where a curve is steep, single dots would be no line.
        let before = heights[max(i - 1, 0)]
        canvas.fill(2 * i, min(y, before) - 1, 2, abs(y - before) + 3, colour)
      }
    }
    for y in 0..<height where y / 4 % 2 == 0 { canvas.fill(width / 2, y, 1, 1, Colour(0, 0, 0)) }
    func text(_ x: Double) -> String { "\((x * 1000).rounded() / 1000)" }
    return [
      Picture(
        "ray", title: "Weights along one ray",
        alternative:
          "Two bumps along a ray around the surface: the unbiased one peaks at \(text(peaks[1])), the naive one at "
          + "\(text(peaks[0])).",
        caption:
          "The same learnt distances within 0.3 of the first zero (dotted line), near side left; s = \(text(s)). Blue: "
          + "the unbiased weight, with its peak \(text(peaks[1])) from the zero. Orange: the weight of the density phi_s(f), "
          + "\(text(peaks[0])) from it.",
        .image(canvas.image, columns: []))
    ]
  }
}
