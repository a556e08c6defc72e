import ReproCLI
