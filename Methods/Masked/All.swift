import ReproEngine

/// The plugins of this family; a new method is one more line.
public let maskedMethods: [any MethodPlugin.Type] = [
  GMML.self, TJEPA.self,
]
