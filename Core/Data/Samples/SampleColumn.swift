import ReproConfig
import ReproTensor

/// One column of a set that is held in memory, or whose values are made from what is held: its description, and the
/// values of any rows.
struct SampleColumn: Sendable {
  let field: FieldSpec
  /// Rows of the set.
  let count: Int
  /// The values of some rows, in the order asked for; rows exist.
  let values: @Sendable (_ rows: [Int]) throws -> Column

  var name: String { field.name }

  init(_ field: FieldSpec, count: Int, values: @escaping @Sendable (_ rows: [Int]) throws -> Column) {
    (self.field, self.count, self.values) = (field, count, values)
  }

  /// Images, one a row or several.
  static func images(_ images: ImageBatch, named name: String = "image", isLabel: Bool = false) -> SampleColumn {
    let (t, h, w, c) = (images.frames, images.height, images.width, images.channels)
    let kind: FieldKind =
      t == 1
      ? .image(height: h, width: w, channels: c) : .frames(count: t, height: h, width: w, channels: c)
    return SampleColumn(FieldSpec(name, kind, isLabel: isLabel), count: images.count) { rows in
      let size = images.sampleSize
      let bytes = gathered(images.bytes, size, rows)
      return .images(ImageBatch(count: rows.count, frames: t, height: h, width: w, channels: c, bytes: bytes))
    }
  }

  /// The classes of the rows.
  ///
  /// - Throws: `ReproError` at `source` if a label is none of them.
  static func labels(
    _ labels: [Int], named name: String = "label", classes: [String], source: String, isLabel: Bool = true
  ) throws -> SampleColumn {
    if let row = labels.firstIndex(where: { !classes.indices.contains($0) }) {
      throw ReproError.data(
        source, "label \(labels[row]) of sample \(row)", expected: "0 to \(classes.count - 1)")
    }
    return SampleColumn(FieldSpec(name, .category(classes: classes), isLabel: isLabel), count: labels.count) { rows in
      .integers(rows.map { labels[$0] })
    }
  }

  /// Which individual each row is.
  static func identities(_ name: String, _ values: [Int], count: Int, isLabel: Bool) -> SampleColumn {
    SampleColumn(FieldSpec(name, .identity(count: count), isLabel: isLabel), count: values.count) { rows in
      .integers(rows.map { values[$0] })
    }
  }

  /// Real numbers of one shape a row.
  ///
  /// - Throws: `ReproError` at `source` that names the first value that is no number.
  static func reals(
    _ name: String, _ values: [Float], shape: Shape, unit: String = "1", source: String, isLabel: Bool = false
  ) throws -> SampleColumn {
    let size = max(1, shape.count)
    require(values.count % size == 0, "\(values.count) values of \(name) do not fill rows of \(shape)")
    if let bad = values.firstIndex(where: { !$0.isFinite }) {
      throw ReproError.data(
        source, "\(name) of sample \(bad / size) is \(values[bad]) at place \(bad % size)", expected: "a finite number")
    }
    let field = FieldSpec(name, .real(shape: shape, unit: unit), isLabel: isLabel)
    return SampleColumn(field, count: values.count / size) { rows in
      .reals(
        Tensor(Shape([rows.count] + shape.array)) { target in
          values.withUnsafeBufferPointer { source in
            for (slot, row) in rows.enumerated() {
              for k in 0..<size { target[slot * size + k] = Real(source[row * size + k]) }
            }
          }
        })
    }
  }

  /// Real numbers that `fill` makes for each row when they are asked for, all rows in parallel.
  static func computed(
    _ name: String, shape: Shape, unit: String = "1", count: Int, isLabel: Bool = false,
    fill: @escaping @Sendable (_ row: Int, _ target: UnsafeMutableBufferPointer<Real>) -> Void
  ) -> SampleColumn {
    let size = shape.count
    return SampleColumn(FieldSpec(name, .real(shape: shape, unit: unit), isLabel: isLabel), count: count) { rows in
      .reals(
        Tensor(Shape([rows.count] + shape.array)) { target in
          ThreadPool.shared.forEach(rows.count) { slot in
            fill(rows[slot], UnsafeMutableBufferPointer(rebasing: target[slot * size..<(slot + 1) * size]))
          }
        })
    }
  }

  static func texts(_ name: String, _ texts: [String], isLabel: Bool = false) -> SampleColumn {
    SampleColumn(FieldSpec(name, .text, isLabel: isLabel), count: texts.count) { rows in
      .texts(rows.map { texts[$0] })
    }
  }

  /// Rows of `size` bytes put together.
  static func gathered(_ bytes: [UInt8], _ size: Int, _ rows: [Int]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: rows.count * size) { target, written in
      bytes.withUnsafeBufferPointer { source in
        if let from = source.baseAddress, let to = target.baseAddress, size > 0 {
          for (slot, row) in rows.enumerated() {
            (to + slot * size).initialize(from: from + row * size, count: size)
          }
        }
      }
      written = rows.count * size
    }
  }
}
