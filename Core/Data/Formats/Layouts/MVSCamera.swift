import ReproConfig
import ReproTensor

/// The cameras of multi-view stereo and surface reconstruction sets: MVSNet's text files (DTU, BlendedMVS) and IDR's
/// archives of projection matrices.
public enum MVSCameraFile {
  /// A text file `extrinsic` 4x4 (world to camera), `intrinsic` 3x3, then the range of depths: smallest, step, and
  /// perhaps count and largest.
  ///
  /// - Source: Yao et al. 2018, "MVSNet" (arXiv 1804.02505), and its repository's description of cameras.
  public static func read(_ bytes: [UInt8], file: String) throws -> (camera: PhotoCamera, depths: [Double]) {
    var cursor = TextCursor(bytes, file: file)
    func numbers(_ count: Int, _ what: String) throws -> [Double] {
      var values: [Double] = []
      while values.count < count {
        if cursor.isAtLineEnd(), !cursor.advanceToWords() {
          throw cursor.error("the file ends after \(values.count) numbers of the \(what)", expected: "\(count)")
        }
        values.append(try cursor.double(what))
      }
      return values
    }
    guard cursor.advanceToWords(), cursor.skip("extrinsic") else {
      throw cursor.error("no cameras", expected: "extrinsic")
    }
    let e = try numbers(16, "extrinsic")
    guard e[12...15].elementsEqual([0, 0, 0, 1]) else {
      throw cursor.error("the last row is \(e[12...15])", expected: "0 0 0 1")
    }
    guard cursor.advanceToWords(), cursor.skip("intrinsic") else {
      throw cursor.error("no intrinsics", expected: "intrinsic")
    }
    let k = try numbers(9, "intrinsic")
    var depths: [Double] = []
    while cursor.advanceToWords() { while !cursor.isAtLineEnd() { depths.append(try cursor.double("a depth")) } }
    return (
      PhotoCamera(
        intrinsics: k, rotation: [0, 1, 2, 4, 5, 6, 8, 9, 10].map { e[$0] }, translation: [e[3], e[7], e[11]]), depths
    )
  }

  /// The archive `cameras_sphere.npz`: for each view `world_mat_i` (projection, world to pixels) and perhaps
  /// `scale_mat_i` (unit sphere to world), 4x4 each; the cameras are those of the unit sphere.
  ///
  /// - Source: Yariv et al. 2020, "Multiview neural surface reconstruction" (arXiv 2003.09852); Wang et al. 2021,
  ///   "NeuS" (arXiv 2106.10689), preprocessing.
  public static func archive(_ archive: NPZArchive, file: String) throws -> [PhotoCamera] {
    func matrix(_ name: String) throws -> [Double] {
      let array = try archive.array(name)
      let values = array.values.floats
      guard array.extents == [4, 4] || array.extents == [3, 4], values.allSatisfy(\.isFinite) else {
        throw ReproError.data("\(file):\(name)", "an array \(array.extents)", expected: "4x4 finite numbers")
      }
      if case .float64(let exact) = array.values { return exact }
      return values.map { Double($0) }
    }
    var cameras: [PhotoCamera] = []
    while archive.names.contains("world_mat_\(cameras.count)") {
      let i = cameras.count
      let world = try matrix("world_mat_\(i)")
      var scale: [Double] = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
      if archive.names.contains("scale_mat_\(i)") { scale = try matrix("scale_mat_\(i)") }
      guard scale.count == 16 else { throw ReproError.data("\(file):scale_mat_\(i)", "3x4", expected: "4x4") }
      var p = [Double](repeating: 0, count: 12)
      for r in 0..<3 { for c in 0..<4 { for k in 0..<4 { p[4 * r + c] += world[4 * r + k] * scale[4 * k + c] } } }
      guard let camera = PhotoCamera(projection: p) else {
        throw ReproError.data("\(file):world_mat_\(i)", "the matrix is no projection of a camera")
      }
      cameras.append(camera)
    }
    guard !cameras.isEmpty else { throw ReproError.data(file, "there is no array 'world_mat_0'") }
    return cameras
  }
}

extension PhotoCamera {
  /// The camera of a projection matrix `P ~ K [R | t]`, 3x4; nil if its left part is singular.
  ///
  /// The rows of P are turned into rows of R from the last to the first by Gram and Schmidt, K is what remains; K has a
  /// positive diagonal and K_33 = 1, and R is a rotation (P is taken with the sign that makes it one).
  public init?(projection: [Double]) {
    require(projection.count == 12, "a projection has 12 numbers, got \(projection.count)")
    var p = projection
    func row(_ i: Int) -> [Double] { Array(p[4 * i..<4 * i + 3]) }
    func dot(_ a: [Double], _ b: [Double]) -> Double { a[0] * b[0] + a[1] * b[1] + a[2] * b[2] }
    let determinant: Double =
      p[0] * (p[5] * p[10] - p[6] * p[9]) - p[1] * (p[4] * p[10] - p[6] * p[8]) + p[2] * (p[4] * p[9] - p[5] * p[8])
    if determinant < 0 { p = p.map { -$0 } }
    let (m0, m1, m2) = (row(0), row(1), row(2))
    let k22 = dot(m2, m2).squareRoot()
    guard k22 > 1e-12, k22.isFinite else { return nil }
    let r2 = m2.map { $0 / k22 }
    let k12 = dot(m1, r2)
    let rest1 = (0..<3).map { m1[$0] - k12 * r2[$0] }
    let k11 = dot(rest1, rest1).squareRoot()
    guard k11 > 1e-12 * k22 else { return nil }
    let r1 = rest1.map { $0 / k11 }
    let (k02, k01) = (dot(m0, r2), dot(m0, r1))
    let rest0 = (0..<3).map { m0[$0] - k02 * r2[$0] - k01 * r1[$0] }
    let k00 = dot(rest0, rest0).squareRoot()
    guard k00 > 1e-12 * k22 else { return nil }
    let r0 = rest0.map { $0 / k00 }
    // t = K^-1 p_3, K upper triangular.
    let tz = p[11] / k22
    let ty = (p[7] - k12 * tz) / k11
    let tx = (p[3] - k01 * ty - k02 * tz) / k00
    self.init(
      intrinsics: [k00 / k22, k01 / k22, k02 / k22, 0, k11 / k22, k12 / k22, 0, 0, 1], rotation: r0 + r1 + r2,
      translation: [tx, ty, tz])
  }
}
