// Convolutions of 3 x 3 windows by Winograd's transforms: 16 products for 2 x 2 outputs instead of 36. The whole of it works
// on channels-last strips of the images, so that the lanes of every kernel are channels.

/// A convolution of 3 x 3 windows, stride 1, one group, and how its images are cut into blocks of tiles.
///
///     Y = A^T [ sum_c (G g G^T) * (B^T d B) ] A          for each 2 x 2 tile of the output
///
/// Blocks are cut by sizes only. Every sum runs in one order, and the transforms are sums and halves: accurate to a few
/// units in the last place more than the plain sum.
/// - Source: Lavin and Gray 2015 (arXiv 1509.09308), Section 4.1; the gradients are the transposes of its transforms.
struct WinogradPlan: Sendable {
  let batch, inputs, outputs: Int
  let input, output: Extent2D
  let padding: Extent2D
  /// Rows of tiles in a block of one sample, or all of them in a block of several samples.
  private let rowsOfBlock, samplesOfBlock: Int

  /// Places of a transformed tile.
  private static let places = 16

  /// The plan for a convolution, if it has this shape and enough channels to fill lanes.
  init?(batch: Int, groups: Int, inputs: Int, outputs: Int, window: Window) {
    guard InstructionSet.current != .portable, groups == 1, inputs >= 16, outputs >= 16, batch > 0,
      window.rank == 2, window.kernel == [1, 3, 3], window.stride == 1, window.dilation == 1,
      max(window.padding.rows, window.padding.columns) <= 2
    else { return nil }
    self.init(batch, inputs, outputs, window.input.plane, window.output.plane, window.padding.plane)
  }

  private init(
    _ batch: Int, _ inputs: Int, _ outputs: Int, _ input: Extent2D, _ output: Extent2D, _ padding: Extent2D
  ) {
    (self.batch, self.inputs, self.outputs) = (batch, inputs, outputs)
    (self.input, self.output, self.padding) = (input, output, padding)
    let (rows, columns) = ((output.rows + 1) / 2, (output.columns + 1) / 2)
    let wanted = 64  // tiles of a block: their transforms stay in the cache
    if rows * columns >= wanted {
      (rowsOfBlock, samplesOfBlock) = (min(rows, max(1, wanted / columns)), 1)
    } else {
      (rowsOfBlock, samplesOfBlock) = (rows, min(batch, wanted / (rows * columns)))
    }
  }

  /// The convolution that leads from the output's gradient to the input's: windows turned by 180 degrees.
  private var turned: WinogradPlan {
    WinogradPlan(
      batch, outputs, inputs, output, input, Extent2D(2 - padding.rows, 2 - padding.columns))
  }

  // MARK: blocks

  private var tileRows: Int { (output.rows + 1) / 2 }
  private var tileColumns: Int { (output.columns + 1) / 2 }
  private var strips: Int { (tileRows + rowsOfBlock - 1) / rowsOfBlock }
  private var blocks: Int { (batch + samplesOfBlock - 1) / samplesOfBlock * strips }
  private var tilesOfBlock: Int { samplesOfBlock * rowsOfBlock * tileColumns }

  /// Some rows of tiles of some samples.
  private struct Block {
    let samples, rows: Range<Int>
    /// The rows of the input that they see, and those of the output that they make.
    let seen, made: Range<Int>
  }

  private func block(_ i: Int) -> Block {
    let (chunk, strip) = (i / strips, i % strips)
    let samples = chunk * samplesOfBlock..<min((chunk + 1) * samplesOfBlock, batch)
    let rows = strip * rowsOfBlock..<min((strip + 1) * rowsOfBlock, tileRows)
    let first = min(max(2 * rows.lowerBound - padding.rows, 0), input.rows)
    let end = max(first, min(2 * rows.upperBound + 2 - padding.rows, input.rows))
    return Block(
      samples: samples, rows: rows, seen: first..<end, made: 2 * rows.lowerBound..<min(2 * rows.upperBound, output.rows)
    )
  }

  private func tiles(_ b: Block) -> Int { b.samples.count * b.rows.count * tileColumns }

  /// Channels in whole vectors, and in whole panels of a product.
  private static func lanes(_ channels: Int) -> Int { (channels + 15) / 16 * 16 }
  private static func width(_ channels: Int) -> Int { lanes(channels) % 32 == 0 ? 32 : 16 }

  /// Some rows of some samples with the channels last, `[samples, rows, columns, lanes]`; lanes without a channel are 0.
  private static func channelsLast(
    _ x: UnsafePointer<Real>, _ channels: Int, _ plane: Extent2D, _ samples: Range<Int>, _ rows: Range<Int>,
    into strip: UnsafeMutablePointer<Real>
  ) {
    let (lanes, places) = (lanes(channels), rows.count * plane.columns)
    if lanes > channels { kernels.fill(samples.count * places * lanes, 0, strip) }
    for (s, b) in samples.enumerated() {
      kernels.transpose(
        channels, places, x + b * channels * plane.count + rows.lowerBound * plane.columns, plane.count,
        strip + s * places * lanes, lanes)
    }
  }

  /// The inverse of `channelsLast`.
  private static func channelsFirst(
    _ strip: UnsafePointer<Real>, _ channels: Int, _ plane: Extent2D, _ samples: Range<Int>, _ rows: Range<Int>,
    into y: UnsafeMutablePointer<Real>
  ) {
    let (lanes, places) = (lanes(channels), rows.count * plane.columns)
    for (s, b) in samples.enumerated() {
      kernels.transpose(
        places, channels, strip + s * places * lanes, lanes,
        y + b * channels * plane.count + rows.lowerBound * plane.columns, plane.count)
    }
  }

  /// Transforms the tiles of a block: `v[place, tile, channel]` with `step` elements from place to place.
  private func transformInput(
    _ b: Block, _ strip: UnsafePointer<Real>, zeros: UnsafePointer<Real>, _ v: UnsafeMutablePointer<Real>, step: Int
  ) {
    let lanes = Self.lanes(inputs)
    var tile = v
    withUnsafeTemporaryAllocation(of: UnsafePointer<Real>.self, capacity: Self.places) { seen in
      for s in 0..<b.samples.count {
        let sample = strip + s * b.seen.count * input.columns * lanes
        for row in b.rows {
          for column in 0..<tileColumns {
            for i in 0..<4 {
              let r = 2 * row + i - padding.rows
              for j in 0..<4 {
                let c = 2 * column + j - padding.columns
                let isInside = r >= 0 && r < input.rows && c >= 0 && c < input.columns
                seen[4 * i + j] =
                  isInside ? sample + ((r - b.seen.lowerBound) * input.columns + c) * lanes : zeros
              }
            }
            kernels.winogradInput(lanes, seen.baseAddress.unsafelyUnwrapped, tile, step)
            tile += lanes
          }
        }
      }
    }
  }

  /// Calls `body` with the four output places of every tile of a block in a channels-last strip; `outside` stands for
  /// places beyond the border.
  private func eachOutputTile(
    _ b: Block, _ strip: UnsafeMutablePointer<Real>, outside: UnsafeMutablePointer<Real>, lanes: Int,
    _ body: (Int, UnsafePointer<UnsafeMutablePointer<Real>>) -> Void
  ) {
    var tile = 0
    withUnsafeTemporaryAllocation(of: UnsafeMutablePointer<Real>.self, capacity: 4) { made in
      for s in 0..<b.samples.count {
        let sample = strip + s * b.made.count * output.columns * lanes
        for row in b.rows {
          for column in 0..<tileColumns {
            for k in 0..<4 {
              let (r, c) = (2 * row + k / 2, 2 * column + k % 2)
              made[k] =
                r < output.rows && c < output.columns
                ? sample + ((r - b.made.lowerBound) * output.columns + c) * lanes : outside
            }
            body(tile, UnsafePointer(made.baseAddress.unsafelyUnwrapped))
            tile += 1
          }
        }
      }
    }
  }

  // MARK: the three products

  /// y = W * x + bias
  func forward(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?) -> Tensor {
    convolved(x, by: transformedWeight(weight, isTurned: false), bias)
  }

  /// gx: the convolution of the output's gradient with the turned windows, padded by 2 - p.
  func inputGradient(_ gy: Tensor, _ weight: Tensor) -> Tensor {
    turned.convolved(gy, by: transformedWeight(weight, isTurned: true), nil)
  }

  /// G g G^T of all windows as `[place, panel, from channel, width]`; turned windows lead from outputs to inputs.
  private func transformedWeight(_ weight: Tensor, isTurned: Bool) -> Tensor {
    let (from, to) = isTurned ? (outputs, inputs) : (inputs, outputs)
    let (lanes, width) = (Self.lanes(to), Self.width(to))
    let step = from * lanes
    let u = Tensor(uninitialized: [Self.places * step])
    let (pw, pu) = (weight.base, u.base)
    ThreadPool.shared.forEach(lanes / 16) { lane in
      let first = lane * 16
      let count = min(16, to - first)
      let target = pu + first / width * from * width + first % width
      // Windows with the channel that is made in the lanes: [9 places, 16], for one or all channels that are seen.
      let scratch = Tensor(uninitialized: [(isTurned ? 1 : from) * 9 * 16])
      if count < 16 { kernels.fill(scratch.count, 0, scratch.base) }
      if !isTurned { kernels.transpose(count, from * 9, pw + first * from * 9, from * 9, scratch.base, 16) }
      for c in 0..<from {
        if isTurned {
          kernels.transpose(count, 9, pw + (c * to + first) * 9, 9, scratch.base, 16)
          kernels.winogradWeight(scratch.base + 8 * 16, -16, target + c * width, step)
        } else {
          kernels.winogradWeight(scratch.base + c * 9 * 16, 16, target + c * width, step)
        }
      }
      withExtendedLifetime(scratch) {}
    }
    withExtendedLifetime(weight) {}
    return u
  }

  private func convolved(_ x: Tensor, by u: Tensor, _ bias: Tensor?) -> Tensor {
    let y = Tensor(uninitialized: [batch, outputs, output.rows, output.columns])
    let (from, to, width) = (Self.lanes(inputs), Self.lanes(outputs), Self.width(outputs))
    let (px, pu, py, pb) = (x.base, u.base, y.base, bias?.base)
    let rowsSeen = min(2 * rowsOfBlock + 2, input.rows)
    ThreadPool.shared.forEach(blocks) { i in
      let b = block(i)
      let tiles = tiles(b)
      let seen = Tensor(uninitialized: [samplesOfBlock * rowsSeen * input.columns * from])
      let made = Tensor(uninitialized: [samplesOfBlock * 2 * rowsOfBlock * output.columns * to + to])
      let border = Tensor.zeros([from])
      let v = Tensor(uninitialized: [Self.places * tilesOfBlock * from])
      let m = Tensor(uninitialized: [Self.places * tilesOfBlock * to])
      Self.channelsLast(px, inputs, input, b.samples, b.seen, into: seen.base)
      transformInput(b, seen.base, zeros: border.base, v.base, step: tiles * from)
      for place in 0..<Self.places {
        for panel in 0..<(to / width) {
          kernels.multiplyPanel(
            tiles, inputs, v.base + place * tiles * from, from, 1,
            pu + (place * to + panel * width) * inputs, width, m.base + place * tiles * to + panel * width, to, 0)
        }
      }
      let outside = made.base + samplesOfBlock * 2 * rowsOfBlock * output.columns * to
      eachOutputTile(b, made.base, outside: outside, lanes: to) { tile, places in
        kernels.winogradOutput(to, m.base + tile * to, tiles * to, places)
      }
      Self.channelsFirst(made.base, outputs, output, b.samples, b.made, into: py)
      if let pb {
        let count = b.made.count * output.columns
        for s in b.samples {
          for o in 0..<outputs {
            let row = py + (s * outputs + o) * output.count + b.made.lowerBound * output.columns
            kernels.affine(count, 1, row, pb[o], row)
          }
        }
      }
      withExtendedLifetime((seen, made, border, v, m)) {}
    }
    withExtendedLifetime((x, u, bias)) {}
    return y
  }

  /// gW = G^T [ sum over tiles of (B^T d B) * (A gy A^T) ] G
  ///
  /// All tiles of a run of blocks are transformed; then each place and panel of the product is summed over them, run after
  /// run, so that no sum is split.
  func weightGradient(_ x: Tensor, _ gy: Tensor) -> Tensor {
    let (from, to, width) = (Self.lanes(inputs), Self.lanes(outputs), Self.width(outputs))
    let panels = to / width
    let blocksOfRun = max(1, min(blocks, max(256, 196_608 / (from + to)) / tilesOfBlock))
    let room = blocksOfRun * tilesOfBlock
    let v = Tensor(uninitialized: [Self.places * room * from])
    let m = Tensor(uninitialized: [Self.places * room * to])
    let u = Tensor(uninitialized: [Self.places * inputs * to])
    let (px, pg, pv, pm, pu) = (x.base, gy.base, v.base, m.base, u.base)
    let rowsSeen = min(2 * rowsOfBlock + 2, input.rows)
    for first in stride(from: 0, to: blocks, by: blocksOfRun) {
      let run = first..<min(first + blocksOfRun, blocks)
      // Blocks at the end of a run or of a batch may be smaller: tiles lie without gaps.
      var starts = [0]
      for i in run { starts.append(starts[starts.count - 1] + tiles(block(i))) }
      let total = starts[run.count]
      ThreadPool.shared.forEach(run.count) { i in
        let b = block(run.lowerBound + i)
        let seen = Tensor(uninitialized: [samplesOfBlock * rowsSeen * input.columns * from])
        let made = Tensor(uninitialized: [samplesOfBlock * 2 * rowsOfBlock * output.columns * to + to])
        let border = Tensor.zeros([max(from, to)])
        Self.channelsLast(px, inputs, input, b.samples, b.seen, into: seen.base)
        transformInput(b, seen.base, zeros: border.base, pv + starts[i] * from, step: total * from)
        Self.channelsLast(pg, outputs, output, b.samples, b.made, into: made.base)
        eachOutputTile(b, made.base, outside: border.base, lanes: to) { tile, places in
          places.withMemoryRebound(to: UnsafePointer<Real>.self, capacity: 4) {
            kernels.winogradGradient(
              to, $0, pm + (starts[i] + tile) * width, total * to, width, total * width)
          }
        }
        withExtendedLifetime((seen, made, border)) {}
      }
      ThreadPool.shared.forEach(Self.places * panels) { i in
        let (place, panel) = (i / panels, i % panels)
        kernels.multiplyPanel(
          inputs, total, pv + place * total * from, 1, from, pm + (place * total * panels + panel * total) * width,
          width,
          pu + place * inputs * to + panel * width, to, first == 0 ? 0 : 1)
      }
    }
    withExtendedLifetime((x, gy, v, m)) {}
    return windows(u)
  }

  /// G^T u G of all windows, from `[place, input, output lanes]` to `[outputs, inputs, 3, 3]`.
  private func windows(_ u: Tensor) -> Tensor {
    let g = Tensor(uninitialized: [outputs, inputs, 3, 3])
    let to = Self.lanes(outputs)
    let (pu, pg) = (u.base, g.base)
    ThreadPool.shared.forEach(to / 16) { lane in
      let scratch = Tensor(uninitialized: [inputs * 9 * 16])
      for c in 0..<inputs {
        kernels.winogradWeightGradient(pu + c * to + lane * 16, inputs * to, scratch.base + c * 9 * 16, 16)
      }
      let count = min(16, outputs - lane * 16)
      kernels.transpose(inputs * 9, count, scratch.base, 16, pg + lane * 16 * inputs * 9, inputs * 9)
      withExtendedLifetime(scratch) {}
    }
    withExtendedLifetime(u) {}
    return g
  }
}
