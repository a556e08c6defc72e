#pragma once
#include <cblas.h>
#include <stddef.h>

// LAPACK as OpenBLAS exports it: Fortran symbols, column-major, everything by address. Debian's OpenBLAS comes without
// LAPACKE, so the prototypes are written here; the length of each character argument follows as a hidden size_t (gfortran).
// The wrappers below take values, and are named by the width of the scalar.

#define REPRO_LAPACK(P, T, S)                                                                                          \
  void P##gesdd_(const char *, const int *, const int *, T *, const int *, T *, T *, const int *, T *, const int *,    \
                 T *, const int *, int *, int *, size_t);                                                              \
  void P##syevd_(const char *, const char *, const int *, T *, const int *, T *, T *, const int *, int *, const int *, \
                 int *, size_t, size_t);                                                                               \
  void P##geqrf_(const int *, const int *, T *, const int *, T *, T *, const int *, int *);                            \
  void P##orgqr_(const int *, const int *, const int *, T *, const int *, const T *, T *, const int *, int *);         \
  void P##potrf_(const char *, const int *, T *, const int *, int *, size_t);                                          \
  void P##getrf_(const int *, const int *, T *, const int *, int *, int *);                                            \
  void P##getrs_(const char *, const int *, const int *, const T *, const int *, const int *, T *, const int *, int *, \
                 size_t);                                                                                              \
  void P##getri_(const int *, T *, const int *, const int *, T *, const int *, int *);                                 \
                                                                                                                       \
  /* a [m, n] = u [m, k] diag(s) vt [k, n], k = min(m, n); a is destroyed; iwork has 8 k elements. */                   \
  static inline int repro_gesdd_##S(int m, int n, T *a, T *s, T *u, T *vt, T *work, int lwork, int *iwork) {           \
    int info = 0, k = m < n ? m : n;                                                                                   \
    P##gesdd_("S", &m, &n, a, &m, s, u, &m, vt, &k, work, &lwork, iwork, &info, 1);                                    \
    return info;                                                                                                       \
  }                                                                                                                    \
  /* The upper triangle of a [n, n]; a becomes the eigenvectors, one a column, w the eigenvalues, ascending. */         \
  static inline int repro_syevd_##S(int n, T *a, T *w, T *work, int lwork, int *iwork, int liwork) {                   \
    int info = 0;                                                                                                      \
    P##syevd_("V", "U", &n, a, &n, w, work, &lwork, iwork, &liwork, &info, 1, 1);                                      \
    return info;                                                                                                       \
  }                                                                                                                    \
  /* a [m, n]: r above the diagonal, the k = min(m, n) reflectors of q below it and in tau. */                          \
  static inline int repro_geqrf_##S(int m, int n, T *a, T *tau, T *work, int lwork) {                                  \
    int info = 0;                                                                                                      \
    P##geqrf_(&m, &n, a, &m, tau, work, &lwork, &info);                                                                \
    return info;                                                                                                       \
  }                                                                                                                    \
  /* The first n columns of q, [m, n], from as many reflectors. */                                                      \
  static inline int repro_orgqr_##S(int m, int n, T *a, const T *tau, T *work, int lwork) {                            \
    int info = 0;                                                                                                      \
    P##orgqr_(&m, &n, &n, a, &m, tau, work, &lwork, &info);                                                            \
    return info;                                                                                                       \
  }                                                                                                                    \
  /* The upper triangle of a [n, n] becomes u with u^T u = a. */                                                        \
  static inline int repro_potrf_##S(int n, T *a) {                                                                     \
    int info = 0;                                                                                                      \
    P##potrf_("U", &n, a, &n, &info, 1);                                                                               \
    return info;                                                                                                       \
  }                                                                                                                    \
  /* a [n, n] = p l u; row i was exchanged with row pivots[i] - 1. */                                                   \
  static inline int repro_getrf_##S(int n, T *a, int *pivots) {                                                        \
    int info = 0;                                                                                                      \
    P##getrf_(&n, &n, a, &n, pivots, &info);                                                                           \
    return info;                                                                                                       \
  }                                                                                                                    \
  /* b [n, k] becomes x with a^T x = b, from the factors that getrf gave. */                                            \
  static inline int repro_getrs_transposed_##S(int n, int k, const T *lu, const int *pivots, T *b) {                   \
    int info = 0;                                                                                                      \
    P##getrs_("T", &n, &k, lu, &n, pivots, b, &n, &info, 1);                                                           \
    return info;                                                                                                       \
  }                                                                                                                    \
  /* The factors that getrf gave become the inverse. */                                                                 \
  static inline int repro_getri_##S(int n, T *lu, const int *pivots, T *work, int lwork) {                             \
    int info = 0;                                                                                                      \
    P##getri_(&n, lu, &n, pivots, work, &lwork, &info);                                                                \
    return info;                                                                                                       \
  }

REPRO_LAPACK(s, float, f32)
REPRO_LAPACK(d, double, f64)
#undef REPRO_LAPACK
