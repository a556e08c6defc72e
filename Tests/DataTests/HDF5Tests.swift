import Glibc
import ReproConfig
import ReproTensor
import TestSupport
import Testing

@testable import ReproData

@Suite struct HDF5Tests {
  private func fill(_ file: HDF5File) throws {
    try file.write("weights/conv/kernel", (0..<24).map { Float($0) / 8 }, shape: [2, 3, 4])
    try file.write("weights/bias", [0.1, -0.2, .infinity], shape: [3])
    try file.write("step", [Int64.min], shape: [])
    try file.write("ids", [1, -2, Int32.max, Int32.min], shape: [2, 2])
    try file.write(
      "pixels", (0..<6000).map { UInt8($0 % 251) }, shape: [100, 60], storage: .deflated(level: 6, rows: 7))
    try file.write("nothing", [Float](), shape: [0, 5])
    try file.setAttribute("title", .text("grün & blau"))
    try file.setAttribute("empty", .text(""))
    try file.setAttribute("version", .integer(-3), of: "weights")
    try file.setAttribute("rate", .real(0.1), of: "weights/bias")
  }

  @Test func everyScalarRankAndAttributeIsReadBack() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.h5"
      try HDF5File.write(path, fill)
      let file = try HDF5File.open(path, seal: .required)
      let kernel = try file.read("weights/conv/kernel", as: Float.self, shape: [2, 3, 4])
      #expect(kernel.values == (0..<24).map { Float($0) / 8 } && kernel.shape == [2, 3, 4])
      #expect(try file.read("/weights/bias/", as: Double.self).values == [0.1, -0.2, .infinity])
      #expect(try file.read("step", as: Int64.self, shape: []).values == [Int64.min])
      #expect(try file.read("ids", as: Int32.self).values == [1, -2, Int32.max, Int32.min])
      #expect(try file.read("pixels", as: UInt8.self).values == (0..<6000).map { UInt8($0 % 251) })
      #expect(try file.read("nothing", as: Float.self, shape: [0, 5]).values.isEmpty)
      #expect(try file.attribute("title") == .text("grün & blau"))
      #expect(try file.text("empty") == "")
      #expect(try file.integer("version", of: "weights") == -3)
      #expect(try file.real("rate", of: "weights/bias") == 0.1)
      #expect(try file.attribute("none") == nil)
      #expect(try file.children() == ["ids", "nothing", "pixels", "step", "weights"])
      #expect(try file.children(of: "weights") == ["bias", "conv"])
      #expect(try file.isGroup("weights") && !file.isGroup("ids") && !file.isGroup("weights/none/at/all"))
      #expect(try file.info("ids").element == .int32)
    }
  }

  @Test func rowsAreReadWithoutTheRest() throws {
    let file = try HDF5File.inMemory("rows")
    let values = (0..<120).map { Int32($0) }
    try file.write("flat", values, shape: [10, 3, 4])
    try file.write("packed", values, shape: [10, 3, 4], storage: .deflated(level: 1, rows: 4))
    for name in ["flat", "packed"] {
      #expect(try file.read(name, rows: 3..<9, rowShape: [3, 4], as: Int32.self) == Array(values[36..<108]))
      #expect(try file.read(name, rows: 4..<4, rowShape: [3, 4], as: Int32.self).isEmpty)
      for (rows, shape) in [(3..<11, [3, 4]), (-1..<2, [3, 4]), (0..<1, [4, 3]), (0..<1, [12])] as [(Range<Int>, Shape)]
      {
        #expect(reproError { _ = try file.read(name, rows: rows, rowShape: shape, as: Int32.self) }?.domain == .data)
      }
    }
  }

  @Test func equalContentsGiveEqualFilesAtDifferentTimes() throws {
    try withTemporaryFolder { folder in
      try HDF5File.write("\(folder)/a.h5", fill)
      // Times are stored in whole seconds where they are stored.
      usleep(1_100_000)
      try HDF5File.write("\(folder)/b.h5", fill)
      #expect(try SafeFile.sha256("\(folder)/a.h5") == SafeFile.sha256("\(folder)/b.h5"))
      #expect(try HDF5File.open("\(folder)/a.h5").sealedSHA256 == SafeFile.sha256("\(folder)/a.h5", from: 512))
    }
  }

  @Test func wrongTypesShapesAndNamesAreErrorsThatNameThePlace() throws {
    let file = try HDF5File.inMemory("memory")
    try fill(file)
    func message(_ body: () throws -> Void) -> String? { reproError(body)?.description }
    #expect(
      message { _ = try file.read("weights/bias", as: Float.self) }
        == "memory:/weights/bias: the values are float64, expected float32")
    #expect(
      message { _ = try file.read("ids", as: Int32.self, shape: [4]) }
        == "memory:/ids: the shape is [2, 2], expected [4]")
    #expect(
      message { _ = try file.read("weights/none", as: Float.self) } == "memory:/weights/none: there is no such dataset")
    #expect(message { _ = try file.read("weights", as: Float.self) } == "memory:/weights: this is no dataset")
    #expect(message { _ = try file.children(of: "ids") } == "memory:/ids: this is no group")
    #expect(message { try file.write("ids", [1.0], shape: [1]) } == "memory:/ids: the name is taken already")
    #expect(
      message { _ = try file.text("version", of: "weights") }
        == "memory:/weights@version: the value is an integer, expected text")
    #expect(message { _ = try file.integer("none") } == "memory:/@none: missing, expected an integer")
    #expect(
      message { try file.setAttribute("title", .integer(1)) }?.hasPrefix("memory:/@title: cannot write (HDF5:") == true)
    #expect(
      message { try file.setAttribute("big", .text(String(repeating: "x", count: 70_000))) }?
        .hasSuffix("store it as a dataset of bytes") == true)
    // A dataset in the way of a group.
    #expect(message { try file.write("ids/below", [1.0], shape: [1]) } != nil)
  }

  @Test func aFailedWriteLeavesTheOldFile() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.h5"
      try HDF5File.write(path) { try $0.write("x", [1.0], shape: [1]) }
      let before = try SafeFile.read(path)
      let error = reproError {
        try HDF5File.write(path) { file in
          try file.write("x", [2.0], shape: [1])
          try file.write("x", [3.0], shape: [1])
        }
      }
      #expect(error?.found == "the name is taken already")
      #expect(try SafeFile.read(path) == before)
      #expect(SafeFile.list(folder) == ["a.h5"])
    }
  }

  @Test func aFullDiskIsAnErrorAndNotALoss() throws {
    // The driver meets the full device when the file is created or, at the latest, when it is closed.
    let error = reproError {
      let file = try HDF5File.create("/dev/full", reportedAs: "full.h5", inMemory: false)
      try file.write("x", [Double](repeating: 1, count: 10_000), shape: [10_000])
      try file.close()
    }
    #expect(error?.domain == .data)
    #expect(error?.description == "full.h5: cannot create (HDF5: file write failed: No space left on device)")
  }

  @Test func everyDamageToASealedFileIsFoundBeforeItIsParsed() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.h5"
      try HDF5File.write(path) { file in
        try file.write("x", (0..<64).map { Float($0) }, shape: [8, 8])
        try file.setAttribute("title", .text("a"))
      }
      let good = try SafeFile.read(path)
      let refused = damage(good, samples: 2500) { bytes in
        #expect(truncate(path, off_t(bytes.count)) == 0)
        try SafeFile.overwrite(path, bytes: bytes, reportedAs: path)
        let file = try HDF5File.open(path, seal: .required)
        // Only the unused rest of the user block may differ.
        #expect(try file.read("x", as: Float.self, shape: [8, 8]).values == (0..<64).map { Float($0) })
      }
      #expect(refused.cuts == (good.count + max(1, good.count / 2500) - 1) / max(1, good.count / 2500))
      #expect(refused.flips > 1500)
      let text = reproError {
        var bytes = good
        bytes[good.count - 1] ^= 1
        try SafeFile.write(path, bytes: bytes)
        _ = try HDF5File.open(path)
      }
      #expect(text?.found.hasPrefix("the data is damaged: sha256 ") == true)
    }
  }

  @Test func filesWithoutASealAreReadOnRequestOnly() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.h5"
      let file = try HDF5File.create(path, reportedAs: path, inMemory: false)
      try file.write("x", [1.0, 2.0], shape: [2])
      try file.close()
      #expect(try HDF5File.open(path, seal: .ifPresent).read("x", as: Double.self).values == [1, 2])
      #expect(reproError { _ = try HDF5File.open(path) }?.found.contains("no seal") == true)
      try SafeFile.write("\(folder)/b.h5", text: "not HDF5 at all")
      #expect(
        reproError { _ = try HDF5File.open("\(folder)/b.h5", seal: .ifPresent) }?.found == "this is not an HDF5 file")
      #expect(reproError { _ = try HDF5File.open("\(folder)/c.h5") }?.found == "cannot open: No such file or directory")
    }
  }

  @Test func filesOfOtherProgramsAreRead() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/h5py.h5"
      try SafeFile.write(path, bytes: try Deflate.gunzip(Vectors.h5pyPacked, limit: 1 << 20, file: "vector"))
      let file = try HDF5File.open(path, seal: .ifPresent)
      #expect(file.sealedSHA256 == nil)
      #expect(try file.text("title") == "café")
      #expect(try file.integer("count") == -7)
      #expect(try file.real("rate") == 0.5)
      #expect(reproError { _ = try file.attribute("many") }?.found == "2 values")
      #expect(try file.read("g/packed", as: Float.self, shape: [2, 3, 4]).values == (0..<24).map { Float($0) })
      #expect(try file.read("g/packed", rows: 1..<2, rowShape: [3, 4]) == (12..<24).map { Float($0) })
      #expect(try file.read("big", as: Int32.self).values == [1, -2])
      #expect(try file.children() == ["alias", "big", "g", "short", "strings"])
      func found(_ name: String) -> String? { reproError { _ = try file.read(name, as: Int32.self) }?.found }
      #expect(found("short") == "the values are 16-bit signed integer")
      #expect(found("strings") == "the values are text")
      #expect(found("alias") == "this is a link to another place")
    }
  }

  /// Replaces the only occurrence of a little-endian 64-bit number.
  private func patch(_ bytes: [UInt8], _ old: UInt64, _ new: UInt64) throws -> [UInt8] {
    let pattern = (0..<8).map { UInt8(truncatingIfNeeded: old >> (8 * UInt64($0))) }
    var result = bytes
    var places = 0
    for at in 0...(bytes.count - 8) where Array(bytes[at..<at + 8]) == pattern {
      for i in 0..<8 { result[at + i] = UInt8(truncatingIfNeeded: new >> (8 * UInt64(i))) }
      places += 1
    }
    try #require(places > 0)
    return result
  }

  @Test(arguments: [HDF5Storage.contiguous, .deflated(level: 9, rows: 100)])
  func aHeaderThatClaimsMoreThanTheFileHoldsIsRefused(storage: HDF5Storage) throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.h5"
      let file = try HDF5File.create(path, reportedAs: path, inMemory: false)
      try file.write("x", [UInt8](repeating: 7, count: 54_321), shape: [54_321], storage: storage)
      try file.close()
      let whole = try SafeFile.read(path)
      let claims: [(UInt64, String)] = [
        (1 << 30, "the header claims [1073741824] values of 1 bytes, but only "),
        (1 << 40, "the header claims [1099511627776] values"),
      ]
      for (claim, found) in claims {
        try SafeFile.write(path, bytes: patch(whole, 54_321, claim))
        let error = reproError { _ = try HDF5File.open(path, seal: .ifPresent).read("x", as: UInt8.self) }
        #expect(error?.location == "\(path):/x")
        #expect(error?.found.hasPrefix(found) == true)
      }
    }
  }

  @Test func threadsTakeTurns() async throws {
    let file = try HDF5File.inMemory("shared")
    for i in 0..<8 { try file.write("d\(i)", [Double](repeating: Double(i), count: 1000), shape: [1000]) }
    let sums = try await withThrowingTaskGroup(of: (Int, Double).self) { group in
      for i in 0..<64 {
        group.addTask { (i, try file.read("d\(i % 8)", as: Double.self).values.reduce(0, +)) }
      }
      return try await group.reduce(into: [Double](repeating: -1, count: 64)) { $0[$1.0] = $1.1 }
    }
    #expect(sums == (0..<64).map { Double($0 % 8) * 1000 })
  }
}
