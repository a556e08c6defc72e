import ReproData

/// The data sets of people, language, sound, medicine, graphs and tables in the procedural world.
public let worldProviders: [any DatasetProvider.Type] = [
  ScenesCaptions.self, ScenesSound.self, ScenesPeople.self, ScenesHands.self, ScenesGaze.self, ScenesVolume.self,
  ScenesStudies.self, ScenesMammography.self, ScenesEgoExo.self, ScenesWebVideo.self, ScenesVoices.self,
  ScenesAngles.self, ScenesInteractions.self, ScenesGraph.self, ScenesTable.self, CurationPool.self,
]
