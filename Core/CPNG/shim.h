#pragma once
#include <png.h>
#include <string.h>

// The simplified API describes pixels by macros; failures come back as values, so no setjmp is needed.

static inline png_image png_image_empty(void) {
  png_image image;
  memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  return image;
}

static inline png_uint_32 png_format_gray(void) { return PNG_FORMAT_GRAY; }
static inline png_uint_32 png_format_gray_alpha(void) { return PNG_FORMAT_GA; }
static inline png_uint_32 png_format_rgb(void) { return PNG_FORMAT_RGB; }
static inline png_uint_32 png_format_rgba(void) { return PNG_FORMAT_RGBA; }
static inline int png_has_color(png_uint_32 format) { return (format & PNG_FORMAT_FLAG_COLOR) != 0; }
static inline int png_has_alpha(png_uint_32 format) { return (format & PNG_FORMAT_FLAG_ALPHA) != 0; }
static inline png_uint_32 png_16_bit_is_srgb(void) { return PNG_IMAGE_FLAG_16BIT_sRGB; }
static inline int png_failed(const png_image *image) { return PNG_IMAGE_FAILED(*image); }
static inline const char *png_message(const png_image *image) { return image->message; }
static inline const char *png_library_version(void) { return PNG_LIBPNG_VER_STRING; }
