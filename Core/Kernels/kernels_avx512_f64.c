#if defined(__x86_64__)
#define REPRO_SCALAR 64
#define REPRO_TARGET 2
#define REPRO_TABLE repro_avx512_f64
#include "kernels_impl.h"
#endif
