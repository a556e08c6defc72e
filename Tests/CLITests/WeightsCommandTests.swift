import Foundation
import ReproConfig
import ReproData
import ReproEngine
import ReproTensor
import TestSupport
import Testing

@testable import ReproCLI

/// `repro weights`, and published weights given to `repro run`.
@Suite struct WeightsCommandTests {
  private func vector(_ name: String) -> String { "\(Person.repository)/Tests/Support/vectors/\(name)" }

  @Test func inspectingListsNamesShapesTypesAndTotals() throws {
    try withPerson { person in
      let outcome = try person.types("weights", "inspect", vector("weights_legacy.pth"))
      #expect(outcome.status == 0 && outcome.errors == "")
      let lines = outcome.output.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
      #expect(lines.first == "array type shape size")
      #expect(lines.contains("state.plain.weight F32 [2, 3] 24 bytes"))
      #expect(lines.contains("state.brain BF16 [5] 10 bytes"))
      #expect(lines.contains("epoch = 12"))
      #expect(lines.last?.hasPrefix("PyTorch pickle: 17 arrays, 96 numbers, ") == true, "\(lines.last ?? "")")
      let json = try JSONValue(
        parsing: person.types("weights", "inspect", "--json", vector("weights_zip.pth")).output, file: "json")
      #expect(json["arrays"]?.array?.count == 17 && json["format"]?.string == "PyTorch zip")
    }
  }

  @Test func convertingGivesFilesThatAreReadAgain() throws {
    try withPerson { person in
      let out = person.here + "/a.safetensors"
      let outcome = try person.types("weights", "convert", vector("published_dinov2.pth"), out)
      #expect(
        outcome.status == 0 && outcome.output.hasPrefix("\(out): 35 arrays, "), "\(outcome.output)\(outcome.errors)")
      let check = try person.types("weights", "check", "--heads", "2", out)
      #expect(check.output == "35 parameters fit; nothing else is in the file\n" && check.status == 0)
      let again = try person.types("weights", "convert", vector("published_dinov2.pth"), out)
      #expect(again.errors == "repro: \(out): the file is there already; --force replaces it\n" && again.status == 2)
      let h5 = try person.types("weights", "convert", out, person.here + "/a.h5")
      #expect(h5.status == 0)
      let odd = try person.types("weights", "convert", out, person.here + "/a.bin")
      #expect(odd.status == 2 && odd.errors.contains("the ending names no format that is written"))
    }
  }

  @Test func checkingPrintsEveryDifference() throws {
    try withPerson { person in
      let file = try WeightFile(vector("published_dinov2.pth"))
      let out = person.here + "/a.safetensors"
      var arrays = file.entries.filter { $0.name != "norm.bias" }.map { WeightToWrite($0, of: file) }
      arrays.append(WeightToWrite("more", Tensor([1], [2])))
      try WeightWriter.safetensors(out, arrays)
      let outcome = try person.types("weights", "check", out)
      #expect(
        outcome.output == "missing norm.bias [8]\nunexpected more [1]\n34 parameters fit\n", "\(outcome.output)")
      #expect(outcome.status == 3 && outcome.errors == "repro: \(out): 2 differences\n")
      let other = try person.types("weights", "check", "--as", "clipp", out)
      #expect(other.errors == "repro: --as clipp: unknown architecture; did you mean 'clip'?\n" && other.status == 2)
    }
  }

  @Test func aPickleThatNamesACommandIsRefused() throws {
    try withPerson { person in
      let magic: [UInt8] = [0x80, 2, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
      let rest: [UInt8] =
        [0x80, 2, 0x4D, 0xE9, 3, 0x2E] + [0x80, 2, 0x7D, 0x8C, 13] + Array("little_endian".utf8)
        + [0x88, 0x73, 0x2E]
      let bad = Array("cos\nsystem\n(Vtouch \(person.here)/owned\ntR.".utf8)
      try SafeFile.write(person.here + "/a.pth", bytes: magic + rest + bad)
      let outcome = try person.types("weights", "inspect", person.here + "/a.pth")
      #expect(outcome.status == 3 && outcome.output == "")
      #expect(
        outcome.errors.hasPrefix(
          "repro: \(person.here)/a.pth at byte \(magic.count + rest.count): the pickle names 'os.system', which is not "
        ),
        "\(outcome.errors)")
      #expect(!SafeFile.exists(person.here + "/owned"))
    }
  }

  /// The provider of image folders is there as soon as this program has one.
  private static let hasFolders = Plugins.builtIn.datasets.contains { $0.card.id == "imagefolder" }

  @Test(.enabled(if: hasFolders, "no provider 'imagefolder'"))
  func publishedWeightsAreMeasuredOnAFolderOfImages() throws {
    try withPerson { person in
      var stream = RandomStream(seed: 1)
      for (split, count) in [("train", 12), ("test", 4)] {
        for (kind, name) in ["lying", "standing"].enumerated() {
          try SafeFile.makeFolder("\(person.here)/photos/\(split)/\(name)")
          for i in 0..<count {
            let phase = stream.integer(below: 40)
            var image = ByteImage(height: 300, width: 280, channels: 3, bytes: [UInt8](repeating: 50, count: 252_000))
            for y in 0..<300 {
              for x in 0..<280 where ((kind == 0 ? y : x) + phase) % 40 < 20 {
                for c in 0..<3 { image[y, x, c] = 200 }
              }
            }
            try PNG.write("\(person.here)/photos/\(split)/\(name)/\(i).png", ImageBatch([image]))
          }
        }
      }
      let outcome = try person.types(
        "run", "dinov2-small", "--scale", "paper", "--weights", vector("published_dinov2.pth"), "--data",
        "imagefolder=\(person.here)/photos")
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.output.contains("knn.top1 ") && outcome.output.contains("; reported 0.790 on ImageNet-1k"))
      #expect(
        outcome.output.contains("linear-probe.top1 ") && outcome.output.contains("; reported 0.811 on ImageNet-1k"))
    }
  }

  @Test func weightsOfNoKnownKindAreRefusedBeforeAnythingRuns() throws {
    try withPerson { person in
      try write("<html>", to: person.here + "/a.pth")
      let outcome = try person.types("run", "dinov2-small", "--weights", person.here + "/a.pth")
      #expect(outcome.status == 3 && outcome.errors.contains("this is a web page"), "\(outcome.errors)")
    }
  }
}

/// `repro data fetch` as processes meet it, from a mirror on this machine's network.
@Suite(.enabled(if: realMirror() != nil, "no mirror")) struct FetchingProcessesTests {
  private func withMirror(_ body: (Person) throws -> Void) throws {
    let folder = try #require(realMirror())
    try withPerson { person in
      try LocalServer.run(folder: folder) { server in
        var owner = person
        owner.environment["REPRO_MIRROR"] = server.url
        try body(owner)
      }
    }
  }

  @Test func aFullDiskIsSaidAndWhatCameIsUsedTheNextTime() throws {
    try withMirror { owner in
      // A limit on the size of files, in KiB, stands for a full disk.
      let line = "trap '' XFSZ; ulimit -f 1024; exec '\(Person.program)' data fetch mnist --yes"
      let full = try owner.types(["-c", line], program: "/bin/bash")
      #expect(full.status == 3, "\(full.errors)")
      #expect(full.errors.contains(".part: cannot write ") && full.errors.contains("File too large"), "\(full.errors)")
      let part = "\(owner.here)/cache/sources/mnist/train-images-idx3-ubyte.gz.part"
      let kept = try SafeFile.size(part)
      #expect(kept > 1 << 19 && kept <= 1 << 20)
      let again = try owner.types("data", "fetch", "mnist", "--yes")
      #expect(again.status == 0 && again.output.hasPrefix("mnist: fetched and verified"), "\(again.errors)")
      #expect(!SafeFile.exists(part))
    }
  }

  @Test func threeProcessesFetchTheSameSetAtOnce() throws {
    try withMirror { owner in
      let processes = try (0..<3).map { i in
        try owner.start(
          ["data", "fetch", "mnist", "--yes"], output: "\(owner.here)/\(i).out", errors: "\(owner.here)/\(i).err")
      }
      for process in processes { process.waitUntilExit() }
      #expect(processes.allSatisfy { $0.terminationStatus == 0 })
      let check = try owner.types("data", "check", "mnist")
      #expect(check.status == 0 && !check.output.contains("damaged"), "\(check.output)")
      #expect(SafeFile.list("\(owner.here)/cache/sources/mnist").allSatisfy { !$0.hasSuffix(".part") })
    }
  }
}
