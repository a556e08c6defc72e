#pragma once
#include <zlib.h>

// inflateInit2 and deflateInit2 are macros that pass the header's version and the size of the stream.

/// `window_bits`: -15 for bare deflate data, 31 for gzip.
static inline int zlib_inflate_begin(z_stream *stream, int window_bits) { return inflateInit2(stream, window_bits); }

static inline int zlib_deflate_begin(z_stream *stream, int level, int window_bits) {
  return deflateInit2(stream, level, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
}
