import ReproConfig
import ReproData
import ReproTensor
import Testing

@testable import ReproScenes

/// A data set with options as a recipe would write them.
func world<P: DatasetProvider>(_ type: P.Type, seed: UInt64 = 1, _ options: (String, String)...) throws -> P {
  let mark = YAMLNode.Mark(file: "test.yaml", line: 1, column: 1)
  let entries = options.map { key, value in
    YAMLNode.Entry(key: key, keyMark: mark, value: YAMLNode(.scalar(value, quoted: false), at: mark))
  }
  var section = try Section(YAMLNode(.mapping(entries), at: mark), name: "data")
  let provider = try P(&section, root: DataRoot(cache: "", mirror: nil, seed: seed))
  try section.finish()
  return provider
}

/// Whether two columns hold the same bits.
func same(_ a: Column?, _ b: Column?) -> Bool {
  switch (a, b) {
  case (.images(let a), .images(let b)): a == b
  case (.integers(let a), .integers(let b)): a == b
  case (.texts(let a), .texts(let b)): a == b
  case (.reals(let a), .reals(let b)):
    a.shape == b.shape && zip(a.values, b.values).allSatisfy { $0.bitPattern == $1.bitPattern }
  default: false
  }
}

/// Checks what every procedural data set promises: columns as specified, the same bytes for any number of threads and
/// any order, and other samples for another split or seed.
func expectsPureSamples<P: DatasetProvider>(_ data: P, other: P, _ indices: [Int], changing name: String) throws {
  let before = ThreadPool.shared.threads
  defer { ThreadPool.shared.threads = before }
  ThreadPool.shared.threads = 1
  let one = try data.batch(indices, of: .train)
  ThreadPool.shared.threads = 4
  let four = try data.batch(indices, of: .train)
  let backwards = try data.batch(indices.reversed(), of: .train)
  #expect(one.columns.map(\.name) == data.spec.fields.map(\.name))
  let alone = try data.batch([indices[1]], of: .train)
  for (i, field) in data.spec.fields.enumerated() {
    #expect(same(one.columns[i].values, four.columns[i].values), "column \(field.name) depends on the threads")
    switch (one.columns[i].values, backwards.columns[i].values, alone.columns[i].values) {
    case (.images(let a), .images(let b), .images(let c)):
      #expect(a.sampleSize == field.kind.sampleSize, "column \(field.name)")
      let step = a.sampleSize
      for k in indices.indices {
        let mirrored = indices.count - 1 - k
        #expect(a.bytes[k * step..<(k + 1) * step] == b.bytes[mirrored * step..<(mirrored + 1) * step])
      }
      #expect(a.bytes[step..<2 * step] == c.bytes[...])
    case (.integers(let a), .integers(let b), .integers(let c)):
      #expect(a == b.reversed() && a[1] == c[0])
      if let limit = field.kind.classCount {
        #expect(a.allSatisfy { (0..<limit).contains($0) }, "column \(field.name)")
      }
    case (.texts(let a), .texts(let b), .texts(let c)): #expect(a == b.reversed() && a[1] == c[0])
    case (.reals(let a), _, let .reals(c)):
      #expect(a.values.allSatisfy { $0.isFinite }, "column \(field.name)")
      let step = a.count / indices.count
      #expect(Array(a.values[step..<2 * step]) == c.values)
    default: Issue.record("column \(field.name) changes its kind")
    }
  }
  #expect(!same(one[name], try data.batch(indices, of: .test)[name]), "splits share \(name)")
  #expect(!same(one[name], try other.batch(indices, of: .train)[name]), "seeds share \(name)")
  #expect(data.fingerprint != other.fingerprint)
}

extension FieldKind {
  /// Bytes of one sample, for images.
  var sampleSize: Int? {
    switch self {
    case .image(let height, let width, let channels): height * width * channels
    case .frames(let count, let height, let width, let channels): count * height * width * channels
    case .labelMap(let height, let width, _): height * width
    default: nil
    }
  }

  var classCount: Int? {
    switch self {
    case .category(let classes): classes.count
    case .identity(let count): count
    default: nil
    }
  }
}

/// One image of a batch.
func image(_ batch: ImageBatch, _ sample: Int, frame: Int = 0) -> ArraySlice<UInt8> {
  let size = batch.height * batch.width * batch.channels
  let start = sample * batch.sampleSize + frame * size
  return batch.bytes[start..<start + size]
}
