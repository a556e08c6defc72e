/// Where the data layer says what the user should know but that is no error: a cache that is built again, a slow
/// source.
///
/// The command line prints notices on stderr; libraries and tests may collect or drop them.
public struct Notices: Sendable {
  private let sink: @Sendable (String) -> Void

  public init(_ sink: @escaping @Sendable (String) -> Void) { self.sink = sink }

  /// Says one sentence, without a final newline.
  public func callAsFunction(_ text: String) { sink(text) }

  /// Drops everything.
  public static let silent = Notices { _ in }
}
