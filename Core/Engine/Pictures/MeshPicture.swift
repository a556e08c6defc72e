import Glibc
import ReproData
import ReproTensor

extension TriangleMesh {
  /// The mesh as pictures, seen from several sides: parallel rays, the nearest surface, lighter where it faces the
  /// viewer.
  ///
  ///     shade = 0.3 + 0.7 |n . v|,   n: unit normal of the triangle, v: direction of the view
  ///
  /// The middle of the box around all vertices is in the middle of each picture, and all views have one scale, in
  /// which the sphere around that box fits.
  ///
  /// - Parameters:
  ///   - views: from where, in degrees: azimuth around the axis y, 0 from +z and 90 from +x; elevation above the
  ///     plane y = 0.
  ///   - size: side of a picture, pixels.
  ///   - colour: of a triangle that faces the viewer.
  /// - Returns: one picture of 4 channels for each view, transparent beside the mesh; all of it for an
  ///   empty mesh.
  public func pictures(
    from views: [(azimuth: Double, elevation: Double)] = [(30, 20), (120, 20), (210, 20), (300, 20)], size: Int = 96,
    colour: Colour = Colour(150, 190, 225)
  ) -> ImageBatch {
    let points = vertices.withElements { v in
      stride(from: 0, to: v.count, by: 3).map { (Double(v[$0]), Double(v[$0 + 1]), Double(v[$0 + 2])) }
    }
    let finite = points.filter { $0.0.isFinite && $0.1.isFinite && $0.2.isFinite }
    func middle(_ axis: (Point) -> Double) -> Double {
      ((finite.map(axis).min() ?? 0) + (finite.map(axis).max() ?? 0)) / 2
    }
    let center: Point = (middle(\.0), middle(\.1), middle(\.2))
    let radius = finite.map { length(minus($0, center)) }.max() ?? 1
    var bytes: [UInt8] = []
    for view in views {
      let (a, e) = (view.azimuth * .pi / 180, view.elevation * .pi / 180)
      let towards: Point = (sin(a) * cos(e), sin(e), cos(a) * cos(e))
      let right: Point = (cos(a), 0, -sin(a))
      let up = crossed(towards, right)
      let scale = Double(size) / 2 * 0.96 / max(radius, 1e-12)
      // Pixels to the right and down, and how near the point is.
      let seen = points.map { point -> Point in
        let p = minus(point, center)
        let half = Double(size) / 2
        return (half + scale * dot(p, right), half - scale * dot(p, up), dot(p, towards))
      }
      bytes += image(seen, points, towards, size, colour)
    }
    return ImageBatch(count: views.count, height: size, width: size, channels: 4, bytes: bytes)
  }

  private typealias Point = (Double, Double, Double)

  /// One view: every pixel's centre shows the nearest triangle that covers it; of equals the earlier one.
  private func image(
    _ seen: [Point], _ points: [Point], _ towards: Point, _ size: Int, _ colour: Colour
  ) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: size * size * 4)
    var depth = [Double](repeating: -.infinity, count: size * size)
    for f in stride(from: 0, to: faces.count, by: 3) {
      let corners = faces.values[f..<f + 3]
      let (a, b, c) = (seen[corners[f]], seen[corners[f + 1]], seen[corners[f + 2]])
      let area = (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0)
      guard area.isFinite, area != 0 else { continue }
      let normal = crossed(
        minus(points[corners[f + 1]], points[corners[f]]), minus(points[corners[f + 2]], points[corners[f]]))
      let shade = 0.3 + 0.7 * abs(dot(normal, towards)) / max(length(normal), 1e-300)
      func shaded(_ channel: UInt8) -> UInt8 { UInt8(min(Double(channel) * shade, 255).rounded()) }
      let ink = [shaded(colour.red), shaded(colour.green), shaded(colour.blue), 255]
      func pixels(_ values: [Double]) -> ClosedRange<Int> {
        let low = max((values.min() ?? 0) - 0.5, 0), high = min((values.max() ?? 0) - 0.5, Double(size - 1))
        return low <= high ? Int(low.rounded(.up))...max(Int(low.rounded(.up)), Int(high)) : 0...0
      }
      for y in pixels([a.1, b.1, c.1]) {
        for x in pixels([a.0, b.0, c.0]) {
          let (px, py) = (Double(x) + 0.5, Double(y) + 0.5)
          let v = ((px - a.0) * (c.1 - a.1) - (py - a.1) * (c.0 - a.0)) / area
          let w = ((b.0 - a.0) * (py - a.1) - (b.1 - a.1) * (px - a.0)) / area
          guard v >= 0, w >= 0, v + w <= 1 else { continue }
          let near = a.2 + v * (b.2 - a.2) + w * (c.2 - a.2)
          guard near > depth[y * size + x] else { continue }
          depth[y * size + x] = near
          for k in 0..<4 { bytes[(y * size + x) * 4 + k] = ink[k] }
        }
      }
    }
    return bytes
  }
}

private func minus(_ a: (Double, Double, Double), _ b: (Double, Double, Double)) -> (Double, Double, Double) {
  (a.0 - b.0, a.1 - b.1, a.2 - b.2)
}
private func dot(_ a: (Double, Double, Double), _ b: (Double, Double, Double)) -> Double {
  a.0 * b.0 + a.1 * b.1 + a.2 * b.2
}
private func length(_ a: (Double, Double, Double)) -> Double { dot(a, a).squareRoot() }
private func crossed(_ a: (Double, Double, Double), _ b: (Double, Double, Double)) -> (Double, Double, Double) {
  (a.1 * b.2 - a.2 * b.1, a.2 * b.0 - a.0 * b.2, a.0 * b.1 - a.1 * b.0)
}
