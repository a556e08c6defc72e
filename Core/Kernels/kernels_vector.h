// Sixteen lanes: types, loads and stores of whole and partial vectors, fused multiply-add, reductions over lanes.

#define INLINE static inline __attribute__((always_inline))
#define LANES 16

typedef int32_t int32x16 __attribute__((ext_vector_type(16)));
typedef uint32_t uint32x16 __attribute__((ext_vector_type(16)));
typedef int64_t int64x16 __attribute__((ext_vector_type(16)));
typedef uint64_t uint64x16 __attribute__((ext_vector_type(16)));
typedef float float32x16 __attribute__((ext_vector_type(16)));
typedef double float64x16 __attribute__((ext_vector_type(16)));

#if REPRO_SCALAR == 32
typedef float real;
typedef float32x16 vec;
typedef int32x16 ivec;  // comparisons give these: -1 where true
#else
typedef double real;
typedef float64x16 vec;
typedef int64x16 ivec;
#endif

#define IOTA 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
#define INF ((real)INFINITY)

INLINE vec splat(real x) { return (vec)x; }
INLINE vec choose(ivec mask, vec a, vec b) { return mask ? a : b; }

INLINE vec load(const real *p) {
  vec v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

INLINE void store(real *p, vec v) { __builtin_memcpy(p, &v, sizeof v); }

/// True in the first n lanes.
INLINE ivec tailMask(ptrdiff_t n) { return (ivec){IOTA} < (ivec)(int)n; }

/// The first n (1 to 15) elements at p, `pad` in the other lanes; reads nothing beyond them.
INLINE vec loadTail(const real *p, ptrdiff_t n, real pad) {
#if REPRO_TARGET == 2 && REPRO_SCALAR == 32
  return (vec)_mm512_mask_loadu_ps(_mm512_set1_ps(pad), (__mmask16)((1u << n) - 1), p);
#elif REPRO_TARGET == 2
  unsigned mask = (1u << n) - 1;
  struct { __m512d low, high; } halves = {
    _mm512_mask_loadu_pd(_mm512_set1_pd(pad), (__mmask8)mask, p),
    _mm512_mask_loadu_pd(_mm512_set1_pd(pad), (__mmask8)(mask >> 8), p + 8)};
  vec v;
  __builtin_memcpy(&v, &halves, sizeof v);
  return v;
#elif REPRO_TARGET == 1
  ivec mask = tailMask(n);
  vec v;
#if REPRO_SCALAR == 32
  __m256i m[2];
  __builtin_memcpy(m, &mask, sizeof m);
  __m256 parts[2] = {_mm256_maskload_ps(p, m[0]), _mm256_maskload_ps(p + 8, m[1])};
#else
  __m256i m[4];
  __builtin_memcpy(m, &mask, sizeof m);
  __m256d parts[4] = {_mm256_maskload_pd(p, m[0]), _mm256_maskload_pd(p + 4, m[1]), _mm256_maskload_pd(p + 8, m[2]),
                      _mm256_maskload_pd(p + 12, m[3])};
#endif
  __builtin_memcpy(&v, parts, sizeof v);
  return choose(mask, v, splat(pad));
#else
  real lanes[LANES];
  for (int l = 0; l < LANES; l++) lanes[l] = pad;
  for (ptrdiff_t l = 0; l < n; l++) lanes[l] = p[l];
  return load(lanes);
#endif
}

/// Stores the first n (1 to 15) lanes.
INLINE void storeTail(real *p, vec v, ptrdiff_t n) {
#if REPRO_TARGET == 2 && REPRO_SCALAR == 32
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#elif REPRO_TARGET == 2
  unsigned mask = (1u << n) - 1;
  struct { __m512d low, high; } halves;
  __builtin_memcpy(&halves, &v, sizeof v);
  _mm512_mask_storeu_pd(p, (__mmask8)mask, halves.low);
  _mm512_mask_storeu_pd(p + 8, (__mmask8)(mask >> 8), halves.high);
#elif REPRO_TARGET == 1 && REPRO_SCALAR == 32
  ivec mask = tailMask(n);
  __m256i m[2];
  __m256 parts[2];
  __builtin_memcpy(m, &mask, sizeof m);
  __builtin_memcpy(parts, &v, sizeof v);
  for (int k = 0; k < 2; k++) _mm256_maskstore_ps(p + 8 * k, m[k], parts[k]);
#elif REPRO_TARGET == 1
  ivec mask = tailMask(n);
  __m256i m[4];
  __m256d parts[4];
  __builtin_memcpy(m, &mask, sizeof m);
  __builtin_memcpy(parts, &v, sizeof v);
  for (int k = 0; k < 4; k++) _mm256_maskstore_pd(p + 4 * k, m[k], parts[k]);
#else
  real lanes[LANES];
  store(lanes, v);
  for (ptrdiff_t l = 0; l < n; l++) p[l] = lanes[l];
#endif
}

/// Whole vectors (m == LANES, known when compiling) and tails by one name.
INLINE vec loadPart(const real *p, ptrdiff_t m, real pad) { return m == LANES ? load(p) : loadTail(p, m, pad); }

INLINE void storePart(real *p, vec v, ptrdiff_t m) {
  if (m == LANES) store(p, v);
  else storeTail(p, v, m);
}

/// The lanes that exist, zero in the padding.
INLINE vec clipPart(vec v, ptrdiff_t m) { return m == LANES ? v : choose(tailMask(m), v, splat(0)); }

#if REPRO_TARGET == 0 && REPRO_SCALAR == 32 && defined(__x86_64__)
/// p + d, where p is an exact product, rounded once to single: the sum is rounded to odd in double (its last bit
/// remembers that something was lost), so that rounding it again gives what one rounding would have given
/// (Boldo and Melquiond 2008, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd").
static __attribute__((noinline, cold)) void roundedToOdd(const float64x16 *p, const float64x16 *d, vec *y) {
  float64x16 s = *p + *d, q = s - *p;
  float64x16 lost = (*p - (s - q)) + (*d - q);  // p + d = s + lost exactly
  int64x16 bits = (int64x16)s;
  int64x16 outward = ((lost > 0) & (s > 0)) | ((lost < 0) & (s < 0));
  int64x16 move = ((bits & 1) - 1) & ((lost > 0) | (lost < 0));  // inexact and the last bit even
  bits += move & ((outward & 2) - 1);
  *y = __builtin_convertvector((float64x16)bits, vec);
}

/// a * b + c without the instruction. Rounding twice (to double, to single) is harmless but where the double lies
/// halfway between two singles, or where singles are denormal.
static __attribute__((noinline)) void fusedByDouble(const vec *a, const vec *b, const vec *c, vec *y) {
  float64x16 p = __builtin_convertvector(*a, float64x16) * __builtin_convertvector(*b, float64x16);
  float64x16 d = __builtin_convertvector(*c, float64x16), s = p + d;
  vec once = __builtin_convertvector(s, vec), size = __builtin_elementwise_abs(once);
  int32x16 halfway = (__builtin_convertvector((int64x16)s, int32x16) & 0x1FFFFFFF) == 0x10000000;
  int32x16 tiny = (size > 0) & (size <= 0x1p-126f);
  *y = once;
  if (__builtin_expect(__builtin_reduce_or(halfway | tiny) != 0, 0)) roundedToOdd(&p, &d, y);
}
#endif

/// a * b + c, rounded once.
INLINE vec fmadd(vec a, vec b, vec c) {
#if REPRO_TARGET == 0 && REPRO_SCALAR == 32 && defined(__x86_64__)
  vec y;
  fusedByDouble(&a, &b, &c, &y);
  return y;
#else
  return __builtin_elementwise_fma(a, b, c);
#endif
}

/// Larger and smaller of two; a NaN in either gives NaN.
INLINE vec larger(vec a, vec b) { return choose(a != a, a, choose(a > b, a, b)); }
INLINE vec smaller(vec a, vec b) { return choose(a != a, a, choose(a < b, a, b)); }

INLINE vec magnitude(vec a) { return __builtin_elementwise_abs(a); }
INLINE vec squareRootOf(vec a) { return __builtin_elementwise_sqrt(a); }
INLINE vec withSign(vec a, vec sign) { return __builtin_elementwise_copysign(a, sign); }

/// One fixed tree over the lanes: 8 apart, 4, 2, 1.
#define LANE_TREE(v, combine)                                                                        \
  v = combine(v, __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)); \
  v = combine(v, __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11)); \
  v = combine(v, __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)); \
  v = combine(v, __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14));

INLINE vec plus(vec a, vec b) { return a + b; }

INLINE real addLanes(vec v) {
  LANE_TREE(v, plus)
  return v[0];
}

INLINE real maxLanes(vec v) {
  LANE_TREE(v, larger)
  return v[0];
}

INLINE real minLanes(vec v) {
  LANE_TREE(v, smaller)
  return v[0];
}

/// Runs STEP(acc, i, m) over 0..<n: sixty-four elements a turn in four accumulators, what is left in the first, a tail
/// (m < LANES elements) in the second; `acc0` holds the combined accumulators afterwards.
#define REDUCE(n, start, STEP, combine)                          \
  vec acc0 = splat(start), acc1 = acc0, acc2 = acc0, acc3 = acc0; \
  {                                                              \
    ptrdiff_t i = 0;                                             \
    for (; i + 4 * LANES <= (n); i += 4 * LANES) {               \
      STEP(acc0, i, LANES)                                       \
      STEP(acc1, i + LANES, LANES)                               \
      STEP(acc2, i + 2 * LANES, LANES)                           \
      STEP(acc3, i + 3 * LANES, LANES)                           \
    }                                                            \
    for (; i + LANES <= (n); i += LANES) { STEP(acc0, i, LANES) } \
    if (i < (n)) { STEP(acc1, i, ((n) - i)) }                    \
    acc0 = combine(combine(acc0, acc1), combine(acc2, acc3));    \
  }

/// Runs STEP(i, m) over 0..<n without accumulators.
#define SWEEP(n, STEP)                                       \
  {                                                          \
    ptrdiff_t i = 0;                                         \
    for (; i + LANES <= (n); i += LANES) { STEP(i, LANES) }  \
    if (i < (n)) { STEP(i, ((n) - i)) }                      \
  }

/// A function of the C library, lane by lane.
#define LANEWISE(name, function)                                 \
  INLINE vec name(vec x) {                                       \
    real lanes[LANES];                                           \
    store(lanes, x);                                             \
    _Pragma("clang loop unroll(disable)") for (int l = 0; l < LANES; l++) lanes[l] = function(lanes[l]); \
    return load(lanes);                                          \
  }

#define LANEWISE2(name, function)                                \
  INLINE vec name(vec x, vec z) {                                \
    real first[LANES], second[LANES];                            \
    store(first, x);                                             \
    store(second, z);                                            \
    _Pragma("clang loop unroll(disable)") for (int l = 0; l < LANES; l++) first[l] = function(first[l], second[l]); \
    return load(first);                                          \
  }
