import ReproTensor

/// Widths of a PointNet; the defaults are the paper's.
public struct PointNetConfiguration: Sendable, Equatable {
  /// Numbers of a point.
  public var channels = 3
  /// Units of the three pointwise maps.
  public var widths = [64, 128, 1024]
  /// Units of the two hidden layers of heads and of the networks that predict transforms.
  public var hidden = [512, 256]
  /// Whether features are transformed, too, after the first map.
  public var transformsFeatures = false
  public var classes = 40
  /// Before the last layer of the head.
  public var dropout: Real = 0.3
  public init() {}
}

/// A network that predicts a matrix by which every point of a cloud is multiplied.   [B, N, k] -> [B, k, k]
///
/// - Source: Qi et al. 2016 (PointNet, arXiv 1612.00593), Section 4.2 and Appendix C.
public struct TransformNet: Layer {
  public var conv1, conv2, conv3: PointwiseMap
  public var fc1, fc2, fc3: Linear
  public var bn1, bn2, bn3, bn4, bn5: BatchNorm1d
  let k: Int

  init(_ k: Int, _ c: PointNetConfiguration, random: RandomStream) {
    let (w, h) = (c.widths, c.hidden)
    conv1 = PointwiseMap(k, w[0], random: random.child("conv1"))
    conv2 = PointwiseMap(w[0], w[1], random: random.child("conv2"))
    conv3 = PointwiseMap(w[1], w[2], random: random.child("conv3"))
    fc1 = .uniform(w[2], h[0], random: random.child("fc1"))
    fc2 = .uniform(h[0], h[1], random: random.child("fc2"))
    fc3 = .uniform(h[1], k * k, random: random.child("fc3"))
    (bn1, bn2, bn3) = (BatchNorm(w[0]), BatchNorm(w[1]), BatchNorm(w[2]))
    (bn4, bn5) = (BatchNorm(h[0]), BatchNorm(h[1]))
    self.k = k
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("conv1", &conv1)
    v("conv2", &conv2)
    v("conv3", &conv3)
    v("fc1", &fc1)
    v("fc2", &fc2)
    v("fc3", &fc3)
    v("bn1", &bn1)
    v("bn2", &bn2)
    v("bn3", &bn3)
    v("bn4", &bn4)
    v("bn5", &bn5)
  }

  public mutating func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    var h = bn1.ofLast(conv1(x), context).relu()
    h = bn2.ofLast(conv2(h), context).relu()
    h = bn3.ofLast(conv3(h), context).relu().transposed().amax()  // the largest over all points, [B, C]
    h = bn4(fc1(h), context).relu()
    return matrix(bn5(fc2(h), context).relu())
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    var h = bn1.ofLast(conv1(x)).relu()
    h = bn2.ofLast(conv2(h)).relu()
    h = bn3.ofLast(conv3(h)).relu().transposed().amax()
    h = bn4(fc1(h)).relu()
    return matrix(bn5(fc2(h)).relu())
  }

  private func matrix(_ h: Tensor) -> Tensor {
    let identity = Tensor.zeros([k, k]).fillingDiagonal(1)
    return fc3(h).reshaped(to: [h.shape[0], k, k]) + identity
  }
}

/// What a PointNet says about clouds.
public struct PointNetOutput: Sendable {
  /// Of each cloud, `[B, D]`.
  public var global: Tensor
  /// Of each point, after the first map and the feature transform, `[B, N, C]`.
  public var points: Tensor
  /// The feature transform, `[B, C, C]`; nil without one.
  public var transform: Tensor?

  /// The mean over clouds of the distance of the feature transform from an orthogonal matrix, |A A^T - I|_F, `[]`.
  ///
  /// - Source: Qi et al. 2016 (arXiv 1612.00593), Eq. 2; the norm itself and not its square, as in the widely used code.
  public var orthogonalityPenalty: Tensor {
    guard let a = transform else { return Tensor(0) }
    let identity = Tensor.zeros([a.shape[1], a.shape[1]]).fillingDiagonal(1)
    return (matmul(a, a.transposed()) - identity).squared().sum(axes: [1, 2]).sqrt().mean()
  }
}

/// The part of a PointNet that reads a cloud.   [B, N, channels]
public struct PointNetFeatures: Layer {
  public var stn: TransformNet
  public var fstn: TransformNet?
  public var conv1, conv2, conv3: PointwiseMap
  public var bn1, bn2, bn3: BatchNorm1d

  public init(_ c: PointNetConfiguration, random: RandomStream) {
    require(
      c.widths.count == 3 && c.hidden.count == 2 && c.channels >= 3,
      "a PointNet has three widths, two hidden ones and at least three channels, got \(c)")
    stn = TransformNet(3, c, random: random.child("stn"))
    fstn = c.transformsFeatures ? TransformNet(c.widths[0], c, random: random.child("fstn")) : nil
    conv1 = PointwiseMap(c.channels, c.widths[0], random: random.child("conv1"))
    conv2 = PointwiseMap(c.widths[0], c.widths[1], random: random.child("conv2"))
    conv3 = PointwiseMap(c.widths[1], c.widths[2], random: random.child("conv3"))
    (bn1, bn2, bn3) = (BatchNorm(c.widths[0]), BatchNorm(c.widths[1]), BatchNorm(c.widths[2]))
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("stn", &stn)
    v("conv1", &conv1)
    v("conv2", &conv2)
    v("conv3", &conv3)
    v("bn1", &bn1)
    v("bn2", &bn2)
    v("bn3", &bn3)
    v("fstn", &fstn)
  }

  public mutating func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> PointNetOutput {
    let turned = turned(x, stn(x.slice(2, 0..<3), context))
    var h = bn1.ofLast(conv1(turned), context).relu()
    let transform = fstn?(h, context)
    h = transform.map { matmul(h, $0) } ?? h
    let deep = bn3.ofLast(conv3(bn2.ofLast(conv2(h), context).relu()), context)
    return PointNetOutput(global: deep.transposed().amax(), points: h, transform: transform)
  }

  public func callAsFunction(_ x: Tensor) -> PointNetOutput {
    let turned = turned(x, stn(x.slice(2, 0..<3)))
    var h = bn1.ofLast(conv1(turned)).relu()
    let transform = fstn.map { $0(h) }
    h = transform.map { matmul(h, $0) } ?? h
    let deep = bn3.ofLast(conv3(bn2.ofLast(conv2(h)).relu()))
    return PointNetOutput(global: deep.transposed().amax(), points: h, transform: transform)
  }

  /// Places multiplied by the transform; what else a point has stays.
  private func turned(_ x: Tensor, _ transform: Tensor) -> Tensor {
    let places = matmul(x.slice(2, 0..<3), transform)
    return x.shape[2] == 3 ? places : concat([places, x.slice(2, 3..<x.shape[2])], axis: 2)
  }
}

/// A classifier of point clouds that sees them as sets.   [B, N, channels] -> logits [B, classes]
///
/// Names are those of the widely used PyTorch code (`feat.stn.conv1.weight`).
/// - Source: Qi et al. 2016 (arXiv 1612.00593), Figure 2.
public struct PointNet: Layer {
  public var feat: PointNetFeatures
  public var fc1, fc2, fc3: Linear
  public var bn1, bn2: BatchNorm1d
  let dropout: Dropout

  public init(_ c: PointNetConfiguration = PointNetConfiguration(), random: RandomStream) {
    feat = PointNetFeatures(c, random: random.child("feat"))
    fc1 = .uniform(c.widths[2], c.hidden[0], random: random.child("fc1"))
    fc2 = .uniform(c.hidden[0], c.hidden[1], random: random.child("fc2"))
    fc3 = .uniform(c.hidden[1], c.classes, random: random.child("fc3"))
    (bn1, bn2) = (BatchNorm(c.hidden[0]), BatchNorm(c.hidden[1]))
    dropout = Dropout(c.dropout)
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("feat", &feat)
    v("fc1", &fc1)
    v("fc2", &fc2)
    v("fc3", &fc3)
    v("bn1", &bn1)
    v("bn2", &bn2)
  }

  public mutating func callAsFunction(
    _ x: Tensor, _ context: ForwardContext
  ) -> (logits: Tensor, features: PointNetOutput) {
    let found = feat(x, context)
    let h = bn1(fc1(found.global), context).relu()
    return (fc3(bn2(dropout(fc2(h), context), context).relu()), found)
  }

  public func callAsFunction(_ x: Tensor) -> (logits: Tensor, features: PointNetOutput) {
    let found = feat(x)
    return (fc3(bn2(fc2(bn1(fc1(found.global)).relu())).relu()), found)
  }
}
