import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproTensor
import Testing

/// NeuS's geometry without its renderer: a distance field is fitted to points of a surface. A scene, no data set.
private struct MiniNeuS: MethodPlugin {
  static let card = MethodCard(
    id: "mini-neus", title: "Signed distance field", year: 2021, arxiv: "2106.10689", family: .geometric)

  let eikonalWeight: Real

  init(_ options: inout Section) throws(ReproError) {
    eikonalWeight = Real(try options.double("eikonal", in: 0...100, default: 0.5))
  }

  func makeState(for data: DataSpec, random: RandomStream) -> SDFNetwork {
    var c = SDFConfiguration()
    (c.width, c.layers, c.skips, c.radius, c.beta) = (32, 3, [2], 0.8, 20)
    return SDFNetwork(c, random: random)
  }

  func step(_ field: inout SDFNetwork, _ context: inout StepContext) -> Metrics {
    var stream = context.random.child("points")
    let surface = stream.normal([64, 3]).l2Normalized() * 0.5  // what a depth camera would see
    let anywhere = stream.uniform([64, 3], -1, 1)
    let (loss, gradients) = valueAndGradients(of: &field) { field in
      field.value(at: surface).abs().mean() + eikonal(field, at: anywhere) * eikonalWeight
    }
    context.update(&field, gradients)
    return ["loss": loss.item]
  }

  func embed(_ field: SDFNetwork, _ batch: Batch) -> Features {
    guard case .reals(let points)? = batch["points"] else { requirementFailed("a distance field is asked at points") }
    return Features(global: field.value(at: points).expandedAxis(1))
  }
}

/// How far the field is from a distance: mean over points of (|grad f| - 1)^2 (Gropp et al. 2020, Eq. 2).
private func eikonal(_ field: SDFNetwork, at points: Tensor) -> Tensor {
  let g = field.gradient(at: points, createGraph: true)  // [N, 3]
  return (g.squared().sum(1).sqrt() - 1).squared().mean()
}

@Suite struct Eikonal {
  @Test func theGradientOfTheGradientAgreesWithDifferences() throws {
    let isDouble = MemoryLayout<Real>.size == 8
    let (h, tolerance): (Real, Real) = isDouble ? (1e-5, 1e-7) : (4e-3, 1e-2)
    var field = try make(MiniNeuS.self).makeState(for: DataSpec(fields: [], sizes: [:]), random: RandomStream(seed: 2))
    var stream = RandomStream(seed: 5)
    let points = stream.uniform([20, 3], -1, 1)
    let (_, gradients) = valueAndGradients(of: &field) { eikonal($0, at: points) }
    for (i, parameter) in field.parameters.enumerated() {
      let direction = stream.normal(parameter.shape).l2Normalized()
      func loss(_ t: Real) -> Real { eikonal(field.moved(i, by: direction * t), at: points).item }
      let expected = (loss(h) - loss(-h)) / (2 * h)
      let found = (gradients.values[i] * direction).sum().item
      // The last bias shifts the field and cannot change its gradient.
      #expect(parameter.path == "last.bias" ? found == 0 : found != 0)
      #expect(abs(found - expected) < tolerance * max(abs(expected), 0.1), "\(parameter.path): \(found), \(expected)")
    }
  }

  @Test func aSphereIsFittedWithItsDistances() throws {
    let method = try make(MiniNeuS.self)
    var field = method.makeState(for: DataSpec(fields: [], sizes: [:]), random: RandomStream(seed: 2))
    var context = StepContext(step: 0, steps: 400, random: RandomStream(seed: 3), plan: .constant(rate: 2e-3))
    for k in 1...400 {
      _ = method.step(&field, &context)
      context = context.next(random: RandomStream(seed: 3).child("step", k))
    }
    let line = Tensor([5, 3], [0.4, 0, 0, 0.5, 0, 0, 0.9, 0, 0, 0, -0.7, 0, 0, 0, 0.35])
    let found = method.embed(field, Batch(indices: [], columns: [("points", .reals(line))])).global.values
    for (f, distance) in zip(found, [-0.1, 0, 0.4, 0.2, -0.15]) {
      #expect(abs(Double(f) - distance) < 0.04, "\(found)")
    }
  }
}
