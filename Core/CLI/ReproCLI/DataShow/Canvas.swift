import ReproData

/// A picture in RGB that can be drawn upon.
struct Canvas {
  let width, height: Int
  private(set) var bytes: [UInt8]

  init(width: Int, height: Int, background: SIMD3<UInt8> = SIMD3(252, 252, 252)) {
    (self.width, self.height) = (width, height)
    bytes = []
    bytes.reserveCapacity(width * height * 3)
    for _ in 0..<width * height { bytes += [background.x, background.y, background.z] }
  }

  var image: ImageBatch { ImageBatch(count: 1, height: height, width: width, channels: 3, bytes: bytes) }

  subscript(x: Int, y: Int) -> SIMD3<UInt8> {
    get {
      let at = (y * width + x) * 3
      return SIMD3(bytes[at], bytes[at + 1], bytes[at + 2])
    }
    set {
      guard x >= 0, y >= 0, x < width, y < height else { return }
      let at = (y * width + x) * 3
      (bytes[at], bytes[at + 1], bytes[at + 2]) = (newValue.x, newValue.y, newValue.z)
    }
  }

  /// Lays another picture on this one.
  mutating func lay(_ other: Canvas, x: Int, y: Int) {
    for row in 0..<other.height {
      for column in 0..<other.width { self[x + column, y + row] = other[column, row] }
    }
  }

  /// The outline of a rectangle, one pixel wide.
  mutating func outline(left: Int, top: Int, right: Int, bottom: Int, _ color: SIMD3<UInt8>) {
    for x in left...max(left, right) {
      self[x, top] = color
      self[x, bottom] = color
    }
    for y in top...max(top, bottom) {
      self[left, y] = color
      self[right, y] = color
    }
  }

  /// A filled square around a place.
  mutating func dot(x: Int, y: Int, reach: Int, _ color: SIMD3<UInt8>) {
    for row in y - reach...y + reach {
      for column in x - reach...x + reach { self[column, row] = color }
    }
  }

  /// The same picture with every pixel `factor` times as wide and high.
  func enlarged(_ factor: Int) -> Canvas {
    guard factor > 1 else { return self }
    var large = Canvas(width: width * factor, height: height * factor)
    for y in 0..<large.height {
      for x in 0..<large.width { large[x, y] = self[x / factor, y / factor] }
    }
    return large
  }

  /// One line of small letters.
  mutating func write(_ text: String, x: Int, y: Int, _ color: SIMD3<UInt8> = SIMD3(40, 40, 40)) {
    for (i, letter) in text.enumerated() {
      for (row, bits) in TinyFont.rows(letter).enumerated() {
        for column in 0..<5 where bits & (16 >> UInt8(column)) != 0 {
          self[x + i * TinyFont.advance + column, y + row] = color
        }
      }
    }
  }
}

/// Letters of 5 x 7 pixels: what names of columns are made of.
enum TinyFont {
  /// Pixels from one letter to the next, and the height of a line.
  static let advance = 6
  static let height = 7

  /// Seven rows of five bits, the leftmost bit the highest; an unknown letter is a box.
  static func rows(_ letter: Character) -> [UInt8] {
    glyphs[letter] ?? glyphs[Character(letter.lowercased())] ?? [31, 17, 17, 17, 17, 17, 31]
  }

  private static let glyphs: [Character: [UInt8]] = [
    " ": [0, 0, 0, 0, 0, 0, 0], "a": [0, 0, 14, 1, 15, 17, 15], "b": [16, 16, 30, 17, 17, 17, 30],
    "c": [0, 0, 14, 17, 16, 17, 14], "d": [1, 1, 15, 17, 17, 17, 15], "e": [0, 0, 14, 17, 31, 16, 14],
    "f": [6, 8, 28, 8, 8, 8, 8], "g": [0, 15, 17, 17, 15, 1, 14], "h": [16, 16, 30, 17, 17, 17, 17],
    "i": [4, 0, 12, 4, 4, 4, 14], "j": [2, 0, 6, 2, 2, 18, 12], "k": [16, 16, 18, 20, 24, 20, 18],
    "l": [12, 4, 4, 4, 4, 4, 14], "m": [0, 0, 26, 21, 21, 21, 21], "n": [0, 0, 30, 17, 17, 17, 17],
    "o": [0, 0, 14, 17, 17, 17, 14], "p": [0, 0, 30, 17, 30, 16, 16], "q": [0, 0, 15, 17, 15, 1, 1],
    "r": [0, 0, 22, 25, 16, 16, 16], "s": [0, 0, 15, 16, 14, 1, 30], "t": [8, 8, 28, 8, 8, 9, 6],
    "u": [0, 0, 17, 17, 17, 17, 15], "v": [0, 0, 17, 17, 17, 10, 4], "w": [0, 0, 17, 21, 21, 21, 10],
    "x": [0, 0, 17, 10, 4, 10, 17], "y": [0, 0, 17, 17, 15, 1, 14], "z": [0, 0, 31, 2, 4, 8, 31],
    "0": [14, 17, 19, 21, 25, 17, 14], "1": [4, 12, 4, 4, 4, 4, 14], "2": [14, 17, 1, 6, 8, 16, 31],
    "3": [14, 17, 1, 6, 1, 17, 14], "4": [2, 6, 10, 18, 31, 2, 2], "5": [31, 16, 30, 1, 1, 17, 14],
    "6": [6, 8, 16, 30, 17, 17, 14], "7": [31, 1, 2, 4, 8, 8, 8], "8": [14, 17, 17, 14, 17, 17, 14],
    "9": [14, 17, 17, 15, 1, 2, 12], "-": [0, 0, 0, 31, 0, 0, 0], "_": [0, 0, 0, 0, 0, 0, 31],
    "/": [1, 1, 2, 4, 8, 16, 16], ".": [0, 0, 0, 0, 0, 12, 12], ",": [0, 0, 0, 0, 12, 4, 8],
    ":": [0, 12, 12, 0, 12, 12, 0], "+": [0, 4, 4, 31, 4, 4, 0], "(": [2, 4, 8, 8, 8, 4, 2],
    ")": [8, 4, 2, 2, 2, 4, 8], "=": [0, 0, 31, 0, 31, 0, 0], "%": [24, 25, 2, 4, 8, 19, 3],
    "[": [14, 8, 8, 8, 8, 8, 14], "]": [14, 2, 2, 2, 2, 2, 14], "'": [4, 4, 8, 0, 0, 0, 0],
    "?": [14, 17, 1, 2, 4, 0, 4], "!": [4, 4, 4, 4, 4, 0, 4],
  ]
}
