public struct Tensor: Sendable { public var shape: Shape }
