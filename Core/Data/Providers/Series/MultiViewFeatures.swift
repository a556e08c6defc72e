import ReproConfig
import ReproTensor

/// Ready-made features of several views of each sample: the sets of the literature on multi-view clustering.
///
/// Columns: `view1` ... `viewK` and `label`; row i is the same sample in all views. Options:
/// - `set`: `scene15`, `landuse21`, `msrcv1`, `handwritten`, `bdgp`, `mnist_usps`; or `path`, a file of one's own:
///   `.npz` with `view1` ... and `labels` (from 0), or `.mat` with cells `X` and numbers `Y` (from 0 or 1).
/// - `scaling`: `none`, `range` (each feature to 0...1), `standard` (mean 0, deviation 1) - both by the training part
///   alone - or `unit` (each row to length 1).
/// - `split`: the sources have none. `held-out` (default) makes a fifth of each class, drawn once for all, the test
///   part; `all` trains on all samples without labels and measures on all, as these papers do.
/// - `train`, `validation`, `test`: numbers of samples.
///
/// Source: Lin et al. 2021, "COMPLETER", CVPR; Chen et al. 2023, "Deep multiview clustering by contrasting
/// cluster assignments" (arXiv 2304.10769), and the papers that made the features.
public struct MultiViewFeatures: TabledDataset {
  public static let card = DatasetCard(
    .multiview, source: "Lin et al. 2021, COMPLETER, CVPR; Chen et al. 2023, arXiv 2304.10769")

  static let sets = ["scene15", "landuse21", "msrcv1", "handwritten", "bdgp", "mnist_usps"]
  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let path = try options.ifPresent("path") { node, name throws(ReproError) in try node.string(named: name) }
    let scaling = try options.choice("scaling", ["none", "range", "standard", "unit"], default: "none")
    let split = try options.choice("split", ["held-out", "all"], default: "held-out")
    var content: Content
    let (name, fingerprint): (String, String)
    if let path {
      content = try Content(path: path)
      (name, fingerprint) = (path, "multiview v1, sha256 \(try SafeFile.sha256(path))")
    } else {
      let set = try options.choice("set", Self.sets)
      let file = "multiview/\(set).npz"
      content = try Content(NPZArchive(root.bytes("\(set).npz", of: .multiview), file: file), file: file)
      (name, fingerprint) = (set, "multiview/\(set) v1, sha256 \(SourceSet.multiview.digest)")
    }
    let classes = (content.labels.max() ?? 0) + 1
    let parts =
      split == "all"
      ? PublishedParts(transductive: content.labels.count)
      : PublishedParts(drawnFor: Path.name(name), labels: content.labels, classes: classes)
    let rows = try parts.taken(&options, labels: content.labels, classes: classes, root: root)
    for v in content.views.indices { content.views[v].scale(scaling, by: rows[.train] ?? []) }
    samples = try SampleTable(
      "multiview",
      columns: try content.views.enumerated().map { v, view in
        try .reals("view\(v + 1)", view.values, shape: view.shape, source: name)
      } + [try .labels(content.labels, classes: (0..<classes).map { "class \($0)" }, source: name)],
      rows: rows, fingerprint: fingerprint)
  }

  /// One view of all samples.
  struct View: Sendable {
    /// Of one sample.
    var shape: Shape
    var values: [Float]

    mutating func scale(_ scaling: String, by train: [Int]) {
      let width = shape.count
      let rows = values.count / max(1, width)
      switch scaling {
      case "range":
        for k in 0..<width {
          let column = train.map { values[$0 * width + k] }
          let (low, high) = (column.min() ?? 0, column.max() ?? 0)
          for i in 0..<rows { values[i * width + k] = high > low ? (values[i * width + k] - low) / (high - low) : 0 }
        }
      case "standard":
        for k in 0..<width {
          let column = train.map { Double(values[$0 * width + k]) }
          let mean = column.reduce(0, +) / Double(max(1, column.count))
          let variance = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, column.count))
          let factor = variance > 1e-24 ? 1 / variance.squareRoot() : 0
          for i in 0..<rows { values[i * width + k] = Float((Double(values[i * width + k]) - mean) * factor) }
        }
      case "unit":
        for i in 0..<rows {
          let row = values[i * width..<(i + 1) * width]
          let length = row.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
          for k in row.indices { values[k] = length > 0 ? Float(Double(values[k]) / length) : 0 }
        }
      default: break
      }
    }
  }

  /// The views and labels of a file.
  struct Content: Sendable {
    var views: [View]
    var labels: [Int]

    init(path: String) throws {
      if path.hasSuffix(".npz") {
        try self.init(NPZArchive(path: path), file: path)
      } else {
        try self.init(MATFile(path: path))
      }
    }

    /// Arrays `view1` ... `viewK` of rank 2 or more, and `labels`.
    init(_ archive: NPZArchive, file: String) throws {
      labels = try archive.integers("labels")
      views = []
      while archive.names.contains("view\(views.count + 1)") {
        let name = "view\(views.count + 1)"
        let array = try archive.array(name)
        guard array.extents.count >= 2, array.extents[0] == labels.count,
          let shape = Shape(claimed: array.extents.dropFirst())
        else {
          throw ReproError.data(
            "\(file):\(name)", "an array \(array.extents)", expected: "a row for each of \(labels.count) labels")
        }
        views.append(View(shape: shape, values: array.values.floats))
      }
      try check(file)
    }

    /// A row or column of cells `X`, each with a row for each sample, and `Y`. (Some files have a column for each
    /// sample instead: told by the number of labels.)
    init(_ file: MATFile) throws {
      guard let answer = try file.value("Y").matrix, answer.rows == 1 || answer.columns == 1 else {
        throw ReproError.data(file.file, "Y is \(try file.value("Y").kind)", expected: "a vector of numbers")
      }
      guard case .cells(_, let cells) = try file.value("X"), !cells.isEmpty else {
        throw ReproError.data(file.file, "X is \(try file.value("X").kind)", expected: "cells, one for each view")
      }
      let numbers = answer.values.map { Int(exactly: $0) ?? .min }
      let low = numbers.min() ?? 0
      guard low == 0 || low == 1 else {
        throw ReproError.data(file.file, "the smallest label is \(low)", expected: "integers from 0 or 1")
      }
      let count = numbers.count
      labels = numbers.map { $0 - low }
      views = try cells.enumerated().map { v, cell in
        guard let matrix = cell.matrix, matrix.rows == count || matrix.columns == count else {
          throw ReproError.data(file.file, "X{\(v + 1)} is \(cell.kind)", expected: "a row for each of \(count) labels")
        }
        if matrix.rows == count { return View(shape: [matrix.columns], values: matrix.values.map { Float($0) }) }
        var values: [Float] = []
        values.reserveCapacity(matrix.values.count)
        for j in 0..<count { for i in 0..<matrix.rows { values.append(Float(matrix.values[i * count + j])) } }
        return View(shape: [matrix.rows], values: values)
      }
      try check(file.file)
    }

    private func check(_ file: String) throws {
      guard !views.isEmpty, !labels.isEmpty else {
        throw ReproError.data(file, "\(views.count) views of \(labels.count) samples", expected: "one at least")
      }
      if let row = labels.firstIndex(where: { $0 < 0 || $0 >= labels.count }) {
        throw ReproError.data(file, "label \(labels[row]) of sample \(row)", expected: "0 to \(labels.count - 1)")
      }
    }
  }
}

extension NPYArray.Values {
  /// The values in single precision.
  var floats: [Float] {
    switch self {
    case .uint8(let v): v.map { Float($0) }
    case .int8(let v): v.map { Float($0) }
    case .uint16(let v): v.map { Float($0) }
    case .int16(let v): v.map { Float($0) }
    case .int32(let v): v.map { Float($0) }
    case .int64(let v): v.map { Float($0) }
    case .float32(let v): v
    case .float64(let v): v.map { Float($0) }
    }
  }
}
