import Glibc
import ReproTensor

/// Attention on a few places around a reference point, on maps of several scales.   [B, Q, D] on maps -> [B, Q, D]
///
///     out_h = sum_{l, k} A_hlk W_v x_l(p_l + offset_hlk);   A = softmax over (l, k) of a linear map of the query
///
/// Offsets are in units of a map's cells; maps are sampled bilinearly, 0 outside. Names and initialisation are the authors'.
/// - Source: Zhu et al. 2020 (Deformable DETR, arXiv 2010.04159), Eq. 3 and Section A.4.
public struct DeformableAttention: Layer {
  public var samplingOffsets, attentionWeights, valueProj, outputProj: Linear
  let heads, levels, points: Int

  /// - Parameters:
  ///   - levels: number of maps.
  ///   - points: places of each head on each map.
  public init(_ width: Int, heads: Int, levels: Int, points: Int, random: RandomStream) {
    require(
      heads > 0 && width % heads == 0 && levels > 0 && points > 0,
      "deformable attention of width \(width) needs heads, levels and points, got \(heads), \(levels), \(points)")
    // Places begin on a star: each head looks in its own direction, point k at distance k + 1.
    let bias = Tensor([heads * levels * points * 2]) { p in
      for h in 0..<heads {
        let angle = 2 * Double.pi * Double(h) / Double(heads)
        let (x, y) = (cos(angle), sin(angle))
        let scale = max(abs(x), abs(y))
        for l in 0..<levels {
          for k in 0..<points {
            let at = ((h * levels + l) * points + k) * 2
            p[at] = Real(x / scale * Double(k + 1))
            p[at + 1] = Real(y / scale * Double(k + 1))
          }
        }
      }
    }
    samplingOffsets = Linear(weight: .zeros([heads * levels * points * 2, width]), bias: bias)
    attentionWeights = Linear(
      weight: .zeros([heads * levels * points, width]), bias: .zeros([heads * levels * points]))
    valueProj = .glorot(width, width, random: random.child("value_proj"))
    outputProj = .glorot(width, width, random: random.child("output_proj"))
    (self.heads, self.levels, self.points) = (heads, levels, points)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("sampling_offsets", &samplingOffsets)
    v("attention_weights", &attentionWeights)
    v("value_proj", &valueProj)
    v("output_proj", &outputProj)
  }

  /// - Parameters:
  ///   - queries: `[B, Q, D]`.
  ///   - references: x and y of each query in units of the image, `[B, Q, 2]`; (0, 0) is the upper left corner.
  ///   - maps: one for each level, `[B, D, H_l, W_l]`.
  public func callAsFunction(_ queries: Tensor, references: Tensor, maps: [Tensor]) -> Tensor {
    let (b, q, width) = (queries.shape[0], queries.shape[1], queries.shape[2])
    require(
      maps.count == levels && references.shape == [b, q, 2]
        && maps.allSatisfy { $0.rank == 4 && $0.shape[0] == b && $0.shape[1] == width },
      "deformable attention on \(levels) maps needs references [B, Q, 2] and maps [B, \(width), H, W], got "
        + "\(references.shape) and \(maps.map(\.shape))")
    let d = width / heads
    let offsets = samplingOffsets(queries).reshaped(to: [b, q, heads, levels, points * 2])
    let weights = attentionWeights(queries).reshaped(to: [b, q, heads, levels * points]).softmax()
      .reshaped(to: [b, q, heads, levels, points])
    var total = Tensor(0)
    for (l, map) in maps.enumerated() {
      let (rows, columns) = (map.shape[2], map.shape[3])
      let value = valueProj(map.flattened(from: 2).transposed())  // [B, H W, D]
        .reshaped(to: [b, rows, columns, heads, d]).permuted([0, 3, 4, 1, 2]).reshaped(to: [
          b * heads, d, rows, columns,
        ])
      let cell = Tensor([2], [1 / Real(columns), 1 / Real(rows)])
      let own = offsets.select(3, l).reshaped(to: [b, q, heads, points, 2])
      let places: Tensor = references.reshaped(to: [b, q, 1, 1, 2]) + own * cell  // [B, Q, heads, points, 2]
      let grid = (places * 2 - 1).permuted([0, 2, 1, 3, 4]).reshaped(to: [b * heads, q, points, 2])
      let sampled = value.gridSampled(grid)  // [B heads, d, Q, points]
      let w = weights.select(3, l).permuted([0, 2, 1, 3]).reshaped(to: [b * heads, 1, q, points])
      total = total + (sampled * w).sum(-1)  // [B heads, d, Q]
    }
    return outputProj(total.reshaped(to: [b, width, q]).transposed())
  }
}
