import Glibc
import ReproKernels

#if DoubleReal
  typealias KernelTable = repro_kernels_f64
  private func table(_ isa: repro_isa) -> UnsafePointer<KernelTable> { repro_kernels_for_f64(isa) }
#else
  typealias KernelTable = repro_kernels_f32
  private func table(_ isa: repro_isa) -> UnsafePointer<KernelTable> { repro_kernels_for_f32(isa) }
#endif

/// An instruction set: chooses our kernels and OpenBLAS's, and so is part of what decides the bits of a run.
public enum InstructionSet: String, Sendable, CaseIterable {
  case portable, avx2, avx512

  /// The best that this processor has.
  public static let best: InstructionSet =
    switch repro_best_isa() {
    case REPRO_ISA_AVX512: .avx512
    case REPRO_ISA_AVX2: .avx2
    default: .portable
    }

  /// What the environment variable `REPRO_ISA` names, else the best; fixed for the life of the process.
  public static let current: InstructionSet = {
    guard let text = getenv("REPRO_ISA"), let wanted = InstructionSet(rawValue: String(cString: text)) else {
      return best
    }
    return wanted.isAvailable ? wanted : best
  }()

  /// The core type that OpenBLAS must be started with, in `OPENBLAS_CORETYPE`.
  public var openBLASCore: String {
    switch self {
    case .portable: "Nehalem"
    case .avx2: "Haswell"
    case .avx512: "SkylakeX"
    }
  }

  /// Whether this processor has it.
  public var isAvailable: Bool { rank <= InstructionSet.best.rank }

  private var rank: Int { InstructionSet.allCases.firstIndex(of: self) ?? 0 }

  var kernels: UnsafePointer<KernelTable> {
    switch self {
    case .portable: table(REPRO_ISA_PORTABLE)
    case .avx2: table(REPRO_ISA_AVX2)
    case .avx512: table(REPRO_ISA_AVX512)
    }
  }
}

/// The kernels that every op uses.
let kernels: KernelTable = InstructionSet.current.kernels.pointee
