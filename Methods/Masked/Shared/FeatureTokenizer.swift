import ReproConfig
import ReproData
import ReproNN
import ReproTensor

/// The columns of a table that a method may see: single numbers, then categories, each in the order of the data set.
struct TableSchema: Sendable, Equatable {
  var numbers: [String]
  var words: [(name: String, count: Int)]

  static func == (a: TableSchema, b: TableSchema) -> Bool {
    a.numbers == b.numbers && a.words.map(\.name) == b.words.map(\.name) && a.words.map(\.count) == b.words.map(\.count)
  }

  /// - Throws: usage, for a data set whose columns are not given one by one.
  init(_ data: DataSpec, for method: String) throws(ReproError) {
    (numbers, words) = ([], [])
    for field in data.fields where !field.isLabel {
      switch field.kind {
      case .real(let shape, _) where shape.rank == 0: numbers.append(field.name)
      case .category(let classes): words.append((field.name, classes.count))
      default: break
      }
    }
    guard count >= 2 else {
      throw ReproError(
        .usage, at: method, found: "a data set with the columns \(data.fields.map(\.name).joined(separator: ", "))",
        expected: "a table with two single columns or more", hint: "tabular offers them with columns: true")
    }
  }

  /// Columns.
  var count: Int { numbers.count + words.count }
  /// Their names, numbers first.
  var names: [String] { numbers + words.map(\.name) }

  /// The values of a batch.
  func rows(of batch: Batch) -> TableRows {
    let columns = numbers.map { name -> Tensor in
      guard case .reals(let values) = batch[name] else { requirementFailed("the batch has no numbers '\(name)'") }
      return values
    }
    return TableRows(
      numbers: columns.isEmpty ? .zeros([batch.count, 0]) : stack(columns, axis: 1),
      words: words.map { batch.integers($0.name) }, count: batch.count)
  }
}

/// Rows of a table.
struct TableRows: Sendable {
  var numbers: Tensor  // [B, N]
  /// Of each column of words the number of each row's word.
  var words: [[Int]]
  var count: Int

  func rows(_ range: Range<Int>) -> TableRows {
    TableRows(numbers: numbers.slice(0, range), words: words.map { Array($0[range]) }, count: range.count)
  }
}

/// A token for every column of a row, after the registers.   rows -> [B, R + N + W, D]
///
///     register r: w_r;   number j: x_j w_j + b_j;   word: E_j[x_j] + b_j
///
/// - Source: Gorishniy et al. 2021 (FT-Transformer, arXiv 2106.11959), Section 3.3; registers, types and initialisation
///   as in the code of Thimonier et al. 2024 (arXiv 2410.05016).
struct FeatureTokenizer: Layer {
  var weight: Tensor  // [R + N, D], the registers first
  var bias: Tensor  // [N + W, D]
  var embeddings: [Embedding]  // W of them
  var types: Tensor?  // [2, D], added to numbers and words
  let registers: Int

  init(_ schema: TableSchema, width: Int, registers: Int, hasTypes: Bool, random: RandomStream) {
    let bound = 1 / Real(width).squareRoot()
    func uniform(_ name: String, _ rows: Int, _ index: Int = 0) -> Tensor {
      var stream = random.child(name, index)
      return stream.uniform([rows, width], -bound, bound)
    }
    weight = uniform("weight", registers + schema.numbers.count)
    bias = uniform("bias", schema.count)
    embeddings = schema.words.enumerated().map { i, word in
      var table = Embedding(word.count, width, random: random.child("embeddings", i))
      table.weight = uniform("embedding", word.count, i)
      return table
    }
    types = hasTypes ? uniform("types", 2) : nil
    self.registers = registers
  }

  mutating func visit(_ v: inout some LayerVisitor) {
    v("weight", &weight)
    v("bias", &bias, .bias)
    v("embeddings", &embeddings)
    v("types", &types)
  }

  func callAsFunction(_ rows: TableRows) -> Tensor {
    let (b, n, d) = (rows.count, rows.numbers.shape[1], weight.shape[1])
    var parts: [Tensor] = []
    if n > 0 { parts.append(rows.numbers.expandedAxis(-1) * weight.slice(0, registers..<registers + n)) }
    if !embeddings.isEmpty {
      parts.append(stack(zip(embeddings, rows.words).map { $0(IndexTensor($1)) }, axis: 1))
    }
    var tokens: Tensor = concat(parts, axis: 1) + bias
    if let types {
      tokens = tokens + types.gathered(IndexTensor((0..<bias.shape[0]).map { $0 < n ? 0 : 1 }))
    }
    guard registers > 0 else { return tokens }
    return concat([weight.slice(0, 0..<registers).broadcast(to: [b, registers, d]), tokens], axis: 1)
  }
}
