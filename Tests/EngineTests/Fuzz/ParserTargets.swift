import Glibc
import ReproConfig
import ReproTensor
import Synchronization

@testable import ReproData
@testable import ReproEngine

/// A parser of outside data: any bytes must be read or refused with a `ReproError`, quickly and in little memory.
struct ParserTarget: Sendable {
  let name: String
  let parse: @Sendable ([UInt8]) throws -> Void

  /// - Returns: whether the bytes were read.
  /// - Throws: what is not a `ReproError`: a bug.
  func accepts(_ bytes: [UInt8]) throws -> Bool {
    do {
      try parse(bytes)
      return true
    } catch is ReproError { return false }
  }

  /// Every parser of the program, by the name of its folder in `Tests/Fuzz/corpus`.
  static let all: [ParserTarget] = [
    ParserTarget(name: "yaml") { _ = try YAMLNode(parsing: $0, file: "f").canonical },
    ParserTarget(name: "json") { _ = try JSONValue(parsing: $0, file: "f").text(pretty: true) },
    ParserTarget(name: "recipe") { bytes in
      let recipe = try Recipe(YAMLNode(parsing: bytes, file: "f"))
      for arm in recipe.arms { _ = try recipe.resolve(scale: .tiny, arm: arm.name) }
    },
    ParserTarget(name: "registry") { _ = try Registry(YAMLNode(parsing: $0, file: "f")) },
    ParserTarget(name: "record") { _ = try RunRecord(JSONValue(parsing: $0, file: "f"), at: "f") },
    ParserTarget(name: "npy") { _ = try NPYArray($0, file: "f") },
    ParserTarget(name: "zip") { bytes in
      let zip = try ZipArchive(bytes, file: "f")
      for member in zip.members { _ = try zip.contents(member.name) }
    },
    ParserTarget(name: "npz") { bytes in
      let archive = try NPZArchive(bytes, file: "f")
      for name in archive.names { _ = try archive.array(name) }
    },
    ParserTarget(name: "tar") { _ = try TarArchive($0, file: "f") },
    ParserTarget(name: "gzip") { _ = try Deflate.gunzip($0, limit: 1 << 20, file: "f") },
    ParserTarget(name: "idx") { _ = try IDXArray($0, rank: 3, file: "f") },
    ParserTarget(name: "cifar") { _ = try CIFARBatch($0[...], file: "f") },
    ParserTarget(name: "png") { _ = try PNG.decode($0, name: "f") },
    ParserTarget(name: "jpeg") { _ = try JPEGDecoder().decode($0, name: "f") },
    ParserTarget(name: "image") { _ = try ImageFile.decode($0, name: "f") },
    ParserTarget(name: "pnm") { _ = try PNMImage($0, file: "f") },
    ParserTarget(name: "pfm") { _ = try PFMImage($0, file: "f") },
    ParserTarget(name: "wav") { _ = try WAVSound($0, file: "f") },
    ParserTarget(name: "obj") { _ = try OBJFile($0, file: "f") },
    ParserTarget(name: "mtl") { _ = try MTLMaterial.read($0, file: "f") },
    ParserTarget(name: "off") { _ = try OFFFile.read($0, file: "f") },
    ParserTarget(name: "ply") { bytes in
      let file = try PLYFile(bytes, file: "f")
      _ = try? file.mesh(file: "f")
      _ = try? file.points(file: "f")
    },
    ParserTarget(name: "binvox") { _ = try BinvoxGrid($0, file: "f") },
    ParserTarget(name: "bvh") { _ = try BVHMotion($0, file: "f") },
    ParserTarget(name: "matlab") { _ = try MATFile($0, file: "f") },
    ParserTarget(name: "csv") { _ = try DelimitedText($0, file: "f") },
    ParserTarget(name: "jsonl") { _ = try JSONLines.read($0, file: "f") },
    ParserTarget(name: "text") { _ = try PlainText.lines($0, file: "f") },
    ParserTarget(name: "timeseries") { _ = try TimeSeriesText($0, file: "f") },
    ParserTarget(name: "coco") { _ = try COCOFile($0, file: "f") },
    ParserTarget(name: "kitti") { bytes in
      _ = try? KITTICalibration(bytes, file: "f")
      _ = try KITTIObject.read(bytes, file: "f")
    },
    ParserTarget(name: "camera") { _ = try MVSCameraFile.read($0, file: "f") },
    ParserTarget(name: "planetoid") { _ = try PlanetoidPickle($0, file: "f") },
    ParserTarget(name: "weights") { bytes in
      try withFile(bytes) { path in
        let file = try WeightFile(path)
        for entry in file.entries where entry.shape.count < 1 << 20 { _ = try file.tensor(entry) }
      }
    },
    ParserTarget(name: "sealed") { bytes in
      // What is not sealed by us is not handed to libhdf5 at all.
      try withFile(bytes) { _ = try HDF5File.open($0) }
    },
    ParserTarget(name: "hdf5") { bytes in
      try withFile(bytes) { path in
        let file = try HDF5File.open(path, seal: .ifPresent)
        _ = try? MATFile(hdf5: file)
        for entry in try HDF5Weights.list(file).entries { _ = try? file.numbers(entry.name.replacing(".", with: "/")) }
      }
    },
    ParserTarget(name: "http", parse: HostileServer.answer),
  ]

  /// A path in memory that nobody else has.
  fileprivate static func scratch() -> String {
    "/dev/shm/repro-parser-\(getpid())-\(files.wrappingAdd(1, ordering: .relaxed).newValue)"
  }

  private static let files = Atomic<Int>(0)

  /// Lends the bytes as a file.
  private static func withFile(_ bytes: [UInt8], _ body: (String) throws -> Void) throws {
    let path = scratch()
    defer { unlink(path) }
    try SafeFile.write(path, bytes: bytes)
    try body(path)
  }
}

/// A server on this machine that answers every request with the same bytes, whatever they are.
private enum HostileServer {
  /// What the downloader makes of an answer: never a file, for its digest is that of nothing here.
  static func answer(_ bytes: [UInt8]) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard listener >= 0 else { throw ReproError.system("socket", "make a socket") }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let port = withUnsafeMutableBytes(of: &address) { raw -> UInt16? in
      guard let base = raw.baseAddress else { return nil }
      let a = base.assumingMemoryBound(to: sockaddr.self)
      guard bind(listener, a, size) == 0, listen(listener, 8) == 0, getsockname(listener, a, &size) == 0 else {
        return nil
      }
      return UInt16(bigEndian: base.load(fromByteOffset: 2, as: UInt16.self))
    }
    guard let port else {
      close(listener)
      throw ReproError.system("socket", "listen")
    }
    var thread = pthread_t()
    let job = Unmanaged.passRetained(Answer(listener, bytes))
    pthread_create(
      &thread, nil,
      { raw in
        if let raw { Unmanaged<Answer>.fromOpaque(raw).takeRetainedValue().serve() }
        return nil
      }, job.toOpaque())
    defer {
      shutdown(listener, Int32(SHUT_RDWR))
      pthread_join(thread, nil)
      close(listener)
    }
    var downloader = Downloader()
    (downloader.attempts, downloader.pause, downloader.longestPause) = (2, 0, 0)
    (downloader.connectTimeout, downloader.attemptTimeout) = (1, 1)
    let path = ParserTarget.scratch()
    defer { for end in ["", ".part"] { unlink(path + end) } }
    try downloader.fetch(
      [.init("http://127.0.0.1:\(port)/fuzz.bin", allowed: [.http])], to: path, bytes: 16,
      sha256: String(repeating: "0", count: 64))
    requirementFailed("the downloader took a file with a wrong digest")
  }

  private final class Answer: Sendable {
    let listener: Int32
    let bytes: [UInt8]

    init(_ listener: Int32, _ bytes: [UInt8]) { (self.listener, self.bytes) = (listener, bytes) }

    func serve() {
      while true {
        let peer = accept(listener, nil, nil)
        guard peer >= 0 else { return }
        var request = [UInt8](repeating: 0, count: 4096)
        _ = recv(peer, &request, request.count, 0)
        _ = bytes.withUnsafeBytes { send(peer, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        close(peer)
      }
    }
  }
}
