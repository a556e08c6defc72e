// Reductions. The order of every sum is a function of the length alone.

static real kernelSum(ptrdiff_t n, const real *x) {
#define STEP(acc, i, m) acc += loadPart(x + (i), m, 0);
  REDUCE(n, 0, STEP, plus)
#undef STEP
  return addLanes(acc0);
}

/// The products are rounded before they are added, as if the squares had been stored.
static real kernelSumSquares(ptrdiff_t n, const real *x) {
#define STEP(acc, i, m)              \
  {                                  \
    vec v = loadPart(x + (i), m, 0); \
    acc += v * v;                    \
  }
  REDUCE(n, 0, STEP, plus)
#undef STEP
  return addLanes(acc0);
}

static real kernelDot(ptrdiff_t n, const real *a, const real *b) {
#define STEP(acc, i, m) acc = fmadd(loadPart(a + (i), m, 0), loadPart(b + (i), m, 0), acc);
  REDUCE(n, 0, STEP, plus)
#undef STEP
  return addLanes(acc0);
}

/// -infinity where n is 0.
static real kernelMax(ptrdiff_t n, const real *x) {
#define STEP(acc, i, m) acc = larger(loadPart(x + (i), m, -INF), acc);
  REDUCE(n, -INF, STEP, larger)
#undef STEP
  return maxLanes(acc0);
}

/// +infinity where n is 0.
static real kernelMin(ptrdiff_t n, const real *x) {
#define STEP(acc, i, m) acc = smaller(loadPart(x + (i), m, INF), acc);
  REDUCE(n, INF, STEP, smaller)
#undef STEP
  return minLanes(acc0);
}

static ptrdiff_t kernelNonFinite(ptrdiff_t n, const real *x) {
  ptrdiff_t count = 0;
  for (ptrdiff_t start = 0; start < n; start += 1 << 20) {
    ptrdiff_t length = n - start < 1 << 20 ? n - start : 1 << 20;
    const real *p = x + start;
    ivec lanes = 0;
#define STEP(i, m)                               \
  vec v = loadPart(p + (i), m, 0);               \
  lanes -= ~(magnitude(v) < INF);
    SWEEP(length, STEP)
#undef STEP
    for (int l = 0; l < LANES; l++) count += (ptrdiff_t)lanes[l];
  }
  return count;
}

/// Four vectors of columns walk down the rows together, so that the sums stay in registers.
static void kernelSumRows(ptrdiff_t rows, ptrdiff_t cols, const real *x, real *y, int accumulate) {
  ptrdiff_t c = 0;
  for (; c + 4 * LANES <= cols; c += 4 * LANES) {
    vec s[4];
    for (int k = 0; k < 4; k++) s[k] = accumulate ? load(y + c + k * LANES) : splat(0);
    for (ptrdiff_t r = 0; r < rows; r++)
      for (int k = 0; k < 4; k++) s[k] += load(x + r * cols + c + k * LANES);
    for (int k = 0; k < 4; k++) store(y + c + k * LANES, s[k]);
  }
#define STEP(i, m)                                                             \
  vec s = accumulate ? loadPart(y + c + (i), m, 0) : splat(0);                 \
  for (ptrdiff_t r = 0; r < rows; r++) s += loadPart(x + r * cols + c + (i), m, 0); \
  storePart(y + c + (i), s, m);
  ptrdiff_t left = cols - c;
  SWEEP(left, STEP)
#undef STEP
}
