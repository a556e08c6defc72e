// Sums of samples picked by index with weights, which is what interpolation at arbitrary places comes to. The op is bilinear
// in samples and weights; its two derivatives and itself are the derivatives of each other, to any order.

/// Which samples go into each result.
///
///     y[b, c, q] = sum_k w[b, k, q] x[b, c, place[b, k, q]]
struct GatherPlan: Sendable {
  let batch, channels: Int
  /// Samples of a channel, results of a channel, and samples that go into a result.
  let samples, results, terms: Int
  /// `[B, K, Q]`, each in 0..<samples.
  let places: [Int32]

  fileprivate var channelTile: Int { max(1, tileElements / max(results * terms, 1)) }

  /// Runs `body(batch, channel)` for all channels of all batches, tiles of them in parallel.
  fileprivate func forEachChannel(_ body: (Int, Int, UnsafePointer<Int32>) -> Void) {
    places.withUnsafeBufferPointer { places in
      guard let all = places.baseAddress else { return }
      forTiles(batch * channels, channelTile) { first, count in
        for i in first..<(first + count) {
          body(i / channels, i % channels, all + i / channels * terms * results)
        }
      }
    }
  }

  /// Results of which a tile computes all channels' inner products.
  fileprivate var resultTile: Int { max(1, tileElements / max(channels * terms, 1)) }
}

/// The weighted sums, `[B, C, P] [B, K, Q] -> [B, C, Q]`.
func weightedGather(_ x: Tensor, _ weights: Tensor, _ plan: GatherPlan) -> Tensor {
  let (x, weights) = (x.contiguous(), weights.contiguous())
  let y = Tensor.zeros([plan.batch, plan.channels, plan.results])
  let (px, pw, py) = (x.base, weights.base, y.base)
  let (n, terms) = (plan.results, plan.terms)
  plan.forEachChannel { b, c, places in
    let source = px + (b * plan.channels + c) * plan.samples
    let target = py + (b * plan.channels + c) * n
    for k in 0..<terms {
      let (w, from) = (pw + (b * terms + k) * n, places + k * n)
      for q in 0..<n { target[q] += w[q] * source[Int(from[q])] }
    }
  }
  withExtendedLifetime((x, weights)) {}
  return y.recorded("weightedGather", x, weights) { s in
    (
      s.needs(0) ? weightedScatter(s.gradient, s(weights), plan) : nil,
      s.needs(1) ? gatheredProducts(s(x), s.gradient, plan) : nil
    )
  }
}

/// The transpose by the samples: `x[b, c, place[b, k, q]] += w[b, k, q] g[b, c, q]`, in the order of k and q.
private func weightedScatter(_ g: Tensor, _ weights: Tensor, _ plan: GatherPlan) -> Tensor {
  let (g, weights) = (g.contiguous(), weights.contiguous())
  let x = Tensor.zeros([plan.batch, plan.channels, plan.samples])
  let (pg, pw, px) = (g.base, weights.base, x.base)
  let (n, terms) = (plan.results, plan.terms)
  plan.forEachChannel { b, c, places in
    let target = px + (b * plan.channels + c) * plan.samples
    let source = pg + (b * plan.channels + c) * n
    for k in 0..<terms {
      let (w, to) = (pw + (b * terms + k) * n, places + k * n)
      for q in 0..<n { target[Int(to[q])] += w[q] * source[q] }
    }
  }
  withExtendedLifetime((g, weights)) {}
  return x.recorded("weightedScatter", g, weights) { s in
    (
      s.needs(0) ? weightedGather(s.gradient, s(weights), plan) : nil,
      s.needs(1) ? gatheredProducts(s.gradient, s(g), plan) : nil
    )
  }
}

/// The transpose by the weights: `w[b, k, q] = sum_c g[b, c, q] x[b, c, place[b, k, q]]`, in the order of c.
private func gatheredProducts(_ x: Tensor, _ g: Tensor, _ plan: GatherPlan) -> Tensor {
  let (x, g) = (x.contiguous(), g.contiguous())
  let (n, terms) = (plan.results, plan.terms)
  let w = Tensor.zeros([plan.batch, terms, n])
  let (px, pg, pw) = (x.base, g.base, w.base)
  let tile = plan.resultTile
  let tiles = (n + tile - 1) / tile
  plan.places.withUnsafeBufferPointer { places in
    guard let all = places.baseAddress else { return }
    ThreadPool.shared.forEach(plan.batch * tiles) { i in
      let (b, range) = (i / tiles, i % tiles * tile..<min((i % tiles + 1) * tile, n))
      for c in 0..<plan.channels {
        let source = px + (b * plan.channels + c) * plan.samples
        let factor = pg + (b * plan.channels + c) * n
        for k in 0..<terms {
          let (target, from) = (pw + (b * terms + k) * n, all + (b * terms + k) * n)
          for q in range { target[q] += factor[q] * source[Int(from[q])] }
        }
      }
    }
  }
  withExtendedLifetime((x, g)) {}
  return w.recorded("gatheredProducts", x, g) { s in
    (
      s.needs(0) ? weightedScatter(s(g), s.gradient, plan) : nil,
      s.needs(1) ? weightedGather(s(x), s.gradient, plan) : nil
    )
  }
}
