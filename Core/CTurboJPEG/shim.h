#pragma once
#include <turbojpeg.h>
#if defined(__has_include)
#if __has_include(<jconfig.h>)
#include <jconfig.h>
#endif
#endif

#define TURBOJPEG_TEXT_(x) #x
#define TURBOJPEG_TEXT(x) TURBOJPEG_TEXT_(x)

/// The library's version if its headers say so: decoded pixels may change with it.
static inline const char *turbojpeg_library_version(void) {
#ifdef LIBJPEG_TURBO_VERSION
  return TURBOJPEG_TEXT(LIBJPEG_TURBO_VERSION);
#else
  return "unknown";
#endif
}

/// The accurate integer DCT, smooth chroma upsampling (the default), and no guessing in damaged files.
static inline int turbojpeg_decode_flags(void) { return TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS; }
