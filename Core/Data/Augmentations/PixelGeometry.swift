import Glibc
import ReproTensor

/// A map from the places of an output image to those of its input: `x' = (a x + b y + c) / (g x + h y + 1)`, likewise y'.
public struct PlaneMap: Sendable, Equatable {
  /// a, b, c, d, e, f, g, h.
  public var coefficients: [Double]

  public init(_ coefficients: [Double]) {
    require(coefficients.count == 8, "a map of the plane has 8 coefficients, got \(coefficients.count)")
    self.coefficients = coefficients
  }

  @inline(__always)
  func callAsFunction(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
    let k = coefficients
    let w: Double = k[6] * x + k[7] * y + 1
    return ((k[0] * x + k[1] * y + k[2]) / w, (k[3] * x + k[4] * y + k[5]) / w)
  }

  /// The image turned by `angle` degrees (counter-clockwise), shifted, scaled and sheared about its middle.
  ///
  /// - Parameters:
  ///   - translation: pixels to the right and down.
  ///   - shear: degrees along x and y.
  /// - Source: torchvision's `affine`: the inverse of T C R(angle) S(shear) scale C^-1.
  public static func affine(
    width: Int, height: Int, angle: Double = 0, translation: (x: Double, y: Double) = (0, 0), scale: Double = 1,
    shear: (x: Double, y: Double) = (0, 0)
  ) -> PlaneMap {
    require(scale > 0, "an affine map needs a positive scale, got \(scale)")
    let radians = Double.pi / 180
    let (rotation, sx, sy) = (-angle * radians, shear.x * radians, shear.y * radians)
    let (cx, cy) = (Double(width) / 2, Double(height) / 2)
    let a = cos(rotation - sy) / cos(sy)
    let b = -cos(rotation - sy) * tan(sx) / cos(sy) - sin(rotation)
    let c = sin(rotation - sy) / cos(sy)
    let d = -sin(rotation - sy) * tan(sx) / cos(sy) + cos(rotation)
    let m: [Double] = [d / scale, -b / scale, -c / scale, a / scale]
    let (tx, ty) = (-cx - translation.x, -cy - translation.y)
    return PlaneMap([
      m[0], m[1], m[0] * tx + m[1] * ty + cx, m[2], m[3], m[2] * tx + m[3] * ty + cy, 0, 0,
    ])
  }

  /// The perspective that takes four points of the output to four of the input: top left, top right, bottom right,
  /// bottom left.
  ///
  /// - Returns: nil if no three of them may lie on a line and yet do.
  public static func perspective(
    from input: [(x: Double, y: Double)], to output: [(x: Double, y: Double)]
  ) -> PlaneMap? {
    require(input.count == 4 && output.count == 4, "a perspective is given by four pairs of points")
    var rows: [[Double]] = []
    for (p, q) in zip(output, input) {
      rows.append([p.x, p.y, 1, 0, 0, 0, -q.x * p.x, -q.x * p.y, q.x])
      rows.append([0, 0, 0, p.x, p.y, 1, -q.y * p.x, -q.y * p.y, q.y])
    }
    // Gauss with pivots.
    for k in 0..<8 {
      let pivot = (k..<8).max { rows[$0][k].magnitude < rows[$1][k].magnitude } ?? k
      guard rows[pivot][k].magnitude > 1e-10 else { return nil }
      rows.swapAt(k, pivot)
      for r in 0..<8 where r != k {
        let factor = rows[r][k] / rows[k][k]
        for c in k..<9 { rows[r][c] -= factor * rows[k][c] }
      }
    }
    return PlaneMap((0..<8).map { rows[$0][8] / rows[$0][$0] })
  }
}

extension ByteImage {
  /// How a value between pixels is found by `warped`.
  public enum Sampling: Sendable { case nearest, bilinear }

  /// The image as seen through a map of the plane; what lies outside is `fill`.
  ///
  /// - Source: Pillow's `Image.transform`, whose bytes these are: places are middles of pixels, bilinear values are cut
  ///   off, not rounded.
  public func warped(_ map: PlaneMap, _ sampling: Sampling = .bilinear, fill: UInt8 = 0) -> ByteImage {
    var result = ByteImage(
      height: height, width: width, channels: channels, bytes: [UInt8](repeating: fill, count: bytes.count))
    for y in 0..<height {
      for x in 0..<width {
        let place = map(Double(x) + 0.5, Double(y) + 0.5)
        guard place.x >= 0, place.y >= 0, place.x < Double(width), place.y < Double(height) else { continue }
        if sampling == .nearest {
          for c in 0..<channels { result[y, x, c] = self[Int(place.y), Int(place.x), c] }
          continue
        }
        let (px, py) = (place.x - 0.5, place.y - 0.5)
        let (fx, fy) = (px.rounded(.down), py.rounded(.down))
        let (dx, dy) = (px - fx, py - fy)
        let (left, right) = (max(0, Int(fx)), min(width - 1, Int(fx) + 1))
        let (up, low) = (max(0, Int(fy)), min(height - 1, Int(fy) + 1))
        for c in 0..<channels {
          let (a, b) = (Double(self[up, left, c]), Double(self[up, right, c]))
          let (d, e) = (Double(self[low, left, c]), Double(self[low, right, c]))
          let upper: Double = a + (b - a) * dx
          let lower: Double = d + (e - d) * dx
          result[y, x, c] = UInt8(max(0, min(255, upper + (lower - upper) * dy)))
        }
      }
    }
    return result
  }

  /// Turned counter-clockwise by degrees about the middle; quarters of a square image are exact.
  public func rotated(_ angle: Double, _ sampling: Sampling = .nearest, fill: UInt8 = 0) -> ByteImage {
    let quarters = angle / 90
    if quarters == quarters.rounded(), height == width || Int(quarters) % 2 == 0 { return quarterTurned(Int(quarters)) }
    // Pillow rounds the matrix of a rotation to fifteen places.
    func places(_ x: Double) -> Double {
      let scaled = x * 1e15
      let rest = (-scaled).addingProduct(x, 1e15)  // what the product lost
      let whole = scaled.rounded(.down)
      let part: Double = scaled - whole + rest
      return (part > 0.5 || (part == 0.5 && whole.truncatingRemainder(dividingBy: 2) != 0) ? whole + 1 : whole) / 1e15
    }
    let radians = -angle.truncatingRemainder(dividingBy: 360) * .pi / 180
    let (c, s) = (places(cos(radians)), places(sin(radians)))
    let (cx, cy) = (Double(width) / 2, Double(height) / 2)
    return warped(
      PlaneMap([c, s, c * -cx + s * -cy + cx, -s, c, -s * -cx + c * -cy + cy, 0, 0]), sampling, fill: fill)
  }

  /// Turned counter-clockwise by quarters; height and width change places with odd ones.
  public func quarterTurned(_ quarters: Int) -> ByteImage {
    let q = ((quarters % 4) + 4) % 4
    if q == 0 { return self }
    let (h, w) = q == 2 ? (height, width) : (width, height)
    var result = ByteImage(
      height: h, width: w, channels: channels, bytes: [UInt8](repeating: 0, count: bytes.count))
    for y in 0..<h {
      for x in 0..<w {
        let (sy, sx) = q == 1 ? (x, width - 1 - y) : q == 2 ? (height - 1 - y, width - 1 - x) : (height - 1 - x, y)
        for c in 0..<channels { result[y, x, c] = self[sy, sx, c] }
      }
    }
    return result
  }

  /// A random perspective: each corner moves inwards by up to `distortion` of half a side.
  ///
  /// - Source: torchvision's `RandomPerspective`.
  public func perspective(distortion: Double, _ stream: inout RandomStream) -> ByteImage {
    require((0...1).contains(distortion), "the distortion is 0 to 1, got \(distortion)")
    let (w, h) = (width, height)
    let (mostX, mostY) = (Int(distortion * Double(w / 2)), Int(distortion * Double(h / 2)))
    func draw(_ most: Int) -> Int { stream.integer(below: most + 1) }
    let ends: [(x: Double, y: Double)] = [
      (Double(draw(mostX)), Double(draw(mostY))), (Double(w - 1 - draw(mostX)), Double(draw(mostY))),
      (Double(w - 1 - draw(mostX)), Double(h - 1 - draw(mostY))), (Double(draw(mostX)), Double(h - 1 - draw(mostY))),
    ]
    let corners: [(x: Double, y: Double)] = [
      (0, 0), (Double(w - 1), 0), (Double(w - 1), Double(h - 1)), (0, Double(h - 1)),
    ]
    return PlaneMap.perspective(from: corners, to: ends).map { warped($0) } ?? self
  }
}
