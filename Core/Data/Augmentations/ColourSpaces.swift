import ReproTensor

/// Colours as other coordinates than red, green and blue.
extension Tensor {
  /// sRGB as CIE L*a*b* under the white of daylight (D65, 2 degrees).
  ///
  ///     linear = x / 12.92 if x <= 0.04045, else ((x + 0.055) / 1.055)^2.4
  ///     XYZ = M linear;   t = XYZ / white;   f = t^(1/3) if t > 0.008856, else 7.787 t + 16 / 116
  ///     L = 116 f_y - 16;   a = 500 (f_x - f_y);   b = 200 (f_y - f_z)
  ///
  /// For planes `[..., 3, H, W]` in 0...1; L is 0...100, a -86...98, b -108...94.
  /// - Source: CIE 15:2004; IEC 61966-2-1; constants as in scikit-image's `rgb2lab`, whose numbers it gives.
  public func sRGBToLab() -> Tensor {
    let x = requirePlanes("sRGBToLab")
    let dark = x.isLess(Tensor(0.04045), orEqual: true)
    let linear = ReproTensor.select(dark, x / 12.92, ((x + 0.055) / 1.055).pow(2.4))
    let rows: [[Real]] = [
      [0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227],
    ]
    let white: [Real] = [0.95047, 1, 1.08883]
    let t = linear.mixingChannels(zip(rows, white).map { row, w in row.map { $0 / w } })
    let isDark = t.isLess(Tensor(0.008856), orEqual: true)
    // The root is taken of positive numbers only, so that black has no infinite slope.
    let f = ReproTensor.select(isDark, t * 7.787 + 16.0 / 116, maximum(t, Tensor(0.008856)).pow(1.0 / 3))
    return f.mixingChannels([[0, 116, 0], [500, -500, 0], [0, 200, -200]], shift: [-16, 0, 0])
  }

  /// sRGB as luma and two colour differences, YDbDr of the SECAM standard: Y 0...1, Db and Dr -1.333...1.333.
  ///
  /// For planes `[..., 3, H, W]` in 0...1.
  /// - Source: ITU-R BT.470-6; constants as in scikit-image's `rgb2ydbdr`.
  public func sRGBToYDbDr() -> Tensor {
    requirePlanes("sRGBToYDbDr").mixingChannels([
      [0.299, 0.587, 0.114], [-0.45, -0.883, 1.333], [-1.333, 1.116, 0.217],
    ])
  }

  private func requirePlanes(_ op: StaticString) -> Tensor {
    require(rank >= 3 && shape[-3] == 3, "\(op) needs planes [..., 3, H, W], got \(shape)")
    return self
  }

  /// y_i = sum_j rows[i][j] x_j + shift_i of the channels, the axis before the last two.
  private func mixingChannels(_ rows: [[Real]], shift: [Real]? = nil) -> Tensor {
    let channels = (0..<rows[0].count).map { slice(-3, $0..<($0 + 1)) }
    return concat(
      rows.enumerated().map { i, row in
        var sum = channels[0] * row[0]
        for j in 1..<row.count { sum = sum + channels[j] * row[j] }
        return shift.map { sum + $0[i] } ?? sum
      }, axis: -3)
  }
}
