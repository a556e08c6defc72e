// Elementary functions in double precision: the C library, lane by lane. This type serves gradient checks, not speed.

LANEWISE(vexp, exp)
LANEWISE(vexpm1, expm1)
LANEWISE(vlog, log)
LANEWISE(vlog1p, log1p)
LANEWISE(vtanh, tanh)
LANEWISE(verf, erf)
LANEWISE(verfc, erfc)
LANEWISE(vsin, sin)
LANEWISE(vcos, cos)
LANEWISE2(vpow, pow)
LANEWISE2(vatan2, atan2)

/// Phi(x) and exp(-x^2 / 2).
INLINE vec normalTail(vec x, vec *bell) {
  *bell = vexp(-0.5 * x * x);
  return 0.5 * verfc(x * -0.70710678118654752440);
}

/// exp(-2|u|) for 2 u = 2 sqrt(2 / pi) (x + 0.044715 x^3).
INLINE vec expOfGeluTanh(vec x) {
  vec a = magnitude(x);
  return vexp(-1.59576912160573071176 * fmadd(0.044715 * a * a, a, a));
}

/// cos(2 pi u) and sin(2 pi u) for u in [0, 1).
INLINE void sineAndCosineOfTurn(vec u, vec *sine, vec *cosine) {
  *sine = vsin(u * 6.28318530717958647693);
  *cosine = vcos(u * 6.28318530717958647693);
}
