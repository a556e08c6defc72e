/// Stops the program with a message that names the shapes: the one place where `fatalError` is allowed.
///
/// For mistakes of programmers only (a wrong shape, a wrong range); whatever comes from outside throws `ReproError`.
/// A plain `precondition` would lose its text in an optimised build.
@inlinable
public func require(
  _ condition: @autoclosure () -> Bool, _ message: @autoclosure () -> String, file: StaticString = #fileID,
  line: UInt = #line
) {
  if !condition() { requirementFailed(message(), file: file, line: line) }
}

/// The cold half of `require`, kept out of line so that the check itself stays a compare and a jump.
@inline(never)
public func requirementFailed(_ message: String, file: StaticString = #fileID, line: UInt = #line) -> Never {
  fatalError(message, file: file, line: line)
}
