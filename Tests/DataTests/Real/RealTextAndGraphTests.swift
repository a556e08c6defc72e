import ReproConfig
import ReproTensor
import TestSupport
import Testing

@testable import ReproData

/// Counts and balance as the mirror's manifest has them; digests by Python over the same files.
@Suite(.serialized) struct RealTextTests {
  @Test("The seven tasks of labelled sentences")
  func sentenceClassification() throws {
    try withRealMirror { root in
      // Sizes, the balance of the test part, or of all where the source has no parts, and a digest of the same texts.
      let official: [(String, [Int], [Int], String)] = [
        (
          "trec", [5452, 0, 500], [138, 94, 9, 65, 81, 113],
          "d0cd15a4fec96ef75f3bceb120abc9480687801b4c7234374d2306217a847fa0"
        ),
        ("sst2", [6920, 872, 1821], [912, 909], "9df301b7df48366ca22321606108b384e6cbeebcdf5065621faeb298a298f908"),
        (
          "sst5", [8544, 1101, 2210], [279, 633, 389, 510, 399],
          "d90f6bb20e69922f6658f9b03cec475b489a8f90f580d0d1093016a7d69a58cd"
        ),
      ]
      for (task, sizes, balance, digest) in official {
        let set = try open(SentenceClassification.self, ["task": task], root)
        #expect(set.sizes == sizes)
        let test = try set.all(.test)
        #expect(test.counts(classes: balance.count) == balance)
        #expect(test.textDigest() == digest, "\(task)")
      }
      let drawn: [(String, [Int], String)] = [
        ("mr", [5331, 5331], "451e6c22c748298b9e21b3df7ca9b4a5e4dd050605e384fcb0a3fdcedc88f670"),
        ("subj", [5000, 5000], "ec842fd7ae0ec597cee22552fedb9d087be6b7fda60683a991d334ab67f8c42e"),
        ("cr", [1368, 2407], "13760150e704cf65ecf4a5fb8bb993037e95fb844cb3e2694292a43a32f63f95"),
        ("mpqa", [7294, 3312], "fe57c513fd65372ca2a978e0a4db6933cf941d1c2dec234f6c0b0c2cd415c46d"),
      ]
      for (task, balance, digest) in drawn {
        let set = try open(SentenceClassification.self, ["task": task], root)
        let (train, test) = (try set.all(.train), try set.all(.test))
        #expect(zip(train.counts(classes: 2), test.counts(classes: 2)).map { $0 + $1 } == balance)
        #expect(test.counts(classes: 2) == balance.map { $0 / 5 })
        let all = Batch(indices: [], columns: [("text", .texts(train.texts("text") + test.texts("text")))])
        #expect(all.textDigest() == digest, "\(task)")
      }
    }
  }

  @Test("Short texts by topic, all of them or a fifth held out")
  func shortTextTopics() throws {
    try withRealMirror { root in
      let expected: [(String, [Int], String)] = [
        (
          "search-snippets", [1500, 1500, 2210, 2660, 370, 1180, 1500, 1420],
          "be57d6c9277e7e0b4a02d607980d1378dc3d01f290e659ff2164a1728de0a0fd"
        ),
        (
          "stack-overflow", [Int](repeating: 1000, count: 20),
          "9fff1ee665c1277797c74eba7f8190c332ea8fbcbb75803ddd82f8105bd10473"
        ),
        (
          "biomedical", [Int](repeating: 1000, count: 20),
          "1df5fc0cb71ec0dcd666334c59b6f156d84c630226bc9c968e095d4ee32917b4"
        ),
      ]
      for (name, balance, digest) in expected {
        let set = try open(ShortTextTopics.self, ["set": name, "split": "all"], root)
        let all = try set.all(.test)
        #expect(all.counts(classes: balance.count) == balance && set.sizes == [all.count, 0, all.count])
        #expect(all.textDigest() == digest)
      }
      #expect(try open(ShortTextTopics.self, ["set": "stack-overflow"], root).sizes == [16000, 0, 4000])
    }
  }

  @Test("Pairs, captions, reviews and running text")
  func otherTexts() throws {
    try withRealMirror { root in
      let sts = try open(STSBenchmark.self, [:], root)
      #expect(sts.sizes == [5749, 1500, 1379])
      let test = try sts.all(.test)
      #expect(test.textDigest("first") == "38cd21c2834d2684c0809cc87ed8dacfd9b7ccd98a51c1948a68fc5ae198f3c7")
      #expect(isNear(test.sum("similarity"), 3596.317) && test.counts("genre", classes: 3) == [625, 254, 500])
      #expect(try isNear(sts.all(.train).sum("similarity") / 5749, 2.701, 2e-4))

      let captions = try open(Multi30k.self, [:], root)
      #expect(captions.sizes == [29000, 1014, 1000])
      let digests = [
        "457fdbd63a4068f812583cc1b21e3f407cc0456f1d11670ff7896d4f7896ef8a",
        "eb3e14920969e5afe4a7ca03365184ff8e338be2af859213734b7c5af8d6d54c",
        "ec295bff79b9b1f66bedf9b31b68ab36f5f4ddd18f799f90b0f5c1afa654cb52",
        "25522c0cfc9cfd25b87310bb8b2ed2ff9ef08774b50272dfdfaabf7d3a4ebc8f",
      ]
      let part = try captions.all(.test)
      for (language, digest) in zip(Multi30k.languages, digests) { #expect(part.textDigest(language) == digest) }
      #expect(part.texts("photo").allSatisfy { $0.hasSuffix(".jpg") })

      let reviews = try open(MovieReviewDocuments.self, [:], root)
      #expect(try reviews.sizes == [1800, 0, 200] && (reviews.all(.test).counts(classes: 2)) == [100, 100])
      #expect(
        try reviews.all(.test).textDigest() == "a722861237a5289cddc449b20fc020ee52710a448dabbded12fbfb08d11449e1")
      #expect(try open(MovieReviewDocuments.self, ["fold": "0", "test": "10"], root).sizes == [1800, 0, 10])

      let wiki = try open(WikiText2.self, [:], root)
      #expect(wiki.sizes == [1841, 0, 2185])
      #expect(try wiki.all(.train).textDigest() == "a010ec33670fffc1d3816f9456c841db3055e621d575c91a0b122d1f9c118155")
      #expect(try wiki.all(.test).textDigest() == "5fc76e81d2ad32a717fe4a20ae18e5df47a89dd4cf3eeb0a20e00ecc798fa562")
      #expect(try open(WikiText2.self, ["headings": "true"], root).sizes == [2461, 0, 2891])

      let plays = try open(TinyShakespeare.self, [:], root)
      #expect(plays.sizes == [1_003_854 / 256, 55770 / 256, 217])
      #expect(try plays.all(.test).textDigest() == "bba899d754121dd89134fcdcf38229b2c2db02513b4f9f60c03edf575af514a7")
    }
  }
}

@Suite(.serialized) struct RealGraphTests {
  @Test("Cora and Citeseer have their nodes, edges, words and public split")
  func planetoid() throws {
    try withRealMirror { root in
      for (name, nodes, edges, width, words, balance, wordSum) in [
        ("cora", 2708, 5278, 1433, 49216, [130, 91, 144, 319, 149, 103, 64], 39_016_843),
        ("citeseer", 3327, 4552, 3703, 105_165, [77, 182, 181, 231, 169, 160], 191_362_100),
      ] {
        let set = try open(Planetoid.self, ["graph": name], root)
        let graph = set.graph
        #expect(graph.nodes == nodes && graph.edges == edges && graph.features.width == width)
        #expect(graph.features.values.count == words && graph.features.values.allSatisfy { $0 == 1 })
        #expect(graph.features.columns.reduce(0, +) == wordSum)
        #expect(set.sizes == [20 * balance.count, 500, 1000])
        #expect(try set.all(.test).counts(classes: balance.count) == balance)
        #expect(try set.all(.train).integers() == graph.trainLabels)
        #expect(
          graph.trainLabels.reduce(into: [Int](repeating: 0, count: balance.count)) { $0[$1] += 1 }
            == [Int](repeating: 20, count: balance.count))
        // Both directions of every edge, rising, none to itself.
        for i in 0..<nodes {
          for j in graph.neighbours[graph.offsets[i]..<graph.offsets[i + 1]] {
            #expect(i != j && graph.neighbours[graph.offsets[j]..<graph.offsets[j + 1]].contains(i))
          }
        }
        let some = try set.batch([0, 5], of: .validation)
        #expect(
          some.reals("features").shape == [2, width]
            && some.integers("node") == [graph.validation[0], graph.validation[5]])
        // For tuning, the validation nodes are what is measured.
        let tuned = try open(Planetoid.self, ["graph": name, "measure": "validation"], root)
        #expect(try tuned.all(.test).integers("node") == graph.validation)
      }
      let missing = reproError { _ = try open(Planetoid.self, ["graph": "pubmed"], root) }
      #expect(missing?.found == "no mirror has PubMed")
    }
  }

  @Test("Last.fm has its users, artists, pairs and friends; held-out pairs are not in the training graph")
  func lastFM() throws {
    try withRealMirror { root in
      let set = try open(LastFM.self, [:], root)
      #expect(set.sizes == [42135, 0, 10533])
      let data = set.interactions
      #expect(data.train.columns.count == 42135 && data.train.rows == 1892 && data.byItem.columns.count == 42135)
      // 25,434 lines name each friendship from both sides.
      #expect(data.friends?.columns.count == 25434)
      #expect(try Set(set.all(.train).integers("user") + set.all(.test).integers("user")).count == 1880)
      let some = try open(LastFM.self, ["validation": "1000", "weights": "counts"], root)
      #expect(some.sizes == [41135, 1000, 10533] && some.interactions.train.columns.count == 41135)
      let held = try some.all(.validation)
      for (user, item) in zip(held.integers("user"), held.integers("item")) {
        let rows = some.interactions.train
        #expect(!rows.columns[rows.offsets[user]..<rows.offsets[user + 1]].contains(item))
      }
    }
  }
}
