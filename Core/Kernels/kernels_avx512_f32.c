#if defined(__x86_64__)
#define REPRO_SCALAR 32
#define REPRO_TARGET 2
#define REPRO_TABLE repro_avx512_f32
#include "kernels_impl.h"
#endif
