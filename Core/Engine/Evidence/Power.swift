import ReproTensor

extension Statistics {
  /// The true effect, in standard deviations of the differences, at which the sign-flip test at 0.05 succeeds in four
  /// of five repetitions, for normal differences.
  ///
  /// At n = 5 all five must win: `Phi(d)^5 = 0.8` gives 1.711. Up to n = 12 the others come from simulation of
  /// the test itself (40,000 repetitions), beyond from the t test's power, which it approaches.
  ///
  /// - Parameter n: seeds.
  /// - Returns: nil below 5 and above 20.
  public static func detectableEffect(_ n: Int) -> Double? {
    let effects = [
      1.711, 1.245, 1.097, 0.998, 0.917, 0.855, 0.806, 0.768, 0.733, 0.703, 0.676, 0.652, 0.631, 0.611, 0.594, 0.577,
    ]
    return (5...20).contains(n) ? effects[n - 5] : nil
  }
}
