// Makes a disk fail: loaded before the C library (LD_PRELOAD), it looks for a file named by FAULT whenever
// something is written or synced. `full` in it: there is no room. `sync`: nothing reaches the disk.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int fault(const char *kind) {
  char text[16] = "";
  const char *path = getenv("FAULT");
  int file = path == NULL ? -1 : open(path, O_RDONLY);
  if (file < 0) return 0;
  ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  return length > 0 && strcmp(text, kind) == 0;
}

#define FAIL_IF(kind, error) \
  if (fault(kind)) { \
    errno = error; \
    return -1; \
  }

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t offset) {
  FAIL_IF("full", ENOSPC)
  return ((ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64"))(file, bytes, length, offset);
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset) {
  return pwrite64(file, bytes, length, offset);
}

int fdatasync(int file) {
  FAIL_IF("sync", EIO)
  return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(file);
}

int fsync(int file) {
  FAIL_IF("sync", EIO)
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(file);
}
