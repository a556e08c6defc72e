/// What LAPACK said about each matrix of a batch; written by many threads, each at its own place.
struct Failures {
  private let codes: Tensor

  init(_ count: Int) { codes = .zeros([count]) }

  subscript(_ index: Int) -> Int {
    get { Int(codes.base[index]) }
    nonmutating set { codes.base[index] = Real(newValue) }
  }

  /// The first matrix that failed, and LAPACK's number for it.
  var first: (index: Int, info: Int)? {
    withExtendedLifetime(codes) { (0..<codes.count).first { self[$0] != 0 }.map { ($0, self[$0]) } }
  }

  /// Stops the program if any matrix failed.
  func require(_ op: StaticString, _ shape: Shape, _ what: String) {
    guard let (index, info) = first else { return }
    requirementFailed("\(op): matrix \(index) of \(shape) \(what) (LAPACK info \(info))")
  }
}

extension Tensor {
  /// The unit matrix, `[n, n]`.
  static func identity(_ n: Int) -> Tensor { zeros([n, n]).fillingDiagonal(1) }

  /// Ones below the diagonal, `diagonal` on it, zeros above.   [n, n]
  static func lowerTriangle(_ n: Int, diagonal: Real) -> Tensor {
    Tensor([n, n]) { values in
      for i in 0..<n { for j in 0..<n { values[i * n + j] = j < i ? 1 : j == i ? diagonal : 0 } }
    }
  }

  /// 1 / x, and 0 where x is 0.
  func reciprocalOrZero() -> Tensor {
    let isZero = isEqual(Tensor(0))
    return ReproTensor.select(isZero, Tensor(0), ReproTensor.select(isZero, Tensor(1), self).reciprocal())
  }

  /// (A + A^T) / 2 over the last two axes.
  func symmetricPart() -> Tensor { (self + transposed()) * 0.5 }
}
