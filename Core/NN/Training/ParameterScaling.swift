import ReproTensor

/// How each parameter's learning rate and weight decay differ from the common ones: parameter groups, by rule.
///
/// The default decays weights only: no bias, no gain (the usual rule for transformers).
public struct ParameterScaling: Sendable {
  /// Factors of the learning rate and of the weight decay.
  public typealias Factors = (rate: Real, decay: Real)
  private let rule: @Sendable (ParameterInfo) -> Factors
  /// Whether it is `standard`, which asks for no names.
  private(set) var isStandard = false

  public init(_ rule: @escaping @Sendable (ParameterInfo) -> Factors) { self.rule = rule }

  public static let standard: ParameterScaling = {
    var scaling = ParameterScaling { (1, $0.role == .weight ? 1 : 0) }
    scaling.isStandard = true
    return scaling
  }()

  /// Factors by role; a role that is not named has (1, 1).
  public static func byRole(_ factors: [Role: Factors]) -> ParameterScaling {
    ParameterScaling { factors[$0.role] ?? (1, 1) }
  }

  /// Rates that fall from the head to the stem, and the standard decay:
  ///
  ///     rate factor of layer l = factor^(depth + 1 - l)
  ///
  /// Layer 0 is what comes before the blocks, layer 1 + i is block i, layer depth + 1 is everything after.
  /// - Parameters:
  ///   - factor: in (0, 1].
  ///   - depth: number of blocks.
  ///   - blocks: the name of the list of blocks.
  ///   - stem: names of what comes before them; a name matches a whole component of the path.
  /// - Source: Clark et al. 2020 (ELECTRA, arXiv 2003.10555); for vision Bao et al. 2021 (BEiT, arXiv 2106.08254).
  public static func layerwise(
    _ factor: Real, depth: Int, blocks: String = "blocks",
    stem: [String] = ["patch_embed", "cls_token", "pos_embed", "mask_token", "register_tokens"]
  ) -> ParameterScaling {
    require(
      factor > 0 && factor <= 1 && depth >= 0, "a layer-wise decay is in (0, 1], got \(factor) for \(depth) blocks")
    return ParameterScaling { p in
      let components = p.path.split(separator: ".").map(String.init)
      var layer = depth + 1
      if let at = components.firstIndex(of: blocks), at + 1 < components.count, let i = Int(components[at + 1]) {
        layer = 1 + i
      } else if components.contains(where: { stem.contains($0) }) {
        layer = 0
      }
      var rate: Real = 1
      for _ in min(layer, depth + 1)..<(depth + 1) { rate *= factor }
      return (rate, ParameterScaling.standard(p).decay)
    }
  }

  /// The product of two rules.
  public func times(_ other: ParameterScaling) -> ParameterScaling {
    ParameterScaling { p in
      let (a, b) = (self(p), other(p))
      return (a.rate * b.rate, a.decay * b.decay)
    }
  }

  public func callAsFunction(_ p: ParameterInfo) -> Factors { rule(p) }
}
