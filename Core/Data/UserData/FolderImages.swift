import ReproConfig
import ReproTensor

/// A folder of one's own in some format: what the recipe's option `path` names, or a card of `repro data add`.
public protocol FolderDataset: TabledDataset {
  /// - Throws: `ReproError` for a folder that is missing or not of the format, and for options out of their ranges.
  init(path: String, _ options: inout Section, root: DataRoot) throws
}

extension FolderDataset {
  public init(_ options: inout Section, root: DataRoot) throws {
    try self.init(path: try options.string("path"), &options, root: root)
  }
}

/// Image files of a user's folder, decoded to one size and kept in the cache.
enum FolderImages {
  /// The names of the folders in a folder that do not begin with a dot, sorted.
  static func folders(_ path: String) -> [String] {
    SafeFile.list(path).filter { !$0.hasPrefix(".") && SafeFile.isFolder(Path.join(path, $0)) }
  }

  /// The paths of the image files in a folder and, `depth` levels down, in those below it; sorted.
  static func images(_ path: String, depth: Int = 0) -> [String] {
    var found = SafeFile.list(path).filter(ImageFile.hasImageName).map { Path.join(path, $0) }
    if depth > 0 { for folder in folders(path) { found += images(Path.join(path, folder), depth: depth - 1) } }
    return found
  }

  /// The folder, which must be there.
  static func root(_ path: String) throws -> String {
    guard SafeFile.isFolder(path) else { throw ReproError.data(path, "there is no such folder") }
    return SafeFile.absolute(path)
  }

  /// What parts of a data set are called as folders.
  static let parts: [(split: Split, names: [String])] = [
    (.train, ["train", "training"]), (.validation, ["val", "valid", "validation"]), (.test, ["test", "testing"]),
  ]

  /// The folders of the parts in a folder; nil if it has no training part.
  static func parts(_ path: String) -> [(split: Split, path: String)]? {
    let names = folders(path)
    let found = parts.compactMap { part in
      part.names.first { names.contains($0) }.map { (part.split, Path.join(path, $0)) }
    }
    return found.contains { $0.0 == .train } ? found : nil
  }

  /// SHA-256 over names and contents of files: names what was decoded.
  static func digest(_ files: [String], below root: String) throws -> String {
    let hash = SHA256()
    for file in files {
      let line = Array("\(file.dropFirst(root.utf8.count)) \(try SafeFile.sha256(file))\n".utf8)
      line.withUnsafeBytes { hash.update($0) }
    }
    return hash.hex()
  }

  /// Decodes files to one size, on all threads, through the cache.
  ///
  /// - Parameters:
  ///   - fits: whether the largest centred part of the aspect is taken; false squeezes the whole image.
  ///   - resize: pixels of the shorter side, out of which the square in the middle is cut; 0: not this way.
  /// - Throws: `ReproError` that names the first file (in order) that is damaged.
  static func decode(
    _ files: [String], set: String, digest: String, height: Int, width: Int, channels: Int = 3, fits: Bool = true,
    resize: Int = 0, root: DataRoot
  ) throws -> ImageStore {
    let cells = height * width * channels
    guard files.count <= (1 << 34) / max(1, cells) else {
      throw ReproError.data(
        set, "\(files.count) images of \(width)x\(height) are more than 16 GB", hint: "choose a smaller size")
    }
    let source = SourceSet(
      id: set, title: set, licence: "", files: [SourceFile(path: set, urls: [], bytes: 0, sha256: digest)])
    let variant = "\(width)x\(height)x\(channels)" + (resize > 0 ? "-of-\(resize)" : fits ? "" : "-squeezed")
    return try ImageStore(source, variant: variant, version: 1, decoder: ImageFile.decoders, root: root) {
      var bytes = [UInt8](repeating: 0, count: files.count * cells)
      var failures = [ReproError?](repeating: nil, count: files.count)
      bytes.withUnsafeMutableBufferPointer { target in
        failures.withUnsafeMutableBufferPointer { failures in
          ThreadPool.shared.forEach(files.count) { i in
            do {
              let image = try ImageFile.read(files[i], channels: channels)
              let sized =
                resize > 0
                ? image.evaluated(resize: resize, crop: width)
                : fits
                  ? image.fitted(height: height, width: width)
                  : image.resampled(height: height, width: width, .bilinear)
              _ = UnsafeMutableBufferPointer(rebasing: target[i * cells..<(i + 1) * cells]).update(from: sized.bytes)
            } catch let error as ReproError {
              failures[i] = error
            } catch {
              failures[i] = ReproError.data(files[i], "\(error)")
            }
          }
        }
      }
      if let failure = failures.lazy.compactMap({ $0 }).first { throw failure }
      return ImageStore.Decoded(
        images: ImageBatch(count: files.count, height: height, width: width, channels: channels, bytes: bytes))
    }
  }

  /// The name of a folder as a part of a cache's name.
  static func cacheName(_ format: String, _ path: String) -> String {
    let name = Path.name(path.hasSuffix("/") ? String(path.dropLast()) : path)
    return "\(format)-"
      + name.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") ? String($0) : "_" }.joined()
  }
}
