import ReproConfig
import ReproTensor

/// Five sets of the UCR and UEA archives of time series, with their official splits.
///
/// Columns: `series` `[T, C]` and `label`. Options: `set` (`acsf1`, `arrow-head`, `basic-motions` with six channels,
/// `gun-point`, `italy-power-demand`), `scaling` (`none`, or `series`: each channel of each series to mean 0 and
/// deviation 1), `train`, `validation`, `test` (numbers of samples).
///
/// Source: Dau et al. 2018, "The UCR time series archive" (arXiv 1810.07758); Bagnall et al. 2018 (arXiv 1811.00075).
public struct UCRSeries: TabledDataset {
  public static let card = DatasetCard(.timeseries, source: "Dau et al. 2018, arXiv 1810.07758; arXiv 1811.00075")

  static let sets = [
    ("acsf1", "ACSF1"), ("arrow-head", "ArrowHead"), ("basic-motions", "BasicMotions"), ("gun-point", "GunPoint"),
    ("italy-power-demand", "ItalyPowerDemand"),
  ]
  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let set = try options.choice("set", Self.sets.map(\.0))
    let scaling = try options.choice("scaling", ["none", "series"], default: "none")
    let name = Self.sets.first { $0.0 == set }?.1 ?? ""
    let parts = try ["TRAIN", "TEST"].map { part in
      let file = "\(name)_\(part).ts"
      return try TimeSeriesText(root.unpacked("\(file).gz", of: .timeseries), file: "timeseries/\(file)")
    }
    guard parts[0].classes == parts[1].classes else {
      throw ReproError.data("timeseries/\(name)", "training and test part name other classes")
    }
    let series = parts[0].series + parts[1].series
    let (channels, length) = (series.first?.count ?? 0, series.first?.first?.count ?? 0)
    guard length > 0, series.allSatisfy({ $0.allSatisfy { $0.count == length } && $0.count == channels }) else {
      throw ReproError.data("timeseries/\(name)", "series of different lengths", expected: "\(length)")
    }
    var values: [Float] = []
    for one in series {
      let rows = scaling == "series" ? one.map(Self.standardized) : one
      for t in 0..<length { for c in 0..<channels { values.append(rows[c][t]) } }
    }
    let labels = parts[0].labels + parts[1].labels
    let rows = try PublishedParts(train: parts[0].series.count, test: parts[1].series.count)
      .taken(&options, labels: labels, classes: parts[0].classes.count, root: root)
    samples = try SampleTable(
      "timeseries",
      columns: [
        try .reals("series", values, shape: [length, channels], source: name),
        try .labels(labels, classes: parts[0].classes, source: name),
      ], rows: rows, fingerprint: "timeseries/\(set) v1, sha256 \(SourceSet.timeseries.digest)")
  }

  /// To mean 0 and deviation 1; a constant channel becomes 0.
  static func standardized(_ values: [Float]) -> [Float] {
    let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
    let variance = values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(values.count)
    let scale = variance > 1e-16 ? 1 / variance.squareRoot() : 0
    return values.map { Float((Double($0) - mean) * scale) }
  }
}
