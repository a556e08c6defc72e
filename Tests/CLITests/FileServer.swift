import Glibc
import ReproData

/// A mirror on 127.0.0.1: the files of a folder over HTTP, whole or from a byte on, one request after the other.
final class FileServer: Sendable {
  let url: String
  private let folder: String
  private let listener: Int32

  /// Runs `body` while the server answers, then stops it.
  static func run(_ folder: String, _ body: (FileServer) throws -> Void) throws {
    let server = try FileServer(folder)
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { raw in
        if let raw { Unmanaged<FileServer>.fromOpaque(raw).takeRetainedValue().serve() }
        return nil
      }, Unmanaged.passRetained(server).toOpaque())
    defer {
      shutdown(server.listener, Int32(SHUT_RDWR))
      pthread_join(thread, nil)
      close(server.listener)
    }
    try body(server)
  }

  private init(_ folder: String) throws {
    self.folder = folder
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let socket = listener
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, size) == 0 && getsockname(socket, $0, &size) == 0
      }
    }
    struct CannotListen: Error {}
    guard isBound, listen(listener, 8) == 0 else { throw CannotListen() }
    url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
  }

  private func serve() {
    while true {
      let connection = accept(listener, nil, nil)
      if connection < 0 { return }
      answer(connection)
      close(connection)
    }
  }

  private func answer(_ connection: Int32) {
    var text = ""
    var buffer = [UInt8](repeating: 0, count: 4096)
    while !text.contains("\r\n\r\n") {
      let count = recv(connection, &buffer, buffer.count, 0)
      if count <= 0 { return }
      text += String(decoding: buffer[..<count], as: UTF8.self)
    }
    let words = text.split(separator: " ", maxSplits: 2)
    let range = text.split(separator: "\r\n").first { $0.lowercased().hasPrefix("range: bytes=") }
    let start = range.flatMap { Int($0.dropFirst("range: bytes=".count).dropLast()) }
    guard words.count == 3, let bytes = try? SafeFile.read(folder + words[1]), start ?? 0 < bytes.count else {
      return send(Array("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8), connection)
    }
    var head = "HTTP/1.1 \(start == nil ? "200 OK" : "206 Partial Content")\r\nConnection: close\r\n"
    if let start { head += "Content-Range: bytes \(start)-\(bytes.count - 1)/\(bytes.count)\r\n" }
    head += "Content-Length: \(bytes.count - (start ?? 0))\r\n\r\n"
    send(Array(head.utf8) + bytes[(start ?? 0)...], connection)
  }

  private func send(_ bytes: [UInt8], _ connection: Int32) {
    bytes.withUnsafeBytes { raw in
      var done = 0
      while done < raw.count {
        let count = Glibc.send(connection, raw.baseAddress?.advanced(by: done), raw.count - done, Int32(MSG_NOSIGNAL))
        if count <= 0 { return }
        done += count
      }
    }
    shutdown(connection, Int32(SHUT_WR))
    var rest = [UInt8](repeating: 0, count: 4096)
    while recv(connection, &rest, rest.count, 0) > 0 {}
  }
}
