import ReproTensor

/// Subsets of a labelled set in which the classes are as equally frequent as the set allows.
enum ClassBalance {
  /// How many items of each class make up a total: equal shares, the rest to the first classes; a class that has too
  /// few gives all and the others fill up.
  static func quotas(_ total: Int, available: [Int]) -> [Int] {
    require(total <= available.reduce(0, +), "\(total) items out of \(available)")
    var quotas = [Int](repeating: 0, count: available.count)
    var missing = total
    while missing > 0 {
      let open = available.indices.filter { quotas[$0] < available[$0] }
      for c in missing < open.count ? Array(open.prefix(missing)) : open {
        let given = min(max(1, missing / open.count), available[c] - quotas[c])
        quotas[c] += given
      }
      missing = total - quotas.reduce(0, +)
    }
    return quotas
  }

  /// The items of each class, in the order of the file.
  static func members(_ labels: [some BinaryInteger], classes: Int) -> [[Int]] {
    var members = [[Int]](repeating: [], count: classes)
    for (i, label) in labels.enumerated() { members[Int(label)].append(i) }
    return members
  }

  /// One item of every class, then the next of every class, and so on: every prefix is balanced.
  static func interleaved(_ members: [ArraySlice<Int>]) -> [Int] {
    let longest = members.map(\.count).max() ?? 0
    return (0..<longest).flatMap { round in
      members.compactMap { round < $0.count ? $0[$0.startIndex + round] : nil }
    }
  }

  /// The first items of every class: the same for every seed.
  static func first(_ total: Int, _ labels: [some BinaryInteger], classes: Int) -> [Int] {
    let members = members(labels, classes: classes)
    let quotas = quotas(total, available: members.map(\.count))
    return interleaved(zip(members, quotas).map { $0.prefix($1) })
  }

  /// Disjoint random subsets for training and validation.
  ///
  /// Each class is shuffled by its own child of `stream`; validation takes from the front, training what follows. So
  /// the validation part does not depend on the size of the training part.
  static func draw(
    train: Int, validation: Int, _ labels: [some BinaryInteger], classes: Int, stream: RandomStream
  ) -> (train: [Int], validation: [Int]) {
    let members = members(labels, classes: classes)
    let shuffled = members.enumerated().map { c, items in
      var order = stream.child("class", c)
      return order.permutation(items.count).map { items[$0] }
    }
    let held = quotas(validation, available: members.map(\.count))
    let rest = zip(shuffled, held).map { $0.dropFirst($1) }
    let taken = quotas(train, available: rest.map(\.count))
    return (
      interleaved(zip(rest, taken).map { $0.prefix($1) }), interleaved(zip(shuffled, held).map { $0.prefix($1) })
    )
  }
}
