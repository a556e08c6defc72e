import ReproConfig
import ReproData
import ReproTensor
import TestSupport
import Testing

@testable import ReproCLI

/// What `repro data show` draws and prints.
@Suite struct DataShowTests {
  @Test func aSheetAndItsLabelsAreMadeForEverySample() throws {
    try withPerson { person in
      let outcome = try person.types(
        "data", "show", "scenes-multi", "--index", "2", "7", "--split", "test", "--set", "size=32", "--set",
        "outputs=[depth, normals]", "--out", "sheets")
      #expect(outcome.status == 0 && outcome.errors == "")
      #expect(outcome.output.contains("scenes-multi / test / 2\n") && outcome.output.contains("  label  "))
      #expect(outcome.output.contains("  sheet  sheets/scenes-multi-test-7.png\n"))
      for index in [2, 7] {
        let sheet = try PNG.read(person.here + "/sheets/scenes-multi-test-\(index).png")
        #expect(sheet.channels == 3 && sheet.width > 800 && sheet.height > 200)
      }
      let again = try person.types(
        "data", "show", "scenes-multi", "--index", "2", "--split", "test", "--set", "size=32", "--set",
        "outputs=[depth, normals]", "--out", "again")
      #expect(again.status == 0)
      let name = "scenes-multi-test-2.png"
      #expect(try SafeFile.read(person.here + "/sheets/" + name) == SafeFile.read(person.here + "/again/" + name))
    }
  }

  @Test func whatCannotBeShownIsSaidInOneLine() throws {
    try withPerson { person in
      let unknown = try person.types("data", "show", "scenes-mult")
      #expect(unknown.status == 2 && unknown.errors.contains("did you mean 'scenes-multi'?"))
      let beyond = try person.types("data", "show", "scenes-multi", "--set", "train=3", "--index", "3")
      #expect(beyond.status == 2 && beyond.errors.contains("--index 3: no such sample in scenes-multi/train"))
      let option = try person.types("data", "show", "scenes-multi", "--set", "siz=32")
      #expect(option.status == 2 && option.errors.contains("did you mean 'size'?"))
      let form = try person.types("data", "show", "scenes-multi", "--set", "size")
      #expect(form.status == 2 && form.errors.contains("KEY=VALUE"))
      let empty = try person.types("data", "show", "scenes-multi", "--set", "train=0")
      #expect(empty.status == 2 && empty.errors.contains("has no samples"))
    }
  }

  /// A data set of one sample with the given columns.
  private func sheet(_ fields: [(FieldSpec, Column)]) -> Canvas? {
    let spec = DataSpec(fields: fields.map(\.0), sizes: [.train: 1])
    let batch = Batch(indices: [0], columns: fields.map { ($0.0.name, $0.1) })
    return SampleSheet(spec, batch, frames: 4).draw(title: "t")
  }

  @Test func everyKindOfColumnThatCanBeSeenHasAPicture() throws {
    let wave = (0..<4000).map { Real(($0 / 20) % 2) - 0.5 }
    let columns: [(FieldSpec, Column)] = [
      (FieldSpec("sound", .real(shape: [4000], unit: "audio"), isLabel: false), .reals(Tensor([1, 4000], wave))),
      (
        FieldSpec("depth", .real(shape: [16, 16], unit: "m"), isLabel: true),
        .reals(Tensor([1, 16, 16], (0..<256).map { Real($0) }))
      ),
      (
        FieldSpec("flow", .real(shape: [16, 16, 2], unit: "px"), isLabel: true),
        .reals(Tensor([1, 16, 16, 2], (0..<512).map { Real($0 % 7) }))
      ),
      (
        FieldSpec("points", .real(shape: [80, 3], unit: "m"), isLabel: true),
        .reals(Tensor([1, 80, 3], (0..<240).map { Real($0 % 11) }))
      ),
      (
        FieldSpec("mask", .labelMap(height: 16, width: 16, classes: ["a", "b"]), isLabel: true),
        .images(ImageBatch(count: 1, height: 16, width: 16, channels: 1, bytes: [UInt8](repeating: 1, count: 256)))
      ),
    ]
    for column in columns {
      let picture = try #require(sheet([column]), "\(column.0.name)")
      // More than the background and the letters.
      #expect(Set(stride(from: 0, to: picture.bytes.count, by: 3).map { Array(picture.bytes[$0..<$0 + 3]) }).count > 2)
    }
    #expect(sheet([(FieldSpec("label", .category(classes: ["a"]), isLabel: true), .integers([0]))]) == nil)
    let words = SampleWords(
      DataSpec(
        fields: [
          FieldSpec("label", .category(classes: ["a", "b"]), isLabel: true), FieldSpec("words", .text, isLabel: false),
          FieldSpec("speed", .real(shape: [2], unit: "m/s"), isLabel: true),
        ], sizes: [:]),
      Batch(
        indices: [0],
        columns: [
          ("label", .integers([1])), ("words", .texts(["a red cube"])), ("speed", .reals(Tensor([1, 2], [0.5, 2]))),
        ]))
    #expect(words.lines() == ["label  b (1)", "words  a red cube", "speed  0.500 2.000 m/s"])
  }

  @Test func labelsHaveColoursThatDifferForEverybody() {
    // The first eight differ in lightness or hue by much, whatever the class numbers are.
    for a in 0..<8 {
      for b in 0..<a {
        let (x, y) = (Colours.label(a), Colours.label(b))
        let d = (0..<3).reduce(0) { $0 + abs(Int(x[$1]) - Int(y[$1])) }
        #expect(d > 75, "\(a) and \(b)")
      }
    }
    #expect(Colours.normal(SIMD3(0, 0, -1)) == SIMD3(128, 128, 255))
    #expect(Colours.flow(.zero, largest: 1) == SIMD3(255, 255, 255))
  }
}
