import Glibc

// Weights of the samples of a frame.

/// Hann's window, 1/2 - 1/2 cos(2 pi i / N), `[count]`; N = count for spectra (`periodic`), count - 1 for filters.
public func hannWindow(_ count: Int, periodic: Bool = true) -> Tensor {
  cosineWindow(count, periodic: periodic, 0.5, 0.5)
}

/// Hamming's window, 0.54 - 0.46 cos(2 pi i / N), `[count]`; see `hannWindow`.
public func hammingWindow(_ count: Int, periodic: Bool = true) -> Tensor {
  cosineWindow(count, periodic: periodic, 0.54, 0.46)
}

/// a - b cos(2 pi i / N)
private func cosineWindow(_ count: Int, periodic: Bool, _ a: Double, _ b: Double) -> Tensor {
  require(count >= 1, "a window has 1 sample or more, got \(count)")
  let n = periodic ? count : count - 1
  return Tensor(
    [count], (0..<count).map { count == 1 ? 1 : Real(a - b * Glibc.cos(2 * Double.pi * Double($0) / Double(n))) })
}
