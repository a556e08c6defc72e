import ReproConfig
import ReproTensor
import TestSupport
import Testing

@testable import ReproData

/// What an independent parser saw in the same files, and what geometry demands.
@Suite(.serialized) struct RealSceneTests {
  @Test("Stereo pairs agree once the right image is moved by the disparity")
  func middleburyStereo() throws {
    try withRealMirror { root in
      let set = try open(MiddleburyStereo.self, ["test": "both"], root)
      #expect(set.sizes == [0, 0, 2] && open2(root) == [1, 0, 1])
      let all = try set.all(.test)
      let (left, right) = (all.images("left"), all.images("right"))
      let disparity = all.reals("disparity").values
      for (i, known, largest, warped, plain) in [(0, 0.968, 55.0, 9.5, 44.1), (1, 0.980, 52.75, 7.9, 39.0)] {
        let d = disparity[i * 168_750..<(i + 1) * 168_750].map { Double($0) }
        #expect(abs(Double(d.count { $0 > 0 }) / 168_750 - known) < 6e-4 && d.max() == largest)
        var (sum, unmoved, count) = (0.0, 0.0, 0)
        for y in 0..<375 {
          for x in 0..<450 where d[y * 450 + x] > 0 {
            let from = Int((Double(x) - d[y * 450 + x]).rounded())
            guard from >= 0 else { continue }
            count += 3
            for c in 0..<3 {
              let value = Double(left.bytes[((i * 375 + y) * 450 + x) * 3 + c])
              sum += abs(value - Double(right.bytes[((i * 375 + y) * 450 + from) * 3 + c]))
              unmoved += abs(value - Double(right.bytes[((i * 375 + y) * 450 + x) * 3 + c]))
            }
          }
        }
        #expect(abs(sum / Double(count) - warped) < 0.5 && abs(unmoved / Double(count) - plain) < 2)
      }
    }
  }

  private func open2(_ root: DataRoot) -> [Int] { (try? open(MiddleburyStereo.self, [:], root).sizes) ?? [] }

  @Test("KITTI's calibration puts objects and LiDAR points into their boxes")
  func kitti() throws {
    try withRealMirror { root in
      let set = try open(KITTIObjectSample.self, ["points": "1000"], root)
      #expect(set.sizes == [3, 0, 0])
      #expect(set.scans.map { $0.count / 4 } == [115_384, 120_268, 126_891])
      #expect(
        set.objects.map { $0.map(\.type) } == [
          ["Pedestrian"], ["Truck", "Car", "Cyclist", "DontCare", "DontCare", "DontCare", "DontCare"], ["Misc", "Car"],
        ])
      let depth = try set.all(.train).reals("depth").values
      for (frame, objects) in set.objects.enumerated() {
        let calibration = try KITTICalibration(
          root.bytes("calib/00000\(frame).txt", of: .kittiObjectSample), file: "calib")
        let p = try calibration.matrix("P2", count: 12)
        for object in objects where object.type != "DontCare" {
          let (x, y, z) = (object.location[0], object.location[1] - object.size[0] / 2, object.location[2])
          let w: Double = p[8] * x + p[9] * y + p[10] * z + p[11]
          let u: Double = (p[0] * x + p[1] * y + p[2] * z + p[3]) / w
          let v: Double = (p[4] * x + p[5] * y + p[6] * z + p[7]) / w
          #expect(u > object.box[0] && u < object.box[2] && v > object.box[1] && v < object.box[3])
          // The LiDAR sees its front: the median depth in the inner part of the box is within its length.
          let (cx, cy) = ((object.box[0] + object.box[2]) / 2, (object.box[1] + object.box[3]) / 2)
          let (rx, ry) = ((object.box[2] - object.box[0]) / 4, (object.box[3] - object.box[1]) / 4)
          var seen: [Double] = []
          for py in Int(cy - ry)...Int(cy + ry) {
            for px in Int(cx - rx)...Int(cx + rx) where px < 1224 && py < 370 {
              let value = Double(depth[(frame * 370 + py) * 1224 + px])
              if value > 0 { seen.append(value) }
            }
          }
          seen.sort()
          if seen.count > 4 {
            #expect(abs(seen[seen.count / 2] - z) < object.size[2] / 2 + 1, "\(object.type) at \(z)")
          }
        }
      }
      #expect(try set.all(.train).texts("objects")[0].hasPrefix("Pedestrian"))
    }
  }

  @Test("NeRF's cameras stand on a sphere, look at the origin, and see the object where the alpha is")
  func nerfLego() throws {
    try withRealMirror { root in
      let set = try open(NeRFLego.self, ["channels": "4", "size": "100"], root)
      #expect(set.sizes == [100, 25, 25])
      let train = try set.all(.train)
      let (k, r, t) = (
        train.reals("intrinsics").values, train.reals("rotation").values,
        train.reals("translation").values
      )
      for i in 0..<100 {
        let camera = PhotoCamera(
          intrinsics: k[9 * i..<9 * i + 9].map { Double($0) }, rotation: r[9 * i..<9 * i + 9].map { Double($0) },
          translation: t[3 * i..<3 * i + 3].map { Double($0) })
        #expect(abs(camera.centre.reduce(0) { $0 + $1 * $1 }.squareRoot() - 4.0311) < 1e-3)
        let origin = try #require(camera.projected([0, 0, 0]))
        #expect(abs(origin.x - 50) < 1e-2 && abs(origin.y - 50) < 1e-2 && abs(origin.depth - 4.0311) < 1e-3)
        // z is up: a point above the origin is higher in the image.
        #expect((camera.projected([0, 0, 0.5])?.y ?? 100) < 50)
        let alpha = train.images().bytes[(i * 10_000 + 50 * 100 + 50) * 4 + 3]
        #expect(alpha == 255)
      }
      // 100 / tan(0.69 / 2) pixels at a width of 200, half of it here.
      #expect(abs(k[0] - 138.888_88) < 1e-2)
      let few = try open(NeRFLego.self, ["train": "3", "validation": "0", "test": "2"], root)
      #expect(few.sizes == [3, 0, 2])
    }
  }

  @Test("Sceaux castle has eleven photographs with the intrinsics of their size")
  func sceauxCastle() throws {
    try withRealMirror { root in
      let set = try open(SceauxCastle.self, ["height": "120"], root)
      #expect(set.sizes == [11, 0, 0])
      let all = try set.all(.train)
      #expect(all.images().width == 160 && all.texts("photo")[0] == "100_7100.jpg")
      let k = all.reals("intrinsics").values
      #expect(isNear(Double(k[0]), 656.696 / 4) && isNear(Double(k[4]), 656.8272 * 120 / 481) && k[8] == 1)
    }
  }

  @Test("The meshes have their vertices and faces, and points lie in the unit ball")
  func meshes() throws {
    try withRealMirror { root in
      let set = try open(CommonMeshes.self, ["points": "256", "clouds": "2"], root)
      #expect(set.sizes == [26, 0, 13])
      let vertices = [3208, 19887, 1148, 6669, 2903, 6475, 6002, 10044, 2930, 35947, 507, 3644, 694]
      let faces = [5981, 38656, 2053, 13334, 5804, 12946, 12000, 20088, 5856, 69451, 468 * 2 + 32, 6320, 1267]
      #expect(set.meshes.map(\.vertexCount) == vertices && set.meshes.map(\.triangleCount) == faces)
      #expect(CommonMeshes.names[9] == "stanford-bunny" && set.mesh("spot")?.vertexCount == 2930)
      let test = try set.all(.test)
      #expect(test.integers("shape") == Array(0..<13))
      let points = test.reals("points").values
      for i in stride(from: 0, to: points.count, by: 3) {
        #expect(points[i] * points[i] + points[i + 1] * points[i + 1] + points[i + 2] * points[i + 2] < 1.0001)
      }
    }
  }

  @Test("The voxels are 6.68 percent full and chairs have backs")
  func voxels() throws {
    try withRealMirror { root in
      let set = try open(ModelNet10Voxels.self, [:], root)
      #expect(set.sizes == [1354 - 177 - 93, 0, 177 + 93])
      let (train, test) = (try set.all(.train), try set.all(.test))
      #expect(zip(train.counts(classes: 2), test.counts(classes: 2)).map { $0 + $1 } == [889, 465])
      let filled = (train.sum("voxels") + test.sum("voxels")) / Double(1354 * 32768)
      #expect(abs(filled - 0.0668) < 5e-5)
    }
  }
}
