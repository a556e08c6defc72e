// Products of narrow panels, and the transforms of Winograd's convolution F(2 x 2, 3 x 3): an output tile of 2 x 2 costs 16
// products for a pair of channels instead of 36.
//
//     Y = A^T [ (G g G^T) * (B^T d B) ] A        * elementwise, summed over input channels
//
// (Lavin and Gray 2015, arXiv 1509.09308, Eq. 7 and 8.) Lanes are channels; `n` is a multiple of 16. The sixteen places of a
// transformed tile lie `step` elements apart.

#if REPRO_TARGET == 2
#define PANEL_ROWS 8  // rows of two vectors that are summed at once: as many as registers hold
#define PANEL_ROWS_NARROW 16
#elif REPRO_TARGET == 1
#define PANEL_ROWS 3
#define PANEL_ROWS_NARROW 6
#else
#define PANEL_ROWS 1
#define PANEL_ROWS_NARROW 1
#endif

/// c[R, 16 P] = (accumulate ? c : 0) + a[R, depth] b[depth, 16 P]; one multiply-add after the other along depth, so that the
/// blocking does not show in the bits.
#define PANEL(name, R, P)                                                                                     \
  INLINE void name(ptrdiff_t depth, const real *a, ptrdiff_t row, ptrdiff_t step, const real *b, real *c,     \
                   ptrdiff_t leading, int accumulate) {                                                       \
    vec sum[R][P];                                                                                            \
    _Pragma("clang loop unroll(full)") for (int r = 0; r < R; r++)                                            \
    _Pragma("clang loop unroll(full)") for (int p = 0; p < P; p++)                                            \
      sum[r][p] = accumulate ? load(c + r * leading + p * LANES) : splat(0);                                  \
    for (ptrdiff_t d = 0; d < depth; d++) {                                                                   \
      vec w[P];                                                                                               \
      _Pragma("clang loop unroll(full)") for (int p = 0; p < P; p++) w[p] = load(b + (d * P + p) * LANES);    \
      _Pragma("clang loop unroll(full)") for (int r = 0; r < R; r++) {                                        \
        vec x = splat(a[r * row + d * step]);                                                                 \
        _Pragma("clang loop unroll(full)") for (int p = 0; p < P; p++) sum[r][p] = fmadd(x, w[p], sum[r][p]); \
      }                                                                                                       \
    }                                                                                                         \
    _Pragma("clang loop unroll(full)") for (int r = 0; r < R; r++)                                            \
    _Pragma("clang loop unroll(full)") for (int p = 0; p < P; p++)                                            \
      store(c + r * leading + p * LANES, sum[r][p]);                                                          \
  }

PANEL(panelWide, PANEL_ROWS, 2)
PANEL(panelWideRow, 1, 2)
PANEL(panelNarrow, PANEL_ROWS_NARROW, 1)
PANEL(panelNarrowRow, 1, 1)
#undef PANEL

static void kernelMultiplyPanel(ptrdiff_t rows, ptrdiff_t depth, const real *a, ptrdiff_t row, ptrdiff_t step,
                                const real *b, ptrdiff_t width, real *c, ptrdiff_t leading, int accumulate) {
  ptrdiff_t r = 0;
  if (width == 2 * LANES) {
    for (; r + PANEL_ROWS <= rows; r += PANEL_ROWS)
      panelWide(depth, a + r * row, row, step, b, c + r * leading, leading, accumulate);
    for (; r < rows; r++) panelWideRow(depth, a + r * row, row, step, b, c + r * leading, leading, accumulate);
  } else {
    for (; r + PANEL_ROWS_NARROW <= rows; r += PANEL_ROWS_NARROW)
      panelNarrow(depth, a + r * row, row, step, b, c + r * leading, leading, accumulate);
    for (; r < rows; r++) panelNarrowRow(depth, a + r * row, row, step, b, c + r * leading, leading, accumulate);
  }
}

/// v = B^T d B of the 4 x 4 tile whose sixteen places the pointers show.
static void kernelWinogradInput(ptrdiff_t n, const real *const *d, real *v, ptrdiff_t step) {
  for (ptrdiff_t i = 0; i < n; i += LANES) {
    vec t[4][4];
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
      vec x0 = load(d[j] + i), x1 = load(d[4 + j] + i), x2 = load(d[8 + j] + i), x3 = load(d[12 + j] + i);
      t[0][j] = x0 - x2;
      t[1][j] = x1 + x2;
      t[2][j] = x2 - x1;
      t[3][j] = x1 - x3;
    }
#pragma clang loop unroll(full)
    for (int k = 0; k < 4; k++) {
      real *row = v + 4 * k * step + i;
      store(row, t[k][0] - t[k][2]);
      store(row + step, t[k][1] + t[k][2]);
      store(row + 2 * step, t[k][2] - t[k][1]);
      store(row + 3 * step, t[k][1] - t[k][3]);
    }
  }
}

/// y = A^T m A: the 2 x 2 outputs, each to its own place.
static void kernelWinogradOutput(ptrdiff_t n, const real *m, ptrdiff_t step, real *const *y) {
  for (ptrdiff_t i = 0; i < n; i += LANES) {
    vec t[2][4];
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
      const real *column = m + j * step + i;
      vec m0 = load(column), m1 = load(column + 4 * step), m2 = load(column + 8 * step), m3 = load(column + 12 * step);
      t[0][j] = m0 + m1 + m2;
      t[1][j] = m1 - m2 - m3;
    }
#pragma clang loop unroll(full)
    for (int k = 0; k < 2; k++) {
      store(y[2 * k] + i, t[k][0] + t[k][1] + t[k][2]);
      store(y[2 * k + 1] + i, t[k][1] - t[k][2] - t[k][3]);
    }
  }
}

/// m = A g A^T, the transpose of the output's transform, written as panels of `width` channels, `panel` elements apart.
static void kernelWinogradGradient(ptrdiff_t n, const real *const *g, real *m, ptrdiff_t step, ptrdiff_t width,
                                   ptrdiff_t panel) {
  for (ptrdiff_t i = 0; i < n; i += LANES) {
    vec t[4][2];
#pragma clang loop unroll(full)
    for (int j = 0; j < 2; j++) {
      vec g0 = load(g[j] + i), g1 = load(g[2 + j] + i);
      t[0][j] = g0;
      t[1][j] = g0 + g1;
      t[2][j] = g0 - g1;
      t[3][j] = -g1;
    }
    real *place = m + i / width * panel + i % width;
#pragma clang loop unroll(full)
    for (int k = 0; k < 4; k++) {
      real *row = place + 4 * k * step;
      store(row, t[k][0]);
      store(row + step, t[k][0] + t[k][1]);
      store(row + 2 * step, t[k][0] - t[k][1]);
      store(row + 3 * step, -t[k][1]);
    }
  }
}

/// u = G g G^T of sixteen windows at once; the nine places of a window lie `window` elements apart (negative: turned).
static void kernelWinogradWeight(const real *g, ptrdiff_t window, real *u, ptrdiff_t step) {
  vec t[4][3], half = splat((real)0.5);
#pragma clang loop unroll(full)
  for (int j = 0; j < 3; j++) {
    vec g0 = load(g + j * window), g1 = load(g + (3 + j) * window), g2 = load(g + (6 + j) * window);
    vec ends = g0 + g2;
    t[0][j] = g0;
    t[1][j] = half * (ends + g1);
    t[2][j] = half * (ends - g1);
    t[3][j] = g2;
  }
#pragma clang loop unroll(full)
  for (int k = 0; k < 4; k++) {
    real *row = u + 4 * k * step;
    vec ends = t[k][0] + t[k][2];
    store(row, t[k][0]);
    store(row + step, half * (ends + t[k][1]));
    store(row + 2 * step, half * (ends - t[k][1]));
    store(row + 3 * step, t[k][2]);
  }
}

/// g = G^T u G, the transpose of the windows' transform.
static void kernelWinogradWeightGradient(const real *u, ptrdiff_t step, real *g, ptrdiff_t window) {
  vec t[3][4], half = splat((real)0.5);
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++) {
    const real *column = u + j * step;
    vec u0 = load(column), u1 = load(column + 4 * step), u2 = load(column + 8 * step), u3 = load(column + 12 * step);
    t[0][j] = u0 + half * (u1 + u2);
    t[1][j] = half * (u1 - u2);
    t[2][j] = half * (u1 + u2) + u3;
  }
#pragma clang loop unroll(full)
  for (int k = 0; k < 3; k++) {
    real *row = g + 3 * k * window;
    store(row, t[k][0] + half * (t[k][1] + t[k][2]));
    store(row + window, half * (t[k][1] - t[k][2]));
    store(row + 2 * window, half * (t[k][1] + t[k][2]) + t[k][3]);
  }
}
