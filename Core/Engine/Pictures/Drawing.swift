import ReproData
import ReproTensor

// What maps look like: heat, classes, directions, features, masks. Shared by the pictures of all papers.

/// A scale of colours from low to high that reads the same for the colour-blind and in grey.
public enum ColourMap {
  /// Cividis in nine steps; between them colours are mixed.
  /// - Source: Nunez, Anderton and Renslow 2018 (PLOS ONE 13(7), e0199239).
  private static let steps = [
    Colour(0, 34, 78), Colour(18, 53, 112), Colour(59, 73, 108), Colour(87, 93, 109), Colour(112, 113, 115),
    Colour(138, 134, 120), Colour(165, 156, 116), Colour(195, 179, 105), Colour(254, 232, 56),
  ]

  /// - Parameter value: 0 (dark) to 1 (light); others count as the nearest of both, what is no number as 0.
  public static func colour(_ value: Double) -> Colour {
    let place = min(max(value.isNaN ? 0 : value, 0), 1) * Double(steps.count - 1)
    let low = min(Int(place), steps.count - 2)
    let part = place - Double(low)
    func mix(_ a: UInt8, _ b: UInt8) -> UInt8 { UInt8((Double(a) + (Double(b) - Double(a)) * part).rounded()) }
    let (a, b) = (steps[low], steps[low + 1])
    return Colour(mix(a.red, b.red), mix(a.green, b.green), mix(a.blue, b.blue))
  }

  /// Maps of numbers (attention, depth, errors) as images of colours.
  ///
  /// - Parameters:
  ///   - maps: `[N, H, W]`.
  ///   - range: what the ends of the scale mean; nil: the smallest and largest finite number of all maps.
  public static func images(_ maps: Tensor, range: ClosedRange<Double>? = nil) -> ImageBatch {
    require(maps.rank == 3, "maps are [N, H, W], got \(maps.shape)")
    return maps.withElements { values in
      let finite = values.lazy.map(Double.init).filter(\.isFinite)
      let low = range?.lowerBound ?? finite.min() ?? 0
      let width = (range?.upperBound ?? finite.max() ?? 1) - low
      let bytes = values.flatMap { value -> [UInt8] in
        let colour = colour(width > 0 ? (Double(value) - low) / width : 0.5)
        return [colour.red, colour.green, colour.blue]
      }
      return ImageBatch(
        count: maps.shape[0], height: maps.shape[1], width: maps.shape[2], channels: 3, bytes: bytes)
    }
  }

  /// Maps of classes, one channel, in distinct colours; class 0, usually the background, is light grey.
  public static func classes(_ maps: ImageBatch) -> ImageBatch {
    require(maps.channels == 1, "a map of classes has 1 channel, got \(maps.channels)")
    let bytes = maps.bytes.flatMap { label -> [UInt8] in
      if label == 0 { return [222, 222, 218] }
      let colour = Colour.distinct[(Int(label) - 1) % Colour.distinct.count]
      return [colour.red, colour.green, colour.blue]
    }
    return ImageBatch(count: maps.count, height: maps.height, width: maps.width, channels: 3, bytes: bytes)
  }

  /// Unit directions (surface normals), `[N, 3, H, W]`, as the usual colours: red, green, blue = (1 + x, 1 + y, 1 + z)
  /// / 2.
  public static func directions(_ normals: Tensor) -> ImageBatch {
    require(normals.rank == 4 && normals.shape[1] == 3, "normals are [N, 3, H, W], got \(normals.shape)")
    return ImageBatch(views: normals * 2)  // views span 4 from black to white, directions 2
  }
}

extension ImageBatch {
  /// The images with masked patches in grey: what a student sees instead of the whole.
  ///
  /// - Parameter masks: for each image, whether a patch is hidden, row by row of a grid that divides the image evenly.
  public func hiding(_ masks: [[Bool]], rows: Int, columns: Int) -> ImageBatch {
    require(
      masks.count == count && height % rows == 0 && width % columns == 0
        && masks.allSatisfy { $0.count == rows * columns },
      "\(masks.count) masks of \(rows) x \(columns) patches for \(count) images of \(height) x \(width)")
    var result = self
    let (h, w) = (height / rows, width / columns)
    let grey = [Colour.hidden.red, Colour.hidden.green, Colour.hidden.blue]
    for (i, mask) in masks.enumerated() {
      for y in 0..<height {
        for x in 0..<width where mask[y / h * columns + x / w] {
          for c in 0..<min(channels, 3) { result.bytes[((i * height + y) * width + x) * channels + c] = grey[c] }
        }
      }
    }
    return result
  }
}

/// The three directions in which features of places differ most, as red, green and blue.
///
///     y = V^T (x - mean x),  V: eigenvectors of the covariance with the three largest eigenvalues
///
/// Each direction fills 0...255 from its 2nd to its 98th percentile. Equal colours mean similar features; which colour
/// it is means nothing.
///
/// - Parameter features: `[N, rows, columns, D]`, D >= 1.
/// - Returns: N images of `rows` x `columns` pixels.
/// - Source: Oquab et al. 2023 (DINOv2, arXiv 2304.07193), Figure 1; without their removal of the background.
public func principalColours(of features: Tensor) -> ImageBatch {
  require(features.rank == 4, "features of places are [N, rows, columns, D], got \(features.shape)")
  let (n, rows, columns, width) = (features.shape[0], features.shape[1], features.shape[2], features.shape[3])
  let x = features.detached.reshaped([n * rows * columns, width])
  let centred: Tensor = x - x.mean(0, keepsAxis: true)
  let covariance: Tensor = matmul(centred.transposed(), centred) / Real(max(n * rows * columns, 1))
  let vectors = covariance.eigh().vectors  // ascending, one a column
  let count = min(3, width)
  let projected = matmul(centred, vectors.slice(1, (width - count)..<width))  // [N rows columns, count]
  var bytes = [UInt8](repeating: 128, count: n * rows * columns * 3)
  projected.withElements { values in
    for c in 0..<count {
      // The last column belongs to the largest eigenvalue: red.
      let column = (0..<(n * rows * columns)).map { Double(values[$0 * count + (count - 1 - c)]) }
      let sorted = column.sorted()
      func percentile(_ p: Double) -> Double { sorted[Int((p * Double(sorted.count - 1)).rounded())] }
      guard !sorted.isEmpty else { continue }
      let (low, high) = (percentile(0.02), percentile(0.98))
      for (i, value) in column.enumerated() where high > low {
        bytes[i * 3 + c] = UInt8((min(max((value - low) / (high - low), 0), 1) * 255).rounded())
      }
    }
  }
  return ImageBatch(count: n, height: rows, width: columns, channels: 3, bytes: bytes)
}
