import ArgumentParser
import CCrypto
import CCurl
import CHDF5
import COpenBLAS
import CYAML
import Glibc
import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "What the program found on this machine, and what is wrong with it.",
    discussion: "Exit code 3 if something would make runs fail or change their bits.")

  @Flag(help: "Print the findings as JSON.") var json = false
  @OptionGroup var shared: SharedOptions

  func run() throws {
    let findings = Doctor.machine() + Doctor.libraries() + Doctor.places()
    if json {
      Terminal.line(try JSONValue.array(findings.map(\.json)).text(pretty: true))
    } else {
      let width = findings.map(\.name.count).max() ?? 0
      for f in findings {
        let name = f.name + String(repeating: " ", count: width - f.name.count)
        let problem = f.problem.map { (f.isSerious ? Terminal.red("wrong: ") : "note: ") + $0 }
        Terminal.line([name, f.value].joined(separator: "  "))
        if let problem { Terminal.line(String(repeating: " ", count: width + 2) + problem) }
      }
    }
    let wrong = findings.count(where: \.isSerious)
    if wrong > 0 {
      Terminal.error("\(wrong == 1 ? "one thing is" : "\(wrong) things are") wrong with this machine")
      throw ExitCode(3)
    }
  }
}

/// One thing that the doctor looked at.
struct Finding {
  let name: String
  let value: String
  /// What is wrong and what to do about it; nil if nothing is.
  var problem: String?
  /// Whether runs would fail or change their bits.
  var isSerious = false

  init(_ name: String, _ value: String, note: String? = nil, wrong: String? = nil) {
    (self.name, self.value) = (name, value)
    problem = wrong ?? note
    isSerious = wrong != nil
  }

  var json: JSONValue {
    [
      "name": .string(name), "value": .string(value), "problem": problem.map { .string($0) } ?? .null,
      "serious": .bool(isSerious),
    ]
  }
}

enum Doctor {
  static func machine() -> [Finding] {
    let isa = InstructionSet.current
    let best = InstructionSet.best
    let memory = (total: Memory.total, available: Memory.available)
    return [
      Finding("processor", processorName()),
      Finding("cores", "\(Program.cores)"),
      Finding(
        "memory",
        "\(decimals(Double(memory.total) / 1024, 1)) GiB, \(decimals(Double(memory.available) / 1024, 1)) GiB free",
        note: memory.available < 1024 ? "less than 1 GiB is free; a run of scale small needs about half of that" : nil),
      Finding(
        "instruction set", isa.rawValue,
        note: isa == best ? nil : "this processor has \(best.rawValue), which is faster"),
    ]
  }

  static func libraries() -> [Finding] {
    let fingerprint = Fingerprint.current
    func item(_ name: String) -> String { fingerprint.items.first { $0.name == name }?.value ?? "unknown" }
    let (core, wanted) = (item("openblas_core"), InstructionSet.current.openBLASCore)
    let threads = Int(openblas_get_num_threads())
    var wrong: String?
    if core != wanted {
      wrong =
        "the core type should be \(wanted): results will differ from other machines' with \(InstructionSet.current.rawValue); "
        + "unset OPENBLAS_CORETYPE and REPRO_STARTED_AGAIN"
    } else if threads != 1 {
      wrong = "more than one thread changes the bits of its results; unset OPENBLAS_NUM_THREADS and REPRO_STARTED_AGAIN"
    }
    var (major, minor, release): (UInt32, UInt32, UInt32) = (0, 0, 0)
    H5get_libversion(&major, &minor, &release)
    let jpeg = item("turbojpeg")
    // The library does not tell its version; its package does.
    let jpegVersion = DebianPackage.version(of: "libturbojpeg0")
    func known(_ name: String, _ version: String) -> Finding {
      Finding(name, version, note: LibraryAdvisory.note(name, version: version))
    }
    let curl = String(cString: curl_version()).split(separator: " ").prefix(2).joined(separator: ", ")
    return [
      Finding("OpenBLAS", "\(item("openblas")), core \(core), \(counted(threads, "thread"))", wrong: wrong),
      Finding(
        "HDF5", "\(major).\(minor).\(release)",
        note: LibraryAdvisory.note("HDF5", version: "\(major).\(minor).\(release)"), wrong: hdf5Problem()),
      known("libyaml", String(cString: yaml_get_version_string())),
      // "libcurl/7.88.1 OpenSSL/3.0.15 zlib/1.2.13 ...": the first two say it.
      known("libcurl", curl.replacing("libcurl/", with: "")),
      known("libcrypto", String(cString: OpenSSL_version(OPENSSL_VERSION))),
      known("libpng", item("libpng")),
      Finding(
        "libjpeg-turbo", jpegVersion.map { "\($0), \(jpeg)" } ?? jpeg,
        note: jpegVersion.flatMap { LibraryAdvisory.note("libjpeg-turbo", version: $0) },
        wrong: jpeg == "unavailable" ? "it cannot compress and decompress a picture" : nil),
      Finding("glibc", item("glibc").replacing("glibc ", with: "")),
      Finding("Swift", "compiled with \(item("swift"))", note: swiftProblem()),
    ]
  }

  static func places() -> [Finding] {
    var findings: [Finding] = []
    do {
      let root = try Program.root()
      findings.append(Finding("repository", "\(root), commit \(Program.commit(root).prefix(12))"))
    } catch {
      findings.append(Finding("repository", "not found", wrong: "\(error)"))
    }
    let data = Program.dataRoot()
    findings.append(Finding("data cache", data.cache + space(data.cache), wrong: writeProblem(data.cache)))
    guard let mirror = data.mirror else {
      return findings + [Finding("mirror", "none", note: "set REPRO_MIRROR to a folder or URL that has data sets")]
    }
    guard let folder = data.mirrorFolder else { return findings + [Finding("mirror", mirror)] }
    guard SafeFile.isFolder(folder) else {
      return findings + [Finding("mirror", mirror, wrong: "there is no such folder; mend or unset REPRO_MIRROR")]
    }
    var only = data
    only.cache = folder + "/-"
    let here = DataCatalog.sets.filter { set in
      ((try? DataCatalog.state(set.id, root: only)) ?? []).allSatisfy(\.isPresent)
    }
    let names = here.isEmpty ? "none of the data sets" : here.map(\.id).joined(separator: ", ")
    return findings + [Finding("mirror", "\(mirror): \(names)")]
  }

  // MARK: Looking

  private static func processorName() -> String {
    let line = procFile("/proc/cpuinfo").split(separator: "\n").first { $0.hasPrefix("model name") }
    return line?.split(separator: ":", maxSplits: 1).last.map { String($0.drop { $0 == " " }) } ?? "unknown"
  }

  /// A file in memory is written and read back.
  private static func hdf5Problem() -> String? {
    do {
      let file = try HDF5File.inMemory("doctor")
      try file.write("x", [1.5, -2.5], shape: [2])
      return try file.read("x", as: Double.self, shape: [2]).values == [1.5, -2.5]
        ? nil : "it does not read what it wrote"
    } catch {
      return "\(error)"
    }
  }

  private static func swiftProblem() -> String? {
    let folders = (ProcessEnvironment.variable("PATH") ?? "").split(separator: ":")
    if folders.contains(where: { access("\($0)/swift", X_OK) == 0 }) { return nil }
    return "'swift' is not in the PATH: new and changed methods cannot be built"
  }

  /// `, 12.3 GiB free`.
  private static func space(_ folder: String) -> String {
    var status = statvfs()
    guard statvfs(existing(folder), &status) == 0 else { return "" }
    return ", \(fileSize(Int(status.f_bavail) * Int(status.f_frsize))) free"
  }

  private static func writeProblem(_ folder: String) -> String? {
    let place = existing(folder)
    if access(place, W_OK) == 0, SafeFile.isFolder(place) { return nil }
    return "it cannot be written; set REPRO_CACHE to another folder"
  }

  /// The folder itself, or the nearest above it that is there.
  private static func existing(_ folder: String) -> String {
    var path = folder[...]
    while access(String(path), F_OK) != 0, let slash = path.lastIndex(of: "/"), slash > path.startIndex {
      path = path[..<slash]
    }
    return String(path)
  }
}
