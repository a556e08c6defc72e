// Loaded before the C library (LD_PRELOAD): makes calls on files below one folder fail, come short, or the clock jump.
//
//   FAULT_FOLDER  only files whose path begins with it
//   FAULT_CALL    write, fsync, rename, open (for writing), mkdir, short, clock
//   FAULT_ERRNO   what the call fails with
//   FAULT_AFTER   how many such calls of a process are left alone first
//   FAULT_COUNT   how many fail then; -1 for all
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static atomic_long calls;

static long setting(const char *name, long otherwise) {
  const char *text = getenv(name);
  return text ? atol(text) : otherwise;
}

static int is_below(const char *path) {
  const char *folder = getenv("FAULT_FOLDER");
  char whole[PATH_MAX];
  if (!folder || !path) return 0;
  if (path[0] != '/') {
    char here[PATH_MAX / 2];
    if (!getcwd(here, sizeof here)) return 0;
    snprintf(whole, sizeof whole, "%s/%.*s", here, PATH_MAX / 2 - 2, path);
    path = whole;
  }
  return strncmp(path, folder, strlen(folder)) == 0;
}

static int is_descriptor_below(int fd) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n <= 0) return 0;
  path[n] = 0;
  return is_below(path);
}

/// Whether this call is one that has to fail.
static int fails(const char *call, int applies) {
  const char *wanted = getenv("FAULT_CALL");
  if (!wanted || strcmp(wanted, call) != 0 || !applies) return 0;
  long number = atomic_fetch_add(&calls, 1), after = setting("FAULT_AFTER", 0), count = setting("FAULT_COUNT", 1);
  if (number < after || (count >= 0 && number >= after + count)) return 0;
  errno = (int)setting("FAULT_ERRNO", EIO);
  return 1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *bytes, size_t n) {
  int below = is_descriptor_below(fd);
  if (fails("write", below)) return -1;
  if (n > 1 && fails("short", below)) n /= 2;
  return NEXT(write)(fd, bytes, n);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at) {
  int below = is_descriptor_below(fd);
  if (fails("write", below)) return -1;
  if (n > 1 && fails("short", below)) n /= 2;
  return NEXT(pwrite)(fd, bytes, n, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at) {
  int below = is_descriptor_below(fd);
  if (fails("write", below)) return -1;
  if (n > 1 && fails("short", below)) n /= 2;
  return NEXT(pwrite64)(fd, bytes, n, at);
}

int fsync(int fd) { return fails("fsync", is_descriptor_below(fd)) ? -1 : NEXT(fsync)(fd); }

int rename(const char *from, const char *to) { return fails("rename", is_below(to)) ? -1 : NEXT(rename)(from, to); }

int mkdir(const char *path, mode_t mode) { return fails("mkdir", is_below(path)) ? -1 : NEXT(mkdir)(path, mode); }

static int opens(const char *name, const char *path, int flags, mode_t mode) {
  if ((flags & O_ACCMODE) != O_RDONLY && fails("open", is_below(path))) return -1;
  return ((int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name))(path, flags, mode);
}

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return opens("open", path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return opens("open64", path, flags, mode);
}

/// Every clock jumps back and forth by up to days, from call to call.
int clock_gettime(clockid_t clock, struct timespec *time) {
  int result = NEXT(clock_gettime)(clock, time);
  const char *wanted = getenv("FAULT_CALL");
  if (result == 0 && wanted && strcmp(wanted, "clock") == 0) {
    long number = atomic_fetch_add(&calls, 1);
    time->tv_sec += (number * 2654435761u % 400001) - 200000;
  }
  return result;
}
