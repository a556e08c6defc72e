import Glibc
import ReproTensor

/// Tasks that images set by themselves.
public enum Pretext {
  /// Each image four times, turned counter-clockwise by 0, 90, 180 and 270 degrees: the label is the number of quarters.
  ///
  /// - Parameter images: square.
  /// - Returns: `4 N` images, all turns of one image in a row.
  /// - Source: Gidaris et al. 2018 (arXiv 1803.07728), Section 2.
  public static func rotations(_ images: ImageBatch) -> (images: ImageBatch, labels: [Int]) {
    require(images.height == images.width, "turned images must be square, got \(images.height) x \(images.width)")
    let n = images.count * images.frames
    let all = (0..<n).flatMap { i in (0..<4).map { images.image(i).quarterTurned($0) } }
    return (ImageBatch(all), (0..<n).flatMap { _ in 0..<4 })
  }

  /// The tiles of a jigsaw puzzle in a given order.
  ///
  /// The image is cut into `grid x grid` cells; from each cell a tile of `tile` pixels is taken at a random place, so that
  /// edges do not give the neighbour away.
  /// - Returns: `grid^2` tiles; number k is the one of cell `order[k]`.
  /// - Source: Noroozi and Favaro 2016 (arXiv 1603.09246), Section 3.
  public static func jigsaw(
    _ image: ByteImage, grid: Int, tile: Int, order: [Int], _ stream: inout RandomStream
  ) -> ImageBatch {
    let (h, w) = (image.height / grid, image.width / grid)
    require(
      grid > 0 && tile > 0 && tile <= min(h, w) && order.sorted() == Array(0..<(grid * grid)),
      "a puzzle of \(grid) x \(grid) cells of \(h) x \(w) needs smaller tiles than \(tile) and an order of its cells")
    let batch = ImageBatch([image])
    let places = (0..<(grid * grid)).map { k in
      (k / grid * h + stream.integer(below: h - tile + 1), k % grid * w + stream.integer(below: w - tile + 1))
    }
    return ImageBatch(
      order.map { batch.cropped(top: places[$0].0, left: places[$0].1, height: tile, width: tile).image(0) })
  }

  /// Orders of n cells that differ in as many places as possible, chosen one after the other.
  ///
  /// - Parameters:
  ///   - count: at most n!.
  /// - Source: Noroozi and Favaro 2016, Algorithm 1 (maximal Hamming distance), among `candidates` random orders a step.
  public static func orders(
    of n: Int, count: Int, candidates: Int = 200, random: RandomStream
  ) -> [[Int]] {
    var stream = random
    var chosen: [[Int]] = [stream.permutation(n)]
    require(
      count >= 1 && (1...n).reduce(1, { min($0 * $1, 1 << 40) }) >= count, "\(n) cells have fewer than \(count) orders")
    while chosen.count < count {
      var best: (order: [Int], distance: Int)?
      for _ in 0..<candidates {
        let order = stream.permutation(n)
        let distance = chosen.map { old in zip(old, order).count { $0 != $1 } }.min() ?? n
        if distance > best?.distance ?? 0 { best = (order, distance) }
      }
      if let best { chosen.append(best.order) }
    }
    return chosen
  }

  /// CIE L*a*b* of sRGB images, white D65: what is seen (L) and what is to be guessed (a, b).
  ///
  /// - Returns: `lightness` `[N, 1, H, W]` in [0, 100] and `colour` `[N, 2, H, W]`, about -110 to 110.
  /// - Source: CIE 15:2004; sRGB: IEC 61966-2-1. Zhang et al. 2016 (arXiv 1603.08511) use it so.
  public static func colourisation(_ images: ImageBatch) -> (lightness: Tensor, colour: Tensor) {
    require(images.channels == 3, "colours need images of three channels, got \(images.channels)")
    let (n, area) = (images.count * images.frames, images.height * images.width)
    let linear = (0..<256).map { value -> Double in
      let x = Double(value) / 255
      return x <= 0.04045 ? x / 12.92 : pow((x + 0.055) / 1.055, 2.4)
    }
    var lab = [Real](repeating: 0, count: 3 * n * area)
    lab.withUnsafeMutableBufferPointer { target in
      nonisolated(unsafe) let out = target
      ThreadPool.shared.forEach(n) { i in
        for p in 0..<area {
          let at = (i * area + p) * 3
          let value = lightnessAndColour(
            linear[Int(images.bytes[at])], linear[Int(images.bytes[at + 1])], linear[Int(images.bytes[at + 2])])
          out[i * area + p] = Real(value.l)
          out[n * area + (2 * i) * area + p] = Real(value.a)
          out[n * area + (2 * i + 1) * area + p] = Real(value.b)
        }
      }
    }
    let (h, w) = (images.height, images.width)
    return (
      Tensor([n, 1, h, w], Array(lab[..<(n * area)])), Tensor([n, 2, h, w], Array(lab[(n * area)...]))
    )
  }

  private static func lightnessAndColour(_ r: Double, _ g: Double, _ b: Double) -> (l: Double, a: Double, b: Double) {
    func f(_ t: Double) -> Double { t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116 }
    let x = f((0.412453 * r + 0.357580 * g + 0.180423 * b) / 0.95047)
    let y = f(0.212671 * r + 0.715160 * g + 0.072169 * b)
    let z = f((0.019334 * r + 0.119193 * g + 0.950227 * b) / 1.08883)
    return (116 * y - 16, 500 * (x - y), 200 * (y - z))
  }
}
