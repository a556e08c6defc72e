// Activations and their derivatives, for both scalar types. Arguments are clamped where the function has reached its
// limit, so that infinities give limits and not NaN (0 * inf); a NaN stays.

INLINE vec clamped(vec x, real bound) {
  x = choose(x > bound, splat(bound), x);
  return choose(x < -bound, splat(-bound), x);
}

INLINE vec clampedBelow(vec x, real bound) { return choose(x < -bound, splat(-bound), x); }

/// 1 / (1 + exp(-x)) without cancellation or overflow, given exp(-|x|).
INLINE vec logistic(vec x, vec e) { return choose(x >= 0, splat(1), e) / (1 + e); }

INLINE vec vsigmoid(vec x) { return logistic(x, vexp(-magnitude(x))); }

/// max(x, 0) + log(1 + exp(-|x|))
INLINE vec vsoftplus(vec x) { return choose(x > 0, x, splat(0)) + vlog1p(vexp(-magnitude(x))); }

/// x / (1 + exp(-x))
INLINE vec vsilu(vec x) {
  vec c = clampedBelow(x, 800);
  return c * vsigmoid(c);
}

/// s + x s (1 - s)
INLINE vec siluSlope(vec x) {
  vec c = clamped(x, 800), e = vexp(-magnitude(c));
  return logistic(c, e) * fmadd(c, logistic(-c, e), splat(1));
}

#if REPRO_SCALAR == 32
#define GAUSS_LIMIT 15
#define GELU_TANH_LIMIT 11
#else
#define GAUSS_LIMIT 40
#define GELU_TANH_LIMIT 30
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

/// Both, with one distribution function.
INLINE void geluAndSlope(vec x, vec *value, vec *slope) {
  vec bell, below = clampedBelow(x, GAUSS_LIMIT), c = clamped(below, GAUSS_LIMIT), cdf = normalTail(c, &bell);
  *value = below * cdf;
  *slope = fmadd(c * (real)0.39894228040143267794, bell, cdf);
}

/// x (1 + tanh(u)) / 2 = x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3)
/// (Hendrycks and Gimpel 2016, arXiv 1606.08415)
INLINE vec vgeluTanh(vec x) {
  vec c = clampedBelow(x, GELU_TANH_LIMIT);
  return c * logistic(c, expOfGeluTanh(clamped(c, GELU_TANH_LIMIT)));
}

/// s + x s (1 - s) 2 u', s = sigmoid(2 u)
INLINE vec geluTanhSlope(vec x) {
  vec c = clamped(x, GELU_TANH_LIMIT), e = expOfGeluTanh(c);
  vec inner = (real)1.59576912160573071176 * fmadd(splat((real)(3 * 0.044715)), c * c, splat(1));
  return logistic(c, e) * fmadd(c * inner, logistic(-c, e), splat(1));
}

INLINE vec vrelu(vec x) { return choose(x <= 0, splat(0), x); }
