import ReproConfig
import ReproTensor

/// Thirteen common test meshes: bunny, spot, cow, teapot, ..., as points drawn from their surfaces.
///
/// Each shape is centred and scaled to the unit ball. Columns: `points` `[n, 3]`, `normals` `[n, 3]`, `shape` (which of
/// the 13). Options: `points` (n, default 2048), `clouds` (how many clouds are drawn from each shape for training,
/// default 1; the test part has one of its own of each). `mesh(_:)` gives the surfaces themselves.
///
/// Source: Jacobson, github.com/alecjacobson/common-3d-test-models, with the origin of each.
public struct CommonMeshes: TabledDataset {
  public static let card = DatasetCard(.meshes, source: "Jacobson, common-3d-test-models")

  /// In the order of the classes.
  public static let names = SourceSet.meshes.files.map { Path.name($0.path) }.filter { $0.hasSuffix(".obj.gz") }
    .map { String($0.dropLast(7)) }

  /// The surfaces as their files have them, by the order of `names`.
  public let meshes: [SurfaceMesh]
  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let count = try options.int("points", in: 1...100_000, default: 2048)
    let clouds = try options.int("clouds", in: 1...1000, default: 1)
    let names = Self.names
    meshes = try names.map { name in
      let mesh = try OBJFile(root.unpacked("\(name).obj.gz", of: .meshes), file: "meshes/\(name).obj").mesh
      guard mesh.area > 0 else { throw ReproError.data("meshes/\(name).obj", "the surface has no area") }
      return mesh
    }
    let unit = meshes.map { $0.normalized() }
    // Clouds for training by the run's seed, those of the test part for ever.
    let drawn = (0...clouds).flatMap { cloud in
      names.indices.map { shape -> (points: [Float], normals: [Float]) in
        let seed = cloud == clouds ? RandomStream(seed: 0).child("data/test/meshes") : RandomStream(seed: root.seed)
        var stream = seed.child("data/clouds", cloud).child("shape", shape)
        return unit[shape].sampled(count, &stream)
      }
    }
    samples = try SampleTable(
      .meshes,
      columns: [
        try .reals("points", drawn.flatMap(\.points), shape: [count, 3], source: "meshes"),
        try .reals("normals", drawn.flatMap(\.normals), shape: [count, 3], source: "meshes"),
        try .labels(
          drawn.indices.map { $0 % names.count }, named: "shape", classes: names, source: "meshes"),
      ], rows: PublishedParts(train: clouds * names.count, test: names.count).whole)
  }

  /// The surface of a shape.
  public func mesh(_ name: String) -> SurfaceMesh? { Self.names.firstIndex(of: name).map { meshes[$0] } }
}

/// ModelNet10 chairs (889) and monitors (465), the training shapes of two of its classes, as 32x32x32 occupancy grids.
///
/// The copy has no split: a fifth of each class, drawn once for all, is the test part. Columns: `voxels` `[32, 32, 32]`
/// (1 filled, 0 empty), `label`. Options: `train`, `validation`, `test` (numbers of samples).
///
/// Source: Wu et al. 2015, "3D ShapeNets" (arXiv 1406.5670).
public struct ModelNet10Voxels: TabledDataset {
  public static let card = DatasetCard(.modelnet10Voxels, source: "Wu et al. 2015, 3D ShapeNets, arXiv 1406.5670")

  static let side = 32
  public let samples: SampleTable

  public init(_ options: inout Section, root: DataRoot) throws {
    let file = "modelnet10-voxels/voxels.npz"
    let archive = try NPZArchive(root.bytes("voxels.npz", of: .modelnet10Voxels), file: file)
    let (bits, extents) = try archive.bytes("voxels", rank: 2)
    let labels = try archive.integers("labels")
    let bytes = Self.side * Self.side * Self.side / 8
    guard extents == [labels.count, bytes] else {
      throw ReproError.data("\(file):voxels", "an array \(extents)", expected: "[\(labels.count), \(bytes)]")
    }
    let classes = ["chair", "monitor"]
    let rows = try PublishedParts(drawnFor: "modelnet10-voxels", labels: labels, classes: classes.count)
      .taken(&options, labels: labels, classes: classes.count, root: root)
    samples = try SampleTable(
      .modelnet10Voxels,
      columns: [
        .computed("voxels", shape: [Self.side, Self.side, Self.side], count: labels.count) { row, target in
          // Most significant bit first.
          for k in 0..<8 * bytes { target[k] = Real(bits[row * bytes + k / 8] >> UInt8(7 - k % 8) & 1) }
        },
        try .labels(labels, classes: classes, source: file),
      ], rows: rows)
  }
}
