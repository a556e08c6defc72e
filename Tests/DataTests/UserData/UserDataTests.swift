import ReproConfig
import ReproTensor
import TestSupport
import Testing

@testable import ReproData

@Suite struct ImageFolderTests {
  @Test("Folders of classes are read, by parts if there are any, and decoded once")
  func foldersOfClassesAreRead() throws {
    try withTemporaryFolder { folder in
      let heard = Heard()
      let root = DataRoot(cache: "\(folder)/cache", mirror: nil, seed: 3, notices: heard.notices)
      for (c, name) in ["cat", "dog"].enumerated() {
        for i in 0..<10 { try put("\(folder)/a/\(name)/\(i).png", picture(UInt8(100 * c + i))) }
      }
      try put("\(folder)/a/cat/notes.txt", text: "no image")
      let set = try open(ImageFolder.self, ["path": "\(folder)/a", "size": "8"], root)
      #expect(set.sizes == [16, 0, 4])
      #expect(set.spec[field: "label"]?.kind == .category(classes: ["cat", "dog"]))
      for split in [Split.train, .test] {
        let part = try set.all(split)
        #expect(part.images().height == 8 && levels(part.images()).map { $0 / 100 } == part.integers())
      }
      // The parts are the folders' where there are folders of parts.
      for (part, count) in [("train", 3), ("val", 2), ("test", 1)] {
        for i in 0..<count { try put("\(folder)/b/\(part)/x/deep/\(i).png", picture(UInt8(i))) }
      }
      #expect(try open(ImageFolder.self, ["path": "\(folder)/b"], root).sizes == [3, 2, 1])
      // No classes: all for training, no labels.
      try put("\(folder)/c/1.png", picture(7))
      let plain = try open(ImageFolder.self, ["path": "\(folder)/c", "channels": "1"], root)
      #expect(plain.sizes == [1, 0, 0] && plain.spec.fields.map(\.name) == ["image"])
      #expect(try plain.all(.train).images().channels == 1)
      // A second time from the cache; another picture is another source, and that is said.
      #expect(heard.all.isEmpty)
      try put("\(folder)/a/dog/0.png", picture(199))
      let changed = try open(ImageFolder.self, ["path": "\(folder)/a", "size": "8"], root)
      #expect(heard.all.count == 1 && heard.all[0].contains("is of another version or source and is not used"))
      #expect(changed.fingerprint != set.fingerprint)
      // A damaged cache is built again, and that is said.
      for name in SafeFile.list("\(folder)/cache/decoded") where name.hasPrefix("imagefolder-b") {
        var bytes = try SafeFile.read("\(folder)/cache/decoded/\(name)")
        bytes[bytes.count / 2] ^= 1
        try SafeFile.write("\(folder)/cache/decoded/\(name)", bytes: bytes)
      }
      #expect(try open(ImageFolder.self, ["path": "\(folder)/b"], root).sizes == [3, 2, 1])
      #expect(heard.all.count == 2 && heard.all[1].hasPrefix("the cache cannot be used and is built again: "))
    }
  }

  @Test("Wrong folders say what is wrong with them")
  func wrongFoldersSayWhy() throws {
    try withTemporaryFolder { folder in
      let root = DataRoot(cache: "\(folder)/cache", mirror: nil, seed: 3)
      func message(_ path: String) -> String? {
        reproError { _ = try open(ImageFolder.self, ["path": path], root) }?.description
      }
      #expect(message("\(folder)/none") == "\(folder)/none: there is no such folder")
      try SafeFile.makeFolder("\(folder)/empty")
      #expect(
        message("\(folder)/empty")
          == "\(folder)/empty: there are no images, expected JPEG, PNG, PGM or PPM files, or folders of them")
      try put("\(folder)/a/train/x/1.png", picture(1))
      try put("\(folder)/a/test/y/1.png", picture(1))
      #expect(
        message("\(folder)/a") == "\(folder)/a/test: the class 'y' is not in the training part, expected one of x")
      try put("\(folder)/b/x/1.jpg", text: "no image at all")
      try put("\(folder)/b/x/2.png", picture(1))
      #expect(
        message("\(folder)/b")
          == "\(folder)/b/x/1.jpg at byte 0: this is no image, expected a JPEG, PNG, PGM or PPM file")
      try SafeFile.makeFolder("\(folder)/b/y")
      #expect(message("\(folder)/b") == "\(folder)/b/y: the class has no images")
    }
  }
}

@Suite struct FrameFolderTests {
  @Test("Windows of frames keep their order and stay in one video")
  func windowsOfFrames() throws {
    try withTemporaryFolder { folder in
      let root = DataRoot(cache: "\(folder)/cache", mirror: nil, seed: 3)
      for v in 0..<5 {
        for t in 0..<7 { try put("\(folder)/v/video\(v)/f\(t).png", picture(UInt8(40 * v + t))) }
      }
      let set = try open(
        FrameFolder.self, ["path": "\(folder)/v", "frames": "3", "step": "2", "stride": "1", "size": "8"], root)
      // Spans of five frames: three windows of each video, one video of five for the test.
      #expect(set.sizes == [12, 0, 3])
      #expect(set.spec[field: "frames"]?.kind == .frames(count: 3, height: 8, width: 8, channels: 3))
      let part = try set.all(.train)
      let images = part.images("frames").separated
      for i in 0..<12 {
        let l = levels(images)[3 * i..<3 * i + 3].map { $0 }
        #expect(l[1] == l[0] + 2 && l[2] == l[0] + 4 && l[0] / 40 == part.integers("video")[i])
      }
      for c in ["run", "sit"] { try put("\(folder)/w/train/\(c)/one/0.png", picture(1)) }
      try put("\(folder)/w/test/sit/two/0.png", picture(2))
      let classes = try open(FrameFolder.self, ["path": "\(folder)/w", "frames": "1"], root)
      #expect(try classes.sizes == [2, 0, 1] && (classes.all(.test)).integers() == [1])
      #expect(
        reproError { _ = try open(FrameFolder.self, ["path": "\(folder)/w", "frames": "2"], root) }?.found
          == "no video has 2 frames")
    }
  }
}

@Suite struct COCOTests {
  private let json = """
    {"images": [{"id": 7, "file_name": "a.png", "height": 12, "width": 16},
                {"id": 3, "file_name": "b.png", "height": 12, "width": 16}],
     "categories": [{"id": 18, "name": "dog"}, {"id": 17, "name": "cat"}],
     "annotations": [{"image_id": 7, "category_id": 18, "bbox": [4, 3, 8, 6], "iscrowd": 0},
                     {"image_id": 7, "category_id": 17, "bbox": [0, 0, 16, 12]},
                     {"image_id": 3, "caption": "a grey picture"}]}
    """

  @Test("Boxes follow the image to its new size, largest first, and captions stay with their image")
  func boxesFollowTheImage() throws {
    try withTemporaryFolder { folder in
      let root = DataRoot(cache: "\(folder)/cache", mirror: nil, seed: 3)
      for (i, name) in ["a.png", "b.png"].enumerated() { try put("\(folder)/d/images/\(name)", picture(UInt8(10 + i))) }
      try put("\(folder)/d/annotations.json", text: json)
      let set = try open(COCOFolder.self, ["path": "\(folder)/d", "size": "8", "objects": "3"], root)
      #expect(set.sizes == [1, 0, 1])
      for split in [Split.train, .test] {
        let part = try set.all(split)
        let isFirst = levels(part.images()) == [10]
        #expect(part.texts("caption") == [isFirst ? "" : "a grey picture"])
        #expect(part.reals("classes").values == (isFirst ? [0, 1, -1] : [-1, -1, -1]))
        #expect(part.reals("present").values == (isFirst ? [1, 1] : [0, 0]))
        #expect(
          part.reals("boxes").values
            == (isFirst ? [0, 0, 8, 8, 2, 2, 6, 6, 0, 0, 0, 0] : [Real](repeating: 0, count: 12)))
      }
      // The layout of the published set, with parts.
      for (part, name) in [("train2017", "a"), ("val2017", "b")] {
        try put("\(folder)/e/\(part)/\(name).png", picture(1))
        let images = "[{\"id\": 1, \"file_name\": \"\(name).png\"}]"
        let notes = "[{\"image_id\": 1, \"caption\": \"\(part)\"}]"
        try put(
          "\(folder)/e/annotations/captions_\(part).json",
          text: "{\"images\": \(images), \"annotations\": \(notes)}")
      }
      let parts = try open(COCOFolder.self, ["path": "\(folder)/e"], root)
      #expect(try parts.sizes == [1, 0, 1] && (parts.all(.test)).texts("caption") == ["val2017"])
    }
  }

  @Test("Wrong annotations say their place")
  func wrongAnnotationsSayWhere() {
    func message(_ old: String, _ new: String) -> String? {
      reproError { _ = try COCOFile(Array(json.replacing(old, with: new).utf8), file: "a.json") }?.description
    }
    #expect(message("\"image_id\": 3", "\"image_id\": 4") == "a.json:annotations[2]: image 4 does not exist")
    #expect(message("\"category_id\": 17", "\"category_id\": 1") == "a.json:annotations[1]: category 1 does not exist")
    #expect(
      message("[4, 3, 8, 6]", "[4, 3, 8]")
        == "a.json:annotations[0]: the bbox is [4.0, 3.0, 8.0], expected left, top, width, height")
    #expect(message("a.png", "../a.png") == "a.json:images[0]: the name '../a.png' leaves the folder")
    #expect(message("\"annotations\"", "\"notes\"") == "a.json: 'annotations' is missing")
    damage(Array(json.utf8)) { _ = try COCOFile($0, file: "a.json") }
  }
}

@Suite struct KITTIRawTests {
  @Test("Drives, intrinsics at the new size and LiDAR depths are read from the raw layout")
  func theRawLayoutIsRead() throws {
    try withTemporaryFolder { folder in
      let root = DataRoot(cache: "\(folder)/cache", mirror: nil, seed: 3)
      let day = "\(folder)/k/2011_09_26"
      let p = "P_rect_02: 100 0 32 5 0 100 24 0 0 0 1 0"
      try put(
        "\(day)/calib_cam_to_cam.txt",
        text: "calib_time: 09-Jan-2012 13:57:47\nS_rect_02: 64 48\nR_rect_00: 1 0 0 0 1 0 0 0 1\n\(p)\n")
      // The LiDAR looks along x, its y to the left, z up.
      try put("\(day)/calib_velo_to_cam.txt", text: "R: 0 -1 0 0 0 -1 1 0 0\nT: 0 0 0\n")
      // Ten metres ahead, one to the left, one up.
      let point: [Float] = [10, 1, 1, 0.5]
      for d in 1...2 {
        for t in 0..<4 {
          let drive = "\(day)/2011_09_26_drive_000\(d)_sync"
          try put("\(drive)/image_02/data/000000000\(t).png", picture(UInt8(100 * (d - 1) + t), height: 48, width: 64))
          try put(
            "\(drive)/velodyne_points/data/000000000\(t).bin",
            point.flatMap { v in withUnsafeBytes(of: v.bitPattern.littleEndian) { Array($0) } })
        }
      }
      let set = try open(
        KITTIRaw.self, ["path": "\(folder)/k", "height": "24", "width": "32", "depth": "true"], root)
      #expect(set.sizes == [2, 0, 2])
      let part = try set.all(.test)
      let l = levels(part.images("frames").separated)
      #expect(l[1] == l[0] + 1 && l[2] == l[0] + 2 && Set(part.integers("drive")).count == 1)
      #expect(part.reals("intrinsics").values.prefix(9) == [50, 0, 16, 0, 50, 12, 0, 0, 1])
      // u = (100 * -1 + 32 * 10 + 5) / 10 / 2 = 11.25, v = (100 * -1 + 24 * 10) / 10 / 2 = 7.
      let depth = part.reals("depth").values.prefix(24 * 32)
      #expect(depth.indices.filter { depth[$0] > 0 } == [7 * 32 + 11] && depth[7 * 32 + 11] == 10)
    }
  }

  @Test("Wrong calibrations and labels say their line")
  func wrongCalibrationsSayWhere() {
    func message(_ text: String, _ names: String) -> String? {
      reproError { _ = try KITTICalibration(Array(text.utf8), file: "c.txt").matrix(names, count: 3) }?.description
    }
    #expect(message("P0 1 2 3", "P0") == "c.txt:1: a line without a name, expected name: numbers")
    #expect(message("P0: 1 2 x", "P0") == "c.txt:1: P0 is not made of numbers")
    #expect(message("P0: 1 2", "P0") == "c.txt: P0 has 2 numbers, expected 3")
    #expect(message("P0: 1 2 3\nP0: 1", "P0") == "c.txt:2: a second P0")
    #expect(message("P0: 1 2 3", "P9") == "c.txt: there is no P9")
    let label = "Car 0.00 0 1.5 1 2 3 4 1.5 1.6 3.9 1 2 3 0.1\n"
    #expect((try? KITTIObject.read(Array(label.utf8), file: "l.txt"))?.first?.box == [1, 2, 3, 4])
    #expect(
      reproError { _ = try KITTIObject.read(Array(label.replacing(" 0 1.5", with: " 9 1.5").utf8), file: "l.txt") }?
        .description == "l.txt:1: the occlusion is 9, expected -1 to 3")
    #expect(
      reproError { _ = try KITTIScan.read([0, 0, 0xC0, 0x7F] + [UInt8](repeating: 0, count: 12), file: "s.bin") }?
        .description == "s.bin at byte 0: the value is nan, expected a finite number")
    #expect(
      reproError { _ = try KITTIScan.read([UInt8](repeating: 0, count: 17), file: "s.bin") }?.description
        == "s.bin at byte 16: 1 bytes of a point, expected 16")
    damage(Array(label.utf8)) { _ = try KITTIObject.read($0, file: "l.txt") }
  }
}
