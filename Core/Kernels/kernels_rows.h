// Fused kernels over the rows of a matrix.

/// The larger of two where a NaN need not be kept.
INLINE vec largerNumber(vec a, vec b) { return choose(a > b, a, b); }

INLINE real topLane(vec v) {
  LANE_TREE(v, largerNumber)
  return v[0];
}

/// Rows up to this length keep their exponentials in a padded buffer: reading back what a partial store has just
/// written would stall.
#define BUFFERED_COLUMNS 512

/// One row. A NaN may hide from the maximum but not from the sum: it makes the whole row NaN, as do only -infinities.
INLINE void softmaxRow(ptrdiff_t cols, real scale, const real *x, real *y, real *buffer) {
  // Padding is -infinity: it never is the maximum, and exp makes it zero.
#define SCALED(i, m) \
  (m == LANES ? scale * load(x + (i)) : choose(tailMask(m), scale * loadTail(x + (i), m, 0), splat(-INF)))
  real top, inverse;
  {
#define STEP(acc, i, m) acc = largerNumber(SCALED(i, m), acc);
    REDUCE(cols, -INF, STEP, largerNumber)
#undef STEP
    top = topLane(acc0);
  }
  {
#define STEP(acc, i, m)                    \
  {                                        \
    vec e = vexp(SCALED(i, m) - top);      \
    if (buffer) store(buffer + (i), e);    \
    else storePart(y + (i), e, m);         \
    acc += e;                              \
  }
    REDUCE(cols, 0, STEP, plus)
#undef STEP
    inverse = 1 / addLanes(acc0);
  }
#define STEP(i, m) storePart(y + (i), (buffer ? load(buffer + (i)) : loadPart(y + (i), m, 0)) * inverse, m);
  SWEEP(cols, STEP)
#undef STEP
#undef SCALED
}

static void kernelSoftmax(ptrdiff_t rows, ptrdiff_t cols, real scale, const real *x, real *y) {
  if (cols <= BUFFERED_COLUMNS) {
    real buffer[BUFFERED_COLUMNS];
    for (ptrdiff_t r = 0; r < rows; r++) softmaxRow(cols, scale, x + r * cols, y + r * cols, buffer);
  } else {
    for (ptrdiff_t r = 0; r < rows; r++) softmaxRow(cols, scale, x + r * cols, y + r * cols, NULL);
  }
}

static void kernelSoftmaxBackward(ptrdiff_t rows, ptrdiff_t cols, real scale, const real *y, const real *g, real *gx) {
  for (ptrdiff_t r = 0; r < rows; r++, y += cols, g += cols, gx += cols) {
    real inner = kernelDot(cols, g, y);
#define STEP(i, m) storePart(gx + (i), scale * loadPart(y + (i), m, 0) * (loadPart(g + (i), m, 0) - inner), m);
    SWEEP(cols, STEP)
#undef STEP
  }
}

static void kernelLogSoftmax(ptrdiff_t rows, ptrdiff_t cols, const real *x, real *y) {
  for (ptrdiff_t r = 0; r < rows; r++, x += cols, y += cols) {
    real top, shift;
    {
#define STEP(acc, i, m) acc = largerNumber(loadPart(x + (i), m, -INF), acc);
      REDUCE(cols, -INF, STEP, largerNumber)
#undef STEP
      top = topLane(acc0);
    }
    {
#define STEP(acc, i, m) acc += vexp(loadPart(x + (i), m, -INF) - top);
      REDUCE(cols, 0, STEP, plus)
#undef STEP
      shift = vlog(splat(addLanes(acc0)))[0];
    }
#define STEP(i, m) storePart(y + (i), (loadPart(x + (i), m, 0) - top) - shift, m);
    SWEEP(cols, STEP)
#undef STEP
  }
}

static void kernelLogSoftmaxBackward(ptrdiff_t rows, ptrdiff_t cols, const real *y, const real *g, real *gx) {
  for (ptrdiff_t r = 0; r < rows; r++, y += cols, g += cols, gx += cols) {
    real total = kernelSum(cols, g);
#define STEP(i, m) \
  storePart(gx + (i), fmadd(-vexp(loadPart(y + (i), m, 0)), splat(total), loadPart(g + (i), m, 0)), m);
    SWEEP(cols, STEP)
#undef STEP
  }
}

static void kernelLayerNorm(ptrdiff_t rows, ptrdiff_t cols, real epsilon, const real *x, const real *gain,
                            const real *bias, real *y, real *mean, real *rstd) {
  for (ptrdiff_t r = 0; r < rows; r++, x += cols, y += cols) {
    real mu = kernelSum(cols, x) / (real)cols;
#define STEP(acc, i, m)                                     \
  {                                                         \
    vec d = clipPart(loadPart(x + (i), m, 0) - mu, m);      \
    acc = fmadd(d, d, acc);                                 \
  }
    REDUCE(cols, 0, STEP, plus)
#undef STEP
    real scale = 1 / squareRootOf(splat(addLanes(acc0) / (real)cols + epsilon))[0];
    mean[r] = mu;
    rstd[r] = scale;
    if (gain && bias) {
#define STEP(i, m)                                                                          \
  vec t = (loadPart(x + (i), m, 0) - mu) * scale;                                           \
  storePart(y + (i), fmadd(t, loadPart(gain + (i), m, 0), loadPart(bias + (i), m, 0)), m);
      SWEEP(cols, STEP)
#undef STEP
    } else {
#define STEP(i, m)                                     \
  vec t = (loadPart(x + (i), m, 0) - mu) * scale;      \
  if (gain) t = t * loadPart(gain + (i), m, 0);        \
  if (bias) t = t + loadPart(bias + (i), m, 0);        \
  storePart(y + (i), t, m);
      SWEEP(cols, STEP)
#undef STEP
    }
  }
}

/// With xhat = (x - mean) rstd and h = g gain: gx = rstd (h - mean_c(h) - xhat mean_c(h xhat)).
static void kernelLayerNormBackward(ptrdiff_t rows, ptrdiff_t cols, const real *x, const real *gain, const real *mean,
                                    const real *rstd, const real *g, real *gx, real *ggain, real *gbias) {
  for (ptrdiff_t r = 0; r < rows; r++, x += cols, g += cols, gx += cols) {
    real mu = mean[r], scale = rstd[r];
    vec along = splat(0), total = splat(0);
#define STEP(i, m)                                                                                        \
  vec gi = loadPart(g + (i), m, 0), xhat = (loadPart(x + (i), m, 0) - mu) * scale;                        \
  vec h = gain ? gi * loadPart(gain + (i), m, 0) : gi;                                                    \
  total += h;                                                                                             \
  along = fmadd(h, xhat, along);                                                                          \
  if (ggain) storePart(ggain + (i), fmadd(gi, xhat, loadPart(ggain + (i), m, 0)), m);                     \
  if (gbias) storePart(gbias + (i), gi + loadPart(gbias + (i), m, 0), m);
    SWEEP(cols, STEP)
#undef STEP
    real meanOfH = addLanes(total) / (real)cols, meanAlong = addLanes(along) / (real)cols;
#define STEP(i, m)                                                                                        \
  vec gi = loadPart(g + (i), m, 0), xhat = (loadPart(x + (i), m, 0) - mu) * scale;                        \
  vec h = gain ? gi * loadPart(gain + (i), m, 0) : gi;                                                    \
  storePart(gx + (i), scale * fmadd(-xhat, splat(meanAlong), h - meanOfH), m);
    SWEEP(cols, STEP)
#undef STEP
  }
}

static void kernelBiasAdd(ptrdiff_t rows, ptrdiff_t cols, const real *x, const real *bias, real *y) {
  for (ptrdiff_t r = 0; r < rows; r++, x += cols, y += cols) {
#define STEP(i, m) storePart(y + (i), loadPart(x + (i), m, 0) + loadPart(bias + (i), m, 0), m);
    SWEEP(cols, STEP)
#undef STEP
  }
}

static void kernelBiasGelu(ptrdiff_t rows, ptrdiff_t cols, const real *x, const real *bias, real *y, real *h) {
  for (ptrdiff_t r = 0; r < rows; r++, x += cols, y += cols, h += cols) {
#define STEP(i, m)                                                        \
  vec v = loadPart(x + (i), m, 0) + loadPart(bias + (i), m, 0);           \
  storePart(y + (i), v, m);                                               \
  storePart(h + (i), vgelu(v), m);
    SWEEP(cols, STEP)
#undef STEP
  }
}

/// gx may be g: each vector is read before it is written.
static void kernelGeluBoth(ptrdiff_t n, const real *g, const real *x, real *gx, real *h) {
#define STEP(i, m)                                             \
  vec value, slope;                                            \
  geluAndSlope(loadPart(x + (i), m, 0), &value, &slope);       \
  storePart(gx + (i), loadPart(g + (i), m, 0) * slope, m);     \
  storePart(h + (i), value, m);
  SWEEP(n, STEP)
#undef STEP
}
