#include "kernels_tables.h"

repro_isa repro_best_isa(void) {
#if defined(__x86_64__)
  int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"))
    return REPRO_ISA_AVX512;
  if (avx2) return REPRO_ISA_AVX2;
#endif
  return REPRO_ISA_PORTABLE;
}

const repro_kernels_f32 *repro_kernels_for_f32(repro_isa isa) {
#if defined(__x86_64__)
  if (isa == REPRO_ISA_AVX512) return &repro_avx512_f32;
  if (isa == REPRO_ISA_AVX2) return &repro_avx2_f32;
#endif
  (void)isa;
  return &repro_portable_f32;
}

const repro_kernels_f64 *repro_kernels_for_f64(repro_isa isa) {
#if defined(__x86_64__)
  if (isa == REPRO_ISA_AVX512) return &repro_avx512_f64;
  if (isa == REPRO_ISA_AVX2) return &repro_avx2_f64;
#endif
  (void)isa;
  return &repro_portable_f64;
}
