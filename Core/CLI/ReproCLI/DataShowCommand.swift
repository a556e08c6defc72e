import ArgumentParser
import ReproConfig
import ReproData
import ReproEngine
import ReproTensor

struct DataShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Draws samples of a data set as PNG sheets and prints their labels.",
    discussion: """
      One sheet per sample: images and frames as they are; depth from near (bright) to far (dark); normals as colours
      (red right, green up, blue towards the camera); masks and instances in colours that colour-blind people tell
      apart; flow as direction (hue) and speed (strength); points of surfaces; audio as wave and spectrogram; boxes
      drawn on the image. Texts, categories and numbers are printed.
      """)

  @Argument(help: "A data set of 'repro data list'.") var name: String
  @Option(
    name: .customLong("index"), parsing: .upToNextOption,
    help: "Samples to show (default: the first four of the split).")
  var indices: [Int] = []
  @Option(help: "The split: train, validation or test.") var split: Split = .train
  @Option(help: "The folder for the sheets (default: show).") var out: String = "show"
  @Option(help: "The seed that draws the data.") var seed: UInt64 = 0
  @Option(help: "Frames or views of one sample that are drawn at most.") var frames: Int = 8
  @Option(name: .customLong("set"), parsing: .singleValue, help: "An option of the data set, key=value (repeatable).")
  var options: [String] = []

  func validate() throws {
    guard frames >= 1 else { throw ValidationError("--frames is 1 or more") }
  }

  func run() throws {
    let provider = try open(Program.dataRoot(seed: seed))
    let count = provider.spec.sizes[split] ?? 0
    let chosen = indices.isEmpty ? Array(0..<min(4, count)) : indices
    guard !chosen.isEmpty else {
      throw ReproError(.usage, at: name, found: "the split \(split.rawValue) has no samples")
    }
    for index in chosen where index < 0 || index >= count {
      throw ReproError(
        .usage, at: "--index \(index)", found: "no such sample in \(name)/\(split.rawValue)",
        expected: "0 to \(count - 1)")
    }
    try SafeFile.makeFolder(out)
    for index in chosen {
      let batch = try provider.batch([index], of: split)
      let title = "\(name) / \(split.rawValue) / \(index)"
      Terminal.line(Terminal.bold(title))
      for line in SampleWords(provider.spec, batch).lines() { Terminal.line("  " + line) }
      guard let sheet = SampleSheet(provider.spec, batch, frames: frames).draw(title: title) else { continue }
      let path = "\(out)/\(name)-\(split.rawValue)-\(index).png"
      try PNG.write(path, sheet.image)
      Terminal.line("  sheet  \(path)")
    }
  }

  private func open(_ root: DataRoot) throws -> any DatasetProvider {
    let known = Program.plugins.datasets
    guard let type = known.first(where: { $0.card.id == name }) else {
      let names = known.map { $0.card.id }
      throw ReproError(
        .usage, at: name, found: "there is no data set '\(name)'",
        hint: nearest(to: name, among: names).map { "did you mean '\($0)'?" }
          ?? "there are \(names.joined(separator: ", "))")
    }
    var text = "{"
    for option in options {
      guard let equals = option.firstIndex(of: "="), equals != option.startIndex else {
        throw ReproError(.usage, at: "--set \(option)", found: "no '='", expected: "KEY=VALUE")
      }
      text += "\(option[..<equals]): \(option[option.index(after: equals)...]), "
    }
    return try Self.make(type, try YAMLNode(parsing: text + "}", file: "--set"), root)
  }

  private static func make<D: DatasetProvider>(
    _ type: D.Type, _ node: YAMLNode, _ root: DataRoot
  ) throws -> any DatasetProvider {
    var section = try Section(node, name: "data")
    let provider = try type.init(&section, root: root)
    try section.finish()
    return provider
  }
}

extension Split: ExpressibleByArgument {}

/// What is printed of a sample: texts, categories and numbers, column by column.
struct SampleWords {
  let spec: DataSpec
  let batch: Batch

  init(_ spec: DataSpec, _ batch: Batch) { (self.spec, self.batch) = (spec, batch) }

  func lines() -> [String] {
    spec.fields.compactMap { field in words(field).map { "\(field.name)  \($0)" } }
  }

  private func words(_ field: FieldSpec) -> String? {
    switch (field.kind, batch[field.name]) {
    case (.category(let classes), .integers(let values)):
      guard let value = values.first else { return nil }
      return classes.indices.contains(value) ? "\(classes[value]) (\(value))" : "\(value)"
    case (.identity(let count), .integers(let values)): return values.first.map { "\($0) of \(count)" }
    case (.text, .texts(let texts)): return texts.first
    case (.real(let shape, let unit), .reals(let values)):
      let numbers = values.values
      let unit = unit == "1" ? "" : " \(unit)"
      let size = (0..<shape.rank).map { "\(shape[$0])" }.joined(separator: " x ")
      if numbers.count <= 24 {
        let text = numbers.map { decimals(Double($0), 3) }.joined(separator: " ")
        return shape.rank > 1 ? "[\(size)]\(unit): \(text)" : text + unit
      }
      let (low, high) = (numbers.min() ?? 0, numbers.max() ?? 0)
      let mean = numbers.reduce(0.0) { $0 + Double($1) } / Double(numbers.count)
      return "[\(size)]\(unit), \(decimals(Double(low), 3)) to \(decimals(Double(high), 3)), mean \(decimals(mean, 3))"
    default: return nil
    }
  }
}
