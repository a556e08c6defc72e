import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor

/// `linear-segmentation/v1`: a class for each pixel from a linear layer on frozen patch features.
///
///     logits = upsample(W (x - mean) / deviation + b);   loss = mean over pixels of the cross entropy
///     iou_c = TP_c / (TP_c + FP_c + FN_c) over all test pixels;   miou = mean of iou_c
///
/// x are the features of places; the low-resolution logits are upsampled bilinearly to the mask's size, in training
/// and in the test. AdamW; a head for each learning rate is trained without a tenth of the training images, the rate
/// with the best miou on that tenth (the first listed of equals) trains the head that is measured, on all of them.
/// A class that is neither shown nor predicted anywhere has no iou. `miou-foreground` leaves out the class called
/// background (if there is one). Pixels of the value 255 are void, as in Pascal VOC: no loss, no count.
///
/// Options: `steps` (400); `batch`, images (16); `limit`, training images (2000); `rates` (0.001, 0.003, 0.01, 0.03);
/// `column`, a label map (mask).
public struct LinearSegmentation: Evaluation {
  public static let card = EvaluationCard(
    id: "linear-segmentation/v1", title: "Linear layer on frozen patch features, upsampled to pixels",
    source:
      "Oquab et al. 2023 (DINOv2, arXiv 2304.07193), Section 7.4, setup 'linear', and the authors' head: batch norm "
      + "and a 1x1 convolution on the last layer's patch tokens, bilinear upsampling, cross entropy, AdamW 0.001 with "
      + "decay 0.0001, batch 16, linear warm-up and linear decay. We standardise with the statistics of all training "
      + "places instead of batch norm, choose the learning rate on held-out training images, train 400 steps, and "
      + "neither augment nor slide windows",
    measurements: [
      MeasurementSpec("miou", unit: "1"), MeasurementSpec("miou-foreground", unit: "1"),
      MeasurementSpec("pixel-accuracy", unit: "1"),
    ])

  public let steps: Int
  public let batch: Int
  /// The largest number of training images.
  public let limit: Int
  public let rates: [Double]
  /// Column of the masks.
  public let column: String

  /// Weight decay; part of the steps that warms up (1,500 of 40,000 in the authors' schedule).
  private static let (decay, warmup) = (1e-4, 0.0375)

  public init(_ options: inout Section) throws(ReproError) {
    steps = try options.int("steps", in: 1...10_000_000, default: 400)
    batch = try options.int("batch", in: 1...100_000, default: 16)
    limit = try options.int("limit", in: 2...10_000_000, default: 2000)
    rates = try options.rates(default: [0.001, 0.003, 0.01, 0.03])
    column = try options.string("column", default: "mask")
  }

  public func check(_ data: DataSpec) throws(ReproError) {
    let classes = try data.pixelClasses(column, for: Self.card.id)
    guard !classes.isEmpty, classes.count <= Int(void) else {
      throw ReproError(
        .usage, at: Self.card.id, found: "column '\(column)' has \(classes.count) classes", expected: "1 to \(void)")
    }
    try data.need(2, in: .train, for: Self.card.id)
    try data.need(1, in: .test, for: Self.card.id)
  }

  public func measure(_ subject: EvaluationSubject, random: RandomStream) throws -> [(name: String, value: Double)] {
    try check(subject.spec)
    let classes = try subject.spec.pixelClasses(column, for: Self.card.id)
    guard try subject.hasDenseFeatures() else {
      throw ReproError(
        .usage, at: Self.card.id, found: "the encoder has no features of places", expected: "a map [rows, columns, D]",
        hint: "leave \(Self.card.id) out for this method, or take an encoder with patches")
    }
    let head = try fit(subject, classes: classes.count, random: random)
    var confusion = Confusion(classes: classes.count)
    try subject.forEachChunk(of: .test) { chunk in
      confusion += head.confusions(on: try places(chunk, of: .test, classes: classes.count))[0]
    }
    let foreground = classes.indices.filter { classes[$0] != "background" }
    return [
      ("miou", confusion.meanIntersectionOverUnion()),
      ("miou-foreground", confusion.meanIntersectionOverUnion(of: foreground)),
      ("pixel-accuracy", confusion.pixelAccuracy),
    ]
  }

  /// Features of places with the masks of the same images.
  struct Places {
    let features: Tensor  // [N, rows, columns, D]
    let masks: ImageBatch
    var count: Int { masks.count }

    /// The classes of all pixels of some images; -1 for void.
    func labels(_ images: some Sequence<Int>) -> [Int] {
      let size = masks.height * masks.width
      return images.flatMap { i in masks.bytes[(i * size)..<((i + 1) * size)].map { $0 == void ? -1 : Int($0) } }
    }
  }

  /// What training gives: the standardiser and the heads (one, unless several rates are compared).
  struct Fitted {
    var standardize: Standardizer
    var heads: LinearHeads

    /// How often each class was taken for which, for each head, over some images (all without `images`).
    func confusions(on data: Places, images: [Int]? = nil) -> [Confusion] {
      let n = heads.rates.count
      let images = images ?? Array(0..<data.count)
      var result = [Confusion](repeating: Confusion(classes: heads.classes), count: n)
      for first in stride(from: 0, to: images.count, by: 32) {
        let some = Array(images[first..<min(first + 32, images.count)])
        let logits = heads(standardize(data.features.gathered(IndexTensor(some))))
          .resizedBilinearly(rows: data.masks.height, columns: data.masks.width, axes: (1, 2))
        let predicted = heads.predictions(logits).values  // [pixels R]
        for (pixel, truth) in data.labels(some).enumerated() where truth >= 0 {
          for r in 0..<n { result[r].count(truth: truth, predicted: predicted[pixel * n + r]) }
        }
      }
      return result
    }
  }

  /// The head that is measured; reads the training split only.
  func fit(_ subject: EvaluationSubject, classes: Int, random: RandomStream) throws -> Fitted {
    let train = try places(subject.labelled(.train, dense: true, limit: limit), of: .train, classes: classes)
    let all = Array(0..<train.count)
    guard rates.count > 1 else { return fit(train, all, rates, classes, random.child("final")) }
    var stream = random.child("held-out")
    let order = stream.permutation(train.count)
    let cut = max(1, (train.count + 5) / 10)
    let sweep = fit(train, order[cut...].sorted(), rates, classes, random.child("sweep"))
    let scores = sweep.confusions(on: train, images: order[..<cut].sorted()).map { $0.meanIntersectionOverUnion() }
    return fit(train, all, [rates[firstLargest(scores)]], classes, random.child("final"))
  }

  private func fit(
    _ data: Places, _ images: [Int], _ rates: [Double], _ classes: Int, _ random: RandomStream
  ) -> Fitted {
    let isAll = images.count == data.count
    let standardize = Standardizer(isAll ? data.features : data.features.gathered(IndexTensor(images)))
    var heads = LinearHeads(
      rates: rates, inputs: data.features.shape[-1], classes: classes,
      rule: .adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8), random: random.child("head"))
    var epochs = Epochs(count: images.count, batch: batch, random: random.child("order"))
    for step in 0..<steps {
      let samples = epochs.samples(ofStep: step).map { images[$0] }
      let progress = Double(step) / Double(steps)
      heads.step(
        standardize(data.features.gathered(IndexTensor(samples))), data.labels(samples),
        factor: min((progress + 1 / Double(steps)) / Self.warmup, 1) * (1 - progress), decay: Self.decay
      ) { $0.resizedBilinearly(rows: data.masks.height, columns: data.masks.width, axes: (1, 2)) }
    }
    return Fitted(standardize: standardize, heads: heads)
  }

  private func places(_ labelled: EvaluationSubject.Labelled, of split: Split, classes: Int) throws -> Places {
    guard let features = labelled.features.dense, case .images(let masks) = labelled.labels[column], masks.channels == 1
    else {
      throw ReproError(
        .data, at: Self.card.id, found: "split '\(split.rawValue)' lacks features of places or the maps '\(column)'",
        expected: "what the encoder and the data set promise")
    }
    if let bad = masks.bytes.firstIndex(where: { $0 != void && Int($0) >= classes }) {
      let image = labelled.labels.indices[bad / (masks.height * masks.width)]
      throw ReproError(
        .data, at: Self.card.id,
        found: "image \(image) of '\(split.rawValue)' has \(masks.bytes[bad]) in '\(column)'",
        expected: "0 to \(classes - 1), or \(void) for void")
    }
    return Places(features: features, masks: masks)
  }
}

/// The value of pixels that belong to no class.
private let void: UInt8 = 255
