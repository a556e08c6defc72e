import Glibc
import ReproKernels
import Testing

@testable import ReproTensor

@Suite struct KernelRowTests {
  private let widths = [1, 2, 15, 16, 17, 63, 64, 65, 100, 512, 513, 1000]

  @Test func sumsAndDotsAgreeWithDoubleWithinTheirBound() {
    check(Float.self)
    check(Double.self)
    func check<S: KernelScalar>(_: S.Type) {
      let k = S.kernels(repro_best_isa())
      for n in awkwardLengths + [100_003] {
        let (a, b): ([S], [S]) = (normals(n + 1, seed: 11), normals(n + 1, seed: 12))
        // 64 partial sums, then a tree of six levels: every term passes through at most n / 64 + 9 additions.
        let depth = Double(S.ulpOfOne) / 2 * Double(n / 64 + 10)
        let terms = (0..<n).map { Double(a[$0]) }
        let products = (0..<n).map { Double(a[$0]) * Double(b[$0]) }
        let (exactSum, exactDot) = (compensated(terms), compensated(products))
        let size: ([Double]) -> Double = { $0.reduce(0) { $0 + abs($1) } }
        #expect(abs(Double(k.sum(n, a)) - exactSum) <= depth * size(terms))
        #expect(abs(Double(k.dot(n, a, b)) - exactDot) <= (depth + 1e-15) * size(products))
      }
    }
  }

  /// Neumaier's sum.
  private func compensated(_ x: [Double]) -> Double {
    var (sum, lost) = (0.0, 0.0)
    for x in x {
      let t = sum + x
      lost += abs(sum) >= abs(x) ? (sum - t) + x : (x - t) + sum
      sum = t
    }
    return sum + lost
  }

  @Test func sumsOfSmallIntegersAreExactForEveryLength() {
    let k = Float.kernels(repro_best_isa())
    let x = (0..<300).map { Float($0 + 1) }
    for n in 0...300 {
      #expect(k.sum(n, x) == Float(n * (n + 1) / 2))
      #expect(k.dot(n, x, x) == Float(n * (n + 1) * (2 * n + 1) / 6))
    }
  }

  @Test func aSumOfSquaresHasTheBitsOfTheSumOfStoredSquares() {
    for isa in availableISAs {
      let k = Float.kernels(isa)
      for n in awkwardLengths + [100_003] {
        let x: [Float] = normals(n + 1, seed: 13)
        #expect(k.sumSquares(n, x).bitPattern == k.sum(n, x.map { $0 * $0 }).bitPattern, "\(n)")
      }
    }
    // Through a view, and cut into tiles.
    var random = RandomStream(seed: 14)
    for shape in [[], [0], [7], [3, 70_001]] as [Shape] {
      let x = random.normal(shape)
      #expect(x.sumOfSquares.bitPattern == x.squared().sum().item.bitPattern, "\(shape)")
      guard shape.rank == 2 else { continue }
      let view = x.transposed()
      #expect(view.sumOfSquares.bitPattern == view.squared().sum().item.bitPattern)
    }
  }

  @Test func extremaLookAtEveryElementAndKeepNaN() {
    for isa in availableISAs {
      let k = Float.kernels(isa)
      for n in 1...130 {
        for place in [0, n / 2, n - 1] {
          var x = [Float](repeating: -2, count: n)
          x[place] = -1
          #expect(k.max(n, x) == -1)
          #expect(k.min(n, x.map { -$0 }) == 1)
          x[place] = .nan
          #expect(k.max(n, x).isNaN && k.min(n, x).isNaN)
        }
      }
      #expect(k.max(0, [0]) == -.infinity && k.min(0, [0]) == .infinity)
      #expect(k.max(17, [Float](repeating: -.infinity, count: 17)) == -.infinity)
    }
  }

  @Test func nonFiniteCountsInfinitiesAndNaN() {
    for isa in availableISAs {
      let k = Float.kernels(isa)
      for n in awkwardLengths {
        let x = (0..<n + 1).map { i -> Float in
          i % 7 == 1
            ? .nan : i % 7 == 2 ? -.infinity : i % 7 == 3 ? .infinity : i % 7 == 4 ? .greatestFiniteMagnitude : 0
        }
        #expect(k.nonFinite(n, x) == x[..<n].filter { !$0.isFinite }.count)
      }
    }
  }

  @Test func sumRowsAddsRowsInAscendingOrder() {
    for isa in availableISAs {
      let k = Float.kernels(isa)
      for cols in widths {
        let rows = 9
        let x: [Float] = normals(rows * cols, seed: 13)
        let start: [Float] = normals(cols, seed: 14)
        for accumulate in [false, true] {
          let y = filled(cols) { y in
            y.update(from: start, count: cols)
            k.sumRows(rows, cols, x, y, accumulate ? 1 : 0)
          }
          #expect(
            y == (0..<cols).map { c in (0..<rows).reduce(accumulate ? start[c] : 0) { $0 + x[$1 * cols + c] } })
        }
      }
    }
  }

  @Test func softmaxAndItsLogarithmAgreeWithDouble() {
    check(Float.self)
    check(Double.self)
    func check<S: KernelScalar>(_: S.Type) {
      let k = S.kernels(repro_best_isa())
      let unit = Double(S.ulpOfOne)
      for cols in widths {
        let rows = 3
        let x: [S] = normals(rows * cols, 4, seed: 15)
        let scale: S = 0.375  // exact, so that scaled scores are known
        let y = filled(rows * cols) { k.softmax(rows, cols, scale, x, $0) }
        let l = filled(rows * cols) { k.logSoftmax(rows, cols, x, $0) }
        for r in 0..<rows {
          let row = x[r * cols..<(r + 1) * cols].map { Double($0) }
          let scaled = row.map { $0 * 0.375 }
          let top = scaled.reduce(-.infinity, max)
          let total = scaled.reduce(0) { $0 + exp($1 - top) }
          let plainTop = row.reduce(-.infinity, max)
          let plainTotal = row.reduce(0) { $0 + exp($1 - plainTop) }
          for c in 0..<cols {
            let want = exp(scaled[c] - top) / total
            // The score itself is rounded: that is |s - top| units more.
            #expect(abs(Double(y[r * cols + c]) - want) <= unit * (8 + abs(scaled[c]) + abs(top)) * want)
            let logWant = row[c] - plainTop - log(plainTotal)
            #expect(abs(Double(l[r * cols + c]) - logWant) <= unit * (8 + 2 * abs(logWant)))
          }
        }
      }
    }
  }

  @Test func softmaxShiftsOutLargeScoresAndMasksWithMinusInfinity() {
    for isa in availableISAs {
      let k = Float.kernels(isa)
      #expect(filled(3) { k.softmax(1, 3, 1, [1e30, 1e30, -.infinity], $0) } == [0.5, 0.5, 0])
      #expect(filled(2) { k.softmax(1, 2, -2, [0, 100], $0) }[0] == 1)
      for cols in [1, 3, 16, 17, 600] {
        let masked = [Float](repeating: -.infinity, count: cols)
        #expect(filled(cols) { k.softmax(1, cols, 1, masked, $0) }.allSatisfy { $0.isNaN })
        #expect(filled(cols) { k.logSoftmax(1, cols, masked, $0) }.allSatisfy { $0.isNaN })
        var broken = [Float](repeating: 1, count: cols)
        broken[cols / 2] = .nan
        #expect(filled(cols) { k.softmax(1, cols, 1, broken, $0) }.allSatisfy { $0.isNaN })
        #expect(filled(cols) { k.logSoftmax(1, cols, broken, $0) }.allSatisfy { $0.isNaN })
      }
    }
  }

  @Test func softmaxBackwardIsTheDerivativeOfSoftmax() {
    let k = Double.kernels(repro_best_isa())
    for cols in [1, 5, 16, 17, 70] {
      let rows = 2
      let x: [Double] = normals(rows * cols, seed: 16)
      let g: [Double] = normals(rows * cols, seed: 17)
      let y = filled(rows * cols) { k.softmax(rows, cols, 0.7, x, $0) }
      let l = filled(rows * cols) { k.logSoftmax(rows, cols, x, $0) }
      let gx = filled(rows * cols) { k.softmaxBackward(rows, cols, 0.7, y, g, $0) }
      let gl = filled(rows * cols) { k.logSoftmaxBackward(rows, cols, l, g, $0) }
      let numeric = gradient(x, g) { x in filled(x.count) { k.softmax(rows, cols, 0.7, x, $0) } }
      let numericLog = gradient(x, g) { x in filled(x.count) { k.logSoftmax(rows, cols, x, $0) } }
      for i in x.indices {
        #expect(abs(gx[i] - numeric[i]) < 1e-8)
        #expect(abs(gl[i] - numericLog[i]) < 1e-8)
      }
    }
  }

  /// d(g . f(x)) / dx by central differences.
  private func gradient(_ x: [Double], _ g: [Double], _ f: ([Double]) -> [Double]) -> [Double] {
    let h = 1e-5
    return x.indices.map { i in
      var (up, down) = (x, x)
      up[i] += h
      down[i] -= h
      let (a, b) = (f(up), f(down))
      return a.indices.reduce(0.0) { $0 + g[$1] * (a[$1] - b[$1]) } / (2 * h)
    }
  }

  @Test func layerNormAgreesWithDoubleWithAndWithoutGainAndBias() {
    check(Float.self)
    check(Double.self)
    func check<S: KernelScalar>(_: S.Type) {
      let k = S.kernels(repro_best_isa())
      let unit = Double(S.ulpOfOne)
      for cols in widths {
        let rows = 3
        let x = (normals(rows * cols, seed: 18) as [S]).map { $0 + 5 }  // an offset: one pass would cancel
        let (gain, bias): ([S], [S]) = (normals(cols, seed: 19), normals(cols, seed: 20))
        for (gain, bias) in [(gain, bias), (gain, nil), (nil, bias), (nil, nil)] as [([S]?, [S]?)] {
          var (mean, rstd) = ([S](repeating: 0, count: rows), [S](repeating: 0, count: rows))
          let y = filled(rows * cols) { k.layerNorm(rows, cols, 1e-5, x, gain, bias, $0, &mean, &rstd) }
          for r in 0..<rows {
            let row = x[r * cols..<(r + 1) * cols].map { Double($0) }
            let mu = compensated(row) / Double(cols)
            let variance = compensated(row.map { ($0 - mu) * ($0 - mu) }) / Double(cols)
            let scale = 1 / (variance + Double(S(1e-5))).squareRoot()
            #expect(abs(Double(mean[r]) - mu) <= unit * 30)
            #expect(abs(Double(rstd[r]) - scale) <= unit * scale * (10 + scale * 30))
            for c in 0..<cols {
              let (a, b) = (gain.map { Double($0[c]) } ?? 1, bias.map { Double($0[c]) } ?? 0)
              let want = (row[c] - mu) * scale * a + b
              #expect(
                abs(Double(y[r * cols + c]) - want) <= unit * (10 * abs(want) + (30 * scale + 10) * abs(a) + abs(b)))
            }
          }
        }
      }
    }
  }

  @Test func layerNormBackwardIsTheDerivativeAndAddsToTheParameterGradients() {
    let k = Double.kernels(repro_best_isa())
    for cols in [2, 5, 16, 33] {
      let rows = 3
      let (x, g): ([Double], [Double]) = (normals(rows * cols, seed: 21), normals(rows * cols, seed: 22))
      let (gain, bias): ([Double], [Double]) = (normals(cols, seed: 23), normals(cols, seed: 24))
      var (mean, rstd) = ([Double](repeating: 0, count: rows), [Double](repeating: 0, count: rows))
      func forward(_ x: [Double], _ gain: [Double]?, _ bias: [Double]?) -> [Double] {
        filled(rows * cols) { k.layerNorm(rows, cols, 1e-5, x, gain, bias, $0, &mean, &rstd) }
      }
      for gain in [gain, nil] {
        let numeric = gradient(x, g) { forward($0, gain, bias) }
        let numericGain = gradient(self.ones(cols), g) { forward(x, $0, nil) }
        let numericBias = gradient(bias, g) { forward(x, nil, $0) }
        _ = forward(x, gain, bias)
        var (ggain, gbias) = ([Double](repeating: 1, count: cols), [Double](repeating: 2, count: cols))
        let gx = filled(rows * cols) { k.layerNormBackward(rows, cols, x, gain, mean, rstd, g, $0, &ggain, &gbias) }
        for i in gx.indices { #expect(abs(gx[i] - numeric[i]) < 1e-7 * (1 + abs(numeric[i]))) }
        for c in 0..<cols {
          #expect(abs(ggain[c] - 1 - numericGain[c]) < 1e-7)
          #expect(abs(gbias[c] - 2 - numericBias[c]) < 1e-7)
        }
        let alone = filled(rows * cols) { k.layerNormBackward(rows, cols, x, gain, mean, rstd, g, $0, nil, nil) }
        #expect(alone == gx)
      }
    }
  }

  private func ones(_ n: Int) -> [Double] { [Double](repeating: 1, count: n) }

  @Test func layerNormGradientsInSingleAgreeWithDouble() {
    let (s, d) = (Float.kernels(repro_best_isa()), Double.kernels(repro_best_isa()))
    for cols in widths where cols > 1 {
      let rows = 5
      let (x, g): ([Float], [Float]) = (normals(rows * cols, seed: 25), normals(rows * cols, seed: 26))
      let gain: [Float] = normals(cols, seed: 27)
      let single = layerNormGradients(s, rows, cols, x, g, gain)
      let double = layerNormGradients(d, rows, cols, x.map(Double.init), g.map(Double.init), gain.map(Double.init))
      for (a, b) in zip(single, double) { #expect(abs(Double(a) - b) < 2e-5 * (1 + abs(b)), "cols \(cols)") }
    }
  }

  private func layerNormGradients<S: KernelScalar>(
    _ k: KernelSet<S>, _ rows: Int, _ cols: Int, _ x: [S], _ g: [S], _ gain: [S]
  ) -> [S] {
    var (mean, rstd) = ([S](repeating: 0, count: rows), [S](repeating: 0, count: rows))
    _ = filled(rows * cols) { k.layerNorm(rows, cols, 0.01, x, gain, nil, $0, &mean, &rstd) }
    var (ggain, gbias) = ([S](repeating: 0, count: cols), [S](repeating: 0, count: cols))
    let gx = filled(rows * cols) { k.layerNormBackward(rows, cols, x, gain, mean, rstd, g, $0, &ggain, &gbias) }
    return gx + ggain + gbias
  }

  @Test func biasKernelsAddTheBiasToEveryRow() throws {
    for isa in availableISAs {
      let k = Float.kernels(isa)
      for cols in widths {
        let rows = 3
        let (x, bias): ([Float], [Float]) = (normals(rows * cols, seed: 28), normals(cols, seed: 29))
        let want = x.indices.map { x[$0] + bias[$0 % cols] }
        #expect(filled(rows * cols) { k.biasAdd(rows, cols, x, bias, $0) } == want)
        var y = [Float](repeating: 0, count: rows * cols)
        let h = filled(rows * cols) { k.biasGelu(rows, cols, x, bias, &y, $0) }
        let gelu = try #require(k.unary["gelu"])
        #expect(y == want)
        #expect(h == filled(want.count) { gelu(want.count, want, $0) })
      }
    }
  }

  @Test func geluAndItsDerivativeTogetherAreWhatBothAreAlone() throws {
    check(Float.self)
    check(Double.self)
    func check<S: KernelScalar>(_: S.Type) {
      for isa in availableISAs {
        let k = S.kernels(isa)
        guard let gelu = k.unary["gelu"], let backward = k.binary["geluBackward"] else {
          Issue.record("the kernels of GELU are missing")
          continue
        }
        let special: [S] = specialValues()
        for x in [special] + awkwardLengths.map({ normals($0 + 1, 4, seed: 31) as [S] }) {
          let n = x.count
          let g: [S] = normals(n, seed: 32)
          var h = [S](repeating: 0, count: n)
          let gx = filled(n) { k.geluBoth(n, g, x, $0, &h) }
          let (value, slope) = (filled(n) { gelu(n, x, $0) }, filled(n) { backward(n, g, 1, x, 1, $0) })
          for i in 0..<n {
            #expect(h[i].bits == value[i].bits || (h[i].isNaN && value[i].isNaN), "gelu of \(x[i])")
            #expect(gx[i].bits == slope[i].bits || (gx[i].isNaN && slope[i].isNaN), "slope at \(x[i])")
          }
          var inPlace = g
          inPlace.withUnsafeMutableBufferPointer { p in
            if let p = p.baseAddress { k.geluBoth(n, p, x, p, &h) }
          }
          #expect(zip(inPlace, gx).allSatisfy { $0.bits == $1.bits || ($0.isNaN && $1.isNaN) }, "in place of g")
        }
      }
    }
  }

  @Test func adamwFollowsTheUpdateRuleStepByStep() {
    let k = Float.kernels(repro_best_isa())
    for n in [1, 15, 16, 17, 100] {
      var p: [Float] = normals(n, seed: 30)
      var (m, v) = ([Float](repeating: 0, count: n), [Float](repeating: 0, count: n))
      var exact = p.map { (p: Double($0), m: 0.0, v: 0.0) }
      for t in 1...5 {
        let g: [Float] = normals(n, seed: UInt64(30 + t))
        let (lr, beta1, beta2, epsilon, decay) = (1e-2, 0.9, 0.99, 1e-6, 0.1)
        let step = lr / (1 - pow(beta1, Double(t)))
        let correction = 1 / (1 - pow(beta2, Double(t)))
        k.adamw(
          n, &p, g, &m, &v, Float(lr), Float(beta1), Float(beta2), Float(epsilon), Float(decay), Float(step),
          Float(correction))
        for i in 0..<n {
          // Loshchilov and Hutter 2019 (arXiv 1711.05101), Algorithm 2, with bias-corrected moments.
          let gradient = Double(g[i])
          exact[i].m = beta1 * exact[i].m + (1 - beta1) * gradient
          exact[i].v = beta2 * exact[i].v + (1 - beta2) * gradient * gradient
          let (mHat, vHat) = (exact[i].m / (1 - pow(beta1, Double(t))), exact[i].v / (1 - pow(beta2, Double(t))))
          exact[i].p -= lr * (mHat / (vHat.squareRoot() + epsilon) + decay * exact[i].p)
          #expect(abs(Double(p[i]) - exact[i].p) < 1e-6 && abs(Double(m[i]) - exact[i].m) < 1e-6)
        }
      }
    }
  }

  @Test func transposeMovesEveryElementAndNothingElse() {
    check(Float.self)
    check(Double.self)
    func check<S: KernelScalar>(_: S.Type) {
      for isa in availableISAs {
        let k = S.kernels(isa)
        for (rows, cols) in [(1, 1), (1, 40), (40, 1), (16, 16), (15, 17), (33, 64), (48, 47), (3, 100)] {
          let (lx, ly) = (cols + 3, rows + 2)
          let x = (0..<rows * lx).map { S($0) }
          let y: [S] = filled(cols * ly) { y in
            y.update(repeating: -1, count: cols * ly)
            k.transpose(rows, cols, x, lx, y, ly)
          }
          let want: [S] = (0..<cols * ly).map { i in
            let (r, c) = (i % ly, i / ly)
            return r < rows ? S(r * lx + c) : -1
          }
          #expect(y == want, "\(rows) x \(cols)")
        }
      }
    }
  }

  @Test func stridedCopiesAndBytesKeepTheirOrder() {
    for isa in availableISAs {
      let k = Float.kernels(isa)
      for n in awkwardLengths {
        let x = (0..<5 * n + 1).map { Float($0) }
        for stride in [0, 1, 2, 5] {
          #expect(filled(n) { k.gatherStrided(n, x, stride, $0) } == (0..<n).map { Float($0 * stride) })
        }
        let reversed = filled(n) { y in
          x.withUnsafeBufferPointer { x in
            if let p = x.baseAddress, n > 0 { k.gatherStrided(n, p + (n - 1), -1, y) }
          }
        }
        #expect(reversed == (0..<n).map { Float(n - 1 - $0) })
        let bytes = (0..<n + 1).map { UInt8(truncatingIfNeeded: $0 * 37) }
        #expect(
          filled(n) { k.fromBytes(n, 0.5, bytes, -3, $0) } == (0..<n).map { Float(bytes[$0]) * 0.5 - 3 })
      }
    }
  }
}
