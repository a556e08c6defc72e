import ReproEngine

/// The plugins of this family; a new method is one more line.
public let multimodalMethods: [any MethodPlugin.Type] = [
  ObjectsThatSound.self,
  SLIP.self,
]
