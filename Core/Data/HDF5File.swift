import CHDF5
import ReproConfig
import ReproTensor

/// An HDF5 file: arrays and attributes under paths like `train/image`, readable with h5py and h5dump.
///
/// Equal contents written in the same order give equal bytes (no times are stored). Safe to use from several threads,
/// one after the other: libhdf5 has one lock. Every failure is a `ReproError(.data)` that names the file.
public final class HDF5File: @unchecked Sendable {
  /// Whether a file must carry the seal that `write(_:_:)` puts on it.
  public enum Seal: Sendable {
    /// Refuse files without one: libhdf5 may hang or crash on damaged files, so it is only given what is whole.
    case required
    /// Check it where it is there. For files of other people and programs: a child process reads them first, whole and
    /// within limits (`HDF5Rehearsal`), and what it does not survive is refused.
    case ifPresent
    /// Do not spend the time (about a second for 1.5 GB); for a file that this process has checked already.
    case ignored
  }

  /// The file's place, for messages.
  public let path: String
  /// SHA-256 of the sealed data; nil if there is no seal or it was not looked at.
  public let sealedSHA256: String?
  /// The size of the file when it was opened: no dataset may claim more than it can hold.
  let fileSize: Int
  /// Read and changed under `HDF5Library.locked` only, which is what makes the class safe to share.
  private var openID: hid_t?

  private init(path: String, id: hid_t, fileSize: Int, sealedSHA256: String?) {
    (self.path, openID, self.fileSize, self.sealedSHA256) = (path, id, fileSize, sealedSHA256)
  }

  deinit { try? close() }

  /// Opens a file for reading.
  ///
  /// - Throws: `ReproError` if the file is missing, no HDF5 file, or not what its seal says.
  public static func open(_ path: String, seal: Seal = .required) throws -> HDF5File {
    let size = try SafeFile.size(path)
    let sha256 = seal == .ignored ? nil : try HDF5Seal.verify(path)
    if seal == .required, sha256 == nil {
      throw ReproError.data(path, "the file has no seal, this program did not write it")
    }
    let id = try HDF5Library.locked {
      guard H5Fis_hdf5(path) > 0 else { throw ReproError.data(path, "this is not an HDF5 file") }
      // Anybody can put a seal on a file: it tells damage, not whose it is.
      if seal == .ifPresent { try HDF5Rehearsal(fileSize: size).pass(path) }
      let access = try HDF5Library.check(H5Pcreate(hdf5_file_access()), path, "open")
      defer { H5Pclose(access) }
      hdf5_no_locks(access)
      return try HDF5Library.check(H5Fopen(path, hdf5_read_only(), access), path, "open")
    }
    return HDF5File(path: path, id: id, fileSize: size, sealedSHA256: sha256)
  }

  /// Writes a sealed file atomically: `body` fills it, and only if all went well does it take its place.
  ///
  /// - Parameter durable: whether it must survive a power failure; see `SafeFile.write`.
  /// - Throws: what `body` throws, or `ReproError`; then the file that stood at `path` before is untouched.
  public static func write(_ path: String, durable: Bool = true, _ body: (HDF5File) throws -> Void) throws {
    try SafeFile.write(path, durable: durable) { temporary in
      let file = try create(temporary, reportedAs: path, inMemory: false)
      try body(file)
      try file.close()
      try HDF5Seal.close(temporary, reportedAs: path)
    }
  }

  /// An HDF5 file that lives in memory only and vanishes with the last reference; `name` is for messages.
  public static func inMemory(_ name: String) throws -> HDF5File {
    try create(name, reportedAs: name, inMemory: true)
  }

  static func create(_ path: String, reportedAs shown: String, inMemory: Bool) throws -> HDF5File {
    let id = try HDF5Library.locked {
      let creation = try HDF5Library.check(H5Pcreate(hdf5_file_create()), shown, "create")
      defer { H5Pclose(creation) }
      try HDF5Library.check(H5Pset_obj_track_times(creation, false), shown, "create")
      try HDF5Library.check(H5Pset_userblock(creation, hsize_t(HDF5Seal.length)), shown, "create")
      let access = try HDF5Library.check(H5Pcreate(hdf5_file_access()), shown, "create")
      defer { H5Pclose(access) }
      hdf5_no_locks(access)
      // Closing the file closes whatever of it is still open, so an error path leaves nothing behind.
      try HDF5Library.check(H5Pset_fclose_degree(access, H5F_CLOSE_STRONG), shown, "create")
      if inMemory { try HDF5Library.check(H5Pset_fapl_core(access, 1 << 24, false), shown, "create") }
      return try HDF5Library.check(H5Fcreate(path, hdf5_truncate(), creation, access), shown, "create")
    }
    return HDF5File(path: shown, id: id, fileSize: .max, sealedSHA256: nil)
  }

  /// Writes what is still buffered and closes the file; a second call does nothing.
  ///
  /// - Throws: `ReproError` if the last bytes could not be written.
  func close() throws {
    try HDF5Library.locked {
      guard let id = openID else { return }
      openID = nil
      let flushed = H5Fflush(id, H5F_SCOPE_GLOBAL)
      let failed = flushed < 0 ? HDF5Library.failure(path, "write") : nil
      let closed = H5Fclose(id)
      if let failed { throw failed }
      try HDF5Library.check(closed, path, "write")
    }
  }

  /// Runs `body` with the file's id inside the library's lock.
  func locked<R>(_ body: (hid_t) throws -> R) throws -> R {
    try HDF5Library.locked {
      guard let openID else { requirementFailed("the HDF5 file \(path) is closed") }
      return try body(openID)
    }
  }

  /// `a/b`, `/a/b` and `/a/b/` name the same object; the root is `/`. No empty names, `.`, `..` or NUL.
  static func names(_ object: String) -> [String] {
    let names = object.split(separator: "/").map(String.init)
    require(
      !names.contains(".") && !names.contains("..") && !object.utf8.contains(0),
      "'\(object)' is not a path inside an HDF5 file")
    return names
  }

  /// Where an object is, for messages: `file.h5:/train/image`.
  func place(_ object: String) -> String { "\(path):/" + HDF5File.names(object).joined(separator: "/") }

  /// Whether there is a group or dataset at a path.
  public func contains(_ object: String) throws -> Bool { try locked { try contains($0, object) } }

  /// `contains` inside the lock. Links to other places or files are not followed: they count as damage.
  func contains(_ id: hid_t, _ object: String) throws -> Bool {
    var prefix = ""
    for name in HDF5File.names(object) {
      prefix += "/" + name
      let exists = H5Lexists(id, prefix, hdf5_default())
      if exists == 0 { return false }
      if exists < 0 { throw HDF5Library.failure(place(prefix), "look up") }
      guard hdf5_link_is_hard(id, prefix) == 1 else {
        throw ReproError.data(place(prefix), "this is a link to another place", expected: "a group or dataset")
      }
    }
    return true
  }

  /// Opens a group or dataset inside the lock; the caller closes it.
  func object(_ id: hid_t, _ object: String, _ kind: H5I_type_t?, _ words: String) throws -> hid_t {
    guard try contains(id, object) else { throw ReproError.data(place(object), "there is no such \(words)") }
    let path = "/" + HDF5File.names(object).joined(separator: "/")
    let opened = try HDF5Library.check(H5Oopen(id, path, hdf5_default()), place(object), "open")
    if let kind, H5Iget_type(opened) != kind {
      H5Oclose(opened)
      throw ReproError.data(place(object), "this is no \(words)")
    }
    return opened
  }

  /// Makes a group and those above it; nothing happens if it is there.
  public func makeGroup(_ group: String) throws { try locked { try makeGroup($0, HDF5File.names(group)) } }

  func makeGroup(_ id: hid_t, _ names: [String]) throws {
    var prefix = ""
    for name in names {
      prefix += "/" + name
      if try contains(id, prefix) { continue }
      let creation = try HDF5Library.check(H5Pcreate(hdf5_group_create()), place(prefix), "make the group")
      defer { H5Pclose(creation) }
      try HDF5Library.check(H5Pset_obj_track_times(creation, false), place(prefix), "make the group")
      let group = H5Gcreate2(id, prefix, hdf5_default(), creation, hdf5_default())
      H5Gclose(try HDF5Library.check(group, place(prefix), "make the group"))
    }
  }

  /// The names of the groups and datasets in a group, in the order of their bytes.
  public func children(of group: String = "/") throws -> [String] {
    try locked { file in
      let id = try object(file, group, H5I_GROUP, "group")
      defer { H5Oclose(id) }
      var info = H5G_info_t()
      try HDF5Library.check(H5Gget_info(id, &info), place(group), "list")
      var names: [String] = []
      for i in 0..<info.nlinks {
        let length = H5Lget_name_by_idx(id, ".", H5_INDEX_NAME, H5_ITER_INC, i, nil, 0, hdf5_default())
        guard length >= 0, length < 1 << 16 else { throw HDF5Library.failure(place(group), "list") }
        var name = [CChar](repeating: 0, count: length + 1)
        let read = H5Lget_name_by_idx(
          id, ".", H5_INDEX_NAME, H5_ITER_INC, i, &name, name.count, hdf5_default())
        guard read == length else { throw HDF5Library.failure(place(group), "list") }
        names.append(String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
      }
      return names
    }
  }

  /// Whether a path is a group (and not a dataset, or nothing).
  public func isGroup(_ object: String) throws -> Bool {
    try locked { file in
      guard try contains(file, object) else { return false }
      let id = try self.object(file, object, nil, "group or dataset")
      defer { H5Oclose(id) }
      return H5Iget_type(id) == H5I_GROUP
    }
  }
}
