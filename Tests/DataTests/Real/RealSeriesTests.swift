import ReproConfig
import ReproTensor
import TestSupport
import Testing

@testable import ReproData

/// Counts and balance as the mirror's manifest has them; sums by numpy over the same files.
@Suite(.serialized) struct RealSeriesTests {
  @Test("Spoken digits have their official parts, speakers and samples")
  func spokenDigits() throws {
    try withRealMirror { root in
      let set = try open(SpokenDigits.self, [:], root)
      #expect(set.sizes == [2700, 0, 300])
      for (split, count, frames, sum) in [
        (Split.train, 2700, 9_464_394.0, 9_046_268_633.0), (.test, 300, 1_034_030, 985_461_900),
      ] {
        let part = try set.all(split)
        #expect(part.counts(classes: 10) == [Int](repeating: count / 10, count: 10))
        #expect(part.counts("speaker", classes: 6) == [Int](repeating: count / 6, count: 6))
        #expect(isNear(part.sum("duration") * 8000, frames))
        #expect(isNear(part.sum("sound", magnitude: true) * 32768, sum))
      }
      #expect(set.spec[field: "sound"]?.kind == .real(shape: [8000], unit: "1"))
      let short = try open(SpokenDigits.self, ["seconds": "0.25", "train": "20", "test": "10"], root)
      #expect(short.sizes == [20, 0, 10] && short.spec[field: "sound"]?.kind == .real(shape: [2000], unit: "1"))
    }
  }

  @Test("AReM has 88 recordings; windows of one stay together, pairs of beacons are views")
  func arem() throws {
    try withRealMirror { root in
      let recordings = try AReM.read(root)
      #expect(
        recordings.reduce(into: [Int](repeating: 0, count: 7)) { $0[$1.label] += 1 } == [7, 6, 15, 15, 15, 15, 15])
      #expect(recordings.reduce(0) { $0 + $1.values.count / 6 } == 42237)
      let sums = (0..<6).map { k in
        recordings.reduce(0.0) { s, r in
          s + stride(from: k, to: r.values.count, by: 6).reduce(0) { $0 + Double(r.values[$1]) }
        }
      }
      for (a, b) in zip(sums, [1_643_753.99, 61_629.77, 603_055.46, 63_449.18, 677_266.97, 68_453.1]) {
        #expect(isNear(a, b))
      }
      let set = try open(AReM.self, ["window": "479"], root)
      // A fifth of 7, 6 and five times 15 recordings.
      #expect(set.sizes == [88 - 17, 0, 17])
      let windows = try open(AReM.self, ["views": "pairs"], root)
      let (train, test) = (try windows.all(.train), try windows.all(.test))
      #expect(Set(train.integers("recording")).isDisjoint(with: test.integers("recording")))
      #expect(train.reals("pair23").shape.array.dropFirst() == [120, 2])
    }
  }

  @Test("The UCR and UEA series have their official parts")
  func ucrSeries() throws {
    try withRealMirror { root in
      let expected: [(String, [Int], Shape, [Int], Double)] = [
        ("acsf1", [100, 100], [1460, 1], [Int](repeating: 10, count: 10), 122_436.02551986858),
        ("arrow-head", [36, 175], [251, 1], [69, 53, 53], 38_418.51280048212),
        ("basic-motions", [40, 40], [100, 6], [10, 10, 10, 10], 58_233.253596999944),
        ("gun-point", [50, 150], [150, 1], [76, 74], 20_280.336212001763),
        ("italy-power-demand", [67, 1029], [24, 1], [513, 516], 20_790.66427246612),
      ]
      for (name, sizes, shape, balance, sum) in expected {
        let set = try open(UCRSeries.self, ["set": name], root)
        #expect(set.sizes == [sizes[0], 0, sizes[1]])
        #expect(set.spec[field: "series"]?.kind == .real(shape: shape, unit: "1"))
        let test = try set.all(.test)
        #expect(test.counts(classes: balance.count) == balance)
        #expect(isNear(test.sum("series", magnitude: true), sum))
      }
      let scaled = try open(UCRSeries.self, ["set": "gun-point", "scaling": "series"], root).all(.train).reals(
        "series")
      let first = scaled.values.prefix(150).map { Double($0) }
      #expect(abs(first.reduce(0, +)) < 1e-3 && isNear(first.reduce(0) { $0 + $1 * $1 }, 150, 1e-4))
    }
  }

  @Test("The walk has 23 joints whose bones keep their lengths")
  func motionCapture() throws {
    try withRealMirror { root in
      let motion = try BVHMotion(
        root.unpacked("AV_8Walk_Meredith_HVHA_Rep1.bvh.gz", of: .mocap), file: "walk.bvh")
      #expect(motion.frames == 1064 && motion.channels == 72 && motion.joints.filter { !$0.isEnd }.count == 23)
      #expect(isNear(motion.frameTime, 0.008333))
      func bone(_ j: Int, _ frame: Int) -> Double {
        let p = motion.positions(frame: frame)
        let q = motion.joints[j].parent
        let squares = (0..<3).map { k -> Double in
          let d = Double(p[3 * j + k] - p[3 * q + k])
          return d * d
        }
        return squares.reduce(0, +).squareRoot()
      }
      for j in 1..<motion.joints.count { #expect(isNear(bone(j, 0), bone(j, 777), 1e-4)) }
      let set = try open(MotionCapture.self, [:], root)
      #expect(set.spec[field: "joints"]?.kind == .real(shape: [30, 23, 3], unit: "unit of the file"))
      // Windows of 117 frames, 15 apart: starts 0 ... 734 train, 851 ... 947 test.
      #expect(set.sizes == [734 / 15 + 1, 0, (947 / 15) - (850 / 15)])
      // Centred: the root stays at the origin.
      #expect(try set.all(.test).reals("joints").values.prefix(3) == [0, 0, 0])
    }
  }

  @Test("The six multi-view sets have their views, classes and values")
  func multiViewFeatures() throws {
    try withRealMirror { root in
      let scene = [241, 360, 328, 260, 308, 374, 410, 292, 356, 215, 216, 311, 210, 289, 315]
      let expected: [(String, [Shape], [Int], [Double])] = [
        ("scene15", [[20], [59], [40]], scene, [89700, 264_615, 179_400]),
        ("landuse21", [[20], [59], [40]], [Int](repeating: 100, count: 21), [42000, 123_900, 84000]),
        (
          "msrcv1", [[24], [576], [512], [256], [254]], [Int](repeating: 30, count: 7),
          [429_577.4527679956, 15_138.205487292027, 5028.032731591287, 42_460_108, 11_527_644]
        ),
        (
          "handwritten", [[240], [76], [216], [47], [64], [6]], [Int](repeating: 200, count: 10),
          [1_452_834, 20_068.87677069, 137_492_808, 8_331_824.36498435, 6794.846623570001, 12_632_396.77968333]
        ),
        ("bdgp", [[1750], [79]], [Int](repeating: 500, count: 5), [32_931.2818053426, 7131]),
        ("mnist_usps", [[28, 28], [28, 28]], [Int](repeating: 500, count: 10), [131_267_102, 319_696.9882352941]),
      ]
      for (name, shapes, balance, sums) in expected {
        let set = try open(MultiViewFeatures.self, ["set": name, "split": "all"], root)
        let count = balance.reduce(0, +)
        #expect(set.sizes == [count, 0, count])
        let all = try set.all(.test)
        #expect(all.counts(classes: balance.count) == balance)
        for (v, shape) in shapes.enumerated() {
          #expect(set.spec[field: "view\(v + 1)"]?.kind == .real(shape: shape, unit: "1"))
          #expect(isNear(all.sum("view\(v + 1)"), sums[v], 1e-5), "\(name) view \(v + 1)")
        }
      }
      let held = try open(MultiViewFeatures.self, ["set": "handwritten", "scaling": "standard"], root)
      #expect(held.sizes == [1600, 0, 400])
      let train = try held.all(.train).reals("view2")
      for k in 0..<76 {
        let column = (0..<1600).map { Double(train.values[$0 * 76 + k]) }
        #expect(abs(column.reduce(0, +) / 1600) < 1e-4 && isNear(column.reduce(0) { $0 + $1 * $1 }, 1600, 1e-3))
      }
    }
  }

  @Test("The tables have their rows, classes and official parts, and no missing value is left")
  func tabular() throws {
    try withRealMirror { root in
      let adult = try open(TabularData.self, ["table": "adult"], root)
      #expect(adult.sizes == [32561, 0, 16281])
      #expect(
        try adult.all(.train).counts(classes: 2) == [24720, 7841]
          && (try adult.all(.test).counts(classes: 2)) == [12435, 3846])
      // Six numbers and the words of eight columns.
      #expect(adult.spec[field: "features"]?.kind == .real(shape: [6 + 8 + 16 + 7 + 14 + 6 + 5 + 2 + 41], unit: "1"))
      let columns = try open(TabularData.self, ["table": "adult", "columns": "true", "train": "3000"], root)
      #expect(columns.spec.fields.count == 16 && columns.spec[field: "column-1"]?.kind == .real(shape: [], unit: "1"))
      let rows = try columns.all(.train)
      for k in [1, 3, 5, 11, 12, 13] {
        let values = rows.reals("column-\(k)").values
        #expect(values.min() == 0 && values.max() == 1, "column \(k)")
      }
      // Sex has two words, and a place for others; the words stand in one-hot columns in the same order.
      #expect(columns.spec[field: "column-10"]?.kind == .category(classes: ["Female", "Male", "?"]))
      guard case .category(let words) = columns.spec[field: "column-2"]?.kind else { return }
      let (work, hot) = (rows.integers("column-2"), rows.reals("features"))
      #expect(words.last == "?" && work.contains(words.count - 1), "some workclass is missing")
      for i in 0..<50 {
        let own = (0..<words.count - 1).filter { hot.values[i * hot.shape[1] + 1 + $0] == 1 }
        #expect(own == (work[i] == words.count - 1 ? [] : [work[i]]))
      }
      let expected: [(String, [Int])] = [
        ("banknotes", [762, 610]), ("breast-cancer", [458, 241]), ("ecoli", [143, 77, 2, 2, 35, 20, 5, 52]),
        ("german-credit", [700, 300]), ("glass", [70, 76, 17, 13, 9, 29]), ("ionosphere", [126, 225]),
        ("iris", [50, 50, 50]), ("mammography", [10923, 260]), ("oil-spill", [896, 41]), ("phoneme", [3818, 1586]),
        ("sonar", [111, 97]), ("wheat-seeds", [70, 70, 70]), ("wine", [59, 71, 48]),
        ("wine-quality-red", [10, 53, 681, 638, 199, 18]), ("wine-quality-white", [20, 163, 1457, 2198, 880, 175, 5]),
      ]
      for (name, balance) in expected {
        let set = try open(TabularData.self, ["table": name], root)
        let (train, test) = (try set.all(.train), try set.all(.test))
        let found = zip(train.counts(classes: balance.count), test.counts(classes: balance.count)).map { $0 + $1 }
        #expect(found == balance, "\(name)")
        #expect(zip(test.counts(classes: balance.count), balance).allSatisfy { $0 == max(1, $1 / 5) }, "\(name)")
      }
      let abalone = try open(TabularData.self, ["table": "abalone", "words": "ordinal", "scaling": "none"], root)
      #expect(
        abalone.sizes == [4177 - 835, 0, 835] && abalone.spec[field: "target"]?.kind == .real(shape: [], unit: "1"))
      let air = try open(TabularData.self, ["table": "beijing-air", "scaling": "none", "train": "10"], root)
      // 43,824 hours, 35,059 of them before the cut; 24 hours and the one after.
      #expect(air.sizes == [10, 0, 43824 - 35059 - 24])
      #expect(air.spec[field: "features"]?.kind == .real(shape: [24, 3 + 1 + 3 + 4 + 3], unit: "1"))
      let days = try open(TabularData.self, ["table": "minimum-temperatures", "window": "7"], root)
      #expect(days.sizes == [2920 - 7, 0, 3650 - 2920 - 7])
    }
  }
}
