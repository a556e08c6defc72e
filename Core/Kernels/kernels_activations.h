// Activations and their derivatives, for both scalar types. Arguments are clamped where the function has reached its
// limit, so that infinities give limits and not NaN (0 * inf); a NaN stays.

INLINE vec clamped(vec x, real bound) {
  x = choose(x > bound, splat(bound), x);
  return choose(x < -bound, splat(-bound), x);
}

INLINE vec clampedBelow(vec x, real bound) { return choose(x < -bound, splat(-bound), x); }

/// s = 1 / (1 + exp(-x)) and 1 - s, both without cancellation.
INLINE vec logistic(vec x, vec *complement) {
  vec e = vexp(-magnitude(x)), d = 1 + e;
  ivec positive = x >= 0;
  *complement = choose(positive, e, splat(1)) / d;
  return choose(positive, splat(1), e) / d;
}

INLINE vec vsigmoid(vec x) {
  vec e = vexp(-magnitude(x));
  return choose(x >= 0, splat(1), e) / (1 + e);
}

/// max(x, 0) + log(1 + exp(-|x|))
INLINE vec vsoftplus(vec x) { return choose(x > 0, x, splat(0)) + vlog1p(vexp(-magnitude(x))); }

/// x / (1 + exp(-x))
INLINE vec vsilu(vec x) {
  vec c = clampedBelow(x, 800), e = vexp(-magnitude(c));
  return c * choose(c >= 0, splat(1), e) / (1 + e);
}

/// s + x s (1 - s)
INLINE vec siluSlope(vec x) {
  vec complement, c = clamped(x, 800), s = logistic(c, &complement);
  return s * fmadd(c, complement, splat(1));
}

#if REPRO_SCALAR == 32
#define GAUSS_LIMIT 15
#else
#define GAUSS_LIMIT 40
#endif

/// x Phi(x)
INLINE vec vgelu(vec x) {
  vec bell, c = clampedBelow(x, GAUSS_LIMIT);
  return c * normalTail(clamped(c, GAUSS_LIMIT), &bell);
}

/// Phi(x) + x phi(x)
INLINE vec geluSlope(vec x) {
  vec bell, c = clamped(x, GAUSS_LIMIT), cdf = normalTail(c, &bell);
  return fmadd(c * (real)0.39894228040143267794, bell, cdf);
}

/// 2 sqrt(2 / pi) and the cubic term of the tanh form (Hendrycks and Gimpel 2016, arXiv 1606.08415).
#define GELU_TANH_SCALE ((real)1.59576912160573071176)
#define GELU_TANH_CUBIC ((real)0.044715)

/// x (1 + tanh(u)) / 2 = x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3)
INLINE vec vgeluTanh(vec x) {
  vec c = clampedBelow(x, 30), d = clamped(c, 30);
  vec twice = GELU_TANH_SCALE * fmadd(GELU_TANH_CUBIC * d * d, d, d);
  return c * vsigmoid(twice);
}

/// s + x s (1 - s) 2 u', s = sigmoid(2 u)
INLINE vec geluTanhSlope(vec x) {
  vec complement, c = clamped(x, 30), square = c * c;
  vec s = logistic(GELU_TANH_SCALE * fmadd(GELU_TANH_CUBIC * square, c, c), &complement);
  vec inner = GELU_TANH_SCALE * fmadd(splat(3 * GELU_TANH_CUBIC), square, splat(1));
  return s * fmadd(c * inner, complement, splat(1));
}

INLINE vec vrelu(vec x) { return choose(x <= 0, splat(0), x); }
