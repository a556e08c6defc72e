import ReproConfig
import ReproData
import ReproTensor

/// `profile.json`, beside `timing.json`: where a run's time went, op by op; never part of results.
public enum ProfileFile {
  public static let name = "profile.json"

  /// The rows as a JSON array.
  public static func json(_ rows: [Profile.Row]) -> JSONValue {
    .array(
      rows.map {
        [
          "op": .string($0.name), "pass": .string($0.pass.rawValue), "calls": .int($0.calls),
          "seconds": .double($0.seconds), "bytes": .int($0.bytes), "operations": .int($0.operations),
        ]
      })
  }

  /// Reads what `json` wrote.
  public static func rows(_ json: JSONValue, at place: String) throws(ReproError) -> [Profile.Row] {
    guard let items = json.array else { throw ReproError(.data, at: place, found: "it is no list") }
    var rows: [Profile.Row] = []
    for item in items {
      guard let pass = Profile.Pass(rawValue: try item.required("pass", as: \.string, at: place)) else {
        throw ReproError(.data, at: place, found: "the pass of an op cannot be read")
      }
      var row = Profile.Row(try item.required("op", as: \.string, at: place), pass)
      row.calls = try item.required("calls", as: \.int, at: place)
      row.seconds = try item.required("seconds", as: \.double, at: place)
      row.bytes = try item.required("bytes", as: \.int, at: place)
      row.operations = try item.required("operations", as: \.int, at: place)
      rows.append(row)
    }
    return rows
  }

  /// Several profiles added up, the longest ops first.
  public static func sum(_ profiles: [[Profile.Row]]) -> [Profile.Row] {
    var total: [Profile.Row] = []
    for row in profiles.flatMap({ $0 }) {
      if let i = total.firstIndex(where: { $0.name == row.name && $0.pass == row.pass }) {
        total[i].calls += row.calls
        total[i].seconds += row.seconds
        total[i].bytes += row.bytes
        total[i].operations += row.operations
      } else {
        total.append(row)
      }
    }
    return total.sorted { $0.seconds > $1.seconds }
  }
}
