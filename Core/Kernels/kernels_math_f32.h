// Elementary functions in single precision, sixteen lanes at a time.
//
// Largest errors over 226 million singles (every 19th bit pattern) against the C library in double, in units in the
// last place, for results of the normal range:
//   exp 1.00   log 0.83   log1p 0.84   expm1 1.41   sin 1.55   cos 1.56   tanh 2.56   erf 2.48   sigmoid 2.35
//   softplus 1.59   silu 3.15   gelu 6.22 (at x = -1.3; 10.1 below 1e-30)   geluTanh 3.35 (6.4 below 1e-30)
// Zeros keep their signs, infinities give limits, a NaN gives NaN, denormal arguments and results are kept
// (silu, x times a denormal there, is off by up to 52 of the smallest denormals).
// "Minimax fit" names a polynomial that Remez's algorithm gave in 40 digits for the function and interval beside it.

/// Horner's rule, lowest coefficient first.
#define POLY4(x, a, b, c, d) fmadd(fmadd(fmadd(splat(d), x, splat(c)), x, splat(b)), x, splat(a))
#define POLY5(x, a, b, c, d, e) fmadd(POLY4(x, b, c, d, e), x, splat(a))
#define POLY7(x, a, b, c, d, e, f, g) fmadd(fmadd(POLY5(x, c, d, e, f, g), x, splat(b)), x, splat(a))
#define POLY8(x, a, b, c, d, e, f, g, h) fmadd(POLY7(x, b, c, d, e, f, g, h), x, splat(a))
#define POLY9(x, a, b, c, d, e, f, g, h, i) fmadd(POLY8(x, b, c, d, e, f, g, h, i), x, splat(a))

/// Adding and subtracting 1.5 * 2^23 rounds to the nearest integer, which then stands in the low bits.
#define ROUNDER 0x1.8p23f

INLINE ivec bitsOf(vec x) { return (ivec)x; }
INLINE vec fromBits(ivec x) { return (vec)x; }

/// e^r - 1 where |r| <= ln(2) / 2; minimax fit of (e^r - 1 - r) / r^2, relative error of e^r 3.1e-9.
INLINE vec expm1Reduced(vec r) {
  vec p = POLY5(r, 0.4999999341f, 0.1666652011f, 0.04166839416f, 0.00836878033f, 0.001381446967f);
  return fmadd(r * r, p, r);
}

/// n and r of x = n ln(2) + r; `t` carries n in its low bits. The first step is exact.
#define SPLIT_BY_LN2(x, t, n, r)                              \
  vec t = fmadd(x, splat(0x1.715476p+0f), splat(ROUNDER));    \
  vec n = t - ROUNDER;                                        \
  vec r = fmadd(n, splat(-0x1.62e430p-1f), x);                \
  r = fmadd(n, splat(0x1.05c610p-29f), r);

/// e^(x + low) for -175 < x < 89.5 and a tiny `low`; results below the normal range are rounded once.
INLINE vec expOfSum(vec x, vec low) {
  SPLIT_BY_LN2(x, t, n, r)
  vec y = 1 + expm1Reduced(r + low);
#if REPRO_TARGET == 2
  return (vec)_mm512_scalef_ps((__m512)y, (__m512)n);
#else
  ivec e = bitsOf(t) - 0x4B400000, half = e >> 1;
  return y * fromBits((half + 127) << 23) * fromBits((e - half + 127) << 23);
#endif
}

INLINE vec vexp(vec x) {
  x = choose(x > 89.0f, splat(89.0f), x);      // e^89 is beyond the range
  x = choose(x < -104.0f, splat(-104.0f), x);  // e^-104 rounds to zero
  return expOfSum(x, splat(0));
}

INLINE vec vexpm1(vec x) {
  vec c = choose(x > 89.0f, splat(89.0f), x);
  c = choose(c < -30.0f, splat(-30.0f), c);
  SPLIT_BY_LN2(c, t, n, r)
  (void)n;
  vec s = fromBits((bitsOf(t) - 0x4B400000 + 126) << 23);  // 2^(n-1): 2^n itself may be out of range
  vec y = fmadd(s, expm1Reduced(r), s - 0.5f) * 2;
  return choose(magnitude(x) < 0x1p-24f, x, y);
}

/// ln(x) + low for normal positive x. Minimax fit of (ln(1+f) - f + f^2/2) / f^3 on [sqrt(1/2) - 1, sqrt(2) - 1],
/// relative error of the logarithm 5.8e-9; ln(2) in two parts as in Cephes.
INLINE vec logOfNormal(vec x, vec low) {
  ivec i = bitsOf(x) - 0x3F3504F3, e = i >> 23;  // sqrt(1/2) <= m < sqrt(2)
  vec f = fromBits(bitsOf(x) - (e << 23)) - 1;
  vec n = __builtin_convertvector(e, vec), z = f * f;
  vec p = POLY8(f, 0.333333317f, -0.2500082158f, 0.2000122783f, -0.1662333687f, 0.1420171872f, -0.131603575f,
                0.1276196117f, -0.07634500858f);
  vec y = fmadd(z * f, p, low);
  y = fmadd(n, splat(-2.12194440e-4f), y);
  y = fmadd(splat(-0.5f), z, y);
  return fmadd(n, splat(0.693359375f), f + y);
}

/// The values of the logarithm where its argument is not positive and finite.
INLINE vec logLimits(vec x, vec y) {
  y = choose(x < INF, y, x);
  y = choose(x == 0, splat(-INF), y);
  return choose(x < 0, splat((real)NAN), y);
}

INLINE vec vlog(vec x) {
  ivec tiny = x < 0x1p-126f;
  vec y = logOfNormal(choose(tiny, x * 0x1p23f, x), splat(0));
  return logLimits(x, choose(tiny, y - 15.942385152878742f, y));
}

INLINE vec vlog1p(vec x) {
  vec u = 1 + x;
  vec lost = choose(magnitude(x) < 1, x - (u - 1), 1 - (u - x));  // u + lost = 1 + x exactly
  vec y = logLimits(u, logOfNormal(u, lost / u));
  return choose(x == 0, x, y);
}

INLINE vec vtanh(vec x) {
  vec a = 2 * magnitude(x);
  vec e = vexpm1(choose(a > 20.0f, splat(20.0f), a));
  return withSign(e / (e + 2), x);
}

/// e^(z^2) erfc(z) for 0.49 <= z <= 10.7: u P(u) with u = 1 / (1 + 0.4 z), where `slope` times `a` is 0.4 z.
/// Minimax fit, relative error 4.4e-9.
INLINE vec scaledErfc(vec a, real slope) {
  vec u = 1 / fmadd(a, splat(slope), splat(1));
  return u * POLY9(u, 0.2256792846f, 0.2255664684f, 0.2090519605f, 0.1612574405f, 0.1664008655f, -0.05610440099f,
                   0.2285924539f, -0.2206264443f, 0.06019413833f);
}

/// Phi(x) and exp(-x^2 / 2) for |x| <= 15. Near 0 an odd minimax polynomial (relative error 5.7e-10); farther out the
/// tail, for which the lost part of x^2 is carried along: it keeps its relative precision down to the smallest numbers.
INLINE vec normalTail(vec x, vec *bell) {
  vec a = magnitude(x), square = a * a;
  *bell = expOfSum(-0.5f * square, -0.5f * fmadd(a, a, -square));
  vec tail = *bell * (0.5f * scaledErfc(a, 0.28284271247461901f));
  vec centre = POLY5(square, 0.3989422766f, -0.06649024301f, 0.009972113396f, -0.001180968618f, 0.0001028965478f);
  return choose(a < 0.7f, fmadd(x, centre, splat(0.5f)), choose(x > 0, 1 - tail, tail));
}

/// Below 1 an odd minimax polynomial (relative error 1.3e-9), above it 1 - erfc.
INLINE vec verf(vec x) {
  vec a = magnitude(x), b = choose(a > 10.0f, splat(10.0f), a), s = b * b;
  vec low = b * POLY7(s, 1.128379166f, -0.3761262582f, 0.1128358515f, -0.02685381199f, 0.005188327784f,
                      -0.0008010194475f, 7.8538641e-5f);
  vec high = 1 - expOfSum(-s, splat(0)) * scaledErfc(b, 0.4f);
  return withSign(choose(b < 1, low, high), x);
}

/// exp(-2|u|) for 2 u = 2 sqrt(2 / pi) (x + 0.044715 x^3), |x| <= 11, with the parts that rounding loses carried along.
INLINE vec expOfGeluTanh(vec x) {
  const float scale = 1.59576912160573071f, scaleLost = (float)(1.59576912160573071176 - (double)scale);
  const float cubic = 0.044715f, cubicLost = (float)(0.044715 - (double)cubic);
  vec a = magnitude(x), square = a * a, squareLost = fmadd(a, a, -square);
  vec factor = fmadd(square, splat(cubic), splat(1));
  vec factorLost = fmadd(square, splat(cubic), 1 - factor) + fmadd(squareLost, splat(cubic), square * cubicLost);
  vec line = scale * a, lineLost = fmadd(a, splat(scale), -line) + scaleLost * a;
  vec product = line * factor;
  vec productLost = fmadd(line, factor, -product) + fmadd(line, factorLost, lineLost * factor);
  return expOfSum(-product, -productLost);
}

/// sin and cos of r in [-pi/4, pi/4], turned by `quarter` right angles. Polynomials: Cephes, sinf.c.
INLINE vec sineOfQuarter(vec r, ivec quarter) {
  vec z = r * r;
  vec p = fmadd(fmadd(splat(-1.9515295891e-4f), z, splat(8.3321608736e-3f)), z, splat(-1.6666654611e-1f));
  vec q = fmadd(fmadd(splat(2.443315711809948e-5f), z, splat(-1.388731625493765e-3f)), z,
                splat(4.166664568298827e-2f));
  vec sine = fmadd(r * z, p, r);
  vec cosine = fmadd(z * z, q, fmadd(splat(-0.5f), z, splat(1)));
  vec y = choose((quarter & 1) != 0, cosine, sine);
  return fromBits(bitsOf(y) ^ ((quarter & 2) << 30));
}

/// Reduction by multiples of pi/2 in three parts (Cody and Waite); good to the last bits below 1e5.
INLINE vec reducedAngle(vec x, ivec *quarter) {
  vec t = fmadd(x, splat(0.636619772367581343f), splat(ROUNDER));
  vec n = t - ROUNDER;
  *quarter = bitsOf(t);
  vec r = fmadd(n, splat(-0x1.921fb6p+0f), x);
  r = fmadd(n, splat(0x1.777a5cp-25f), r);
  return fmadd(n, splat(0x1.ee59dap-50f), r);
}

LANEWISE(sinByLibrary, sinf)
LANEWISE(cosByLibrary, cosf)
LANEWISE2(vpow, powf)
LANEWISE2(vatan2, atan2f)

INLINE int anyBeyond(vec x, real limit) { return __builtin_reduce_or(magnitude(x) >= limit) != 0; }

INLINE vec vsin(vec x) {
  if (anyBeyond(x, 1e5f)) return sinByLibrary(x);
  ivec quarter;
  vec r = reducedAngle(x, &quarter);
  return choose(x == 0, x, sineOfQuarter(r, quarter));
}

INLINE vec vcos(vec x) {
  if (anyBeyond(x, 1e5f)) return cosByLibrary(x);
  ivec quarter;
  vec r = reducedAngle(x, &quarter);
  return sineOfQuarter(r, quarter + 1);
}

/// cos(2 pi u) and sin(2 pi u) for u in [0, 1), a multiple of 2^-24: the reduction is exact.
INLINE void sineAndCosineOfTurn(vec u, vec *sine, vec *cosine) {
  vec t = fmadd(u, splat(4), splat(ROUNDER));
  vec r = fmadd(u, splat(4), ROUNDER - t) * 1.57079632679489662f;
  *sine = sineOfQuarter(r, bitsOf(t));
  *cosine = sineOfQuarter(r, bitsOf(t) + 1);
}
