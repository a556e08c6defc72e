import Glibc
import ReproConfig
import TestSupport
import Testing

@testable import ReproData

@Suite struct CatalogTests {
  private let contents = Array("the contents of a file".utf8)

  private func file(_ urls: [String]) -> SourceFile {
    SourceFile(path: "toy/file.bin", urls: urls, bytes: contents.count, sha256: SHA256.hex(of: contents))
  }

  private func set(_ urls: [String]) -> SourceSet {
    SourceSet(id: "toy", title: "Toy", licence: "none", files: [file(urls)])
  }

  private var quick: Downloader {
    var downloader = Downloader()
    downloader.pause = 0.005
    downloader.attempts = 2
    return downloader
  }

  @Test func everySetIsPinnedAndHasASource() {
    #expect(Set(DataCatalog.sets.map(\.id)).count == DataCatalog.sets.count)
    for set in DataCatalog.sets {
      #expect(!set.files.isEmpty && !set.licence.isEmpty && !set.title.isEmpty)
      for file in set.files {
        #expect(file.sha256.utf8.count == 64 && file.sha256.allSatisfy { $0.isHexDigit && !$0.isUppercase })
        #expect(file.bytes > 0 && Path.isContained(file.path))
        #expect(file.urls.allSatisfy { $0.hasSuffix(Path.name(file.path)) })
      }
    }
    #expect(Set(DataCatalog.sets.flatMap(\.files).map(\.path)).count == DataCatalog.sets.flatMap(\.files).count)
    // What only mirrors have is whole sets: a fetch either has all its URLs or says that it needs a mirror.
    for set in DataCatalog.sets { #expect(Set(set.files.map(\.urls.isEmpty)).count == 1, "\(set.id)") }
    let ids = dataProviders.map { $0.card.id }
    #expect(Set(ids).count == ids.count && ids.allSatisfy { $0.allSatisfy { $0.isASCII && $0 != " " } })
    for id in ["cifar10", "fashion-mnist", "planetoid", "fsdd", "nerf-lego"] { #expect(ids.contains(id)) }
    let error = reproError { _ = try DataCatalog.set("fashoin-mnist") }
    #expect(error?.domain == .usage && error?.hint == "did you mean 'fashion-mnist'?")
  }

  @Test func aMissingFileSaysWhatWhereAndWhatToDo() throws {
    try withTemporaryFolder { folder in
      var section = try options([:])
      let root = DataRoot(cache: "\(folder)/cache", mirror: "\(folder)/mirror", seed: 1)
      let error = reproError { _ = try CIFAR10(&section, root: root) }
      #expect(error?.domain == .data)
      #expect(
        error?.description
          == "cifar10: cifar-10-binary.tar.gz is missing, looked for "
          + "\(folder)/mirror/cifar10/cifar-10-binary.tar.gz and "
          + "\(folder)/cache/sources/cifar10/cifar-10-binary.tar.gz; "
          + "repro data fetch cifar10, or set REPRO_MIRROR to a folder that has it")
      var jpeg = try options(["variant": "jpeg"])
      let lossy = reproError { _ = try CIFAR10(&jpeg, root: DataRoot(cache: folder, mirror: nil, seed: 1)) }
      #expect(
        lossy?.description
          == "cifar10-jpeg: cifar10_train.npz is missing, looked for \(folder)/sources/cifar10-jpeg/cifar10_train.npz "
          + "(REPRO_MIRROR is not set); set REPRO_MIRROR to a folder that has it")
      let network = DataRoot(cache: folder, mirror: "https://mirror.example", seed: 1)
      #expect(
        network.missing(CIFAR10.jpegFiles.files[0], in: CIFAR10.jpegFiles).hint
          == "repro data fetch cifar10-jpeg, or set REPRO_MIRROR to a folder that has it")
      #expect(SafeFile.list(folder).isEmpty)
    }
  }

  @Test func theFirstPlaceWithTheRightBytesWins() throws {
    try withTemporaryFolder { folder in
      let heard = Heard()
      let root = DataRoot(cache: "\(folder)/cache", mirror: "\(folder)/mirror", seed: 1, notices: heard.notices)
      let set = set(["https://example.org/file.bin"])
      let file = set.files[0]
      for place in root.places(file) { try SafeFile.makeFolder(Path.folder(place)) }
      let (mirror, cache) = (root.places(file)[0], root.places(file)[1])
      var wrong = contents
      wrong[0] ^= 1
      try SafeFile.write(mirror, bytes: wrong)
      let error = reproError { _ = try root.bytes(of: file, in: set) }
      #expect(error?.location == mirror && error?.expected == file.sha256)
      #expect(error?.hint == "repro data fetch toy, or set REPRO_MIRROR to a folder that has it")
      try SafeFile.write(cache, bytes: contents)
      #expect(try root.bytes(of: file, in: set) == contents)
      #expect(heard.all.count == 2 && heard.all[1].hasPrefix(mirror))
      try SafeFile.write(cache, bytes: contents + [1])
      try SafeFile.write(mirror, bytes: contents)
      #expect(try root.bytes(of: file, in: set) == contents)
    }
  }

  @Test func aFolderMirrorIsCopiedFromAndVerified() throws {
    try withTemporaryFolder { folder in
      let mirror = "\(folder)/my mirror"
      try SafeFile.makeFolder("\(mirror)/toy")
      try SafeFile.write("\(mirror)/toy/file.bin", bytes: contents)
      for (i, spelled) in [mirror, "file://\(mirror)"].enumerated() {
        let root = DataRoot(cache: "\(folder)/cache\(i)", mirror: spelled, seed: 1)
        let states = try DataCatalog.fetch(set([]), root: root, downloader: quick) { _ in }
        #expect(states.map(\.status) == [.present(at: "\(folder)/cache\(i)/sources/toy/file.bin")])
        #expect(try SafeFile.read(root.downloadPath(file([]))) == contents)
      }
      // A wrong file in the mirror is named, and nothing is kept.
      try SafeFile.write("\(mirror)/toy/file.bin", bytes: contents.reversed())
      let root = DataRoot(cache: "\(folder)/cache3", mirror: mirror, seed: 1)
      let error = reproError { _ = try DataCatalog.fetch(set([]), root: root, downloader: quick) { _ in } }
      #expect(error?.found.contains("my%20mirror/toy/file.bin: the file is not the published one") == true)
      #expect(SafeFile.list("\(folder)/cache3/sources/toy").isEmpty)
      let none = DataRoot(cache: "\(folder)/cache4", mirror: nil, seed: 1)
      let nowhere = reproError { _ = try DataCatalog.fetch(set([]), root: none, downloader: quick) { _ in } }
      #expect(nowhere?.found == "no public URL has this file and REPRO_MIRROR is not set")
    }
  }

  @Test func aMirrorOnTheNetworkComesBeforeThePublishedURL() throws {
    let contents = contents
    try withTemporaryFolder { folder in
      try LocalServer.run({ $0.path == "/m/toy/file.bin" ? .init(contents) : .init("404 Not Found", []) }) { server in
        let root = DataRoot(cache: folder, mirror: "\(server.url)/m/", seed: 1)
        _ = try DataCatalog.fetch(set(["\(server.url)/published"]), root: root, downloader: quick) { _ in }
        #expect(server.requests == ["/m/toy/file.bin"])
        // A file that is there is not fetched again.
        _ = try DataCatalog.fetch(set([]), root: root, downloader: quick) { _ in }
        #expect(server.requests.count == 1)
      }
      try LocalServer.run({ $0.path == "/published" ? .init(contents) : .init("404 Not Found", []) }) { server in
        let root = DataRoot(cache: "\(folder)/second", mirror: server.url, seed: 1)
        _ = try DataCatalog.fetch(set(["\(server.url)/published"]), root: root, downloader: quick) { _ in }
        #expect(server.requests == ["/toy/file.bin", "/published"])
      }
    }
  }

  @Test func statesTellPresentDamagedAndMissing() throws {
    try withTemporaryFolder { folder in
      let root = DataRoot(cache: folder, mirror: nil, seed: 1)
      let file = MNIST.files.files[3]
      let place = root.downloadPath(file)
      #expect(
        try DataCatalog.state("mnist", root: root).map(\.status).allSatisfy {
          if case .missing = $0 { true } else { false }
        })
      try SafeFile.makeFolder(Path.folder(place))
      try SafeFile.write(place, bytes: [1, 2, 3])
      #expect(
        try DataCatalog.state("mnist", root: root)[3].status == .damaged(at: place, reason: "3 bytes, expected 4542"))
      // The right size passes the quick look and not the thorough one.
      try SafeFile.write(place, bytes: [UInt8](repeating: 0, count: 4542))
      let quick = try DataCatalog.state("mnist", root: root)[3]
      #expect(quick.status == .present(at: place) && quick.isPresent && !quick.isVerified)
      let thorough = try DataCatalog.check("mnist", root: root)[3]
      #expect(!thorough.isPresent && thorough.isVerified)
    }
  }

  @Test func theEnvironmentNamesCacheAndMirror() {
    let root = DataRoot.fromEnvironment(seed: 5)
    #expect(root.seed == 5 && !root.cache.isEmpty)
    if getenv("REPRO_CACHE") == nil { #expect(root.cache.hasSuffix("/.cache/repro")) }
    let network = DataRoot(cache: "", mirror: "https://example.org", seed: 1)
    #expect(network.mirrorFolder == nil)
    #expect(
      DataCatalog.sources(file(["http://a/b", "https://c/d"]), network) == [
        Downloader.Source("https://example.org/toy/file.bin", allowed: .https),
        Downloader.Source("http://a/b", allowed: [.https, .http]), Downloader.Source("https://c/d", allowed: .https),
      ])
    #expect(DataRoot(cache: "", mirror: "file:///a/b", seed: 1).mirrorFolder == "/a/b")
    #expect(DataRoot(cache: "", mirror: "../data", seed: 1).mirrorFolder == "../data")
  }
}
