import ReproConfig
import ReproData
import ReproTensor
import Testing

/// One case of a function that PyTorch has computed: inputs, output, an upstream gradient, and the inputs' gradients.
public struct VectorCase: Sendable, CustomTestStringConvertible {
  public let name: String
  /// The number of the case and its shapes.
  public let label: String
  public let inputs: [Tensor]
  public let output, seed: Tensor
  public let gradients: [Tensor]

  public var testDescription: String { "\(name) \(label)" }
}

/// A file of `Tests/Support/vectors`, made by the script beside it.
public struct VectorFile: Sendable {
  private let file: HDF5File

  public init(_ name: String) throws {
    // This file is <package>/Tests/Support/Vectors.swift.
    let folder = #filePath.prefix(upTo: #filePath.lastIndex(of: "/") ?? #filePath.startIndex)
    file = try HDF5File.open("\(folder)/vectors/\(name)", seal: .ifPresent)
  }

  /// One array as a tensor.
  public func tensor(_ path: String) throws -> Tensor {
    let (values, shape) = try file.read(path, as: Float.self)
    return Tensor(shape, values.map { Real($0) })
  }

  /// One array of Doubles, row by row.
  public func doubles(_ path: String) throws -> (values: [Double], shape: Shape) {
    try file.read(path, as: Double.self)
  }

  /// The names below a group.
  public func names(_ group: String = "/") throws -> [String] { try file.children(of: group).sorted() }

  public func contains(_ path: String) throws -> Bool { try file.contains(path) }

  /// All cases of a file of functions.
  public func cases() throws -> [VectorCase] {
    try names().flatMap { name in try names(name).map { try vectorCase(name, $0) } }
  }

  /// `label` is "<number> [3, 5] [5] -> [3, 5]"; the array holds inputs, output, upstream gradient and gradients in turn.
  private func vectorCase(_ name: String, _ label: String) throws -> VectorCase {
    let all = try tensor("\(name)/\(label)").values
    let shapes = label.matches(of: /\[([0-9, ]*)\]/).map { match in
      Shape(match.output.1.split(separator: ",").compactMap { Int($0.filter { $0 != " " }) })
    }
    guard let out = shapes.last, shapes.count >= 2 else {
      throw ReproError(.data, at: "\(name)/\(label)", found: "no shapes in the name of a case")
    }
    var rest = all[...]
    let parts = (shapes.dropLast() + [out, out] + shapes.dropLast()).map { shape in
      defer { rest = rest.dropFirst(shape.count) }
      return Tensor(shape, Array(rest.prefix(shape.count)))
    }
    guard rest.isEmpty else {
      throw ReproError(.data, at: "\(name)/\(label)", found: "\(rest.count) numbers more than the shapes hold")
    }
    let n = shapes.count - 1
    return VectorCase(
      name: name.replacing(":", with: "/"), label: label, inputs: Array(parts[..<n]), output: parts[n],
      seed: parts[n + 1], gradients: Array(parts[(n + 2)...]))
  }
}

/// Demands that a function agrees with PyTorch on a case: forward within 1e-5, gradients within 1e-4 of the largest
/// magnitude, by the fused and by the recorded derivative, however the inputs lie in memory.
public func expectParity(
  _ c: VectorCase, _ f: TensorFunction, layouts: [Layout] = [.rows, .turned, .window],
  sourceLocation: SourceLocation = #_sourceLocation
) {
  var (forward, backward) = (0.0, 0.0)
  for layout in layouts where layout == .rows || c.inputs.contains(where: { layout.applies(to: $0.shape) }) {
    let x = c.inputs.map { layout.arranging($0).tracked }
    let y = f(x)
    let label = "\(c.testDescription) \(layout.rawValue)"
    forward = max(
      forward, expectClose(y, c.output, tolerance: 1e-5, "forward of \(label)", sourceLocation: sourceLocation))
    guard y.shape == c.output.shape else { return }
    for recorded in [false, true] {
      let found = gradients(of: y, seed: layout.arranging(c.seed), with: x, createGraph: recorded, keepGraph: true)
      for (k, gradient) in found.enumerated() {
        let error = expectClose(
          gradient, c.gradients[k], tolerance: 1e-4, "gradient \(k) of \(label), recorded \(recorded)",
          sourceLocation: sourceLocation)
        backward = max(backward, error)
      }
    }
  }
  ProofLog.record("parity forward", c.name, c.label, forward)
  ProofLog.record("parity gradient", c.name, c.label, backward)
}
