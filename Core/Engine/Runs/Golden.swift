import ReproConfig
import ReproData

/// The recorded results of a recipe: what a rerun is compared with. Written by `--record` only, never by hand.
public struct Golden: Sendable, Equatable {
  public static let format = 1

  /// Why the numbers moved, newest last.
  public struct Event: Sendable, Equatable {
    public var scale: Scale
    public var because: String
    public var commit: String
  }

  /// One cell's results.
  public struct Cell: Sendable, Equatable {
    public var arm: String
    public var seed: UInt64
    public var status: RunRecord.Status
    public var weightsSHA256: String
    /// The last value of the loss, of each stage.
    public var losses: [RunRecord.Measurement]
    public var measurements: [RunRecord.Measurement]

    public init(_ record: RunRecord) {
      arm = record.cell.arm
      seed = record.cell.seed
      status = record.status
      weightsSHA256 = record.weightsSHA256
      losses = record.curves.filter { $0.metric == "loss" }.compactMap { curve in
        curve.values.last.map { RunRecord.Measurement(name: "\(curve.stage).loss", value: $0) }
      }
      measurements = record.measurements
    }
  }

  /// All cells of one scale, with what decided their bits.
  public struct Results: Sendable, Equatable {
    public var fingerprint: Fingerprint
    public var planSHA256: String
    public var data: String
    public var cells: [Cell]
  }

  public var recipe: String
  public var results: [Scale: Results]
  public var history: [Event]

  public init(recipe: String) {
    self.recipe = recipe
    results = [:]
    history = []
  }

  /// Takes the records of a finished sweep in the place of what stood there for their scale.
  public mutating func record(_ records: [RunRecord], because: String, commit: String) {
    guard let first = records.first else { return }
    results[first.cell.scale] = Results(
      fingerprint: first.fingerprint, planSHA256: first.planSHA256, data: first.data, cells: records.map(Cell.init))
    history.append(Event(scale: first.cell.scale, because: because, commit: commit))
  }

  // MARK: JSON

  public init(path: String) throws {
    let json = try JSONValue(path: path)
    let format = try json.required("format", as: \.int, at: path)
    guard format == Golden.format else {
      throw ReproError(.data, at: path, found: "the golden has format \(format)", expected: "\(Golden.format)")
    }
    recipe = try json.required("recipe", as: \.string, at: path)
    results = [:]
    history = []
    for event in try json.required("history", as: \.array, at: path) {
      guard let scale = Scale(rawValue: try event.required("scale", as: \.string, at: path)) else { continue }
      history.append(
        Event(
          scale: scale, because: try event.required("because", as: \.string, at: path),
          commit: try event.required("commit", as: \.string, at: path)))
    }
    for scale in Scale.allCases {
      guard let part = json[scale.rawValue] else { continue }
      let cells = try part.required("cells", as: \.array, at: path).map { try Cell($0, at: path) }
      results[scale] = Results(
        fingerprint: Fingerprint(part["fingerprint"] ?? .null),
        planSHA256: try part.required("plan_sha256", as: \.string, at: path),
        data: try part.required("data", as: \.string, at: path), cells: cells)
    }
  }

  public func write(_ path: String) throws {
    var json: JSONValue = ["format": .int(Golden.format), "recipe": .string(recipe)]
    json["history"] = .array(
      history.map {
        ["scale": .string($0.scale.rawValue), "because": .string($0.because), "commit": .string($0.commit)]
      })
    for scale in Scale.allCases {
      guard let part = results[scale] else { continue }
      json[scale.rawValue] = [
        "fingerprint": part.fingerprint.json, "plan_sha256": .string(part.planSHA256), "data": .string(part.data),
        "cells": .array(part.cells.map(\.json)),
      ]
    }
    if let slash = path.lastIndex(of: "/") { try SafeFile.makeFolder(String(path[..<slash])) }
    try SafeFile.write(path, text: try json.text(pretty: true) + "\n")
  }
}

extension Golden.Cell {
  init(_ json: JSONValue, at path: String) throws {
    arm = try json.required("arm", as: \.string, at: path)
    guard let seed = UInt64(try json.required("seed", as: \.string, at: path)),
      let status = RunRecord.Status(rawValue: try json.required("status", as: \.string, at: path))
    else { throw ReproError(.data, at: path, found: "a cell's seed or status cannot be read") }
    (self.seed, self.status) = (seed, status)
    weightsSHA256 = try json.required("weights_sha256", as: \.string, at: path)
    func numbers(_ name: String) throws -> [RunRecord.Measurement] {
      try json.required(name, as: \.array, at: path).map { item in
        let bits = try item.required("bits", as: \.string, at: path)
        guard let value = Double(bits), value.isFinite else {
          throw ReproError(.data, at: path, found: "'\(bits)' is no finite number", hint: "a golden never holds NaN")
        }
        return RunRecord.Measurement(name: try item.required("name", as: \.string, at: path), value: value)
      }
    }
    losses = try numbers("losses")
    measurements = try numbers("measurements")
  }

  var json: JSONValue {
    func numbers(_ all: [RunRecord.Measurement]) -> JSONValue {
      .array(all.map { ["name": .string($0.name), "value": .double($0.value), "bits": .string(hexFloat($0.value))] })
    }
    return [
      "arm": .string(arm), "seed": .string(String(seed)), "status": .string(status.rawValue),
      "weights_sha256": .string(weightsSHA256), "losses": numbers(losses), "measurements": numbers(measurements),
    ]
  }
}
