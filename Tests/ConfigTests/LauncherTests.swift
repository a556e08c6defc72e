import Foundation
import Testing

/// The launcher in a folder of its own, with a PATH whose `swift`, `dpkg-query`, `id`, `sudo` and `apt-get` only write down
/// how they were called.
private struct Launcher {
  let folder: TemporaryFolder
  var root: String { folder.path + "/house" }
  var log: String { folder.path + "/log" }

  static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("repro").path

  /// - Parameters:
  ///   - installed: what dpkg-query knows; nil for every package of the launcher's own list.
  ///   - user: what `id -u` says.
  ///   - sudo: the exit status of `sudo -n true`.
  ///   - build: what the fake compiler does besides writing the program.
  init(installed: String? = nil, user: Int = 1000, sudo: Int = 1, build: String = "") throws {
    folder = try TemporaryFolder()
    for name in ["bin", "house/Core", "house/Methods", "house/Evaluations"] {
      try FileManager.default.createDirectory(atPath: folder.path + "/" + name, withIntermediateDirectories: true)
    }
    try FileManager.default.copyItem(atPath: Self.script, toPath: root + "/repro")
    try "".write(toFile: root + "/Package.swift", atomically: false, encoding: .utf8)
    try "".write(toFile: root + "/Core/a.swift", atomically: false, encoding: .utf8)
    try command(
      "swift",
      """
      \(build)
      case "$1" in
        build)
          mkdir -p \(root)/.build/release
          printf '#!/bin/sh\\nfor word; do echo "<$word>"; done\\nexit 4\\n' >\(root)/.build/release/repro
          chmod +x \(root)/.build/release/repro ;;
        test) echo "$PWD $OPENBLAS_NUM_THREADS $SWIFT_BACKTRACE" ;;
      esac
      """)
    let known = installed.map { "echo '\($0)'" } ?? "shift 3; for name; do echo \"$name installed\"; done"
    try command("dpkg-query", known)
    try command("id", "echo \(user)")
    try command("sudo", "[ \"$1\" != -n ] || exit \(sudo); \"$@\"")
    try command("apt-get", "")
  }

  func command(_ name: String, _ body: String) throws {
    let path = folder.path + "/bin/" + name
    let script = "#!/bin/sh\nprintf '%s\\n' \"\(name) $*\" >>\(log)\n\(body)\n"
    try script.write(toFile: path, atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
  }

  func start(_ arguments: [String], as path: String? = nil, in place: String = "/") throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path ?? root + "/repro")
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: place)
    process.environment = ["PATH": folder.path + "/bin:/usr/bin:/bin"]
    process.standardOutput = Pipe()
    process.standardError = Pipe()
    process.standardInput = FileHandle.nullDevice
    try process.run()
    return process
  }

  func run(
    _ arguments: [String], as path: String? = nil, in place: String = "/"
  ) throws -> (status: Int32, output: String, errors: String) {
    let process = try start(arguments, as: path, in: place)
    func text(_ stream: Any?) -> String {
      String(decoding: (stream as? Pipe)?.fileHandleForReading.readDataToEndOfFile() ?? Data(), as: UTF8.self)
    }
    let (output, errors) = (text(process.standardOutput), text(process.standardError))
    process.waitUntilExit()
    return (process.terminationStatus, output, errors)
  }

  /// The commands that were called since the last look.
  func calls() throws -> [String] {
    let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
    try "".write(toFile: log, atomically: false, encoding: .utf8)
    return text.split(separator: "\n").map(String.init)
  }
}

@Suite struct LauncherTests {
  @Test func theFirstStartBuildsAndTheSecondOnlyRuns() throws {
    let launcher = try Launcher()
    let first = try launcher.run(["run", "two words", ""])
    #expect(first.output == "<run>\n<two words>\n<>\n")
    #expect(first.status == 4)
    let calls = try launcher.calls()
    #expect(calls.last == "swift build -c release --product repro --package-path \(launcher.root)")
    #expect(calls.count == 2 && calls[0].hasPrefix("dpkg-query "))

    let second = try launcher.run(["list"])
    #expect(second.output == "<list>\n")
    #expect(second.errors == "")
    #expect(try launcher.calls() == [])
  }

  @Test func aChangedAnAddedAndARemovedFileAreBuilt() throws {
    let launcher = try Launcher()
    let added = launcher.root + "/Methods/b.swift"
    let changes: [() throws -> Void] = [
      { try "1".write(toFile: launcher.root + "/Core/a.swift", atomically: false, encoding: .utf8) },
      { try "1".write(toFile: launcher.root + "/Package.swift", atomically: false, encoding: .utf8) },
      { try "1".write(toFile: added, atomically: false, encoding: .utf8) },
      { try FileManager.default.removeItem(atPath: added) },
    ]
    _ = try launcher.run([])
    for change in changes {
      _ = try launcher.calls()
      // File systems keep time in ticks; the change must be later than the stamp.
      Thread.sleep(forTimeInterval: 0.02)
      try change()
      _ = try launcher.run([])
      #expect(try launcher.calls().contains { $0.hasPrefix("swift build") })
      _ = try launcher.run([])
      #expect(try launcher.calls() == [])
    }
  }

  @Test func anotherCompilerBuildsAgainAndNoneIsNeededToRun() throws {
    let launcher = try Launcher()
    let swift = launcher.folder.path + "/bin/swift"
    _ = try launcher.run([])
    let text = try String(contentsOfFile: swift, encoding: .utf8)
    try FileManager.default.removeItem(atPath: swift)
    _ = try launcher.calls()
    #expect(try launcher.run(["list"]).output == "<list>\n")
    #expect(try launcher.calls() == [])

    try (text + "\n# newer\n").write(toFile: swift, atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755, .modificationDate: Date(timeIntervalSinceNow: 60)], ofItemAtPath: swift)
    _ = try launcher.run(["list"])
    #expect(try launcher.calls().contains { $0.hasPrefix("swift build") })
    _ = try launcher.run(["list"])
    #expect(try launcher.calls() == [])
  }

  @Test func aFailedBuildIsSaidAndTriedAgain() throws {
    let launcher = try Launcher(build: "exit 1")
    for _ in 0..<2 {
      let result = try launcher.run(["list"])
      #expect(result.status == 2)
      #expect(result.output == "")
      #expect(result.errors.hasSuffix("repro: the build failed\n"))
      #expect(try launcher.calls().contains { $0.hasPrefix("swift build") })
    }
  }

  @Test func whatIsEditedDuringABuildIsBuiltAgain() throws {
    // The working folder of the fake compiler is that of the launcher.
    let launcher = try Launcher(build: "sleep 0.05; echo 2 >Core/a.swift")
    func run() throws { _ = try launcher.run([], in: launcher.root) }
    try run()
    _ = try launcher.calls()
    try run()
    #expect(try launcher.calls().contains { $0.hasPrefix("swift build") })
  }

  @Test func twoLaunchersAtOnceBuildOnce() throws {
    let launcher = try Launcher(build: "sleep 0.3")
    let processes = try (0..<3).map { _ in try launcher.start(["list"]) }
    for process in processes { process.waitUntilExit() }
    #expect(processes.map(\.terminationStatus) == [4, 4, 4])
    #expect(try launcher.calls().filter { $0.hasPrefix("swift build") }.count == 1)
  }

  @Test func itStartsThroughALinkAndFromAnyFolder() throws {
    let launcher = try Launcher()
    let link = launcher.folder.path + "/a link"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: launcher.root + "/repro")
    #expect(try launcher.run(["x"], as: link, in: launcher.folder.path).output == "<x>\n")
    #expect(try launcher.run(["x"], in: launcher.root + "/Core").output == "<x>\n")
  }

  @Test func withoutRootMissingPackagesAreNamedInOneCommand() throws {
    let launcher = try Launcher(installed: "libopenblas-dev installed\nlibhdf5-dev not-installed\npkg-config installed")
    let result = try launcher.run(["list"])
    #expect(result.status == 2)
    #expect(
      result.errors == """
        repro: packages are missing; install them with
          sudo apt-get update && sudo apt-get install -y --no-install-recommends libhdf5-dev libyaml-dev \
        libcurl4-openssl-dev libssl-dev libturbojpeg0-dev libpng-dev zlib1g-dev

        """)
    #expect(try launcher.calls().contains { $0.hasPrefix("swift") || $0.hasPrefix("apt-get") } == false)
  }

  @Test(arguments: [(0, 1), (1000, 0)])
  func rootOrSudoInstallsWhatIsMissingAndNothingElse(user: Int, sudo: Int) throws {
    let all =
      "libopenblas-dev libhdf5-dev libyaml-dev libcurl4-openssl-dev libssl-dev libturbojpeg0-dev libpng-dev zlib1g-dev"
    let known = all.split(separator: " ").map { "\($0) installed" }.joined(separator: "\n")
    let launcher = try Launcher(installed: known, user: user, sudo: sudo)
    let result = try launcher.run(["list"])
    #expect(result.output == "<list>\n")
    let calls = try launcher.calls()
    #expect(calls.contains("apt-get update -qq"))
    #expect(calls.contains("apt-get install -y -qq --no-install-recommends pkg-config"))
    #expect(calls.contains { $0.hasPrefix("sudo") } == (user != 0))
  }

  @Test func testsRunOptimisedInTheRootWithTheirEnvironment() throws {
    let launcher = try Launcher()
    let result = try launcher.run(["test", "--filter", "A B"])
    #expect(result.status == 0)
    #expect(result.output == "\(launcher.root) 1 enable=no\n")
    #expect(
      try launcher.calls().last
        == "swift test -c release -Xswiftc -enable-testing --scratch-path .build/test --disable-xctest --filter A B")
  }

  @Test func whatASanitizerLeavesOutIsSaidWithItsReason() throws {
    let launcher = try Launcher()
    let lists = launcher.root + "/Tests/Sanitizers"
    try FileManager.default.createDirectory(atPath: lists, withIntermediateDirectories: true)
    let text = "# where, pattern, reason\nall Speed it is slow\nthread Limits no shadow\n\naddress Forks a why\n"
    try text.write(toFile: lists + "/left-out", atomically: false, encoding: .utf8)
    let result = try launcher.run(["test", "--sanitize", "address", "--filter", "A B"])
    #expect(result.status == 0)
    #expect(
      result.errors == """
        repro: left out under --sanitize address: Speed: it is slow
        repro: left out under --sanitize address: Forks: a why

        """)
    #expect(
      try launcher.calls().last
        == "swift test -c release -Xswiftc -enable-testing --scratch-path .build/test-address --sanitize=address "
        + "-Xswiftc -Onone --disable-xctest --skip Forks --skip Speed --filter A B")
    // What ThreadSanitizer must be told is compiled by the compiler beside swift; without it no test runs.
    try launcher.command("clang", "exit 1")
    let deaf = try launcher.run(["test", "--sanitize", "thread"])
    #expect(deaf.status == 2 && deaf.errors.hasSuffix("/Tests/Sanitizers/mutex.c does not compile\n"))
    let calls = try launcher.calls()
    #expect(calls.last?.hasSuffix(" -o \(launcher.root)/.build/test-thread/mutex.so") == true)
    #expect(!calls.contains { $0.hasPrefix("swift test") })
    let unknown = try launcher.run(["test", "--sanitize", "memory"])
    #expect(unknown.status == 2)
    #expect(unknown.errors == "repro: --sanitize is 'memory', expected thread, address or undefined\n")
  }
}
