// The tables that the sources of this folder define.
#ifndef REPRO_KERNELS_TABLES_H
#define REPRO_KERNELS_TABLES_H

#include "ReproKernels.h"

extern const repro_kernels_f32 repro_portable_f32, repro_avx2_f32, repro_avx512_f32;
extern const repro_kernels_f64 repro_portable_f64, repro_avx2_f64, repro_avx512_f64;

#endif
