extension Tensor {
  /// log(softmax(x)) at one class of each row, `[..., C]` with labels `[...]` -> `[...]`.
  ///
  ///     y_i = x_{i, label_i} - log sum_c exp(x_ic)
  ///
  /// The backward pass writes (one-hot - softmax) in one pass over the rows.
  public func logLikelihood(of labels: IndexTensor) -> Tensor {
    require(
      rank >= 1 && labels.shape == shape.dropping(-1),
      "logLikelihood of \(shape) needs labels of all axes but the last, got \(labels.shape)")
    labels.requireInside(shape[-1], "logLikelihood", of: "the last axis of \(shape)")
    let y = detached.logSoftmax()
    return y.picked(labels).recorded("logLikelihood", self) { s in
      s.createGraph
        ? s.gradient.placed(labels, of: self.shape[-1]) - s.gradient.expandedAxis(-1) * self.softmax()
        : likelihoodGradient(s.gradient.contiguous(), y, labels)
    }
  }
}

/// g_i (delta_{c, label_i} - exp(y_ic)), y being log(softmax(x)).
private func likelihoodGradient(_ g: Tensor, _ y: Tensor, _ labels: IndexTensor) -> Tensor {
  let c = y.shape[-1]
  let gx = Tensor(uninitialized: y.shape)
  let (source, seed, target) = (y.base, g.base, gx.base)
  labels.values.withUnsafeBufferPointer { labels in
    forTiles(labels.count, max(1, tileElements / max(c, 1))) { first, rows in
      withUnsafeTemporaryAllocation(of: Real.self, capacity: c) { row in
        guard let oneHot = row.baseAddress else { return }
        kernels.fill(c, 0, oneHot)
        for i in first..<(first + rows) {
          oneHot[labels[i]] = seed[i]
          kernels.logSoftmaxBackward(1, c, source + i * c, oneHot, target + i * c)
          oneHot[labels[i]] = 0
        }
      }
    }
  }
  withExtendedLifetime((y, g)) {}
  return gx
}
