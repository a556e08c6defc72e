import ReproConfig

/// JSON lines: one JSON document on each line, UTF-8; empty lines are passed over.
public enum JSONLines {
  /// The documents of a file in order.
  ///
  /// - Throws: `ReproError` with `file:line` of the first line that is no JSON document.
  public static func read(_ bytes: [UInt8], file: String) throws -> [(line: Int, value: JSONValue)] {
    var cursor = TextCursor(bytes, file: file)
    var values: [(Int, JSONValue)] = []
    while cursor.advanceToWords(comment: nil) {
      do {
        values.append((cursor.line, try JSONValue(parsing: Array(bytes[cursor.rest]), file: file)))
      } catch {
        var error = error
        // The reader knows the document only, not where in the file it stands.
        let column = error.location.split(separator: ":").last.map(String.init) ?? "1"
        error.location = "\(file):\(cursor.line):\(column)"
        throw error
      }
    }
    return values
  }
}
