import ReproData
import ReproNN
import ReproTensor

// What evaluations see of a trained scene: its surface, and depths along rays.

extension NeuS {
  /// 4 x 4 x 4 places of the unit ball, `[64, 3]`.
  static let lattice: Tensor = {
    let axis: [Real] = [-0.75, -0.25, 0.25, 0.75]
    return Tensor([64, 3], axis.flatMap { x in axis.flatMap { y in axis.flatMap { z in [x, y, z] } } })
  }()

  func surface(_ model: SceneModel, _ level: Real) -> FieldSurface {
    FieldSurface(
      value: { model.signed(at: $0, level: level) },
      valueAndGradient: { model.signedAndGradient(at: $0, level: level) })
  }

  /// Points with normals, evenly on the surface and then on the level sets among which an oracle may choose, `[points, 6]`
  /// each; a field without a surface is taken for the whole ball.
  func surfacePoints(_ model: SceneModel) -> [Tensor] {
    // (level - density) / level is 1 - other / level where the density is another level.
    let others = options.rendering == .density ? options.levels.map { 1 - $0 / options.level } : []
    let meshes = surface(model, options.level).meshes(side: options.grid, levels: [0] + others)
    return meshes.map { found in
      var random = RandomStream(seed: 0).child("neus").child("surface")
      let mesh = SurfaceMesh(
        positions: found.vertices.values.map { Float($0) }, triangles: found.faces.values.map { Int32($0) })
      guard mesh.area > 0 else {
        let ball = random.normal([options.points, 3]).l2Normalized()
        return concat([ball * Real(options.radius), ball], axis: 1)
      }
      let (places, normals) = mesh.sampled(options.points, &random)
      let shape: Shape = [options.points, 3]
      return concat(
        [Tensor(shape, places.map { Real($0) }) * Real(options.radius), Tensor(shape, normals.map { Real($0) })],
        axis: 1)
    }
  }

  /// Along `probes` rays of the views, `[probes, 4]`: mean depth of the weights, first zero of f, what exists of them (0
  /// nothing, 1 the first alone, 2 the second alone, 3 both), and how long the segment is that is searched for them: the
  /// diameter of the ball, in the data's unit.
  func rayDepths(_ model: SceneModel, _ capture: Capture) -> Tensor {
    let rays = capture.rays(probes(options.probes, of: capture.pixels))
    let seen = options.renderer.seen(model, rays)
    let crossings = surface(model, options.level).firstCrossings(rays)
    let (depth, opacity) = (seen.depth.values, seen.opacity.values)
    return Tensor(
      [options.probes, 4],
      crossings.enumerated().flatMap { r, crossing -> [Real] in
        let isShown = opacity[r] > 0.5
        return [
          isShown ? depth[r] * Real(options.radius) : 0, Real((crossing ?? 0) * options.radius),
          (isShown ? 1 : 0) + (crossing == nil ? 0 : 2), 2 * Real(options.radius),
        ]
      })
  }

  /// So many numbers below `count`, drawn once for all: even steps would meet the same columns of every picture.
  func probes(_ number: Int, of count: Int) -> [Int] {
    var stream = RandomStream(seed: 0).child("neus").child("probes")
    return (0..<number).map { _ in stream.integer(below: count) }
  }

  /// So many numbers below `count`, evenly spread.
  func evenly(_ number: Int, of count: Int) -> [Int] { (0..<number).map { $0 * count / number } }
}
