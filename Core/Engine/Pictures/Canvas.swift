import ReproData
import ReproTensor

/// A colour of 8-bit sRGB.
public struct Colour: Sendable, Equatable {
  public var red, green, blue: UInt8
  public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) { (self.red, self.green, self.blue) = (red, green, blue) }

  /// Colours that the colour-blind tell apart, for classes; after the last one they begin again.
  /// - Source: Okabe and Ito 2008, "Color Universal Design".
  public static let distinct = [
    Colour(0, 114, 178), Colour(230, 159, 0), Colour(0, 158, 115), Colour(204, 121, 167), Colour(86, 180, 233),
    Colour(213, 94, 0), Colour(240, 228, 66), Colour(96, 96, 96),
  ]
  /// What is hidden from a network.
  public static let hidden = Colour(128, 128, 128)
  /// What is right, and what is wrong: blue and orange, which nobody confuses.
  public static let right = distinct[0]
  public static let wrong = distinct[5]
}

/// A picture that is drawn: RGB with alpha, transparent where nothing was drawn, so that it stands on any page.
public struct Canvas: Sendable {
  public let width, height: Int
  private var bytes: [UInt8]

  public init(width: Int, height: Int) {
    require(width > 0 && height > 0, "a canvas of \(width) x \(height) pixels")
    (self.width, self.height) = (width, height)
    bytes = [UInt8](repeating: 0, count: width * height * 4)
  }

  /// What was drawn, one image of 4 channels.
  public var image: ImageBatch { ImageBatch(count: 1, height: height, width: width, channels: 4, bytes: bytes) }

  /// One pixel; nothing happens outside of the canvas.
  public mutating func set(_ x: Int, _ y: Int, _ colour: Colour) {
    guard (0..<width).contains(x), (0..<height).contains(y) else { return }
    let at = (y * width + x) * 4
    (bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]) = (colour.red, colour.green, colour.blue, 255)
  }

  /// A filled rectangle.
  public mutating func fill(_ x: Int, _ y: Int, _ w: Int, _ h: Int, _ colour: Colour) {
    for row in max(y, 0)..<max(min(y + h, height), max(y, 0)) {
      for column in max(x, 0)..<max(min(x + w, width), max(x, 0)) { set(column, row, colour) }
    }
  }

  /// The outline of a rectangle, drawn inside of it; every second piece of `dash` pixels is left out if `dash` > 0.
  public mutating func frame(
    _ x: Int, _ y: Int, _ w: Int, _ h: Int, _ colour: Colour, thickness: Int = 2, dash: Int = 0
  ) {
    func isDrawn(_ along: Int) -> Bool { dash == 0 || along / dash % 2 == 0 }
    for t in 0..<thickness {
      for i in 0..<w where isDrawn(i) {
        set(x + i, y + t, colour)
        set(x + i, y + h - 1 - t, colour)
      }
      for i in 0..<h where isDrawn(i) {
        set(x + t, y + i, colour)
        set(x + w - 1 - t, y + i, colour)
      }
    }
  }

  /// One image of a batch, each pixel as a square of `zoom` pixels; images of one channel are grey.
  public mutating func draw(_ images: ImageBatch, _ index: Int, x: Int, y: Int, zoom: Int = 1) {
    let n = images.channels
    require([1, 3, 4].contains(n), "a canvas shows 1, 3 or 4 channels, not \(n)")
    let start = index * images.height * images.width * n
    for row in 0..<images.height * zoom {
      for column in 0..<images.width * zoom {
        let at = start + (row / zoom * images.width + column / zoom) * n
        if n == 4 && images.bytes[at + 3] == 0 { continue }
        let second = n == 1 ? at : at + 1
        let third = n == 1 ? at : at + 2
        set(x + column, y + row, Colour(images.bytes[at], images.bytes[second], images.bytes[third]))
      }
    }
  }
}

/// Tiles of one size in rows and columns: the usual picture of a method.
///
/// Small images are enlarged pixel by pixel, so that nobody sees more than the network saw; large ones are averaged
/// down.
public struct TileSheet: Sendable {
  public let rows, columns, tile, gap: Int
  private var canvas: Canvas

  /// - Parameter tile: side of a tile, pixels.
  public init(rows: Int, columns: Int, tile: Int = 96, gap: Int = 6) {
    (self.rows, self.columns, self.tile, self.gap) = (rows, columns, tile, gap)
    canvas = Canvas(width: columns * (tile + gap) - gap, height: rows * (tile + gap) - gap)
  }

  public var image: ImageBatch { canvas.image }

  private func corner(_ row: Int, _ column: Int) -> (x: Int, y: Int) {
    (column * (tile + gap), row * (tile + gap))
  }

  /// Puts one image of a batch into the middle of a tile.
  ///
  /// - Parameter zoom: how much each pixel is enlarged; nil fills the tile. Images that share a zoom keep their
  ///   relative size.
  public mutating func place(_ images: ImageBatch, _ index: Int, row: Int, column: Int, zoom: Int? = nil) {
    let side = max(images.height, images.width)
    let shown = side > tile ? images.reduced(by: (side + tile - 1) / tile) : images
    let zoom = zoom ?? max(1, tile / max(shown.height, shown.width))
    let (x, y) = corner(row, column)
    canvas.draw(
      shown, index, x: x + (tile - shown.width * zoom) / 2, y: y + (tile - shown.height * zoom) / 2, zoom: zoom)
  }

  /// Draws a frame around a tile.
  public mutating func frame(row: Int, column: Int, _ colour: Colour, dash: Int = 0) {
    let (x, y) = corner(row, column)
    canvas.frame(x, y, tile, tile, colour, thickness: 3, dash: dash)
  }

  /// A tile of one colour.
  public mutating func fill(row: Int, column: Int, _ colour: Colour) {
    let (x, y) = corner(row, column)
    canvas.fill(x, y, tile, tile, colour)
  }
}

extension ImageBatch {
  /// Images in which each pixel is the rounded mean of a square of `factor` pixels; what is left over at the right and
  /// at the bottom is cut off.
  public func reduced(by factor: Int) -> ImageBatch {
    require(factor >= 1 && factor <= min(height, width), "an image of \(height) x \(width) reduced by \(factor)")
    if factor == 1 { return self }
    let (h, w) = (height / factor, width / factor)
    var result = [UInt8](repeating: 0, count: count * h * w * channels)
    for i in 0..<count {
      for y in 0..<h {
        for x in 0..<w {
          for c in 0..<channels {
            var sum = 0
            for dy in 0..<factor {
              for dx in 0..<factor {
                sum += Int(bytes[((i * height + y * factor + dy) * width + x * factor + dx) * channels + c])
              }
            }
            let cells = factor * factor
            result[((i * h + y) * w + x) * channels + c] = UInt8((sum + cells / 2) / cells)
          }
        }
      }
    }
    return ImageBatch(count: count, height: h, width: w, channels: channels, bytes: result)
  }

  /// Views as a network sees them, `[N, C, H, W]` of about -2...2, as images: the inverse of `normalizedTensor`.
  public init(views: Tensor) {
    require(views.rank == 4, "views are [N, C, H, W], got \(views.shape)")
    let (n, c, h, w) = (views.shape[0], views.shape[1], views.shape[2], views.shape[3])
    var bytes = [UInt8](repeating: 0, count: n * h * w * c)
    views.withElements { values in
      for i in 0..<n {
        for channel in 0..<c {
          for p in 0..<(h * w) {
            let value = Double(values[(i * c + channel) * h * w + p]) / 4 + 0.5
            bytes[(i * h * w + p) * c + channel] = UInt8((min(max(value, 0), 1) * 255).rounded())
          }
        }
      }
    }
    self.init(count: n, height: h, width: w, channels: c, bytes: bytes)
  }
}
