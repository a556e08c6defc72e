import ReproEngine

/// The plugins of this family; a new method is one more line.
public let geometricMethods: [any MethodPlugin.Type] = [
  ManyDepth.self,
  NeuS.self,
]
