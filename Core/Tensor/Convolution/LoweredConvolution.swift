// The three products of a convolution by lowering: patches of the input are unfolded into a matrix, block by block, so that
// almost all work is matrix multiplication. Blocks are cut by sizes only.

/// A convolution as products of matrices, and how its output is cut into blocks.
struct LoweredConvolution: Sendable {
  private let plan: ConvolutionPlan
  /// Samples of a block, and places of its output: several whole samples, or a part of one.
  private let blockSamples, blockPlaces: Int

  init(_ plan: ConvolutionPlan) {
    self.plan = plan
    let window = plan.window
    // A block's patches fill about 1 MB: they stay in the cache until the product has read them, and the matrices are
    // wide enough for the product to run at speed.
    let wanted = min(2048, max(128, 262_144 / max(plan.inputs * window.kernel.count, 1)))
    let places = window.output.count
    func evenly(_ n: Int, _ size: Int) -> Int {
      let pieces = max(1, (n + size - 1) / size)
      return (n + pieces - 1) / pieces
    }
    if places > wanted {
      blockSamples = 1
      let (lines, columns) = (window.outputLines, window.output.columns)
      blockPlaces = lines == 1 ? evenly(columns, wanted) : columns * evenly(lines, max(1, wanted / columns))
    } else {
      blockSamples = max(1, evenly(plan.batch, max(1, wanted / places)))
      blockPlaces = places
    }
  }

  private var window: Window { plan.window }
  private var batch: Int { plan.batch }
  private var groups: Int { plan.groups }
  private var inputs: Int { plan.inputs }
  private var outputs: Int { plan.outputs }

  /// Elements of a patch: the inner size of the products.
  private var patch: Int { inputs * window.kernel.count }
  private var places: Int { window.output.count }

  /// Some samples and places of the output.
  private struct Block {
    let samples, places: Range<Int>
    let columns: Int
  }

  private var strips: Int { (places + blockPlaces - 1) / blockPlaces }
  private var chunks: Int { (batch + blockSamples - 1) / blockSamples }

  private func block(_ chunk: Int, _ strip: Int) -> Block {
    let samples = chunk * blockSamples..<min((chunk + 1) * blockSamples, batch)
    let part = strip * blockPlaces..<min((strip + 1) * blockPlaces, places)
    return Block(samples: samples, places: part, columns: samples.count * part.count)
  }

  private var blockColumns: Int { blockSamples * blockPlaces }

  /// Into how many parts the channels of a group are cut, when other cuts give `tiles` tiles only.
  private func channelParts(_ tiles: Int) -> Int { min(inputs, max(1, (16 + tiles - 1) / max(tiles, 1))) }

  /// Patches of some channels of a group, as a matrix `[channels * kernel, columns]`: in place if the window allows it.
  private func patches(
    _ x: UnsafeMutablePointer<Real>, _ group: Int, _ channels: Range<Int>, _ block: Block,
    _ scratch: UnsafeMutablePointer<Real>
  ) -> BLASMatrix {
    let plane = window.input.count
    func sample(_ b: Int) -> UnsafeMutablePointer<Real> {
      x + ((b * groups + group) * inputs + channels.lowerBound) * plane
    }
    if window.isPointwise, block.samples.count == 1 {
      let start = sample(block.samples.lowerBound) + block.places.lowerBound
      return BLASMatrix(base: start, leading: plane, isTransposed: false)
    }
    for (s, b) in block.samples.enumerated() {
      window.unfold(
        sample(b), channels: channels.count, block.places, into: scratch + s * places, leading: block.columns)
    }
    return BLASMatrix(base: scratch, leading: block.columns, isTransposed: false)
  }

  /// The output (or its gradient) of a group as a matrix `[outputs, columns]`, if the block lies so in memory.
  private func direct(_ y: UnsafeMutablePointer<Real>, _ group: Int, _ block: Block) -> BLASMatrix? {
    guard block.samples.count == 1 else { return nil }
    let start = y + ((block.samples.lowerBound * groups + group) * outputs) * places
    return BLASMatrix(base: start + block.places.lowerBound, leading: places, isTransposed: false)
  }

  /// Copies between the planes of whole samples and a matrix `[outputs, columns]`.
  private func packed(
    _ y: UnsafeMutablePointer<Real>, _ group: Int, _ block: Block, _ scratch: UnsafeMutablePointer<Real>
  ) -> BLASMatrix {
    for (s, b) in block.samples.enumerated() {
      let sample = y + (b * groups + group) * outputs * places
      for o in 0..<outputs {
        (scratch + o * block.columns + s * places).update(from: sample + o * places, count: places)
      }
    }
    return BLASMatrix(base: scratch, leading: block.columns, isTransposed: false)
  }

  private func unpack(
    _ scratch: UnsafeMutablePointer<Real>, _ y: UnsafeMutablePointer<Real>, _ group: Int, _ block: Block
  ) {
    for (s, b) in block.samples.enumerated() {
      let sample = y + (b * groups + group) * outputs * places
      for o in 0..<outputs {
        (sample + o * places).update(from: scratch + o * block.columns + s * places, count: places)
      }
    }
  }

  /// y = W * patches(x) + bias
  func forward(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?) -> Tensor {
    let y = Tensor(uninitialized: plan.outputShape)
    let (px, pw, py, pb) = (x.base, weight.base, y.base, bias?.base)
    ThreadPool.shared.forEach(chunks * strips * groups) { tile in
      let group = tile % groups
      let block = self.block(tile / groups / strips, tile / groups % strips)
      let scratch = Tensor(uninitialized: [(patch + outputs) * blockColumns])
      let result = direct(py, group, block)
      let target =
        result
        ?? BLASMatrix(
          base: scratch.base + patch * blockColumns, leading: block.columns, isTransposed: false)
      let w = BLASMatrix(base: pw + group * outputs * patch, leading: patch, isTransposed: false)
      gemm(
        outputs, block.columns, patch, w, patches(px, group, 0..<inputs, block, scratch.base), target.base,
        leading: target.leading)
      if let pb {
        for o in 0..<outputs {
          let row = target.base + o * target.leading
          kernels.affine(block.columns, 1, row, pb[group * outputs + o], row)
        }
      }
      if result == nil { unpack(target.base, py, group, block) }
      withExtendedLifetime(scratch) {}
    }
    withExtendedLifetime((x, weight, bias)) {}
    return y
  }

  /// gx = fold(W^T * gy); a tile owns some channels of some samples, so that no two tiles add to the same place.
  func inputGradient(_ gy: Tensor, _ weight: Tensor) -> Tensor {
    let gx = Tensor(uninitialized: plan.inputShape)
    let (pg, pw, px) = (gy.base, weight.base, gx.base)
    let parts = channelParts(chunks * groups)
    let perPart = (inputs + parts - 1) / parts
    let (plane, kernel) = (window.input.count, window.kernel.count)
    ThreadPool.shared.forEach(chunks * groups * parts) { tile in
      let (part, group, chunk) = (tile % parts, tile / parts % groups, tile / parts / groups)
      let channels = min(part * perPart, inputs)..<min((part + 1) * perPart, inputs)
      if channels.isEmpty { return }
      let scratch = Tensor(uninitialized: [(channels.count * kernel + outputs) * blockColumns])
      let w = BLASMatrix(
        base: pw + group * outputs * patch + channels.lowerBound * kernel, leading: patch, isTransposed: true)
      for strip in 0..<strips {
        let block = self.block(chunk, strip)
        func sample(_ b: Int) -> UnsafeMutablePointer<Real> {
          px + ((b * groups + group) * inputs + channels.lowerBound) * plane
        }
        let g = direct(pg, group, block)
        if window.isPointwise, let g {
          let target = sample(chunk * blockSamples) + block.places.lowerBound
          gemm(channels.count, block.columns, outputs, w, g, target, leading: plane)
          continue
        }
        let col = scratch.base + outputs * blockColumns
        gemm(
          channels.count * kernel, block.columns, outputs, w, g ?? packed(pg, group, block, scratch.base), col,
          leading: block.columns)
        for (s, b) in block.samples.enumerated() {
          if strip == 0 { kernels.fill(channels.count * plane, 0, sample(b)) }
          window.fold(
            col + s * places, leading: block.columns, channels: channels.count, block.places, addingTo: sample(b))
        }
      }
      withExtendedLifetime(scratch) {}
    }
    withExtendedLifetime((gy, weight)) {}
    return gx
  }

  /// gW = sum over blocks of gy * patches(x)^T: runs of blocks are summed one after the other, then the runs in order.
  func weightGradient(_ x: Tensor, _ gy: Tensor) -> Tensor {
    let blocks = chunks * strips
    if blocks == 0 { return .zeros(plan.weightShape) }
    let size = groups * outputs * patch
    let runs = min(blocks, 16, max(1, 4_194_304 / max(size, 1)))
    let partial = Tensor(uninitialized: [runs, size])
    let (px, pg, pp) = (x.base, gy.base, partial.base)
    let parts = channelParts(runs * groups)
    let perPart = (inputs + parts - 1) / parts
    let kernel = window.kernel.count
    ThreadPool.shared.forEach(runs * groups * parts) { tile in
      let (part, group, run) = (tile % parts, tile / parts % groups, tile / parts / groups)
      let channels = min(part * perPart, inputs)..<min((part + 1) * perPart, inputs)
      if channels.isEmpty { return }
      let scratch = Tensor(uninitialized: [(channels.count * kernel + outputs) * blockColumns])
      let target = pp + run * size + group * outputs * patch + channels.lowerBound * kernel
      let mine = run * blocks / runs..<(run + 1) * blocks / runs
      for i in mine {
        let block = self.block(i / strips, i % strips)
        var col = patches(px, group, channels, block, scratch.base + outputs * blockColumns)
        col.isTransposed = true
        gemm(
          outputs, channels.count * kernel, block.columns,
          direct(pg, group, block) ?? packed(pg, group, block, scratch.base), col, beta: i == mine.lowerBound ? 0 : 1,
          target, leading: patch)
      }
      withExtendedLifetime(scratch) {}
    }
    withExtendedLifetime((x, gy)) {}
    return (runs == 1 ? partial : partial.sum(0)).reshaped(to: plan.weightShape)
  }
}
