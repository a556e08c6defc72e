#pragma once
#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

// A file that somebody else made is first read whole by a child process with little memory and little time. What
// libhdf5 may do with it there (crash, work without end, take memory without end) does not happen to the program.
// In C, because a child of a process with threads must not touch Swift's runtime.

/// What the child knows: how large the file is, where it complains, and whether it has.
struct hdf5_rehearsal {
  hsize_t size;
  int out;
  int failed;
};

static inline herr_t hdf5_rehearsal_complain(struct hdf5_rehearsal *child, const char *what, const char *name) {
  char reason[256], text[512];
  hdf5_last_error(reason, sizeof reason);
  int n = snprintf(text, sizeof text, "%s%.200s (HDF5: %s)", what, name, reason);
  if (!child->failed && write(child->out, text, n < (int)sizeof text ? (size_t)n : sizeof text - 1) < 0) _exit(3);
  child->failed = 1;
  return -1;
}

/// What values of a type are read as, the way that the program does it; negative for those that it does not read.
static inline hid_t hdf5_rehearsal_memory(hid_t type) {
  switch (H5Tget_class(type)) {
    case H5T_FLOAT: return H5Tget_size(type) == 4 ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
    case H5T_INTEGER: return H5T_NATIVE_DOUBLE;
    case H5T_REFERENCE: return H5Tequal(type, H5T_STD_REF_OBJ) > 0 ? H5T_STD_REF_OBJ : -1;
    default: return -1;
  }
}

/// Whether the program would read values that lie like this at all: in this file, unpacked or deflated, and as many as
/// it can hold. What it refuses it refuses with better words.
static inline int hdf5_rehearsal_lies_well(hid_t dataset, hid_t creation, hsize_t bytes, hsize_t size) {
  H5D_layout_t layout = H5Pget_layout(creation);
  if (layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED && layout != H5D_COMPACT) return 0;
  if (H5Pget_external_count(creation) != 0) return 0;
  int filters = H5Pget_nfilters(creation);
  for (int i = 0; i < filters; i++) {
    unsigned flags = 0, configuration = 0;
    size_t count = 0;
    H5Z_filter_t filter = H5Pget_filter2(creation, (unsigned)i, &flags, &count, NULL, 0, NULL, &configuration);
    if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_FLETCHER32) return 0;
  }
  hsize_t stored = H5Dget_storage_size(dataset);
  return stored <= size && bytes / (filters > 0 ? 1032 : 1) <= stored;
}

/// Reads all values of an open dataset, some MiB at a time.
static inline herr_t hdf5_rehearsal_values(hid_t dataset, const char *name, struct hdf5_rehearsal *child) {
  hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset), creation = H5Dget_create_plist(dataset);
  if (type < 0 || space < 0 || creation < 0) return hdf5_rehearsal_complain(child, "cannot open ", name);
  hsize_t extents[H5S_MAX_RANK] = {0}, start[H5S_MAX_RANK] = {0}, count[H5S_MAX_RANK] = {0};
  hsize_t chunk[H5S_MAX_RANK] = {0};
  int rank = H5Sget_simple_extent_ndims(space);
  hid_t memory = hdf5_rehearsal_memory(type);
  size_t size = H5Tget_size(type);
  if (rank < 0 || memory < 0 || size == 0 || H5Sget_simple_extent_type(space) == H5S_NULL) return 0;
  if (H5Sget_simple_extent_dims(space, extents, NULL) < 0) return hdf5_rehearsal_complain(child, "cannot open ", name);
  // Slices along the first axis that has any: rows of the axis, values in a slice of one row.
  int axis = 0;
  while (axis + 1 < rank && extents[axis] == 1) axis++;
  hsize_t values = 1, row = 1;
  for (int i = 0; i < rank; i++) {
    if (extents[i] == 0) return 0;
    if (values > ((hsize_t)1 << 60) / extents[i]) return 0;
    values *= extents[i];
    if (i > axis) row *= extents[i];
  }
  if (values > ((hsize_t)1 << 60) / size || !hdf5_rehearsal_lies_well(dataset, creation, values * size, child->size))
    return 0;
  hsize_t rows = ((hsize_t)1 << 20) / row;
  if (rows < 1) rows = 1;
  if (rank > 0 && H5Pget_layout(creation) == H5D_CHUNKED && H5Pget_chunk(creation, rank, chunk) == rank) {
    // Whole chunks, so that none is unpacked twice.
    if (chunk[axis] > 0) rows = (rows + chunk[axis] - 1) / chunk[axis] * chunk[axis];
  }
  hsize_t total = rank == 0 ? 1 : extents[axis];
  if (rows > total) rows = total;
  void *buffer = calloc((size_t)(rows * row), sizeof(double));
  if (!buffer) return hdf5_rehearsal_complain(child, "there is no memory for ", name);
  for (hsize_t at = 0; at < total; at += rows) {
    hid_t part = H5S_ALL;
    if (rank > 0) {
      for (int i = 0; i < rank; i++) count[i] = extents[i];
      start[axis] = at;
      count[axis] = total - at < rows ? total - at : rows;
      part = H5Screate_simple(rank, count, NULL);
      if (part < 0 || H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0)
        return hdf5_rehearsal_complain(child, "cannot read ", name);
    }
    if (H5Dread(dataset, memory, part, rank > 0 ? space : H5S_ALL, H5P_DEFAULT, buffer) < 0)
      return hdf5_rehearsal_complain(child, "cannot read ", name);
    if (memory == H5T_STD_REF_OBJ) {
      for (hsize_t i = 0; i < rows * row && at * row + i < values; i++) {
        char target[1024];
        H5Rget_name(dataset, H5R_OBJECT, (hobj_ref_t *)buffer + i, target, sizeof target);
      }
    }
    if (part != H5S_ALL) H5Sclose(part);
  }
  free(buffer);
  H5Pclose(creation);
  H5Sclose(space);
  H5Tclose(type);
  return 0;
}

/// Reads one attribute, if it is of a kind that the program reads: one number or text.
static inline herr_t hdf5_rehearsal_attribute(hid_t owner, const char *name, const H5A_info_t *info, void *data) {
  struct hdf5_rehearsal *child = (struct hdf5_rehearsal *)data;
  (void)info;
  hid_t attribute = H5Aopen(owner, name, H5P_DEFAULT);
  if (attribute < 0) return hdf5_rehearsal_complain(child, "cannot open the attribute ", name);
  hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  if (type < 0 || space < 0) return hdf5_rehearsal_complain(child, "cannot open the attribute ", name);
  if (H5Sget_simple_extent_npoints(space) == 1) {
    int failed = 0;
    double number;
    switch (H5Tget_class(type)) {
      case H5T_INTEGER:
      case H5T_FLOAT: failed = H5Aread(attribute, H5T_NATIVE_DOUBLE, &number) < 0; break;
      case H5T_STRING: {
        char *text = NULL;
        size_t size = H5Tget_size(type);
        if (H5Tis_variable_str(type) > 0) {
          failed = H5Aread(attribute, type, &text) < 0;
          if (!failed) H5free_memory(text);
        } else if (size <= 1 << 16 && (text = (char *)calloc(size, 1))) {
          failed = H5Aread(attribute, type, text) < 0;
          free(text);
        }
        break;
      }
      default: break;
    }
    if (failed) return hdf5_rehearsal_complain(child, "cannot read the attribute ", name);
  }
  H5Sclose(space);
  H5Tclose(type);
  H5Aclose(attribute);
  return 0;
}

#if H5_VERSION_GE(1, 12, 0)
typedef H5O_info2_t hdf5_rehearsal_info;
#else
typedef H5O_info_t hdf5_rehearsal_info;
#endif

static inline herr_t hdf5_rehearsal_object(hid_t file, const char *name, const hdf5_rehearsal_info *info, void *data) {
  struct hdf5_rehearsal *child = (struct hdf5_rehearsal *)data;
  if (info->type != H5O_TYPE_GROUP && info->type != H5O_TYPE_DATASET) return 0;
  hid_t object = H5Oopen(file, name, H5P_DEFAULT);
  if (object < 0) return hdf5_rehearsal_complain(child, "cannot open ", name);
  herr_t status = H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, hdf5_rehearsal_attribute, child);
  if (status < 0) return hdf5_rehearsal_complain(child, "cannot list the attributes of ", name);
  if (info->type == H5O_TYPE_DATASET) status = hdf5_rehearsal_values(object, name, child);
  H5Oclose(object);
  return status;
}

/// How much address space the process has, in bytes.
static inline long long hdf5_rehearsal_space(void) {
  char text[64] = {0};
  int statm = open("/proc/self/statm", O_RDONLY);
  if (statm < 0) return 0;
  ssize_t n = read(statm, text, sizeof text - 1);
  close(statm);
  return n > 0 ? atoll(text) * sysconf(_SC_PAGESIZE) : 0;
}

/// The child: never comes back.
static inline void hdf5_rehearsal_child(const char *path, long long memory, long milliseconds, int out) {
  for (int i = 1; i < 32; i++) signal(i, SIG_DFL);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const rlim_t most = (rlim_t)(hdf5_rehearsal_space() + memory);
  const struct rlimit none = {0, 0}, space = {most, most};
  const struct itimerval time = {{0, 0}, {milliseconds / 1000, milliseconds % 1000 * 1000}};
  setrlimit(RLIMIT_CORE, &none);
  setrlimit(RLIMIT_FSIZE, &none);
  setrlimit(RLIMIT_AS, &space);
  setitimer(ITIMER_PROF, &time, NULL);
  struct stat file_status;
  if (stat(path, &file_status) < 0) _exit(3);
  struct hdf5_rehearsal child = {(hsize_t)file_status.st_size, out, 0};
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  hdf5_no_locks(access);
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, access);
  if (file < 0) {
    hdf5_rehearsal_complain(&child, "cannot open the file", "");
    _exit(1);
  }
#if H5_VERSION_GE(1, 12, 0)
  herr_t status = H5Ovisit3(file, H5_INDEX_NAME, H5_ITER_INC, hdf5_rehearsal_object, &child, H5O_INFO_BASIC);
#else
  herr_t status = H5Ovisit(file, H5_INDEX_NAME, H5_ITER_INC, hdf5_rehearsal_object, &child);
#endif
  if (status < 0) hdf5_rehearsal_complain(&child, "cannot list the file", "");
  H5Fclose(file);
  _exit(child.failed);
}

/// Lets a child process read a file; call inside the library's lock.
///
/// - memory: bytes that the child may take beyond what the process has; milliseconds: of processor time, then SIGPROF.
/// - message: what the child says of a file that it cannot read; `room` bytes, ended by 0.
/// - Returns: 0 if all was read or what cannot be read is of a kind that the program refuses; the number of the signal
///   that ended the child; -1 if it complained; -2 if there could be no child (errno says why).
static inline int hdf5_rehearse(const char *path, long long memory, long milliseconds, char *message, size_t room) {
  int ends[2];
  message[0] = 0;
  if (pipe2(ends, O_CLOEXEC) < 0) return -2;
  pid_t pid = fork();
  if (pid < 0) {
    close(ends[0]);
    close(ends[1]);
    return -2;
  }
  if (pid == 0) hdf5_rehearsal_child(path, memory, milliseconds, ends[1]);
  close(ends[1]);
  size_t length = 0;
  while (length + 1 < room) {
    ssize_t n = read(ends[0], message + length, room - 1 - length);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    length += (size_t)n;
  }
  message[length] = 0;
  close(ends[0]);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return -2;
  }
  if (WIFSIGNALED(status)) return WTERMSIG(status);
  return WEXITSTATUS(status) == 0 ? 0 : -1;
}
