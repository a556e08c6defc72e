import Glibc
import ReproData
import Synchronization

/// An HTTP server on 127.0.0.1 that misbehaves as told, one connection at a time.
public final class LocalServer: Sendable {
  public struct Request: Sendable {
    public var path: String
    /// Header fields by lower-case name.
    public var fields: [String: String]
    /// The how many-th request for this path, from 1.
    public var number: Int

    /// N of `Range: bytes=N-`.
    public var start: Int? { fields["range"].flatMap { Int($0.dropFirst("bytes=".count).dropLast()) } }
  }

  public struct Reply: Sendable {
    public var status = "200 OK"
    public var fields: [(String, String)] = []
    public var body: [UInt8] = []
    /// What Content-Length says; nil leaves it out.
    public var length: Int?
    /// Close the connection after so many bytes of the body.
    public var cut: Int?
    /// Send the body in pieces of so many bytes with a pause of so many milliseconds after each.
    public var drip: (bytes: Int, milliseconds: Int)?

    public init(_ status: String = "200 OK", _ body: [UInt8], fields: [(String, String)] = [], cut: Int? = nil) {
      (self.status, self.body, self.fields, self.cut) = (status, body, fields, cut)
      length = body.count
    }

    /// What a good server answers: the whole file, or the part asked for.
    public static func file(_ bytes: [UInt8], _ request: Request, cut: Int? = nil) -> Reply {
      guard let start = request.start else { return Reply(bytes, cut: cut) }
      guard start < bytes.count else { return Reply("416 Range Not Satisfiable", []) }
      let range = ("Content-Range", "bytes \(start)-\(bytes.count - 1)/\(bytes.count)")
      return Reply("206 Partial Content", Array(bytes[start...]), fields: [range], cut: cut)
    }

    public init(_ body: [UInt8], cut: Int? = nil) { self.init("200 OK", body, cut: cut) }
  }

  public let port: Int
  private let listener: Int32
  private let log = Mutex<[String]>([])
  private let answer: @Sendable (Request) -> Reply

  public var url: String { "http://127.0.0.1:\(port)" }

  /// The requests so far: `/file`, or `/file 1000-` for one with a range.
  public var requests: [String] { log.withLock { $0 } }

  public init(_ answer: @escaping @Sendable (Request) -> Reply) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, size) == 0 && getsockname(listener, $0, &size) == 0
      }
    }
    struct CannotListen: Error {}
    guard bound, listen(listener, 8) == 0 else { throw CannotListen() }
    self.listener = listener
    self.answer = answer
    port = Int(UInt16(bigEndian: address.sin_port))
  }

  deinit { close(listener) }

  /// Runs `body` while the server answers, then stops it.
  public static func run(_ answer: @escaping @Sendable (Request) -> Reply, _ body: (LocalServer) throws -> Void) throws
  {
    let server = try LocalServer(answer)
    var thread = pthread_t()
    let box = Unmanaged.passRetained(server)
    pthread_create(
      &thread, nil,
      { raw in
        if let raw { Unmanaged<LocalServer>.fromOpaque(raw).takeRetainedValue().serve() }
        return nil
      }, box.toOpaque())
    defer {
      shutdown(server.listener, Int32(SHUT_RDWR))
      pthread_join(thread, nil)
    }
    try body(server)
  }

  /// The same for a good server of the files of a folder.
  public static func run(folder: String, _ body: (LocalServer) throws -> Void) throws {
    try run(
      { request in
        (try? SafeFile.read(folder + request.path)).map { .file($0, request) } ?? Reply("404 Not Found", [])
      }, body)
  }

  private func serve() {
    while true {
      let connection = accept(listener, nil, nil)
      if connection < 0 { return }
      handle(connection)
      close(connection)
    }
  }

  private func handle(_ connection: Int32) {
    var text = ""
    var buffer = [UInt8](repeating: 0, count: 4096)
    while !text.contains("\r\n\r\n") {
      let count = recv(connection, &buffer, buffer.count, 0)
      if count <= 0 { return }
      text += String(decoding: buffer[..<count], as: UTF8.self)
    }
    let lines = text.split(separator: "\r\n").map(String.init)
    let path = String(lines[0].split(separator: " ")[1])
    var fields: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2 { fields[parts[0].lowercased()] = String(parts[1].drop { $0 == " " }) }
    }
    var request = Request(path: path, fields: fields, number: 0)
    let entry = request.start.map { "\(path) \($0)-" } ?? path
    request.number = log.withLock { log in
      log.append(entry)
      return log.count { $0.split(separator: " ")[0] == path }
    }
    send(answer(request), to: connection)
  }

  private func send(_ reply: Reply, to connection: Int32) {
    var head = "HTTP/1.1 \(reply.status)\r\nConnection: close\r\n"
    if let length = reply.length { head += "Content-Length: \(length)\r\n" }
    for (name, value) in reply.fields { head += "\(name): \(value)\r\n" }
    let bytes = Array((head + "\r\n").utf8) + reply.body.prefix(reply.cut ?? .max)
    var done = 0
    bytes.withUnsafeBytes { raw in
      while done < raw.count {
        let rest = UnsafeRawBufferPointer(rebasing: raw[done..<min(raw.count, done + (reply.drip?.bytes ?? .max / 2))])
        if done > 0, let drip = reply.drip { usleep(UInt32(drip.milliseconds * 1000)) }
        let count = Glibc.send(connection, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
        if count <= 0 { return }
        done += count
      }
    }
    // Let the other side read what was sent before the connection goes.
    shutdown(connection, Int32(SHUT_WR))
    var rest = [UInt8](repeating: 0, count: 4096)
    while recv(connection, &rest, rest.count, 0) > 0 {}
  }
}
