#pragma once
#include <hdf5.h>
#include <stdio.h>

// The library's types and property classes are macros over globals that it fills in at its first call: Swift cannot
// see the macros, and strict concurrency refuses the globals.

static inline hid_t hdf5_stored_float32(void) { return H5T_IEEE_F32LE; }
static inline hid_t hdf5_stored_float64(void) { return H5T_IEEE_F64LE; }
static inline hid_t hdf5_stored_int64(void) { return H5T_STD_I64LE; }
static inline hid_t hdf5_stored_int32(void) { return H5T_STD_I32LE; }
static inline hid_t hdf5_stored_uint8(void) { return H5T_STD_U8LE; }

static inline hid_t hdf5_native_float32(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t hdf5_native_float64(void) { return H5T_NATIVE_DOUBLE; }
static inline hid_t hdf5_native_int64(void) { return H5T_NATIVE_INT64; }
static inline hid_t hdf5_native_int32(void) { return H5T_NATIVE_INT32; }
static inline hid_t hdf5_native_uint8(void) { return H5T_NATIVE_UINT8; }
static inline hid_t hdf5_object_reference(void) { return H5T_STD_REF_OBJ; }
static inline hid_t hdf5_c_string(void) { return H5T_C_S1; }

static inline hid_t hdf5_default(void) { return H5P_DEFAULT; }
static inline hid_t hdf5_file_create(void) { return H5P_FILE_CREATE; }
static inline hid_t hdf5_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t hdf5_group_create(void) { return H5P_GROUP_CREATE; }
static inline hid_t hdf5_link_create(void) { return H5P_LINK_CREATE; }
static inline hid_t hdf5_dataset_create(void) { return H5P_DATASET_CREATE; }

static inline unsigned hdf5_truncate(void) { return H5F_ACC_TRUNC; }
static inline unsigned hdf5_read_only(void) { return H5F_ACC_RDONLY; }
static inline hid_t hdf5_whole(void) { return H5S_ALL; }

/// The library prints nothing by itself: errors become values of ours.
static inline void hdf5_be_silent(void) { H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }

/// Never load filter plugins from folders that the environment names.
static inline void hdf5_refuse_plugins(void) { H5PLset_loading_state(0); }

/// Files are replaced by rename and never changed in place, so locks are needless; network file systems often have
/// none.
static inline void hdf5_no_locks(hid_t access) {
#if H5_VERSION_GE(1, 10, 7)
  H5Pset_file_locking(access, 0, 1);
#else
  (void)access;
#endif
}

/// 1 for an ordinary link, 0 for a soft or external one, negative if there is none.
static inline int hdf5_link_is_hard(hid_t file, const char *name) {
#if H5_VERSION_GE(1, 12, 0)
  H5L_info2_t info;
  if (H5Lget_info2(file, name, &info, H5P_DEFAULT) < 0) return -1;
#else
  H5L_info_t info;
  if (H5Lget_info(file, name, &info, H5P_DEFAULT) < 0) return -1;
#endif
  return info.type == H5L_TYPE_HARD;
}

struct hdf5_text {
  char *bytes;
  size_t capacity;
};

static inline herr_t hdf5_keep_innermost(unsigned n, const H5E_error2_t *error, void *into) {
  struct hdf5_text *text = (struct hdf5_text *)into;
  if (n == 0) snprintf(text->bytes, text->capacity, "%s", error->desc ? error->desc : "");
  return 0;
}

/// The innermost message of the last failed call, empty if there is none.
static inline void hdf5_last_error(char *into, size_t capacity) {
  struct hdf5_text text = {into, capacity};
  into[0] = 0;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, hdf5_keep_innermost, &text);
}

#include "rehearsal.h"
