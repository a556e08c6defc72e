/// A JSON document or a part of one. Objects keep the order of their members, so what is written is stable.
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  /// A number without fraction and exponent that fits 64 bits.
  case int(Int)
  /// Any other number; finite.
  case double(Double)
  case string(String)
  case array([JSONValue])
  /// Names are unique.
  case object([Member])

  public struct Member: Sendable, Equatable {
    public var name: String
    public var value: JSONValue
    public init(_ name: String, _ value: JSONValue) {
      self.name = name
      self.value = value
    }
  }

  /// The member of an object; nil for other values and missing names. Setting nil removes, setting a new name appends.
  public subscript(name: String) -> JSONValue? {
    get { members?.first { $0.name == name }?.value }
    set {
      var all = members ?? []
      let index = all.firstIndex { $0.name == name }
      switch (index, newValue) {
      case (let index?, let value?): all[index].value = value
      case (let index?, nil): all.remove(at: index)
      case (nil, let value?): all.append(Member(name, value))
      case (nil, nil): return
      }
      self = .object(all)
    }
  }

  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  public var int: Int? { if case .int(let value) = self { value } else { nil } }
  public var string: String? { if case .string(let value) = self { value } else { nil } }
  public var array: [JSONValue]? { if case .array(let items) = self { items } else { nil } }
  public var members: [Member]? { if case .object(let members) = self { members } else { nil } }
  /// A number of either kind.
  public var double: Double? {
    switch self {
    case .int(let value): Double(value)
    case .double(let value): value
    default: nil
    }
  }

  /// The member `name` as `kind` sees it: `try record.required("steps", as: \.int, at: path)`.
  ///
  /// - Parameters:
  ///   - name: a member of this object.
  ///   - kind: one of the typed views of this type.
  ///   - location: the file, for the message.
  /// - Throws: `ReproError`, domain data: missing, or of another kind.
  public func required<T>(
    _ name: String, as kind: KeyPath<JSONValue, T?>, at location: String
  ) throws(ReproError) -> T {
    guard let value = self[name] else { throw ReproError(.data, at: location, found: "'\(name)' is missing") }
    guard let result = value[keyPath: kind] else {
      throw ReproError(.data, at: location, found: "'\(name)' is \(value.kindInWords)", expected: "\(T.self)")
    }
    return result
  }

  /// What the value is, for messages.
  var kindInWords: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .int(let value): "\(value)"
    case .double(let value): "\(value)"
    case .string(let text): "\"\(clipped(text))\""
    case .array: "an array"
    case .object: "an object"
    }
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int) { self = .int(value) }
  public init(floatLiteral value: Double) { self = .double(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(nilLiteral: ()) { self = .null }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  /// Members in the order in which they are written.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(elements.map { Member($0.0, $0.1) })
  }
}
