import ReproTensor

/// Pointwise maps, each followed by batch normalisation and relu.   [..., C] -> [..., O]
public struct PointwiseStack: Layer {
  public var convs: [PointwiseMap]
  public var norms: [BatchNorm2d]

  /// - Parameter widths: of the input and of every map.
  public init(_ widths: [Int], random: RandomStream) {
    require(widths.count >= 2, "pointwise maps need an input and an output, got widths \(widths)")
    convs = (1..<widths.count).map {
      PointwiseMap(widths[$0 - 1], widths[$0], window: 2, random: random.child("mlp_convs", $0 - 1))
    }
    norms = widths.dropFirst().map { BatchNorm2d($0) }
  }

  public mutating func visit(_ v: inout some LayerVisitor) {
    v("mlp_convs", &convs)
    v("mlp_bns", &norms)
  }

  public mutating func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    var h = x
    for i in convs.indices { h = norms[i].ofLast(convs[i](h), context).relu() }
    return h
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    var h = x
    for i in convs.indices { h = norms[i].ofLast(convs[i](h)).relu() }
    return h
  }
}

/// Points of clouds, `[B, N, 3]`, and their features, `[B, N, C]`; nil where a point is only its place.
public struct PointSet: Sendable {
  public var places: Tensor
  public var features: Tensor?
  public init(places: Tensor, features: Tensor? = nil) { (self.places, self.features) = (places, features) }
}

extension PointSet {
  /// Points far from each other, and the points within a radius around each.
  ///
  /// - Parameters:
  ///   - centres: how many, M.
  ///   - radius: > 0, in units of the places.
  ///   - count: points of a neighbourhood, K; see `ballQuery` for fewer.
  /// - Returns: indices of centres `[B, M]` and of their neighbours `[B, M, K]`.
  /// - Source: Qi et al. 2017 (arXiv 1706.02413), Section 3.2.
  public func neighbourhoods(
    centres: Int, radius: Real, count: Int
  ) -> (centres: IndexTensor, neighbours: IndexTensor) {
    let all = places.detached
    let chosen = all.furthestPoints(centres)
    return (chosen, ballQuery(pointsAt(chosen, of: all), among: all, radius: radius, count: count))
  }
}

/// Neighbourhoods of some points, each read by a small PointNet.   N points -> M points
///
///     f_m = max over the neighbours j of centre m of network([p_j - p_m, f_j])
///
/// - Source: Qi et al. 2017 (PointNet++, arXiv 1706.02413), Section 3.2; names are those of the widely used PyTorch code.
public struct SetAbstraction: Layer {
  public var network: PointwiseStack

  /// - Parameters:
  ///   - features: C, numbers of a point besides its place.
  ///   - widths: of the maps.
  public init(features: Int, widths: [Int], random: RandomStream) {
    network = PointwiseStack([3 + features] + widths, random: random)
  }

  public mutating func visit(_ v: inout some LayerVisitor) { network.visit(&v) }

  /// - Parameters:
  ///   - centres: which points are centres, `[B, M]`.
  ///   - neighbours: the points around each, `[B, M, K]`; one may appear several times.
  public mutating func callAsFunction(
    _ points: PointSet, centres: IndexTensor, neighbours: IndexTensor, _ context: ForwardContext
  ) -> PointSet {
    let (places, grouped) = grouped(points, centres, neighbours)
    return PointSet(places: places, features: network(grouped, context).transposed().amax())
  }

  public func callAsFunction(_ points: PointSet, centres: IndexTensor, neighbours: IndexTensor) -> PointSet {
    let (places, grouped) = grouped(points, centres, neighbours)
    return PointSet(places: places, features: network(grouped).transposed().amax())
  }

  /// The whole cloud as one neighbourhood of the origin.
  public mutating func callAsFunction(wholeOf points: PointSet, _ context: ForwardContext) -> Tensor {
    network(joined(points.places, points.features), context).transposed().amax()  // [B, O]
  }

  public func callAsFunction(wholeOf points: PointSet) -> Tensor {
    network(joined(points.places, points.features)).transposed().amax()
  }

  private func joined(_ places: Tensor, _ features: Tensor?) -> Tensor {
    features.map { concat([places, $0], axis: places.rank - 1) } ?? places
  }

  /// Centres `[B, M, 3]`, and for each its neighbours relative to it, `[B, M, K, 3 + C]`.
  private func grouped(_ points: PointSet, _ centres: IndexTensor, _ neighbours: IndexTensor) -> (Tensor, Tensor) {
    let places = pointsAt(centres, of: points.places)
    let around = pointsAt(neighbours, of: points.places) - places.expandedAxis(2)
    return (places, joined(around, points.features.map { pointsAt(neighbours, of: $0) }))
  }
}

/// The rows of each cloud at the given places, `[B, N, C]` with indices `[B, ...]` -> `[B, ..., C]`.
public func pointsAt(_ indices: IndexTensor, of x: Tensor) -> Tensor {
  require(
    x.rank == 3 && indices.shape.rank >= 1 && indices.shape[0] == x.shape[0],
    "points of \(x.shape) need indices [\(x.rank > 0 ? x.shape[0] : 0), ...], got \(indices.shape)")
  let (b, n) = (x.shape[0], x.shape[1])
  let per = indices.count / max(b, 1)
  let rows = indices.values.enumerated().map { i, place in
    require(place >= 0 && place < n, "point \(place) is outside of 0..<\(n)")
    return i / per * n + place
  }
  return x.reshaped(to: [b * n, x.shape[2]]).gathered(IndexTensor(rows))
    .reshaped(to: Shape(indices.shape.array + [x.shape[2]]))
}

/// Features of few points brought to many by their three nearest, then maps.   M points -> N points
///
///     f_i = network([sum_k w_k f_k / sum_k w_k, own_i]),   w_k = 1 / (|p_i - p_k|^2 + 1e-8)
///
/// - Source: Qi et al. 2017 (arXiv 1706.02413), Eq. 2 with p = 2, k = 3.
public struct FeaturePropagation: Layer {
  public var network: PointwiseStack

  /// - Parameters:
  ///   - features: of the few points, plus those of the many.
  ///   - widths: of the maps.
  public init(features: Int, widths: [Int], random: RandomStream) {
    network = PointwiseStack([features] + widths, random: random)
  }

  public mutating func visit(_ v: inout some LayerVisitor) { network.visit(&v) }

  /// Features of `many`, `[B, N, O]`; `few` has features.
  public mutating func callAsFunction(_ many: PointSet, from few: PointSet, _ context: ForwardContext) -> Tensor {
    network(spread(many, few), context)
  }

  public func callAsFunction(_ many: PointSet, from few: PointSet) -> Tensor { network(spread(many, few)) }

  private func spread(_ many: PointSet, _ few: PointSet) -> Tensor {
    guard let features = few.features else { requirementFailed("features are propagated from points that have some") }
    let m = few.places.shape[1]
    let indices = nearestNeighbours(many.places.detached, among: few.places.detached, count: min(3, m))  // [B, N, 3]
    let around = pointsAt(indices, of: few.places) - many.places.expandedAxis(2)
    let weights: Tensor = (around.squared().sum(-1) + 1e-8).reciprocal()  // [B, N, 3]
    let share = (weights / weights.sum(-1, keepsAxis: true)).expandedAxis(-1)
    let found = (pointsAt(indices, of: features) * share).sum(2)
    return many.features.map { concat([$0, found], axis: 2) } ?? found
  }
}
