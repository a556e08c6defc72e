#if defined(__x86_64__)
#define REPRO_SCALAR 32
#define REPRO_TARGET 1
#define REPRO_TABLE repro_avx2_f32
#include "kernels_impl.h"
#endif
