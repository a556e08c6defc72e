import Glibc
import ReproConfig
import ReproData
import ReproEngine

/// A finished run as it lies in its folder.
struct StoredRun {
  let folder: String
  let record: RunRecord

  /// - Parameter path: the run's folder, or its record.
  init(_ path: String) throws {
    let file = path.hasSuffix(".json") ? path : path + "/record.json"
    guard SafeFile.exists(file) else {
      let isBegun = SafeFile.exists(path + "/checkpoint.h5")
      throw ReproError(
        .data, at: path, found: isBegun ? "the run is not finished: it has no record" : "no record is there",
        expected: "the folder of a run, such as runs/RECIPE/small/ARM-SEED")
    }
    folder = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? "."
    record = try RunRecord(JSONValue(path: file), at: file)
  }

  /// The recipe as it was resolved: from the record, or for records of format 1 from the file beside it.
  func recipe() throws -> ResolvedRecipe {
    let place = "\(folder)/record.json"
    if !record.resolved.isEmpty {
      return try ResolvedRecipe(stored: YAMLNode(parsing: record.resolved, file: place))
    }
    let file = folder + "/recipe.yaml"
    guard SafeFile.exists(file) else {
      throw ReproError(
        .data, at: place, found: "it is of format 1, which does not hold the recipe, and recipe.yaml is gone")
    }
    return try ResolvedRecipe(stored: YAMLNode(path: file))
  }
}

/// A place below the folder of all runs: `runs/RECIPE/SCALE/ARM-SEED`.
struct RunPlace {
  enum State {
    /// Somebody works on it.
    case running
    case finished(RunRecord.Status)
    /// It was begun and can go on.
    case stopped
    /// Its record cannot be read.
    case damaged(ReproError)
  }

  let recipe, scale: String
  /// The folder's name, `ARM-SEED`, with `.oldN` behind it for a run that was moved aside.
  let name: String
  let folder: String
  var isOld: Bool { name.contains(".old") }

  /// All runs below a folder, in the order of their paths.
  static func all(in out: String) -> [RunPlace] {
    var places: [RunPlace] = []
    for recipe in SafeFile.list(out) where !recipe.hasPrefix(".") {
      for scale in Scale.allCases.map(\.rawValue) {
        for name in SafeFile.list("\(out)/\(recipe)/\(scale)") where !name.hasPrefix(".") {
          let folder = "\(out)/\(recipe)/\(scale)/\(name)"
          guard SafeFile.isFolder(folder) else { continue }
          places.append(RunPlace(recipe: recipe, scale: scale, name: name, folder: folder))
        }
      }
    }
    return places
  }

  var state: State {
    if RunLock.isHeld(folder) { return .running }
    let file = folder + "/record.json"
    guard SafeFile.exists(file) else { return .stopped }
    do {
      return .finished(try RunRecord(JSONValue(path: file), at: file).status)
    } catch {
      return .damaged(error)
    }
  }

  /// The stage and step of the last line of the metrics; nil before the first save.
  var lastStep: String? {
    guard let bytes = try? SafeFile.read(folder + "/metrics.jsonl"), !bytes.isEmpty else { return nil }
    let line = bytes.split(separator: UInt8(ascii: "\n")).last ?? []
    guard let json = try? JSONValue(parsing: String(decoding: line, as: UTF8.self), file: "metrics"),
      let stage = json["stage"]?.string, let step = json["step"]?.int
    else { return nil }
    return "\(stage), step \(step + 1)"
  }
}

/// Bytes of a file, or of everything in a folder.
func bytesBelow(_ path: String) -> Int {
  guard SafeFile.isFolder(path) else { return (try? SafeFile.size(path)) ?? 0 }
  return SafeFile.list(path).reduce(0) { $0 + bytesBelow("\(path)/\($1)") }
}
