// Convolutions of each channel by itself. The padded input is split by the phases of the stride; each place of the window is
// then one long run of neighbouring numbers, and a convolution a few multiplications of runs that stay in the cache.

/// A convolution whose groups have one input channel each.
struct DepthwiseConvolution: Sendable {
  private let plan: ConvolutionPlan
  /// Rows, columns and depths of one phase of the padded input.
  private let phase: Extent3D
  /// Where the run of each window place begins, in the order of the weight.
  private let taps: [Int]
  /// From the first to the last output place, when its rows are as wide as those of a phase.
  private let run: Int

  /// Elements of a run that are handled at once: they stay in the first cache.
  private static let piece = 2048

  init(_ plan: ConvolutionPlan) {
    self.plan = plan
    let w = plan.window
    func reach(_ k: Int, _ s: Int, _ d: Int) -> Int { (k - 1) * d / s }
    let phase = Extent3D(
      w.output.depth + reach(w.kernel.depth, w.stride.depth, w.dilation.depth),
      w.output.rows + reach(w.kernel.rows, w.stride.rows, w.dilation.rows),
      w.output.columns + reach(w.kernel.columns, w.stride.columns, w.dilation.columns))
    var taps: [Int] = []
    for kd in 0..<w.kernel.depth {
      for ki in 0..<w.kernel.rows {
        for kj in 0..<w.kernel.columns {
          // Where the first output place sees the padded input.
          let at = Extent3D(kd * w.dilation.depth, ki * w.dilation.rows, kj * w.dilation.columns)
          let (which, place) = (Extent3D.zip(at, w.stride, %), Extent3D.zip(at, w.stride, /))
          let number = (which.depth * w.stride.rows + which.rows) * w.stride.columns + which.columns
          taps.append(number * phase.count + (place.depth * phase.rows + place.rows) * phase.columns + place.columns)
        }
      }
    }
    self.taps = taps
    self.phase = phase
    run = ((w.output.depth - 1) * phase.rows + w.output.rows - 1) * phase.columns + w.output.columns
  }

  private var window: Window { plan.window }
  private var channels: Int { plan.groups }
  private var multiplier: Int { plan.outputs }
  private var phasesCount: Int { window.stride.count * phase.count }

  /// Calls `body(first element of the row, first input element, columns inside, step)` for each row of each phase; the
  /// input is nil where the row lies outside.
  @inline(__always)
  private func eachRow(_ body: (Int, Int?, Range<Int>) -> Void) {
    let w = window
    var at = 0
    for a in 0..<w.stride.depth {
      for b in 0..<w.stride.rows {
        for c in 0..<w.stride.columns {
          // input column = column * stride - shift
          let shift = w.padding.columns - c
          let first = shift <= 0 ? 0 : min(phase.columns, (shift + w.stride.columns - 1) / w.stride.columns)
          let room = w.input.columns - 1 + shift
          let end = room < 0 ? 0 : min(phase.columns, room / w.stride.columns + 1)
          for z in 0..<phase.depth {
            let depth = z * w.stride.depth + a - w.padding.depth
            for r in 0..<phase.rows {
              let row = r * w.stride.rows + b - w.padding.rows
              let isInside = depth >= 0 && depth < w.input.depth && row >= 0 && row < w.input.rows && first < end
              body(
                at, isInside ? (depth * w.input.rows + row) * w.input.columns - shift : nil, first..<max(first, end))
              at += phase.columns
            }
          }
        }
      }
    }
  }

  /// The padded input, phase by phase.
  private func split(_ x: UnsafePointer<Real>, into phases: UnsafeMutablePointer<Real>) {
    let step = window.stride.columns
    eachRow { at, from, inside in
      let row = phases + at
      guard let from else { return row.update(repeating: 0, count: phase.columns) }
      for i in 0..<inside.lowerBound { row[i] = 0 }
      for i in inside { row[i] = x[from &+ i &* step] }
      for i in inside.upperBound..<phase.columns { row[i] = 0 }
    }
  }

  /// The transpose of `split`: every input element is in one phase at most.
  private func join(_ phases: UnsafePointer<Real>, into x: UnsafeMutablePointer<Real>) {
    let step = window.stride.columns
    kernels.fill(window.input.count, 0, x)
    eachRow { at, to, inside in
      guard let to else { return }
      for i in inside { x[to &+ i &* step] = phases[at &+ i] }
    }
  }

  /// Calls `body(place in the run, place in the output)` for each row of the output.
  @inline(__always)
  private func eachOutputRow(_ body: (Int, Int) -> Void) {
    let out = window.output
    for z in 0..<out.depth {
      for r in 0..<out.rows {
        body((z * phase.rows + r) * phase.columns, (z * out.rows + r) * out.columns)
      }
    }
  }

  /// The output as a run, zero between its rows.
  private func spread(_ y: UnsafePointer<Real>, into line: UnsafeMutablePointer<Real>) {
    kernels.fill(run, 0, line)
    eachOutputRow { at, from in (line + at).update(from: y + from, count: window.output.columns) }
  }

  /// Runs `body(sample, channel, phases, run)` for every channel of every sample, with scratch.
  private func forEachChannel(
    _ body: (Int, Int, UnsafeMutablePointer<Real>, UnsafeMutablePointer<Real>) -> Void
  ) {
    let work = (phasesCount + run * taps.count) * multiplier
    forTiles(plan.batch * channels, max(1, 4 * tileElements / max(work, 1))) { first, count in
      let scratch = Tensor(uninitialized: [phasesCount + run])
      for i in first..<(first + count) {
        body(i / channels, i % channels, scratch.base, scratch.base + phasesCount)
      }
      withExtendedLifetime(scratch) {}
    }
  }

  /// Calls `body(first, count)` for the pieces of a run.
  @inline(__always)
  private func eachPiece(_ body: (Int, Int) -> Void) {
    for first in stride(from: 0, to: run, by: Self.piece) { body(first, min(Self.piece, run - first)) }
  }

  func forward(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?) -> Tensor {
    let y = Tensor(uninitialized: plan.outputShape)
    let (px, pw, py, pb) = (x.base, weight.base, y.base, bias?.base)
    let count = window.output.count
    forEachChannel { sample, channel, phases, line in
      split(px + (sample * channels + channel) * window.input.count, into: phases)
      for m in 0..<multiplier {
        let output = channel * multiplier + m
        let w = pw + output * taps.count
        eachPiece { first, n in
          kernels.affine(n, w[0], phases + taps[0] + first, pb?[output] ?? 0, line + first)
          for t in 1..<max(taps.count, 1) { kernels.axpy(n, w[t], phases + taps[t] + first, line + first) }
        }
        let target = py + (sample * channels * multiplier + output) * count
        eachOutputRow { at, to in (target + to).update(from: line + at, count: window.output.columns) }
      }
    }
    withExtendedLifetime((x, weight, bias)) {}
    return y
  }

  func inputGradient(_ gy: Tensor, _ weight: Tensor) -> Tensor {
    let gx = Tensor(uninitialized: plan.inputShape)
    let (pg, pw, px) = (gy.base, weight.base, gx.base)
    let count = window.output.count
    forEachChannel { sample, channel, phases, line in
      kernels.fill(phasesCount, 0, phases)
      for m in 0..<multiplier {
        let output = channel * multiplier + m
        spread(pg + (sample * channels * multiplier + output) * count, into: line)
        let w = pw + output * taps.count
        eachPiece { first, n in
          for t in taps.indices { kernels.axpy(n, w[t], line + first, phases + taps[t] + first) }
        }
      }
      join(phases, into: px + (sample * channels + channel) * window.input.count)
    }
    withExtendedLifetime((gy, weight)) {}
    return gx
  }

  func weightGradient(_ x: Tensor, _ gy: Tensor) -> Tensor {
    let partial = Tensor.zeros([plan.batch, channels * multiplier * taps.count])
    let (px, pg, pp) = (x.base, gy.base, partial.base)
    let count = window.output.count
    forEachChannel { sample, channel, phases, line in
      split(px + (sample * channels + channel) * window.input.count, into: phases)
      for m in 0..<multiplier {
        let output = sample * channels * multiplier + channel * multiplier + m
        spread(pg + output * count, into: line)
        let target = pp + output * taps.count
        eachPiece { first, n in
          for t in taps.indices { target[t] += kernels.dot(n, line + first, phases + taps[t] + first) }
        }
      }
    }
    withExtendedLifetime((x, gy)) {}
    return partial.sum(0).reshaped(to: plan.weightShape)
  }
}
