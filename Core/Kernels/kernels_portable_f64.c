#define REPRO_SCALAR 64
#define REPRO_TARGET 0
#define REPRO_TABLE repro_portable_f64
#include "kernels_impl.h"
