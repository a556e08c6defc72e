import CCurl
import ReproConfig
import ReproTensor

/// One request to one server, and what came of it.
final class Transfer {
  enum Outcome {
    /// All bytes are there (not yet verified).
    case finished
    /// Worth another attempt: the connection broke, the server was busy.
    case broken(String)
    /// This source does not have the file.
    case refused(String)
    /// The server cannot, or does not truthfully, go on where we stopped.
    case badRange(String)
  }

  private static let isReady = curl_begin() == CURLE_OK

  private let settings: Downloader
  private let source: Downloader.Source
  private let part: PartialFile
  private let bytes: Int
  private let progress: (Int) -> Void

  private var handle: UnsafeMutableRawPointer?
  /// Where this request starts in the file.
  private let start: Int
  /// `Content-Range` of the answer that is being received.
  private var contentRange: String?
  /// How long a busy server asks to be left alone, seconds.
  private(set) var retryAfter = 0.0
  /// Set by the callbacks when they stop the transfer.
  private var stopped: Outcome?
  private var failure: (any Error)?
  private var hasJudged = false
  private var reported = 0

  init(
    _ settings: Downloader, _ source: Downloader.Source, _ part: PartialFile, bytes: Int,
    progress: @escaping (Int) -> Void
  ) {
    (self.settings, self.source, self.part, self.bytes) = (settings, source, part, bytes)
    self.progress = progress
    start = part.count
  }

  /// - Throws: `ReproError` if the disk fails us; everything about the network is an outcome.
  func run() throws -> Outcome {
    guard Transfer.isReady, let handle = curl_easy_init() else {
      throw ReproError.data(source.url, "libcurl cannot start")
    }
    self.handle = handle
    defer {
      curl_easy_cleanup(handle)
      self.handle = nil
    }
    var words = [CChar](repeating: 0, count: Int(CURL_ERROR_SIZE))
    let code: CURLcode = try words.withUnsafeMutableBufferPointer { buffer in
      try configure(handle)
      try set(curl_set_pointer(handle, CURLOPT_ERRORBUFFER, buffer.baseAddress))
      return curl_easy_perform(handle)
    }
    if let failure { throw failure }
    if let stopped { return stopped }
    let message = words.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    let reason = message.isEmpty ? String(cString: curl_easy_strerror(code)) : message
    if Transfer.isHopeless(code) { return .refused(reason) }
    if code == CURLE_RANGE_ERROR || code == CURLE_BAD_DOWNLOAD_RESUME { return .badRange(reason) }
    if !hasJudged, let outcome = judge() { return outcome }  // an answer without a body
    guard code == CURLE_OK else { return .broken(reason) }
    guard part.count == bytes else {
      let text = "the answer ends after \(part.count) of \(bytes) bytes"
      return curl_status(handle) == 0 ? .refused(text) : .broken(text)
    }
    report(always: true)
    return .finished
  }

  /// Failures that another attempt would only repeat.
  private static func isHopeless(_ code: CURLcode) -> Bool {
    [
      CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT, CURLE_COULDNT_RESOLVE_HOST, CURLE_FILE_COULDNT_READ_FILE,
      CURLE_TOO_MANY_REDIRECTS, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_REMOTE_FILE_NOT_FOUND,
      CURLE_REMOTE_ACCESS_DENIED,
    ].contains(code)
  }

  private func set(_ code: CURLcode) throws {
    guard code == CURLE_OK else {
      throw ReproError.data(source.url, "libcurl refuses an option: \(String(cString: curl_easy_strerror(code)))")
    }
  }

  private func configure(_ handle: UnsafeMutableRawPointer) throws {
    let allowed = source.allowed
    // A redirection may never lead to files of this machine.
    let redirected = allowed.subtracting(.file)
    func bits(_ schemes: Downloader.Schemes) -> Int {
      curl_scheme_bits(
        schemes.contains(.https) ? 1 : 0, schemes.contains(.http) ? 1 : 0, schemes.contains(.file) ? 1 : 0)
    }
    try set(curl_set_text(handle, CURLOPT_URL, source.url))
    try set(curl_set_schemes(handle, 0, allowed.names, bits(allowed)))
    if redirected.isEmpty {
      try set(curl_set_long(handle, CURLOPT_FOLLOWLOCATION, 0))
    } else {
      try set(curl_set_schemes(handle, 1, redirected.names, bits(redirected)))
      try set(curl_set_long(handle, CURLOPT_FOLLOWLOCATION, 1))
      try set(curl_set_long(handle, CURLOPT_MAXREDIRS, settings.redirections))
    }
    try set(curl_set_long(handle, CURLOPT_NOSIGNAL, 1))
    try set(curl_set_long(handle, CURLOPT_CONNECTTIMEOUT_MS, max(1, Int(settings.connectTimeout * 1000))))
    try set(curl_set_long(handle, CURLOPT_TIMEOUT_MS, max(1, Int(settings.attemptTimeout * 1000))))
    try set(curl_set_long(handle, CURLOPT_LOW_SPEED_LIMIT, max(1, settings.slowest)))
    try set(curl_set_long(handle, CURLOPT_LOW_SPEED_TIME, max(1, settings.stallTimeout)))
    try set(curl_set_text(handle, CURLOPT_USERAGENT, "repro"))
    if start > 0 { try set(curl_set_text(handle, CURLOPT_RANGE, "\(start)-")) }

    // The transfer outlives the request: `run` holds it.
    let context = Unmanaged.passUnretained(self).toOpaque()
    try set(curl_set_pointer(handle, CURLOPT_HEADERDATA, context))
    try set(curl_set_pointer(handle, CURLOPT_WRITEDATA, context))
    try set(
      curl_set_sink(handle, CURLOPT_HEADERFUNCTION) { line, size, count, context in
        guard let context, let line else { return 0 }
        let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
        transfer.header(UnsafeRawBufferPointer(start: line, count: size * count))
        return size * count
      })
    try set(
      curl_set_sink(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
        guard let context, let bytes else { return 0 }
        let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
        // Anything but the full count stops the transfer.
        return transfer.body(UnsafeRawBufferPointer(start: bytes, count: size * count)) ? size * count : 0
      })
  }

  private func header(_ line: UnsafeRawBufferPointer) {
    let text = String(decoding: line, as: UTF8.self)
    // A new status line begins: what came before was a redirection's.
    if text.hasPrefix("HTTP/") { contentRange = nil }
    guard let colon = text.firstIndex(of: ":") else { return }
    let value = String(text[text.index(after: colon)...].drop { $0 == " " }.prefix { !$0.isNewline })
    switch text[..<colon].lowercased() {
    case "content-range": contentRange = value
    case "retry-after": retryAfter = max(0, Double(value) ?? 0)  // a date is passed over
    default: break
    }
  }

  private func body(_ bytes: UnsafeRawBufferPointer) -> Bool {
    if !hasJudged {
      hasJudged = true
      do {
        if let outcome = judge() { stopped = outcome }
        if stopped == nil, curl_status(handle) == 200, part.count > 0 { try part.restart() }
      } catch { failure = error }
    }
    if stopped != nil || failure != nil { return false }
    guard part.count + bytes.count <= self.bytes else {
      stopped = .refused("the server sends more than the \(self.bytes) bytes of the file")
      try? part.restart()
      return false
    }
    do { try part.append(bytes) } catch {
      failure = error
      return false
    }
    report(always: false)
    return true
  }

  private func report(always: Bool) {
    guard always ? part.count != reported : part.count - reported >= 1 << 20 else { return }
    reported = part.count
    progress(part.count)
  }

  /// Decides by the answer's head whether its body is the file; nil if it may be, or if there was no answer at all.
  private func judge() -> Outcome? {
    let status = curl_status(handle)
    switch status {
    case 0: return nil  // file://, or no answer
    case 200: return judgeLength(expected: bytes)
    case 206:
      guard start > 0 else { return .badRange("the server sends a part (206) that was not asked for") }
      let parts = (contentRange ?? "").split(separator: " ")
      let numbers = parts.last?.split { $0 == "-" || $0 == "/" }.map { Int($0) } ?? []
      guard parts.first?.lowercased() == "bytes", numbers.count == 3, numbers[0] == start,
        numbers[1] == bytes - 1, numbers[2] == bytes || numbers[2] == nil && parts.last?.hasSuffix("/*") == true
      else {
        return .badRange(
          "the server sends '\(contentRange ?? "no Content-Range")', expected bytes \(start)-\(bytes - 1)/\(bytes)")
      }
      return judgeLength(expected: bytes - start)
    case 416: return .badRange("the server has no bytes after \(start) (status 416)")
    case 408, 429, 500...599: return .broken("the server answers with status \(status)")
    default: return .refused("the server answers with status \(status)")
    }
  }

  private func judgeLength(expected: Int) -> Outcome? {
    let length = Int(curl_content_length(handle))
    guard length >= 0, length != expected else { return nil }
    let type = curl_content_type(handle).map { String(cString: $0) } ?? ""
    let what = type.lowercased().hasPrefix("text/html") ? "a web page of \(length) bytes" : "\(length) bytes"
    return .refused("the server sends \(what), expected \(expected)")
  }
}
