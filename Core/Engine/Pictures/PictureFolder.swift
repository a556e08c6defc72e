import ReproConfig
import ReproData

/// The pictures of a run on disk: PNG files and an index in `pictures/` of the run's folder.
public enum PictureFolder {
  public static let name = "pictures"
  /// Pictures of one run.
  static let most = 12
  private static let index = "pictures.json"
  private static let format = 1

  /// A picture as it was stored.
  public struct Stored: Sendable {
    public enum Content: Sendable {
      /// The PNG file, its size in pixels, headings over columns of equal width.
      case image(path: String, width: Int, height: Int, columns: [String])
      case matrix(Picture.Matrix)
    }
    public var name, title, alternative, caption: String
    public var content: Content
  }

  /// Writes the pictures of a run, the index last: a folder without it holds nothing.
  public static func write(_ pictures: [Picture], ofRun run: String) throws {
    let folder = "\(run)/\(name)"
    try SafeFile.makeFolder(folder)
    var items: [JSONValue] = []
    for picture in pictures {
      var item: JSONValue = [
        "name": .string(picture.name), "title": .string(picture.title), "alternative": .string(picture.alternative),
        "caption": .string(picture.caption),
      ]
      func texts(_ all: [String]) -> JSONValue { .array(all.map { .string($0) }) }
      switch picture.content {
      case .image(let image, let columns):
        try PNG.write("\(folder)/\(picture.name).png", image)
        item["columns"] = texts(columns)
      case .matrix(let matrix):
        item["matrix"] = [
          "row_axis": .string(matrix.rowAxis), "column_axis": .string(matrix.columnAxis), "rows": texts(matrix.rows),
          "columns": texts(matrix.columns), "unit": .string(matrix.unit),
          "values": .array(matrix.values.map { .array($0.map { .double($0) }) }),
        ]
      }
      items.append(item)
    }
    let json: JSONValue = ["format": .int(format), "pictures": .array(items)]
    try SafeFile.write("\(folder)/\(index)", text: try json.text(pretty: true))
  }

  /// The pictures of a run, in order; none if it made none.
  ///
  /// - Throws: `ReproError`, domain data, for an index or a picture that is damaged.
  public static func read(ofRun run: String) throws -> [Stored] {
    let folder = "\(run)/\(name)"
    let path = "\(folder)/\(index)"
    guard SafeFile.exists(path) else { return [] }
    let json = try JSONValue(path: path)
    let found = try json.required("format", as: \.int, at: path)
    guard found == format else {
      throw ReproError(.data, at: path, found: "the index has format \(found)", expected: "\(format)")
    }
    return try json.required("pictures", as: \.array, at: path).prefix(most).map { item in
      func text(_ key: String) throws -> String { try item.required(key, as: \.string, at: path) }
      let name = try text("name")
      // The name becomes a path: nothing but a plain one.
      guard isIdentifier(name) else {
        throw ReproError(.data, at: path, found: "a picture is called '\(clipped(name))'", expected: "kebab-case")
      }
      return Stored(
        name: name, title: try text("title"), alternative: try text("alternative"), caption: try text("caption"),
        content: try content(item, "\(folder)/\(name).png", path))
    }
  }

  private static func content(_ item: JSONValue, _ file: String, _ path: String) throws -> Stored.Content {
    func texts(_ json: JSONValue, _ key: String) throws -> [String] {
      try json.required(key, as: \.array, at: path).map { $0.string ?? "" }
    }
    guard let matrix = item["matrix"] else {
      let image = try PNG.read(file)
      return .image(path: file, width: image.width, height: image.height, columns: try texts(item, "columns"))
    }
    let (rows, columns) = (try texts(matrix, "rows"), try texts(matrix, "columns"))
    let values = try matrix.required("values", as: \.array, at: path).map { row in
      (row.array ?? []).compactMap(\.double)
    }
    guard values.count == rows.count, values.allSatisfy({ $0.count == columns.count }) else {
      throw ReproError(.data, at: path, found: "a matrix has other numbers than names")
    }
    return .matrix(
      Picture.Matrix(
        rowAxis: try matrix.required("row_axis", as: \.string, at: path),
        columnAxis: try matrix.required("column_axis", as: \.string, at: path), rows: rows, columns: columns,
        values: values, unit: try matrix.required("unit", as: \.string, at: path)))
  }
}
