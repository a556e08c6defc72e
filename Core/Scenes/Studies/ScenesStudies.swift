import Glibc
import ReproConfig
import ReproData
import ReproTensor

/// `scenes-studies`: shadow pictures of a chest-like body from two sides, now and earlier, with a report.
///
/// What is drawn:
/// - patient: body, lungs, ribs, spine and heart with measures within 8 %.
/// - findings, independent of each other, each present with chance `present`: a nodule (a dense ball), a large
///   opacity (without an edge), fluid (at the bottom of a lung), an enlarged heart, a device (a rod, which one of the
///   two views may show end-on), and a shift of the heart. Severity 1...3 (device: 1), side and part of the lung are
///   uniform.
/// - time: with chance `prior` there is an earlier study of the same patient in another position; each severity was
///   the same (chance 0.4), or uniform in 0...3 (device: 0 or 1).
/// - pictures: parallel rays, exp(-absorption) inverted (dense is bright), turned by up to 3.4 degrees, shifted by
///   2.5 %, zoomed by 7 %, noise of standard deviation `noise`. The frontal picture shows the patient's left on its
///   right.
/// - report: one sentence for every finding that is mentioned, in a random order: a share `silent` is not mentioned
///   (present or not), a share `uncertain` of the small ones is worded with doubt; for a present or former finding
///   with a prior a second sentence tells the change. A report has at least two sentences.
///
/// Options (defaults): `size` 24...256 (64); `present` 0...1 (0.35); `prior` 0...1 (0.7); `silent` 0...1 (0.2);
/// `uncertain` 0...1 (0.15); `noise` 0...1 (0.02); `train` (4000), `validation` (300), `test` (500).
///
/// Columns (F = 6 findings): `frontal`, `lateral`, `prior` (frontal; zeros without one), one channel each;
/// `has_prior` [1]; `report`; `impression` (without the sentences about changes); labels `findings` [F] (0 or 1),
/// `severity` [F], `prior_severity` [F] (-1 without a prior), `change` [F] (number of `FindingChange`, -1), `side`
/// [F] (0 right, 1 left), `mention` [F] (0 none, 1 negative, 2 uncertain, 3 positive), `regions` F maps of where each
/// finding is in the frontal picture.
///
/// Every sample is a pure function of the options, `DataRoot.seed`, the split and the index.
public struct ScenesStudies: DatasetProvider {
  public static let card = DatasetCard(
    id: "scenes-studies", title: "Procedural shadow pictures with reports, now and earlier",
    source: "computed by Core/Scenes", licence: "Apache-2.0")

  /// The version of the generator: it changes whenever the bytes of any sample do.
  static let version = 1
  /// All words of the reports.
  public static let vocabulary = StudyReport.vocabulary

  public let spec: DataSpec
  public let size: Int
  private let present, prior, silent, uncertain: Double
  private let noise: Float
  private let stream: RandomStream
  private let description: String

  public init(_ options: inout Section, root: DataRoot) throws {
    size = try options.int("size", in: 24...256, default: 64)
    present = try options.double("present", in: 0...1, default: 0.35)
    prior = try options.double("prior", in: 0...1, default: 0.7)
    silent = try options.double("silent", in: 0...1, default: 0.2)
    uncertain = try options.double("uncertain", in: 0...1, default: 0.15)
    noise = Float(try options.double("noise", in: 0...1, default: 0.02))
    let sizes = try splitSizes(&options, train: 4000, validation: 300, test: 500)
    stream = RandomStream(seed: root.seed).child("scenes-studies")
    description =
      "seed=\(root.seed) size=\(size) present=\(present) prior=\(prior) silent=\(silent) "
      + "uncertain=\(uncertain) noise=\(noise)"
    let (s, f) = (size, StudyFinding.allCases.count)
    let picture = FieldKind.image(height: s, width: s, channels: 1)
    let row = FieldKind.real(shape: [f], unit: "1")
    spec = DataSpec(
      fields: [
        FieldSpec("frontal", picture, isLabel: false), FieldSpec("lateral", picture, isLabel: false),
        FieldSpec("prior", picture, isLabel: false),
        FieldSpec("has_prior", .real(shape: [1], unit: "1"), isLabel: false),
        FieldSpec("report", .text, isLabel: false), FieldSpec("impression", .text, isLabel: false),
        FieldSpec("findings", row, isLabel: true), FieldSpec("severity", row, isLabel: true),
        FieldSpec("prior_severity", row, isLabel: true), FieldSpec("change", row, isLabel: true),
        FieldSpec("side", row, isLabel: true), FieldSpec("mention", row, isLabel: true),
        FieldSpec("regions", .frames(count: f, height: s, width: s, channels: 1), isLabel: true),
      ], sizes: sizes)
  }

  public var fingerprint: String { "scenes-studies/v\(Self.version) \(description)" }

  public func batch(_ indices: [Int], of split: Split) throws -> Batch {
    spec.batch(indices, of: split, Self.card.id) { index, _ in values(stream.child(split.rawValue, index)) }
  }

  private func values(_ own: RandomStream) -> [SampleValue] {
    var random = own.child("findings")
    let findings = StudyFinding.allCases
    let now = findings.map { finding in
      FindingState(
        severity: random.bernoulli(present) ? random.integer(in: 1...finding.most) : 0, isLeft: random.bernoulli(0.5),
        zone: random.integer(below: 3))
    }
    let hasPrior = random.bernoulli(prior)
    let before = zip(findings, now).map { finding, state in
      var state = state
      if !random.bernoulli(0.4), random.bernoulli(present * 2) || state.severity > 0 {
        state.severity = random.integer(in: 0...finding.most)
      }
      return state
    }
    let patient = own.child("patient")
    let body = StudyBody(patient, now)
    var pose = own.child("pose")
    let position = StudyPose(&pose)
    let frontal = body.projected(isLateral: false, position, size: size)
    let lateral = body.projected(isLateral: true, position, size: size)
    var earlier = [UInt8](repeating: 0, count: size * size)
    if hasPrior {
      let other = StudyBody(patient, before).projected(isLateral: false, StudyPose(&pose), size: size)
      earlier = developed(other.absorption, own.child("noise", 2))
    }
    let changes = zip(now, before).map { FindingChange(from: $1.severity, to: $0.severity) }
    let (report, impression, mentions) = report(now, hasPrior ? changes : nil, own)
    func row(_ values: [Int]) -> SampleValue { .reals(values.map { Float($0) }) }
    let regions = findings.flatMap { finding in
      frontal.findings.map { $0 >> UInt8(finding.rawValue) & 1 }
    }
    return [
      .bytes(developed(frontal.absorption, own.child("noise", 0))),
      .bytes(developed(lateral.absorption, own.child("noise", 1))), .bytes(earlier), .reals([hasPrior ? 1 : 0]),
      .text(report), .text(impression), row(now.map { min($0.severity, 1) }), row(now.map(\.severity)),
      row(hasPrior ? before.map(\.severity) : before.map { _ in -1 }),
      row(hasPrior ? changes.map(\.rawValue) : changes.map { _ in -1 }), row(now.map { $0.isLeft ? 1 : 0 }),
      row(mentions.map(\.rawValue)), .bytes(regions),
    ]
  }

  /// Absorption as a picture: dense is bright.
  private func developed(_ absorption: [Float], _ stream: RandomStream) -> [UInt8] {
    var random = stream
    let grain = random.gaussians(absorption.count)
    return absorption.enumerated().map { i, value in
      let level = 1.06 - 1.12 * expf(-1.35 * max(value, 0)) + noise * grain[i]
      return UInt8((min(max(level, 0), 1) * 255).rounded())
    }
  }

  private func report(
    _ now: [FindingState], _ changes: [FindingChange]?, _ own: RandomStream
  ) -> (report: String, impression: String, mentions: [StudyReport.Mention]) {
    var random = own.child("report")
    var mentions = [StudyReport.Mention](repeating: .none, count: now.count)
    for (i, state) in now.enumerated() where !random.bernoulli(silent) {
      let doubts = state.severity == 1 && random.bernoulli(uncertain)
      mentions[i] = state.severity == 0 ? .negative : doubts ? .uncertain : .positive
    }
    for i in random.permutation(now.count) where mentions.count(where: { $0 != .none }) < 2 {
      mentions[i] = now[i].severity == 0 ? .negative : .positive
    }
    var (all, plain): ([String], [String]) = ([], [])
    for i in random.permutation(now.count) where mentions[i] != .none {
      let finding = StudyFinding.allCases[i]
      // What has resolved is told as a change, not denied.
      let change = changes.flatMap { StudyReport.comparison(finding, $0[i], &random) }
      let sentence = StudyReport.sentence(finding, now[i], mentions[i], &random)
      plain.append(sentence)
      if now[i].severity > 0 || change == nil { all.append(sentence) }
      if let change { all.append(change) }
    }
    return (all.joined(separator: ". ") + ".", plain.joined(separator: ". ") + ".", mentions)
  }
}
