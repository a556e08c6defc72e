import ReproTensor
import TestSupport
import Testing

@testable import Geometric

/// Both losses and their gradients against PyTorch (Tests/Support/vectors/make_depth_vectors.py).
@Suite struct DepthVectorTests {
  private struct Setting {
    let file: VectorFile
    let method: ManyDepth
    let scene: Reprojection
    let disparities, twists: [Tensor]

    init() throws {
      file = try VectorFile("depth.h5")
      method = try make(
        ManyDepth.self, "{width: 4, decoder: {width: 2, finest: 1, scales: 2}, smoothness: 0.05, planes: 4}")
      scene = Reprojection(
        target: try file.tensor("target"), sources: [try file.tensor("before"), try file.tensor("after")],
        intrinsics: try file.tensor("k"), range: 0.1...100)
      disparities = try (0..<2).map { try VectorFile("depth.h5").tensor("disparity\($0)").tracked }
      twists = try (0..<2).map { try VectorFile("depth.h5").tensor("twist\($0)").tracked }
    }

    var motions: [Tensor] {
      twists.map { rigidMotion(rotation: $0.slice(1, 0..<3).axisAngleToMatrix(), translation: $0.slice(1, 3..<6)) }
    }
  }

  @Test func theTeachersLossAndItsGradientsByDisparityAndMotionArePyTorchs() throws {
    let s = try Setting()
    let loss = s.method.teacherLoss(s.disparities, s.motions, s.scene, ties: RandomStream(seed: 1))
    // Ties are broken by noise of 1e-5, so single pixels may change sides.
    #expect(close(loss.item, Double(try s.file.tensor("single/loss").item), 2e-4))
    let slopes = gradients(of: loss, with: s.disparities + s.twists)
    for i in 0..<2 {
      expectClose(slopes[i], try s.file.tensor("single/disparity\(i)"), tolerance: 0.02)
      expectClose(slopes[2 + i], try s.file.tensor("single/twist\(i)"), tolerance: 0.02)
    }
  }

  @Test func theMultiFrameLossAndItsGradientsByDisparityArePyTorchs() throws {
    let s = try Setting()
    let teacher = try (0..<2).map { try s.file.tensor("teacher\($0)") }
    let (loss, consistency) = s.method.multiLoss(
      s.disparities, try s.file.tensor("mask"), teacher, s.motions.map(\.detached), s.scene)
    #expect(close(loss.item, Double(try s.file.tensor("multi/loss").item), 1e-4) && consistency > 0)
    let slopes = gradients(of: loss, with: s.disparities)
    for i in 0..<2 { expectClose(slopes[i], try s.file.tensor("multi/disparity\(i)"), tolerance: 2e-3) }
  }
}
