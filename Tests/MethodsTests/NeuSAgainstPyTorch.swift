import ReproEngine
import ReproNN
import ReproTensor
import Testing

@testable import Geometric

/// One step against PyTorch: the same weights, rays and jitter (Tests/Vectors/make_neus_vectors.py).
@Suite struct NeuSAgainstPyTorch {
  private static let options = """
    {width: 12, layers: 3, skips: [2], frequencies: 1, features: 4, colour: {width: 10, layers: 1, frequencies: 1},
     samples: {even: 8, important: 8, rounds: 2}, rays: 6, softplus: 10, background: black,
     weights: {eikonal: 0.5, mask: 0.3}}
    """

  private func close(_ found: Tensor, _ expected: Tensor, _ tolerance: Real) -> Bool {
    found.count == expected.count
      && zip(found.values, expected.values).allSatisfy { abs($0 - $1) < tolerance * max(abs($1), 1) }
  }

  @Test func samplesWeightsLossAndGradientsOfAllParametersAgree() throws {
    let vectors = try Vectors("neus.h5")
    let method = try make(NeuS.self, Self.options)
    var missing: [String] = []
    var model = method.options.model(RandomStream(seed: 1)).rewritten { path, old in
      guard let value = try? vectors("parameters/\(path)"), value.shape == old.shape else {
        missing.append(path)
        return nil
      }
      return value
    }
    #expect(missing == [] && model.parameters.count == 19)
    let rays = Rays(origins: try vectors("origins"), directions: try vectors("directions"))
    let depths = try vectors("depths")
    let found = method.options.renderer.depths(
      model, rays, jitter: try vectors("jitter").values.map { Double($0) })
    #expect(close(found, depths, 1e-4), "\(found.values)\n\(depths.values)")

    let (truth, masks) = (try vectors("truth"), try vectors("mask"))
    var metrics: Metrics = [:]
    var seen: SeenRays?
    let (value, gradients) = valueAndGradients(of: &model) { model in
      let s = method.options.renderer(model, rays, depths: depths, annealing: 0.3, createGraph: true)
      seen = s
      return method.loss(
        colour: s.colour, truth: truth, eikonal: s.eikonal, opacity: s.opacity, masks: masks, &metrics)
    }
    let rendered = try #require(seen)
    #expect(close(rendered.weights, try vectors("weights"), 1e-4))
    #expect(close(rendered.colour, try vectors("rendered"), 1e-4))
    for (name, term) in [("colour", "colour"), ("eikonal", "eikonal"), ("mask", "entropy")] {
      #expect(abs((metrics[name] ?? 0) - (try vectors(term).item)) < 1e-4, "\(name)")
    }
    #expect(abs(value.item - (try vectors("loss").item)) < 1e-4)
    for (parameter, gradient) in zip(model.parameters, gradients.values) {
      let expected = try vectors("gradients/\(parameter.path)")
      #expect(expected.abs().sum().item > 0, "\(parameter.path)")
      #expect(close(gradient, expected, 1e-3), "\(parameter.path): \(gradient.values), \(expected.values)")
    }
  }
}
