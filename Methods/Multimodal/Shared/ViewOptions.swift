import ReproConfig
import ReproData

/// What a kind of view is like unless a recipe says otherwise.
struct ViewDefaults {
  var scale: [Double]
  var flip, colour, grey, blur: Double
}

extension ViewPolicy {
  /// A policy of the defaults: jitter with probability 0.8 and strengths (0.4, 0.4, 0.4, 0.1) times `colour`.
  init(size: Int, _ d: ViewDefaults) {
    self.init(size: size, scale: d.scale[0]...d.scale[1])
    flip = d.flip
    grey = d.grey
    blur = d.blur
    if d.colour > 0 { setJitter(d.colour, probability: 0.8) }
  }

  /// Reads `scale`, `ratio`, `flip`, `colour`, `jitter` (its probability), `grey`, `blur` and `blur_sigma`.
  init(_ s: inout Section, size: Int, _ d: ViewDefaults) throws(ReproError) {
    func ascending(_ key: String, _ limits: ClosedRange<Double>, _ usual: [Double], _ s: inout Section)
      throws(ReproError) -> ClosedRange<Double>
    {
      let pair = try s.doubles(key, count: 2, in: limits, default: usual)
      guard pair[0] <= pair[1] else {
        throw ReproError(
          .usage, at: "\(s.node.mark)", found: "\(s.name).\(key) is \(pair)", expected: "two ascending numbers")
      }
      return pair[0]...pair[1]
    }
    self.init(size: size, scale: try ascending("scale", 0.001...1, d.scale, &s))
    ratio = try ascending("ratio", 0.1...10, [3.0 / 4, 4.0 / 3], &s)
    flip = try s.double("flip", in: 0...1, default: d.flip)
    let colour = try s.double("colour", in: 0...2, default: d.colour)
    let probability = try s.double("jitter", in: 0...1, default: 0.8)
    if colour > 0 { setJitter(colour, probability: probability) }
    grey = try s.double("grey", in: 0...1, default: d.grey)
    blur = try s.double("blur", in: 0...1, default: d.blur)
    blurSigma = try ascending("blur_sigma", 0.01...16, [0.1, 2], &s)
  }

  private mutating func setJitter(_ strength: Double, probability: Double) {
    jitter = Jitter(
      probability: probability, brightness: 0.4 * strength, contrast: 0.4 * strength, saturation: 0.4 * strength,
      hue: min(0.1 * strength, 0.5))
  }
}
