import ReproData
