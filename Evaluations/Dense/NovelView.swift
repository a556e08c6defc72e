import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// `novel-view/v1`: pictures of the method's own against the true ones; means over samples.
///
/// `scattering-distance` is a perceptual distance on frozen features of our own, the scattering transform of two scales and
/// four angles; it is not LPIPS and compares with no published number. It needs sides that are multiples of 4 (what is
/// over is cut off below and right).
///
/// Samples of several pictures (`views` of a scene) are compared picture by picture; a method that gives v of V of them gives
/// those numbered floor(i V / v).
///
/// Options: `output`, `[rows, columns, 3]` or `[v, rows, columns, 3]` in 0...1 for a sample (image); `column`, images
/// (target).
public struct NovelView: Evaluation {
  public static let card = EvaluationCard(
    id: "novel-view/v1", title: "Rendered pictures against true ones",
    source:
      "PSNR and SSIM as in Mildenhall et al. 2020 (NeRF, arXiv 2003.08934), Section 6; perceptual distance in the manner "
      + "of Zhang et al. 2018 (arXiv 1801.03924) on the scattering transform of Bruna and Mallat 2012 (arXiv 1203.1513)",
    measurements: [
      MeasurementSpec("psnr", unit: "dB", decimals: 2), MeasurementSpec("ssim", unit: "1"),
      MeasurementSpec("scattering-distance", unit: "1", isHigherBetter: false),
    ])

  let maps: OutputTruth

  public init(_ options: inout Section) throws(ReproError) {
    maps = try OutputTruth(&options, output: "image", column: "target")
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    guard let (_, height, width, channels) = pictures(data) else {
      throw data.lacks(maps.column, "a column of images", Self.card.id) { if case .image = $0 { true } else { false } }
    }
    guard height >= 11, width >= 11, channels == 3 || channels == 1 else {
      throw ReproError(
        .usage, at: Self.card.id, found: "'\(maps.column)' has \(height) x \(width) pixels of \(channels) channels",
        expected: "at least 11 x 11 pixels of 1 or 3 channels")
    }
    try data.need(1, in: .test, for: Self.card.id)
  }

  /// How many pictures of which size a sample has; nil for another kind of column. The count is nil for one picture.
  private func pictures(_ data: DataSpec) -> (count: Int?, height: Int, width: Int, channels: Int)? {
    switch data[field: maps.column]?.kind {
    case .image(let height, let width, let channels): (nil, height, width, channels)
    case .frames(let count, let height, let width, let channels): (count, height, width, channels)
    default: nil
    }
  }

  public func check(encoderOf subject: EvaluationSubject) throws {
    try check(subject.spec)
    guard let (count, height, width, channels) = pictures(subject.spec) else { return }
    let shape = try subject.shape(ofOutput: maps.output, for: Self.card.id)
    let shown = count == nil ? [] : [min(max(shape.rank == 4 ? shape[0] : 1, 1), count ?? 1)]
    guard shape == Shape(shown + [height, width, channels]) else {
      throw ReproError(
        .usage, at: Self.card.id, found: "output '\(maps.output)' has the shape \(shape) for a sample",
        expected:
          "the shape of '\(maps.column)', [\(count.map { "1 to \($0), " } ?? "")\(height), \(width), \(channels)]")
    }
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(encoderOf: subject)
    var values: [(psnr: Double, ssim: Double, distance: Double)] = []
    var scattering: Scattering?
    func compare(_ output: Tensor, _ truth: Tensor) {
      // Images of one channel come as classes do, unscaled.
      let scale: Real = truth.shape[2] == 1 ? 1 / 255 : 1
      let (p, t) = (output.clamped(0, 1).permuted([2, 0, 1]), (truth * scale).permuted([2, 0, 1]))
      let (rows, columns) = (t.shape[1] / 4 * 4, t.shape[2] / 4 * 4)
      let transform = scattering ?? Scattering(rows: rows, columns: columns, scales: 2, angles: 4)
      scattering = transform
      func features(_ x: Tensor) -> Tensor {
        // [1, C, paths, r, c] -> [r, c, C paths]
        let s = transform(x.slice(1, 0..<rows).slice(2, 0..<columns).expandedAxis(0)).select(0, 0)
        return s.reshaped([s.shape[0] * s.shape[1], s.shape[2], s.shape[3]]).permuted([1, 2, 0])
      }
      // Equal pictures would be infinitely good: 8-bit pictures cannot be told apart beyond 100 dB.
      values.append((min(psnr(p, t), 100), ssim(p, t), frozenFeatureDistance(features(p), features(t))))
    }
    try maps.forEach(subject, for: Self.card.id) { _, output, truth, _, _ in
      guard output.rank == 4 else { return compare(output, truth) }
      // A column of one picture a sample has lost its axis.
      let all = truth.rank == 4 ? truth : truth.expandedAxis(0)
      let v = output.shape[0]
      for i in 0..<v { compare(output.select(0, i), all.select(0, i * all.shape[0] / v)) }
    }
    return [
      ("psnr", values.mean(\.psnr)), ("ssim", values.mean(\.ssim)), ("scattering-distance", values.mean(\.distance)),
    ]
  }
}
