import Glibc
import ReproConfig
import ReproTensor
import TestSupport
import Testing

@testable import ReproData

/// Runs `body` with a root that has the real mirror and an empty cache; says so if there is no mirror.
func withRealMirror(_ body: (DataRoot) throws -> Void) throws {
  guard let mirror = realMirror() else {
    print("skipped: no mirror")
    return
  }
  try withTemporaryFolder { try body(DataRoot(cache: $0, mirror: mirror, seed: 7)) }
}

/// A provider with options, none of which may be left over.
func open<D: DatasetProvider>(
  _ type: D.Type, _ pairs: KeyValuePairs<String, String> = [:], _ root: DataRoot
) throws -> D {
  var section = try options(pairs)
  let provider = try type.init(&section, root: root)
  try section.finish()
  return provider
}

extension DatasetProvider {
  /// All samples of a split.
  func all(_ split: Split) throws -> Batch { try batch(Array(0..<(spec.sizes[split] ?? 0)), of: split) }

  /// The sizes of training, validation and test part.
  var sizes: [Int] { [Split.train, .validation, .test].map { spec.sizes[$0] ?? 0 } }
}

extension Batch {
  /// Samples of each class.
  func counts(_ name: String = "label", classes: Int) -> [Int] {
    integers(name).reduce(into: [Int](repeating: 0, count: classes)) { $0[$1] += 1 }
  }

  /// The sum of all numbers of a column, in Double.
  func sum(_ name: String, magnitude: Bool = false) -> Double {
    reals(name).withElements { $0.reduce(0.0) { $0 + Double(magnitude ? abs($1) : $1) } }
  }

  /// SHA-256 over the sorted SHA-256 of the samples' images: the same in any order.
  func digest(_ name: String = "image") -> String {
    let images = images(name)
    let size = images.sampleSize
    let digests = (0..<count).map { SHA256.hex(of: Array(images.bytes[$0 * size..<($0 + 1) * size])) }
    return SHA256.hex(of: digests.sorted().joined())
  }

  /// SHA-256 over the sorted texts, joined by line feeds.
  func textDigest(_ name: String = "text") -> String {
    let sorted = texts(name).map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
    return SHA256.hex(of: Array(sorted.joined(separator: [0x0A])))
  }
}

/// Whether two numbers agree to `tolerance` of the larger.
func isNear(_ a: Double, _ b: Double, _ tolerance: Double = 1e-6) -> Bool {
  abs(a - b) <= tolerance * max(abs(a), abs(b), 1e-30)
}
