import ReproEngine

/// The plugins of this family; a new method is one more line.
public let distillationMethods: [any MethodPlugin.Type] = [
  DINOv2.self
]
