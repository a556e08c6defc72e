import ReproConfig
import ReproTensor

/// Last.fm as prepared for LightGCN: 1,892 users, 4,489 artists, 42,135 training and 10,533 test pairs, and who is
/// whose friend.
///
/// Samples are pairs: `user`, `item`, `weight` (1: the source's listening counts are not used by its papers; with
/// `weights: counts` the counts). `interactions` has the whole training part. Options: `weights`, `train`,
/// `validation` (taken from the training part), `test` (numbers of samples).
///
/// Source: Cantador, Brusilovsky, Kuflik 2011, HetRec; He et al. 2020, "LightGCN" (arXiv 2002.02126).
public struct LastFM: TabledDataset, InteractionDataset {
  public static let card = DatasetCard(
    .lastfm, source: "Cantador et al. 2011, HetRec; He et al. 2020, arXiv 2002.02126")

  static let (users, items) = (1892, 4489)
  public let interactions: InteractionData
  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let counts = try options.choice("weights", ["none", "counts"], default: "none") == "counts"
    var parts: [[(row: Int, column: Int, value: Float)]] = []
    for name in ["data1.txt", "test1.txt"] {
      var cursor = TextCursor(try root.unpacked("\(name).gz", of: .lastfm), file: "lastfm/\(name)")
      var pairs: [(row: Int, column: Int, value: Float)] = []
      while cursor.advanceToWords() {
        let user = try cursor.integer("the user", in: 1...Self.users) - 1
        let item = try cursor.integer("the item", in: 1...Self.items) - 1
        let weight = try cursor.float("the weight")
        pairs.append((user, item, counts ? weight : 1))
      }
      parts.append(pairs)
    }
    var friends: [(row: Int, column: Int, value: Float)] = []
    var cursor = TextCursor(try root.unpacked("trustnetwork.txt.gz", of: .lastfm), file: "lastfm/trustnetwork.txt")
    while cursor.advanceToWords() {
      let (a, b) = (
        try cursor.integer("the user", in: 1...Self.users) - 1, try cursor.integer("the friend", in: 1...Self.users) - 1
      )
      friends += [(a, b, 1), (b, a, 1)]
    }
    let pairs = parts[0] + parts[1]
    let rows = try PublishedParts(train: parts[0].count, test: parts[1].count).taken(&options, root: root)
    // Only what is trained on: held-out pairs are not to be seen.
    interactions = InteractionData(
      users: Self.users, items: Self.items,
      train: InteractionData.rows((rows[.train] ?? []).map { pairs[$0] }, rows: Self.users, width: Self.items),
      friends: InteractionData.rows(friends, rows: Self.users, width: Self.users))
    samples = try SampleTable(
      .lastfm,
      columns: [
        .identities("user", pairs.map(\.row), count: Self.users, isLabel: false),
        .identities("item", pairs.map(\.column), count: Self.items, isLabel: false),
        try .reals("weight", pairs.map(\.value), shape: [], source: "lastfm"),
      ], rows: rows)
  }
}
