import Glibc
import ReproTensor

/// A function of places, negative inside, whose zeros are a surface: what is measured of it.
struct FieldSurface {
  /// Values `[N]` at places `[N, 3]` of the unit ball.
  let value: (Tensor) -> Tensor
  /// The gradients with them.
  let valueAndGradient: (Tensor) -> (value: Tensor, gradient: Tensor)

  /// Places that are asked for at once.
  private static let chunk = 8192

  private func values(_ places: Tensor) -> Tensor {
    let n = places.shape[0]
    return concat(
      stride(from: 0, to: n, by: Self.chunk).map { value(places.slice(0, $0..<min($0 + Self.chunk, n))).detached })
  }

  /// Level sets within the cube from -1 to 1, by marching cubes on one grid of that many places a side.
  ///
  /// - Parameter levels: values of the field, each below 1; the surface itself is 0.
  func meshes(side: Int, levels: [Real] = [0]) -> [TriangleMesh] {
    let spacing = 2 / Real(side - 1)
    let axis = (0..<side).map { -1 + spacing * Real($0) }
    let places = Tensor([side * side * side, 3]) { p in
      var k = 0
      for x in axis {
        for y in axis {
          for z in axis {
            (p[k], p[k + 1], p[k + 2]) = (x, y, z)
            k += 3
          }
        }
      }
    }
    // Behind the edge of the grid everything is outside, so that surfaces are closed.
    let field = values(places).reshaped([side, side, side]).padded(
      axes: [0, 1, 2], before: [1, 1, 1], after: [1, 1, 1], .constant(1))
    return levels.map {
      marchingCubes(field, level: $0, spacing: spacing, origin: [-1 - spacing, -1 - spacing, -1 - spacing])
    }
  }

  /// f / |grad f| at places `[N, 3]`, within -1...1: the distance to the nearest zero, to first order.
  func signedDistance(at places: Tensor) -> Tensor {
    let n = places.shape[0]
    return concat(
      stride(from: 0, to: n, by: Self.chunk).map { first -> Tensor in
        let (f, g) = valueAndGradient(places.slice(0, first..<min(first + Self.chunk, n)))
        return (f / (g.squared().sum(1).sqrt() + 1e-6)).clamped(-1, 1)
      })
  }

  /// Where rays enter the surface first: from positive to negative, found between even samples, then by one secant step.
  ///
  /// - Returns: for each ray its depth, or nil.
  func firstCrossings(_ rays: Rays, samples: Int = 96) -> [Double?] {
    let n = rays.count
    let middles = rays.middles.values.map { Double($0) }
    let step = 2 / Double(samples - 1)
    let depths = Tensor(
      [n, samples],
      (0..<n).flatMap { r in (0..<samples).map { Real(middles[r] - 1 + step * Double($0)) } })
    let f = values(rays.places(at: depths)).values.map { Double($0) }
    var brackets: [(low: Double, high: Double, f0: Double, f1: Double)?] = []
    for r in 0..<n {
      let own = f[(r * samples)..<((r + 1) * samples)].map { $0 }
      let at = (0..<(samples - 1)).first { own[$0] > 0 && own[$0 + 1] <= 0 }
      brackets.append(
        at.map {
          let low = middles[r] - 1 + step * Double($0)
          return (low, low + step, own[$0], own[$0 + 1])
        })
    }
    func secant(_ b: (low: Double, high: Double, f0: Double, f1: Double)) -> Double {
      b.low + (b.high - b.low) * b.f0 / (b.f0 - b.f1)
    }
    let guesses = brackets.enumerated().map { r, b in b.map(secant) ?? middles[r] }
    let again = values(rays.places(at: Tensor([n, 1], guesses.map { Real($0) }))).values.map { Double($0) }
    return brackets.indices.map { r in
      guard var b = brackets[r] else { return nil }
      if again[r] > 0 { (b.low, b.f0) = (guesses[r], again[r]) } else { (b.high, b.f1) = (guesses[r], again[r]) }
      return b.f0 > b.f1 ? secant(b) : guesses[r]
    }
  }
}
