import ReproTensor

/// What a network of a signed distance is made of; the defaults are those of NeuS.
public struct SDFConfiguration: Sendable, Equatable {
  /// Dimensions of a point.
  public var inputs = 3
  /// Units of a hidden layer, and how many there are.
  public var width = 256
  public var layers = 8
  /// Hidden layers (counted from 0) whose input is joined by the encoded point.
  public var skips: [Int] = [4]
  /// Radius of the sphere that the untrained network describes, > 0, in the unit of the points.
  public var radius: Real = 0.5
  /// Sharpness of softplus.
  public var beta: Real = 100
  /// Octaves of positional encoding; 0 for none.
  public var frequencies = 0
  /// Numbers besides the distance that describe the place, for a colour network.
  public var features = 0

  public init() {}
}

/// What the network says about points.
public struct SDFOutput: Sendable {
  /// Signed distance, negative inside, `[N]`.
  public var distance: Tensor
  /// `[N, F]`
  public var features: Tensor
}

/// A signed distance field as a multilayer perceptron that begins as a sphere.
///
///     h_0 = e(x);  h_{l+1} = softplus_beta(W_l h_l + b_l);  skip l: h_l := [h_l, e(x)] / sqrt(2);  f = w h_L + c
///     hidden: W ~ N(0, 2 / outputs), b = 0;  last: w ~ N(sqrt(pi / inputs), 1e-4), c = -radius   =>   f(x) ~ |x| - radius
///     e(x) = [x, sin(2^0 x), cos(2^0 x), ..., sin(2^{k-1} x), cos(2^{k-1} x)], where weights of sines and cosines begin at 0
///
/// - Source: geometric initialisation of Atzmon and Lipman 2020 (SAL, arXiv 1911.10414, Theorem 1) and Gropp et al. 2020
///   (IGR, arXiv 2002.10099, Section 5); skip, softplus and encoding as in Wang et al. 2021 (NeuS, arXiv 2106.10689,
///   Section A.2), here without its weight normalisation.
public struct SDFNetwork: Layer {
  public var hidden: [Linear]
  public var last: Linear
  public let configuration: SDFConfiguration

  public init(_ c: SDFConfiguration = SDFConfiguration(), random: RandomStream) {
    require(
      c.inputs > 0 && c.layers > 0 && c.width > 0 && c.radius > 0 && c.beta > 0,
      "a distance network needs positive sizes, radius and beta, got \(c)")
    require(
      c.skips.allSatisfy { $0 > 0 && $0 < c.layers }, "skips \(c.skips) are not among hidden layers 1..<\(c.layers)")
    configuration = c
    let encoded = c.inputs * (1 + 2 * c.frequencies)
    require(c.skips.isEmpty || c.width > encoded, "width \(c.width) leaves nothing beside a skip of \(encoded)")
    hidden = (0..<c.layers).map { l in
      // The layer before a skip leaves room, so that every joined input has the common width.
      let outputs = c.skips.contains(l + 1) ? c.width - encoded : c.width
      // Sines and cosines are the last columns; the network begins blind to them.
      let sines = l == 0 || c.skips.contains(l) ? encoded - c.inputs : 0
      var stream = random.child("hidden", l)
      let weight = stream.normal(
        [outputs, (l == 0 ? encoded : c.width) - sines], deviation: (2 / Real(outputs)).squareRoot())
      return Linear(weight: weight.padded(1, before: 0, after: sines), bias: .zeros([outputs]))
    }
    var stream = random.child("last")
    last = Linear(
      weight: stream.normal([1 + c.features, c.width], deviation: 1e-4, mean: (Real.pi / Real(c.width)).squareRoot()),
      bias: .full([1 + c.features], -c.radius))
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("hidden", &hidden)
    v("last", &last)
  }

  /// Distance and features at points, `[N, inputs]`.
  public func callAsFunction(_ points: Tensor) -> SDFOutput {
    let c = configuration
    require(points.rank == 2 && points.shape[1] == c.inputs, "points are [N, \(c.inputs)], got \(points.shape)")
    let encoded = positionalEncoding(points, frequencies: c.frequencies)
    var h = encoded
    for (l, layer) in hidden.enumerated() {
      if c.skips.contains(l) { h = concat([h, encoded], axis: 1) * Real(0.5).squareRoot() }
      h = layer(h).softplus(beta: c.beta)
    }
    let y = last(h)  // [N, 1 + F]
    return SDFOutput(distance: y.select(1, 0), features: y.slice(1, 1..<(1 + c.features)))
  }

  /// The signed distance at points, `[N, inputs] -> [N]`.
  public func value(at points: Tensor) -> Tensor { self(points).distance }

  /// The gradient of the distance at points, `[N, inputs] -> [N, inputs]`: the normal, where the field is a true distance.
  ///
  /// - Parameter createGraph: whether a loss of the gradient (eikonal, colour along normals) will be differentiated with
  ///   respect to the parameters; otherwise a constant.
  public func gradient(at points: Tensor, createGraph: Bool = false) -> Tensor {
    outputAndGradient(at: points, createGraph: createGraph).gradient
  }

  /// Distance, features and the distance's gradient `[N, inputs]` in one pass; constants unless `createGraph`.
  public func outputAndGradient(at points: Tensor, createGraph: Bool = false) -> (output: SDFOutput, gradient: Tensor) {
    let x = points.isTracked ? points : points.tracked
    let y = self(x)
    let gradient = gradients(of: y.distance.sum(), with: [x], createGraph: createGraph)[0]
    if createGraph { return (y, gradient) }
    return (SDFOutput(distance: y.distance.detached, features: y.features.detached), gradient)
  }
}
