import ReproConfig

/// MNIST: 70,000 grey images of handwritten digits, 28x28, 0 = background. Options: those of `LabelledImages`.
///
/// Source: LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document recognition".
public struct MNIST: DatasetProvider {
  public static let card = DatasetCard(
    id: "mnist", title: "MNIST: 28x28 handwritten digits, 10 classes",
    source: "LeCun et al. 1998, Gradient-based learning applied to document recognition", licence: "not stated",
    urls: files.files.flatMap(\.urls))

  static let files = SourceSet(
    id: "mnist", title: "MNIST", licence: "not stated",
    files: idxFiles(
      "mnist",
      hosts: [
        "https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/",
      ],
      [
        (9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        (28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        (1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        (4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
      ]))

  private let images: LabelledImages

  public init(_ options: inout Section, root: DataRoot) throws {
    images = try LabelledImages(
      idxSource("mnist", Self.files, classes: (0...9).map { "\($0)" }), &options, root: root)
  }

  public var spec: DataSpec { images.spec }
  public var fingerprint: String { images.fingerprint }
  public func batch(_ indices: [Int], of split: Split) throws -> Batch { images.batch(indices, of: split) }
}

/// Fashion-MNIST: 70,000 grey images of clothing, 28x28, 0 = background. Options: those of `LabelledImages`.
///
/// Source: Xiao, Rasul, Vollgraf 2017, "Fashion-MNIST: a novel image dataset for benchmarking machine learning
/// algorithms" (arXiv 1708.07747).
public struct FashionMNIST: DatasetProvider {
  public static let card = DatasetCard(
    id: "fashion-mnist", title: "Fashion-MNIST: 28x28 grey images of clothing, 10 classes",
    source: "Xiao, Rasul, Vollgraf 2017, arXiv 1708.07747", licence: "MIT", urls: files.files.flatMap(\.urls))

  static let files = SourceSet(
    id: "fashion-mnist", title: "Fashion-MNIST", licence: "MIT",
    files: idxFiles(
      "fashion-mnist",
      hosts: [
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
      ],
      [
        (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
      ]))

  static let classes = [
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
  ]

  private let images: LabelledImages

  public init(_ options: inout Section, root: DataRoot) throws {
    images = try LabelledImages(idxSource("fashion-mnist", Self.files, classes: Self.classes), &options, root: root)
  }

  public var spec: DataSpec { images.spec }
  public var fingerprint: String { images.fingerprint }
  public func batch(_ indices: [Int], of split: Split) throws -> Batch { images.batch(indices, of: split) }
}

/// The four files that MNIST and its drop-in replacements come in: training images and labels, test images and labels.
private func idxFiles(_ folder: String, hosts: [String], _ pins: [(Int, String)]) -> [SourceFile] {
  let names = ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"]
  return zip(names, pins).map { name, pin in
    SourceFile(
      path: "\(folder)/\(name)-ubyte.gz", urls: hosts.map { "\($0)\(name)-ubyte.gz" }, bytes: pin.0, sha256: pin.1)
  }
}

private func idxSource(_ dataset: String, _ files: SourceSet, classes: [String]) -> LabelledImageSource {
  LabelledImageSource(
    dataset: dataset, variant: "original", version: 1, decoder: "", files: files, height: 28, width: 28, channels: 1,
    classes: classes, trainCount: 60_000, testCount: 10_000
  ) { root in
    let parts = try [0, 2].map { first in
      try decodeIDX(
        images: try root.bytes(of: files.files[first], in: files), files.files[first].path,
        labels: try root.bytes(of: files.files[first + 1], in: files), files.files[first + 1].path)
    }
    return (parts[0], parts[1])
  }
}

/// One part of an IDX set, from its two gzip files.
func decodeIDX(
  images: [UInt8], _ imageFile: String, labels: [UInt8], _ labelFile: String
) throws -> DecodedImages {
  let limit = 1 << 28
  let pixels = try IDXArray(
    try Deflate.gunzip(images, limit: limit, file: imageFile), rank: 3, file: imageFile)
  let classes = try IDXArray(
    try Deflate.gunzip(labels, limit: limit, file: labelFile), rank: 1, file: labelFile)
  guard pixels.extents[0] == classes.extents[0] else {
    throw ReproError.data(
      labelFile, "\(classes.extents[0]) labels", expected: "\(pixels.extents[0]), as many as images")
  }
  return DecodedImages(pixels: pixels.values, labels: classes.values)
}
