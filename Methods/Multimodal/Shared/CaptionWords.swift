import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproScenes
import ReproTensor

/// How captions become numbers for CLIP's text tower, which knows the end of a text by its largest number.
struct CaptionWords: Sendable {
  private let vocabulary: WordVocabulary
  /// Tokens of a text, marks counted.
  let length: Int
  /// Known tokens.
  var count: Int { vocabulary.count + 1 }

  /// Reads `words: scenes`, the vocabulary, and `context`, the length of texts.
  init(_ s: inout Section) throws(ReproError) {
    _ = try s.choice("words", ["scenes"], default: "scenes")
    vocabulary = SceneWords.vocabulary
    length = try s.int("context", in: 2...4096, default: 77)
  }

  /// Texts as `[N, length]`: cut where they are longer, the end mark stays.
  func tokens(of texts: [String]) -> IndexTensor {
    let rows = vocabulary.encode(texts, length: length)
    return IndexTensor(rows.shape, rows.values.map { $0 == WordVocabulary.end ? vocabulary.count : $0 })
  }

  /// The captions of a batch, `[B, length]`: of each sample one of the columns, drawn anew each time.
  func tokens(of batch: Batch, columns: [String], random: RandomStream) throws(ReproError) -> IndexTensor {
    var texts: [[String]] = []
    for name in columns {
      guard case .texts(let values) = batch[name] else {
        throw ReproError(
          .usage, at: "method.captions", found: "the data set has no texts '\(name)'",
          expected: "text columns that are no labels",
          hint: "its columns are \(batch.columns.map(\.name).joined(separator: ", "))")
      }
      texts.append(values)
    }
    return tokens(
      of: (0..<batch.count).map { i in
        var stream = random.child("sample", i)
        return texts[columns.count == 1 ? 0 : stream.integer(below: columns.count)][i]
      })
  }
}

extension IndexTensor {
  /// Some rows of `[N, L]`.
  func rows(_ range: Range<Int>) -> IndexTensor {
    let width = shape[1]
    return IndexTensor([range.count, width], Array(values[range.lowerBound * width..<range.upperBound * width]))
  }
}

extension CLIPTextTower {
  /// A text tower with CLIP's initial weights.
  ///
  ///     attention in: N(0, 1/D);  first map: N(0, 1/(2 D));  attention out and second map: N(0, 1/(2 D depth))
  ///
  /// - Source: Radford et al. 2021 (arXiv 2103.00020), the authors' `initialize_parameters`.
  init(authorsInitialization c: CLIPConfiguration, random: RandomStream) {
    self.init(c, random: random)
    let width = Real(c.text.width)
    let (inner, first) = (1 / width.squareRoot(), 1 / (2 * width).squareRoot())
    let outer = inner / (2 * Real(c.text.depth)).squareRoot()
    for i in transformer.layers.indices {
      var stream = random.child("authors", i)
      func drawn(_ weight: Tensor, _ deviation: Real) -> Tensor { stream.normal(weight.shape, deviation: deviation) }
      transformer.layers[i].selfAttn.inProjWeight = transformer.layers[i].selfAttn.inProjWeight.map { drawn($0, inner) }
      transformer.layers[i].selfAttn.outProj.weight = drawn(transformer.layers[i].selfAttn.outProj.weight, outer)
      transformer.layers[i].linear1.weight = drawn(transformer.layers[i].linear1.weight, first)
      transformer.layers[i].linear2.weight = drawn(transformer.layers[i].linear2.weight, outer)
    }
  }
}
