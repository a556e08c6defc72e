#define REPRO_SCALAR 32
#define REPRO_TARGET 0
#define REPRO_TABLE repro_portable_f32
#include "kernels_impl.h"
