import ReproConfig
import ReproData

extension JSONValue {
  /// The object with a last member `sha256` over all others: a change by hand shows.
  public func sealed() throws(ReproError) -> JSONValue {
    var object = self
    object["sha256"] = nil
    object["sha256"] = .string(SHA256.hex(of: try object.text()))
    return object
  }

  /// Checks what `sealed` wrote.
  ///
  /// - Throws: `ReproError`, domain data: edited by hand, or damaged.
  public func checkSeal(at place: String, hint: String) throws(ReproError) {
    let recorded = try required("sha256", as: \.string, at: place)
    var object = self
    object["sha256"] = nil
    guard SHA256.hex(of: try object.text()) == recorded else {
      throw ReproError(
        .data, at: place, found: "its checksum does not match: it was edited by hand, merged or damaged", hint: hint)
    }
  }
}

extension Golden {
  /// Reads a golden of this format or of format 1.
  ///
  /// - Throws: `ReproError`, domain data: another format, edited by hand, damaged.
  public init(path: String) throws {
    let json = try JSONValue(path: path)
    let format = try json.required("format", as: \.int, at: path)
    guard (1...Golden.format).contains(format) else {
      throw ReproError(
        .data, at: path, found: "the golden has format \(format)", expected: "1 to \(Golden.format)",
        hint: "it was written by another version of the program")
    }
    if format > 1 { try json.checkSeal(at: path, hint: "restore it from version control, or record it again") }
    recipe = try json.required("recipe", as: \.string, at: path)
    results = [:]
    for scale in Scale.allCases {
      guard let part = json[scale.rawValue] else { continue }
      results[scale] = try Results(part, format: format, at: path)
    }
    history = []
    for json in try json.required("history", as: \.array, at: path) {
      var event = try Event(json, at: path)
      if format == 1, event.scale != .tiny {
        // Format 1 counted no looks: each record was one.
        event.attempt = 1 + history.count { $0.scale == event.scale }
        for cell in results[event.scale]?.cells ?? [] where !event.seeds.contains(cell.seed) {
          event.seeds.append(cell.seed)
        }
      }
      history.append(event)
    }
  }

  /// The golden as it is written, with its checksum.
  public func json() throws(ReproError) -> JSONValue {
    var json: JSONValue = ["format": .int(Golden.format), "recipe": .string(recipe)]
    json["history"] = .array(history.map(\.json))
    for scale in Scale.allCases { json[scale.rawValue] = results[scale]?.json }
    return try json.sealed()
  }

  public func write(_ path: String) throws {
    if let slash = path.lastIndex(of: "/") { try SafeFile.makeFolder(String(path[..<slash])) }
    try SafeFile.write(path, text: try json().text(pretty: true))
  }
}

extension Golden.Event {
  fileprivate init(_ json: JSONValue, at path: String) throws(ReproError) {
    let name = try json.required("scale", as: \.string, at: path)
    guard let scale = Scale(rawValue: name) else {
      throw ReproError(.data, at: path, found: "its history has the unknown scale '\(clipped(name))'")
    }
    self.scale = scale
    because = try json.required("because", as: \.string, at: path)
    commit = try json.required("commit", as: \.string, at: path)
    attempt = json["attempt"]?.int ?? 0
    seeds = (json["seeds"]?.array ?? []).compactMap { $0.int.map { UInt64(max(0, $0)) } }
    provenBug = json["proven_bug"]?.string
  }

  fileprivate var json: JSONValue {
    var object: JSONValue = [
      "scale": .string(scale.rawValue), "because": .string(because), "commit": .string(commit),
    ]
    if attempt > 0 { object["attempt"] = .int(attempt) }
    if !seeds.isEmpty { object["seeds"] = .array(seeds.map { .int(Int($0)) }) }
    if let provenBug { object["proven_bug"] = .string(provenBug) }
    return object
  }
}

extension Golden.Results {
  fileprivate init(_ json: JSONValue, format: Int, at path: String) throws {
    fingerprint = Fingerprint(json["fingerprint"] ?? .null)
    planSHA256 = try json.required("plan_sha256", as: \.string, at: path)
    data = try json.required("data", as: \.string, at: path)
    cells = try json.required("cells", as: \.array, at: path).map { try Golden.Cell($0, format: format, at: path) }
    for (index, cell) in cells.enumerated() where cells[..<index].contains(where: { $0.isSameCell(as: cell) }) {
      throw ReproError(.data, at: path, found: "\(cell.arm)-\(cell.seed) stands twice")
    }
    tinySHA256 = json["tiny_sha256"]?.string ?? ""
    recipes = (json["recipe_sha256"]?.members ?? []).map { Golden.Digest(name: $0.name, sha256: $0.value.string ?? "") }
    verdicts = try (json["verdicts"]?.array ?? []).map { item throws(ReproError) in
      let word = try item.required("verdict", as: \.string, at: path)
      guard let verdict = Verdict(rawValue: word) else {
        throw ReproError(.data, at: path, found: "the verdict '\(clipped(word))' is unknown")
      }
      return Golden.Judged(
        claim: try item.required("claim", as: \.string, at: path), verdict: verdict,
        p: try item.required("p", as: \.double, at: path))
    }
  }

  fileprivate var json: JSONValue {
    var object: JSONValue = [
      "fingerprint": fingerprint.json, "plan_sha256": .string(planSHA256), "data": .string(data),
    ]
    if !tinySHA256.isEmpty { object["tiny_sha256"] = .string(tinySHA256) }
    object["recipe_sha256"] = .object(recipes.map { JSONValue.Member($0.name, .string($0.sha256)) })
    if !verdicts.isEmpty {
      object["verdicts"] = .array(
        verdicts.map { ["claim": .string($0.claim), "verdict": .string($0.verdict.rawValue), "p": .double($0.p)] })
    }
    object["cells"] = .array(cells.map(\.json))
    return object
  }
}

extension Golden.Cell {
  func isSameCell(as other: Golden.Cell) -> Bool { arm == other.arm && seed == other.seed }

  fileprivate init(_ json: JSONValue, format: Int, at path: String) throws {
    arm = try json.required("arm", as: \.string, at: path)
    guard let seed = UInt64(try json.required("seed", as: \.string, at: path)),
      let status = RunRecord.Status(rawValue: try json.required("status", as: \.string, at: path))
    else { throw ReproError(.data, at: path, found: "a cell's seed or status cannot be read") }
    (self.seed, self.status) = (seed, status)
    weightsSHA256 = try json.required("weights_sha256", as: \.string, at: path)
    if format == 1 {
      losses = try Golden.Cell.oldNumbers(json, "losses", path)
      measurements = try Golden.Cell.oldNumbers(json, "measurements", path)
    } else {
      losses = try Golden.Cell.numbers(json, "losses", path)
      measurements = try Golden.Cell.numbers(json, "measurements", path)
    }
    curves = try (json["curves"]?.array ?? []).map { try RunRecord.Curve(compact: $0, at: path) }
  }

  /// `{"knn.top1": [0.109375, "0x1.cp-4"]}`: decimals for people, all bits for comparisons.
  private static func numbers(_ json: JSONValue, _ key: String, _ path: String) throws -> [RunRecord.Measurement] {
    try json.required(key, as: \.members, at: path).map { member in
      guard let bits = member.value.array?.last?.string, let value = Double(bits) else {
        throw ReproError(.data, at: path, found: "the bits of \(member.name) cannot be read")
      }
      return RunRecord.Measurement(name: member.name, value: value)
    }
  }

  /// Format 1 had no checksum, so both ways to write a number must agree.
  private static func oldNumbers(_ json: JSONValue, _ key: String, _ path: String) throws -> [RunRecord.Measurement] {
    try json.required(key, as: \.array, at: path).map { item in
      let name = try item.required("name", as: \.string, at: path)
      let bits = try item.required("bits", as: \.string, at: path)
      guard let value = Double(bits), value.isFinite else {
        throw ReproError(.data, at: path, found: "'\(bits)' is no finite number", hint: "a golden never holds NaN")
      }
      guard try item.required("value", as: \.double, at: path) == value else {
        throw ReproError(
          .data, at: path, found: "\(name) of \(json["arm"]?.string ?? "") has two values: it was edited by hand",
          hint: "restore it from version control, or record it again")
      }
      return RunRecord.Measurement(name: name, value: value)
    }
  }

  fileprivate var json: JSONValue {
    func numbers(_ all: [RunRecord.Measurement]) -> JSONValue {
      .object(
        all.map { number in
          let bits = hexFloat(number.value)
          let value: JSONValue = number.value.isFinite ? .double(number.value) : .string(bits)
          return JSONValue.Member(number.name, .array([value, .string(bits)]))
        })
    }
    var object: JSONValue = [
      "arm": .string(arm), "seed": .string(String(seed)), "status": .string(status.rawValue),
      "weights_sha256": .string(weightsSHA256), "losses": numbers(losses), "measurements": numbers(measurements),
    ]
    if !curves.isEmpty { object["curves"] = .array(curves.map(\.compact)) }
    return object
  }
}

extension RunRecord.Curve {
  /// Steps and values as one text each: a curve is two lines of a file, not fifty.
  fileprivate var compact: JSONValue {
    [
      "stage": .string(stage), "metric": .string(metric),
      "steps": .string(steps.map { "\($0)" }.joined(separator: " ")),
      "values": .string(values.map { "\($0)" }.joined(separator: " ")),
    ]
  }

  fileprivate init(compact json: JSONValue, at path: String) throws {
    stage = try json.required("stage", as: \.string, at: path)
    metric = try json.required("metric", as: \.string, at: path)
    steps = try json.required("steps", as: \.string, at: path).split(separator: " ").compactMap { Int($0) }
    values = try json.required("values", as: \.string, at: path).split(separator: " ").compactMap { Double($0) }
    guard steps.count == values.count else {
      throw ReproError(
        .data, at: path, found: "a curve of \(metric) has \(values.count) values at \(steps.count) steps")
    }
  }
}
