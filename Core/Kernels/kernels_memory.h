// Moving numbers: transposition, strided copies, bytes to reals.

/// Interleaves two vectors: a0 b0 a1 b1 ...
INLINE vec zipLow(vec a, vec b) {
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

INLINE vec zipHigh(vec a, vec b) {
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/// A block of 16 x 16: four rounds of interleaving row k with row k + 8 transpose it.
INLINE void transposeBlock(const real *x, ptrdiff_t lx, real *y, ptrdiff_t ly) {
  vec a[LANES], b[LANES];
#pragma clang loop unroll(full)
  for (int k = 0; k < LANES; k++) a[k] = load(x + k * lx);
#pragma clang loop unroll(full)
  for (int round = 0; round < 2; round++) {
#pragma clang loop unroll(full)
    for (int k = 0; k < 8; k++) {
      b[2 * k] = zipLow(a[k], a[k + 8]);
      b[2 * k + 1] = zipHigh(a[k], a[k + 8]);
    }
#pragma clang loop unroll(full)
    for (int k = 0; k < 8; k++) {
      a[2 * k] = zipLow(b[k], b[k + 8]);
      a[2 * k + 1] = zipHigh(b[k], b[k + 8]);
    }
  }
#pragma clang loop unroll(full)
  for (int k = 0; k < LANES; k++) store(y + k * ly, a[k]);
}

static void kernelTranspose(ptrdiff_t rows, ptrdiff_t cols, const real *x, ptrdiff_t lx, real *y, ptrdiff_t ly) {
  ptrdiff_t wholeRows = rows - rows % LANES, wholeCols = cols - cols % LANES;
  for (ptrdiff_t r = 0; r < wholeRows; r += LANES) {
    for (ptrdiff_t c = 0; c < wholeCols; c += LANES) transposeBlock(x + r * lx + c, lx, y + c * ly + r, ly);
    for (ptrdiff_t c = wholeCols; c < cols; c++)
      for (ptrdiff_t k = r; k < r + LANES; k++) y[c * ly + k] = x[k * lx + c];
  }
  for (ptrdiff_t r = wholeRows; r < rows; r++)
    for (ptrdiff_t c = 0; c < cols; c++) y[c * ly + r] = x[r * lx + c];
}

static void kernelGatherStrided(ptrdiff_t n, const real *x, ptrdiff_t sx, real *y) {
  if (sx == 1) {
    if (n > 0) __builtin_memmove(y, x, (size_t)n * sizeof(real));
    return;
  }
  for (ptrdiff_t i = 0; i < n; i++) y[i] = x[i * sx];
}

typedef uint8_t bytes16 __attribute__((ext_vector_type(16)));

static void kernelFromBytes(ptrdiff_t n, real alpha, const uint8_t *x, real beta, real *y) {
#define STEP(i, m)                                                                              \
  bytes16 b = 0;                                                                                \
  __builtin_memcpy(&b, x + (i), (size_t)(m));                                                   \
  vec v = __builtin_convertvector(__builtin_convertvector(b, int32x16), vec);                   \
  storePart(y + (i), fmadd(splat(alpha), v, splat(beta)), m);
  SWEEP(n, STEP)
#undef STEP
}
