import ReproConfig
import ReproTensor

/// Point clouds in the HDF5 files of PointNet: ModelNet40 (`modelnet40_ply_hdf5_2048`) and ShapeNetPart
/// (`shapenet_part_seg_hdf5_data`).
///
/// `path` is the folder with `ply_data_train*.h5`, `ply_data_test*.h5` (and perhaps `ply_data_val*.h5`) and
/// `shape_names.txt` or `all_object_categories.txt`. Options: `points` (of each cloud, the first ones; all by default),
/// `train`, `validation`, `test` (numbers of samples). Columns: `points` `[n, 3]`, `label`, and where the files have
/// them `normals` `[n, 3]`, `parts` `[n]` (the part of each point). The files are read by libhdf5 as they are: take
/// them from where you trust them.
///
/// Source: Qi, Su, Mo, Guibas 2017, "PointNet" (arXiv 1612.00593); Wu et al. 2015 (arXiv 1406.5670); Yi et al. 2016.
public struct PointClouds: TabledDataset {
  public static let card = DatasetCard(
    id: "point-clouds", title: "ModelNet40 or ShapeNetPart point clouds (your copy of the published HDF5 files)",
    source: "Qi, Su, Mo, Guibas 2017, PointNet, arXiv 1612.00593", licence: "not stated (academic use)",
    urls: ["https://shapenet.cs.stanford.edu/media/modelnet40_ply_hdf5_2048.zip"])

  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let path = try options.string("path")
    let names = SafeFile.list(path).filter { $0.hasPrefix("ply_data_") && $0.hasSuffix(".h5") }
    var content = Content()
    var counts: [Int] = []
    for part in ["train", "val", "test"] {
      for name in names where name.hasPrefix("ply_data_\(part)") { try content.add(Path.join(path, name)) }
      counts.append(content.labels.count - counts.reduce(0, +))
    }
    guard counts[0] > 0, counts[2] > 0 else {
      throw ReproError.data(path, "there are no clouds", expected: "ply_data_train*.h5 and ply_data_test*.h5")
    }
    let wanted = try options.int("points", in: 1...content.points, default: content.points)
    let classes = try Self.classes(path, count: (content.labels.max() ?? 0) + 1)
    let n = content.points
    func first(_ values: [Float], _ width: Int) -> [Float] {
      if wanted == n { return values }
      return (0..<content.labels.count).flatMap { values[$0 * n * width..<($0 * n + wanted) * width] }
    }
    var columns = [try SampleColumn.reals("points", first(content.positions, 3), shape: [wanted, 3], source: path)]
    if !content.normals.isEmpty {
      columns.append(try .reals("normals", first(content.normals, 3), shape: [wanted, 3], source: path))
    }
    columns.append(try .labels(content.labels, classes: classes, source: path))
    if !content.parts.isEmpty {
      columns.append(try .reals("parts", first(content.parts, 1), shape: [wanted], source: path, isLabel: true))
    }
    let fingerprint = "point-clouds v1, sha256 \(SHA256.hex(of: content.digests.joined()))"
    samples = try SampleTable(
      "point-clouds", columns: columns,
      rows: try PublishedParts(train: counts[0], validation: counts[1], test: counts[2])
        .taken(&options, labels: content.labels, classes: classes.count, root: root), fingerprint: fingerprint)
  }

  /// The names of the classes, from a file beside the clouds if there is one.
  private static func classes(_ path: String, count: Int) throws -> [String] {
    for name in ["shape_names.txt", "all_object_categories.txt"] {
      let file = Path.join(path, name)
      guard SafeFile.exists(file) else { continue }
      let lines = try PlainText.lines(SafeFile.read(file, limit: 1 << 20), file: file)
      let words = lines.compactMap { $0.split(separator: "\t").first.map { String($0).trimmingBlanks } }
      guard words.count >= count else {
        throw ReproError.data(file, "\(words.count) names", expected: "\(count) or more")
      }
      return words
    }
    return (0..<count).map { "class \($0)" }
  }

  /// The clouds of some files, one after the other.
  private struct Content {
    var points = 0
    var (positions, normals, parts): ([Float], [Float], [Float]) = ([], [], [])
    var labels: [Int] = []
    var digests: [String] = []

    mutating func add(_ path: String) throws {
      digests.append(try SafeFile.sha256(path))
      let file = try HDF5File.open(path, seal: .ifPresent)
      let (data, shape) = try file.read("data", as: Float.self)
      guard shape.rank == 3, shape[2] == 3, shape[1] > 0, points == 0 || points == shape[1] else {
        throw ReproError.data(
          file.place("data"), "the shape is \(shape)", expected: "[N, \(points == 0 ? "n" : "\(points)"), 3]")
      }
      points = shape[1]
      let found = try file.numbers("label").values
      guard found.count == shape[0], found.allSatisfy({ $0 >= 0 && $0 < 4096 }) else {
        throw ReproError.data(file.place("label"), "\(found.count) labels", expected: "\(shape[0]), 0 to 4095")
      }
      positions += data
      labels += found.map { Int($0) }
      if try file.contains("normal") {
        let (values, own) = try file.read("normal", as: Float.self)
        guard own == shape else {
          throw ReproError.data(file.place("normal"), "the shape is \(own)", expected: "\(shape)")
        }
        normals += values
      }
      if try file.contains("pid") {
        let (values, own) = try file.numbers("pid")
        guard own == [shape[0], shape[1]] else { throw ReproError.data(file.place("pid"), "the shape is \(own)") }
        parts += values.map { Float($0) }
      }
      guard normals.isEmpty || normals.count == positions.count, parts.isEmpty || 3 * parts.count == positions.count
      else {
        throw ReproError.data(path, "some files have normals or parts and others have none")
      }
    }
  }
}
