// Elementwise kernels: one loop for whole vectors, the same formula in a padded vector for the end.

#define DEFINE_UNARY(name, f)                                                 \
  INLINE void name##Step(const real *x, real *y, ptrdiff_t i, ptrdiff_t m) {  \
    vec v = loadPart(x + i, m, 0);                                            \
    storePart(y + i, f, m);                                                   \
  }                                                                           \
  static void name(ptrdiff_t n, const real *x, real *y) {                     \
    ptrdiff_t i = 0;                                                          \
    for (; i + LANES <= n; i += LANES) name##Step(x, y, i, LANES);            \
    if (i < n) name##Step(x, y, i, n - i);                                    \
  }

INLINE vec signOf(vec x) {
  vec y = choose(x > 0, splat(1), choose(x < 0, splat(-1), splat(0)));
  return choose(x != x, x, y);
}

DEFINE_UNARY(kernelNegate, -v)
DEFINE_UNARY(kernelAbsolute, magnitude(v))
DEFINE_UNARY(kernelReciprocal, 1 / v)
DEFINE_UNARY(kernelSquare, v * v)
DEFINE_UNARY(kernelSquareRoot, squareRootOf(v))
DEFINE_UNARY(kernelRsqrt, 1 / squareRootOf(v))
DEFINE_UNARY(kernelExp, vexp(v))
DEFINE_UNARY(kernelLog, vlog(v))
DEFINE_UNARY(kernelLog1p, vlog1p(v))
DEFINE_UNARY(kernelExpm1, vexpm1(v))
DEFINE_UNARY(kernelSin, vsin(v))
DEFINE_UNARY(kernelCos, vcos(v))
DEFINE_UNARY(kernelTanh, vtanh(v))
DEFINE_UNARY(kernelSigmoid, vsigmoid(v))
DEFINE_UNARY(kernelSoftplus, vsoftplus(v))
DEFINE_UNARY(kernelSilu, vsilu(v))
DEFINE_UNARY(kernelRelu, vrelu(v))
DEFINE_UNARY(kernelGelu, vgelu(v))
DEFINE_UNARY(kernelGeluTanh, vgeluTanh(v))
DEFINE_UNARY(kernelErf, verf(v))
DEFINE_UNARY(kernelSign, signOf(v))
DEFINE_UNARY(kernelFloor, __builtin_elementwise_floor(v))
DEFINE_UNARY(kernelRound, __builtin_elementwise_roundeven(v))

/// A stride of 0 repeats one number; it is read before anything is written.
#define DEFINE_BINARY(name, f)                                                                                   \
  INLINE void name##Loop(ptrdiff_t n, const real *a, int sa, const real *b, int sb, real *y) {                   \
    vec wholeA = splat(*a), wholeB = splat(*b);                                                                  \
    ptrdiff_t i = 0;                                                                                             \
    for (; i + LANES <= n; i += LANES) {                                                                         \
      vec u = sa ? load(a + i) : wholeA, v = sb ? load(b + i) : wholeB;                                          \
      store(y + i, f);                                                                                           \
    }                                                                                                            \
    if (i < n) {                                                                                                 \
      vec u = sa ? loadTail(a + i, n - i, 0) : wholeA, v = sb ? loadTail(b + i, n - i, 0) : wholeB;              \
      storeTail(y + i, f, n - i);                                                                                \
    }                                                                                                            \
  }                                                                                                              \
  static void name(ptrdiff_t n, const real *a, ptrdiff_t sa, const real *b, ptrdiff_t sb, real *y) {             \
    if (n <= 0) return;                                                                                          \
    if (sa && sb) name##Loop(n, a, 1, b, 1, y);                                                                  \
    else if (sa) name##Loop(n, a, 1, b, 0, y);                                                                   \
    else if (sb) name##Loop(n, a, 0, b, 1, y);                                                                   \
    else name##Loop(n, a, 0, b, 0, y);                                                                           \
  }

INLINE vec oneWhere(ivec mask) { return choose(mask, splat(1), splat(0)); }

DEFINE_BINARY(kernelAdd, u + v)
DEFINE_BINARY(kernelSubtract, u - v)
DEFINE_BINARY(kernelMultiply, u *v)
DEFINE_BINARY(kernelDivide, u / v)
DEFINE_BINARY(kernelMaximum, larger(u, v))
DEFINE_BINARY(kernelMinimum, smaller(u, v))
DEFINE_BINARY(kernelPower, vpow(u, v))
DEFINE_BINARY(kernelAtan2, vatan2(u, v))
DEFINE_BINARY(kernelLess, oneWhere(u < v))
DEFINE_BINARY(kernelLessEqual, oneWhere(u <= v))
DEFINE_BINARY(kernelEqual, oneWhere(u == v))

// Backward kernels: u is the gradient, v is x (or the forward's output).
DEFINE_BINARY(kernelGeluBackward, u *geluSlope(v))
DEFINE_BINARY(kernelGeluTanhBackward, u *geluTanhSlope(v))
DEFINE_BINARY(kernelReluBackward, u *oneWhere(v > 0))
DEFINE_BINARY(kernelSiluBackward, u *siluSlope(v))
DEFINE_BINARY(kernelTanhBackward, u *fmadd(-v, v, splat(1)))
DEFINE_BINARY(kernelSigmoidBackward, u *(v * (1 - v)))

static void kernelSelect(ptrdiff_t n, const real *c, ptrdiff_t sc, const real *a, ptrdiff_t sa, const real *b,
                         ptrdiff_t sb, real *y) {
  if (n <= 0) return;
  vec wholeC = splat(*c), wholeA = splat(*a), wholeB = splat(*b);
#define STEP(i, m)                                     \
  vec w = sc ? loadPart(c + (i), m, 0) : wholeC;       \
  vec u = sa ? loadPart(a + (i), m, 0) : wholeA;       \
  vec v = sb ? loadPart(b + (i), m, 0) : wholeB;       \
  storePart(y + (i), choose(w != 0, u, v), m);
  SWEEP(n, STEP)
#undef STEP
}

static void kernelAffine(ptrdiff_t n, real alpha, const real *x, real beta, real *y) {
#define STEP(i, m) storePart(y + (i), fmadd(splat(alpha), loadPart(x + (i), m, 0), splat(beta)), m);
  SWEEP(n, STEP)
#undef STEP
}

static void kernelAxpy(ptrdiff_t n, real alpha, const real *x, real *y) {
#define STEP(i, m) storePart(y + (i), fmadd(splat(alpha), loadPart(x + (i), m, 0), loadPart(y + (i), m, 0)), m);
  SWEEP(n, STEP)
#undef STEP
}

static void kernelBlend(ptrdiff_t n, real alpha, const real *a, real beta, const real *b, real *y) {
#define STEP(i, m) \
  storePart(y + (i), fmadd(splat(alpha), loadPart(a + (i), m, 0), beta * loadPart(b + (i), m, 0)), m);
  SWEEP(n, STEP)
#undef STEP
}

static void kernelFill(ptrdiff_t n, real value, real *y) {
#define STEP(i, m) storePart(y + (i), splat(value), m);
  SWEEP(n, STEP)
#undef STEP
}

static void kernelAdamw(ptrdiff_t n, real *p, const real *g, real *m, real *v, real lr, real beta1, real beta2,
                        real epsilon, real decay, real step, real correction) {
  vec rest1 = splat(1 - beta1), rest2 = splat(1 - beta2), shrink = splat(-(lr * decay));
#define STEP(i, k)                                                                     \
  vec gi = loadPart(g + (i), k, 0), pi = loadPart(p + (i), k, 0);                      \
  vec mi = fmadd(splat(beta1), loadPart(m + (i), k, 0), rest1 * gi);                   \
  vec vi = fmadd(splat(beta2), loadPart(v + (i), k, 0), rest2 * (gi * gi));            \
  vec q = mi / (squareRootOf(vi * correction) + epsilon);                              \
  storePart(m + (i), mi, k);                                                           \
  storePart(v + (i), vi, k);                                                           \
  storePart(p + (i), fmadd(splat(-step), q, fmadd(shrink, pi, pi)), k);
  SWEEP(n, STEP)
#undef STEP
}
