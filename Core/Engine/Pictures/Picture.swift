import ReproConfig
import ReproData
import ReproNN
import ReproTensor

/// Something that shows what a method does, for the report: an image of tiles, or a labelled matrix.
public struct Picture: Sendable {
  public enum Content: Sendable {
    /// One image with 1 to 4 channels. `columns` are headings over columns of equal width, from left to right; none
    /// for an image that is not a sheet of columns.
    case image(ImageBatch, columns: [String])
    /// Numbers with a name for each row and column: a confusion, similarities of two modalities.
    case matrix(Matrix)
  }

  public struct Matrix: Sendable, Equatable {
    /// What rows and columns are: "true class", "predicted class".
    public var rowAxis, columnAxis: String
    public var rows, columns: [String]
    /// `rows.count` lists of `columns.count` finite numbers.
    public var values: [[Double]]
    /// "share of the row", "cosine similarity".
    public var unit: String

    public init(
      rowAxis: String, columnAxis: String, rows: [String], columns: [String], values: [[Double]], unit: String
    ) {
      require(
        values.count == rows.count && values.allSatisfy { $0.count == columns.count && $0.allSatisfy(\.isFinite) },
        "a matrix of \(rows.count) x \(columns.count) names needs as many finite numbers")
      (self.rowAxis, self.columnAxis, self.rows, self.columns) = (rowAxis, columnAxis, rows, columns)
      (self.values, self.unit) = (values, unit)
    }
  }

  /// kebab-case, unique among the pictures of a run; the name of its file.
  public var name: String
  public var title: String
  /// What somebody who cannot see the picture is told instead: never empty.
  public var alternative: String
  /// How to read it, one or two sentences.
  public var caption: String
  public var content: Content

  public init(_ name: String, title: String, alternative: String, caption: String, _ content: Content) {
    require(isIdentifier(name), "a picture's name is in kebab-case, got '\(name)'")
    require(!alternative.isEmpty, "picture '\(name)' has no alternative text")
    (self.name, self.title, self.alternative, self.caption) = (name, title, alternative, caption)
    self.content = content
  }
}

/// A method that can show what it does: crops and masks, reconstructions, depth, meshes.
///
/// Pictures are drawn once, from the trained state of a recipe's first seed, and are no results: no golden and no
/// claim sees them. They should be few (six at most) and small (about 800 pixels wide). What every method with images
/// and features has anyway (`StandardPictures`) need not be offered again.
public protocol PictureSource: MethodPlugin {
  /// The pictures, the most telling first. Deterministic: all randomness comes from `context.random`.
  func pictures(of state: State, _ context: PictureContext) throws -> [Picture]
}

/// An evaluation that can show what it measures: segmentations, rendered views, matched points.
public protocol PictureEvaluation: Evaluation {
  func pictures(_ context: PictureContext) throws -> [Picture]
}

/// What pictures may be drawn from.
public struct PictureContext: Sendable {
  /// The data set, all columns of all splits: drawing comes after training.
  public let data: any DatasetProvider
  /// The frozen encoder with its features.
  public let subject: EvaluationSubject
  public let random: RandomStream

  public init(data: any DatasetProvider, subject: EvaluationSubject, random: RandomStream) {
    (self.data, self.subject, self.random) = (data, subject, random)
  }

  /// The first split that has samples, of test, validation and train: what pictures show.
  public var split: Split? { [Split.test, .validation, .train].first { (data.spec.sizes[$0] ?? 0) > 0 } }

  /// The first samples of that split; fewer where it has fewer.
  ///
  /// - Throws: `ReproError`, domain data, for a data set without samples, and what the data throw.
  public func samples(_ count: Int) throws -> Batch {
    guard let split, let size = data.spec.sizes[split] else {
      throw ReproError(.data, found: "the data set has no samples to draw")
    }
    return try data.batch(Array(0..<min(count, size)), of: split)
  }

  /// The same samples without labels: what a method may look at.
  public func inputs(_ count: Int) throws -> Batch {
    let batch = try samples(count)
    return Batch(
      indices: batch.indices, columns: batch.columns.filter { data.spec[field: $0.name]?.isLabel == false })
  }
}

extension Picture {
  /// All pictures of a trained method: its own, those of the evaluations, and the standard ones. A picture that cannot
  /// be drawn is said and left out: no run fails for it.
  static func all<M: MethodPlugin>(
    of method: M, _ state: M.State, _ evaluations: [any Evaluation], _ context: PictureContext, _ notices: Notices
  ) -> [Picture] {
    var pictures: [Picture] = []
    func add(_ what: String, _ draw: () throws -> [Picture]) {
      do {
        for picture in try draw() where !pictures.contains(where: { $0.name == picture.name }) {
          pictures.append(picture)
        }
      } catch { notices("no pictures of \(what): \(error)") }
    }
    func own<P: PictureSource>(_ source: P) throws -> [Picture] {
      guard let state = state as? P.State else { return [] }
      return try source.pictures(of: state, context)
    }
    if let source = method as? any PictureSource { add(M.card.id) { try own(source) } }
    for case let evaluation as any PictureEvaluation in evaluations {
      add(type(of: evaluation).card.id) { try evaluation.pictures(context) }
    }
    add("features") { try StandardPictures.features(context) }
    add("neighbours") { try StandardPictures.neighbours(context) }
    return Array(pictures.prefix(PictureFolder.most))
  }
}
