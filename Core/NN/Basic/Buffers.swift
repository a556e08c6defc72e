import ReproTensor

// Buffers (running statistics, counts) that passes over copies of a layer leave, brought back into the layer.

extension Layer {
  /// Takes every buffer and whole number from another value of the same layer; parameters stay as they are.
  public mutating func takeBuffers(from other: Self) { takeBuffers(meanOf: [other]) }

  /// Takes the mean of every buffer over copies of this layer, and the whole numbers of the first copy.
  ///
  /// Sums run in a fixed tree, ((0+1)+(2+3))+...; a buffer that no copy has changed keeps its bits.
  public mutating func takeBuffers(meanOf copies: [Self]) {
    var taker = BufferTaker(
      sources: copies.map { copy in
        var (copy, collector) = (copy, BufferCollector())
        copy.visit(&collector)
        return collector
      })
    visit(&taker)
  }
}

private struct BufferCollector: LayerVisitor {
  var buffers: [Tensor] = []
  var integers: [Int] = []
  mutating func tensor(_ name: StaticString, _ role: Role, _ t: inout Tensor) {
    if role == .buffer { buffers.append(t.detached) }
  }
  mutating func integer(_ name: StaticString, _ value: inout Int) { integers.append(value) }
}

private struct BufferTaker: LayerVisitor {
  let sources: [BufferCollector]
  var nextBuffer = 0
  var nextInteger = 0

  mutating func tensor(_ name: StaticString, _ role: Role, _ t: inout Tensor) {
    guard role == .buffer else { return }
    let changed = sources.map { $0.buffers[nextBuffer] }
    nextBuffer += 1
    let old = t
    if changed.allSatisfy({ $0.sharesMemory(with: old) }) { return }
    t = changed.count == 1 ? changed[0] : Gradients.sum(changed.map { Gradients([$0]) }).values[0] / Real(changed.count)
  }

  mutating func integer(_ name: StaticString, _ value: inout Int) {
    value = sources[0].integers[nextInteger]
    nextInteger += 1
  }
}
