import ReproTensor

/// Maps that point somewhere without having learnt or heard anything: the rivals of localisation.
enum PlainMaps {
  /// A hill in the middle, `[count, rows, columns]`.
  static func centre(_ count: Int, rows: Int, columns: Int) -> Tensor {
    Tensor([count, rows, columns]) { values in
      for i in 0..<values.count {
        let (y, x) = (2 * (i / columns % rows) + 1 - rows, 2 * (i % columns) + 1 - columns)
        values[i] = -Real(y * y + x * x)
      }
    }
  }

  /// How far the colour of a place is from the picture's mean colour, `[N, C, H, W] -> [N, rows, columns]`.
  ///
  ///     s(y, x) = sum_c (blurred_c(y, x) - mean_c)^2,  blurred over 5 x 5 pixels
  ///
  /// - Source: Achanta et al. 2009, "Frequency-tuned salient region detection" (CVPR), Eq. 4, in RGB instead of Lab.
  static func salience(_ pictures: Tensor, rows: Int, columns: Int) -> Tensor {
    let blurred = pictures.averagePooled(5, stride: 1, padding: 2, countsPadding: false)
    let mean = pictures.mean(axes: [2, 3], keepsAxes: true)
    return (blurred - mean).squared().sum(1).resized(to: [rows, columns])
  }
}
