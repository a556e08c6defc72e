import ReproTensor

extension Comparison {
  /// How a metric reads and improves.
  struct Scale: Sendable {
    var metric: MetricName
    var spec: MeasurementSpec
    /// The smallest effect that would matter.
    var delta: Double?
  }

  /// A test of the mean of differences.
  ///
  /// - Parameter differences: by seed, positive in the direction of the claim.
  init(
    _ kind: Kind, _ label: String, of scale: Scale, margin: Double, seeds: [UInt64], differences d: [Double],
    arms: [ArmValues]
  ) {
    self.init(kind, label, of: scale, margin: margin, seeds: seeds, differences: d, arms: arms, ranks: nil)
    guard !d.isEmpty else { return }
    let reversed = d.map { -$0 }
    switch kind {
    case .equivalence:
      // Two one-sided tests; and the effect is outside on one of two sides, which costs a factor of two.
      p = max(Statistics.signFlip(d, above: -margin), Statistics.signFlip(reversed, above: -margin))
      let outside = min(Statistics.signFlip(d, above: margin), Statistics.signFlip(reversed, above: margin))
      pBelowDelta = min(1, 2 * outside)
      tP = d.count < 2 ? nil : max(Statistics.pairedT(d, above: -margin), Statistics.pairedT(reversed, above: -margin))
    case .nonInferiority:
      // What would matter here is a loss of more than the margin, and that is the opposite claim.
      p = Statistics.signFlip(d, above: threshold)
      pOpposite = Statistics.signFlip(reversed, above: margin)
      pBelowDelta = pOpposite
      tP = d.count < 2 ? nil : Statistics.pairedT(d, above: threshold)
    default:
      p = Statistics.signFlip(d, above: threshold)
      pOpposite = Statistics.signFlip(reversed, above: margin)
      // Without a delta any effect would matter; one below the margin cannot.
      pBelowDelta = Statistics.signFlip(reversed, above: -max(scale.delta ?? margin, margin))
      tP = d.count < 2 ? nil : Statistics.pairedT(d, above: threshold)
    }
    if let effect = Statistics.detectableEffect(d.count), kind != .equivalence {
      smallestDetectable = threshold + effect * deviation
    }
  }

  /// A test of ranks within seeds; the differences say how large the effect is.
  init(
    ranks: Statistics.RankTest, _ kind: Kind, _ label: String, of scale: Scale, seeds: [UInt64],
    differences d: [Double], arms: [ArmValues]
  ) {
    self.init(kind, label, of: scale, margin: 0, seeds: seeds, differences: d, arms: arms, ranks: ranks)
    (p, pOpposite, rankStatistic) = (ranks.p, ranks.pOpposite, ranks.statistic)
    smallestP = ranks.smallest
    pBelowDelta = scale.delta.map { Statistics.signFlip(d.map { -$0 }, above: -$0) } ?? pOpposite
  }

  private init(
    _ kind: Kind, _ label: String, of scale: Scale, margin: Double, seeds: [UInt64], differences d: [Double],
    arms: [ArmValues], ranks: Statistics.RankTest?
  ) {
    require(seeds.count == d.count && d.allSatisfy(\.isFinite), "one finite difference for each seed")
    (self.kind, self.label, self.metric) = (kind, label, scale.metric)
    (unit, decimals) = (scale.spec.unit, scale.spec.decimals)
    (self.seeds, differences, self.margin, self.arms) = (seeds, d, margin, arms)
    threshold = kind == .nonInferiority || kind == .equivalence ? -margin : margin
    (mean, deviation) = (Statistics.mean(d), Statistics.deviation(d))
    (p, pOpposite, pBelowDelta) = (1, 1, 1)
    smallestP = d.isEmpty ? 1 : 1 / Double(1 << d.count)
    (lowerBound, upperBound) = (-.infinity, .infinity)
    guard !d.isEmpty else { return }
    let region = SignFlipRegion(d)
    interval = region.interval()
    (lowerBound, upperBound) = (region.lowerBound(), region.upperBound())
    if d.count >= 2 { tInterval = Statistics.tInterval(d) }
    if d.count >= 20 {
      bca = Statistics.bca(d, random: RandomStream(seed: 0).child("bca").child(label).child("\(scale.metric)"))
    }
  }
}
