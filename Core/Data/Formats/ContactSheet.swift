import ReproTensor

extension ImageBatch {
  /// One image of a batch, as a batch of one.
  public subscript(index: Int) -> ImageBatch {
    require((0..<count).contains(index), "image \(index) of \(count)")
    let size = height * width * channels
    return ImageBatch(
      count: 1, height: height, width: width, channels: channels, bytes: Array(bytes[index * size..<(index + 1) * size])
    )
  }

  /// All images side by side on one sheet, row by row, for reports and for looking at data.
  ///
  /// - Parameters:
  ///   - columns: images in a row.
  ///   - gap: pixels between neighbours and around the sheet.
  ///   - background: the grey level of gaps and of empty places, 0...255.
  /// - Returns: one image of the same channels.
  public func contactSheet(columns: Int, gap: Int = 2, background: UInt8 = 255) -> ImageBatch {
    require(columns >= 1 && gap >= 0 && count >= 1, "a sheet of \(count) images in \(columns) columns, gap \(gap)")
    let rows = (count + columns - 1) / columns
    let sheetWidth = columns * (width + gap) + gap
    let sheetHeight = rows * (height + gap) + gap
    var sheet = [UInt8](repeating: background, count: sheetWidth * sheetHeight * channels)
    let line = width * channels
    for i in 0..<count {
      let top = gap + i / columns * (height + gap)
      let left = gap + i % columns * (width + gap)
      for y in 0..<height {
        let source = (i * height + y) * line
        let target = ((top + y) * sheetWidth + left) * channels
        sheet.replaceSubrange(target..<target + line, with: bytes[source..<source + line])
      }
    }
    return ImageBatch(count: 1, height: sheetHeight, width: sheetWidth, channels: channels, bytes: sheet)
  }
}
