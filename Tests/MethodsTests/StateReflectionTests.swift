import Baselines
import Contrastive
import Distillation
import Geometric
import Masked
import Multimodal
import ReproConfig
import ReproData
import ReproEngine
import ReproNN
import ReproScenes
import ReproTensor
import Testing

/// Every tensor of every method's state must be reported by `visit`: else it is neither trained nor saved.
@Suite struct StateReflectionTests {
  private static let methods =
    baselineMethods + contrastiveMethods + distillationMethods + geometricMethods + maskedMethods + multimodalMethods

  /// Fills the k-th tensor that is visited with k + 1.
  private struct Marker: LayerVisitor {
    var count = 0
    mutating func tensor(_ name: StaticString, _ role: Role, _ t: inout Tensor) {
      count += 1
      t = .full(t.shape, Real(count))
    }
  }

  /// All tensors inside of a value, with their places.
  private static func tensors(in value: Any, at place: String) -> [(place: String, tensor: Tensor)] {
    if let tensor = value as? Tensor { return [(place, tensor)] }
    return Mirror(reflecting: value).children.enumerated().flatMap { i, child in
      tensors(in: child.value, at: "\(place).\(child.label ?? String(i))")
    }
  }

  /// Places of tensors that `visit` does not report, or reports twice.
  private static func forgotten(_ layer: some Layer) -> [String] {
    var (layer, marker) = (layer, Marker())
    layer.visit(&marker)
    var seen = Set<Int>()
    var wrong: [String] = []
    for (place, tensor) in tensors(in: layer, at: "state") where tensor.count > 0 {
      let values = tensor.values
      let mark = Int(values[0])
      if !values.allSatisfy({ $0 == values[0] }) || mark < 1 || mark > marker.count || !seen.insert(mark).inserted {
        wrong.append(place)
      }
    }
    if seen.count < marker.count {
      wrong.append("\(marker.count - seen.count) of \(marker.count) were not found again")
    }
    return wrong
  }

  private static func state<M: MethodPlugin>(_ type: M.Type, _ options: TypedOptions, side: Int, _ spec: DataSpec?)
    throws
    -> [String]
  {
    var section = try Section(options.options, name: "method")
    let method = try type.init(&section)
    return forgotten(try method.makeState(for: spec ?? imageSpec(side: side), random: RandomStream(seed: 1)))
  }

  /// The columns of a procedural world; nil for other data.
  private static func spec(_ data: TypedOptions) throws -> DataSpec? {
    guard let type = worldProviders.first(where: { $0.card.id == data.type }) else { return nil }
    var section = try Section(data.options, name: "data")
    return try type.init(&section, root: DataRoot(cache: "", mirror: nil, seed: 1)).spec
  }

  @Test func noMethodOfAnyRecipeForgetsATensor() throws {
    let root = "/" + Substring(#filePath).split(separator: "/").dropLast(3).joined(separator: "/")
    let catalog = try RecipeCatalog(roots: [root])
    var met = Set<String>()
    for entry in catalog.entries {
      let recipe = try catalog.recipe(at: entry)
      for arm in recipe.arms {
        let resolved = try recipe.resolve(scale: .tiny, arm: arm.name)
        guard let type = Self.methods.first(where: { $0.card.id == resolved.method.type }) else { continue }
        met.insert(type.card.id)
        let side = try resolved.data.options["size"]?.int(named: "size", in: 1...512) ?? 32
        #expect(
          try Self.state(type, resolved.method, side: side, Self.spec(resolved.data)) == [],
          "\(entry.recipe), arm \(arm.name)")
      }
    }
    #expect(met == Set(Self.methods.map { $0.card.id }), "every method needs a recipe")
  }

  @Test func optionalPartsOfDINOv2AreReportedToo() throws {
    let method = try make(
      DINOv2.self,
      """
      {patch: 4, width: 12, depth: 1, heads: 3, prototypes: 11, registers: 2, crops: {global: {size: 16}, local: {size: 8, count: 1}},
       head: {hidden: 16, bottleneck: 6, shared: false}, distill: {width: 24, depth: 2, heads: 3}}
      """)
    #expect(try Self.forgotten(method.makeState(for: imageSpec(side: 16), random: RandomStream(seed: 1))) == [])
  }

  private struct Careless: Layer {
    var weight = Tensor.zeros([2])
    var bias: Tensor? = Tensor.zeros([3])
    var parts = [Linear(2, 2, random: RandomStream(seed: 1))]
    mutating func visit(_ v: inout some LayerVisitor) {
      v("weight", &weight)
      v("parts", &parts)
    }
  }

  @Test func aForgottenTensorIsFound() {
    #expect(Self.forgotten(Careless()) == ["state.bias"])
  }
}
