// Philox 4x32-10 (Salmon et al. 2011), sixteen blocks side by side, and the numbers made of it.

/// Words 0 to 3 of blocks `block ..< block + 16`, each in the low half of its lane; the high halves hold anything:
/// the 32 x 32 bit multiplication does not see them.
INLINE void philoxBlocks(uint64_t key, uint64_t lane, uint64_t block, uint64x16 word[4]) {
  uint64x16 counter = (uint64x16)block + (uint64x16){IOTA};
  uint64x16 c0 = counter, c1 = counter >> 32, c2 = (uint64x16)(lane & 0xFFFFFFFF), c3 = (uint64x16)(lane >> 32);
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  for (int round = 0; round < 10; round++) {
    uint64x16 p0 = (c0 & 0xFFFFFFFF) * 0xD2511F53, p1 = (c2 & 0xFFFFFFFF) * 0xCD9E8D57;
    c0 = (p1 >> 32) ^ c1 ^ (uint64x16)(uint64_t)k0;
    c2 = (p0 >> 32) ^ c3 ^ (uint64x16)(uint64_t)k1;
    c1 = p1;
    c3 = p0;
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  word[0] = c0;
  word[1] = c1;
  word[2] = c2;
  word[3] = c3;
}

#if REPRO_SCALAR == 32
#define NUMBERS_PER_BLOCK 4

/// Multiples of 2^-24 from the upper bits of each word.
INLINE void uniformsOfBlocks(const uint64x16 word[4], vec u[4]) {
#pragma clang loop unroll(full)
  for (int k = 0; k < 4; k++) {
    int32x16 top = __builtin_convertvector(word[k] >> 8, int32x16) & 0xFFFFFF;
    u[k] = __builtin_convertvector(top, vec) * 0x1p-24f;
  }
}

/// Number k of block b goes to y[4 b + k].
INLINE void storeBlocks(real *y, const vec u[4]) {
  vec evenLow = zipLow(u[0], u[2]), evenHigh = zipHigh(u[0], u[2]);
  vec oddLow = zipLow(u[1], u[3]), oddHigh = zipHigh(u[1], u[3]);
  store(y, zipLow(evenLow, oddLow));
  store(y + LANES, zipHigh(evenLow, oddLow));
  store(y + 2 * LANES, zipLow(evenHigh, oddHigh));
  store(y + 3 * LANES, zipHigh(evenHigh, oddHigh));
}
#else
#define NUMBERS_PER_BLOCK 2

/// Multiples of 2^-53 from pairs of words, the low word first.
INLINE void uniformsOfBlocks(const uint64x16 word[4], vec u[2]) {
#pragma clang loop unroll(full)
  for (int k = 0; k < 2; k++) {
    uint64x16 pair = (word[2 * k] & 0xFFFFFFFF) | word[2 * k + 1] << 32;
    u[k] = __builtin_convertvector((int64x16)(pair >> 11), vec) * 0x1p-53;
  }
}

/// Number k of block b goes to y[2 b + k].
INLINE void storeBlocks(real *y, const vec u[2]) {
  store(y, zipLow(u[0], u[1]));
  store(y + LANES, zipHigh(u[0], u[1]));
}
#endif

#define BATCH (LANES * NUMBERS_PER_BLOCK)

/// u1 moved to (0, 1], then sqrt(-2 ln u1) times cos and sin of 2 pi u2 (Box and Muller 1958). The largest single is
/// sqrt(48 ln 2) = 5.77, the largest double 8.57.
INLINE void normalPair(vec *u1, vec *u2) {
  vec sine, cosine, radius = squareRootOf(-2 * vlog(1 - *u1));
  sineAndCosineOfTurn(*u2, &sine, &cosine);
  *u1 = radius * cosine;
  *u2 = radius * sine;
}

INLINE void uniformBatch(uint64_t key, uint64_t lane, uint64_t block, real *y) {
  uint64x16 word[4];
  vec u[NUMBERS_PER_BLOCK];
  philoxBlocks(key, lane, block, word);
  uniformsOfBlocks(word, u);
  storeBlocks(y, u);
}

INLINE void normalBatch(uint64_t key, uint64_t lane, uint64_t block, real *y) {
  uint64x16 word[4];
  vec u[NUMBERS_PER_BLOCK];
  philoxBlocks(key, lane, block, word);
  uniformsOfBlocks(word, u);
#pragma clang loop unroll(full)
  for (int k = 0; k < NUMBERS_PER_BLOCK; k += 2) normalPair(&u[k], &u[k + 1]);
  storeBlocks(y, u);
}

/// Whole batches straight to memory; a batch of which only a part is wanted passes through a buffer.
#define DEFINE_STREAM(name, batch)                                                              \
  static void name(uint64_t key, uint64_t lane, uint64_t first, ptrdiff_t n, real *y) {         \
    uint64_t block = first / NUMBERS_PER_BLOCK;                                                 \
    ptrdiff_t skip = (ptrdiff_t)(first % NUMBERS_PER_BLOCK);                                    \
    while (n > 0) {                                                                             \
      ptrdiff_t count = BATCH - skip < n ? BATCH - skip : n;                                    \
      if (count == BATCH) {                                                                     \
        batch(key, lane, block, y);                                                             \
      } else {                                                                                  \
        real buffer[BATCH];                                                                     \
        batch(key, lane, block, buffer);                                                        \
        __builtin_memcpy(y, buffer + skip, (size_t)count * sizeof(real));                       \
      }                                                                                         \
      block += LANES;                                                                           \
      y += count;                                                                               \
      n -= count;                                                                               \
      skip = 0;                                                                                 \
    }                                                                                           \
  }

DEFINE_STREAM(kernelUniform, uniformBatch)
DEFINE_STREAM(kernelNormal, normalBatch)
