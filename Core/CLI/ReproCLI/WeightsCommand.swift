import ArgumentParser
import ReproConfig
import ReproData
import ReproEngine

struct WeightsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "weights", abstract: "Published weights: what a file holds, and other formats of it.",
    discussion:
      "Reads safetensors, PyTorch's .pth (zip, TorchScript and the pickle of before 1.6), .npz and HDF5. Pickles are "
      + "read by a machine that knows tensors, containers, numbers and text, and executes nothing.",
    subcommands: [WeightsInspect.self, WeightsCheck.self, WeightsConvert.self])
}

struct WeightsInspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Names, shapes and types of the arrays of a file, and their totals.")

  @Argument(help: "A file of weights.") var file: String
  @Flag(help: "Print the list as JSON.") var json = false

  func run() throws {
    let weights = try WeightFile(file)
    if json {
      let arrays = weights.entries.map { entry -> JSONValue in
        [
          "name": .string(entry.name), "type": .string(entry.element.rawValue),
          "shape": .array(entry.shape.array.map { .int($0) }), "bytes": .int(entry.byteCount),
        ]
      }
      let notes = weights.notes.map { note -> JSONValue in ["name": .string(note.name), "text": .string(note.text)] }
      let all: JSONValue = [
        "format": .string(weights.format.rawValue), "arrays": .array(arrays), "notes": .array(notes),
        "numbers": .int(weights.parameterCount),
      ]
      return Terminal.line(try all.text(pretty: true))
    }
    var table = TextTable(["array", "type", "shape", "size"], rightAligned: [3])
    for entry in weights.entries {
      table.add([entry.name, entry.element.rawValue, "\(entry.shape)", fileSize(entry.byteCount)])
    }
    for line in table.lines(width: Terminal.tableWidth, clipping: [0]) { Terminal.line(line) }
    if !weights.notes.isEmpty {
      Terminal.line()
      for note in weights.notes { Terminal.line("\(note.name.isEmpty ? "value" : note.name) = \(clipped(note.text))") }
    }
    let bytes = weights.entries.reduce(0) { $0 + $1.byteCount }
    Terminal.line(
      "\n\(weights.format.rawValue): \(counted(weights.entries.count, "array")), \(weights.parameterCount) numbers, "
        + "\(fileSize(bytes)) of \(fileSize(weights.size))")
  }
}

struct WeightsCheck: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Compares a file with the network that it should fit: names and shapes.",
    discussion: "Exit code 3 if anything is missing, unexpected, or of another shape.")

  @Argument(help: "A file of weights.") var file: String
  @Option(
    name: .customLong("as"),
    help: "dinov2, dinov3, timm-vit, resnet, clip, bert or cifar-resnet (default: told by the names in the file).")
  var architecture: String?
  @Option(help: "Heads of the attention (default: one for each 64 numbers of the width).") var heads: Int?
  @Option(help: "Which of several networks in the file, as teacher or student.") var part: String?

  func run() throws {
    let weights = try WeightFile(file)
    var choices = PublishedModel.Choices()
    choices.heads = heads
    if let part { choices.part = part }
    let plan = try model(of: weights).plan(weights, choices)
    let diff = plan.difference
    if !plan.view.prefix.isEmpty { Terminal.line("below '\(plan.view.prefix)'") }
    for line in diff.lines { Terminal.line("\(line)") }
    Terminal.line("\(counted(diff.matched, "parameter")) fit\(diff.isEmpty ? "; nothing else is in the file" : "")")
    if !diff.isEmpty {
      throw ReproError(.data, at: file, found: "\(counted(diff.lines.count, "difference"))")
    }
  }

  private func model(of weights: WeightFile) throws -> PublishedModel {
    let names = PublishedModel.allCases.map(\.rawValue)
    guard let architecture else {
      if let found = PublishedModel.detected(in: weights) { return found }
      throw ReproError(
        .data, at: file, found: "the names are of no architecture that is known", hint: "say it with --as")
    }
    guard let model = PublishedModel(rawValue: architecture) else {
      throw ReproError(
        .usage, at: "--as \(architecture)", found: "unknown architecture",
        hint: suggestion(for: architecture, among: names) ?? "there are \(names.joined(separator: ", "))")
    }
    return model
  }
}

struct WeightsConvert: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert", abstract: "Writes the arrays of a file as safetensors or HDF5, by the new name's ending.",
    discussion: "Types stay as they are; HDF5 has no 16- and 8-bit floats, which become float32.")

  @Argument(help: "A file of weights.") var input: String
  @Argument(help: "The new file: NAME.safetensors, NAME.h5 or NAME.hdf5.") var output: String
  @Flag(help: "Replace a file that is there.") var force = false

  func run() throws {
    guard force || !SafeFile.exists(output) else {
      throw ReproError(.usage, at: output, found: "the file is there already", hint: "--force replaces it")
    }
    let weights = try WeightFile(input)
    let arrays = weights.entries.map { WeightToWrite($0, of: weights) }
    var seen: Set<String> = []
    let notes = weights.notes.filter { !$0.name.isEmpty && seen.insert($0.name).inserted }.map { ($0.name, $0.text) }
    if output.hasSuffix(".safetensors") {
      try WeightWriter.safetensors(output, arrays, metadata: notes)
    } else if output.hasSuffix(".h5") || output.hasSuffix(".hdf5") {
      try WeightWriter.hdf5(output, arrays, metadata: notes)
    } else {
      throw ReproError(
        .usage, at: output, found: "the ending names no format that is written", expected: ".safetensors, .h5 or .hdf5")
    }
    Terminal.line("\(output): \(counted(arrays.count, "array")), \(fileSize(try SafeFile.size(output)))")
  }
}
