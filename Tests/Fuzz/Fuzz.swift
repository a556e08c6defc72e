import Glibc

/// The parser that this process tries, named by REPRO_FUZZ.
private let target: ParserTarget = {
  let name = getenv("REPRO_FUZZ").map { String(cString: $0) } ?? ""
  guard let target = ParserTarget.all.first(where: { $0.name == name }) else {
    say("REPRO_FUZZ=\(name): no such parser; \(ParserTarget.all.map(\.name).joined(separator: " "))\n")
    exit(2)
  }
  return target
}()

/// libFuzzer's door. What is neither read nor refused by a `ReproError` ends the process, as a crash does.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  do {
    _ = try target.accepts(Array(UnsafeBufferPointer(start: bytes, count: count)))
  } catch {
    say("not a ReproError: \(error)\n")
    abort()
  }
  return 0
}

private func say(_ text: String) {
  let bytes = Array(text.utf8)
  _ = write(2, bytes, bytes.count)
}
