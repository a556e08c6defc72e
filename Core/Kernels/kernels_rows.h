// Fused kernels over the rows of a matrix.

static void kernelSoftmax(ptrdiff_t rows, ptrdiff_t cols, real scale, const real *x, real *y) {
  for (ptrdiff_t r = 0; r < rows; r++, x += cols, y += cols) {
    real top, total;
    // Padding is -infinity: it never is the maximum, and exp makes it zero.
#define SCALED(i, m) \
  (m == LANES ? scale * load(x + (i)) : choose(tailMask(m), scale * loadTail(x + (i), m, 0), splat(-INF)))
    {
#define STEP(acc, i, m) acc = larger(acc, SCALED(i, m));
      REDUCE(cols, -INF, STEP, larger)
#undef STEP
      top = maxLanes(acc0);
    }
    {
#define STEP(acc, i, m)                    \
  {                                        \
    vec e = vexp(SCALED(i, m) - top);      \
    storePart(y + (i), e, m);              \
    acc += e;                              \
  }
      REDUCE(cols, 0, STEP, plus)
#undef STEP
      total = addLanes(acc0);
    }
    real inverse = 1 / total;
#define STEP(i, m) storePart(y + (i), loadPart(y + (i), m, 0) * inverse, m);
    SWEEP(cols, STEP)
#undef STEP
#undef SCALED
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
    real top = kernelMax(cols, x);
#define STEP(acc, i, m) acc += vexp(loadPart(x + (i), m, -INF) - top);
    REDUCE(cols, 0, STEP, plus)
#undef STEP
    real shift = vlog(splat(addLanes(acc0)))[0];
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
