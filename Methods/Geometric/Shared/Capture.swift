import ReproConfig
import ReproData
import ReproTensor

/// Rays through pixels, in the units of the unit ball around the scene.
struct Rays: Sendable {
  /// `[R, 3]`; directions have length 1.
  var origins, directions: Tensor

  var count: Int { origins.shape[0] }

  func rows(_ range: Range<Int>) -> Rays {
    Rays(origins: origins.slice(0, range), directions: directions.slice(0, range))
  }

  /// Where each ray is nearest to the origin, `[R, 1]`: it crosses the unit ball between this - 1 and this + 1.
  var middles: Tensor { -(origins * directions).sum(1, keepsAxis: true) }

  /// Places at depths `[R, S]` along the rays, `[R S, 3]`.
  func places(at depths: Tensor) -> Tensor {
    (origins.expandedAxis(1) + directions.expandedAxis(1) * depths.expandedAxis(-1)).reshaped([-1, 3])
  }
}

/// Calibrated views of one scene: pixels with their colours and rays.
///
/// Two kinds of data sets give them: one sample is a scene with its `views`, `cameras` and `intrinsics`
/// (`scenes-orbit`); or every sample is one view, with `image`, `intrinsics`, `rotation` and `translation`
/// (`nerf-lego`), and all samples of a batch show the same scene.
struct Capture: Sendable {
  /// One after the other, sRGB.
  let images: ImageBatch
  private let cameras: [CalibratedView]

  var views: Int { images.count }
  var pixelsOfView: Int { images.height * images.width }
  var pixels: Int { views * pixelsOfView }

  /// - Parameters:
  ///   - sample: which scene of a batch whose samples are scenes; otherwise nothing.
  ///   - radius: of the ball around the origin that becomes the unit ball, in the unit of the cameras.
  /// - Throws: `ReproError`, domain data, for a batch of another kind.
  init(_ batch: Batch, sample: Int, radius: Double) throws {
    func reals(_ name: String) throws -> [Double] {
      guard case .reals(let values)? = batch[name] else {
        throw ReproError(
          .data, at: "neus", found: "no numbers '\(name)' among the columns \(batch.columns.map(\.name))",
          expected: "scenes ('views', 'intrinsics', 'cameras') or views ('image', 'intrinsics', 'rotation', "
            + "'translation')")
      }
      return values.values.map { Double($0) }
    }
    let intrinsics = try reals("intrinsics")
    if case .images(let frames)? = batch["views"] {
      let (bytes, matrices, v) = (frames.rows([sample]), try reals("cameras"), frames.frames)
      let k = Array(intrinsics[(9 * sample)..<(9 * sample + 9)])
      images = bytes.separated
      cameras = (0..<v).map { view in
        let m = Array(matrices[(12 * (sample * v + view))..<(12 * (sample * v + view) + 12)])
        return CalibratedView(
          intrinsics: k, rotation: [0, 1, 2, 4, 5, 6, 8, 9, 10].map { m[$0] }, translation: [m[3], m[7], m[11]],
          centre: 0, radius: radius)
      }
      return
    }
    let (rotations, translations) = (try reals("rotation"), try reals("translation"))
    images = batch.images()
    cameras = (0..<batch.count).map { i in
      CalibratedView(
        intrinsics: Array(intrinsics[(9 * i)..<(9 * i + 9)]), rotation: Array(rotations[(9 * i)..<(9 * i + 9)]),
        translation: Array(translations[(3 * i)..<(3 * i + 3)]), centre: 0.5, radius: radius)
    }
  }

  /// The rays of pixels, which are numbered row by row, view after view.
  func rays(_ pixels: [Int]) -> Rays {
    let (w, n) = (images.width, pixelsOfView)
    var (origins, directions): ([Real], [Real]) = ([], [])
    for pixel in pixels {
      let camera = cameras[pixel / n]
      let place = pixel % n
      origins += camera.origin.map { Real($0) }
      directions += camera.direction(column: place % w, row: place / w).map { Real($0) }
    }
    return Rays(origins: Tensor([pixels.count, 3], origins), directions: Tensor([pixels.count, 3], directions))
  }

  /// The rays of a whole view.
  func rays(ofView view: Int) -> Rays { rays(Array((view * pixelsOfView)..<((view + 1) * pixelsOfView))) }

  /// The colours of pixels over a background of one grey, `[n, 3]` in 0...1.
  func colours(_ pixels: [Int], background: Real) -> Tensor {
    let c = images.channels
    return Tensor(
      [pixels.count, 3],
      pixels.flatMap { pixel -> [Real] in
        let alpha: Real = c == 4 ? Real(images.bytes[4 * pixel + 3]) / 255 : 1
        return (0..<3).map { k in
          Real(images.bytes[c * pixel + (c == 1 ? 0 : k)]) / 255 * alpha + background * (1 - alpha)
        }
      })
  }

  /// Whether the object is seen at pixels, `[n]` in 0...1: the fourth channel, or where the colour is not the
  /// background's.
  func masks(_ pixels: [Int], background: Real) -> Tensor {
    let c = images.channels
    let grey = UInt8((background * 255).rounded())
    return Tensor(
      [pixels.count],
      pixels.map { pixel in
        if c == 4 { return Real(images.bytes[4 * pixel + 3]) / 255 }
        return (0..<c).contains { images.bytes[c * pixel + $0] != grey } ? 1 : 0
      })
  }
}

/// A pinhole camera as its pixels' rays need it.
private struct CalibratedView: Sendable {
  let origin: [Double]
  private let k, rotation: [Double]
  /// Where in a pixel its centre is: 0 if pixel (i, j) is centred at (i, j), 0.5 if pixels are counted from a corner.
  private let centre: Double

  init(intrinsics: [Double], rotation: [Double], translation: [Double], centre: Double, radius: Double) {
    (k, self.rotation, self.centre) = (intrinsics, rotation, centre)
    // -R^T t
    origin = (0..<3).map { i in -(0..<3).reduce(0.0) { $0 + rotation[3 * $1 + i] * translation[$1] } / radius }
  }

  /// R^T K^-1 (column, row, 1), of length 1.
  func direction(column: Int, row: Int) -> [Double] {
    let y: Double = (Double(row) + centre - k[5]) / k[4]
    let x: Double = (Double(column) + centre - k[2] - k[1] * y) / k[0]
    let seen = [x, y, 1]
    let d = (0..<3).map { i in (0..<3).reduce(0.0) { $0 + rotation[3 * $1 + i] * seen[$1] } }
    let length: Double = (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]).squareRoot()
    return d.map { $0 / length }
  }
}
