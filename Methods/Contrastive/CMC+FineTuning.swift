import ReproData
import ReproEngine
import ReproNN
import ReproTensor

extension CMC: FineTunable {
  public func network(of state: State) -> Model { state.model }

  public func embedding(_ network: inout Model, of batch: Batch, context: ForwardContext?) throws -> Tensor {
    let views = try options.views.whole(batch)
    let seen = options.representation == .core ? 1 : min(views.count, network.encoders.count)
    return concat(
      (0..<seen).map { i in
        let e = options.encoder(of: i)
        if let context { return network.encoders[e].places(views[i], context).globalAveragePooled() }
        return network.encoders[e].places(views[i]).globalAveragePooled()
      }, axis: 1)
  }
}
