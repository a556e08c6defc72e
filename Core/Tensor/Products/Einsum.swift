// Einstein's summation, by permutations and matrix products.

/// One operand on its way: a label for each axis.
private struct Labelled {
  var tensor: Tensor
  var labels: [Character]

  /// The sum over all axes whose labels nobody needs.
  func summed(keeping needed: [Character]) -> Labelled {
    let axes = labels.indices.filter { !needed.contains(labels[$0]) }
    if axes.isEmpty { return self }
    return Labelled(tensor: tensor.sum(axes: axes), labels: labels.filter { needed.contains($0) })
  }

  /// Axes in the order of these labels.
  func ordered(_ order: [Character]) -> Tensor {
    order == labels ? tensor : tensor.permuted(order.map { labels.firstIndex(of: $0) ?? 0 })
  }

  func extents(_ some: [Character]) -> [Int] { some.map { tensor.shape[labels.firstIndex(of: $0) ?? 0] } }

  /// The product with another operand, summed over the labels of both that nobody needs.
  func times(_ other: Labelled, keeping needed: [Character]) -> Labelled {
    let a = summed(keeping: needed + other.labels)
    let b = other.summed(keeping: needed + labels)
    let shared = a.labels.filter { b.labels.contains($0) }
    let batch = shared.filter { needed.contains($0) }
    let inner = shared.filter { !needed.contains($0) }
    let left = a.labels.filter { !shared.contains($0) }
    let right = b.labels.filter { !shared.contains($0) }
    let lead = a.extents(batch)
    func group(_ x: Labelled, _ some: [Character]) -> Int { x.extents(some).reduce(1, *) }
    let product: Tensor
    if inner.isEmpty || (left.isEmpty && right.isEmpty) {
      let ones = { (labels: [Character]) in [Int](repeating: 1, count: labels.count) }
      let x = a.ordered(batch + inner + left).reshaped(lead + a.extents(inner) + a.extents(left) + ones(right))
      let y = b.ordered(batch + inner + right).reshaped(lead + a.extents(inner) + ones(left) + b.extents(right))
      let both: Tensor = x * y
      product = inner.isEmpty ? both : both.sum(axes: Array(batch.count..<(batch.count + inner.count)))
    } else {
      let x = a.ordered(batch + left + inner).reshaped(lead + [group(a, left), group(a, inner)])
      let y = b.ordered(batch + inner + right).reshaped(lead + [group(a, inner), group(b, right)])
      product = matmul(x, y).reshaped(lead + a.extents(left) + b.extents(right))
    }
    return Labelled(tensor: product, labels: batch + left + right)
  }
}

/// Einstein's summation: products of elements, summed over every label that the result does not have.
///
///     einsum("bhid,bhjd->bhij", q, k)       // q k^T for each b and h
///     einsum("nd,de,ne->n", a, w, b)        // a bilinear form for each row
///
/// - Parameters:
///   - equation: a letter for each axis of each operand, and those of the result in their order. A letter comes at most
///     once in an operand, and the result is always written; blanks are ignored.
///   - operands: one or more; several are multiplied from left to right.
/// - Returns: a tensor with an axis for each letter of the result.
public func einsum(_ equation: String, _ operands: Tensor...) -> Tensor {
  let sides = equation.filter { $0 != " " }.split(separator: "->", omittingEmptySubsequences: false)
  let inputs = sides[0].split(separator: ",", omittingEmptySubsequences: false).map(Array.init)
  let letters = inputs.flatMap { $0 } + (sides.count == 2 ? Array(sides[1]) : [])
  require(
    sides.count == 2 && inputs.count == operands.count && letters.allSatisfy(\.isLetter),
    "einsum \(equation) is not of a form such as ab,bc->ac for \(operands.count) operands")
  var extents: [Character: Int] = [:]
  for (labels, x) in zip(inputs, operands) {
    require(
      labels.count == x.rank && Set(labels).count == labels.count,
      "einsum \(equation): \(String(labels)) does not name each axis of \(x.shape) once")
    for (label, extent) in zip(labels, x.shape.array) {
      require(
        extents[label, default: extent] == extent,
        "einsum \(equation): \(label) stands for \(extents[label] ?? 0) and \(extent) in \(operands.map(\.shape))")
      extents[label] = extent
    }
  }
  let output = Array(sides[1])
  require(
    Set(output).count == output.count && output.allSatisfy { extents[$0] != nil },
    "einsum \(equation): the result names each of its axes once, after those of the operands")
  var result = Labelled(tensor: operands[0], labels: inputs[0])
  for i in operands.indices.dropFirst() {
    result = result.times(
      Labelled(tensor: operands[i], labels: inputs[i]), keeping: output + inputs[(i + 1)...].flatMap { $0 })
  }
  return result.summed(keeping: output).ordered(output)
}

/// All products of an element of a with one of b, `[..., M] [..., N] -> [..., M, N]`; the leading axes broadcast.
public func outer(_ a: Tensor, _ b: Tensor) -> Tensor {
  require(a.rank >= 1 && b.rank >= 1, "outer needs [..., M] and [..., N], got \(a.shape) and \(b.shape)")
  return a.expandedAxis(-1) * b.expandedAxis(-2)
}
