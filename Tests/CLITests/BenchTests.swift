import ReproConfig
import ReproData
import Testing

@testable import ReproCLI

/// `repro bench`: what it prints and what it refuses. How fast things are is not tested here.
@Suite struct BenchTests {
  @Test func theListNamesEveryWorkloadOfTheReferenceScript() throws {
    try withPerson { person in
      let outcome = try person.types("bench", "--list")
      #expect(outcome.status == 0 && outcome.errors == "")
      for name in [
        "gemm", "mlp", "infonce", "elementwise", "vit-tiny-32", "vit-small-96", "resnet18w16-32", "resnet18-32",
      ] {
        #expect(outcome.output.contains("\n\(name) "), "\(name)")
      }
    }
  }

  @Test func namesOfWorkloadsAreDifferent() {
    #expect(Set(Workload.all.map(\.name)).count == Workload.all.count)
  }

  @Test func aMeasurementIsOneJSONObjectALineWithTheReferenceScriptsFields() throws {
    try withPerson { person in
      let outcome = try person.types("bench", "infonce", "tape", "--threads", "1", "--steps", "3", "--json")
      #expect(outcome.status == 0 && outcome.errors == "")
      let lines = outcome.output.split(separator: "\n")
      #expect(lines.count == 2)
      for (line, name) in zip(lines, ["infonce", "tape"]) {
        let result = try JSONValue(parsing: String(line), file: "bench")
        #expect(result["workload"]?.string == name && result["threads"]?.int == 1 && result["steps"]?.int == 3)
        #expect(result["impl"]?.string?.hasPrefix("repro ") ?? false)
        let (median, least) = (try #require(result["median_s"]?.double), try #require(result["min_s"]?.double))
        #expect(least > 0 && median >= least && median < 60)
        let units: Double = name == "tape" ? 20_000 : 1024
        let rate = try #require(result["per_s"]?.double)
        #expect(abs(rate * median / units - 1) < 1e-9)
        #expect(try #require(result["maxrss_mib"]?.double) > 1)
        #expect(result["allocations_per_step"]?.double == 0, "a warm step takes nothing from the system")
        #expect((result["gflops"] == nil) == (name == "tape"))
      }
    }
  }

  @Test func aMethodsStepAndACheckpointAreTimedAndLeaveNothingBehind() throws {
    try withPerson { somebody in
      var person = somebody
      person.environment["TMPDIR"] = person.here
      let outcome = try person.types("bench", "checkpoint-read", "dinov2", "--steps", "1")
      #expect(outcome.status == 0 && outcome.errors == "", "\(outcome.errors)")
      let lines = outcome.output.split(separator: "\n")
      #expect(lines.count == 3 && lines[0].hasPrefix("workload ") && lines[2].hasPrefix("dinov2 "))
      #expect(try person.types(shell: "ls -d repro-bench-* 2>/dev/null").output == "")
    }
  }

  @Test func aProfileOfABenchIsATableOrAMemberOfTheObject() throws {
    try withPerson { person in
      let table = try person.types("bench", "mlp", "--steps", "2", "--profile").output
      #expect(table.contains("\nmlp, 2 steps\nop ") && table.contains("\nlinear "))
      #expect(table.contains("  backward  ") && table.contains("\nall "))
      let text = try person.types("bench", "mlp", "--steps", "2", "--profile", "--json").output
      let rows = try JSONValue(parsing: text, file: "bench")["profile"]?.array ?? []
      let linear = rows.first { $0["op"]?.string == "linear" && $0["pass"]?.string == "forward" }
      #expect(linear?["calls"]?.int == 6, "three layers, two steps")
      #expect(linear?["operations"]?.int == 2 * 2 * 128 * (784 * 256 + 256 * 256 + 256 * 10))
    }
  }

  @Test func aProfiledRunGivesTheSameRecordAndAFileBesideItsTiming() throws {
    try withWorkshop { workshop in
      let run = ["run", "probe", "--scale", "tiny", "--arms", "method", "--seeds", "0"]
      let watched = try workshop.person.types(run + ["--profile", "--out", "watched"])
      #expect(watched.status == 0, "\(watched.errors)")
      #expect(watched.output.hasPrefix("op ") && watched.output.contains("\naugmentation "))
      #expect(watched.output.contains("\noptimizer ") && watched.output.contains("\nevaluation "))
      #expect(try workshop.person.types(run + ["--out", "plain"]).status == 0)
      let place = "probe/tiny/method-0"
      #expect(
        try bytes("\(workshop.root)/watched/\(place)/record.json")
          == bytes("\(workshop.root)/plain/\(place)/record.json"))
      let json = try JSONValue(path: "\(workshop.root)/watched/\(place)/profile.json")
      #expect(json.array?.contains { $0["op"]?.string == "linear" } ?? false)
      #expect(!SafeFile.exists("\(workshop.root)/plain/\(place)/profile.json"))
    }
  }

  @Test func unknownWorkloadsAndOddCountsAreRefusedWithAHint() throws {
    try withPerson { person in
      let slip = try person.types("bench", "elemntwise")
      #expect(slip.status == 2 && slip.output == "")
      #expect(slip.errors == "repro: unknown workload 'elemntwise'; did you mean 'elementwise'?\n")
      let prefix = try person.types("bench", "resnet")
      #expect(prefix.errors.contains("did you mean 'resnet18-32' or 'resnet18w16-32'?"))
      let other = try person.types("bench", "fast", "--json")
      #expect(other.status == 2 && other.errors.contains("there are gemm, elementwise, "))
      #expect(try person.types("bench", "gemm", "--steps", "0").status == 2)
      #expect(try person.types("bench", "gemm", "--threads", "0").status == 2)
    }
  }

  @Test func timesAndCountsReadLikeTimesAndCounts() {
    #expect(shortTime(1.23456) == "1.235 s" && shortTime(0.0123456) == "12.35 ms" && shortTime(0.5) == "500.0 ms")
    #expect(shortTime(4.5e-6) == "4.500 us" && shortTime(3e-9) == "3.0 ns")
    #expect(grouped(1_234_567.4) == "1 234 567" && grouped(999) == "999" && grouped(12.34) == "12.3")
    #expect(grouped(100_000) == "100 000")
  }
}
