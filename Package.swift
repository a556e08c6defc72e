// swift-tools-version: 6.1
// The house in one page: every arrow points down (see docs/architecture.md).
import PackageDescription

/// A Debian library that we use through its C header; `Core/<name>/shim.h` holds what Swift cannot import by itself.
func system(_ name: String, pkgConfig: String, apt: String) -> Target {
  .systemLibrary(name: name, path: "Core/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

/// The modules of Core, the lowest first.
let layers = ["Tensor", "NN", "Config", "Data", "Scenes", "Engine"]

/// A layer with all layers below it. Whoever uses one names them all: the build looks for changes in what a target names and
/// no further, and a changed struct would leave stale code behind.
func upTo(_ name: String) -> [Target.Dependency] {
  layers[...(layers.firstIndex(of: name) ?? layers.count - 1)].map { .init(stringLiteral: "Repro\($0)") }
}

func core(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: "Repro\(name)", dependencies: dependencies, path: "Core/\(name)")
}

func family(_ name: String) -> Target {
  .target(name: name, dependencies: upTo("Engine"), path: "Methods/\(name)")
}

func tests(_ name: String, _ dependencies: [Target.Dependency], path: String? = nil) -> Target {
  .testTarget(name: name, dependencies: dependencies, path: path ?? "Tests/\(name)")
}

let families = ["Baselines", "Contrastive", "Distillation", "Masked", "Geometric", "Multimodal"]
let everyFamily = families.map { Target.Dependency(stringLiteral: $0) }

let package = Package(
  name: "repro",
  products: [
    .library(name: "ReproCLI", targets: ["ReproCLI"]),
    .executable(name: "repro", targets: ["repro"]),
  ],
  traits: [
    .trait(name: "DoubleReal", description: "Real is Double: gradient checks to 1e-7.")
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    system("COpenBLAS", pkgConfig: "openblas", apt: "libopenblas-dev"),
    system("CHDF5", pkgConfig: "hdf5", apt: "libhdf5-dev"),
    system("CYAML", pkgConfig: "yaml-0.1", apt: "libyaml-dev"),
    system("CCurl", pkgConfig: "libcurl", apt: "libcurl4-openssl-dev"),
    system("CCrypto", pkgConfig: "libcrypto", apt: "libssl-dev"),
    system("CTurboJPEG", pkgConfig: "libturbojpeg", apt: "libturbojpeg0-dev"),
    system("CPNG", pkgConfig: "libpng", apt: "libpng-dev"),
    system("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),

    .target(name: "ReproKernels", path: "Core/Kernels"),
    core("Tensor", ["ReproKernels", "COpenBLAS"]),
    core("NN", upTo("Tensor")),
    core("Config", ["CYAML"]),
    core("Data", upTo("Config") + ["CHDF5", "CCurl", "CCrypto", "CTurboJPEG", "CPNG", "CZlib"]),
    core("Scenes", upTo("Data")),
    core("Engine", upTo("Scenes")),
  ] + families.map(family) + [
    .target(name: "Evaluations", dependencies: upTo("Engine"), path: "Evaluations"),
    .target(
      name: "ReproCLI",
      dependencies: upTo("Engine") + everyFamily + [
        "Evaluations", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Core/CLI/ReproCLI"),
    .executableTarget(name: "repro", dependencies: ["ReproCLI"], path: "Core/CLI/repro"),

    .target(name: "TestSupport", dependencies: upTo("Data"), path: "Tests/Support", exclude: ["vectors"]),
    tests("TensorTests", ["ReproKernels", "ReproTensor", "TestSupport"]),
    tests("NNTests", upTo("NN") + ["TestSupport"]),
    tests("ConfigTests", ["ReproConfig"]),
    tests("DataTests", upTo("Data") + ["TestSupport"]),
    tests("ScenesTests", upTo("Scenes")),
    tests("EngineTests", upTo("Engine") + ["TestSupport"]),
    tests("MethodsTests", upTo("Engine") + everyFamily + ["TestSupport"]),
    tests("EvaluationsTests", upTo("Engine") + ["Evaluations", "TestSupport"]),
    tests("ContractTests", upTo("Engine") + ["TestSupport"], path: "Tests/Contract"),
    tests("GoldenTests", upTo("Engine") + everyFamily + ["Evaluations", "ReproCLI"], path: "Tests/Golden"),
    tests("CLITests", upTo("Engine") + everyFamily + ["Evaluations", "ReproCLI", "TestSupport"]),
  ],
  swiftLanguageModes: [.v6]
)
