import ReproConfig
import ReproTensor
import TestSupport
import Testing

@testable import ReproData

/// Providers of published files that no mirror has, on small files of the same format.
@Suite struct CanonicalTests {
  private func within(_ body: (_ folder: String, _ root: DataRoot) throws -> Void) throws {
    try withTemporaryFolder { try body($0, DataRoot(cache: "\($0)/cache", mirror: nil, seed: 3)) }
  }

  @Test("dSprites: images keep their factors")
  func dSprites() throws {
    try within { folder, root in
      // Twenty images whose middle pixel and factors name them.
      var (images, classes, values): ([UInt8], [Int64], [Double]) = ([], [], [])
      for i in 0..<20 {
        for k in 0..<64 { images.append(k == 36 || k == i ? 1 : 0) }
        for step in [0, i % 3, i % 6, i, i % 32, 5] { classes.append(Int64(step)) }
        values += [1, Double(i % 3 + 1), 0.5, 0.1 * Double(i), 0, 1]
      }
      let bytes = NPZArchive.archive([
        ("imgs", NPYArray(extents: [20, 8, 8], values: .uint8(images))),
        ("latents_values", NPYArray(extents: [20, 6], values: .float64(values))),
        ("latents_classes", NPYArray(extents: [20, 6], values: .int64(classes))),
      ])
      try put("\(folder)/d.npz", bytes)
      let set = try open(DSprites.self, ["path": "\(folder)/d.npz", "test": "5", "validation": "2"], root)
      #expect(set.sizes == [13, 2, 5])
      for split in Split.allCases {
        let part = try set.all(split)
        for i in 0..<part.count {
          let item = part.integers("orientation")[i]
          #expect(part.images()[i].bytes[item] == 255 && part.integers("shape")[i] == item % 3)
          #expect(abs(part.reals("factors").values[5 * i + 2] - 0.1 * Real(item)) < 1e-6)
        }
      }
    }
  }

  @Test("STL-10: planes stand column by column; the unlabelled part is a class of its own")
  func stl10() throws {
    try within { folder, root in
      func images(_ count: Int, _ base: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        for i in 0..<count {
          for c in 0..<3 {
            for x in 0..<96 { for y in 0..<96 { bytes.append(UInt8(base + i + 40 * c + (x == 5 && y == 9 ? 20 : 0))) } }
          }
        }
        return bytes
      }
      for (name, count, base) in [("train_X", 4, 0), ("test_X", 2, 10), ("unlabeled_X", 3, 15)] {
        try put("\(folder)/s/\(name).bin", images(count, base))
      }
      try put("\(folder)/s/train_y.bin", [1, 10, 1, 2])
      try put("\(folder)/s/test_y.bin", [3, 4])
      let set = try open(STL10.self, ["path": "\(folder)/s"], root)
      #expect(set.sizes == [4, 0, 2])
      let test = try set.all(.test)
      #expect(test.integers() == [2, 3])
      let pixel = (9 * 96 + 5) * 3
      #expect(Array(test.images().bytes[pixel - 3..<pixel + 3]) == [10, 50, 90, 30, 70, 110])
      let free = try open(STL10.self, ["path": "\(folder)/s", "training": "unlabelled", "size": "48"], root)
      #expect(try free.sizes == [3, 0, 2] && (free.all(.train).integers()) == [10, 10, 10])
      try put("\(folder)/s/train_y.bin", [1, 11, 1, 2])
      #expect(
        reproError { _ = try open(STL10.self, ["path": "\(folder)/s"], root) }?.description
          == "\(folder)/s/train_y.bin at byte 1: label 11, expected 1 to 10")
    }
  }

  @Test("UCI HAR: three views of a window, split by people")
  func humanActivity() throws {
    try within { folder, root in
      for (part, count) in [("train", 3), ("test", 2)] {
        try put("\(folder)/h/\(part)/y_\(part).txt", text: (1...count).map { "\($0)\n" }.joined())
        try put(
          "\(folder)/h/\(part)/subject_\(part).txt",
          text: (1...count).map { _ in part == "train" ? "1\n" : "2\n" }.joined())
        for (v, signal) in ["total_acc", "body_acc", "body_gyro"].enumerated() {
          for (a, axis) in ["x", "y", "z"].enumerated() {
            let line = (0..<128).map { " \(100 * v + 10 * a).\($0)e-1" }.joined()
            let text = (0..<count).map { _ in line + "\n" }.joined()
            try put("\(folder)/h/\(part)/Inertial Signals/\(signal)_\(axis)_\(part).txt", text: text)
          }
        }
      }
      let set = try open(HumanActivity.self, ["path": "\(folder)/h"], root)
      #expect(set.sizes == [3, 0, 2])
      let test = try set.all(.test)
      #expect(test.integers() == [0, 1] && test.integers("person") == [1, 1])
      let body = test.reals("body")
      #expect(body.shape == [2, 128, 3] && abs(body.values[3 * 7 + 2] - 12.07) < 1e-4)
      try put("\(folder)/h/test/Inertial Signals/body_acc_x_test.txt", text: "1 2 NaN\n")
      #expect(
        reproError { _ = try open(HumanActivity.self, ["path": "\(folder)/h"], root) }?.description
          == "\(folder)/h/test/Inertial Signals/body_acc_x_test.txt:1: 'NaN' as value 3, expected a number")
    }
  }

  @Test("Point clouds: HDF5 files in order, with normals and parts")
  func pointClouds() throws {
    try within { folder, root in
      for (name, count, base) in [("train0", 3, 0), ("train1", 1, 3), ("test0", 2, 4)] {
        try SafeFile.makeFolder("\(folder)/p")
        try HDF5File.write("\(folder)/p/ply_data_\(name).h5") { file in
          try file.write("data", (0..<count * 12).map { Float(base * 12 + $0) }, shape: [count, 4, 3])
          try file.write("label", (0..<count).map { UInt8(($0 + base) % 3) }, shape: [count, 1])
          try file.write("pid", (0..<count * 4).map { UInt8($0 % 5) }, shape: [count, 4])
        }
      }
      try put("\(folder)/p/shape_names.txt", text: "airplane\nbathtub\nbed\n")
      let set = try open(PointClouds.self, ["path": "\(folder)/p", "points": "2"], root)
      #expect(set.sizes == [4, 0, 2])
      let test = try set.all(.test)
      #expect(test.integers() == [1, 2] && test.reals("points").values.prefix(6) == [48, 49, 50, 51, 52, 53])
      #expect(test.reals("parts").values == [0, 1, 4, 0])
      #expect(set.spec[field: "label"]?.kind == .category(classes: ["airplane", "bathtub", "bed"]))
      #expect(
        reproError { _ = try open(PointClouds.self, ["path": folder], root) }?.description
          == "\(folder): there are no clouds, expected ply_data_train*.h5 and ply_data_test*.h5")
    }
  }

  @Test("MovieLens: the last rating of each user is the test, the one before it the validation")
  func movieLens() throws {
    try within { folder, root in
      var lines: [String] = []
      for user in [7, 3] { for k in 0..<6 { lines.append("\(user)::\(100 + k)::\(k % 5 + 1)::\(1000 - 10 * k)") } }
      lines.append("9::100::5::1")
      try put("\(folder)/ratings.dat", text: lines.joined(separator: "\n") + "\n")
      let set = try open(MovieLens.self, ["path": "\(folder)/ratings.dat"], root)
      #expect(set.sizes == [8, 2, 2] && set.interactions.users == 2 && set.interactions.items == 6)
      // Time runs backwards in the file: film 100 is the last of both users.
      #expect(try set.all(.test).integers("item") == [0, 0] && set.all(.validation).integers("item") == [1, 1])
      #expect(set.interactions.train.columns == [2, 3, 4, 5, 2, 3, 4, 5])
      try put(
        "\(folder)/ratings.csv",
        text: "userId,movieId,rating,timestamp\n" + lines.joined(separator: "\n").replacing("::", with: ","))
      let same = try open(MovieLens.self, ["path": "\(folder)/ratings.csv"], root)
      #expect(same.interactions == set.interactions)
      #expect(
        reproError { _ = try open(MovieLens.self, ["path": "\(folder)/ratings.dat", "least": "7"], root) }?.found
          == "no user has 7 ratings")
    }
  }

  @Test("Captioned photographs: the three ways in which captions come")
  func captionedPhotos() throws {
    try within { folder, root in
      for (k, way) in ["json", "csv", "token"].enumerated() {
        for i in 0..<3 { try put("\(folder)/\(way)/Images/\(i).png", picture(UInt8(10 * k + i))) }
      }
      let images = ["train", "val", "test"].enumerated().map { i, part in
        let sentences = "[{\"raw\": \"one \(i)\"}, {\"raw\": \"two\"}]"
        return "{\"filename\": \"\(i).png\", \"split\": \"\(part)\", \"sentences\": \(sentences)}"
      }
      try put("\(folder)/json/dataset_flickr8k.json", text: "{\"images\": [\(images.joined(separator: ", "))]}")
      try put("\(folder)/csv/captions.txt", text: "image,caption\n0.png,\"a, b\"\n0.png,c\n1.png,d\n2.png,e\n")
      try put("\(folder)/token/Flickr8k.token.txt", text: "0.png#0\ta b\n0.png#1\tc\n1.png#0\td\n2.png#0\te\n")
      try put("\(folder)/token/Flickr_8k.trainImages.txt", text: "2.png\n0.png\n")
      try put("\(folder)/token/Flickr_8k.testImages.txt", text: "1.png\n")
      let json = try open(CaptionedPhotos.self, ["path": "\(folder)/json"], root)
      #expect(try json.sizes == [1, 1, 1] && (json.all(.test).texts("captions")) == ["one 2\ntwo"])
      #expect(try levels(json.all(.validation).images()) == [1])
      let csv = try open(CaptionedPhotos.self, ["path": "\(folder)/csv"], root)
      #expect(csv.sizes == [2, 0, 1])
      let all = try csv.all(.train).texts("caption") + csv.all(.test).texts("caption")
      #expect(all.sorted() == ["a, b", "d", "e"])
      let token = try open(CaptionedPhotos.self, ["path": "\(folder)/token"], root)
      #expect(try token.sizes == [2, 0, 1] && (token.all(.test).texts("caption")) == ["d"])
      try put("\(folder)/csv/captions.txt", text: "image,caption\n9.png,x\n")
      #expect(
        reproError { _ = try open(CaptionedPhotos.self, ["path": "\(folder)/csv"], root) }?.found
          == "an image that has captions is missing")
    }
  }

  @Test("Chest radiographs: findings with what is not known, or reports")
  func chestXrays() throws {
    try within { folder, root in
      let header = "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Edema\n"
      try put(
        "\(folder)/c/train.csv",
        text: header
          + "CheXpert-v1.0-small/train/a.png,Male,60,Frontal,AP,1.0,\n"
          + "CheXpert-v1.0-small/train/b.png,Male,60,Lateral,,,-1.0\n"
      )
      try put("\(folder)/c/valid.csv", text: header + "CheXpert-v1.0-small/valid/c.png,Male,60,Frontal,PA,0.0,1.0\n")
      for name in ["train/a", "train/b", "valid/c"] { try put("\(folder)/c/\(name).png", picture(9, channels: 1)) }
      let set = try open(ChestXrays.self, ["path": "\(folder)/c", "frontal": "false"], root)
      #expect(set.sizes == [2, 0, 1] && set.spec[field: "image"]?.kind == .image(height: 64, width: 64, channels: 1))
      let train = try set.all(.train)
      let first = train.integers("view").firstIndex(of: 0) ?? 0
      #expect(Array(train.reals("findings").values[2 * first..<2 * first + 2]) == [1, 0])
      #expect(Array(train.reals("known").values[2 * first..<2 * first + 2]) == [1, 0])
      #expect(Array(train.reals("known").values[2 * (1 - first)..<4 - 2 * first]) == [0, 0])
      #expect(try open(ChestXrays.self, ["path": "\(folder)/c"], root).sizes == [1, 0, 1])

      try put(
        "\(folder)/o/indiana_reports.csv",
        text: "uid,MeSH,findings,impression\n1,x,\"Clear, no effusion.\",Normal.\n2,x,,Edema.\n3,x,,\n4,x,,\n5,x,f,i\n")
      try put(
        "\(folder)/o/indiana_projections.csv",
        text: "uid,filename,projection\n" + (1...5).map { "\($0),\($0).png,Frontal\n" }.joined() + "1,1b.png,Lateral\n")
      for i in 1...5 { try put("\(folder)/o/images/\(i).png", picture(UInt8(i), channels: 1)) }
      let reports = try open(ChestXrays.self, ["path": "\(folder)/o"], root)
      #expect(reports.sizes == [4, 0, 1])
      var texts: [Int: String] = [:]
      for split in [Split.train, .test] {
        let part = try reports.all(split)
        for (level, text) in zip(levels(part.images()), part.texts("report")) { texts[level] = text }
      }
      #expect(texts == [1: "Clear, no effusion.\nNormal.", 2: "Edema.", 3: "", 4: "", 5: "f\ni"])
    }
  }
}

/// Files of one's own in the formats of sets that mirrors have.
@Suite struct OwnFileTests {
  /// A triangle and a pair, in Planetoid's arrays.
  private func graph(_ change: (inout [String: NPYArray]) -> Void = { _ in }) -> [UInt8] {
    func vector(_ values: [Int32]) -> NPYArray { NPYArray(extents: [values.count], values: .int32(values)) }
    var arrays = [
      "num_nodes": vector([5]), "num_features": vector([3]), "num_classes": vector([2]),
      "edges": NPYArray(extents: [4, 2], values: .int32([0, 1, 0, 2, 1, 2, 3, 4])),
      "x_indptr": vector([0, 1, 2, 2, 3, 4]), "x_indices": vector([0, 2, 1, 1]),
      "x_data": NPYArray(extents: [4], values: .float32([1, 1, 0.5, 1])), "labels": vector([0, 0, 1, 1, -1]),
      "train": vector([0, 3]), "val": vector([1]), "test": vector([2]),
    ]
    change(&arrays)
    return NPZArchive.archive(arrays.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
  }

  @Test("PubMed is read from an npz file of the same arrays, and wrong graphs say what is wrong")
  func graphs() throws {
    try withTemporaryFolder { folder in
      let root = DataRoot(cache: folder, mirror: nil, seed: 1)
      try put("\(folder)/p.npz", graph())
      let set = try open(Planetoid.self, ["graph": "pubmed", "path": "\(folder)/p.npz"], root)
      #expect(set.graph.offsets == [0, 2, 4, 6, 7, 8] && set.graph.neighbours == [1, 2, 0, 2, 0, 1, 4, 3])
      #expect(try set.graph.trainLabels == [0, 1] && (set.all(.test).integers()) == [1])
      #expect(set.graph.denseFeatures.values == [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0.5, 0, 0, 1, 0])
      func message(_ name: String, _ values: NPYArray.Values, _ extents: [Int]? = nil) -> String? {
        let bytes = graph { $0[name] = NPYArray(extents: extents ?? [values.count], values: values) }
        return reproError { _ = try Planetoid.read(bytes, file: "p") }?.description
      }
      #expect(
        message("edges", .int32([0, 9]), [1, 2]) == "p: edge 0 joins 0 and 9, expected two different nodes below 5")
      #expect(message("edges", .int32([0, 1, 1, 0]), [2, 2]) == "p: two edges join 0 and 1, expected each edge once")
      #expect(message("labels", .int32([0, 0, 2, 1, -1])) == "p: label 2 of node 2, expected 0 to 1, or -1 for none")
      #expect(message("train", .int32([0, 4])) == "p:train: node 4, expected nodes with a label, below 5")
      #expect(message("val", .int32([0])) == "p: node 0 is twice in the parts, expected once at most")
      #expect(
        message("x_data", .float32([1, .nan, 1, 1]))
          == "p:features: the value at place 1 is nan, expected a finite number")
      #expect(message("x_indices", .int32([0, 3, 1, 1])) == "p:features: column 3 at place 1, expected 0 to 2")
      #expect(message("x_indptr", .int32([0, 1, 2, 2, 3, 9])) == "p:features: the row offsets do not rise from 0 to 4")
      damage(graph(), samples: 600) { _ = try Planetoid.read($0, file: "p") }
    }
  }

  @Test("Features of several views are read from MATLAB files of both kinds")
  func views() throws {
    try withTemporaryFolder { folder in
      let root = DataRoot(cache: folder, mirror: nil, seed: 1)
      for name in ["mat5Packed", "mat73"] {
        try put("\(folder)/\(name).mat", foreignFile(name))
        let set = try open(MultiViewFeatures.self, ["path": "\(folder)/\(name).mat", "split": "all"], root)
        #expect(set.sizes == [3, 0, 3])
        let all = try set.all(.test)
        let order = all.indices.sorted {
          all.reals("view1").values[2 * $0] < all.reals("view1").values[2 * $1]
        }
        #expect(order.map { all.integers()[$0] } == [0, 1, 0])
        #expect(order.map { all.reals("view2").values[3 * $0] } == [1, 4, 7])
      }
      let nan = NPZArchive.archive([
        ("view1", NPYArray(extents: [2, 2], values: .float64([1, 2, .nan, 4]))),
        ("labels", NPYArray(extents: [2], values: .int32([0, 1]))),
      ])
      try put("\(folder)/nan.npz", nan)
      #expect(
        reproError { _ = try open(MultiViewFeatures.self, ["path": "\(folder)/nan.npz"], root) }?.description
          == "\(folder)/nan.npz: view1 of sample 1 is nan at place 0, expected a finite number")
      let none = NPZArchive.archive([
        ("view1", NPYArray(extents: [0, 2], values: .float64([]))),
        ("labels", NPYArray(extents: [0], values: .int32([]))),
      ])
      try put("\(folder)/none.npz", none)
      #expect(
        reproError { _ = try open(MultiViewFeatures.self, ["path": "\(folder)/none.npz"], root) }?.description
          == "\(folder)/none.npz: 1 views of 0 samples, expected one at least")
    }
  }

  @Test("A mirror whose file is another says so, with both digests")
  func aWrongMirrorIsRefused() throws {
    try withTemporaryFolder { folder in
      let root = DataRoot(cache: "\(folder)/cache", mirror: folder, seed: 1)
      let file = SourceSet.fsdd.file("fsdd_train.tar.gz")
      try put("\(folder)/\(file.path)", [UInt8](repeating: 7, count: file.bytes))
      let error = reproError { _ = try open(SpokenDigits.self, [:], root) }
      #expect(error?.location == "\(folder)/fsdd/fsdd_train.tar.gz" && error?.expected == file.sha256)
      #expect(error?.found.hasPrefix("the file is not the published one: sha256 ") == true)
      #expect(error?.hint == "set REPRO_MIRROR to a folder that has it")
    }
  }

  @Test("Samples of a table keep their order, and impossible rows are refused")
  func tables() throws {
    let labels = try SampleColumn.labels([0, 1, 1], classes: ["a", "b"], source: "toy")
    #expect(
      reproError { _ = try SampleColumn.labels([0, 2], classes: ["a", "b"], source: "toy") }?.description
        == "toy: label 2 of sample 1, expected 0 to 1")
    #expect(
      reproError { _ = try SampleColumn.reals("x", [1, .infinity], shape: [1], source: "toy") }?.description
        == "toy: x of sample 1 is inf at place 0, expected a finite number")
    let texts = SampleColumn.texts("text", ["p", "q"])
    #expect(
      reproError { _ = try SampleTable("toy", columns: [labels, texts], rows: [.train: [0]], fingerprint: "") }?
        .description == "toy: 2 rows of text, expected 3, as many as of label")
    #expect(
      reproError { _ = try SampleTable("toy", columns: [labels], rows: [.train: []], fingerprint: "") }?.description
        == "toy: there are no samples")
    let table = try SampleTable("toy", columns: [labels], rows: [.train: [2, 0]], fingerprint: "")
    #expect(try table.batch([1, 0, 1], of: .train).integers() == [0, 1, 0])
    // Parts that a source lacks: a fifth of each class, one at least of two or more, for ever the same.
    let parts = PublishedParts(drawnFor: "toy", labels: [Int](repeating: 0, count: 20) + [1, 1, 2], classes: 3)
    #expect(parts.test.count == 5 && parts.train.count == 18 && parts.train.contains(22))
    #expect(Set(parts.test + parts.train) == Set(0..<23) && parts.test.filter { $0 >= 20 }.count == 1)
  }
}
