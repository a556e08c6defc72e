/// What linear algebra, geometry, spectra and combinatorics bring to the tables of tests.
extension OpTable {
  static let analysis: [Op] = linearAlgebra + geometry + spectral
  static let analysisFiles = ["linear_algebra.h5", "geometry.h5", "spectral.h5"]
}

extension Mistake {
  static let analysis: [Mistake] =
    linearAlgebra + geometry + spectral + pointSets + combinatorial + meshes + distributions
}
