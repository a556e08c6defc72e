// All kernels for one scalar type and one instruction set. A .c file sets
//   REPRO_SCALAR  32 or 64
//   REPRO_TARGET  0 (portable), 1 (AVX2 and FMA) or 2 (AVX-512)
//   REPRO_TABLE   the name of the table that it defines
// and includes this file. The three targets give the same bits, because nothing in the code depends on the width of a
// register: every formula is written for 16 explicit lanes, ends of arrays pass through the same formula in a padded
// vector, contraction is off and every fused multiply-add is written out. (A NaN stays a NaN; its sign and payload are
// not promised.)
#include "ReproKernels.h"

#include <math.h>

#if REPRO_TARGET != 0
#include <immintrin.h>
#endif

// Vectors wider than the registers never cross a call: everything that takes one is inlined.
#pragma clang diagnostic ignored "-Wpsabi"
#pragma STDC FP_CONTRACT OFF

#if REPRO_TARGET == 2
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma"))), \
                             apply_to = function)
#elif REPRO_TARGET == 1
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#endif

#include "kernels_vector.h"

#if REPRO_SCALAR == 32
#include "kernels_math_f32.h"
#else
#include "kernels_math_f64.h"
#endif

#include "kernels_activations.h"
#include "kernels_elementwise.h"
#include "kernels_memory.h"
#include "kernels_random.h"
#include "kernels_reductions.h"
#include "kernels_rows.h"
#include "kernels_winograd.h"
#include "kernels_table.h"

#if REPRO_TARGET != 0
#pragma clang attribute pop
#endif
