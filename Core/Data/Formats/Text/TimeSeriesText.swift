import ReproConfig

/// Labelled time series in the `.ts` text format of the UCR and UEA archives.
///
/// Comments (`#`), a header (`@classLabel true a b`, `@data`), then one series a line: channels separated by `:`,
/// values within a channel by `,`, and the class as the last field.
///
/// - Source: Bagnall et al. 2018, "The UEA multivariate time series classification archive" (arXiv 1811.00075).
public struct TimeSeriesText: Sendable, Equatable {
  /// The class names, in the order of the header.
  public var classes: [String]
  /// One series per entry: its channels, which may differ in length between series.
  public var series: [[[Float]]]
  /// The class of each series, its place in `classes`.
  public var labels: [Int]

  /// - Throws: `ReproError` with the line of a value that is no number, of another number of channels than before, of
  ///   a class that the header does not name, or of a header without classes.
  public init(_ bytes: [UInt8], file: String) throws {
    var cursor = TextCursor(bytes, file: file)
    (classes, series, labels) = ([], [], [])
    var isData = false
    while !isData, cursor.advanceToWords() {
      guard let key = cursor.word(), bytes[key.lowerBound] == UInt8(ascii: "@") else {
        throw cursor.error("a line without @ before @data")
      }
      switch cursor.text(key).lowercased() {
      case "@data": isData = true
      case "@classlabel":
        guard cursor.skip("true") else { throw cursor.error("series without classes", expected: "@classLabel true") }
        while let word = cursor.word() { classes.append(cursor.text(word)) }
      case "@timestamps":
        guard cursor.skip("false") else { throw cursor.error("values with time stamps", expected: "values alone") }
      default: break
      }
    }
    guard isData else { throw cursor.error("the file ends before @data") }
    guard !classes.isEmpty else { throw cursor.error("the header names no classes", expected: "@classLabel true ...") }
    while cursor.advanceToWords() {
      let fields = bytes[cursor.rest].split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
      guard fields.count >= 2, let last = fields.last else { throw cursor.error("a series without a class") }
      let name = String(decoding: last, as: UTF8.self).filter { $0 != " " }
      guard let label = classes.firstIndex(of: name) else {
        throw cursor.error("class '\(clipped(name))'", expected: "one of \(classes.joined(separator: ", "))")
      }
      if let first = series.first, first.count != fields.count - 1 {
        throw cursor.error("\(fields.count - 1) channels", expected: "\(first.count) as in the first series")
      }
      series.append(
        try fields.dropLast().map { field in
          try field.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map { value in
            let number = Numeral.double(bytes, value.startIndex..<value.endIndex)
            guard let number, Float(number).isFinite else {
              throw cursor.error("'\(clipped(String(decoding: value, as: UTF8.self)))'", expected: "a number")
            }
            return Float(number)
          }
        })
      labels.append(label)
    }
  }
}
