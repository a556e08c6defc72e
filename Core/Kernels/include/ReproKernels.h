// The vector kernels of the project: one table of functions per instruction set and scalar type.
//
// Pure loops over memory: no allocation, no threads, no state. Every kernel is compiled three times from one source
// (portable, AVX2, AVX-512); all three give the same bits: 16 explicit lanes, contraction off, FMA explicit.
// Longer arrays are cut into tiles by Swift, at places that depend on shapes only.
#ifndef REPRO_KERNELS_H
#define REPRO_KERNELS_H

#include <stddef.h>
#include <stdint.h>

typedef enum { REPRO_ISA_PORTABLE = 0, REPRO_ISA_AVX2 = 1, REPRO_ISA_AVX512 = 2 } repro_isa;

/// The best instruction set that this processor and this build have.
repro_isa repro_best_isa(void);

/// y[i] = f(x[i])
#define REPRO_UNARY(T) typedef void (*repro_unary_##T)(ptrdiff_t n, const T *_Nonnull x, T *_Nonnull y)
/// y[i] = f(a[i * sa], b[i * sb]); sa and sb are 0 or 1
#define REPRO_BINARY(T)                                                                                        \
  typedef void (*repro_binary_##T)(ptrdiff_t n, const T *_Nonnull a, ptrdiff_t sa, const T *_Nonnull b,        \
                                   ptrdiff_t sb, T *_Nonnull y)

REPRO_UNARY(float);
REPRO_UNARY(double);
REPRO_BINARY(float);
REPRO_BINARY(double);

#define REPRO_KERNEL_TABLE(NAME, T)                                                                            \
  /* y[i] = f(x[i]) */                                                                                         \
  typedef void (*NAME##_unary)(ptrdiff_t n, const T *_Nonnull x, T *_Nonnull y);                               \
  /* y[i] = f(a[i * sa], b[i * sb]); sa and sb are 0 or 1 */                                                   \
  typedef void (*NAME##_binary)(ptrdiff_t n, const T *_Nonnull a, ptrdiff_t sa, const T *_Nonnull b, ptrdiff_t sb,\
                                T *_Nonnull y);                                                                \
  typedef struct NAME {                                                                                        \
    /* elementwise, one argument */                                                                            \
    repro_unary_##T _Nonnull negate, absolute, reciprocal, square, squareRoot, rsqrt, exp, log, log1p, expm1;  \
    repro_unary_##T _Nonnull sin, cos, tanh, sigmoid, softplus, silu, relu, gelu, geluTanh, erf;               \
    /* sign of 0 is 0; round goes to even on a tie; a NaN stays a NaN in all of them */                        \
    repro_unary_##T _Nonnull sign, floor, round;                                                               \
    /* elementwise, two arguments; the comparisons give 0 or 1 */                                              \
    repro_binary_##T _Nonnull add, subtract, multiply, divide, maximum, minimum, power, atan2;                 \
    repro_binary_##T _Nonnull less, lessEqual, equal;                                                          \
    /* backward of activations, a = g and b = x: y[i] = g[i] * f'(x[i]) */                                     \
    repro_binary_##T _Nonnull geluBackward, geluTanhBackward, reluBackward, siluBackward;                      \
    /* a = g and b = the forward's output t: tanh' = 1 - t^2, sigmoid' = t (1 - t) */                          \
    repro_binary_##T _Nonnull tanhBackward, sigmoidBackward;                                                   \
    /* y[i] = c[i*sc] != 0 ? a[i*sa] : b[i*sb] */                                                              \
    void (*_Nonnull select)(ptrdiff_t n, const T *_Nonnull c, ptrdiff_t sc, const T *_Nonnull a, ptrdiff_t sa, \
                            const T *_Nonnull b, ptrdiff_t sb, T *_Nonnull y);                                 \
    /* y[i] = alpha * x[i] + beta */                                                                           \
    void (*_Nonnull affine)(ptrdiff_t n, T alpha, const T *_Nonnull x, T beta, T *_Nonnull y);                 \
    /* y[i] = alpha * x[i] + y[i] */                                                                           \
    void (*_Nonnull axpy)(ptrdiff_t n, T alpha, const T *_Nonnull x, T *_Nonnull y);                           \
    /* y[i] = alpha * a[i] + beta * b[i]  (moving averages) */                                                 \
    void (*_Nonnull blend)(ptrdiff_t n, T alpha, const T *_Nonnull a, T beta, const T *_Nonnull b,             \
                           T *_Nonnull y);                                                                     \
    void (*_Nonnull fill)(ptrdiff_t n, T value, T *_Nonnull y);                                                \
    /* reductions of contiguous memory */                                                                      \
    T (*_Nonnull sum)(ptrdiff_t n, const T *_Nonnull x);                                                       \
    T (*_Nonnull sumSquares)(ptrdiff_t n, const T *_Nonnull x);                                                \
    T (*_Nonnull dot)(ptrdiff_t n, const T *_Nonnull a, const T *_Nonnull b);                                  \
    T (*_Nonnull max)(ptrdiff_t n, const T *_Nonnull x);                                                       \
    T (*_Nonnull min)(ptrdiff_t n, const T *_Nonnull x);                                                       \
    /* x is [rows, cols]: y[c] (+)= sum over rows of x[r, c], rows in ascending order */                       \
    void (*_Nonnull sumRows)(ptrdiff_t rows, ptrdiff_t cols, const T *_Nonnull x, T *_Nonnull y,               \
                             int accumulate);                                                                  \
    /* x is [rows, cols], y is [rows, cols]; softmax of scale * x along cols, minus the row's maximum */       \
    void (*_Nonnull softmax)(ptrdiff_t rows, ptrdiff_t cols, T scale, const T *_Nonnull x, T *_Nonnull y);     \
    /* gx = scale * y * (g - sum_c(g * y)) */                                                                  \
    void (*_Nonnull softmaxBackward)(ptrdiff_t rows, ptrdiff_t cols, T scale, const T *_Nonnull y,             \
                                     const T *_Nonnull g, T *_Nonnull gx);                                     \
    void (*_Nonnull logSoftmax)(ptrdiff_t rows, ptrdiff_t cols, const T *_Nonnull x, T *_Nonnull y);           \
    /* gx = g - exp(y) * sum_c(g) */                                                                           \
    void (*_Nonnull logSoftmaxBackward)(ptrdiff_t rows, ptrdiff_t cols, const T *_Nonnull y,                   \
                                        const T *_Nonnull g, T *_Nonnull gx);                                  \
    /* y = (x - mean) * rstd * gain + bias, statistics of each row (biased variance, two passes) kept in       \
       mean[rows] and rstd[rows]; gain and bias may be NULL */                                                 \
    void (*_Nonnull layerNorm)(ptrdiff_t rows, ptrdiff_t cols, T epsilon, const T *_Nonnull x,                 \
                               const T *_Nullable gain, const T *_Nullable bias, T *_Nonnull y,                \
                               T *_Nonnull mean, T *_Nonnull rstd);                                            \
    /* gx for these rows; ggain[cols] and gbias[cols] are ADDED to, rows in ascending order */                 \
    void (*_Nonnull layerNormBackward)(ptrdiff_t rows, ptrdiff_t cols, const T *_Nonnull x,                    \
                                       const T *_Nullable gain, const T *_Nonnull mean,                        \
                                       const T *_Nonnull rstd, const T *_Nonnull g, T *_Nonnull gx,            \
                                       T *_Nullable ggain, T *_Nullable gbias);                                \
    /* y[r, c] = x[r, c] + bias[c]; biasGelu: h = gelu(y) as well */                                           \
    void (*_Nonnull biasAdd)(ptrdiff_t rows, ptrdiff_t cols, const T *_Nonnull x, const T *_Nonnull bias,      \
                             T *_Nonnull y);                                                                   \
    void (*_Nonnull biasGelu)(ptrdiff_t rows, ptrdiff_t cols, const T *_Nonnull x, const T *_Nonnull bias,     \
                              T *_Nonnull y, T *_Nonnull h);                                                   \
    /* the derivative of GELU and GELU itself: gx[i] = g[i] * gelu'(x[i]), h[i] = gelu(x[i]) */                \
    void (*_Nonnull geluBoth)(ptrdiff_t n, const T *_Nonnull g, const T *_Nonnull x, T *_Nonnull gx,           \
                              T *_Nonnull h);                                                                  \
    /* AdamW on n parameters in place; step = lr / (1 - beta1^t), correction = 1 / (1 - beta2^t):              \
       m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2;                                                            \
       p = p - lr * decay * p - step * m / (sqrt(v * correction) + epsilon) */                                 \
    void (*_Nonnull adamw)(ptrdiff_t n, T *_Nonnull p, const T *_Nonnull g, T *_Nonnull m, T *_Nonnull v,      \
                           T lr, T beta1, T beta2, T epsilon, T decay, T step, T correction);                  \
    /* number of elements that are not finite */                                                               \
    ptrdiff_t (*_Nonnull nonFinite)(ptrdiff_t n, const T *_Nonnull x);                                         \
    /* [rows, cols] -> [cols, rows], blocked; lx and ly are the row strides of source and target */            \
    void (*_Nonnull transpose)(ptrdiff_t rows, ptrdiff_t cols, const T *_Nonnull x, ptrdiff_t lx,              \
                               T *_Nonnull y, ptrdiff_t ly);                                                   \
    /* y[i] = x[i * sx], for strided copies */                                                                 \
    void (*_Nonnull gatherStrided)(ptrdiff_t n, const T *_Nonnull x, ptrdiff_t sx, T *_Nonnull y);             \
    /* numbers `first ..< first + n` of a Philox stream: uniform in [0, 1), multiples of 2^-24 (2^-53) */      \
    void (*_Nonnull uniform)(uint64_t key, uint64_t lane, uint64_t first, ptrdiff_t n, T *_Nonnull y);         \
    /* the same for standard normals, by Box and Muller on pairs of uniforms */                                \
    void (*_Nonnull normal)(uint64_t key, uint64_t lane, uint64_t first, ptrdiff_t n, T *_Nonnull y);          \
    /* bytes to reals: y[i] = alpha * x[i] + beta */                                                           \
    void (*_Nonnull fromBytes)(ptrdiff_t n, T alpha, const uint8_t *_Nonnull x, T beta, T *_Nonnull y);        \
    /* c[rows, width] (+)= a[rows, depth] b[depth, width] on a panel of 16 or 32 columns; a[r, d] is at       \
       a[r * row + d * step], b is packed; every element is summed along depth in order */                    \
    void (*_Nonnull multiplyPanel)(ptrdiff_t rows, ptrdiff_t depth, const T *_Nonnull a, ptrdiff_t row,       \
                                   ptrdiff_t step, const T *_Nonnull b, ptrdiff_t width, T *_Nonnull c,       \
                                   ptrdiff_t leading, int accumulate);                                        \
    /* the transforms of 3 x 3 convolutions, on 16 channels at once (see kernels_winograd.h) */               \
    void (*_Nonnull winogradInput)(ptrdiff_t n, const T *_Nonnull const *_Nonnull d, T *_Nonnull v,           \
                                   ptrdiff_t step);                                                           \
    void (*_Nonnull winogradOutput)(ptrdiff_t n, const T *_Nonnull m, ptrdiff_t step,                         \
                                    T *_Nonnull const *_Nonnull y);                                           \
    void (*_Nonnull winogradGradient)(ptrdiff_t n, const T *_Nonnull const *_Nonnull g, T *_Nonnull m,        \
                                      ptrdiff_t step, ptrdiff_t width, ptrdiff_t panel);                      \
    void (*_Nonnull winogradWeight)(const T *_Nonnull g, ptrdiff_t window, T *_Nonnull u, ptrdiff_t step);    \
    void (*_Nonnull winogradWeightGradient)(const T *_Nonnull u, ptrdiff_t step, T *_Nonnull g,               \
                                            ptrdiff_t window);                                                \
  } NAME

REPRO_KERNEL_TABLE(repro_kernels_f32, float);
REPRO_KERNEL_TABLE(repro_kernels_f64, double);

/// The kernels of an instruction set; the caller has made sure that the processor has it.
const repro_kernels_f32 *_Nonnull repro_kernels_for_f32(repro_isa isa);
const repro_kernels_f64 *_Nonnull repro_kernels_for_f64(repro_isa isa);

#endif
