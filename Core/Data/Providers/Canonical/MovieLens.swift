import ReproConfig
import ReproTensor

/// Ratings of films by people, in the files of MovieLens (or the same format): `u.data`, `ratings.dat`, `ratings.csv`.
///
/// `path` is the file. Users and films are numbered anew from 0 in the order of their ids; users with fewer than
/// `least` ratings (default 5) are left out. Each user's last rating by time is in the test part, the one before it in
/// the validation part (leave-one-out, as He et al. 2017 evaluate). Options: `least`, `train`, `validation`, `test`
/// (numbers of samples). Columns: `user`, `item`, `rating`. `interactions` has the training part.
///
/// Source: Harper, Konstan 2015, "The MovieLens datasets: history and context"; He et al. 2017 (arXiv 1708.05031).
public struct MovieLens: TabledDataset, InteractionDataset {
  public static let card = DatasetCard(
    id: "movielens", title: "MovieLens ratings (your copy of a published file)",
    source: "Harper, Konstan 2015, The MovieLens datasets: history and context",
    licence: "GroupLens, no redistribution",
    urls: ["https://grouplens.org/datasets/movielens/"])

  public let interactions: InteractionData
  public let samples: SampleTable

  private struct Rating {
    var user, item: Int
    var value: Float
    var time: Double
  }

  public init(_ options: inout Section, root: DataRoot) throws {
    let path = try options.string("path")
    let least = try options.int("least", in: 3...1000, default: 5)
    let bytes = try SafeFile.read(path)
    var ratings = try Self.read(bytes, path)
    var counts: [Int: Int] = [:]
    for rating in ratings { counts[rating.user, default: 0] += 1 }
    ratings = ratings.filter { counts[$0.user] ?? 0 >= least }
    guard !ratings.isEmpty else { throw ReproError.data(path, "no user has \(least) ratings") }
    let users = Set(ratings.map(\.user)).sorted()
    let items = Set(ratings.map(\.item)).sorted()
    let userPlaces = Dictionary(uniqueKeysWithValues: users.enumerated().map { ($1, $0) })
    let itemPlaces = Dictionary(uniqueKeysWithValues: items.enumerated().map { ($1, $0) })
    let pairs = ratings.map { (row: userPlaces[$0.user] ?? 0, column: itemPlaces[$0.item] ?? 0, value: $0.value) }
    // By user, then time, then place in the file.
    let order = ratings.indices.sorted {
      (pairs[$0].row, ratings[$0].time, $0) < (pairs[$1].row, ratings[$1].time, $1)
    }
    var parts = PublishedParts(train: [], test: [])
    for (k, i) in order.enumerated() {
      func isSame(_ other: Int) -> Bool { other < order.count && pairs[order[other]].row == pairs[i].row }
      if !isSame(k + 1) {
        parts.test.append(i)
      } else if !isSame(k + 2) {
        parts.validation.append(i)
      } else {
        parts.train.append(i)
      }
    }
    let rows = try parts.taken(&options, root: root)
    interactions = InteractionData(
      users: users.count, items: items.count,
      train: InteractionData.rows((rows[.train] ?? []).map { pairs[$0] }, rows: users.count, width: items.count))
    let fingerprint = "movielens v1, sha256 \(SHA256.hex(of: bytes))"
    samples = try SampleTable(
      "movielens",
      columns: [
        .identities("user", pairs.map(\.row), count: users.count, isLabel: false),
        .identities("item", pairs.map(\.column), count: items.count, isLabel: false),
        try .reals("rating", pairs.map(\.value), shape: [], source: path),
      ], rows: rows, fingerprint: fingerprint)
  }

  /// Four fields a line: user, item, rating, time; between tabs, commas (with a header) or double colons.
  private static func read(_ bytes: [UInt8], _ file: String) throws -> [Rating] {
    var cursor = TextCursor(
      bytes.map { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: ":") ? UInt8(ascii: " ") : $0 }, file: file)
    var ratings: [Rating] = []
    while cursor.advanceToWords() {
      if cursor.line == 1, cursor.skip("userId") { continue }
      ratings.append(
        Rating(
          user: try cursor.integer("the user", in: 0...1 << 40), item: try cursor.integer("the film", in: 0...1 << 40),
          value: try cursor.float("the rating"), time: try cursor.double("the time")))
    }
    return ratings
  }
}
