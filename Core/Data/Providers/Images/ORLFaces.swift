import ReproConfig
import ReproTensor

/// The ORL (AT&T) faces: 40 people, 10 grey portraits each, 92 wide and 112 high.
///
/// The source has no split: a fifth of each person's portraits, drawn once for all, are the test part. Options:
/// `train`, `validation`, `test` (numbers of samples) and `size` (pixels of a square; the whole portrait without it).
///
/// Source: Samaria, Harter 1994, "Parameterisation of a stochastic model for human face identification".
public struct ORLFaces: TabledDataset {
  public static let card = DatasetCard(
    .orlFaces, source: "Samaria, Harter 1994, Parameterisation of a stochastic model for human face identification")

  static let people = 40
  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let size = try options.ifPresent("size") { node, name throws(ReproError) in try node.int(named: name, in: 8...112) }
    let file = "orl-faces/att_faces.tar.gz"
    let tar = try TarArchive(root.unpacked("att_faces.tar.gz", of: .orlFaces), file: file)
    var (pixels, labels): ([UInt8], [Int]) = ([], [])
    for person in 1...Self.people {
      for portrait in 1...10 {
        let name = "att_faces/s\(person)/\(portrait).pgm"
        let image = try PNMImage(Array(tar.contents(name)), file: "\(file):\(name)").image
        guard (image.height, image.width, image.channels) == (112, 92, 1) else {
          throw ReproError.data("\(file):\(name)", "\(image.width)x\(image.height)", expected: "92x112")
        }
        pixels += image.bytes
        labels.append(person - 1)
      }
    }
    var images = ImageBatch(count: labels.count, height: 112, width: 92, channels: 1, bytes: pixels)
    if let size { images = images.fitted(height: size, width: size) }
    let rows = try PublishedParts(drawnFor: "orl-faces", labels: labels, classes: Self.people)
      .taken(&options, labels: labels, classes: Self.people, root: root)
    samples = try SampleTable(
      .orlFaces,
      columns: [
        .images(images),
        try .labels(labels, classes: (1...Self.people).map { "person \($0)" }, source: file),
      ], rows: rows)
  }
}
