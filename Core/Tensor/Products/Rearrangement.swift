// Axes split, joined and permuted by names, so that code reads like the paper.

/// What a call of `rearranged` takes: the pattern, then the extents of names.
public protocol RearrangementArgument {}
extension String: RearrangementArgument {}
extension Int: RearrangementArgument {}

/// `x.rearranged`, to be called with a pattern and extents; see `Tensor.rearranged(_:sizes:)`.
@dynamicCallable
public struct Rearrangement: Sendable {
  fileprivate let tensor: Tensor

  public func dynamicallyCall(
    withKeywordArguments arguments: KeyValuePairs<String, any RearrangementArgument>
  ) -> Tensor {
    var pattern: String?
    var sizes: [String: Int] = [:]
    for (name, value) in arguments {
      if name.isEmpty, pattern == nil { pattern = value as? String } else { sizes[name] = value as? Int }
    }
    guard let pattern, sizes.count == arguments.count - 1 else {
      requirementFailed("rearranged takes a pattern and then extents by name, got \(arguments)")
    }
    return tensor.rearranged(pattern, sizes: sizes)
  }
}

extension Tensor {
  /// Axes split, joined and permuted by names:
  ///
  ///     qkv.rearranged("b n (k h d) -> k b h n d", k: 3, h: 6)        // [B, N, 3HD] -> [3, B, H, N, D]
  ///     image.rearranged("c (r p) (s q) -> (r s) (c p q)", p: 4, q: 4)  // [C, H, W] -> patches
  public var rearranged: Rearrangement { Rearrangement(tensor: self) }

  /// Axes split, joined and permuted by names; see `rearranged`.
  ///
  /// - Parameters:
  ///   - pattern: the axes of this tensor, an arrow, the axes of the result. Names in brackets are one axis, of which the
  ///     first name changes slowest; 1 is an axis of extent 1. Both sides have the same names, each once.
  ///   - sizes: extents of names; in each bracket at most one may be missing.
  /// - Source: the notation of einops (Rogozhnikov 2022).
  public func rearranged(_ pattern: String, sizes: [String: Int]) -> Tensor {
    let sides = pattern.split(separator: "->", omittingEmptySubsequences: false).map { axisNames(String($0)) }
    guard sides.count == 2, let left = sides[0], let right = sides[1], left.count == rank else {
      requirementFailed("rearranged: the pattern \(pattern) does not fit \(shape)")
    }
    let (from, to) = (left.flatMap { $0 }, right.flatMap { $0 })
    require(
      Set(from).count == from.count && from.sorted() == to.sorted() && sizes.keys.allSatisfy(from.contains),
      "rearranged: the pattern \(pattern) and the extents of \(sizes.keys.sorted()) have not the same names on both sides"
    )
    var extents: [String: Int] = sizes
    for (axis, names) in left.enumerated() {
      let open = names.filter { sizes[$0] == nil }
      let known = names.reduce(1) { $0 * (sizes[$1] ?? 1) }
      require(
        open.count <= 1 && known > 0 && shape[axis] % known == 0 && (open.count == 1 || known == shape[axis]),
        "rearranged: axis \(axis) of \(shape) cannot be split as \(pattern) says with \(known) known")
      if let name = open.first { extents[name] = shape[axis] / known }
    }
    let split = reshaped(from.map { extents[$0] ?? 1 })
    return split.permuted(to.map { from.firstIndex(of: $0) ?? 0 })
      .reshaped(right.map { $0.reduce(1) { $0 * (extents[$1] ?? 1) } })
  }
}

/// The names of each axis of one side of a pattern; nil if the brackets do not match. An axis of extent 1 has no names.
private func axisNames(_ text: String) -> [[String]]? {
  var axes: [[String]] = []
  var isOpen = false
  let spaced = text.replacing("(", with: " ( ").replacing(")", with: " ) ")
  for word in spaced.split(separator: " ") {
    switch word {
    case "(":
      if isOpen { return nil }
      isOpen = true
      axes.append([])
    case ")":
      if !isOpen { return nil }
      isOpen = false
    case "1":
      if !isOpen { axes.append([]) }
    default:
      if !isOpen { axes.append([]) }
      axes[axes.count - 1].append(String(word))
    }
  }
  return isOpen ? nil : axes
}
