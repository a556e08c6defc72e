import Foundation
import ReproConfig
import ReproEngine
import Testing

/// For tests that send signals to programs in the middle of their work.
private let onDemand: ConditionTrait = .enabled(
  if: ProcessInfo.processInfo.environment["REPRO_SLOW"] != nil,
  "kills programs: REPRO_SLOW=1 ./repro test --filter EndToEndTests")

/// Whole runs of the program: the same bytes whatever happens to it. Serialised, as runs want the machine.
@Suite(.serialized) struct EndToEndTests {
  /// One evaluation instead of four, where the training is what is tested.
  private static let quick = ["--set", "evaluate=[{type: knn/v1, k: 20}]"]

  private func record(_ person: Person, _ out: String, _ cell: String = "dinov2-small/tiny/method-0") throws -> Data {
    try bytes("\(person.here)/\(out)/\(cell)/record.json")
  }

  private func finishes(_ person: Person, _ arguments: [String], out: String) throws -> Person.Outcome {
    let outcome = try person.types(["run"] + arguments + ["--out", out])
    try #require(outcome.status == 0, "\(arguments): \(outcome.errors)")
    return outcome
  }

  @Test func oneThreadAndTwoGiveTheSameRecord() throws {
    try withPerson { person in
      let run = ["dinov2-small", "--scale", "tiny", "--arms", "method"]
      let outcome = try finishes(person, run + ["--threads", "1"], out: "one")
      _ = try finishes(person, run + ["--threads", "2"], out: "two")
      #expect(try record(person, "one") == record(person, "two"))
      #expect(!outcome.output.contains(escape) && !outcome.errors.contains(escape), "escape codes in a pipe")
      #expect(outcome.output.contains("Reported by the paper, at its own scale"))
      #expect(outcome.errors.contains("method-0: done (1 of 1)\n"))
    }
  }

  @Test func oneJobAndTwoGiveTheSameRecords() throws {
    try withPerson { person in
      let run = ["dinov2-small", "--scale", "tiny", "--arms", "method,random", "--seeds", "0,1000"] + Self.quick
      _ = try finishes(person, run + ["--jobs", "1"], out: "one")
      let outcome = try finishes(person, run + ["--jobs", "2", "--json"], out: "two")
      for cell in ["method-0", "method-1000", "random-0", "random-1000"] {
        #expect(
          try record(person, "one", "dinov2-small/tiny/" + cell) == record(person, "two", "dinov2-small/tiny/" + cell))
      }
      let records = try JSONValue(parsing: outcome.output, file: "output").array ?? []
      #expect(records.map { $0["arm"]?.string } == ["method", "method", "random", "random"])
    }
  }

  @Test func aProtocolTrainsTheNetworksOfTheMethodsFurther() throws {
    try withPerson { person in
      func records(_ steps: Int, threads: String) throws -> [RunRecord] {
        let protocols = "evaluate=[{type: fine-tune/v1, steps: \(steps), rates: [0.003], batch: 32}]"
        let (arms, out) = (["method", "supervised"], "runs-\(steps)-\(threads)")
        let run = ["dinov2-small", "--scale", "tiny", "--arms", arms.joined(separator: ","), "--threads", threads]
        _ = try finishes(person, run + ["--set", "pretrain.steps=2", "--set", protocols], out: out)
        return try arms.map { arm in
          let bytes = try record(person, out, "dinov2-small/tiny/\(arm)-0")
          return try RunRecord(JSONValue(parsing: String(decoding: bytes, as: UTF8.self), file: out), at: out)
        }
      }
      let (few, many) = (try records(1, threads: "2"), try records(20, threads: "2"))
      for (a, b) in zip(few, many) {
        #expect(a.measurements.map(\.name).first == "fine-tune.top1")
        #expect(a.measurements != b.measurements, "the protocol trains")
        #expect(a.weightsSHA256 == b.weightsSHA256, "a copy, and not what the run has trained")
      }
      #expect(try records(20, threads: "1").map(\.measurements) == many.map(\.measurements))
    }
  }

  // MARK: Stops

  private static let long = [
    "probe", "--scale", "tiny", "--arms", "method", "--seeds", "0", "--set", "pretrain.steps=500",
  ]
  private static let cell = "probe/tiny/method-0"

  /// The processes that a process has started.
  private func children(of process: Process) -> [pid_t] {
    let path = "/proc/\(process.processIdentifier)/task/\(process.processIdentifier)/children"
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    return text.split(separator: " ").compactMap { pid_t($0) }
  }

  /// Starts the long run, saving at every step, and waits until its checkpoint has been written so many times or it ends.
  private func begin(_ workshop: Workshop, checkpoints: Int, out: String = "runs") throws -> Process {
    let process = try workshop.person.start(
      ["run"] + Self.long + ["--out", out, "--checkpoint-seconds", "0"], output: workshop.root + "/begun.out",
      errors: workshop.root + "/begun.err")
    let path = "\(workshop.root)/\(out)/\(Self.cell)/checkpoint.h5"
    var seen: Set<UInt64> = []
    while process.isRunning, seen.count < checkpoints {
      var status = stat()
      if stat(path, &status) == 0 { seen.insert(UInt64(status.st_ino) << 32 ^ UInt64(status.st_mtim.tv_nsec)) }
      usleep(1000)
    }
    return process
  }

  private func said(_ workshop: Workshop) throws -> String {
    try String(contentsOfFile: workshop.root + "/begun.err", encoding: .utf8)
  }

  @Test(onDemand) func aRunKilledAtManyMomentsEndsWithTheSameBytes() throws {
    try withWorkshop { workshop in
      _ = try finishes(workshop.person, Self.long, out: "whole")
      var kills = 0
      // The worker alone; the command alone, whose worker then saves and stops; both at once.
      for (turn, moment) in [1, 7, 2, 19, 3, 11].enumerated() {
        let process = try begin(workshop, checkpoints: moment)
        let workers = children(of: process)
        if turn % 3 != 1 { for worker in workers { kill(worker, SIGKILL) } }
        if turn % 3 != 0 { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        if process.terminationReason == .exit && process.terminationStatus == 0 { break }
        kills += 1
        if turn % 3 == 0 {
          #expect(process.terminationStatus == 130)
          #expect(try said(workshop).contains("repro: method-0: killed"))
          #expect(try said(workshop).hasSuffix("repro: interrupted; the same command goes on from the saved state\n"))
        }
        let record = "\(workshop.root)/runs/\(Self.cell)/record.json"
        #expect(!FileManager.default.fileExists(atPath: record), "the run ended before it was killed")
      }
      #expect(kills >= 4)
      let outcome = try finishes(workshop.person, Self.long, out: "runs")
      #expect(!outcome.errors.contains("damaged"))
      #expect(try record(workshop.person, "runs", Self.cell) == record(workshop.person, "whole", Self.cell))
    }
  }

  @Test(onDemand) func controlCSavesAndTheSameCommandGoesOn() throws {
    try withWorkshop { workshop in
      _ = try finishes(workshop.person, Self.long, out: "whole")
      let process = try begin(workshop, checkpoints: 3)
      process.interrupt()
      process.waitUntilExit()
      #expect(process.terminationStatus == 130)
      #expect(try said(workshop).hasSuffix("repro: interrupted; the same command goes on from the saved state\n"))
      _ = try finishes(workshop.person, Self.long, out: "runs")
      #expect(try record(workshop.person, "runs", Self.cell) == record(workshop.person, "whole", Self.cell))
    }
  }

  @Test(onDemand) func twoCommandsForOneRunTakeTurns() throws {
    try withWorkshop { workshop in
      let first = try begin(workshop, checkpoints: 1)
      let second = try finishes(workshop.person, Self.long, out: "runs")
      first.waitUntilExit()
      #expect(first.terminationStatus == 0)
      #expect(second.errors.contains("repro: method-0: another process works on this run; waiting for it\n"))
      #expect(try said(workshop).contains("method-0: done (1 of 1)\n"))
    }
  }

  // MARK: Damage

  @Test(onDemand) func aDamagedCheckpointIsNamedAndTheOneBeforeIsUsed() throws {
    try withWorkshop { workshop in
      _ = try finishes(workshop.person, Self.long, out: "whole")
      let process = try begin(workshop, checkpoints: 5)
      for worker in children(of: process) { kill(worker, SIGKILL) }
      process.waitUntilExit()
      let folder = "\(workshop.root)/runs/\(Self.cell)"
      var damaged = try bytes(folder + "/checkpoint.h5")
      damaged[damaged.count / 2] ^= 1
      try damaged.write(to: URL(fileURLWithPath: folder + "/checkpoint.h5"))
      let outcome = try finishes(workshop.person, Self.long, out: "runs")
      #expect(outcome.complaint.hasPrefix("repro: damaged checkpoint: runs/\(Self.cell)/checkpoint.h5: "))
      #expect(outcome.complaint.contains("\nrepro: going on from runs/\(Self.cell)/checkpoint.previous.h5"))
      #expect(try record(workshop.person, "runs", Self.cell) == record(workshop.person, "whole", Self.cell))
    }
  }

  @Test func aFolderOfAnotherRecipeIsMovedAsideAndSaid() throws {
    try withWorkshop { workshop in
      let run = ["probe", "--scale", "tiny", "--arms", "method", "--seeds", "0"]
      _ = try finishes(workshop.person, run, out: "runs")
      let before = try record(workshop.person, "runs", Self.cell)
      let outcome = try finishes(workshop.person, run + ["--set", "method.depth=2"], out: "runs")
      #expect(
        outcome.complaint == "repro: runs/\(Self.cell): the recipe or the machine's libraries changed; "
          + "the earlier run was moved to runs/\(Self.cell).old1")
      #expect(try record(workshop.person, "runs", Self.cell + ".old1") == before)
      #expect(try record(workshop.person, "runs", Self.cell) != before)
      // A finished run is found again and not run again.
      let again = try finishes(workshop.person, run + ["--set", "method.depth=2"], out: "runs")
      #expect(again.errors.contains("1 of 1 run finished earlier\n"))
    }
  }

  /// Whether a small file system of its own can be mounted.
  private static let mayMount: Bool = {
    guard geteuid() == 0 else { return false }
    return
      (try? withPerson { person in
        try person.types(shell: "mkdir disk && mount -t tmpfs -o size=1m tmpfs disk && umount disk").status == 0
      }) ?? false
  }()

  @Test(onDemand, .enabled(if: mayMount, "only root may mount the small disk that this test fills"))
  func aFullDiskKeepsTheCheckpointThatWasThere() throws {
    try withWorkshop { workshop in
      _ = try finishes(workshop.person, Self.long, out: "whole")
      let disk = workshop.root + "/disk"
      try #require(try workshop.person.types(shell: "mkdir disk && mount -t tmpfs -o size=16m tmpfs disk").status == 0)
      defer { _ = try? workshop.person.types(shell: "umount disk") }
      let process = try begin(workshop, checkpoints: 5, out: "disk/runs")
      for worker in children(of: process) { kill(worker, SIGKILL) }
      process.waitUntilExit()
      let checkpoint = "\(disk)/runs/\(Self.cell)/checkpoint.h5"
      let before = try bytes(checkpoint)

      _ = try workshop.person.types(shell: "cat /dev/zero >disk/filler")
      let full = try workshop.person.types(["run"] + Self.long + ["--out", "disk/runs", "--checkpoint-seconds", "0"])
      #expect(full.status == 3, "\(full.errors)")
      #expect(full.complaint.hasPrefix("repro: method-0: disk/runs/\(Self.cell)/checkpoint.next.h5: cannot "))
      #expect(full.complaint.hasSuffix("No space left on device)"), "\(full.complaint)")
      #expect(try bytes(checkpoint) == before)

      try FileManager.default.removeItem(atPath: disk + "/filler")
      _ = try finishes(workshop.person, Self.long, out: "disk/runs")
      #expect(try record(workshop.person, "disk/runs", Self.cell) == record(workshop.person, "whole", Self.cell))
    }
  }

  @Test func aFileThatMayNotGrowIsSaidAndNothingCrashesAtTheEnd() throws {
    try withPerson { person in
      let run = ["dinov2-small", "--scale", "tiny", "--arms", "method", "--seeds", "0"] + Self.quick
      _ = try finishes(person, run, out: "whole")
      let words = (["run"] + run + ["--out", "runs"]).map { "'\($0)'" }.joined(separator: " ")
      let limited = try person.types(shell: "ulimit -f 20; '\(Person.program)' \(words)")
      #expect(limited.status == 3, "\(limited.errors)")
      #expect(limited.complaint.contains("/method-0/checkpoint.next.h5:"), "\(limited.complaint)")
      #expect(limited.complaint.contains("File too large"), "\(limited.complaint)")
      _ = try finishes(person, run, out: "runs")
      #expect(try record(person, "runs") == record(person, "whole"))
    }
  }

  // MARK: Goldens

  @Test func whatIsRecordedIsVerifiedAndADriftIsSaid() throws {
    try withWorkshop { workshop in
      let missing = try workshop.person.types("verify", "probe")
      #expect(missing.status == 1)
      #expect(
        missing.output.contains("MISSING: no golden; record one: repro run probe --scale tiny --record --because TEXT"))

      let run = ["probe", "--scale", "tiny"]
      let recorded = try finishes(workshop.person, run + ["--record", "--because", "first run"], out: "runs")
      let golden = "\(workshop.root)/Reproductions/dinov2/golden/probe.json"
      #expect(recorded.output.hasSuffix("recorded 4 runs in \(golden)\n"))
      let good = try workshop.person.types("verify", "probe")
      #expect(good.status == 0 && good.output.components(separatedBy: "same bits").count == 5, "\(good.output)")

      // The first measurement of the golden is moved: by hand, and as a program would.
      let text = try String(contentsOfFile: golden, encoding: .utf8)
      var json = try JSONValue(parsing: text, file: "golden")
      var tiny = try #require(json["tiny"])
      var cells = try #require(tiny["cells"]?.array)
      cells[0]["measurements"] = ["knn.top1": [1.5, "0x1.8p+0"]]
      tiny["cells"] = .array(cells)
      json["tiny"] = tiny
      try write(try json.text(pretty: true), to: golden)
      let edited = try workshop.person.types("verify", "probe")
      #expect(edited.status == 3)
      #expect(edited.complaint.contains("golden/probe.json: its checksum does not match: it was edited by hand"))
      try write(try json.sealed().text(pretty: true), to: golden)
      let drifted = try workshop.person.types("verify", "probe", "--tolerance", "1e-4")
      #expect(drifted.status == 1)
      #expect(drifted.output.contains("DRIFTED: knn.top1 golden 1.5, now "))
    }
  }
}
