import Glibc

/// A text for a message: on one line, without control characters, and at most 60 characters long.
public func clipped(_ text: String) -> String {
  var result = ""
  for (count, character) in text.unicodeScalars.enumerated() {
    if count == 60 { return result + "..." }
    switch character {
    case "\n": result += "\\n"
    case "\t": result += "\\t"
    case _ where character.value < 32 || character.value == 127: result += "?"
    default: result.unicodeScalars.append(character)
    }
  }
  return result
}

/// `'a', 'b' or 'c'`.
func alternatives(_ words: [String]) -> String {
  let quoted = words.map { "'\($0)'" }
  guard let last = quoted.last, quoted.count > 1 else { return quoted.first ?? "" }
  return quoted.dropLast().joined(separator: ", ") + " or " + last
}

func hexadecimal(_ byte: UInt8) -> String {
  let digits = String(byte, radix: 16, uppercase: true)
  return digits.count == 1 ? "0x0" + digits : "0x" + digits
}

/// The offset of the first byte that belongs to no character, or nil if all of them do.
func firstInvalidUTF8(in bytes: [UInt8]) -> Int? {
  if String(validating: bytes, as: UTF8.self) != nil { return nil }
  var parser = Unicode.UTF8.ForwardParser()
  var input = bytes.makeIterator()
  var offset = 0
  while true {
    switch parser.parseScalar(from: &input) {
    case .valid(let character): offset += character.count
    case .error: return offset
    case .emptyInput: return nil
    }
  }
}

/// Line and column of a byte, the column in characters.
func place(ofByte offset: Int, in bytes: some Collection<UInt8>, file: String) -> YAMLNode.Mark {
  var line = 1
  var column = 1
  for byte in bytes.prefix(offset) {
    if byte == UInt8(ascii: "\n") {
      line += 1
      column = 1
    } else if byte & 0xC0 != 0x80 {
      column += 1
    }
  }
  return YAMLNode.Mark(file: file, line: line, column: column)
}

/// The bytes of a small regular file.
///
/// - Parameters:
///   - path: a regular file or a link to one.
///   - limit: the largest size in bytes; nothing is read from a larger file.
///   - domain: decides the exit code.
/// - Throws: `ReproError` at `path`: missing, unreadable, a folder, too large.
public func readFile(_ path: String, limit: Int, domain: ReproError.Domain) throws(ReproError) -> [UInt8] {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)  // a pipe without a writer must not block
  guard descriptor >= 0 else {
    let missing = errno == ENOENT
    throw ReproError(domain, at: path, found: missing ? "no such file" : "cannot be read: \(lastSystemError())")
  }
  defer { close(descriptor) }
  var status = stat()
  guard fstat(descriptor, &status) == 0 else {
    throw ReproError(domain, at: path, found: "cannot be read: \(lastSystemError())")
  }
  guard status.st_mode & S_IFMT == S_IFREG else {
    let isFolder = status.st_mode & S_IFMT == S_IFDIR
    throw ReproError(domain, at: path, found: isFolder ? "is a folder" : "is not a regular file", expected: "a file")
  }
  let size = Int(status.st_size)
  guard size <= limit else {
    throw ReproError(domain, at: path, found: "the file has \(size) bytes", expected: "at most \(limit)")
  }
  var failed = false
  let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
    while count < size, let base = buffer.baseAddress {
      let got = read(descriptor, base + count, size - count)
      if got > 0 {
        count += got
      } else if got == 0 {
        return  // the file shrank meanwhile
      } else if errno != EINTR {
        failed = true
        return
      }
    }
  }
  if failed { throw ReproError(domain, at: path, found: "cannot be read: \(lastSystemError())") }
  return bytes
}

/// The text of `errno`.
func lastSystemError() -> String { String(cString: strerror(errno)) }
