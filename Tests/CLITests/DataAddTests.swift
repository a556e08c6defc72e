import ReproConfig
import ReproData
import TestSupport
import Testing

/// Adding a data set of one's own by its folder.
@Suite struct DataAddTests {
  private func pictures(_ folder: String) throws {
    for (c, name) in ["cat", "dog"].enumerated() {
      for i in 0..<5 {
        let image = ImageBatch(
          count: 1, height: 8, width: 8, channels: 3, bytes: [UInt8](repeating: UInt8(100 * c + i), count: 192))
        try SafeFile.makeFolder("\(folder)/\(name)")
        try PNG.write("\(folder)/\(name)/\(i).png", image)
      }
    }
  }

  @Test("A folder is added, listed, and named in what there is nothing to fetch of")
  func aFolderIsAdded() throws {
    try withPerson { person in
      try pictures(person.here + "/pets")
      let added = try person.types("data", "add", "my-pets", "pets", "--format", "imagefolder", "--title", "Pets")
      #expect(added.status == 0 && added.errors == "")
      #expect(
        added.output.hasPrefix("my-pets: 10 images, 2 classes; 8 train, 0 validation, 2 test, in /")
          && added.output.hasSuffix("/pets\nin a recipe: data: {provider: my-pets}\n"))
      let list = try person.types("data", "list").output.split(separator: "\n").map(String.init)
      let line = try #require(list.first { $0.hasPrefix("my-pets ") })
      #expect(line.contains(" added ") && line.contains("Pets"))
      let fetched = try person.types("data", "fetch", "my-pets")
      #expect(fetched.status == 0 && fetched.output.hasSuffix("/pets, there is nothing to fetch\n"))
      let checked = try person.types("data", "check", "imagefolder")
      #expect(checked.output == "imagefolder: read from your own copy, there is nothing to check\n")
      let again = try person.types("data", "add", "my-pets", "pets", "--format", "imagefolder")
      #expect(again.status == 2 && again.errors.hasSuffix("; choose another, or give --replace\n"))
      #expect(try person.types("data", "add", "my-pets", "pets", "--format", "imagefolder", "--replace").status == 0)
    }
  }

  @Test("An archive is unpacked and added; one with a name that leads out is refused")
  func anArchiveIsAdded() throws {
    try withPerson { person in
      try pictures(person.here + "/pets")
      var files: [(name: String, bytes: [UInt8])] = []
      for name in ["cat", "dog"].flatMap({ kind in (0..<5).map { "pets/\(kind)/\($0).png" } }) {
        files.append((name, try SafeFile.read("\(person.here)/\(name)")))
      }
      try SafeFile.write(person.here + "/pets.tar", bytes: makeTar(files))
      for _ in 0..<2 {  // the second time it is unpacked already
        let added = try person.types("data", "add", "my-pets", "pets.tar", "--format", "imagefolder", "--replace")
        #expect(added.status == 0 && added.errors == "")
        #expect(added.output.hasPrefix("my-pets: 10 images, 2 classes; 8 train, 0 validation, 2 test, in /"))
      }
      try SafeFile.write(person.here + "/evil.tar", bytes: makeTar([("../cat/0.png", files[0].bytes)]))
      let evil = try person.types("data", "add", "evil", "evil.tar", "--format", "imagefolder")
      #expect(evil.status == 3)
      #expect(
        evil.errors.hasPrefix("repro: ") && evil.errors.contains("evil.tar") && evil.errors.contains("../cat/0.png"),
        "\(evil.errors)")
      #expect(!SafeFile.exists(person.here + "/cat"))
    }
  }

  @Test("What cannot be added says why, in one line")
  func wrongFoldersAreRefused() throws {
    try withPerson { person in
      let none = try person.types("data", "add", "a", "nowhere", "--format", "frames")
      #expect(none.status == 3 && none.errors == "repro: nowhere: there is no such folder\n")
      let format = try person.types("data", "add", "a", ".", "--format", "imagefolders")
      #expect(
        format.status == 2
          && format.errors
            == "repro: --format is 'imagefolders', expected one of imagefolder, frames, coco, kitti, dtu; "
            + "did you mean 'imagefolder'?\n"
      )
      let name = try person.types("data", "add", "mnist", ".", "--format", "frames")
      #expect(name.status == 2 && name.errors == "repro: the name 'mnist' is that of a provider, expected another\n")
    }
  }
}
