import Glibc
import ReproConfig
import ReproTensor
import TestSupport
import Testing

@testable import ReproData

@Suite struct CalibratedTests {
  private let camera = PhotoCamera(
    intrinsics: [120, 0.5, 33, 0, 110, 21, 0, 0, 1], rotation: [0.8, 0, 0.6, 0.36, 0.8, -0.48, -0.48, 0.6, 0.64],
    translation: [1, -2, 5])

  /// `K [R | t]` times a factor.
  private func projection(_ factor: Double) -> [Double] {
    (0..<12).map { n in
      let (i, j) = (n / 4, n % 4)
      var sum = 0.0
      for k in 0..<3 {
        sum += camera.intrinsics[3 * i + k] * (j == 3 ? camera.translation[k] : camera.rotation[3 * k + j])
      }
      return factor * sum
    }
  }

  @Test("A projection matrix gives back the camera that made it, whatever its scale and sign")
  func projectionsGiveBackTheirCamera() throws {
    for factor in [1, 3.5, -0.01] {
      let found = try #require(PhotoCamera(projection: projection(factor)))
      for (a, b) in zip(found.intrinsics, camera.intrinsics) { #expect(abs(a - b) < 1e-9) }
      for (a, b) in zip(found.rotation, camera.rotation) { #expect(abs(a - b) < 1e-12) }
      for (a, b) in zip(found.translation, camera.translation) { #expect(abs(a - b) < 1e-10) }
    }
    #expect(PhotoCamera(projection: [Double](repeating: 0, count: 12)) == nil)
    let centre = camera.centre
    #expect((camera.projected(centre)?.depth ?? 0) < 1e-12)
    let behind = (0..<3).map { centre[$0] - camera.rotation[6 + $0] }
    #expect(camera.projected(behind) == nil)
    let point = try #require(camera.projected([0, 0, 0]))
    #expect(abs(point.depth - 5) < 1e-12 && abs(point.x - (120.0 * 1 + 0.5 * -2 + 33 * 5) / 5) < 1e-9)
    // Cutting and scaling an image moves its points alike.
    let cut = try #require(camera.cut(left: 3, top: 4, scaleX: 0.5, scaleY: 2).projected([0, 0, 0]))
    #expect(abs(cut.x - (point.x - 3) / 2) < 1e-9 && abs(cut.y - (point.y - 4) * 2) < 1e-9)
  }

  @Test("Scenes are read from MVSNet's text files and from IDR's archives, with masks")
  func scenesAreRead() throws {
    try withTemporaryFolder { folder in
      let root = DataRoot(cache: "\(folder)/cache", mirror: nil, seed: 3)
      let (r, t, k) = (camera.rotation, camera.translation, camera.intrinsics)
      let rows = (0..<3).map { "\(r[3 * $0]) \(r[3 * $0 + 1]) \(r[3 * $0 + 2]) \(t[$0])" }.joined(separator: "\n")
      let text =
        "extrinsic\n\(rows)\n0 0 0 1\n\nintrinsic\n\(k[0]) \(k[1]) \(k[2])\n0 \(k[4]) \(k[5])\n0 0 1\n\n425 2.5\n"
      for i in 0..<3 {
        try put("\(folder)/m/cams/0000000\(i)_cam.txt", text: text)
        try put("\(folder)/m/blended_images/0000000\(i).png", picture(UInt8(50 + i)))
        try put("\(folder)/m/blended_images/0000000\(i)_masked.png", picture(0))
        try put("\(folder)/n/image/00\(i).png", picture(UInt8(50 + i)))
        try put("\(folder)/n/mask/00\(i).png", picture(i == 0 ? 255 : 0))
      }
      let scale = [2, 0, 0, 1, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1].map { Double($0) }
      let world = NPYArray(extents: [4, 4], values: .float64(projection(1) + [0, 0, 0, 1]))
      let arrays = (0..<3).flatMap { i in
        [("world_mat_\(i)", world), ("scale_mat_\(i)", NPYArray(extents: [4, 4], values: .float64(scale)))]
      }
      try put("\(folder)/n/cameras_sphere.npz", NPZArchive.archive(arrays.map { (name: $0.0, array: $0.1) }))

      let text1 = try open(MVSScene.self, ["path": "\(folder)/m", "height": "8", "width": "16", "hold": "3"], root)
      #expect(try text1.sizes == [2, 0, 1] && levels(text1.all(.train).images()) == [51, 52])
      let part = try text1.all(.test)
      #expect(
        zip(part.reals("intrinsics").values, [120, 0.5, 33, 0, 220.0 / 3, 14, 0, 0, 1]).allSatisfy {
          abs($0 - $1) < 1e-4
        })
      #expect(zip(part.reals("translation").values, [1, -2, 5]).allSatisfy { abs($0 - $1) < 1e-5 })
      let sphere = try open(MVSScene.self, ["path": "\(folder)/n", "hold": "0"], root)
      #expect(sphere.sizes == [3, 0, 0])
      let all = try sphere.all(.train)
      #expect(
        all.reals("mask").values.prefix(192).allSatisfy { $0 == 1 }
          && all.reals("mask").values.suffix(384).allSatisfy { $0 == 0 })
      // The point 0 of the sphere is (1, 0, 0) of the world.
      let want = try #require(camera.projected([1, 0, 0]))
      let own = PhotoCamera(
        intrinsics: all.reals("intrinsics").values.prefix(9).map { Double($0) },
        rotation: all.reals("rotation").values.prefix(9).map { Double($0) },
        translation: all.reals("translation").values.prefix(3).map { Double($0) })
      let found = try #require(own.projected([0, 0, 0]))
      #expect(abs(found.x - want.x) < 1e-3 && abs(found.y - want.y) < 1e-3)
      #expect(
        reproError {
          _ = try MVSCameraFile.read(Array(text.replacing("0 0 0 1\n\n", with: "0 0 1 1\n\n").utf8), file: "c")
        }?
        .description == "c:5: the last row is [0.0, 0.0, 1.0, 1.0], expected 0 0 0 1")
      damage(Array(text.utf8)) { _ = try MVSCameraFile.read($0, file: "c") }
    }
  }

  @Test("NeRF's transforms: wrong ones say the frame")
  func wrongTransformsSayWhere() {
    func message(_ text: String) -> String? {
      reproError { _ = try TransformsFile(Array(text.utf8), height: 10, width: 10, file: "t.json") }?.description
    }
    #expect(message("{\"camera_angle_x\": 0.7, \"frames\": []}") == "t.json: there are no frames")
    #expect(
      message("{\"camera_angle_x\": 4, \"frames\": []}")
        == "t.json: camera_angle_x is 4.0, expected radians, more than 0 and below pi")
    #expect(
      message("{\"camera_angle_x\": 0.7, \"frames\": [{\"file_path\": \"a\", \"transform_matrix\": [[1, 2]]}]}")
        == "t.json:frames[0]: the transform_matrix has 2 numbers, expected 4x4")
  }
}

@Suite struct UserDataCardTests {
  @Test("A folder that is added is read under its own name")
  func addedFoldersAreRead() throws {
    try withTemporaryFolder { folder in
      let root = DataRoot(cache: "\(folder)/cache", mirror: nil, seed: 3)
      for name in ["cat", "dog"] { for i in 0..<5 { try put("\(folder)/pets/\(name)/\(i).png", picture(UInt8(i))) } }
      let card = try UserDataCard.add(
        "my-pets", path: "\(folder)/pets", format: .imagefolder, title: "My \"pets\"", root: root)
      #expect(card.contents == "10 images, 2 classes; 8 train, 0 validation, 2 test" && card.isHere)
      #expect(try UserDataCard.all(root: root) == [card] && (try UserDataCard.find("my-pets", root: root)) == card)
      let set = try open(UserDataset.self, ["name": "my-pets", "size": "8"], root)
      #expect(set.sizes == [8, 0, 2])
      #expect(try UserDataCard.find("other", root: root) == nil && (try UserDataCard.find("../x", root: root)) == nil)
    }
  }

  @Test("What cannot be added says why")
  func whatCannotBeAddedSaysWhy() throws {
    try withTemporaryFolder { folder in
      let root = DataRoot(cache: "\(folder)/cache", mirror: nil, seed: 3)
      try put("\(folder)/pets/cat/1.png", picture(1))
      func message(_ name: String, _ path: String, _ format: UserDataCard.Format = .imagefolder) -> String? {
        reproError {
          _ = try UserDataCard.add(name, path: path, format: format, taken: ["mnist"], root: root)
        }?.description
      }
      #expect(message("My Pets", "\(folder)/pets") == "the name 'My Pets', expected letters a to z, digits and hyphens")
      #expect(message("mnist", "\(folder)/pets") == "the name 'mnist' is that of a provider, expected another")
      #expect(message("pets", "\(folder)/none") == "\(folder)/none: there is no such folder")
      #expect(
        message("pets", "\(folder)/pets", .dtu)
          == "\(folder)/pets: there is no folder of images, expected images, blended_images or image")
      #expect(
        message("pets", "\(folder)/pets", .kitti)
          == "\(folder)/pets: there are no drives, expected <date>/<drive>/image_02/data/*.png")
      #expect(message("pets", "\(folder)/pets", .coco)?.contains("there are no annotations of a training part") == true)
      #expect(message("pets", "\(folder)/pets") == nil)
      #expect(
        message("pets", "\(folder)/pets")
          == "pets: there is a data set of that name already, of \(folder)/pets; choose another, or give --replace")
      #expect(
        reproError { _ = try open(UserDataset.self, ["name": "pet"], root) }?.description
          == "recipe.yaml:3:7: no data set 'pet' has been added; did you mean 'pets'?")
      // A folder that has gone, and a card that was damaged.
      var gone = try #require(try UserDataCard.find("pets", root: root))
      gone.path = "\(folder)/moved"
      try SafeFile.write("\(folder)/cache/datasets/pets.yaml", text: gone.yaml)
      #expect(
        reproError { _ = try open(UserDataset.self, ["name": "pets"], root) }?.description
          == "\(folder)/moved: the folder of the data set 'pets' is gone; add it again")
      try SafeFile.write("\(folder)/cache/datasets/pets.yaml", text: "name: pets\nformat: tar\npath: x\n")
      #expect(
        reproError { _ = try UserDataCard.all(root: root) }?.description
          == "\(folder)/cache/datasets/pets.yaml:2:9: format is 'tar', "
          + "expected one of imagefolder, frames, coco, kitti, dtu"
      )
    }
  }
}
